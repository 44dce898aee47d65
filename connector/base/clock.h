/*
 * Time, injected: production reads the system, tests turn a hand.
 *
 * Units:     *_ms monotonic milliseconds, *_us monotonic microseconds, *_unix_ms/_unix_us since
 *            1970
 * Threads:   tg_clock_system: any; a manual clock: any (atomic)
 */
#ifndef TG_BASE_CLOCK_H
#define TG_BASE_CLOCK_H

#include <stdint.h>

typedef struct tg_clock tg_clock_t;

struct tg_clock {
    int64_t (*now_us)(const tg_clock_t *clock);      /* monotonic */
    int64_t (*now_unix_us)(const tg_clock_t *clock); /* wall */
};

const tg_clock_t *tg_clock_system(void);

static inline int64_t
tg_clock_now_us(const tg_clock_t *clock)
{
    return clock->now_us(clock);
}

static inline int64_t
tg_clock_now_ms(const tg_clock_t *clock)
{
    return clock->now_us(clock) / 1000;
}

static inline int64_t
tg_clock_now_unix_ms(const tg_clock_t *clock)
{
    return clock->now_unix_us(clock) / 1000;
}

/* For tests: starts at start_us (both hands), moves only by _advance. */
typedef struct tg_manual_clock {
    tg_clock_t clock; /* first member: hand out &manual.clock */
    _Atomic int64_t us;
} tg_manual_clock_t;

void tg_manual_clock_init(tg_manual_clock_t *manual, int64_t start_us);
void tg_manual_clock_advance(tg_manual_clock_t *manual, int64_t by_us);

#endif
