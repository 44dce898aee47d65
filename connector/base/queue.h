/*
 * A bounded queue of pointers: how threads meet.
 *
 * Promise:   first in, first out; never holds more than its capacity
 * Ownership: _push hands the item over whole (taken) when it returns TG_OK; _pop gives it owned
 * Errors:    TG_ERR_FULL (back-pressure), TG_ERR_TIMEOUT, TG_ERR_CANCELLED (closed and empty)
 * Threads:   any number of pushers and poppers; wake (may be NULL) is signalled after each push
 */
#ifndef TG_BASE_QUEUE_H
#define TG_BASE_QUEUE_H

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/wake.h"

typedef struct tg_queue tg_queue_t;

/* wake is borrowed and must live as long as the queue. NULL: no memory. */
tg_queue_t *tg_queue_new(size_t capacity, tg_wake_t *wake);

/* Items still inside are the caller's loss: drain first. */
void tg_queue_free(tg_queue_t *queue);
TG_DEFINE_FREEP(tg_queue_t, tg_queue_free)

/* Never waits. */
tg_status_t tg_queue_push(tg_queue_t *queue, void *item) TG_MUST_CHECK;

/* Waits at most timeout_ms for room (negative: for ever). */
tg_status_t tg_queue_push_wait(tg_queue_t *queue, void *item, int64_t timeout_ms) TG_MUST_CHECK;

/* Waits at most timeout_ms for an item (0: not at all, negative: for ever). */
tg_status_t tg_queue_pop(tg_queue_t *queue, int64_t timeout_ms, void **ret_item) TG_MUST_CHECK;

/* No more pushes; poppers get what is left, then TG_ERR_CANCELLED. */
void tg_queue_close(tg_queue_t *queue);

size_t tg_queue_length(tg_queue_t *queue);

#endif
