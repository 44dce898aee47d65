#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "connection_internal.h"
#include "database/catalog.h"
#include "object_name.h"
#include "table_definition.h"

enum { MAX_DDL_BYTES = 1 << 20 };

/* One lock for all DDL of all instances: two tables at once are not worth a deadlock. The number
 * must never change. */
#define BEGIN_DDL                                                                                  \
    "BEGIN; SET LOCAL synchronous_commit = on; SET LOCAL lock_timeout = '10s'; "                   \
    "SELECT pg_catalog.pg_advisory_xact_lock(7391550412021002);\n"
#define DONE_MEANWHILE "TG002"

/* What the server says about the place where the table shall be. */
typedef struct site {
    tg_object_name_t name;
    bool schema_exists;
    bool table_exists;
    char timescaledb_schema[TG_IDENTIFIER_MAX_BYTES + 1]; /* "": not in this database */
    char available[32];                                   /* "": not on this server either */
    bool can_compress;
} site_t;

static void
copy_text(char *to, size_t n_bytes, const char *text)
{
    (void)snprintf(to, n_bytes, "%s", text != NULL ? text : "");
}

static tg_status_t
read_site(tg_connection_t *connection, const char *name, site_t *ret_site, tg_error_t *err)
{
    static const char sql[] =
        "SELECT EXISTS (SELECT FROM pg_catalog.pg_namespace WHERE nspname = $1),"
        " EXISTS (SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n"
        "  ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relname = $2),"
        " (SELECT n.nspname FROM pg_catalog.pg_extension e JOIN pg_catalog.pg_namespace n"
        "  ON n.oid = e.extnamespace WHERE e.extname = 'timescaledb'),"
        " (SELECT default_version FROM pg_catalog.pg_available_extensions"
        "  WHERE name = 'timescaledb'),"
        " current_setting('timescaledb.license', true) = 'timescale'";
    site_t site = {0};
    TG_TRY(tg_object_name_parse(name, &site.name, err));
    const char *const parameters[] = {site.name.schema, site.name.table};
    TG_CLEANUP(tg_result_freep) tg_result_t *rows = NULL;
    TG_TRY(tg_connection_query(connection, sql, parameters, 2, &rows, err));
    site.schema_exists = tg_result_bool(rows, 0, 0);
    site.table_exists = tg_result_bool(rows, 0, 1);
    copy_text(site.timescaledb_schema, sizeof site.timescaledb_schema, tg_result_text(rows, 0, 2));
    copy_text(site.available, sizeof site.available, tg_result_text(rows, 0, 3));
    site.can_compress = tg_result_bool(rows, 0, 4);
    *ret_site = site;
    return TG_OK;
}

/* Ends the transaction when another instance has made the table while we waited for the lock. */
static tg_status_t
append_guard(const tg_object_name_t *name, tg_buffer_t *sql)
{
    TG_TRY(tg_buffer_append_text(
        sql, "DO $tidegate$ BEGIN IF EXISTS (SELECT FROM pg_catalog.pg_class c JOIN "
             "pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = "));
    TG_TRY(tg_sql_append_literal(sql, name->schema));
    TG_TRY(tg_buffer_append_text(sql, " AND c.relname = "));
    TG_TRY(tg_sql_append_literal(sql, name->table));
    return tg_buffer_append_text(sql,
                                 ") THEN RAISE EXCEPTION 'the table was created meanwhile' "
                                 "USING ERRCODE = '" DONE_MEANWHILE "'; END IF; END $tidegate$;\n");
}

static tg_status_t
append_transaction(const tg_table_definition_t *definition, const site_t *site, tg_buffer_t *sql)
{
    const tg_ddl_options_t options = {
        .timescaledb_schema = site->timescaledb_schema[0] != '\0' ? site->timescaledb_schema : NULL,
        .create_schema =
            !site->schema_exists, /* asked for, it needs a privilege even if it exists */
        .compress = site->can_compress,
    };
    TG_TRY(tg_buffer_append_text(sql, BEGIN_DDL));
    TG_TRY(append_guard(&site->name, sql));
    TG_TRY(tg_table_definition_append_create(definition, &site->name, &options, sql));
    return tg_buffer_append_text(sql, "COMMIT");
}

/* Runs what status says was put together in sql, and releases sql. */
static tg_status_t
run(tg_connection_t *connection, tg_status_t status, tg_buffer_t *sql, const char *what,
    const tg_object_name_t *name, tg_error_t *err)
{
    const char *text = status == TG_OK ? tg_buffer_text(sql) : NULL;
    if (text == NULL) {
        status = tg_error_set(err, TG_ERR_NO_MEMORY, "the DDL for %s.%s is larger than %d bytes",
                              name->schema, name->table, (int)MAX_DDL_BYTES);
    } else {
        status = tg_connection_execute(connection, text, err);
        if (status != TG_OK) {
            (void)tg_error_wrap(err, status, "%s %s.%s in %s", what, name->schema, name->table,
                                connection->name);
        }
    }
    tg_buffer_done(sql);
    return status;
}

/* A table that is there is left as it is. */
static tg_status_t
look_if_plain(tg_connection_t *connection, const char *name, bool *ret_plain, tg_error_t *err)
{
    TG_CLEANUP(tg_table_freep) tg_table_t *table = NULL;
    TG_TRY(tg_catalog_table(connection, name, &table, err));
    *ret_plain = !tg_table_is_hypertable(table);
    return TG_OK;
}

static void
tell(const tg_connection_t *connection, const tg_table_definition_t *definition, const site_t *site)
{
    bool plain = site->timescaledb_schema[0] == '\0';
    TG_LOG_INFO(connection->log, "table created", TG_S("table", definition->name),
                TG_B("hypertable", !plain && definition->time_column != NULL),
                TG_I("columns", definition->n_columns));
    if (plain && definition->time_column != NULL) {
        TG_LOG_WARNING(connection->log, "a plain table, not a hypertable: no timescaledb here",
                       TG_S("table", definition->name), TG_S("server", connection->name),
                       TG_S("remedy", site->available[0] != '\0'
                                          ? "CREATE EXTENSION timescaledb in this database (the "
                                            "server has it), then create_hypertable(..., "
                                            "migrate_data => true)"
                                          : "install TimescaleDB on the server"));
    } else if (!plain && definition->n_segment_by > 0 && !site->can_compress) {
        TG_LOG_WARNING(connection->log, "no compression: this timescaledb has the Apache licence",
                       TG_S("table", definition->name), TG_S("server", connection->name));
    }
}

tg_status_t
tg_catalog_create_table(tg_connection_t *connection, const tg_table_definition_t *definition,
                        bool *ret_plain, tg_error_t *err)
{
    site_t site;
    TG_TRY(tg_table_definition_check(definition, err));
    TG_TRY(read_site(connection, definition->name, &site, err));
    if (site.table_exists) {
        return look_if_plain(connection, definition->name, ret_plain, err);
    }
    tg_buffer_t sql;
    tg_buffer_init(&sql, MAX_DDL_BYTES);
    tg_error_t why = {0};
    tg_status_t status = append_transaction(definition, &site, &sql);
    status = run(connection, status, &sql, "creating table", &site.name, &why);
    if (status != TG_OK && strcmp(why.sqlstate, DONE_MEANWHILE) == 0) {
        return look_if_plain(connection, definition->name, ret_plain, err);
    }
    if (status != TG_OK) {
        if (err != NULL) {
            *err = why;
        }
        return status;
    }
    tell(connection, definition, &site);
    *ret_plain = site.timescaledb_schema[0] == '\0' || definition->time_column == NULL;
    return TG_OK;
}

tg_status_t
tg_catalog_add_columns(tg_connection_t *connection, const tg_table_definition_t *definition,
                       tg_error_t *err)
{
    tg_object_name_t name;
    TG_TRY(tg_object_name_parse(definition->name, &name, err));
    tg_table_definition_t columns = *definition;
    columns.time_column = NULL; /* it is there already, so it need not be among the new ones */
    columns.n_segment_by = 0;
    TG_TRY(tg_table_definition_check(&columns, err));
    tg_buffer_t sql;
    tg_buffer_init(&sql, MAX_DDL_BYTES);
    tg_status_t status = tg_buffer_append_text(&sql, BEGIN_DDL);
    status = status == TG_OK ? tg_table_definition_append_columns(definition, &name, &sql) : status;
    status = status == TG_OK ? tg_buffer_append_text(&sql, "COMMIT") : status;
    TG_TRY(run(connection, status, &sql, "adding columns to", &name, err));
    TG_LOG_INFO(connection->log, "columns added", TG_S("table", definition->name),
                TG_I("columns", definition->n_columns));
    return TG_OK;
}

tg_status_t
tg_catalog_create_table_sql(const tg_table_definition_t *definition, bool with_timescaledb,
                            tg_buffer_t *sql, tg_error_t *err)
{
    tg_object_name_t name;
    TG_TRY(tg_object_name_parse(definition->name, &name, err));
    TG_TRY(tg_table_definition_check(definition, err));
    const tg_ddl_options_t options = {.timescaledb_schema = with_timescaledb ? "public" : NULL,
                                      .create_schema = true,
                                      .compress = true};
    tg_status_t status = tg_table_definition_append_create(definition, &name, &options, sql);
    return status == TG_OK
               ? TG_OK
               : tg_error_set(err, status, "the DDL for %s does not fit into its buffer",
                              definition->name);
}
