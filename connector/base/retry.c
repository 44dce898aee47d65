#include "base/retry.h"

void
tg_retry_init(tg_retry_t *retry, int64_t min_ms, int64_t max_ms, uint64_t seed)
{
    *retry = (tg_retry_t){.min_ms = min_ms, .max_ms = max_ms, .random_state = seed};
}

/* splitmix64 (Steele, Lea, Flood 2014): good enough to spread instances, not for secrets. */
static uint64_t
random_next(uint64_t *state)
{
    *state += 0x9e3779b97f4a7c15U;
    uint64_t z = *state;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31);
}

/* min_ms doubled once for each failure, never beyond max_ms (nor past 2^63: 62 doublings of one
 * millisecond are longer than anything waits). */
static int64_t
ceiling_ms(const tg_retry_t *retry)
{
    int64_t ceiling = retry->min_ms;
    for (uint32_t i = 0; i < retry->n_failures && i < 62 && ceiling < retry->max_ms; i++) {
        ceiling = ceiling > retry->max_ms / 2 ? retry->max_ms : ceiling * 2;
    }
    return ceiling < retry->max_ms ? ceiling : retry->max_ms;
}

int64_t
tg_retry_failed(tg_retry_t *retry, int64_t now_ms)
{
    int64_t ceiling = ceiling_ms(retry);
    int64_t half = ceiling / 2;
    uint64_t spread = (uint64_t)(ceiling - half) + 1;
    int64_t delay = half + (int64_t)(random_next(&retry->random_state) % spread);
    if (retry->n_failures < UINT32_MAX) {
        retry->n_failures++;
    }
    retry->next_ms = now_ms + delay;
    return delay;
}

void
tg_retry_reset(tg_retry_t *retry)
{
    retry->n_failures = 0;
    retry->next_ms = 0;
}

bool
tg_retry_is_due(const tg_retry_t *retry, int64_t now_ms)
{
    return now_ms >= retry->next_ms;
}
