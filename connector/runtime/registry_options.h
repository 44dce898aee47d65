/*
 * The configuration's registry section in the registry room's own words.
 */
#ifndef TG_RUNTIME_REGISTRY_OPTIONS_H
#define TG_RUNTIME_REGISTRY_OPTIONS_H

#include "config/config.h"
#include "registry/schema_cache.h"

/* Borrows everything from config. */
tg_registry_options_t tg_registry_options_of(const tg_config_t *config, tg_log_t *log);

#endif
