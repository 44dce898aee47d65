/*
 * What a writer knows about schemas and tables: for a schema key and a table, the decode plan that
 * joins them.
 *
 * Flow:      schema key of a record -> [bindings] -> decode plan + copy target
 * Promise:   a schema is parsed once and a plan compiled once per writer, schema and list of
 *            columns; a schema that does not fit its table is remembered as such and looked at
 *            again every 30 s, so that a DBA's ALTER TABLE is noticed
 * Ownership: bindings own schemas, table plans and decode plans; a tg_binding_t is borrowed until
 *            the next call
 * Threads:   one writer
 */
#ifndef TG_SINK_BINDING_H
#define TG_SINK_BINDING_H

#include "base/clock.h"
#include "base/wake.h"
#include "registry/schema_cache.h"
#include "table_plan.h"

typedef struct tg_binding {
    tg_schema_t *schema;
    tg_table_plan_t *table;
    tg_decode_plan_t *decode; /* NULL when error.status != TG_OK */
    const tg_copy_target_t *target;
    uint64_t generation;       /* of table, when it admitted schema */
    uint64_t version;          /* of table, when decode was compiled */
    tg_error_t error;          /* why the schema does not fit the table */
    int64_t checked_ms;        /* when that was found */
    uint64_t n_truncated_seen; /* already counted in the metrics */
} tg_binding_t;

typedef struct tg_bindings tg_bindings_t;

typedef struct tg_bindings_options {
    tg_schema_cache_t *schemas;
    tg_decode_options_t decode;
    const tg_clock_t *clock;
    tg_wake_t *wake; /* rung when a schema arrives */
    tg_log_t *log;
} tg_bindings_options_t;

tg_status_t tg_bindings_new(const tg_bindings_options_t *options, tg_bindings_t **ret_bindings,
                            tg_error_t *err) TG_MUST_CHECK;
void tg_bindings_free(tg_bindings_t *bindings);

/* Whether what was compiled is still what the table's plan wants. */
bool tg_binding_is_current(const tg_binding_t *binding);

/* The plan of a table, made on first use. table: quoted for SQL. */
tg_status_t tg_bindings_table(tg_bindings_t *bindings, const char *table,
                              const tg_route_config_t *route, tg_table_plan_t **ret_plan,
                              tg_error_t *err) TG_MUST_CHECK;

/* Never touches the database. TG_OK: *ret_binding is ready to decode. TG_ERR_AGAIN: the registry is
 * asked, wake rings. TG_ERR_MISSING: only _admit, with the connection idle, can go on. Poison
 * statuses: the record cannot be mapped. Retry statuses: the registry is away. */
tg_status_t tg_bindings_find(tg_bindings_t *bindings, const tg_schema_key_t *key,
                             tg_table_plan_t *table, tg_binding_t **ret_binding,
                             tg_error_t *err) TG_MUST_CHECK;

/* Makes table fit for the schema of key (which _find has seen). A mismatch is remembered and TG_OK
 * returned: _find says it. */
tg_status_t tg_bindings_admit(tg_bindings_t *bindings, const tg_schema_key_t *key,
                              tg_table_plan_t *table, tg_connection_t *connection,
                              tg_error_t *err) TG_MUST_CHECK;

/* The catalogue has changed under us: every table is read again. */
void tg_bindings_invalidate(tg_bindings_t *bindings);

size_t tg_bindings_n_tables(const tg_bindings_t *bindings);
const tg_table_plan_t *tg_bindings_table_at(const tg_bindings_t *bindings, size_t index);

size_t tg_bindings_n_schemas(const tg_bindings_t *bindings);

#endif
