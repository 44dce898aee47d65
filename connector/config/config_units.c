#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "config_units_internal.h"

typedef struct unit {
    const char *name;
    int64_t factor;
} unit_t;

enum { SECOND_MS = 1000, MINUTE_MS = 60 * SECOND_MS, HOUR_MS = 60 * MINUTE_MS };

/* The largest first; printing takes the first that divides. */
static const unit_t SIZES[] = {
    {"GiB", 1L << 30}, {"MiB", 1L << 20}, {"KiB", 1L << 10}, {"GB", 1000000000},
    {"MB", 1000000},   {"KB", 1000},      {"B", 1},          {NULL, 0},
};
static const unit_t DURATIONS[] = {
    {"h", HOUR_MS}, {"min", MINUTE_MS},   {"s", SECOND_MS},
    {"ms", 1},      {"d", 24L * HOUR_MS}, {NULL, 0},
};
static const unit_t NO_UNITS[] = {{NULL, 0}};

static const unit_t *
units_of(tg_config_type_t type)
{
    return type == TG_CONFIG_SIZE ? SIZES : type == TG_CONFIG_DURATION ? DURATIONS : NO_UNITS;
}

const char *
tg_config_units_known(tg_config_type_t type)
{
    return type == TG_CONFIG_SIZE ? "B, KiB, MiB, GiB, KB, MB or GB" : "ms, s, min, h or d";
}

static const char *
skip_spaces(const char *text)
{
    while (isspace((unsigned char)*text)) {
        text++;
    }
    return text;
}

/* 0: no such unit. */
static int64_t
factor_of(tg_config_type_t type, const char *name, size_t n_name)
{
    if (n_name == 0) {
        return 1;
    }
    for (const unit_t *unit = units_of(type); unit->name != NULL; unit++) {
        if (strlen(unit->name) == n_name && strncasecmp(unit->name, name, n_name) == 0) {
            return unit->factor;
        }
    }
    return 0;
}

tg_config_number_t
tg_config_units_parse(tg_config_type_t type, const char *text, int64_t *ret_value)
{
    char *end = NULL;
    errno = 0;
    int64_t number = strtoll(text, &end, 10);
    if (end == text) {
        return TG_CONFIG_NUMBER_MALFORMED;
    }
    bool overflow = errno == ERANGE;
    const char *unit = skip_spaces(end);
    size_t n_unit = 0;
    while (isalpha((unsigned char)unit[n_unit])) {
        n_unit++;
    }
    if (*skip_spaces(unit + n_unit) != '\0') {
        return TG_CONFIG_NUMBER_MALFORMED;
    }
    int64_t factor = factor_of(type, unit, n_unit);
    if (factor == 0) {
        return type == TG_CONFIG_INT ? TG_CONFIG_NUMBER_MALFORMED : TG_CONFIG_NUMBER_BAD_UNIT;
    }
    int64_t value = 0;
    if (overflow || __builtin_mul_overflow(number, factor, &value)) {
        return TG_CONFIG_NUMBER_TOO_LARGE;
    }
    *ret_value = value;
    return TG_CONFIG_NUMBER_OK;
}

void
tg_config_units_print(tg_config_type_t type, int64_t value, char ret_text[TG_CONFIG_NUMBER_BYTES])
{
    for (const unit_t *unit = units_of(type); unit->name != NULL && value != 0; unit++) {
        if (value % unit->factor == 0) {
            (void)snprintf(ret_text, TG_CONFIG_NUMBER_BYTES, "%" PRId64 "%s", value / unit->factor,
                           unit->name);
            return;
        }
    }
    (void)snprintf(ret_text, TG_CONFIG_NUMBER_BYTES, "%" PRId64, value);
}
