#include <stdio.h>
#include <stdlib.h>

#include "flatten_internal.h"

enum { MAX_ALIASES = 32, MAX_PATH_BYTES = 4096, FIRST_PATHS = 32 };

typedef struct flattener {
    tg_arena_t *arena;
    tg_path_t *paths;
    size_t n_paths;
    size_t capacity;
    const tg_node_t *open[TG_SCHEMA_MAX_DEPTH + 1]; /* records around the place */
    size_t n_open;
    tg_error_t *err;
} flattener_t;

static tg_status_t
no_memory(flattener_t *flattener)
{
    return tg_schema_no_room(flattener->arena, flattener->err);
}

static tg_status_t
join(flattener_t *flattener, const char *first, const char *separator, const char *second,
     const char **ret_joined)
{
    char joined[MAX_PATH_BYTES];
    int n =
        snprintf(joined, sizeof joined, "%s%s%s", first, *first != '\0' ? separator : "", second);
    if (n < 0 || n >= MAX_PATH_BYTES) {
        return tg_error_set(flattener->err, TG_ERR_TOO_LARGE,
                            "schema: a nested field's name is longer than %d bytes",
                            MAX_PATH_BYTES);
    }
    *ret_joined = tg_arena_strndup(flattener->arena, joined, (size_t)n);
    return *ret_joined != NULL ? TG_OK : no_memory(flattener);
}

/* The plain name, then the aliases. */
static const char *
spelling(const char *name, tg_names_t aliases, size_t index)
{
    return index == 0 || aliases.items == NULL ? name : aliases.items[index - 1];
}

/* Every spelling of parent with every spelling of the field, but for the plain one. */
static tg_status_t
combine_aliases(flattener_t *flattener, const tg_path_t *parent, const tg_field_t *field,
                tg_names_t *ret_names)
{
    size_t n_inner = field->aliases.n_items + 1;
    size_t n_all = (parent->aliases.n_items + 1) * n_inner - 1;
    n_all = n_all > MAX_ALIASES ? MAX_ALIASES : n_all;
    const char **items = tg_arena_calloc(flattener->arena, n_all, sizeof *items);
    if (items == NULL) {
        return no_memory(flattener);
    }
    for (size_t i = 0; i < n_all; i++) {
        TG_TRY(join(flattener, spelling(parent->name, parent->aliases, (i + 1) / n_inner), "_",
                    spelling(field->name, field->aliases, (i + 1) % n_inner), &items[i]));
    }
    *ret_names = (tg_names_t){.items = items, .n_items = n_all};
    return TG_OK;
}

/* The record that a field opens into; NULL: a leaf. */
static const tg_node_t *
record_of(const flattener_t *flattener, const tg_node_t *node)
{
    const tg_node_t *inner = tg_node_nullable(node);
    const tg_node_t *record = inner != NULL ? inner : node;
    if (record->kind != TG_NODE_RECORD || flattener->n_open > TG_SCHEMA_MAX_DEPTH) {
        return NULL;
    }
    for (size_t i = 0; i < flattener->n_open; i++) {
        if (flattener->open[i] == record) {
            return NULL;
        }
    }
    return record;
}

/* The old array stays in the arena until its end: at most as much again. */
static bool
grow(flattener_t *flattener)
{
    size_t capacity = flattener->capacity == 0 ? FIRST_PATHS : 2 * flattener->capacity;
    tg_path_t *paths = tg_arena_alloc(flattener->arena, capacity * sizeof *paths);
    if (paths == NULL) {
        return false;
    }
    if (flattener->n_paths > 0) {
        memcpy(paths, flattener->paths, flattener->n_paths * sizeof *paths);
    }
    flattener->paths = paths;
    flattener->capacity = capacity;
    return true;
}

static tg_status_t
add_path(flattener_t *flattener, tg_path_t path, size_t *ret_index)
{
    if (flattener->n_paths == TG_SCHEMA_MAX_FLATTENED) {
        return tg_error_set(flattener->err, TG_ERR_TOO_LARGE,
                            "schema: its records open into more than %d fields",
                            TG_SCHEMA_MAX_FLATTENED);
    }
    if (flattener->n_paths == flattener->capacity && !grow(flattener)) {
        return no_memory(flattener);
    }
    *ret_index = flattener->n_paths;
    path.end = flattener->n_paths + 1;
    flattener->paths[flattener->n_paths++] = path;
    return TG_OK;
}

static tg_status_t add_fields(flattener_t *flattener, const tg_node_t *record,
                              const tg_path_t *parent);

static tg_status_t
add_field(flattener_t *flattener, const tg_field_t *field, const tg_path_t *parent)
{
    tg_path_t path = {
        .node = field->node,
        .record = record_of(flattener, field->node),
        .field = field,
        .nullable = parent->nullable || tg_node_null_branch(field->node) >= 0 ||
                    field->node->kind == TG_NODE_NULL,
    };
    size_t index = 0;
    TG_TRY(join(flattener, parent->name, "_", field->name, &path.name));
    TG_TRY(join(flattener, parent->dotted, ".", field->name, &path.dotted));
    TG_TRY(combine_aliases(flattener, parent, field, &path.aliases));
    TG_TRY(add_path(flattener, path, &index));
    if (path.record != NULL) {
        TG_TRY(add_fields(flattener, path.record, &path));
        flattener->paths[index].end = flattener->n_paths;
    }
    return TG_OK;
}

static tg_status_t
add_fields(flattener_t *flattener, const tg_node_t *record, const tg_path_t *parent)
{
    flattener->open[flattener->n_open++] = record;
    for (size_t i = 0; i < record->n_children; i++) {
        TG_TRY(add_field(flattener, &record->fields[i], parent));
    }
    flattener->n_open--;
    return TG_OK;
}

tg_status_t
tg_flatten(const tg_schema_t *schema, tg_arena_t *arena, tg_path_t **ret_paths, size_t *ret_n_paths,
           tg_error_t *err)
{
    flattener_t flattener = {.arena = arena, .err = err};
    if (!grow(&flattener)) {
        return no_memory(&flattener);
    }
    if (schema->root->kind == TG_NODE_RECORD) {
        const tg_path_t top = {.name = "", .dotted = ""};
        TG_TRY(add_fields(&flattener, schema->root, &top));
    } else {
        size_t index = 0;
        tg_path_t path = {.name = "value",
                          .dotted = "value",
                          .node = schema->root,
                          .nullable = tg_node_null_branch(schema->root) >= 0 ||
                                      schema->root->kind == TG_NODE_NULL};
        TG_TRY(add_path(&flattener, path, &index));
    }
    *ret_paths = flattener.paths;
    *ret_n_paths = flattener.n_paths;
    return TG_OK;
}
