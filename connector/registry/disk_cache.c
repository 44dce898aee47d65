#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base_url_internal.h"
#include "disk_cache_internal.h"
#include "disk_format_internal.h"
#include "hash_internal.h"

#define TEMPORARY_PREFIX ".tmp-"

enum {
    MAX_FILE_NAME_BYTES = TG_DISK_NAME_BYTES + 16,
    STALE_SECONDS = 3600, /* a temporary file of this age was left by a process that died */
};

struct tg_disk_cache {
    int fd; /* of the directory of this registry */
    size_t max_files;
    size_t max_file_bytes;
    atomic_size_t n_files;
};

static void
close_fd(const int *fd)
{
    if (*fd >= 0) {
        (void)close(*fd);
    }
}

/* ---- the directory ----------------------------------------------------------------------- */

/* Ids mean something only together with the registry that gave them. */
static tg_status_t
hash_urls(const tg_registry_options_t *options, uint64_t *ret_hash, tg_error_t *err)
{
    uint64_t hash = TG_HASH_START;
    for (size_t i = 0; i < options->n_urls; i++) {
        tg_base_url_t url = {0};
        TG_TRY(tg_base_url_init(&url, options->urls[i], i + 1, err));
        hash = tg_hash_bytes(hash, url.text, strlen(url.text) + 1);
        tg_base_url_done(&url);
    }
    *ret_hash = hash;
    return TG_OK;
}

static tg_status_t
open_directory(int parent_fd, const char *path, const char *shown, int *ret_fd, tg_error_t *err)
{
    if (mkdirat(parent_fd, path, 0700) != 0 && errno != EEXIST) {
        return tg_error_set(err, TG_ERR_CONFIG, "registry.cache_directory: cannot make %s: %s",
                            shown, strerror(errno));
    }
    int fd = openat(parent_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return tg_error_set(err, TG_ERR_CONFIG, "registry.cache_directory: cannot open %s: %s",
                            shown, strerror(errno));
    }
    *ret_fd = fd;
    return TG_OK;
}

/* Who can write here can make us misread records. */
static tg_status_t
check_directory(int fd, const char *shown, tg_error_t *err)
{
    struct stat info;
    if (fstat(fd, &info) != 0 || (info.st_mode & S_IWOTH) != 0) {
        return tg_error_set(err, TG_ERR_CONFIG,
                            "registry.cache_directory: everybody can write to %s, and so change "
                            "how records are read; chmod 0700 it",
                            shown);
    }
    if (faccessat(fd, ".", W_OK | X_OK, AT_EACCESS) != 0) {
        return tg_error_set(err, TG_ERR_CONFIG, "registry.cache_directory: cannot write to %s: %s",
                            shown, strerror(errno));
    }
    return TG_OK;
}

/* What another process is writing right now is young; the old ones are nobody's. */
static void
remove_if_stale(int fd, const char *name, int64_t now_s)
{
    struct stat info;
    if (fstatat(fd, name, &info, AT_SYMLINK_NOFOLLOW) == 0 &&
        now_s - (int64_t)info.st_mtime > STALE_SECONDS) {
        (void)unlinkat(fd, name, 0);
    }
}

static size_t
count_and_tidy(int fd, int64_t now_s)
{
    size_t n_files = 0;
    int own_fd = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *directory = own_fd >= 0 ? fdopendir(own_fd) : NULL;
    if (directory == NULL) {
        close_fd(&own_fd);
        return 0;
    }
    const struct dirent *entry = NULL;
    while ((entry = readdir(directory)) != NULL) {
        if (strncmp(entry->d_name, TEMPORARY_PREFIX, strlen(TEMPORARY_PREFIX)) == 0) {
            remove_if_stale(fd, entry->d_name, now_s);
        } else if (entry->d_name[0] != '.') {
            n_files++;
        }
    }
    (void)closedir(directory);
    return n_files;
}

/* The directory of this registry inside the one of the configuration. */
static tg_status_t
open_own_directory(const tg_registry_options_t *options, int *ret_fd, tg_error_t *err)
{
    uint64_t hash = 0;
    char name[32];
    TG_CLEANUP(close_fd) int parent_fd = -1;
    TG_CLEANUP(close_fd) int fd = -1;
    TG_TRY(hash_urls(options, &hash, err));
    (void)snprintf(name, sizeof name, "%016" PRIx64, hash);
    const char *shown = options->cache_directory;
    TG_TRY(open_directory(AT_FDCWD, shown, shown, &parent_fd, err));
    TG_TRY(check_directory(parent_fd, shown, err));
    TG_TRY(open_directory(parent_fd, name, name, &fd, err));
    TG_TRY(check_directory(fd, name, err));
    *ret_fd = fd;
    fd = -1;
    return TG_OK;
}

tg_status_t
tg_disk_cache_open(const tg_registry_options_t *options, tg_disk_cache_t **ret_cache,
                   tg_error_t *err)
{
    TG_CLEANUP(close_fd) int fd = -1;
    TG_TRY(open_own_directory(options, &fd, err));
    tg_disk_cache_t *cache = calloc(1, sizeof *cache);
    if (cache == NULL) {
        return tg_error_set(err, TG_ERR_NO_MEMORY, "no memory for the schema cache");
    }
    cache->max_files = (size_t)options->max_entries;
    /* As JSON inside JSON a text can double. */
    cache->max_file_bytes = 2 * (size_t)options->max_schema_bytes + 4096;
    atomic_init(&cache->n_files, count_and_tidy(fd, tg_clock_now_unix_ms(options->clock) / 1000));
    cache->fd = fd;
    fd = -1;
    *ret_cache = cache;
    return TG_OK;
}

void
tg_disk_cache_close(tg_disk_cache_t *cache)
{
    if (cache != NULL) {
        close_fd(&cache->fd);
        free(cache);
    }
}

/* ---- one file ---------------------------------------------------------------------------- */

static void
file_name(const tg_schema_key_t *key, char name[MAX_FILE_NAME_BYTES])
{
    char stem[TG_DISK_NAME_BYTES];
    (void)snprintf(name, MAX_FILE_NAME_BYTES, "%s.schema", tg_disk_format_name(key, stem));
}

/* All of a file that is not larger than it may be. */
static tg_status_t
read_all(int fd, tg_buffer_t *file)
{
    for (;;) {
        uint8_t part[8192];
        ssize_t n_bytes = read(fd, part, sizeof part);
        if (n_bytes < 0 && errno == EINTR) {
            continue;
        }
        if (n_bytes < 0) {
            return TG_ERR_IO;
        }
        if (n_bytes == 0) {
            return TG_OK;
        }
        TG_TRY(tg_buffer_append(file, part, (size_t)n_bytes));
    }
}

tg_status_t
tg_disk_cache_load(tg_disk_cache_t *cache, const tg_schema_key_t *key,
                   tg_registered_schema_t **ret_schema, bool *ret_damaged, tg_error_t *err)
{
    char name[MAX_FILE_NAME_BYTES];
    char text[TG_SCHEMA_KEY_TEXT_BYTES];
    file_name(key, name);
    *ret_damaged = false;
    TG_CLEANUP(close_fd) int fd = openat(cache->fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0) {
        return tg_error_set(err, TG_ERR_NOT_FOUND, "%s is not in the cache directory",
                            tg_schema_key_text(key, text, sizeof text));
    }
    TG_CLEANUP(tg_buffer_done) tg_buffer_t file;
    tg_buffer_init(&file, cache->max_file_bytes);
    tg_status_t status = read_all(fd, &file);
    if (status == TG_OK) {
        status = tg_disk_format_read(key, tg_buffer_view(&file), ret_schema);
    }
    if (status == TG_ERR_NO_MEMORY) {
        return tg_error_set(err, status, "no memory for a schema");
    }
    if (status != TG_OK) {
        *ret_damaged = true;
        return tg_error_set(err, TG_ERR_NOT_FOUND, "%s in the cache directory is damaged", name);
    }
    return TG_OK;
}

static bool
write_all(int fd, tg_bytes_t bytes)
{
    while (bytes.n_bytes > 0) {
        ssize_t n_bytes = write(fd, bytes.data, bytes.n_bytes);
        if (n_bytes < 0 && errno == EINTR) {
            continue;
        }
        if (n_bytes <= 0) {
            return false;
        }
        bytes = tg_bytes_of(bytes.data + n_bytes, bytes.n_bytes - (size_t)n_bytes);
    }
    return true;
}

/* Never into a file that is there: in containers all processes have the same id, so that names are
 * random. */
static bool
write_temporary(tg_disk_cache_t *cache, const char *name, tg_bytes_t content)
{
    int fd = openat(cache->fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) {
        return false;
    }
    bool written = write_all(fd, content) && fsync(fd) == 0;
    int error = errno;
    if (close(fd) != 0 && written) {
        return false;
    }
    errno = error;
    return written;
}

static tg_status_t
put_file(tg_disk_cache_t *cache, const char *name, tg_bytes_t content, tg_error_t *err)
{
    char temporary[64];
    uint64_t number = 0;
    if (getrandom(&number, sizeof number, 0) != (ssize_t)sizeof number) {
        return tg_error_set(err, TG_ERR_IO, "no random number for a file name: %s",
                            strerror(errno));
    }
    (void)snprintf(temporary, sizeof temporary, TEMPORARY_PREFIX "%016" PRIx64, number);
    if (!write_temporary(cache, temporary, content) ||
        renameat(cache->fd, temporary, cache->fd, name) != 0) {
        tg_status_t status =
            tg_error_set(err, TG_ERR_IO, "cannot write %s: %s", name, strerror(errno));
        (void)unlinkat(cache->fd, temporary, 0);
        return status;
    }
    /* The name itself; what it stands for is on disk already. */
    if (fsync(cache->fd) != 0) {
        return tg_error_set(err, TG_ERR_IO, "cannot flush the directory of %s: %s", name,
                            strerror(errno));
    }
    return TG_OK;
}

tg_status_t
tg_disk_cache_store(tg_disk_cache_t *cache, const tg_schema_key_t *key,
                    const tg_registered_schema_t *schema, tg_error_t *err)
{
    char name[MAX_FILE_NAME_BYTES];
    file_name(key, name);
    if (atomic_load(&cache->n_files) >= cache->max_files) {
        return tg_error_set(err, TG_ERR_FULL,
                            "the cache directory holds %zu files, as many as registry.max_entries "
                            "allows; remove old ones or raise it",
                            cache->max_files);
    }
    TG_CLEANUP(tg_buffer_done) tg_buffer_t file;
    tg_buffer_init(&file, cache->max_file_bytes);
    tg_status_t status = tg_disk_format_write(key, schema, &file);
    if (status != TG_OK) {
        return tg_error_set(err, status, "cannot lay out the file %s", name);
    }
    TG_TRY(put_file(cache, name, tg_buffer_view(&file), err));
    atomic_fetch_add(&cache->n_files, 1);
    return TG_OK;
}
