/*
 * The simulated threads.
 */
#ifndef SIM_THREAD_H
#define SIM_THREAD_H

#include "base/wake.h"
#include "sim_world.h"

bool sim_bell_has_rung(const tg_wake_t *wake);

/* Somebody waits at wake: a writer (at its socket too), or the poll thread for the writers. Defined
 * by the scheduler. */
void sim_waits(const tg_wake_t *wake, bool at_socket, int64_t timeout_ms);

#endif
