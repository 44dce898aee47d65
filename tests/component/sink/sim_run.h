/*
 * A run of the simulation.
 */
#ifndef SIM_RUN_H
#define SIM_RUN_H

#include <stdint.h>

/* What all runs have seen: whether they see enough. */
typedef struct sim_totals {
    int64_t n_commits, n_rows, n_lost, n_fenced, n_bisects, n_turns;
} sim_totals_t;

/* Ends the program when a promise is broken. */
void sim_run(uint64_t seed, sim_totals_t *totals);

#endif
