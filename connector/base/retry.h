/*
 * When to try again: exponential backoff with jitter, for as long as it takes.
 *
 * Source:    delay = random between half and all of min(max_ms, min_ms * 2^n); "equal jitter"
 * Units:     milliseconds of tg_clock_t
 * Threads:   one owner
 */
#ifndef TG_BASE_RETRY_H
#define TG_BASE_RETRY_H

#include <stdbool.h>
#include <stdint.h>

typedef struct tg_retry {
    int64_t min_ms;
    int64_t max_ms;
    uint32_t n_failures;
    uint64_t random_state;
    int64_t next_ms; /* not before this time */
} tg_retry_t;

/* seed: anything that differs between instances. */
void tg_retry_init(tg_retry_t *retry, int64_t min_ms, int64_t max_ms, uint64_t seed);

/* Notes a failure at now_ms; returns the delay chosen, after which _is_due is true. */
int64_t tg_retry_failed(tg_retry_t *retry, int64_t now_ms);

/* Notes a success: the next failure waits min_ms again. */
void tg_retry_reset(tg_retry_t *retry);

bool tg_retry_is_due(const tg_retry_t *retry, int64_t now_ms);

#endif
