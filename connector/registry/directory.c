#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "answer_internal.h"
#include "base/arena.h"
#include "base/buffer.h"
#include "directory_internal.h"
#include "registered_schema_internal.h"
#include "type_names_internal.h"

#define SUFFIX ".avsc"

enum {
    MAX_TOTAL_BYTES = 64 * 1024 * 1024,
};

/* One schema for good. */
typedef struct named_schema {
    char *name;
    tg_registered_schema_t *schema;
} named_schema_t;

struct tg_schema_directory {
    named_schema_t *schemas; /* by name */
    size_t count;
};

/* One file while the directory is being read. */
typedef struct file {
    const char *name; /* without .avsc */
    const char *text;
    const char *const *defined;
    size_t n_defined;
    const char *const *used;
    size_t n_used;
} file_t;

/* The whole of the reading; its arena goes when all is resolved. */
typedef struct reading {
    const tg_registry_options_t *options;
    tg_arena_t *arena;
    tg_type_names_t *names; /* of the file at hand */
    file_t *files;
    size_t n_files;
} reading_t;

static tg_status_t
out_of_memory(tg_error_t *err)
{
    return tg_error_set(err, TG_ERR_NO_MEMORY, "no memory for the schemas of registry.directory");
}

/* ---- reading the files ------------------------------------------------------------------- */

static void
close_fd(const int *fd)
{
    if (*fd >= 0) {
        (void)close(*fd);
    }
}

/* The text of a file, in the arena. */
static tg_status_t
read_text(reading_t *self, int directory_fd, const char *file_name, const char **ret_text,
          tg_error_t *err)
{
    TG_CLEANUP(close_fd) int fd = openat(directory_fd, file_name, O_RDONLY | O_CLOEXEC);
    TG_CLEANUP(tg_buffer_done) tg_buffer_t content;
    tg_buffer_init(&content, (size_t)self->options->max_schema_bytes);
    ssize_t n_bytes = fd < 0 ? -1 : 1;
    tg_status_t status = TG_OK;
    while (n_bytes > 0 && status == TG_OK) {
        uint8_t part[8192];
        n_bytes = read(fd, part, sizeof part);
        status = n_bytes > 0 ? tg_buffer_append(&content, part, (size_t)n_bytes) : TG_OK;
    }
    if (status == TG_ERR_FULL) {
        return tg_error_set(err, TG_ERR_CONFIG,
                            "it is larger than the %zu bytes that registry.max_schema_bytes allows",
                            content.max_bytes);
    }
    if (status != TG_OK) {
        return out_of_memory(err);
    }
    if (n_bytes < 0) {
        return tg_error_set(err, TG_ERR_CONFIG, "cannot read it: %s", strerror(errno));
    }
    if (content.n_bytes > 0 && memchr(content.data, '\0', content.n_bytes) != NULL) {
        return tg_error_set(err, TG_ERR_CONFIG, "it has a NUL byte in it");
    }
    const char *text = tg_arena_strndup(self->arena, (const char *)content.data, content.n_bytes);
    if (text == NULL) {
        return out_of_memory(err);
    }
    *ret_text = text;
    return TG_OK;
}

static const char *const *
copy_names(reading_t *self, const tg_name_list_t *list)
{
    const char **copy = tg_arena_calloc(self->arena, list->count + 1, sizeof *copy);
    if (copy != NULL) {
        memcpy(copy, list->names, list->count * sizeof *copy);
    }
    return copy;
}

static tg_status_t
read_file(reading_t *self, int directory_fd, const char *file_name, file_t *ret_file,
          tg_error_t *err)
{
    file_t file = {
        .name = tg_arena_strndup(self->arena, file_name, strlen(file_name) - strlen(SUFFIX)),
    };
    if (file.name == NULL) {
        return out_of_memory(err);
    }
    TG_TRY(read_text(self, directory_fd, file_name, &file.text, err));
    if (tg_type_names_find(file.text, self->arena, self->names, err) != TG_OK) {
        return tg_error_wrap(err, TG_ERR_CONFIG, "it is not an Avro schema");
    }
    file.defined = copy_names(self, &self->names->defined);
    file.n_defined = self->names->defined.count;
    file.used = copy_names(self, &self->names->used);
    file.n_used = self->names->used.count;
    if (file.defined == NULL || file.used == NULL) {
        return out_of_memory(err);
    }
    *ret_file = file;
    return TG_OK;
}

static int
is_schema_file(const struct dirent *entry)
{
    size_t n = strlen(entry->d_name);
    return entry->d_name[0] != '.' && n > strlen(SUFFIX) &&
           strcmp(entry->d_name + n - strlen(SUFFIX), SUFFIX) == 0;
}

static int
compare_entries(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static tg_status_t
read_entries(reading_t *self, int directory_fd, struct dirent **entries, size_t count,
             tg_error_t *err)
{
    self->files = tg_arena_calloc(self->arena, count + 1, sizeof *self->files);
    if (self->files == NULL) {
        return out_of_memory(err);
    }
    for (size_t i = 0; i < count; i++) {
        tg_status_t status =
            read_file(self, directory_fd, entries[i]->d_name, &self->files[i], err);
        if (status != TG_OK) {
            return tg_error_wrap(err, status, "registry.directory: %s/%s", self->options->directory,
                                 entries[i]->d_name);
        }
        self->n_files++;
    }
    return TG_OK;
}

static tg_status_t
read_all_files(reading_t *self, tg_error_t *err)
{
    const char *path = self->options->directory;
    struct dirent **entries = NULL;
    TG_CLEANUP(close_fd) int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int count = fd < 0 ? -1 : scandirat(fd, ".", &entries, is_schema_file, compare_entries);
    if (count < 0) {
        return tg_error_set(err, TG_ERR_CONFIG, "registry.directory: cannot read %s: %s", path,
                            strerror(errno));
    }
    tg_status_t status = TG_OK;
    if (count == 0) {
        status = tg_error_set(err, TG_ERR_CONFIG,
                              "registry.directory: %s has no file whose name ends in .avsc", path);
    } else if (count > self->options->max_entries) {
        status = tg_error_set(err, TG_ERR_CONFIG,
                              "registry.directory: %s has %d schemas; registry.max_entries allows "
                              "%" PRId64,
                              path, count, self->options->max_entries);
    } else {
        status = read_entries(self, fd, entries, (size_t)count, err);
    }
    for (int i = 0; i < count; i++) {
        free(entries[i]);
    }
    free(entries);
    return status;
}

/* ---- who needs whom ---------------------------------------------------------------------- */

static bool
defines(const file_t *file, const char *type)
{
    for (size_t i = 0; i < file->n_defined; i++) {
        if (strcmp(file->defined[i], type) == 0) {
            return true;
        }
    }
    return false;
}

/* Named like the type: com.acme.Place.avsc or Place.avsc. */
static bool
is_named_like(const file_t *file, const char *type)
{
    const char *dot = strrchr(type, '.');
    return strcmp(file->name, type) == 0 || (dot != NULL && strcmp(file->name, dot + 1) == 0);
}

/* The file that defines a type for user. Several versions of a schema may lie in one directory: the
 * one that is named like the type counts, else they must be the same. */
static tg_status_t
find_definition(const reading_t *self, const file_t *user, const char *type,
                const file_t **ret_file, tg_error_t *err)
{
    const file_t *found = NULL;
    const file_t *rival = NULL;
    for (size_t i = 0; i < self->n_files; i++) {
        const file_t *file = &self->files[i];
        if (file == user || !defines(file, type)) {
            continue;
        }
        if (found == NULL || (is_named_like(file, type) && !is_named_like(found, type))) {
            rival = is_named_like(file, type) ? NULL : rival;
            found = file;
        } else if (is_named_like(file, type) == is_named_like(found, type) &&
                   strcmp(file->text, found->text) != 0) {
            rival = file;
        }
    }
    if (found == NULL) {
        return tg_error_set(err, TG_ERR_CONFIG,
                            "registry.directory: %s.avsc uses the type %s, which no file in %s "
                            "defines",
                            user->name, type, self->options->directory);
    }
    if (rival != NULL) {
        return tg_error_set(err, TG_ERR_CONFIG,
                            "registry.directory: %s.avsc uses the type %s, which both %s.avsc and "
                            "%s.avsc define; name the right one %s.avsc",
                            user->name, type, found->name, rival->name, type);
    }
    *ret_file = found;
    return TG_OK;
}

/* The files that one file needs, in their order. */
typedef struct needs {
    const file_t *open[TG_ANSWER_MAX_REFERENCES]; /* the way from the first file to here */
    size_t depth;
    const file_t *list[TG_ANSWER_MAX_REFERENCES];
    const char *texts[TG_ANSWER_MAX_REFERENCES];
    size_t count;
} needs_t;

static bool
is_in(const file_t *const *files, size_t count, const file_t *file)
{
    for (size_t i = 0; i < count; i++) {
        if (files[i] == file) {
            return true;
        }
    }
    return false;
}

static tg_status_t collect(const reading_t *self, needs_t *needs, const file_t *file,
                           tg_error_t *err);

static tg_status_t
collect_type(const reading_t *self, needs_t *needs, const file_t *file, const char *type,
             tg_error_t *err)
{
    const file_t *other = NULL;
    TG_TRY(find_definition(self, file, type, &other, err));
    if (is_in(needs->list, needs->count, other)) {
        return TG_OK;
    }
    if (is_in(needs->open, needs->depth, other)) {
        return tg_error_set(err, TG_ERR_CONFIG,
                            "registry.directory: %s.avsc and %s.avsc need each other; put their "
                            "types into one file",
                            file->name, other->name);
    }
    TG_TRY(collect(self, needs, other, err));
    if (needs->count == TG_ANSWER_MAX_REFERENCES) {
        return tg_error_set(err, TG_ERR_CONFIG,
                            "registry.directory: %s.avsc needs more than %d other files",
                            file->name, TG_ANSWER_MAX_REFERENCES);
    }
    needs->list[needs->count] = other;
    needs->texts[needs->count++] = other->text;
    return TG_OK;
}

static tg_status_t
collect(const reading_t *self, needs_t *needs, const file_t *file, tg_error_t *err)
{
    if (needs->depth == TG_ANSWER_MAX_REFERENCES) {
        return tg_error_set(
            err, TG_ERR_CONFIG,
            "registry.directory: %s.avsc is needed in a chain of more than %d files", file->name,
            TG_ANSWER_MAX_REFERENCES);
    }
    needs->open[needs->depth++] = file;
    for (size_t i = 0; i < file->n_used; i++) {
        TG_TRY(collect_type(self, needs, file, file->used[i], err));
    }
    needs->depth--;
    return TG_OK;
}

static tg_status_t
resolve_file(const reading_t *self, const file_t *file, named_schema_t *ret_schema, tg_error_t *err)
{
    needs_t needs = {.count = 0};
    TG_TRY(collect(self, &needs, file, err));
    named_schema_t schema = {
        .name = strdup(file->name),
        .schema = tg_registered_schema_new(file->text, needs.texts, needs.count),
    };
    if (schema.name == NULL || schema.schema == NULL) {
        free(schema.name);
        tg_registered_schema_free(schema.schema);
        return out_of_memory(err);
    }
    *ret_schema = schema;
    return TG_OK;
}

/* ---- life -------------------------------------------------------------------------------- */

static int
compare_schemas(const void *a, const void *b)
{
    return strcmp(((const named_schema_t *)a)->name, ((const named_schema_t *)b)->name);
}

static tg_status_t
resolve_all(const reading_t *self, tg_schema_directory_t *directory, tg_error_t *err)
{
    directory->schemas = calloc(self->n_files + 1, sizeof *directory->schemas);
    if (directory->schemas == NULL) {
        return out_of_memory(err);
    }
    for (size_t i = 0; i < self->n_files; i++) {
        TG_TRY(resolve_file(self, &self->files[i], &directory->schemas[i], err));
        directory->count++;
    }
    /* Not the order of the files: there, ".avsc" took part. */
    qsort(directory->schemas, directory->count, sizeof *directory->schemas, compare_schemas);
    return TG_OK;
}

tg_status_t
tg_schema_directory_open(const tg_registry_options_t *options,
                         tg_schema_directory_t **ret_directory, tg_error_t *err)
{
    TG_CLEANUP(tg_arena_freep) tg_arena_t *arena = tg_arena_new(MAX_TOTAL_BYTES);
    if (arena == NULL) {
        return out_of_memory(err);
    }
    reading_t reading = {
        .options = options,
        .arena = arena,
        .names = tg_arena_alloc(arena, sizeof *reading.names),
    };
    if (reading.names == NULL) {
        return out_of_memory(err);
    }
    TG_TRY(read_all_files(&reading, err));

    TG_CLEANUP(tg_schema_directory_closep)
    tg_schema_directory_t *directory = calloc(1, sizeof *directory);
    if (directory == NULL) {
        return out_of_memory(err);
    }
    TG_TRY(resolve_all(&reading, directory, err)); // NOLINT(clang-analyzer-unix.Malloc): cleanup
    *ret_directory = TG_STEAL(directory);
    return TG_OK;
}

void
tg_schema_directory_close(tg_schema_directory_t *directory)
{
    if (directory == NULL) {
        return;
    }
    for (size_t i = 0; i < directory->count; i++) {
        free(directory->schemas[i].name);
        tg_registered_schema_free(directory->schemas[i].schema);
    }
    free(directory->schemas);
    free(directory);
}

static int
compare_name(const void *name, const void *schema)
{
    return strcmp(name, ((const named_schema_t *)schema)->name);
}

const tg_registered_schema_t *
tg_schema_directory_find(const tg_schema_directory_t *directory, const tg_schema_key_t *key)
{
    char text[TG_GUID_TEXT_BYTES];
    const char *name = key->name;
    switch (key->kind) {
    case TG_SCHEMA_KEY_ID:
        (void)snprintf(text, sizeof text, "%" PRId64, key->id);
        name = text;
        break;
    case TG_SCHEMA_KEY_GUID:
        name = tg_schema_key_guid_text(key->guid, text);
        break;
    case TG_SCHEMA_KEY_GLOBAL_ID:
        return NULL;
    case TG_SCHEMA_KEY_NAME:
        break;
    }
    const named_schema_t *found = name == NULL || directory->count == 0
                                      ? NULL
                                      : bsearch(name, directory->schemas, directory->count,
                                                sizeof *directory->schemas, compare_name);
    return found != NULL ? found->schema : NULL;
}

size_t
tg_schema_directory_count(const tg_schema_directory_t *directory)
{
    return directory->count;
}
