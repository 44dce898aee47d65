/*
 * The simulated registry.
 */
#ifndef SIM_REGISTRY_H
#define SIM_REGISTRY_H

#include "registry/schema_cache.h"
#include "sim_world.h"

void sim_registry_open(void);
tg_schema_cache_t *sim_registry_cache(void);
/* Answers that are due arrive. */
void sim_registry_settle(void);
int64_t sim_registry_due_ms(void);

#endif
