/*
 * Batches that rest between two uses, so that their memory is there when the next one is encoded.
 */
#include <stdlib.h>

#include "writer_internal.h"

enum { IDLE_BATCHES_MAX = 64 };

/* The smallest that a batch of usual_bytes fits into, so that a lane with little to write does not
 * sit on the memory of one with much; else the largest. One whose dead letters are still under way
 * is referred to by the producer: it rests until they are settled. */
static tg_batch_t *
idle_batch_take(tg_writer_t *writer, size_t usual_bytes)
{
    tg_batch_t **best = NULL;
    size_t best_bytes = 0;
    for (tg_batch_t **link = &writer->idle_batches; *link != NULL; link = &(*link)->next) {
        if (atomic_load(&(*link)->n_pending_dead_letters) > 0) {
            continue;
        }
        size_t n_bytes = tg_batch_capacity(*link);
        bool fits = n_bytes >= usual_bytes;
        bool best_fits = best_bytes >= usual_bytes;
        if (best == NULL ||
            (fits ? !best_fits || n_bytes < best_bytes : !best_fits && n_bytes > best_bytes)) {
            best = link;
            best_bytes = n_bytes;
        }
    }
    if (best == NULL) {
        return NULL;
    }
    tg_batch_t *batch = *best;
    *best = batch->next;
    return batch;
}

tg_batch_t *
tg_writer_batch_new(tg_writer_t *writer, int64_t first_offset, size_t usual_bytes)
{
    tg_batch_t *batch = idle_batch_take(writer, usual_bytes);
    if (batch == NULL) {
        /* A row may begin below max_bytes and end above it: the ceiling leaves room for one of the
         * largest. */
        batch = tg_batch_new((size_t)(atomic_load(&writer->env->max_bytes) +
                                      2 * writer->env->sink->errors.max_record_bytes));
    }
    if (batch != NULL) {
        tg_batch_reset(batch, first_offset, tg_clock_now_us(writer->env->clock));
    }
    return batch;
}

/* Frees what is more than enough, beginning behind the batches that came in last. */
static void
idle_batches_trim(tg_writer_t *writer)
{
    size_t n_idle = 0;
    size_t n_bytes = 0;
    tg_batch_t **link = &writer->idle_batches;
    while (*link != NULL) {
        tg_batch_t *batch = *link;
        size_t n_bytes_with = n_bytes + tg_batch_capacity(batch);
        if ((n_idle >= IDLE_BATCHES_MAX || n_bytes_with > writer->max_buffered_bytes / 2) &&
            n_idle > 0 && atomic_load(&batch->n_pending_dead_letters) == 0) {
            *link = batch->next;
            tg_batch_free(batch);
            continue;
        }
        n_idle++;
        n_bytes = n_bytes_with;
        link = &batch->next;
    }
}

void
tg_writer_batch_free(tg_writer_t *writer, tg_batch_t *batch)
{
    writer->buffered_bytes -= tg_batch_buffered_bytes(batch);
    batch->next = writer->idle_batches;
    writer->idle_batches = batch;
    idle_batches_trim(writer);
}
