#include "database/catalog.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buffer.h"
#include "connection_internal.h"
#include "constant_default.h"
#include "object_name.h"

enum {
    MAX_TABLE_BYTES = 4 << 20, /* 1,600 columns with long defaults */
    MAX_NAME_BYTES = 1024,
    TEXT_OID = 25
};

struct tg_table {
    tg_arena_t *arena; /* owns all strings and the columns */
    const char *name;
    const char *plain_name;
    const char *time_column;
    uint32_t oid;
    bool is_hypertable;
    bool can_insert;
    size_t n_columns;
    tg_column_t *columns;
};

/* One row per column; a table without columns gives one row with a NULL name. */
static const char TABLE_SQL[] =
    "WITH RECURSIVE base AS (" /* domains, down to the type that is sent */
    " SELECT a.attnum, a.atttypid AS oid, a.atttypmod AS typmod, false AS not_null,"
    "  NULL::text COLLATE \"C\" AS default_text FROM pg_catalog.pg_attribute a"
    "  JOIN pg_catalog.pg_class c ON c.oid = a.attrelid"
    "  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
    "  WHERE n.nspname = $1 AND c.relname = $2 AND a.attnum > 0 AND NOT a.attisdropped"
    " UNION ALL SELECT b.attnum, t.typbasetype, t.typtypmod, b.not_null OR t.typnotnull,"
    "  coalesce(b.default_text, t.typdefault) FROM base b"
    "  JOIN pg_catalog.pg_type t ON t.oid = b.oid AND t.typtype = 'd')"
    " SELECT c.oid, c.relkind,"
    "  pg_catalog.has_any_column_privilege(c.oid, 'INSERT')"
    "   AND pg_catalog.has_schema_privilege(n.oid, 'USAGE'),"
    "  pg_catalog.to_regclass('timescaledb_information.dimensions') IS NOT NULL,"
    "  a.attname, b.oid, t.typtype = 'e', b.typmod,"
    "  pg_catalog.format_type(a.atttypid, a.atttypmod),"
    "  a.attnotnull OR b.not_null,"
    "  a.atthasdef OR a.attidentity <> '' OR b.default_text IS NOT NULL,"
    "  a.attgenerated <> '' OR a.attidentity = 'a',"
    "  CASE WHEN a.attgenerated = ''"
    "   THEN coalesce(pg_catalog.pg_get_expr(d.adbin, d.adrelid), b.default_text) END"
    " FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
    " LEFT JOIN pg_catalog.pg_attribute a"
    "  ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped"
    " LEFT JOIN base b ON b.attnum = a.attnum"
    "  AND NOT EXISTS (SELECT FROM pg_catalog.pg_type d WHERE d.oid = b.oid AND d.typtype = 'd')"
    " LEFT JOIN pg_catalog.pg_type t ON t.oid = b.oid"
    " LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum"
    " WHERE n.nspname = $1 AND c.relname = $2 AND c.relkind IN ('r', 'p', 'f', 'v', 'm')"
    " ORDER BY a.attnum";

enum table_field {
    FIELD_OID,
    FIELD_KIND,
    FIELD_CAN_INSERT,
    FIELD_HAS_TIMESCALEDB,
    FIELD_NAME,
    FIELD_TYPE,
    FIELD_IS_ENUM,
    FIELD_MODIFIER,
    FIELD_TYPE_NAME,
    FIELD_NOT_NULL,
    FIELD_HAS_DEFAULT,
    FIELD_GENERATED,
    FIELD_DEFAULT
};

static tg_status_t
no_memory(tg_error_t *err)
{
    return tg_error_set(err, TG_ERR_NO_MEMORY, "no memory for a table's description");
}

/* False: no memory. */
static bool
read_column(const tg_result_t *rows, int row, tg_arena_t *arena, tg_column_t *column)
{
    uint32_t oid = (uint32_t)tg_result_int64(rows, row, FIELD_TYPE);
    bool is_enum = tg_result_bool(rows, row, FIELD_IS_ENUM);
    const char *type_name = tg_result_text(rows, row, FIELD_TYPE_NAME);
    const char *expression = tg_result_text(rows, row, FIELD_DEFAULT);
    *column = (tg_column_t){
        .name = tg_arena_strdup(arena, tg_result_text(rows, row, FIELD_NAME)),
        .type_oid = is_enum ? TEXT_OID : oid,
        .enum_type_oid = is_enum ? oid : 0,
        .type_modifier = (int32_t)tg_result_int64(rows, row, FIELD_MODIFIER),
        .type_name = tg_arena_strdup(arena, type_name != NULL ? type_name : ""),
        .not_null = tg_result_bool(rows, row, FIELD_NOT_NULL),
        .has_default = tg_result_bool(rows, row, FIELD_HAS_DEFAULT),
        .is_generated = tg_result_bool(rows, row, FIELD_GENERATED),
        .constant_default = expression != NULL ? tg_constant_default(expression, arena) : NULL,
    };
    return column->name != NULL && column->type_name != NULL;
}

static tg_status_t
read_columns(const tg_result_t *rows, tg_table_t *table, tg_error_t *err)
{
    int n = tg_result_n_rows(rows);
    if (tg_result_text(rows, 0, FIELD_NAME) == NULL) {
        return TG_OK; /* CREATE TABLE t () */
    }
    table->columns = tg_arena_calloc(table->arena, (size_t)n, sizeof *table->columns);
    for (int row = 0; table->columns != NULL && row < n; row++) {
        if (!read_column(rows, row, table->arena, &table->columns[row])) {
            return no_memory(err);
        }
        table->n_columns++;
    }
    return table->columns != NULL ? TG_OK : no_memory(err);
}

/* Without a hypertable of that name the table stays a plain one. */
static tg_status_t
read_dimension(tg_connection_t *connection, const tg_object_name_t *name, tg_table_t *table,
               tg_error_t *err)
{
    const char *const parameters[] = {name->schema, name->table};
    TG_CLEANUP(tg_result_freep) tg_result_t *rows = NULL;
    TG_TRY(tg_connection_query(connection,
                               "SELECT column_name FROM timescaledb_information.dimensions "
                               "WHERE hypertable_schema = $1 AND hypertable_name = $2 "
                               "ORDER BY dimension_number LIMIT 1",
                               parameters, 2, &rows, err));
    if (tg_result_n_rows(rows) == 1) {
        table->is_hypertable = true;
        table->time_column = tg_arena_strdup(table->arena, tg_result_text(rows, 0, 0));
        return table->time_column != NULL ? TG_OK : no_memory(err);
    }
    return TG_OK;
}

static tg_status_t
note_names(const tg_object_name_t *name, tg_table_t *table, tg_error_t *err)
{
    tg_buffer_t text;
    tg_buffer_init(&text, MAX_NAME_BYTES);
    tg_status_t status = tg_object_name_append(name, &text);
    table->name = status == TG_OK && tg_buffer_text(&text) != NULL
                      ? tg_arena_strdup(table->arena, tg_buffer_text(&text))
                      : NULL;
    tg_buffer_reset(&text);
    status = tg_buffer_append_format(&text, "%s.%s", name->schema, name->table);
    table->plain_name =
        status == TG_OK ? tg_arena_strdup(table->arena, tg_buffer_text(&text)) : NULL;
    tg_buffer_done(&text);
    return table->name != NULL && table->plain_name != NULL ? TG_OK : no_memory(err);
}

static tg_status_t
check_is_table(const tg_connection_t *connection, const tg_object_name_t *name,
               const tg_result_t *rows, tg_error_t *err)
{
    if (tg_result_n_rows(rows) == 0) {
        return tg_error_set(err, TG_ERR_MISSING,
                            "table %s.%s does not exist in %s: create it, set create = true in its "
                            "route, or correct the name (upper and lower case count)",
                            name->schema, name->table, connection->name);
    }
    const char *kind = tg_result_text(rows, 0, FIELD_KIND);
    if (kind != NULL && (*kind == 'v' || *kind == 'm')) {
        return tg_error_set(err, TG_ERR_MISSING,
                            "%s.%s in %s is a view (a continuous aggregate is one too): rows can "
                            "only be written to a table",
                            name->schema, name->table, connection->name);
    }
    return TG_OK;
}

static tg_status_t
read_table(tg_connection_t *connection, const tg_object_name_t *name, const tg_result_t *rows,
           tg_table_t *table, tg_error_t *err)
{
    table->arena = tg_arena_new(MAX_TABLE_BYTES);
    if (table->arena == NULL) {
        return no_memory(err);
    }
    table->oid = (uint32_t)tg_result_int64(rows, 0, FIELD_OID);
    table->can_insert = tg_result_bool(rows, 0, FIELD_CAN_INSERT);
    TG_TRY(note_names(name, table, err));
    TG_TRY(read_columns(rows, table, err));
    return tg_result_bool(rows, 0, FIELD_HAS_TIMESCALEDB)
               ? read_dimension(connection, name, table, err)
               : TG_OK;
}

tg_status_t
tg_catalog_table(tg_connection_t *connection, const char *name, tg_table_t **ret_table,
                 tg_error_t *err)
{
    tg_object_name_t parts;
    TG_TRY(tg_object_name_parse(name, &parts, err));
    const char *const parameters[] = {parts.schema, parts.table};
    TG_CLEANUP(tg_result_freep) tg_result_t *rows = NULL;
    TG_TRY(tg_connection_query(connection, TABLE_SQL, parameters, 2, &rows, err));
    TG_TRY(check_is_table(connection, &parts, rows, err));

    tg_table_t *table = calloc(1, sizeof *table);
    if (table == NULL) {
        return no_memory(err);
    }
    tg_status_t status = read_table(connection, &parts, rows, table, err);
    if (status != TG_OK) {
        tg_table_free(table);
        return status;
    }
    *ret_table = table;
    return TG_OK;
}

void
tg_table_free(tg_table_t *table)
{
    if (table != NULL) {
        tg_arena_free(table->arena);
        free(table);
    }
}

const char *
tg_table_name(const tg_table_t *table)
{
    return table->name;
}

const char *
tg_table_plain_name(const tg_table_t *table)
{
    return table->plain_name;
}

uint32_t
tg_table_oid(const tg_table_t *table)
{
    return table->oid;
}

bool
tg_table_is_hypertable(const tg_table_t *table)
{
    return table->is_hypertable;
}

const char *
tg_table_time_column(const tg_table_t *table)
{
    return table->time_column;
}

bool
tg_table_can_insert(const tg_table_t *table)
{
    return table->can_insert;
}

size_t
tg_table_n_columns(const tg_table_t *table)
{
    return table->n_columns;
}

const tg_column_t *
tg_table_column(const tg_table_t *table, size_t index)
{
    return index < table->n_columns ? &table->columns[index] : NULL;
}

static void
copy_text(char *to, size_t n_bytes, const char *text)
{
    (void)snprintf(to, n_bytes, "%s", text != NULL ? text : "");
}

tg_status_t
tg_catalog_server(tg_connection_t *connection, tg_server_info_t *ret_info, tg_error_t *err)
{
    static const char sql[] =
        "SELECT current_setting('server_version_num'),"
        " (SELECT extversion FROM pg_catalog.pg_extension WHERE extname = 'timescaledb'),"
        " (SELECT default_version FROM pg_catalog.pg_available_extensions"
        "  WHERE name = 'timescaledb'),"
        " current_setting('timescaledb.license', true), pg_catalog.pg_is_in_recovery(),"
        " coalesce((SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user), false),"
        " pg_catalog.has_database_privilege(current_database(), 'CREATE')";
    TG_CLEANUP(tg_result_freep) tg_result_t *rows = NULL;
    TG_TRY(tg_connection_query(connection, sql, NULL, 0, &rows, err));
    tg_server_info_t info = {
        .version = (int)tg_result_int64(rows, 0, 0),
        .in_recovery = tg_result_bool(rows, 0, 4),
        .is_superuser = tg_result_bool(rows, 0, 5),
        .can_create = tg_result_bool(rows, 0, 6),
    };
    copy_text(info.timescaledb_version, sizeof info.timescaledb_version,
              tg_result_text(rows, 0, 1));
    copy_text(info.timescaledb_available, sizeof info.timescaledb_available,
              tg_result_text(rows, 0, 2));
    if (info.timescaledb_version[0] != '\0') {
        copy_text(info.license, sizeof info.license, tg_result_text(rows, 0, 3));
    }
    *ret_info = info;
    return TG_OK;
}

tg_status_t
tg_catalog_can_create(tg_connection_t *connection, const char *name, bool *ret_can,
                      char *ret_reason, size_t n_reason_bytes, tg_error_t *err)
{
    static const char SQL[] =
        "SELECT n.oid IS NOT NULL, CASE WHEN n.oid IS NULL"
        " THEN pg_catalog.has_database_privilege(pg_catalog.current_database(), 'CREATE')"
        " ELSE pg_catalog.has_schema_privilege(n.oid, 'CREATE') END,"
        " pg_catalog.current_database(), current_user"
        " FROM (SELECT $1::text AS name) AS s"
        " LEFT JOIN pg_catalog.pg_namespace n ON n.nspname = s.name";
    tg_object_name_t parsed;
    TG_TRY(tg_object_name_parse(name, &parsed, err));
    const char *const parameters[] = {parsed.schema};
    TG_CLEANUP(tg_result_freep) tg_result_t *result = NULL;
    TG_TRY(tg_connection_query(connection, SQL, parameters, 1, &result, err));
    bool schema_exists = tg_result_bool(result, 0, 0);
    bool can = tg_result_bool(result, 0, 1);
    (void)snprintf(ret_reason, n_reason_bytes, "GRANT CREATE ON %s \"%s\" TO \"%s\"",
                   schema_exists ? "SCHEMA" : "DATABASE",
                   schema_exists ? parsed.schema : tg_result_text(result, 0, 2),
                   tg_result_text(result, 0, 3));
    *ret_can = can;
    return TG_OK;
}
