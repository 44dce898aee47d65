#include "database/columnstore.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"

enum { MINOR_WITH_DIRECT = 21, MINOR_WITH_DIRECT_UNDER_AGGREGATE = 24 };

/* What speaks against it, in one look. The insert blocker is TimescaleDB's own and does no harm. */
static const char FACTS_SQL[] =
    "SELECT (SELECT extversion FROM pg_catalog.pg_extension WHERE extname = 'timescaledb'),"
    " EXISTS (SELECT FROM pg_catalog.pg_index WHERE indrelid = $1::oid AND indisunique),"
    " EXISTS (SELECT FROM pg_catalog.pg_trigger WHERE tgrelid = $1::oid"
    "  AND tgname NOT IN ('ts_insert_blocker', 'ts_cagg_invalidation_trigger'))";

static const char HYPERTABLE_SQL[] =
    "SELECT h.compression_enabled,"
    " EXISTS (SELECT FROM timescaledb_information.continuous_aggregates a"
    "  WHERE a.hypertable_schema = h.hypertable_schema AND a.hypertable_name = h.hypertable_name)"
    " FROM timescaledb_information.hypertables h"
    " JOIN pg_catalog.pg_namespace n ON n.nspname = h.hypertable_schema"
    " JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = h.hypertable_name"
    " WHERE c.oid = $1::oid";

static const char INTERVAL_SQL[] =
    "SELECT (extract(epoch FROM d.time_interval) * 1000000)::bigint"
    " FROM timescaledb_information.dimensions d"
    " JOIN pg_catalog.pg_namespace n ON n.nspname = d.hypertable_schema"
    " JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = d.hypertable_name"
    " WHERE c.oid = $1::oid AND d.dimension_number = 1 AND d.time_interval IS NOT NULL";

static const char COMPRESSED_SQL[] =
    "WITH chunks AS (SELECT k.range_start, k.range_end, k.is_compressed,"
    "  max(k.range_end) OVER () AS newest_end FROM timescaledb_information.chunks k"
    "  JOIN pg_catalog.pg_namespace n ON n.nspname = k.hypertable_schema"
    "  JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = k.hypertable_name"
    "  WHERE c.oid = $1::oid AND k.range_start IS NOT NULL)"
    " SELECT (extract(epoch FROM range_start) * 1000000)::bigint - 946684800000000,"
    "  (extract(epoch FROM range_end) * 1000000)::bigint - 946684800000000"
    " FROM chunks WHERE is_compressed AND range_end < newest_end ORDER BY range_start DESC LIMIT "
    "1000";

static const char SEGMENTS_SQL[] =
    "SELECT s.attname FROM timescaledb_information.compression_settings s"
    " JOIN pg_catalog.pg_namespace n ON n.nspname = s.hypertable_schema"
    " JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = s.hypertable_name"
    " WHERE c.oid = $1::oid AND s.segmentby_column_index IS NOT NULL"
    " ORDER BY s.segmentby_column_index";

static const char NEWEST_SQL[] =
    "SELECT pg_catalog.format('%I.%I', k.schema_name, k.table_name)"
    " FROM _timescaledb_catalog.chunk u JOIN _timescaledb_catalog.chunk k ON k.id = "
    "u.compressed_chunk_id"
    " JOIN _timescaledb_catalog.hypertable h ON h.id = u.hypertable_id"
    " JOIN pg_catalog.pg_namespace n ON n.nspname = h.schema_name"
    " JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = h.table_name"
    " WHERE c.oid = $1::oid ORDER BY u.id DESC LIMIT 1";

static tg_status_t
ask(tg_connection_t *connection, const char *sql, uint32_t table_oid, tg_result_t **ret_result,
    tg_error_t *err)
{
    char oid[16];
    (void)snprintf(oid, sizeof oid, "%" PRIu32, table_oid);
    const char *const parameters[] = {oid};
    return tg_connection_query(connection, sql, parameters, 1, ret_result, err);
}

/* "2.28.3" -> 28; a version that is not 2.x counts as new enough. */
static long
minor_of(const char *version)
{
    if (version == NULL) {
        return 0;
    }
    const char *dot = strchr(version, '.');
    long major = strtol(version, NULL, 10);
    return major > 2 ? 1000 : dot != NULL ? strtol(dot + 1, NULL, 10) : 0;
}

static void
refuse(tg_columnstore_t *columnstore, const char *reason)
{
    columnstore->can_direct = false;
    (void)snprintf(columnstore->reason, sizeof columnstore->reason, "%s", reason);
}

static tg_status_t
describe_hypertable(tg_connection_t *connection, uint32_t table_oid, long minor,
                    tg_columnstore_t *columnstore, tg_error_t *err)
{
    TG_CLEANUP(tg_result_freep) tg_result_t *hypertable = NULL;
    TG_TRY(ask(connection, HYPERTABLE_SQL, table_oid, &hypertable, err));
    if (tg_result_n_rows(hypertable) == 0) {
        refuse(columnstore, "it is no hypertable");
        return TG_OK;
    }
    if (!tg_result_bool(hypertable, 0, 0)) {
        refuse(columnstore, "columnstore is not enabled on it");
        return TG_OK;
    }
    if (tg_result_bool(hypertable, 0, 1) && minor < MINOR_WITH_DIRECT_UNDER_AGGREGATE) {
        refuse(columnstore, "a continuous aggregate stands on it, which needs TimescaleDB 2.24");
        return TG_OK;
    }
    TG_CLEANUP(tg_result_freep) tg_result_t *segments = NULL;
    TG_TRY(ask(connection, SEGMENTS_SQL, table_oid, &segments, err));
    int n = tg_result_n_rows(segments);
    if (n > TG_COLUMNSTORE_MAX_SEGMENT_COLUMNS) {
        refuse(columnstore, "it has more segment columns than are looked at");
        return TG_OK;
    }
    for (int i = 0; i < n; i++) {
        (void)snprintf(columnstore->segment_columns[i], sizeof columnstore->segment_columns[i],
                       "%s", tg_result_text(segments, i, 0));
    }
    columnstore->n_segment_columns = (size_t)n;
    return TG_OK;
}

static tg_status_t
describe_interval(tg_connection_t *connection, uint32_t table_oid, tg_columnstore_t *columnstore,
                  tg_error_t *err)
{
    TG_CLEANUP(tg_result_freep) tg_result_t *interval = NULL;
    TG_TRY(ask(connection, INTERVAL_SQL, table_oid, &interval, err));
    columnstore->chunk_interval_us =
        tg_result_n_rows(interval) == 1 ? tg_result_int64(interval, 0, 0) : 0;
    return TG_OK;
}

tg_status_t
tg_columnstore_describe(tg_connection_t *connection, uint32_t table_oid,
                        tg_columnstore_t *ret_columnstore, tg_error_t *err)
{
    TG_CLEANUP(tg_result_freep) tg_result_t *facts = NULL;
    TG_TRY(ask(connection, FACTS_SQL, table_oid, &facts, err));
    tg_columnstore_t columnstore = {.can_direct = true};
    const char *version = tg_result_text(facts, 0, 0);
    if (version != NULL) {
        TG_TRY(describe_interval(connection, table_oid, &columnstore, err));
    }
    if (version == NULL) {
        refuse(&columnstore, "the database has no TimescaleDB");
    } else if (minor_of(version) < MINOR_WITH_DIRECT) {
        refuse(&columnstore, "TimescaleDB is older than 2.21");
    } else if (tg_result_bool(facts, 0, 1)) {
        refuse(&columnstore, "it has a unique index");
    } else if (tg_result_bool(facts, 0, 2)) {
        refuse(&columnstore, "it has a trigger or a foreign key");
    } else {
        TG_TRY(describe_hypertable(connection, table_oid, minor_of(version), &columnstore, err));
    }
    *ret_columnstore = columnstore;
    return TG_OK;
}

tg_status_t
tg_columnstore_compressed_chunks(tg_connection_t *connection, uint32_t table_oid,
                                 tg_chunk_range_t *ret_ranges, size_t max, size_t *ret_n,
                                 tg_error_t *err)
{
    TG_CLEANUP(tg_result_freep) tg_result_t *result = NULL;
    TG_TRY(ask(connection, COMPRESSED_SQL, table_oid, &result, err));
    size_t n_rows = (size_t)tg_result_n_rows(result);
    size_t n = n_rows < max ? n_rows : max;
    for (size_t i = 0; i < n; i++) {
        /* The answer has the newest first, so that the limit cuts the oldest. */
        ret_ranges[n - 1 - i] =
            (tg_chunk_range_t){.start_pg_us = tg_result_int64(result, (int)i, 0),
                               .end_pg_us = tg_result_int64(result, (int)i, 1)};
    }
    *ret_n = n;
    return TG_OK;
}

tg_status_t
tg_columnstore_rows_per_batch(tg_connection_t *connection, uint32_t table_oid, double *ret_rows,
                              tg_error_t *err)
{
    TG_CLEANUP(tg_result_freep) tg_result_t *newest = NULL;
    TG_TRY(ask(connection, NEWEST_SQL, table_oid, &newest, err));
    double rows = 0;
    if (tg_result_n_rows(newest) == 1) {
        tg_buffer_t sql;
        tg_buffer_init(&sql, 1024);
        tg_status_t status = tg_buffer_append_format(
            &sql, "SELECT coalesce(avg(_ts_meta_count), 0) FROM %s", tg_result_text(newest, 0, 0));
        const char *text = status == TG_OK ? tg_buffer_text(&sql) : NULL;
        TG_CLEANUP(tg_result_freep) tg_result_t *average = NULL;
        status = text == NULL ? tg_error_set(err, TG_ERR_NO_MEMORY,
                                             "no memory to look at compressed batches")
                              : tg_connection_query(connection, text, NULL, 0, &average, err);
        tg_buffer_done(&sql);
        TG_TRY(status);
        rows = strtod(tg_result_text(average, 0, 0), NULL);
    }
    *ret_rows = rows;
    return TG_OK;
}
