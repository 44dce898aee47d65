#include <stdlib.h>
#include <string.h>

#include "config_file_internal.h"
#include "config_source_internal.h"

enum { MAX_SOURCE_BYTES = 1024 * 1024, MAX_STRETCHES = 512, MAX_DEPTH = 8 };

static const char INCLUDE[] = "@include";

/* What the text is in the middle of. */
typedef enum within { WITHIN_NOTHING, WITHIN_STRING, WITHIN_COMMENT } within_t;

typedef struct reader {
    tg_config_source_t *source;
    tg_arena_t *arena;
    tg_config_problems_t *problems;
    tg_error_t *err;
    int depth;
    bool hopeless; /* includes run in circles or are too many: no further ones */
} reader_t;

/* One file while its lines are copied into the whole text. */
typedef struct file {
    const char *name;
    int line;
    within_t within;
} file_t;

static tg_status_t append_file(reader_t *reader, const char *path, tg_config_file_kind_t kind);

static tg_status_t
no_memory(const reader_t *reader)
{
    return tg_error_set(reader->err, TG_ERR_NO_MEMORY, "no memory for the configuration");
}

static tg_status_t
begin_stretch(reader_t *reader, const file_t *file)
{
    tg_config_source_t *source = reader->source;
    if (source->n_stretches >= MAX_STRETCHES) {
        return tg_error_set(reader->err, TG_ERR_TOO_LARGE, "more than %d included files",
                            MAX_STRETCHES / 2);
    }
    source->stretches[source->n_stretches++] =
        (tg_config_stretch_t){.file = file->name, .line = file->line, .order = source->n_lines + 1};
    return TG_OK;
}

/* The same three states as libconfig's scanner has: only in WITHIN_NOTHING is @include one. */
static void
follow_line(file_t *file, const char *line, size_t n_bytes)
{
    for (size_t i = 0; i < n_bytes; i++) {
        bool slash_star = i + 1 < n_bytes && line[i] == '/' && line[i + 1] == '*';
        bool star_slash = i + 1 < n_bytes && line[i] == '*' && line[i + 1] == '/';
        bool two_slashes = i + 1 < n_bytes && line[i] == '/' && line[i + 1] == '/';
        if (file->within == WITHIN_STRING && line[i] == '\\') {
            i++;
        } else if (file->within == WITHIN_STRING) {
            file->within = line[i] == '"' ? WITHIN_NOTHING : WITHIN_STRING;
        } else if (file->within == WITHIN_COMMENT && star_slash) {
            file->within = WITHIN_NOTHING;
            i++;
        } else if (file->within == WITHIN_NOTHING && (line[i] == '#' || two_slashes)) {
            return;
        } else if (file->within == WITHIN_NOTHING && (line[i] == '"' || slash_star)) {
            file->within = slash_star ? WITHIN_COMMENT : WITHIN_STRING;
            i += slash_star ? 1 : 0;
        }
    }
}

static tg_status_t
append_line(reader_t *reader, file_t *file, const char *line, size_t n_bytes)
{
    tg_config_source_t *source = reader->source;
    source->n_lines++;
    follow_line(file, line, n_bytes);
    tg_status_t status = tg_buffer_append(&source->text, line, n_bytes);
    if (status == TG_OK) {
        status = tg_buffer_append(&source->text, "\n", 1);
    }
    if (status == TG_ERR_FULL) {
        return tg_error_set(reader->err, TG_ERR_TOO_LARGE,
                            "the configuration with its includes is larger than %d bytes",
                            MAX_SOURCE_BYTES);
    }
    return status == TG_OK ? TG_OK : no_memory(reader);
}

/* The length of `  @include "` at the start of a line; 0: it is none. */
static size_t
include_prefix(const char *line, size_t n_bytes)
{
    size_t at = 0;
    while (at < n_bytes && (line[at] == ' ' || line[at] == '\t')) {
        at++;
    }
    size_t n_word = sizeof INCLUDE - 1;
    if (n_bytes - at < n_word || memcmp(line + at, INCLUDE, n_word) != 0) {
        return 0;
    }
    at += n_word;
    size_t space = at;
    while (at < n_bytes && (line[at] == ' ' || line[at] == '\t')) {
        at++;
    }
    return at > space && at < n_bytes && line[at] == '"' ? at + 1 : 0;
}

/* The name as it is to be opened: relative to the file that includes it. NULL: no memory. */
static char *
included_path(const reader_t *reader, const char *parent, const char *name, size_t n_name)
{
    const char *slash = strrchr(parent, '/');
    size_t n_dir =
        slash == NULL || (n_name > 0 && name[0] == '/') ? 0 : (size_t)(slash - parent) + 1;
    char *path = tg_arena_alloc(reader->arena, n_dir + n_name + 1);
    if (path != NULL) {
        memcpy(path, parent, n_dir);
        memcpy(path + n_dir, name, n_name);
        path[n_dir + n_name] = '\0';
    }
    return path;
}

/* What goes wrong inside is a problem of the line that includes. */
static tg_status_t
include(reader_t *reader, const file_t *parent, const char *name, size_t n_name)
{
    char *path = included_path(reader, parent->name, name, n_name);
    if (path == NULL) {
        return no_memory(reader);
    }
    if (reader->hopeless) {
        return TG_OK;
    }
    tg_config_place_t place = {
        .file = parent->name, .line = parent->line, .order = reader->source->n_lines + 1};
    if (reader->depth == MAX_DEPTH) {
        tg_config_problems_add(
            reader->problems, &place, INCLUDE,
            "files include each other more than %d deep; does %s include itself?", MAX_DEPTH, path);
        reader->source->broken = true;
        reader->hopeless = true;
        return TG_OK;
    }
    reader->depth++;
    tg_status_t status = append_file(reader, path, TG_CONFIG_FILE_REGULAR);
    reader->depth--;
    if (status == TG_OK || status == TG_ERR_NO_MEMORY) {
        return status;
    }
    tg_config_problems_add(reader->problems, &place, INCLUDE, "%s", reader->err->text);
    reader->source->broken = true;
    reader->hopeless = reader->hopeless || status == TG_ERR_TOO_LARGE;
    return TG_OK;
}

static tg_status_t
append_or_include(reader_t *reader, file_t *file, const char *line, size_t n_bytes)
{
    size_t n_prefix = file->within == WITHIN_NOTHING ? include_prefix(line, n_bytes) : 0;
    const char *name = line + n_prefix;
    const char *quote = n_prefix > 0 ? memchr(name, '"', n_bytes - n_prefix) : NULL;
    if (quote == NULL) {
        return append_line(reader, file, line, n_bytes);
    }
    TG_TRY(include(reader, file, name, (size_t)(quote - name)));
    TG_TRY(begin_stretch(reader, file));
    return append_line(reader, file, quote + 1, n_bytes - (size_t)(quote + 1 - line));
}

static tg_status_t
append_lines(reader_t *reader, const char *path, const char *text, size_t n_bytes)
{
    file_t file = {.name = path, .line = 1};
    TG_TRY(begin_stretch(reader, &file));
    static const char BYTE_ORDER_MARK[] = "\xEF\xBB\xBF";
    size_t at = n_bytes >= 3 && memcmp(text, BYTE_ORDER_MARK, 3) == 0 ? 3 : 0;
    while (at < n_bytes) {
        const char *newline = memchr(text + at, '\n', n_bytes - at);
        size_t end = newline == NULL ? n_bytes : (size_t)(newline - text);
        TG_TRY(append_or_include(reader, &file, text + at, end - at));
        file.line++;
        at = end + 1;
    }
    return TG_OK;
}

static tg_status_t
append_file(reader_t *reader, const char *path, tg_config_file_kind_t kind)
{
    tg_buffer_t text;
    tg_buffer_init(&text, MAX_SOURCE_BYTES);
    tg_status_t status = tg_config_file_read(path, kind, &text, reader->err);
    if (status == TG_OK) {
        status = append_lines(reader, path, (const char *)text.data, text.n_bytes);
    }
    tg_buffer_done(&text);
    return status;
}

tg_status_t
tg_config_source_open(tg_config_source_t *source, const char *path, tg_arena_t *arena,
                      tg_config_problems_t *problems, tg_error_t *err)
{
    tg_error_t unread;
    reader_t reader = {
        .source = source, .arena = arena, .problems = problems, .err = err != NULL ? err : &unread};
    *source = (tg_config_source_t){.file = tg_arena_strdup(arena, path)};
    tg_buffer_init(&source->text, MAX_SOURCE_BYTES + 1); /* and a NUL */
    source->stretches = tg_arena_calloc(arena, MAX_STRETCHES, sizeof *source->stretches);
    if (source->file == NULL || source->stretches == NULL) {
        return no_memory(&reader);
    }
    TG_TRY(append_file(&reader, source->file, TG_CONFIG_FILE_STREAM));
    return tg_buffer_text(&source->text) == NULL ? no_memory(&reader) : TG_OK;
}

void
tg_config_source_done(tg_config_source_t *source)
{
    tg_buffer_done(&source->text);
}

tg_config_place_t
tg_config_source_place(const tg_config_source_t *source, int order)
{
    size_t i = source->n_stretches;
    while (i > 1 && source->stretches[i - 1].order > order) {
        i--;
    }
    const tg_config_stretch_t *stretch = &source->stretches[i - 1];
    return (tg_config_place_t){
        .file = stretch->file, .line = stretch->line + (order - stretch->order), .order = order};
}

tg_config_place_t
tg_config_source_nowhere(const tg_config_source_t *source)
{
    return (tg_config_place_t){.file = source->file, .order = TG_CONFIG_ORDER_FILE};
}
