#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include <float.h>

#include "numeric_internal.h"

enum { MAX_EXACT_SCALE = 22, FLOAT_EXACT_SCALE = 10 };

/* Every power here is exact in a double; the first eleven also in a float. */
static const double powers[MAX_EXACT_SCALE + 1] = {
    1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
    1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
};

#define DOUBLE_EXACT 9007199254740992.0 /* 2^53 */
#define FLOAT_EXACT  16777216.0         /* 2^24 */

static bool
same(double a, double b)
{
    return !(a < b) && !(a > b);
}

/* When whole / 10^scale, both exact, gives back the value, then so does reading "whole e -scale":
 * division rounds correctly, as strtod does. Nearly every number that people write ends here. */
static bool
find_exact(double value, double limit, bool single, tg_decimal_t *ret_decimal)
{
    double magnitude = fabs(value);
    int max_scale = single ? FLOAT_EXACT_SCALE : MAX_EXACT_SCALE;
    for (int scale = 0; scale <= max_scale; scale++) {
        double whole = nearbyint(magnitude * powers[scale]);
        if (whole >= limit) {
            return false;
        }
        double back =
            single ? (double)((float)whole / (float)powers[scale]) : whole / powers[scale];
        if (same(back, magnitude)) {
            *ret_decimal = (tg_decimal_t){
                .negative = signbit(value) != 0, .digits = (uint64_t)whole, .scale = scale};
            return true;
        }
    }
    return false;
}

/* "d.ddde+xx" -> decimal, without zeros at the end of its digits */
static tg_decimal_t
parse_scientific(const char *text)
{
    tg_decimal_t decimal = {.negative = *text == '-'};
    int32_t n_behind = 0;
    bool behind = false;
    const char *at = decimal.negative ? text + 1 : text;
    for (; *at != 'e' && *at != '\0'; at++) {
        if (*at >= '0' && *at <= '9') {
            decimal.digits = decimal.digits * 10 + (uint64_t)(*at - '0');
            n_behind += behind;
        } else {
            behind = true;
        }
    }
    int32_t exponent = *at == 'e' ? (int32_t)strtol(at + 1, NULL, 10) : 0;
    decimal.scale = n_behind - exponent;
    while (decimal.digits != 0 && decimal.digits % 10 == 0) {
        decimal.digits /= 10;
        decimal.scale--;
    }
    return decimal;
}

tg_decimal_t
tg_decimal_of_double(double value)
{
    tg_decimal_t decimal = {.digits = 0};
    if (find_exact(value, DOUBLE_EXACT, false, &decimal)) {
        return decimal;
    }
    char text[40];
    /* Numbers near zero have fewer digits than the usual fifteen. */
    for (int precision = fabs(value) < DBL_MIN ? 0 : 14; precision <= 16; precision++) {
        (void)snprintf(text, sizeof text, "%.*e", precision, value);
        if (same(strtod(text, NULL), value)) {
            break;
        }
    }
    return parse_scientific(text);
}

tg_decimal_t
tg_decimal_of_float(float value)
{
    tg_decimal_t decimal = {.digits = 0};
    if (find_exact((double)value, FLOAT_EXACT, true, &decimal)) {
        return decimal;
    }
    char text[40];
    for (int precision = fabsf(value) < FLT_MIN ? 0 : 5; precision <= 8; precision++) {
        (void)snprintf(text, sizeof text, "%.*e", precision, (double)value);
        if (same((double)strtof(text, NULL), (double)value)) {
            break;
        }
    }
    return parse_scientific(text);
}
