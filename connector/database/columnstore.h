/*
 * Whether COPY into a hypertable can be compressed on the way in, and how that went.
 *
 * Flow:      table plan -> [columnstore] -> timescaledb_information, pg_catalog
 * Source:    TimescaleDB's copy.c: direct compression needs version 2.21 (2.24 where a continuous
 *            aggregate stands on the hypertable), columnstore enabled, no unique index, no trigger
 *            and so no foreign key; a batch of the columnstore holds the rows of one segment in ONE
 *            COPY, at most 1,000. Never _client_sorted: wrong order was seen.
 * Errors:    those of connection.h
 * Threads:   the owner of the connection
 */
#ifndef TG_DATABASE_COLUMNSTORE_H
#define TG_DATABASE_COLUMNSTORE_H

#include <stdint.h>

#include "database/connection.h"

enum { TG_COLUMNSTORE_MAX_SEGMENT_COLUMNS = 8 };

/* [start_pg_us, end_pg_us), microseconds since 2000-01-01. */
typedef struct tg_chunk_range {
    int64_t start_pg_us;
    int64_t end_pg_us;
} tg_chunk_range_t;

typedef struct tg_columnstore {
    int64_t chunk_interval_us; /* of the time dimension; 0: not a hypertable on a time */
    bool can_direct;           /* COPY can be compressed on the way in */
    char reason[160];          /* why not: "it has a unique index" */
    size_t n_segment_columns;
    char segment_columns[TG_COLUMNSTORE_MAX_SEGMENT_COLUMNS][64];
} tg_columnstore_t;

/* table_oid: of tg_table_oid(). A plain table, or a server without the extension, is no error:
 * can_direct is false. */
tg_status_t tg_columnstore_describe(tg_connection_t *connection, uint32_t table_oid,
                                    tg_columnstore_t *ret_columnstore,
                                    tg_error_t *err) TG_MUST_CHECK;

/* The compressed chunks that are older than the newest chunk, ascending, the newest max of them:
 * rows that fall in there are late. */
tg_status_t tg_columnstore_compressed_chunks(tg_connection_t *connection, uint32_t table_oid,
                                             tg_chunk_range_t *ret_ranges, size_t max,
                                             size_t *ret_n, tg_error_t *err) TG_MUST_CHECK;

/* Rows per compressed batch, as the server holds them, of the hypertable's newest compressed chunk;
 * 0: none is compressed. It reads one integer per compressed batch. */
tg_status_t tg_columnstore_rows_per_batch(tg_connection_t *connection, uint32_t table_oid,
                                          double *ret_rows, tg_error_t *err) TG_MUST_CHECK;

#endif
