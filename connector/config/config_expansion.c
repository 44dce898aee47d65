#include <ctype.h>
#include <string.h>

#include "base/buffer.h"
#include "config_expansion_internal.h"
#include "config_file_internal.h"

enum { MAX_VALUE_BYTES = 64 * 1024, MAX_SHOWN_BYTES = 200 };

/* One ${scheme:argument}. */
typedef struct reference {
    const char *scheme;
    size_t n_scheme;
    const char *argument;
    size_t n_argument;
    const char *end; /* behind the brace */
} reference_t;

const char *
tg_config_expansion_variable(char *const *environment, const char *name, size_t n_name)
{
    for (; environment != NULL && *environment != NULL; environment++) {
        if (strncmp(*environment, name, n_name) == 0 && (*environment)[n_name] == '=') {
            return *environment + n_name + 1;
        }
    }
    return NULL;
}

/* How much of a name is shown in a message. */
static int
shown(size_t n_bytes)
{
    return (int)(n_bytes < MAX_SHOWN_BYTES ? n_bytes : MAX_SHOWN_BYTES);
}

static tg_status_t
full_or_no_memory(tg_status_t status, tg_error_t *err)
{
    if (status == TG_ERR_FULL || status == TG_ERR_TOO_LARGE) {
        return tg_error_set(err, TG_ERR_CONFIG, "the value is longer than %d bytes",
                            MAX_VALUE_BYTES);
    }
    return status;
}

static tg_status_t
append_variable(const reference_t *reference, char *const *environment, tg_buffer_t *out,
                tg_error_t *err)
{
    bool good = reference->n_argument > 0;
    for (size_t i = 0; i < reference->n_argument; i++) {
        good = good &&
               (isalnum((unsigned char)reference->argument[i]) || reference->argument[i] == '_');
    }
    if (!good) {
        return tg_error_set(err, TG_ERR_CONFIG,
                            "\"%.*s\" is not a variable's name; write ${env:NAME}",
                            shown(reference->n_argument), reference->argument);
    }
    const char *value =
        tg_config_expansion_variable(environment, reference->argument, reference->n_argument);
    if (value == NULL) {
        return tg_error_set(err, TG_ERR_CONFIG,
                            "the environment variable %.*s is not set; set it before the start",
                            shown(reference->n_argument), reference->argument);
    }
    return full_or_no_memory(tg_buffer_append_text(out, value), err);
}

/* Editors end a file with a newline that is no part of the secret. */
static void
trim_newline(tg_buffer_t *text)
{
    if (text->n_bytes > 0 && text->data[text->n_bytes - 1] == '\n') {
        text->n_bytes--;
        if (text->n_bytes > 0 && text->data[text->n_bytes - 1] == '\r') {
            text->n_bytes--;
        }
    }
}

static tg_status_t
append_content(const char *path, tg_buffer_t *out, tg_error_t *err)
{
    tg_buffer_t content;
    tg_buffer_init(&content, MAX_VALUE_BYTES);
    tg_error_t cause;
    tg_status_t status = tg_config_file_read(path, TG_CONFIG_FILE_REGULAR, &content, &cause);
    if (status == TG_OK) {
        trim_newline(&content);
        status = full_or_no_memory(tg_buffer_append(out, content.data, content.n_bytes), err);
    } else if (status != TG_ERR_NO_MEMORY) {
        status = tg_error_set(err, TG_ERR_CONFIG, "%s; correct the path or the file", cause.text);
    }
    tg_buffer_done(&content);
    return status;
}

static tg_status_t
append_file(const reference_t *reference, tg_arena_t *arena, tg_buffer_t *out, tg_error_t *err)
{
    if (reference->n_argument == 0 || reference->argument[0] != '/') {
        return tg_error_set(err, TG_ERR_CONFIG,
                            "\"%.*s\" is not a whole path; write ${file:/path/to/file}",
                            shown(reference->n_argument), reference->argument);
    }
    const char *path = tg_arena_strndup(arena, reference->argument, reference->n_argument);
    return path == NULL ? TG_ERR_NO_MEMORY : append_content(path, out, err);
}

/* Whether a reference with a scheme begins at text, which points at "${". */
static bool
parse_reference(const char *text, reference_t *ret_reference)
{
    const char *scheme = text + 2;
    size_t n_scheme = 0;
    while (isalpha((unsigned char)scheme[n_scheme])) {
        n_scheme++;
    }
    if (n_scheme == 0 || scheme[n_scheme] != ':') {
        return false;
    }
    const char *argument = scheme + n_scheme + 1;
    size_t n_argument = strcspn(argument, "}");
    *ret_reference = (reference_t){
        .scheme = scheme,
        .n_scheme = n_scheme,
        .argument = argument,
        .n_argument = n_argument,
        .end = argument[n_argument] == '}' ? argument + n_argument + 1 : NULL,
    };
    return true;
}

static tg_status_t
append_reference(const reference_t *reference, char *const *environment, tg_arena_t *arena,
                 tg_buffer_t *out, tg_error_t *err)
{
    if (reference->end == NULL) {
        return tg_error_set(err, TG_ERR_CONFIG, "${%.*s: has no closing brace; write }",
                            shown(reference->n_scheme), reference->scheme);
    }
    if (reference->n_scheme == 3 && memcmp(reference->scheme, "env", 3) == 0) {
        return append_variable(reference, environment, out, err);
    }
    if (reference->n_scheme == 4 && memcmp(reference->scheme, "file", 4) == 0) {
        return append_file(reference, arena, out, err);
    }
    return tg_error_set(err, TG_ERR_CONFIG,
                        "${%.*s:...} is unknown; write ${env:NAME} or ${file:/path}",
                        shown(reference->n_scheme), reference->scheme);
}

/* What begins at "${": a reference, or just these two characters. */
static tg_status_t
expand_dollar(const char **text, char *const *environment, tg_arena_t *arena, tg_buffer_t *out,
              bool *ret_changed, tg_error_t *err)
{
    reference_t reference;
    if (!parse_reference(*text, &reference)) {
        *text += 2;
        return full_or_no_memory(tg_buffer_append(out, "${", 2), err);
    }
    *ret_changed = true;
    *text = reference.end;
    return append_reference(&reference, environment, arena, out, err);
}

static tg_status_t
expand(const char *text, char *const *environment, tg_arena_t *arena, tg_buffer_t *out,
       bool *ret_changed, tg_error_t *err)
{
    while (text != NULL && *text != '\0') {
        const char *dollar = strstr(text, "${");
        size_t n_plain = dollar != NULL ? (size_t)(dollar - text) : strlen(text);
        TG_TRY(full_or_no_memory(tg_buffer_append(out, text, n_plain), err));
        text = dollar;
        if (text != NULL) {
            TG_TRY(expand_dollar(&text, environment, arena, out, ret_changed, err));
        }
    }
    return TG_OK;
}

tg_status_t
tg_config_expansion_apply(const char *text, char *const *environment, tg_arena_t *arena,
                          tg_config_expanded_t *ret_expanded, tg_error_t *err)
{
    tg_buffer_t out;
    tg_buffer_init(&out, MAX_VALUE_BYTES);
    tg_config_expanded_t expanded = {0};
    tg_status_t status = expand(text, environment, arena, &out, &expanded.changed, err);
    if (status == TG_OK) {
        expanded.text = tg_arena_strndup(arena, (const char *)out.data, out.n_bytes);
        status = expanded.text == NULL ? TG_ERR_NO_MEMORY : TG_OK;
    }
    tg_buffer_done(&out);
    if (status == TG_OK) {
        *ret_expanded = expanded;
    }
    return status;
}
