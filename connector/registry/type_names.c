#include <stdio.h>

#include <jansson.h>

#include "type_names_internal.h"

enum { MAX_DEPTH = 64 };

typedef struct search {
    tg_arena_t *arena;
    tg_type_names_t *names;
    tg_error_t *err;
} search_t;

static tg_status_t visit(search_t *self, const json_t *json, const char *space, int depth);

static void
free_json(json_t **json)
{
    json_decref(*json);
}

static bool
is_primitive(const char *name)
{
    static const char *const PRIMITIVES[] = {"null",  "boolean", "int",   "long",
                                             "float", "double",  "bytes", "string"};
    for (size_t i = 0; i < TG_COUNT_OF(PRIMITIVES); i++) {
        if (strcmp(name, PRIMITIVES[i]) == 0) {
            return true;
        }
    }
    return false;
}

bool
tg_name_list_has(const tg_name_list_t *list, const char *name)
{
    for (size_t i = 0; i < list->count; i++) {
        if (strcmp(list->names[i], name) == 0) {
            return true;
        }
    }
    return false;
}

static tg_status_t
add(search_t *self, tg_name_list_t *list, const char *name)
{
    if (name == NULL) {
        return tg_error_set(self->err, TG_ERR_NO_MEMORY, "no memory for the names of a schema");
    }
    if (tg_name_list_has(list, name)) {
        return TG_OK;
    }
    if (list->count == TG_TYPE_NAMES_MAX) {
        return tg_error_set(self->err, TG_ERR_TOO_LARGE, "the schema has more than %d named types",
                            TG_TYPE_NAMES_MAX);
    }
    list->names[list->count++] = name;
    return TG_OK;
}

/* The full name of what is called name inside the namespace space. NULL: no memory. */
static const char *
full_name(search_t *self, const char *name, const char *space)
{
    if (strchr(name, '.') != NULL || space[0] == '\0') {
        return tg_arena_strdup(self->arena, name);
    }
    size_t n_bytes = strlen(space) + strlen(name) + 2;
    char *full = tg_arena_alloc(self->arena, n_bytes);
    if (full != NULL) {
        (void)snprintf(full, n_bytes, "%s.%s", space, name);
    }
    return full;
}

/* The namespace that a full name stands in. */
static const char *
space_of(search_t *self, const char *full)
{
    const char *dot = strrchr(full, '.');
    return dot == NULL ? "" : tg_arena_strndup(self->arena, full, (size_t)(dot - full));
}

static tg_status_t
visit_fields(search_t *self, const json_t *json, const char *space, int depth)
{
    const json_t *fields = json_object_get(json, "fields");
    for (size_t i = 0; i < json_array_size(fields); i++) {
        const json_t *type = json_object_get(json_array_get(fields, i), "type");
        if (type != NULL) {
            TG_TRY(visit(self, type, space, depth + 1));
        }
    }
    return TG_OK;
}

/* A record, an enum or a fixed. */
static tg_status_t
visit_named(search_t *self, const json_t *json, const char *space, int depth)
{
    const char *name = json_string_value(json_object_get(json, "name"));
    const char *given = json_string_value(json_object_get(json, "namespace"));
    if (name == NULL) {
        return tg_error_set(self->err, TG_ERR_INVALID, "a named type has no name");
    }
    const char *full = full_name(self, name, given != NULL ? given : space);
    TG_TRY(add(self, &self->names->defined, full));
    const char *inner = space_of(self, full);
    if (inner == NULL) {
        return tg_error_set(self->err, TG_ERR_NO_MEMORY, "no memory for the names of a schema");
    }
    return visit_fields(self, json, inner, depth);
}

static tg_status_t
visit_object(search_t *self, const json_t *json, const char *space, int depth)
{
    const json_t *type = json_object_get(json, "type");
    const char *name = json_string_value(type);
    if (type == NULL) {
        return tg_error_set(self->err, TG_ERR_INVALID, "a schema has no \"type\"");
    }
    if (name == NULL) {
        return visit(self, type, space, depth + 1);
    }
    if (strcmp(name, "record") == 0 || strcmp(name, "error") == 0 || strcmp(name, "enum") == 0 ||
        strcmp(name, "fixed") == 0) {
        return visit_named(self, json, space, depth);
    }
    const char *inner = strcmp(name, "array") == 0 ? "items"
                        : strcmp(name, "map") == 0 ? "values"
                                                   : NULL;
    if (inner != NULL) {
        const json_t *element = json_object_get(json, inner);
        return element != NULL
                   ? visit(self, element, space, depth + 1)
                   : tg_error_set(self->err, TG_ERR_INVALID, "an %s has no \"%s\"", name, inner);
    }
    return visit(self, type, space, depth + 1);
}

static tg_status_t
visit(search_t *self, const json_t *json, const char *space, int depth)
{
    if (depth > MAX_DEPTH) {
        return tg_error_set(self->err, TG_ERR_TOO_LARGE, "types are nested more than %d deep",
                            MAX_DEPTH);
    }
    if (json_is_string(json)) {
        const char *name = json_string_value(json);
        return is_primitive(name) ? TG_OK
                                  : add(self, &self->names->used, full_name(self, name, space));
    }
    if (json_is_array(json)) {
        for (size_t i = 0; i < json_array_size(json); i++) {
            TG_TRY(visit(self, json_array_get(json, i), space, depth + 1));
        }
        return TG_OK;
    }
    if (!json_is_object(json)) {
        return tg_error_set(self->err, TG_ERR_INVALID,
                            "a schema is neither an object, a list nor a name");
    }
    return visit_object(self, json, space, depth);
}

/* What the schema defines itself, it needs from nobody. */
static void
drop_defined(tg_type_names_t *names)
{
    size_t count = 0;
    for (size_t i = 0; i < names->used.count; i++) {
        if (!tg_name_list_has(&names->defined, names->used.names[i])) {
            names->used.names[count++] = names->used.names[i];
        }
    }
    names->used.count = count;
}

tg_status_t
tg_type_names_find(const char *schema, tg_arena_t *arena, tg_type_names_t *ret_names,
                   tg_error_t *err)
{
    json_error_t wrong;
    TG_CLEANUP(free_json) json_t *json = json_loads(schema, JSON_DECODE_ANY, &wrong);
    if (json == NULL) {
        return tg_error_set(err, TG_ERR_INVALID, "line %d: not JSON: %s", wrong.line, wrong.text);
    }
    search_t search = {.arena = arena, .names = ret_names, .err = err};
    ret_names->defined.count = 0;
    ret_names->used.count = 0;
    TG_TRY(visit(&search, json, "", 0));
    drop_defined(ret_names);
    return TG_OK;
}
