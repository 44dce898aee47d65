#include <stdlib.h>

#include "flatten_internal.h"
#include "plan_internal.h"

/* By what a column finds its field, in this order. */
typedef enum rule { BY_NAME, BY_COLUMN_ALIAS, BY_FIELD_ALIAS, N_RULES } rule_t;

typedef struct matcher {
    tg_match_t match;
    json_t *by_name;  /* path name -> position, the first one wins */
    json_t *by_alias; /* field alias -> position */
    const tg_plan_column_t *columns;
    size_t n_columns;
    bool *has_field; /* per column */
} matcher_t;

static bool
takes_record_whole(uint32_t type_oid)
{
    return type_oid == TG_PG_JSON || type_oid == TG_PG_JSONB || type_oid == TG_PG_TEXT ||
           type_oid == TG_PG_VARCHAR || type_oid == TG_PG_BPCHAR;
}

static bool
add_key(json_t *map, const char *key, size_t position)
{
    return json_object_get(map, key) != NULL ||
           json_object_set_new(map, key, json_integer((json_int_t)position)) == 0;
}

static bool
index_paths(matcher_t *matcher)
{
    for (size_t i = 0; i < matcher->match.n_paths; i++) {
        const tg_path_t *path = &matcher->match.paths[i];
        if (!add_key(matcher->by_name, path->name, i)) {
            return false;
        }
        for (size_t k = 0; k < path->aliases.n_items; k++) {
            if (!add_key(matcher->by_alias, path->aliases.items[k], i)) {
                return false;
            }
        }
    }
    return true;
}

/* Taken itself, or inside a record that is taken whole. */
static bool
is_free(const matcher_t *matcher, size_t position)
{
    if (matcher->match.column_of[position] >= 0) {
        return false;
    }
    for (size_t i = 0; i < position; i++) {
        if (matcher->match.column_of[i] >= 0 && matcher->match.paths[i].end > position) {
            return false;
        }
    }
    return true;
}

/* What is inside a record that is taken whole is no field any more. */
static void
give_back_inside(matcher_t *matcher, size_t position)
{
    for (size_t i = position + 1; i < matcher->match.paths[position].end; i++) {
        int32_t column = matcher->match.column_of[i];
        if (column >= 0) {
            matcher->has_field[column] = false;
            matcher->match.column_of[i] = -1;
        }
    }
}

static bool
take(matcher_t *matcher, const json_t *map, const char *key, size_t column, bool whole_records)
{
    const json_t *found = json_object_get(map, key);
    if (found == NULL) {
        return false;
    }
    size_t position = (size_t)json_integer_value(found);
    bool whole = matcher->match.paths[position].record != NULL;
    if (whole != whole_records || !is_free(matcher, position)) {
        return false;
    }
    give_back_inside(matcher, position);
    matcher->match.column_of[position] = (int32_t)column;
    matcher->has_field[column] = true;
    return true;
}

static void
match_column(matcher_t *matcher, size_t index, rule_t rule, bool whole_records)
{
    const tg_plan_column_t *column = &matcher->columns[index];
    if (rule == BY_NAME) {
        (void)take(matcher, matcher->by_name, column->name, index, whole_records);
    } else if (rule == BY_FIELD_ALIAS) {
        (void)take(matcher, matcher->by_alias, column->name, index, whole_records);
    } else {
        for (size_t i = 0; i < column->n_aliases && !matcher->has_field[index]; i++) {
            (void)take(matcher, matcher->by_name, column->aliases[i], index, whole_records);
        }
    }
}

/* Records that a column takes whole come first. */
static void
match_all(matcher_t *matcher)
{
    for (int pass = 0; pass < 2; pass++) {
        bool whole_records = pass == 0;
        for (int rule = BY_NAME; rule < N_RULES; rule++) {
            for (size_t i = 0; i < matcher->n_columns; i++) {
                bool fits = !whole_records || takes_record_whole(matcher->columns[i].type_oid);
                if (!matcher->has_field[i] && fits) {
                    match_column(matcher, i, (rule_t)rule, whole_records);
                }
            }
        }
    }
}

/* A column of another type with a record's own name is a mistake that would otherwise show as a
 * column full of NULL. */
static tg_status_t
check_records(const matcher_t *matcher, tg_error_t *err)
{
    for (size_t i = 0; i < matcher->n_columns; i++) {
        const tg_plan_column_t *column = &matcher->columns[i];
        const json_t *found = json_object_get(matcher->by_name, column->name);
        if (matcher->has_field[i] || found == NULL || takes_record_whole(column->type_oid)) {
            continue;
        }
        const tg_path_t *path = &matcher->match.paths[json_integer_value(found)];
        if (path->record != NULL) {
            return tg_plan_mismatch(path->dotted, path->node, column->name, column->type_oid, err);
        }
    }
    return TG_OK;
}

static tg_status_t
run_matcher(matcher_t *matcher, tg_arena_t *arena, tg_error_t *err)
{
    matcher->match.column_of =
        tg_arena_alloc(arena, (matcher->match.n_paths + 1) * sizeof(int32_t));
    matcher->has_field = tg_arena_calloc(arena, matcher->n_columns + 1, sizeof(bool));
    if (matcher->match.column_of == NULL || matcher->has_field == NULL ||
        matcher->by_name == NULL || matcher->by_alias == NULL || !index_paths(matcher)) {
        return tg_schema_no_room(arena, err);
    }
    for (size_t i = 0; i < matcher->match.n_paths; i++) {
        matcher->match.column_of[i] = -1;
    }
    match_all(matcher);
    return check_records(matcher, err);
}

tg_status_t
tg_plan_match(const tg_schema_t *schema, const tg_plan_column_t *columns, size_t n_columns,
              tg_arena_t *arena, tg_match_t *ret_match, tg_error_t *err)
{
    matcher_t matcher = {.columns = columns, .n_columns = n_columns};
    TG_TRY(tg_flatten(schema, arena, &matcher.match.paths, &matcher.match.n_paths, err));
    matcher.by_name = json_object();
    matcher.by_alias = json_object();
    tg_status_t status = run_matcher(&matcher, arena, err);
    json_decref(matcher.by_name);
    json_decref(matcher.by_alias);
    TG_TRY(status);
    *ret_match = matcher.match;
    return TG_OK;
}
