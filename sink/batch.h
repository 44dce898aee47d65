/*
 * The encoded rows of one lane that go into the database in one transaction, with the offsets that
 * they cover.
 *
 *   first_offset <= offsets of its records < next_offset;   a part is one COPY: one table, one list
 * of columns
 *
 * Flow:      lane (decode) -> [batch] -> flush -> committed, or bisect -> flush
 * Promise:   the rows of a part are complete COPY BINARY tuples in the order of their offsets; row
 *            i came from the record at first_offset + row_deltas[i]
 * Ownership: the writer's pool owns batches; parts borrow their copy target from the table plan
 * Errors:    TG_ERR_NO_MEMORY, TG_ERR_FULL (seal it and take another)
 * Threads:   the writer; only n_pending_dead_letters and dead_letter_failed are touched by the
 *            producer's thread
 */
#ifndef TG_SINK_BATCH_H
#define TG_SINK_BATCH_H

#include <stdatomic.h>

#include "base/buffer.h"
#include "table_plan.h"

enum { TG_BATCH_MAX_PARTS = 64 };

typedef struct tg_batch_part {
    const tg_copy_target_t *target;
    tg_buffer_t rows;
    tg_buffer_t row_deltas; /* uint32_t per row: offset - first_offset of the batch */
    size_t n_rows;
    size_t n_late;   /* rows that fall into compressed chunks */
    bool arranged;   /* its rows were looked at, and sorted if that pays */
    bool compressed; /* sent to be compressed on the way in, at the last attempt */
} tg_batch_part_t;

typedef struct tg_batch tg_batch_t;

struct tg_batch {
    tg_batch_t *next; /* in a lane's or the pool's list */
    int64_t first_offset;
    int64_t next_offset;
    int64_t n_records;
    size_t n_rows;
    size_t n_bytes;
    int64_t n_dead_letters;
    int64_t oldest_unix_ms; /* smallest timestamp of its records; INT64_MAX: none */
    int64_t newest_unix_ms;
    int64_t opened_us; /* monotonic */
    int n_attempts;
    _Atomic int64_t n_pending_dead_letters;
    _Atomic bool dead_letter_failed;
    size_t n_parts;
    tg_batch_part_t parts[TG_BATCH_MAX_PARTS];
};

tg_batch_t *tg_batch_new(size_t max_part_bytes);
void tg_batch_free(tg_batch_t *batch);

/* Empty, covering nothing from first_offset on; keeps memory. */
void tg_batch_reset(tg_batch_t *batch, int64_t first_offset, int64_t now_us);

/* Memory that it holds on to. */
size_t tg_batch_capacity(const tg_batch_t *batch);

/* Rows and what is kept with them. */
size_t tg_batch_buffered_bytes(const tg_batch_t *batch);

/* The part for a target, made if needed. TG_ERR_FULL: no more parts. */
tg_status_t tg_batch_part(tg_batch_t *batch, const tg_copy_target_t *target,
                          tg_batch_part_t **ret_part) TG_MUST_CHECK;

/* Notes that part->rows has grown by one row, which came from offset. */
tg_status_t tg_batch_row_added(tg_batch_t *batch, tg_batch_part_t *part, int64_t offset,
                               size_t n_row_bytes) TG_MUST_CHECK;

/* Notes that the record at offset is dealt with, whatever became of it. timestamp_unix_ms -1: none.
 */
void tg_batch_covered(tg_batch_t *batch, int64_t offset, int64_t timestamp_unix_ms);

/* Whether a row from offset can be told apart from its others: not behind a hole of four billion.
 */
bool tg_batch_reaches(const tg_batch_t *batch, int64_t offset);

/* Notes that there is nothing between its end and offset. */
void tg_batch_skip_to(tg_batch_t *batch, int64_t offset);

/* Whether it says anything: rows or offsets. */
bool tg_batch_is_empty(const tg_batch_t *batch);

int64_t tg_batch_row_offset(const tg_batch_t *batch, const tg_batch_part_t *part, size_t row);

/* Takes rows out, given by ascending index. */
tg_status_t tg_batch_part_remove_rows(tg_batch_t *batch, tg_batch_part_t *part, const size_t *rows,
                                      size_t n_rows) TG_MUST_CHECK;

/* Takes out everything from offset on; its dead letters stay counted. */
tg_status_t tg_batch_cut(tg_batch_t *batch, int64_t offset) TG_MUST_CHECK;

#endif
