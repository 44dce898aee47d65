#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>

#include <jansson.h>

#include "answer_internal.h"

static void
free_json(json_t **json)
{
    json_decref(*json);
}

static json_t *
load(tg_bytes_t body, size_t flags)
{
    json_error_t ignored;
    return json_loadb((const char *)body.data, body.n_bytes, flags, &ignored);
}

static tg_status_t
out_of_memory(tg_error_t *err)
{
    return tg_error_set(err, TG_ERR_NO_MEMORY, "no memory for an answer of the schema registry");
}

static tg_status_t
not_this_api(const char *what, tg_error_t *err)
{
    return tg_error_set(err, TG_ERR_INVALID, "the answer %s", what);
}

/* The version is a number for Confluent and a text for Apicurio; -1 means the latest. */
static const char *
parse_version(const json_t *json, tg_arena_t *arena)
{
    if (json_is_string(json)) {
        return tg_arena_strdup(arena, json_string_value(json));
    }
    if (!json_is_integer(json)) {
        return NULL;
    }
    char text[32];
    json_int_t number = json_integer_value(json);
    (void)snprintf(text, sizeof text, "%" JSON_INTEGER_FORMAT, number);
    return tg_arena_strdup(arena, number == -1 ? "latest" : text);
}

/* Confluent's and Apicurio's words for the same things. */
typedef struct reference_names {
    const char *group; /* NULL: there are no groups */
    const char *subject;
} reference_names_t;

static tg_status_t
parse_reference(const json_t *json, const reference_names_t *names, tg_arena_t *arena,
                tg_reference_t *ret_reference, tg_error_t *err)
{
    const char *subject = json_string_value(json_object_get(json, names->subject));
    const json_t *version = json_object_get(json, "version");
    const char *group =
        names->group != NULL ? json_string_value(json_object_get(json, names->group)) : NULL;
    if (subject == NULL || (!json_is_string(version) && !json_is_integer(version))) {
        return not_this_api("has a reference without subject or version", err);
    }
    tg_reference_t reference = {
        .group = tg_arena_strdup(arena, group != NULL ? group : "default"),
        .subject = tg_arena_strdup(arena, subject),
        .version = parse_version(version, arena),
    };
    if (reference.group == NULL || reference.subject == NULL || reference.version == NULL) {
        return out_of_memory(err);
    }
    *ret_reference = reference;
    return TG_OK;
}

/* json: an array, or nothing (NULL or a JSON null), which is the same as an empty one. */
static tg_status_t
parse_references(const json_t *json, const reference_names_t *names, tg_arena_t *arena,
                 tg_answer_t *answer, tg_error_t *err)
{
    if (json == NULL || json_is_null(json)) {
        return TG_OK;
    }
    if (!json_is_array(json)) {
        return not_this_api("has references that are not a list", err);
    }
    size_t count = json_array_size(json);
    if (count > TG_ANSWER_MAX_REFERENCES) {
        return tg_error_set(err, TG_ERR_TOO_LARGE, "the schema has %zu references; %d are possible",
                            count, TG_ANSWER_MAX_REFERENCES);
    }
    tg_reference_t *references = tg_arena_calloc(arena, count + 1, sizeof *references);
    if (references == NULL) {
        return out_of_memory(err);
    }
    for (size_t i = 0; i < count; i++) {
        TG_TRY(parse_reference(json_array_get(json, i), names, arena, &references[i], err));
    }
    answer->references = references;
    answer->n_references = count;
    return TG_OK;
}

tg_status_t
tg_answer_parse(tg_bytes_t body, tg_arena_t *arena, tg_answer_t *ret_answer, tg_error_t *err)
{
    static const reference_names_t NAMES = {.subject = "subject"};
    TG_CLEANUP(free_json) json_t *json = load(body, 0);
    if (!json_is_object(json)) {
        return not_this_api("is not a JSON object", err);
    }
    const char *type = json_string_value(json_object_get(json, "schemaType"));
    if (type != NULL && strcmp(type, "AVRO") != 0) {
        return tg_error_set(err, TG_ERR_UNSUPPORTED,
                            "its type is %.32s; only Avro schemas can be written to tables", type);
    }
    const char *schema = json_string_value(json_object_get(json, "schema"));
    if (schema == NULL) {
        return not_this_api("has no \"schema\"", err);
    }
    tg_answer_t answer = {.schema = tg_arena_strdup(arena, schema)};
    if (answer.schema == NULL) {
        return out_of_memory(err);
    }
    TG_TRY(parse_references(json_object_get(json, "references"), &NAMES, arena, &answer, err));
    *ret_answer = answer;
    return TG_OK;
}

/* A JSON Schema is an object too, but names no Avro type at its top. */
static bool
is_avro(const json_t *json)
{
    return json_is_array(json) || json_is_string(json) ||
           (json_is_object(json) && json_object_get(json, "type") != NULL &&
            json_object_get(json, "$schema") == NULL &&
            json_object_get(json, "properties") == NULL);
}

tg_status_t
tg_answer_parse_native_schema(tg_bytes_t body, tg_arena_t *arena, tg_answer_t *ret_answer,
                              tg_error_t *err)
{
    json_error_t wrong;
    TG_CLEANUP(free_json)
    json_t *json = json_loadb((const char *)body.data, body.n_bytes, JSON_DECODE_ANY, &wrong);
    if (json == NULL && json_error_code(&wrong) == json_error_out_of_memory) {
        return out_of_memory(err);
    }
    if (!is_avro(json)) {
        return tg_error_set(err, TG_ERR_UNSUPPORTED,
                            "it is not an Avro schema; only Avro schemas can be written to tables");
    }
    const char *schema = tg_arena_strndup(arena, (const char *)body.data, body.n_bytes);
    if (schema == NULL) {
        return out_of_memory(err);
    }
    *ret_answer = (tg_answer_t){.schema = schema};
    return TG_OK;
}

tg_status_t
tg_answer_parse_native_references(tg_bytes_t body, tg_arena_t *arena, tg_answer_t *ret_answer,
                                  tg_error_t *err)
{
    static const reference_names_t NAMES = {.group = "groupId", .subject = "artifactId"};
    TG_CLEANUP(free_json) json_t *json = load(body, 0);
    if (!json_is_array(json)) {
        return not_this_api("is not a JSON list", err);
    }
    tg_answer_t answer = {0};
    TG_TRY(parse_references(json, &NAMES, arena, &answer, err));
    ret_answer->references = answer.references;
    ret_answer->n_references = answer.n_references;
    return TG_OK;
}

/* The server's words go into logs: one line, printable, bounded. */
static void
copy_words(const char *words, char *text, size_t n_bytes)
{
    (void)snprintf(text, n_bytes, "%s", words != NULL ? words : "");
    for (char *c = text; *c != '\0'; c++) {
        if (iscntrl((unsigned char)*c)) {
            *c = ' ';
        }
    }
}

void
tg_answer_parse_error(tg_bytes_t body, tg_answer_error_t *ret_error)
{
    TG_CLEANUP(free_json) json_t *json = load(body, 0);
    const json_t *code = json_object_get(json, "error_code");
    *ret_error = (tg_answer_error_t){
        .is_json = json_is_integer(code),
        .code = json_integer_value(code),
    };
    copy_words(json_string_value(json_object_get(json, "name")), ret_error->name,
               sizeof ret_error->name);
    copy_words(json_string_value(json_object_get(json, "message")), ret_error->message,
               sizeof ret_error->message);
}

bool
tg_answer_parse_list(tg_bytes_t body, const char *wanted, bool *ret_found)
{
    TG_CLEANUP(free_json) json_t *json = load(body, 0);
    if (!json_is_array(json)) {
        return false;
    }
    *ret_found = false;
    for (size_t i = 0; i < json_array_size(json); i++) {
        const char *text = json_string_value(json_array_get(json, i));
        *ret_found = *ret_found || (text != NULL && strcmp(text, wanted) == 0);
    }
    return true;
}
