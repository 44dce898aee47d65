#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config_file_internal.h"

enum { READ_BYTES = 4096 };

static tg_status_t
cannot_read(const char *path, int error, tg_error_t *err)
{
    return tg_error_set(err, TG_ERR_IO, "cannot read %s: %s", path, strerrordesc_np(error));
}

static tg_status_t
check_kind(const char *path, int fd, tg_config_file_kind_t kind, tg_error_t *err)
{
    struct stat info;
    if (fstat(fd, &info) != 0) {
        return cannot_read(path, errno, err);
    }
    if (S_ISDIR(info.st_mode)) {
        return tg_error_set(err, TG_ERR_IO, "cannot read %s: it is a directory", path);
    }
    if (kind == TG_CONFIG_FILE_REGULAR && !S_ISREG(info.st_mode)) {
        return tg_error_set(err, TG_ERR_IO, "cannot read %s: it is not a regular file", path);
    }
    return TG_OK;
}

static tg_status_t
read_all(const char *path, int fd, tg_buffer_t *out, tg_error_t *err)
{
    for (;;) {
        char chunk[READ_BYTES];
        ssize_t n = read(fd, chunk, sizeof chunk);
        if (n == 0) {
            return TG_OK;
        }
        if (n < 0 && errno != EINTR) {
            return cannot_read(path, errno, err);
        }
        if (n < 0) {
            continue;
        }
        if (memchr(chunk, '\0', (size_t)n) != NULL) {
            return tg_error_set(err, TG_ERR_INVALID, "%s is not text: it has a NUL byte", path);
        }
        tg_status_t status = tg_buffer_append(out, chunk, (size_t)n);
        if (status == TG_ERR_FULL) {
            return tg_error_set(err, TG_ERR_TOO_LARGE, "%s is larger than %zu bytes", path,
                                out->max_bytes);
        }
        if (status != TG_OK) {
            return tg_error_set(err, status, "no memory to read %s", path);
        }
    }
}

tg_status_t
tg_config_file_read(const char *path, tg_config_file_kind_t kind, tg_buffer_t *out, tg_error_t *err)
{
    /* Without O_NONBLOCK, opening a pipe would wait for a writer that may never come. */
    int flags = O_RDONLY | O_CLOEXEC | (kind == TG_CONFIG_FILE_REGULAR ? O_NONBLOCK : 0);
    int fd = open(path, flags);
    if (fd < 0) {
        return cannot_read(path, errno, err);
    }
    tg_status_t status = check_kind(path, fd, kind, err);
    if (status == TG_OK) {
        status = read_all(path, fd, out, err);
    }
    (void)close(fd);
    return status;
}
