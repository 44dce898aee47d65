/*
 * Tables follow schemas: the hypertable that a schema asks for, and the columns that a later
 * version adds.
 */
#include <stdlib.h>

#include "base/buffer.h"
#include "table_plan_internal.h"

enum { MAX_EVOLUTIONS = 5 };

/* --- creation --- */

static const tg_derived_column_t *
derived_find(const tg_derived_table_t *derived, const char *name)
{
    for (size_t i = 0; i < tg_derived_table_n_columns(derived); i++) {
        if (strcmp(tg_derived_table_column(derived, i)->name, name) == 0) {
            return tg_derived_table_column(derived, i);
        }
    }
    return NULL;
}

/* The route's word, else the schema's property tidegate.time, else the first field that is a time.
 */
static tg_status_t
choose_time_column(const tg_table_plan_t *plan, const tg_schema_t *schema,
                   const tg_derived_table_t *derived, const char **ret_name, tg_error_t *err)
{
    const char *name = plan->route->time_column;
    if (name == NULL) {
        name = tg_schema_property(schema, "tidegate.time");
    }
    if (name != NULL) {
        if (derived_find(derived, name) == NULL) {
            return tg_error_set(
                err, TG_ERR_MISMATCH,
                "table %s cannot be created: its time column %s is not a field of schema %s",
                plan->name, name, tg_schema_name(schema));
        }
        *ret_name = name;
        return TG_OK;
    }
    for (size_t i = 0; i < tg_derived_table_n_columns(derived); i++) {
        const tg_derived_column_t *column = tg_derived_table_column(derived, i);
        if (column->is_time && strncmp(column->type_sql, "timestamp", 9) == 0) {
            *ret_name = column->name;
            return TG_OK;
        }
    }
    return tg_error_set(
        err, TG_ERR_MISMATCH,
        "table %s cannot be created: schema %s has no timestamp field; name one with "
        "time_column in the route, or with the schema property tidegate.time",
        plan->name, tg_schema_name(schema));
}

/* segment_by of the route, else the schema's property tidegate.segment_by ("a, b"). */
static tg_status_t
choose_segment_by(const tg_table_plan_t *plan, const tg_schema_t *schema, tg_arena_t *arena,
                  tg_table_definition_t *definition, tg_error_t *err)
{
    definition->segment_by = plan->route->segment_by.items;
    definition->n_segment_by = plan->route->segment_by.n_items;
    const char *property = tg_schema_property(schema, "tidegate.segment_by");
    if (definition->n_segment_by > 0 || property == NULL) {
        return TG_OK;
    }
    const char **items = tg_arena_calloc(arena, TG_TABLE_PLAN_MAX_COLUMNS, sizeof *items);
    size_t n_items = 0;
    for (const char *at = property;
         items != NULL && *at != '\0' && n_items < TG_TABLE_PLAN_MAX_COLUMNS;) {
        at += strspn(at, ", ");
        size_t n = strcspn(at, ", ");
        if (n > 0) {
            items[n_items] = tg_arena_strndup(arena, at, n);
            if (items[n_items++] == NULL) {
                return tg_error_set(err, TG_ERR_NO_MEMORY, "no memory for the plan of table %s",
                                    plan->name);
            }
        }
        at += n;
    }
    definition->segment_by = items;
    definition->n_segment_by = n_items;
    return TG_OK;
}

tg_status_t
tg_table_plan_create(tg_table_plan_t *plan, tg_connection_t *connection, const tg_schema_t *schema,
                     const tg_derived_table_t *derived, tg_error_t *err)
{
    TG_CLEANUP(tg_arena_freep) tg_arena_t *arena = tg_arena_new(1 << 20);
    size_t n = tg_derived_table_n_columns(derived);
    tg_column_definition_t *columns =
        arena != NULL ? tg_arena_calloc(arena, n, sizeof *columns) : NULL;
    if (columns == NULL) {
        return tg_error_set(err, TG_ERR_NO_MEMORY, "no memory for the plan of table %s",
                            plan->name);
    }
    tg_table_definition_t definition = {.name = plan->name,
                                        .columns = columns,
                                        .n_columns = n,
                                        .chunk_interval = plan->route->chunk_interval};
    const char *time_column = "";
    TG_TRY(choose_time_column(plan, schema, derived, &time_column, err));
    definition.time_column = time_column;
    TG_TRY(choose_segment_by(plan, schema, arena, &definition, err));
    for (size_t i = 0; i < n; i++) {
        const tg_derived_column_t *column = tg_derived_table_column(derived, i);
        /* Only the time column is NOT NULL: a later schema version may lack or allow null for any
         * other. */
        columns[i].name = column->name;
        columns[i].type_sql = column->type_sql;
        columns[i].not_null = strcmp(column->name, time_column) == 0;
        columns[i].comment = column->doc;
    }
    bool plain = false;
    TG_TRY(tg_catalog_create_table(connection, &definition, &plain, err));
    if (plain) {
        TG_LOG_WARNING(plan->log,
                       "table created as a plain table: this database has no TimescaleDB",
                       TG_S("table", plan->name));
    } else {
        TG_LOG_INFO(plan->log, "hypertable created", TG_S("table", plan->name),
                    TG_S("time_column", definition.time_column));
    }
    return TG_OK;
}

/* --- evolution --- */

static bool
table_has(const tg_table_t *table, const char *name)
{
    for (size_t i = 0; i < tg_table_n_columns(table); i++) {
        if (strcmp(tg_table_column(table, i)->name, name) == 0) {
            return true;
        }
    }
    return false;
}

/* A column of the field's name or of one of its aliases takes the field. */
static bool
table_takes(const tg_table_t *table, const tg_derived_column_t *column)
{
    bool found = table_has(table, column->name);
    for (size_t i = 0; !found && i < column->n_aliases; i++) {
        found = table_has(table, column->aliases[i]);
    }
    /* "a_b" is also taken by a column "a" that keeps the record whole. */
    for (const char *mark = strchr(column->name, '_'); !found && mark != NULL;
         mark = strchr(mark + 1, '_')) {
        char parent[64];
        size_t n = (size_t)(mark - column->name);
        if (n > 0 && n < sizeof parent) {
            memcpy(parent, column->name, n);
            parent[n] = '\0';
            for (size_t i = 0; !found && i < tg_table_n_columns(table); i++) {
                const tg_column_t *candidate = tg_table_column(table, i);
                found = strcmp(candidate->name, parent) == 0 &&
                        strncmp(candidate->type_name, "json", 4) == 0;
            }
        }
    }
    return found;
}

/* Adds the columns that the schema has and the table lacks, or says once that they are left out. */
static tg_status_t
evolve_once(tg_table_plan_t *plan, tg_connection_t *connection, const tg_derived_table_t *derived,
            bool *ret_changed, tg_error_t *err)
{
    *ret_changed = false;
    TG_CLEANUP(tg_arena_freep) tg_arena_t *arena = tg_arena_new(1 << 20);
    size_t n = tg_derived_table_n_columns(derived);
    tg_column_definition_t *columns =
        arena != NULL ? tg_arena_calloc(arena, n, sizeof *columns) : NULL;
    if (columns == NULL) {
        return tg_error_set(err, TG_ERR_NO_MEMORY, "no memory for the plan of table %s",
                            plan->name);
    }
    size_t n_missing = 0;
    for (size_t i = 0; i < n; i++) {
        const tg_derived_column_t *column = tg_derived_table_column(derived, i);
        if (table_takes(plan->table, column)) {
            continue;
        }
        columns[n_missing].name = column->name;
        columns[n_missing].type_sql = column->type_sql;
        columns[n_missing].comment = column->doc;
        n_missing++;
        if (!plan->route->evolve) {
            TG_LOG_WARNING(plan->log, "field has no column and is left out; evolve = true adds it",
                           TG_S("table", plan->name), TG_S("field", column->name),
                           TG_S("type", column->type_sql));
        }
    }
    if (n_missing == 0 || !plan->route->evolve) {
        return TG_OK;
    }
    tg_table_definition_t definition = {
        .name = plan->name, .columns = columns, .n_columns = n_missing};
    TG_TRY(tg_catalog_add_columns(connection, &definition, err));
    TG_LOG_INFO(plan->log, "columns added", TG_S("table", plan->name), TG_I("columns", n_missing),
                TG_S("first", columns[0].name));
    tg_table_plan_invalidate(plan);
    *ret_changed = true;
    return tg_table_plan_read(plan, connection, err);
}

/* What is read anew after a change may lack something else meanwhile. */
tg_status_t
tg_table_plan_evolve(tg_table_plan_t *plan, tg_connection_t *connection,
                     const tg_derived_table_t *derived, tg_error_t *err)
{
    bool changed = true;
    for (int i = 0; changed && i < MAX_EVOLUTIONS; i++) {
        TG_TRY(evolve_once(plan, connection, derived, &changed, err));
    }
    return changed ? tg_error_set(err, TG_ERR_CONFLICT,
                                  "columns of table %s come and go: another program changes it too",
                                  plan->name)
                   : TG_OK;
}
