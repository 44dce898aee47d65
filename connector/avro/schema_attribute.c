#include <stdlib.h>

#include "schema_internal.h"

tg_status_t
tg_schema_read_text(tg_schema_t *schema, const json_t *json, const char **ret_text, tg_error_t *err)
{
    const char *text = json_string_value(json);
    if (text == NULL) {
        return TG_OK;
    }
    *ret_text = tg_arena_strdup(schema->arena, text);
    return *ret_text != NULL ? TG_OK : tg_schema_no_room(schema->arena, err);
}

static bool
is_reserved(const char *key)
{
    static const char *const keys[] = {"type",    "name",    "namespace", "doc",
                                       "fields",  "symbols", "items",     "values",
                                       "aliases", "default", "size",      "order"};
    for (size_t i = 0; i < TG_COUNT_OF(keys); i++) {
        if (strcmp(keys[i], key) == 0) {
            return true;
        }
    }
    return false;
}

tg_status_t
tg_schema_read_properties(tg_schema_t *schema, json_t *json, tg_properties_t *ret_properties,
                          tg_error_t *err)
{
    size_t n_items = 0;
    const char *key;
    json_t *value;
    json_object_foreach(json, key, value)
    {
        n_items += json_is_string(value) && !is_reserved(key);
    }
    tg_property_t *items = tg_arena_calloc(schema->arena, n_items, sizeof *items);
    if (items == NULL) {
        return tg_schema_no_room(schema->arena, err);
    }
    size_t at = 0;
    json_object_foreach(json, key, value)
    {
        if (json_is_string(value) && !is_reserved(key)) {
            items[at].name = tg_arena_strdup(schema->arena, key);
            items[at].value = tg_arena_strdup(schema->arena, json_string_value(value));
            if (items[at].name == NULL || items[at].value == NULL) {
                return tg_schema_no_room(schema->arena, err);
            }
            at++;
        }
    }
    *ret_properties = (tg_properties_t){.items = items, .n_items = n_items};
    return TG_OK;
}

tg_status_t
tg_schema_read_aliases(tg_schema_t *schema, const json_t *json, tg_names_t *ret_names,
                       tg_error_t *err)
{
    size_t n_items = json_array_size(json);
    const char **items = tg_arena_calloc(schema->arena, n_items, sizeof *items);
    if (items == NULL) {
        return tg_schema_no_room(schema->arena, err);
    }
    for (size_t i = 0; i < n_items; i++) {
        TG_TRY(tg_schema_read_text(schema, json_array_get(json, i), &items[i], err));
        if (items[i] == NULL) {
            return tg_error_set(err, TG_ERR_INVALID, "schema: an alias that is no string");
        }
    }
    *ret_names = (tg_names_t){.items = items, .n_items = n_items};
    return TG_OK;
}

tg_status_t
tg_schema_read_default(tg_schema_t *schema, const json_t *json, const char **ret_text,
                       tg_error_t *err)
{
    if (json == NULL) {
        return TG_OK;
    }
    char *text = json_dumps(json, JSON_COMPACT | JSON_ENCODE_ANY);
    if (text == NULL) {
        return tg_schema_no_room(schema->arena, err);
    }
    *ret_text = tg_arena_strdup(schema->arena, text);
    free(text);
    return *ret_text != NULL ? TG_OK : tg_schema_no_room(schema->arena, err);
}
