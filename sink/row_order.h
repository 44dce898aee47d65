/*
 * The order of a part's rows: grouped by chunk and sorted by time where that pays, late rows last.
 *
 * Flow:      batch (rows in the order of their offsets) -> [row order] -> flush
 * Promise:   the same rows, each with its offset; only their order changes. Rows that are nearly
 *            in order are left alone: the look is one walk over them and allocates nothing
 * Source:    measured (timescale.md, section 1): COPY of rows scattered over many chunks, or
 *            random within one, is 1.3 to 1.7 times as fast when sorted by time
 * Late:      a row whose time falls into a compressed chunk that is not the newest; it decompresses
 *            nothing, but leaves the chunk partially compressed until the next policy run
 * Threads:   the writer
 */
#ifndef TG_SINK_ROW_ORDER_H
#define TG_SINK_ROW_ORDER_H

#include <stdbool.h>

#include "base/buffer.h"
#include "base/error.h"
#include "database/columnstore.h"

/* What is known of the table. */
typedef struct tg_chunk_map {
    int time_position; /* of the time column in the COPY's column list; -1: not in it, or no time */
    int64_t chunk_interval_us; /* 0: not a hypertable on time */
    size_t n_compressed;
    const tg_chunk_range_t *compressed; /* ascending, without the newest chunk; borrowed */
} tg_chunk_map_t;

typedef struct tg_row_order_facts {
    size_t n_chunk_switches; /* neighbours that are in different chunks */
    size_t n_descents;       /* neighbours that go back in time */
    size_t n_late;
    bool sorted; /* by _arrange */
} tg_row_order_facts_t;

/* Looks at the rows and sorts them if it pays. deltas holds one uint32_t per row, moved along;
 * scratch is room for a copy of the rows. TG_ERR_NO_MEMORY leaves rows and deltas as they were:
 * unsorted rows are slower, not wrong. */
tg_status_t tg_row_order_arrange(tg_buffer_t *rows, tg_buffer_t *deltas, size_t n_rows,
                                 const tg_chunk_map_t *chunks, tg_buffer_t *scratch,
                                 tg_row_order_facts_t *ret_facts) TG_MUST_CHECK;

#endif
