#include <stdlib.h>

#include "copy_write_internal.h"
#include "numeric_internal.h"

enum {
    GROUP = 10000,
    GROUP_DIGITS = 4,
    SIGN_NEGATIVE = 0x4000,
    SIGN_NAN = 0xc000,
    MAX_LIMBS = TG_NUMERIC_MAX_BYTES / 4 + 2,
};

/* Groups, least significant first, of a number whose group i counts 10000^(lowest + i). */
typedef struct groups {
    uint16_t items[TG_NUMERIC_MAX_GROUPS + 2];
    size_t n_items;
    int32_t lowest;
    bool negative;
} groups_t;

/* A magnitude as 32-bit limbs, least significant first. */
typedef struct magnitude {
    uint32_t limbs[MAX_LIMBS];
    size_t n_limbs;
} magnitude_t;

static const uint32_t small_powers[GROUP_DIGITS] = {1, 10, 100, 1000};

/* Splits 10^-scale into whole groups and a factor of 1 to 1000 that the digits take. */
static uint32_t
split_scale(int32_t scale, int32_t *ret_lowest)
{
    int32_t exponent = -scale;
    int32_t rest = ((exponent % GROUP_DIGITS) + GROUP_DIGITS) % GROUP_DIGITS;
    *ret_lowest = (exponent - rest) / GROUP_DIGITS;
    return small_powers[rest];
}

/* How many of the group's four digits are zeros at its low end. */
static int32_t
trailing_zeros(uint16_t group)
{
    return group % 1000 == 0 ? 3 : group % 100 == 0 ? 2 : group % 10 == 0 ? 1 : 0;
}

static int32_t
n_digits_of(uint16_t group)
{
    return group >= 1000 ? 4 : group >= 100 ? 3 : group >= 10 ? 2 : 1;
}

static tg_status_t
check_limit(const groups_t *groups, size_t first, size_t last, tg_numeric_limit_t limit,
            const char **ret_fault)
{
    int32_t weight = groups->lowest + (int32_t)last;
    int32_t n_before = weight * GROUP_DIGITS + n_digits_of(groups->items[last]);
    if (n_before > TG_NUMERIC_MAX_DIGITS ||
        (limit.precision >= 0 && n_before > limit.precision - limit.scale)) {
        *ret_fault = "the number has more digits before the point than the column";
        return TG_ERR_OUT_OF_RANGE;
    }
    int32_t smallest =
        (groups->lowest + (int32_t)first) * GROUP_DIGITS + trailing_zeros(groups->items[first]);
    if (limit.precision >= 0 && !limit.may_round && smallest < -limit.scale) {
        *ret_fault = "the number has more digits behind the point than the column";
        return TG_ERR_OUT_OF_RANGE;
    }
    return TG_OK;
}

static uint8_t *
put_head(uint8_t *at, size_t n_groups, int32_t weight, uint16_t sign, int32_t scale)
{
    at = put_u16(at, (uint16_t)n_groups);
    at = put_u16(at, (uint16_t)weight);
    at = put_u16(at, sign);
    return put_u16(at, (uint16_t)scale);
}

static tg_status_t
put_groups(const groups_t *groups, int32_t scale, tg_numeric_limit_t limit, uint8_t **at,
           const char **ret_fault)
{
    size_t last = groups->n_items;
    while (last > 0 && groups->items[last - 1] == 0) {
        last--;
    }
    scale = scale < 0 ? 0 : scale;
    if (last == 0) {
        *at = put_head(*at, 0, 0, 0, scale);
        return TG_OK;
    }
    size_t first = 0;
    while (groups->items[first] == 0) {
        first++;
    }
    TG_TRY(check_limit(groups, first, last - 1, limit, ret_fault));
    *at = put_head(*at, last - first, groups->lowest + (int32_t)(last - 1),
                   groups->negative ? SIGN_NEGATIVE : 0, scale);
    for (size_t i = last; i > first; i--) {
        *at = put_u16(*at, groups->items[i - 1]);
    }
    return TG_OK;
}

/* Scales beyond this are out of range whatever the digits; it keeps sums far from overflow. */
static bool
scale_is_sane(int32_t scale, const char **ret_fault)
{
    if (scale > TG_NUMERIC_MAX_SCALE || scale < -TG_NUMERIC_MAX_DIGITS) {
        *ret_fault = "the number's scale is beyond what PostgreSQL holds";
        return false;
    }
    return true;
}

static void
split_magnitude(magnitude_t *magnitude, groups_t *groups)
{
    /* Two groups per round: the divisor still fits beside a limb in 64 bits. */
    const uint64_t pair = (uint64_t)GROUP * GROUP;
    while (magnitude->n_limbs > 0) {
        uint64_t rest = 0;
        for (size_t i = magnitude->n_limbs; i > 0; i--) {
            uint64_t value = rest << 32 | magnitude->limbs[i - 1];
            magnitude->limbs[i - 1] = (uint32_t)(value / pair);
            rest = value % pair;
        }
        groups->items[groups->n_items++] = (uint16_t)(rest % GROUP);
        groups->items[groups->n_items++] = (uint16_t)(rest / GROUP);
        while (magnitude->n_limbs > 0 && magnitude->limbs[magnitude->n_limbs - 1] == 0) {
            magnitude->n_limbs--;
        }
    }
}

static void
multiply(magnitude_t *magnitude, uint32_t factor)
{
    uint64_t carry = 0;
    for (size_t i = 0; i < magnitude->n_limbs; i++) {
        carry += (uint64_t)magnitude->limbs[i] * factor;
        magnitude->limbs[i] = (uint32_t)carry;
        carry >>= 32;
    }
    if (carry > 0) {
        magnitude->limbs[magnitude->n_limbs++] = (uint32_t)carry;
    }
}

tg_status_t
tg_numeric_put(tg_decimal_t value, tg_numeric_limit_t limit, uint8_t **at, const char **ret_fault)
{
    if (!scale_is_sane(value.scale, ret_fault)) {
        return TG_ERR_OUT_OF_RANGE;
    }
    groups_t groups;
    groups.n_items = 0;
    groups.negative = value.negative;
    uint32_t factor = split_scale(value.scale, &groups.lowest);
    uint64_t digits = 0;
    if (__builtin_mul_overflow(value.digits, (uint64_t)factor, &digits)) {
        magnitude_t magnitude = {.n_limbs = 2};
        magnitude.limbs[0] = (uint32_t)value.digits;
        magnitude.limbs[1] = (uint32_t)(value.digits >> 32);
        multiply(&magnitude, factor);
        split_magnitude(&magnitude, &groups);
    } else {
        for (; digits > 0; digits /= GROUP) {
            groups.items[groups.n_items++] = (uint16_t)(digits % GROUP);
        }
    }
    return put_groups(&groups, value.scale, limit, at, ret_fault);
}

/* Drops leading bytes that only repeat the sign. */
static tg_bytes_t
trim_sign(tg_bytes_t unscaled)
{
    while (unscaled.n_bytes > 1) {
        uint8_t filler = (unscaled.data[1] & 0x80) != 0 ? 0xff : 0x00;
        if (unscaled.data[0] != filler) {
            break;
        }
        unscaled.data++;
        unscaled.n_bytes--;
    }
    return unscaled;
}

/* unscaled: at most 8 bytes */
static int64_t
small_value(tg_bytes_t unscaled)
{
    uint64_t bits = unscaled.n_bytes > 0 && (unscaled.data[0] & 0x80) != 0 ? UINT64_MAX : 0;
    for (size_t i = 0; i < unscaled.n_bytes; i++) {
        bits = bits << 8 | unscaled.data[i];
    }
    return (int64_t)bits;
}

static bool
load_magnitude(tg_bytes_t unscaled, magnitude_t *ret_magnitude)
{
    bool negative = (unscaled.data[0] & 0x80) != 0;
    size_t n_limbs = (unscaled.n_bytes + 3) / 4;
    uint64_t carry = negative ? 1 : 0;
    for (size_t i = 0; i < n_limbs; i++) {
        uint32_t limb = 0;
        for (size_t k = 0; k < 4; k++) {
            size_t place = 4 * i + k;
            uint8_t byte = negative ? 0xff : 0;
            if (place < unscaled.n_bytes) {
                byte = unscaled.data[unscaled.n_bytes - 1 - place];
            }
            limb |= (uint32_t)byte << (8 * k);
        }
        carry += negative ? (uint32_t)~limb : limb;
        ret_magnitude->limbs[i] = (uint32_t)carry;
        carry >>= 32;
    }
    /* nothing is carried out: the magnitude of n bytes fits n bytes */
    ret_magnitude->n_limbs = n_limbs;
    return negative;
}

tg_status_t
tg_numeric_put_bytes(tg_bytes_t unscaled, int32_t scale, tg_numeric_limit_t limit, uint8_t **at,
                     const char **ret_fault)
{
    unscaled = trim_sign(unscaled);
    if (unscaled.n_bytes <= sizeof(int64_t)) {
        tg_decimal_t value = tg_decimal_of_int(small_value(unscaled));
        value.scale = scale;
        return tg_numeric_put(value, limit, at, ret_fault);
    }
    if (unscaled.n_bytes > TG_NUMERIC_MAX_BYTES) {
        *ret_fault = "the number has more digits than the 9,800 that are read";
        return TG_ERR_OUT_OF_RANGE;
    }
    if (!scale_is_sane(scale, ret_fault)) {
        return TG_ERR_OUT_OF_RANGE;
    }
    magnitude_t magnitude;
    groups_t groups;
    groups.n_items = 0;
    groups.negative = load_magnitude(unscaled, &magnitude);
    multiply(&magnitude, split_scale(scale, &groups.lowest));
    split_magnitude(&magnitude, &groups);
    return put_groups(&groups, scale, limit, at, ret_fault);
}

uint8_t *
tg_numeric_put_nan(uint8_t *at)
{
    return put_head(at, 0, 0, SIGN_NAN, 0);
}

tg_status_t
tg_numeric_digits(tg_bytes_t unscaled, char ret_digits[TG_NUMERIC_MAX_TEXT], size_t *ret_n_digits,
                  bool *ret_negative, const char **ret_fault)
{
    unscaled = trim_sign(unscaled);
    if (unscaled.n_bytes > TG_NUMERIC_MAX_BYTES) {
        *ret_fault = "the number has more digits than the 9,800 that are read";
        return TG_ERR_OUT_OF_RANGE;
    }
    magnitude_t magnitude = {.n_limbs = 0};
    groups_t groups;
    groups.n_items = 0;
    *ret_negative = unscaled.n_bytes > 0 && load_magnitude(unscaled, &magnitude);
    split_magnitude(&magnitude, &groups);
    size_t n = 0;
    for (size_t i = groups.n_items; i > 0; i--) {
        uint32_t group = groups.items[i - 1];
        for (uint32_t power = 1000; power > 0; power /= 10) {
            char digit = (char)('0' + group / power % 10);
            if (n > 0 || digit != '0') {
                ret_digits[n++] = digit;
            }
        }
    }
    if (n == 0) {
        ret_digits[n++] = '0';
    }
    *ret_n_digits = n;
    return TG_OK;
}
