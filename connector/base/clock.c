#include "base/clock.h"

#include <stdatomic.h>
#include <time.h>

static int64_t
read_clock(clockid_t id)
{
    struct timespec now;
    (void)clock_gettime(id, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static int64_t
system_now_us(const tg_clock_t *clock)
{
    (void)clock;
    return read_clock(CLOCK_MONOTONIC);
}

static int64_t
system_now_unix_us(const tg_clock_t *clock)
{
    (void)clock;
    return read_clock(CLOCK_REALTIME);
}

const tg_clock_t *
tg_clock_system(void)
{
    static const tg_clock_t SYSTEM = {.now_us = system_now_us, .now_unix_us = system_now_unix_us};
    return &SYSTEM;
}

static int64_t
manual_now_us(const tg_clock_t *clock)
{
    return atomic_load(&((const tg_manual_clock_t *)clock)->us);
}

void
tg_manual_clock_init(tg_manual_clock_t *manual, int64_t start_us)
{
    manual->clock = (tg_clock_t){.now_us = manual_now_us, .now_unix_us = manual_now_us};
    atomic_init(&manual->us, start_us);
}

void
tg_manual_clock_advance(tg_manual_clock_t *manual, int64_t by_us)
{
    atomic_fetch_add(&manual->us, by_us);
}
