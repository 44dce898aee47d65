/*
 * The simulated registry.
 */
#ifndef SIM_REGISTRY_H
#define SIM_REGISTRY_H

#include "sim_world.h"

void sim_registry_open(void);
/* Answers that are due arrive. */
void sim_registry_settle(void);
int64_t sim_registry_due_ms(void);

#endif
