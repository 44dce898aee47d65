#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <jansson.h>

#include "answer_internal.h"
#include "disk_format_internal.h"
#include "hash_internal.h"
#include "registered_schema_internal.h"

#define MAGIC "tidegate-schema 1"

enum { MAX_LINE_BYTES = 160 };

static void
free_json(json_t **json)
{
    json_decref(*json);
}

static void
free_text(char **text)
{
    free(*text);
}

const char *
tg_disk_format_name(const tg_schema_key_t *key, char name[TG_DISK_NAME_BYTES])
{
    char guid[TG_GUID_TEXT_BYTES];
    if (key->kind == TG_SCHEMA_KEY_GUID) {
        (void)snprintf(name, TG_DISK_NAME_BYTES, "guid-%s",
                       tg_schema_key_guid_text(key->guid, guid));
    } else {
        (void)snprintf(name, TG_DISK_NAME_BYTES, "%s-%" PRId64,
                       key->kind == TG_SCHEMA_KEY_GLOBAL_ID ? "global" : "id", key->id);
    }
    return name;
}

static json_t *
to_json(const tg_registered_schema_t *schema)
{
    json_t *references = json_array();
    for (size_t i = 0; i < schema->n_references; i++) {
        if (json_array_append_new(references, json_string(schema->references[i])) != 0) {
            json_decref(references);
            return NULL;
        }
    }
    return json_pack("{s:s, s:o}", "schema", schema->text, "references", references);
}

/* The first line for a body, with its line end. */
static void
write_line(const tg_schema_key_t *key, tg_bytes_t body, char line[MAX_LINE_BYTES])
{
    char name[TG_DISK_NAME_BYTES];
    (void)snprintf(line, MAX_LINE_BYTES, MAGIC " %s %zu %016" PRIx64 "\n",
                   tg_disk_format_name(key, name), body.n_bytes,
                   tg_hash_bytes(TG_HASH_START, body.data, body.n_bytes));
}

tg_status_t
tg_disk_format_write(const tg_schema_key_t *key, const tg_registered_schema_t *schema,
                     tg_buffer_t *file)
{
    TG_CLEANUP(free_json) json_t *json = to_json(schema);
    TG_CLEANUP(free_text) char *body = json != NULL ? json_dumps(json, JSON_COMPACT) : NULL;
    if (body == NULL) {
        return TG_ERR_NO_MEMORY;
    }
    char line[MAX_LINE_BYTES];
    write_line(key, tg_bytes_of_text(body), line);
    TG_TRY(tg_buffer_append_text(file, line));
    return tg_buffer_append_text(file, body);
}

static tg_status_t
from_json(const json_t *json, tg_registered_schema_t **ret_schema)
{
    const char *texts[TG_ANSWER_MAX_REFERENCES];
    const char *text = json_string_value(json_object_get(json, "schema"));
    const json_t *references = json_object_get(json, "references");
    size_t count = json_array_size(references);
    if (text == NULL || count > TG_ANSWER_MAX_REFERENCES) {
        return TG_ERR_INVALID;
    }
    for (size_t i = 0; i < count; i++) {
        texts[i] = json_string_value(json_array_get(references, i));
        if (texts[i] == NULL) {
            return TG_ERR_INVALID;
        }
    }
    tg_registered_schema_t *schema = tg_registered_schema_new(text, texts, count);
    if (schema == NULL) {
        return TG_ERR_NO_MEMORY;
    }
    *ret_schema = schema;
    return TG_OK;
}

tg_status_t
tg_disk_format_read(const tg_schema_key_t *key, tg_bytes_t file,
                    tg_registered_schema_t **ret_schema)
{
    const uint8_t *end = file.n_bytes > 0 ? memchr(file.data, '\n', file.n_bytes) : NULL;
    if (end == NULL) {
        return TG_ERR_INVALID;
    }
    size_t line_bytes = (size_t)(end - file.data) + 1;
    tg_bytes_t body = tg_bytes_of(file.data + line_bytes, file.n_bytes - line_bytes);
    /* The line that this body would get today: one comparison checks magic, key, length and sum. */
    char line[MAX_LINE_BYTES];
    write_line(key, body, line);
    if (!tg_bytes_equal(tg_bytes_of_text(line), tg_bytes_of(file.data, line_bytes))) {
        return TG_ERR_INVALID;
    }
    json_error_t ignored;
    TG_CLEANUP(free_json)
    json_t *json = json_loadb((const char *)body.data, body.n_bytes, 0, &ignored);
    return from_json(json, ret_schema);
}
