/*
 * What the server knows about itself and about one table.
 *
 * Flow:      table plan, check -> [catalog] -> pg_catalog, timescaledb_information
 * Ownership: _table gives owned
 * Errors:    TG_ERR_MISSING (no such table; the text says how to get it), and those of connection.h
 * Threads:   the owner of the connection
 */
#ifndef TG_DATABASE_CATALOG_H
#define TG_DATABASE_CATALOG_H

#include "database/connection.h"

typedef struct tg_column {
    const char *name;
    uint32_t type_oid;      /* base type of a domain */
    uint32_t enum_type_oid; /* for an enum column: its own oid, type_oid is then text's */
    int32_t type_modifier;
    const char *type_name; /* format_type(), for messages and DDL */
    bool not_null;
    bool has_default;
    bool is_generated; /* generated always, or identity always: never written */
    const char
        *constant_default; /* text of a constant default's value; NULL: none or not constant */
} tg_column_t;

typedef struct tg_table tg_table_t;

/* name: "schema.table" or "table" (public); quoted parts are understood. */
tg_status_t tg_catalog_table(tg_connection_t *connection, const char *name, tg_table_t **ret_table,
                             tg_error_t *err) TG_MUST_CHECK;
void tg_table_free(tg_table_t *table);
TG_DEFINE_FREEP(tg_table_t, tg_table_free)

const char *tg_table_name(const tg_table_t *table);       /* "schema"."table", quoted for SQL */
const char *tg_table_plain_name(const tg_table_t *table); /* schema.table, for people */
uint32_t tg_table_oid(const tg_table_t *table);
bool tg_table_is_hypertable(const tg_table_t *table);
const char *tg_table_time_column(const tg_table_t *table); /* NULL: none */
bool tg_table_can_insert(const tg_table_t *table);         /* privilege of the current user */
size_t tg_table_n_columns(const tg_table_t *table);
const tg_column_t *tg_table_column(const tg_table_t *table, size_t index);

typedef struct tg_server_info {
    int version;                  /* 150020 */
    char timescaledb_version[32]; /* "" : extension not installed in this database */
    char timescaledb_available[32];
    char license[16]; /* "timescale", "apache", "" */
    bool in_recovery;
    bool is_superuser;
    bool can_create; /* CREATE on the database */
} tg_server_info_t;

tg_status_t tg_catalog_server(tg_connection_t *connection, tg_server_info_t *ret_info,
                              tg_error_t *err) TG_MUST_CHECK;

/* Whether the current user may create a table of that name; if not, reason says what to grant. */
tg_status_t tg_catalog_can_create(tg_connection_t *connection, const char *name, bool *ret_can,
                                  char *ret_reason, size_t n_reason_bytes,
                                  tg_error_t *err) TG_MUST_CHECK;

typedef struct tg_column_definition {
    const char *name;
    const char *type_sql; /* "double precision"; letters, digits, ( ) [ ] , . _ and quotes only */
    bool not_null;
    const char *comment; /* NULL: none */
} tg_column_definition_t;

/* What a hypertable is created from. Strings are borrowed for the call. */
typedef struct tg_table_definition {
    const char *name; /* "schema.table", parts may be quoted */
    const tg_column_definition_t *columns;
    size_t n_columns;
    const char *time_column;       /* must be one of columns; NULL: a plain table */
    const char *chunk_interval;    /* "1 day"; a number of units when the time column is an integer;
                                      NULL: the extension's default */
    const char *const *segment_by; /* compression settings when n > 0 and the licence allows */
    size_t n_segment_by;
} tg_table_definition_t;

/* Creates schema and table if they are absent, and makes it a hypertable with one index on time,
 * under pg_advisory_xact_lock and lock_timeout, in one transaction. Without the extension: a plain
 * table and *ret_plain = true. Safe when two instances do it at once. */
tg_status_t tg_catalog_create_table(tg_connection_t *connection,
                                    const tg_table_definition_t *definition, bool *ret_plain,
                                    tg_error_t *err) TG_MUST_CHECK;

/* ALTER TABLE ... ADD COLUMN IF NOT EXISTS for each, under the same lock. The new columns are
 * nullable whatever the definition says: the rows that are there have nothing to put in them. */
tg_status_t tg_catalog_add_columns(tg_connection_t *connection,
                                   const tg_table_definition_t *definition,
                                   tg_error_t *err) TG_MUST_CHECK;

/* The DDL that _create_table would run, for `plan` and messages. Appends. */
struct tg_buffer;
tg_status_t tg_catalog_create_table_sql(const tg_table_definition_t *definition,
                                        bool with_timescaledb, struct tg_buffer *sql,
                                        tg_error_t *err) TG_MUST_CHECK;

#endif
