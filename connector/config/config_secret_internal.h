/*
 * What must not be shown, and how it is shown instead.
 */
#ifndef TG_CONFIG_SECRET_INTERNAL_H
#define TG_CONFIG_SECRET_INTERNAL_H

#include "config_keys_internal.h"
#include "config_writer_internal.h"

#define TG_CONFIG_MASK "********"

/* Whether a property (with dots) holds a secret, by its name. */
bool tg_config_secret_property(const char *name);

/* Writes the value of a key, masked as the key's secrecy asks. property: its name for
 * TG_CONFIG_SECRET_BY_NAME. */
void tg_config_secret_write(const tg_config_key_t *key, const char *property, const char *value,
                            tg_config_writer_t *writer);

#endif
