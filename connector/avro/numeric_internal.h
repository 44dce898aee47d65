/*
 * PostgreSQL's numeric: groups of four decimal digits, from exact decimals and from doubles.
 *
 *   value = sign * (group[0] * 10000^weight + group[1] * 10000^(weight - 1) + ...)
 *   wire:  int16 number of groups, int16 weight, uint16 sign, uint16 display scale, int16 groups
 *
 * Source:    PostgreSQL src/backend/utils/adt/numeric.c, numeric_recv
 * Errors:    TG_ERR_OUT_OF_RANGE; the caller says of which column
 */
#ifndef TG_AVRO_NUMERIC_INTERNAL_H
#define TG_AVRO_NUMERIC_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/error.h"

enum {
    /* Of an unscaled value; about 9,800 digits. What is longer would cost time squared. */
    TG_NUMERIC_MAX_BYTES = 4096,
    TG_NUMERIC_MAX_GROUPS = TG_NUMERIC_MAX_BYTES * 8 * 30103 / 100000 / 4 + 4,
    TG_NUMERIC_MAX_TEXT = TG_NUMERIC_MAX_GROUPS * 4 + 4,
    TG_NUMERIC_MAX_SCALE = 16383,
    /* Digits before the point that numeric can hold. */
    TG_NUMERIC_MAX_DIGITS = 131072,
};

/* numeric(precision, scale) of the column; precision -1: no limit. */
typedef struct tg_numeric_limit {
    int32_t precision;
    int32_t scale;
    bool may_round; /* a binary fraction may lose digits to the server's rounding */
} tg_numeric_limit_t;

/* (-1)^negative * digits * 10^-scale */
typedef struct tg_decimal {
    bool negative;
    uint64_t digits;
    int32_t scale;
} tg_decimal_t;

/* Both write the wire form (without the int32 length in front) and give its end through *at.
 * At most 8 + 2 * (6 + n_bytes) bytes. unscaled: big-endian two's complement, empty is zero. */
tg_status_t tg_numeric_put(tg_decimal_t value, tg_numeric_limit_t limit, uint8_t **at,
                           const char **ret_fault) TG_MUST_CHECK;
tg_status_t tg_numeric_put_bytes(tg_bytes_t unscaled, int32_t scale, tg_numeric_limit_t limit,
                                 uint8_t **at, const char **ret_fault) TG_MUST_CHECK;

uint8_t *tg_numeric_put_nan(uint8_t *at);

/* Decimal digits of an unscaled value, without sign or leading zeros ("0" for zero). */
tg_status_t tg_numeric_digits(tg_bytes_t unscaled, char ret_digits[TG_NUMERIC_MAX_TEXT],
                              size_t *ret_n_digits, bool *ret_negative,
                              const char **ret_fault) TG_MUST_CHECK;

/* The shortest decimal that reads back as the same number; value must be finite. */
tg_decimal_t tg_decimal_of_double(double value);
tg_decimal_t tg_decimal_of_float(float value);

static inline tg_decimal_t
tg_decimal_of_int(int64_t value)
{
    uint64_t digits = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    return (tg_decimal_t){.negative = value < 0, .digits = digits, .scale = 0};
}

#endif
