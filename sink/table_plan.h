/*
 * One table as the sink writes it: its columns, which of them the schemas seen so far fill, and how
 * it came to be.
 *
 * Flow:      writer schema -> [table plan] -> CREATE TABLE / ADD COLUMN, column list of the COPY,
 *            decode plan
 * Promise:   schema versions that meet in one batch share the union of their columns, which only
 *            grows; a column that no schema fills is left out, so that the server's default
 *            applies; what does not fit is refused with both names
 * Versions:  each time the list of columns grows there is a new copy target; batches keep the one
 *            they were encoded for
 * Errors:    TG_ERR_MISSING (no such table and no create), TG_ERR_MISMATCH (poison), those of the
 *            database room
 * Threads:   one writer
 */
#ifndef TG_SINK_TABLE_PLAN_H
#define TG_SINK_TABLE_PLAN_H

#include "avro/decode_plan.h"
#include "base/log.h"
#include "config/config.h"
#include "database/connection.h"
#include "segments.h"

/* What one COPY names: a table and a list of columns. Immutable, lives as long as its table plan.
 */
typedef struct tg_copy_target {
    const char *copy_sql;   /* COPY "s"."t" ("a", "b") FROM STDIN (FORMAT binary) */
    const char *table_name; /* s.t, for people */
    int version;
    uint32_t table_oid;
    tg_direct_compress_t direct_compress; /* _OFF where the server cannot */
    tg_segment_columns_t segments;
    int time_position;         /* of the hypertable's time column in the list; -1: not in it */
    int64_t chunk_interval_us; /* 0: not a hypertable on a time */
} tg_copy_target_t;

typedef struct tg_table_plan tg_table_plan_t;

/* table: quoted for SQL. route is borrowed. */
tg_status_t tg_table_plan_new(const char *table, const tg_route_config_t *route, tg_log_t *log,
                              tg_table_plan_t **ret_plan, tg_error_t *err) TG_MUST_CHECK;
void tg_table_plan_free(tg_table_plan_t *plan);
TG_DEFINE_FREEP(tg_table_plan_t, tg_table_plan_free)

const char *tg_table_plan_table(const tg_table_plan_t *plan);

/* Makes the table fit for schema: reads the catalogue, creates the table or adds columns as the
 * route allows, and takes the schema's columns into the list. Talks to the database; connection
 * must be idle. */
tg_status_t tg_table_plan_admit(tg_table_plan_t *plan, tg_connection_t *connection,
                                tg_schema_t *schema, tg_error_t *err) TG_MUST_CHECK;

/* The catalogue has changed under us (42703, 22P04 ...): read it again at the next _admit. */
void tg_table_plan_invalidate(tg_table_plan_t *plan);

/* The target of the whole list of columns; NULL before the first _admit and after _invalidate. */
const tg_copy_target_t *tg_table_plan_target(const tg_table_plan_t *plan);

/* Counts the readings of the catalogue: a schema admitted under an older one must be admitted
 * again, because its columns are not in the list any more. */
uint64_t tg_table_plan_generation(const tg_table_plan_t *plan);

/* Changes with the list of columns: what was compiled for an older one must be compiled again. */
uint64_t tg_table_plan_version(const tg_table_plan_t *plan);

/* A decode plan for a schema that this generation has admitted, and the target that its rows go to:
 * that of the whole list, or one of the schema's own columns when the server has a default for
 * another one, which a NULL would displace. */
tg_status_t tg_table_plan_compile(tg_table_plan_t *plan, tg_schema_t *schema,
                                  const tg_decode_options_t *options, tg_decode_plan_t **ret_decode,
                                  const tg_copy_target_t **ret_target,
                                  tg_error_t *err) TG_MUST_CHECK;

#endif
