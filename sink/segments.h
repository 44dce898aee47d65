/*
 * How many rows a segment has in a batch: whether compressing it on the way in would give full
 * batches.
 *
 * Flow:      flush -> [segments] -> SET LOCAL timescaledb.enable_direct_compress_copy = on | off
 * Source:    a compressed batch holds the rows of one segment in one COPY, at most 1,000. Measured
 *            (timescale.md, section 1): with 1,000 rows per segment it is the fastest way in, from
 *            100 on it is still faster than rowstore, below 10 it is slower than rowstore and
 *            larger than it.
 * Threads:    the writer
 */
#ifndef TG_SINK_SEGMENTS_H
#define TG_SINK_SEGMENTS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/bytes.h"

enum { TG_SEGMENTS_MAX_COLUMNS = 8, TG_SEGMENTS_WORTHWHILE_ROWS = 100 };

/* The columns that make a segment, as positions in the COPY's column list; a segment column that is
 * not in the list is the same for all rows. */
typedef struct tg_segment_columns {
    size_t n;
    int positions[TG_SEGMENTS_MAX_COLUMNS];
} tg_segment_columns_t;

/* Whether the rows (complete COPY tuples) have at least min_rows rows per segment on average. Stops
 * as soon as there are too many segments, so that the answer "no" is cheap. */
bool tg_segments_are_full(tg_bytes_t rows, size_t n_rows, const tg_segment_columns_t *columns,
                          size_t min_rows);

#endif
