/*
 * Random numbers of a seed: the same seed draws the same run, always.
 */
#ifndef SIM_RANDOM_H
#define SIM_RANDOM_H

#include <stdbool.h>
#include <stdint.h>

typedef struct sim_random {
    uint64_t state;
} sim_random_t;

/* splitmix64 */
static inline uint64_t
sim_random_next(sim_random_t *random)
{
    random->state += 0x9e3779b97f4a7c15U;
    uint64_t z = random->state;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31);
}

/* [0, n) */
static inline int64_t
sim_random_below(sim_random_t *random, int64_t n)
{
    return n > 0 ? (int64_t)(sim_random_next(random) % (uint64_t)n) : 0;
}

static inline bool
sim_random_chance(sim_random_t *random, int64_t per_mille)
{
    return sim_random_below(random, 1000) < per_mille;
}

#endif
