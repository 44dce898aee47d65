#include "table_plan.h"

#include <inttypes.h>
#include <stdlib.h>

#include "avro/derive.h"
#include "base/arena.h"
#include "base/buffer.h"
#include "database/catalog.h"
#include "database/columnstore.h"
#include "table_plan_internal.h"

enum { MAX_PLAN_BYTES = 16 << 20 };

tg_status_t
tg_table_plan_new(const char *table, const tg_route_config_t *route, tg_log_t *log,
                  tg_table_plan_t **ret_plan, tg_error_t *err)
{
    tg_table_plan_t *plan = calloc(1, sizeof *plan);
    if (plan != NULL) {
        plan->arena = tg_arena_new(MAX_PLAN_BYTES);
        plan->name = strdup(table);
        plan->columns = calloc(TG_TABLE_PLAN_MAX_COLUMNS, sizeof plan->columns[0]);
    }
    if (plan == NULL || plan->arena == NULL || plan->name == NULL || plan->columns == NULL) {
        tg_table_plan_free(plan);
        return tg_error_set(err, TG_ERR_NO_MEMORY, "no memory for the plan of table %s", table);
    }
    plan->route = route;
    plan->log = log;
    *ret_plan = plan;
    return TG_OK;
}

void
tg_table_plan_free(tg_table_plan_t *plan)
{
    if (plan == NULL) {
        return;
    }
    tg_table_free(plan->table);
    tg_arena_free(plan->arena);
    free(plan->columns);
    free(plan->name);
    free(plan);
}

const char *
tg_table_plan_table(const tg_table_plan_t *plan)
{
    return plan->name;
}

const tg_copy_target_t *
tg_table_plan_target(const tg_table_plan_t *plan)
{
    return plan->target;
}

uint64_t
tg_table_plan_generation(const tg_table_plan_t *plan)
{
    return plan->generation;
}

uint64_t
tg_table_plan_version(const tg_table_plan_t *plan)
{
    return plan->version;
}

void
tg_table_plan_invalidate(tg_table_plan_t *plan)
{
    tg_table_free(plan->table);
    plan->table = NULL;
    plan->target = NULL;
    plan->n_columns = 0;
    plan->generation++;
    plan->version++;
}

static tg_nested_mode_t
nested_mode(const tg_table_plan_t *plan)
{
    return plan->route->nested == TG_CONFIG_NESTED_JSONB ? TG_NESTED_JSONB : TG_NESTED_FLATTEN;
}

/* --- catalogue and column list --- */

tg_status_t
tg_table_plan_read(tg_table_plan_t *plan, tg_connection_t *connection, tg_error_t *err)
{
    TG_TRY(tg_catalog_table(connection, plan->name, &plan->table, err));
    if (!tg_table_can_insert(plan->table)) {
        tg_table_plan_invalidate(plan);
        return tg_error_set(
            err, TG_ERR_PERMISSION,
            "no privilege to insert into %s; grant it: GRANT INSERT ON %s TO CURRENT_USER of %s",
            plan->name, plan->name, tg_connection_name(connection));
    }
    tg_status_t status =
        tg_columnstore_describe(connection, tg_table_oid(plan->table), &plan->columnstore, err);
    if (status != TG_OK) {
        tg_table_plan_invalidate(plan); /* half read is not read */
        return status;
    }
    if (plan->route->direct_compress == TG_DIRECT_COMPRESS_ON && !plan->columnstore.can_direct) {
        TG_LOG_WARNING(plan->log, "rows cannot be compressed on the way in",
                       TG_S("table", plan->name), TG_S("reason", plan->columnstore.reason));
    }
    return TG_OK;
}

static void
plan_column_from(const tg_column_t *column, tg_plan_column_t *ret_column)
{
    *ret_column = (tg_plan_column_t){
        .name = column->name,
        .type_oid = column->type_oid,
        .type_modifier = column->type_modifier,
        .not_null = column->not_null,
    };
}

static bool
plan_lists(const tg_table_plan_t *plan, const char *name)
{
    for (size_t i = 0; i < plan->n_columns; i++) {
        if (strcmp(plan->columns[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

static tg_status_t
copy_sql_append(const tg_table_plan_t *plan, const tg_plan_column_t *columns, size_t n_columns,
                tg_buffer_t *sql)
{
    TG_TRY(tg_buffer_append_format(sql, "COPY %s (", tg_table_name(plan->table)));
    for (size_t i = 0; i < n_columns; i++) {
        TG_TRY(tg_buffer_append_text(sql, i > 0 ? ", " : ""));
        TG_TRY(tg_sql_append_identifier(sql, columns[i].name));
    }
    return tg_buffer_append_text(sql, ") FROM STDIN (FORMAT binary)");
}

/* What rows encoded for the target depend on besides the statement. */
static tg_status_t
types_append(const tg_plan_column_t *columns, size_t n_columns, tg_buffer_t *text)
{
    for (size_t i = 0; i < n_columns; i++) {
        TG_TRY(tg_buffer_append_format(text, " %" PRIu32 "/%" PRId32 "/%d", columns[i].type_oid,
                                       columns[i].type_modifier, columns[i].not_null ? 1 : 0));
    }
    return TG_OK;
}

/* Where the segment columns are in the column list. */
static void
target_set_direct(const tg_table_plan_t *plan, const tg_plan_column_t *columns, size_t n_columns,
                  tg_copy_target_t *target)
{
    target->direct_compress =
        plan->columnstore.can_direct ? plan->route->direct_compress : TG_DIRECT_COMPRESS_OFF;
    for (size_t s = 0; s < plan->columnstore.n_segment_columns; s++) {
        for (size_t i = 0; i < n_columns; i++) {
            if (strcmp(columns[i].name, plan->columnstore.segment_columns[s]) == 0) {
                target->segments.positions[target->segments.n++] = (int)i;
            }
        }
    }
}

/* Where the time is in the column list. */
static void
target_set_time(const tg_table_plan_t *plan, const tg_plan_column_t *columns, size_t n_columns,
                tg_copy_target_t *target)
{
    const char *time_column = tg_table_time_column(plan->table);
    target->chunk_interval_us = plan->columnstore.chunk_interval_us;
    target->time_position = -1;
    for (size_t i = 0; time_column != NULL && i < n_columns; i++) {
        if (strcmp(columns[i].name, time_column) == 0) {
            target->time_position = (int)i;
        }
    }
}

static bool
same_layout(const tg_copy_target_t *a, const tg_copy_target_t *b)
{
    return a->direct_compress == b->direct_compress &&
           a->chunk_interval_us == b->chunk_interval_us && a->time_position == b->time_position &&
           a->segments.n == b->segments.n &&
           memcmp(a->segments.positions, b->segments.positions,
                  a->segments.n * sizeof a->segments.positions[0]) == 0;
}

static const tg_copy_target_t *
target_new(tg_table_plan_t *plan, const tg_copy_target_t *wanted, const char *signature,
           size_t n_sql_bytes)
{
    made_target_t *made = tg_arena_calloc(plan->arena, 1, sizeof *made);
    if (made == NULL) {
        return NULL;
    }
    made->target = *wanted;
    made->signature = tg_arena_strdup(plan->arena, signature);
    made->target.copy_sql = tg_arena_strndup(plan->arena, signature, n_sql_bytes);
    made->target.table_name = tg_arena_strdup(plan->arena, tg_table_plain_name(plan->table));
    made->target.version = ++plan->n_made;
    if (made->signature == NULL || made->target.copy_sql == NULL ||
        made->target.table_name == NULL) {
        return NULL;
    }
    made->next = plan->made;
    plan->made = made;
    return &made->target;
}

/* The target for these columns: the one made before, if there is one. */
static tg_status_t
target_of(tg_table_plan_t *plan, const tg_plan_column_t *columns, size_t n_columns,
          const tg_copy_target_t **ret_target, tg_error_t *err)
{
    tg_buffer_t text;
    tg_buffer_init(&text, 1 << 20);
    tg_status_t status = copy_sql_append(plan, columns, n_columns, &text);
    size_t n_sql_bytes = text.n_bytes;
    if (status == TG_OK) {
        status = types_append(columns, n_columns, &text);
    }
    const char *signature = status == TG_OK ? tg_buffer_text(&text) : NULL;
    tg_copy_target_t wanted = {.table_oid = tg_table_oid(plan->table)};
    target_set_direct(plan, columns, n_columns, &wanted);
    target_set_time(plan, columns, n_columns, &wanted);
    const tg_copy_target_t *target = NULL;
    for (const made_target_t *m = plan->made; signature != NULL && m != NULL; m = m->next) {
        bool same = strcmp(m->signature, signature) == 0 && same_layout(&m->target, &wanted) &&
                    m->target.table_oid == wanted.table_oid;
        target = same ? &m->target : target;
    }
    if (target == NULL && signature != NULL) {
        target = target_new(plan, &wanted, signature, n_sql_bytes);
    }
    tg_buffer_done(&text);
    if (target == NULL) {
        return tg_error_set(err, TG_ERR_NO_MEMORY, "no memory for the plan of table %s",
                            plan->name);
    }
    *ret_target = target;
    return TG_OK;
}

/* A column that must have a value, that the server does not fill, and that this schema has no field
 * for. */
static tg_status_t
check_required(const tg_table_plan_t *plan, const tg_column_t *column, const tg_schema_t *schema,
               tg_error_t *err)
{
    if (!column->not_null || column->has_default || column->is_generated) {
        return TG_OK;
    }
    return tg_error_set(
        err, TG_ERR_MISMATCH,
        "column %s of %s is NOT NULL without a default, and schema %s has no field for it; "
        "give the column a default or the schema a field",
        column->name, plan->name, tg_schema_name(schema));
}

/* Which columns the schema fills; what must be filled and is not is a mismatch. */
static tg_status_t
match_columns(const tg_table_plan_t *plan, tg_schema_t *schema, const tg_plan_column_t *all,
              size_t n, bool *ret_matched, tg_error_t *err)
{
    TG_TRY(tg_decode_plan_match(schema, all, n, ret_matched, err));
    size_t n_matched = 0;
    for (size_t i = 0; i < n; i++) {
        const tg_column_t *column = tg_table_column(plan->table, i);
        ret_matched[i] = ret_matched[i] && !column->is_generated;
        n_matched += ret_matched[i] ? 1 : 0;
        if (!ret_matched[i]) {
            TG_TRY(check_required(plan, column, schema, err));
        }
    }
    if (n_matched == 0) {
        return tg_error_set(err, TG_ERR_MISMATCH,
                            "schema %s and table %s have no name in common: check the route",
                            tg_schema_name(schema), plan->name);
    }
    return TG_OK;
}

/* Adds those that are not in the list yet; true when there were any. */
static bool
list_columns(tg_table_plan_t *plan, const tg_plan_column_t *all, size_t n, const size_t *order,
             const bool *matched)
{
    bool grown = false;
    for (size_t i = 0; i < n; i++) {
        const tg_plan_column_t *column = &all[order[i]];
        if (matched[order[i]] && !plan_lists(plan, column->name)) {
            plan->columns[plan->n_columns++] = *column;
            grown = true;
        }
    }
    return grown;
}

/* Takes the columns that schema fills into the list, in the schema's order. */
static tg_status_t
take_columns(tg_table_plan_t *plan, tg_schema_t *schema, tg_error_t *err)
{
    size_t n = tg_table_n_columns(plan->table);
    TG_CLEANUP(tg_arena_freep) tg_arena_t *arena = tg_arena_new(1 << 20);
    tg_plan_column_t *all = arena != NULL ? tg_arena_calloc(arena, n, sizeof *all) : NULL;
    size_t *order = arena != NULL ? tg_arena_calloc(arena, n, sizeof *order) : NULL;
    bool *matched = arena != NULL ? tg_arena_calloc(arena, n, sizeof *matched) : NULL;
    if (all == NULL || order == NULL || matched == NULL || n > TG_TABLE_PLAN_MAX_COLUMNS) {
        return tg_error_set(err, TG_ERR_NO_MEMORY, "no memory for the plan of table %s",
                            plan->name);
    }
    for (size_t i = 0; i < n; i++) {
        plan_column_from(tg_table_column(plan->table, i), &all[i]);
    }
    TG_TRY(match_columns(plan, schema, all, n, matched, err));
    TG_TRY(tg_decode_plan_preferred_order(schema, all, n, order, err));
    bool grown = list_columns(plan, all, n, order, matched) || plan->target == NULL;
    if (!grown) {
        return TG_OK;
    }
    plan->version++;
    return target_of(plan, plan->columns, plan->n_columns, &plan->target, err);
}

tg_status_t
tg_table_plan_admit(tg_table_plan_t *plan, tg_connection_t *connection, tg_schema_t *schema,
                    tg_error_t *err)
{
    TG_CLEANUP(tg_derived_table_freep) tg_derived_table_t *derived = NULL;
    TG_TRY(tg_derive_table(schema, nested_mode(plan), &derived, err));
    if (plan->table == NULL) {
        tg_status_t status = tg_table_plan_read(plan, connection, err);
        if (status == TG_ERR_MISSING && plan->route->create) {
            TG_TRY(tg_table_plan_create(plan, connection, schema, derived, err));
            status = tg_table_plan_read(plan, connection, err);
        }
        TG_TRY(status);
    }
    TG_TRY(tg_table_plan_evolve(plan, connection, derived, err));
    return take_columns(plan, schema, err);
}

static const tg_column_t *
table_column(const tg_table_t *table, const char *name)
{
    for (size_t i = 0; i < tg_table_n_columns(table); i++) {
        if (strcmp(tg_table_column(table, i)->name, name) == 0) {
            return tg_table_column(table, i);
        }
    }
    return NULL;
}

/* The columns of the list but those that schema lacks and the server has a default for. */
static tg_status_t
own_columns(const tg_table_plan_t *plan, tg_schema_t *schema, tg_arena_t *arena,
            tg_plan_column_t **ret_columns, size_t *ret_n, tg_error_t *err)
{
    bool *matched = arena != NULL ? tg_arena_calloc(arena, plan->n_columns, sizeof *matched) : NULL;
    tg_plan_column_t *own =
        arena != NULL ? tg_arena_calloc(arena, plan->n_columns, sizeof *own) : NULL;
    if (matched == NULL || own == NULL) {
        return tg_error_set(err, TG_ERR_NO_MEMORY, "no memory for the plan of table %s",
                            plan->name);
    }
    TG_TRY(tg_decode_plan_match(schema, plan->columns, plan->n_columns, matched, err));
    size_t n = 0;
    for (size_t i = 0; i < plan->n_columns; i++) {
        const tg_column_t *column = table_column(plan->table, plan->columns[i].name);
        if (matched[i] || column == NULL || !column->has_default) {
            own[n++] = plan->columns[i];
        }
    }
    *ret_columns = own;
    *ret_n = n;
    return TG_OK;
}

tg_status_t
tg_table_plan_compile(tg_table_plan_t *plan, tg_schema_t *schema,
                      const tg_decode_options_t *options, tg_decode_plan_t **ret_decode,
                      const tg_copy_target_t **ret_target, tg_error_t *err)
{
    TG_CLEANUP(tg_arena_freep) tg_arena_t *arena = tg_arena_new(1 << 20);
    tg_plan_column_t *columns = NULL;
    size_t n_columns = 0;
    TG_TRY(own_columns(plan, schema, arena, &columns, &n_columns, err));
    const tg_copy_target_t *target = plan->target;
    if (n_columns < plan->n_columns) {
        TG_TRY(target_of(plan, columns, n_columns, &target, err));
    }
    TG_TRY(tg_decode_plan_new(schema, columns, n_columns, options, ret_decode, err));
    *ret_target = target;
    return TG_OK;
}
