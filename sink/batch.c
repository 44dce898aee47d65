#include "batch.h"

#include <stdlib.h>

#include "avro/copy_format.h"

tg_batch_t *
tg_batch_new(size_t max_part_bytes)
{
    tg_batch_t *batch = calloc(1, sizeof *batch);
    for (size_t i = 0; batch != NULL && i < TG_BATCH_MAX_PARTS; i++) {
        tg_buffer_init(&batch->parts[i].rows, max_part_bytes);
        tg_buffer_init(&batch->parts[i].row_deltas, max_part_bytes);
    }
    return batch;
}

void
tg_batch_free(tg_batch_t *batch)
{
    if (batch == NULL) {
        return;
    }
    for (size_t i = 0; i < TG_BATCH_MAX_PARTS; i++) {
        tg_buffer_done(&batch->parts[i].rows);
        tg_buffer_done(&batch->parts[i].row_deltas);
    }
    free(batch);
}

void
tg_batch_reset(tg_batch_t *batch, int64_t first_offset, int64_t now_us)
{
    for (size_t i = 0; i < batch->n_parts; i++) {
        tg_buffer_reset(&batch->parts[i].rows);
        tg_buffer_reset(&batch->parts[i].row_deltas);
        batch->parts[i].n_rows = 0;
        batch->parts[i].n_late = 0;
        batch->parts[i].arranged = false;
        batch->parts[i].target = NULL;
    }
    batch->next = NULL;
    batch->first_offset = first_offset;
    batch->next_offset = first_offset;
    batch->n_records = 0;
    batch->n_rows = 0;
    batch->n_bytes = 0;
    batch->n_dead_letters = 0;
    batch->oldest_unix_ms = INT64_MAX;
    batch->newest_unix_ms = -1;
    batch->opened_us = now_us;
    batch->n_attempts = 0;
    atomic_store(&batch->n_pending_dead_letters, 0);
    atomic_store(&batch->dead_letter_failed, false);
    batch->n_parts = 0;
}

size_t
tg_batch_capacity(const tg_batch_t *batch)
{
    size_t n_bytes = sizeof *batch;
    for (size_t i = 0; i < TG_BATCH_MAX_PARTS; i++) {
        n_bytes += batch->parts[i].rows.capacity + batch->parts[i].row_deltas.capacity;
    }
    return n_bytes;
}

size_t
tg_batch_buffered_bytes(const tg_batch_t *batch)
{
    return batch->n_bytes + batch->n_rows * sizeof(uint32_t);
}

tg_status_t
tg_batch_part(tg_batch_t *batch, const tg_copy_target_t *target, tg_batch_part_t **ret_part)
{
    /* The last part used is nearly always the one asked for. */
    for (size_t i = batch->n_parts; i-- > 0;) {
        if (batch->parts[i].target == target) {
            *ret_part = &batch->parts[i];
            return TG_OK;
        }
    }
    if (batch->n_parts == TG_BATCH_MAX_PARTS) {
        return TG_ERR_FULL;
    }
    tg_batch_part_t *part = &batch->parts[batch->n_parts++];
    part->target = target;
    *ret_part = part;
    return TG_OK;
}

tg_status_t
tg_batch_row_added(tg_batch_t *batch, tg_batch_part_t *part, int64_t offset, size_t n_row_bytes)
{
    int64_t delta = offset - batch->first_offset;
    if (delta > UINT32_MAX) {
        return TG_ERR_FULL; /* see tg_batch_reaches */
    }
    uint32_t small = (uint32_t)delta;
    TG_TRY(tg_buffer_append(&part->row_deltas, &small, sizeof small));
    part->n_rows++;
    batch->n_rows++;
    batch->n_bytes += n_row_bytes;
    return TG_OK;
}

void
tg_batch_covered(tg_batch_t *batch, int64_t offset, int64_t timestamp_unix_ms)
{
    batch->n_records++;
    batch->next_offset = offset + 1;
    if (timestamp_unix_ms >= 0) {
        if (timestamp_unix_ms < batch->oldest_unix_ms) {
            batch->oldest_unix_ms = timestamp_unix_ms;
        }
        if (timestamp_unix_ms > batch->newest_unix_ms) {
            batch->newest_unix_ms = timestamp_unix_ms;
        }
    }
}

bool
tg_batch_reaches(const tg_batch_t *batch, int64_t offset)
{
    return offset - batch->first_offset <= UINT32_MAX;
}

void
tg_batch_skip_to(tg_batch_t *batch, int64_t offset)
{
    batch->next_offset = offset;
}

bool
tg_batch_is_empty(const tg_batch_t *batch)
{
    return batch->next_offset == batch->first_offset;
}

int64_t
tg_batch_row_offset(const tg_batch_t *batch, const tg_batch_part_t *part, size_t row)
{
    uint32_t delta;
    memcpy(&delta, part->row_deltas.data + row * sizeof delta, sizeof delta);
    return batch->first_offset + delta;
}

tg_status_t
tg_batch_part_remove_rows(tg_batch_t *batch, tg_batch_part_t *part, const size_t *rows,
                          size_t n_rows)
{
    uint8_t *const data = part->rows.data;
    uint8_t *const deltas = part->row_deltas.data;
    size_t from = 0;
    size_t to = 0;
    size_t kept = 0;
    size_t next_removed = 0;
    for (size_t row = 0; row < part->n_rows; row++) {
        size_t n = tg_copy_row_bytes(tg_bytes_of(data + from, part->rows.n_bytes - from));
        if (n == 0) {
            return TG_ERR_INTERNAL; /* our own encoding does not parse */
        }
        if (next_removed < n_rows && rows[next_removed] == row) {
            next_removed++;
            batch->n_bytes -= n;
        } else {
            memmove(data + to, data + from, n);
            memmove(deltas + kept * sizeof(uint32_t), deltas + row * sizeof(uint32_t),
                    sizeof(uint32_t));
            to += n;
            kept++;
        }
        from += n;
    }
    batch->n_rows -= part->n_rows - kept;
    part->n_rows = kept;
    part->rows.n_bytes = to;
    part->row_deltas.n_bytes = kept * sizeof(uint32_t);
    return TG_OK;
}

/* Rows may have been sorted by time: their offsets tell, not their places. */
static tg_status_t
cut_part(tg_batch_t *batch, tg_batch_part_t *part, int64_t offset)
{
    size_t *behind = calloc(part->n_rows + 1, sizeof *behind);
    if (behind == NULL) {
        return TG_ERR_NO_MEMORY;
    }
    size_t n_behind = 0;
    for (size_t row = 0; row < part->n_rows; row++) {
        if (tg_batch_row_offset(batch, part, row) >= offset) {
            behind[n_behind++] = row;
        }
    }
    tg_status_t status = tg_batch_part_remove_rows(batch, part, behind, n_behind);
    free(behind);
    return status;
}

tg_status_t
tg_batch_cut(tg_batch_t *batch, int64_t offset)
{
    for (size_t i = 0; i < batch->n_parts; i++) {
        TG_TRY(cut_part(batch, &batch->parts[i], offset));
    }
    batch->next_offset = offset < batch->next_offset ? offset : batch->next_offset;
    return TG_OK;
}
