/*
 * Who waits for which answer: a bounded board of doorbells, and a set of them per answer.
 *
 * Promise:   each doorbell rings at most once per answer, however often it asked; after _forget it
 *            is never touched again
 * Ownership: the doorbells are borrowed until they have rung or are forgotten
 * Errors:    TG_ERR_FULL: more doorbells wait than the board has places
 * Threads:   under the lock of its user
 */
#ifndef TG_REGISTRY_WAITERS_INTERNAL_H
#define TG_REGISTRY_WAITERS_INTERNAL_H

#include <stdint.h>

#include "base/error.h"
#include "base/wake.h"

enum { TG_WAITERS_MAX = 64 };

/* Bit i: the doorbell at place i waits. */
typedef uint64_t tg_waiter_set_t;

typedef struct tg_waiters {
    tg_wake_t *wakes[TG_WAITERS_MAX];
    uint32_t n_sets[TG_WAITERS_MAX]; /* in how many sets it is; 0: the place is free */
} tg_waiters_t;

/* wake may be NULL: nothing to ring. */
tg_status_t tg_waiters_add(tg_waiters_t *waiters, tg_waiter_set_t *set,
                           tg_wake_t *wake) TG_MUST_CHECK;

/* Rings all of a set and empties it. */
void tg_waiters_ring(tg_waiters_t *waiters, tg_waiter_set_t *set);

/* The place of a doorbell; -1: it waits for nothing. */
int tg_waiters_find(const tg_waiters_t *waiters, const tg_wake_t *wake);

/* Takes the doorbell at a place out of one set. */
void tg_waiters_remove(tg_waiters_t *waiters, tg_waiter_set_t *set, int place);

#endif
