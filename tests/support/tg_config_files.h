/*
 * A directory of its own for tests that load configurations, and what came of a load.
 */
#ifndef TG_CONFIG_FILES_H
#define TG_CONFIG_FILES_H

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/config.h"
#include "tg_test.h"

typedef struct tg_config_files {
    char directory[64];
    int original; /* descriptor of the directory that the program was started in */
    tg_config_problems_t *problems;
    tg_config_t *config; /* NULL: the load failed */
    tg_error_t err;
    tg_status_t status;
    tg_buffer_t text; /* problems, one a line */
} tg_config_files_t;

/* Makes a directory and goes there, so that messages name files without one. */
static inline int
tg_config_files_setup(void **state)
{
    tg_config_files_t *files = calloc(1, sizeof *files);
    assert_non_null(files);
    (void)snprintf(files->directory, sizeof files->directory, "/tmp/tg-config-XXXXXX");
    assert_non_null(mkdtemp(files->directory));
    files->original = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(files->original >= 0);
    assert_int_equal(chdir(files->directory), 0);
    tg_buffer_init(&files->text, (size_t)1024 * 1024);
    *state = files;
    return 0;
}

static inline void
tg_config_files_forget(tg_config_files_t *files)
{
    tg_config_free(files->config);
    tg_config_problems_free(files->problems);
    tg_buffer_done(&files->text);
    files->config = NULL;
    files->problems = NULL;
}

static inline int
tg_config_files_teardown(void **state)
{
    tg_config_files_t *files = *state;
    tg_config_files_forget(files);
    assert_int_equal(fchdir(files->original), 0);
    (void)close(files->original);
    char command[128];
    (void)snprintf(command, sizeof command, "rm -rf '%s'", files->directory);
    assert_int_equal(system(command), 0); // NOLINT(cert-env33-c): a name that we made
    free(files);
    return 0;
}

static inline void
tg_config_files_write_bytes(const char *name, const void *data, size_t n_bytes)
{
    FILE *file = fopen(name, "we");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, n_bytes, file), n_bytes);
    assert_int_equal(fclose(file), 0);
}

static inline void
tg_config_files_write(const char *name, const char *text)
{
    tg_config_files_write_bytes(name, text, strlen(text));
}

/* Loads a file; the problems are in files->text afterwards. */
static inline void
tg_config_files_load(tg_config_files_t *files, const char *name, char *const *environment)
{
    tg_config_files_forget(files);
    files->problems = tg_config_problems_new();
    assert_non_null(files->problems);
    files->err.text[0] = '\0';
    files->status = tg_config_load(name, environment, files->problems, &files->config, &files->err);
    assert_int_equal(tg_config_problems_format(files->problems, &files->text), TG_OK);
    assert_non_null(tg_buffer_text(&files->text));
}

static inline const char *
tg_config_files_text(tg_config_files_t *files)
{
    return tg_buffer_text(&files->text);
}

/* Writes plant.conf and loads it. */
static inline void
tg_config_files_try(tg_config_files_t *files, const char *text, char *const *environment)
{
    tg_config_files_write("plant.conf", text);
    tg_config_files_load(files, "plant.conf", environment);
}

/* The same; it must succeed. */
static inline const tg_config_t *
tg_config_files_must(tg_config_files_t *files, const char *text, char *const *environment)
{
    tg_config_files_try(files, text, environment);
    if (files->status != TG_OK) {
        fail_msg("%s\n%s", files->err.text, tg_config_files_text(files));
    }
    return files->config;
}

#endif
