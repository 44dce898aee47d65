/*
 * Numbers with units, from text and to text: "8MiB", "250ms".
 */
#ifndef TG_CONFIG_UNITS_INTERNAL_H
#define TG_CONFIG_UNITS_INTERNAL_H

#include "config_keys_internal.h"

enum { TG_CONFIG_NUMBER_BYTES = 48 };

/* What is wrong with a number. */
typedef enum tg_config_number {
    TG_CONFIG_NUMBER_OK,
    TG_CONFIG_NUMBER_MALFORMED,
    TG_CONFIG_NUMBER_BAD_UNIT,
    TG_CONFIG_NUMBER_TOO_LARGE
} tg_config_number_t;

/* type is one of INT, SIZE and DURATION; surrounding spaces are no mistake. *ret_value is set only
 * when OK. */
tg_config_number_t tg_config_units_parse(tg_config_type_t type, const char *text,
                                         int64_t *ret_value);

/* In the largest unit that divides it, as _parse reads it. */
void tg_config_units_print(tg_config_type_t type, int64_t value,
                           char ret_text[TG_CONFIG_NUMBER_BYTES]);

/* "B, KiB, MiB, GiB, KB, MB, GB" */
const char *tg_config_units_known(tg_config_type_t type);

#endif
