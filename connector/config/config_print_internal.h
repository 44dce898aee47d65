/*
 * Values back to text, as a file would have them.
 */
#ifndef TG_CONFIG_PRINT_INTERNAL_H
#define TG_CONFIG_PRINT_INTERNAL_H

#include "config_keys_internal.h"
#include "config_writer_internal.h"

typedef enum tg_config_show {
    TG_CONFIG_SHOW_MASKED, /* for eyes */
    TG_CONFIG_SHOW_ALL     /* for comparisons only */
} tg_config_show_t;

/* Whether the key has a value in this owner: a string or a list may be not set. */
bool tg_config_print_has_value(const tg_config_key_t *key, const void *owner);

/* Writes the value: "text", 5, true, [ "a", "b" ], { name = "value"; }. */
void tg_config_print_value(const tg_config_key_t *key, const void *owner, tg_config_show_t show,
                           tg_config_writer_t *writer);

#endif
