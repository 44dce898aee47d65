/*
 * Runs the sink in the simulated world. Usage: simulation [FIRST_SEED [N_SEEDS]]
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "sim_run.h"

int
main(int argc, char **argv)
{
    uint64_t first = argc > 1 ? strtoull(argv[1], NULL, 10) : 1;
    uint64_t n_seeds = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
    sim_totals_t totals = {0};
    for (uint64_t seed = first; seed < first + n_seeds; seed++) {
        sim_run(seed, &totals);
    }
    (void)printf("%" PRIu64 " seeds: %" PRId64 " turns, %" PRId64 " commits, %" PRId64
                 " rows, %" PRId64 " connections lost, %" PRId64 " flushes fenced, %" PRId64
                 " statements of searches\n",
                 n_seeds, totals.n_turns, totals.n_commits, totals.n_rows, totals.n_lost,
                 totals.n_fenced, totals.n_bisects);
    return EXIT_SUCCESS;
}
