#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "numeric_internal.h"
#include "read_internal.h"
#include "temporal_internal.h"
#include "text_internal.h"

static const char out_of_range[] = "the number does not fit the column";
static const char no_such_time[] = "PostgreSQL has no such time";

static tg_status_t
put_time_us(tg_run_t *run, int64_t value)
{
    run->out = put_u64(put_u32(run->out, 8), (uint64_t)value);
    return TG_OK;
}

static tg_status_t
put_float8(tg_run_t *run, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    run->out = put_u64(put_u32(run->out, 8), bits);
    return TG_OK;
}

static tg_status_t
put_float4(tg_run_t *run, float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    run->out = put_u32(put_u32(run->out, 4), bits);
    return TG_OK;
}

/* Any int or long; an int is held to its 32 bits. */
static tg_status_t
read_number(tg_run_t *run, const tg_step_t *step, int64_t *ret_value)
{
    int32_t narrow = 0;
    if (step->node->kind != TG_NODE_INT) {
        return read_long(run, ret_value);
    }
    TG_TRY(read_int(run, &narrow));
    *ret_value = narrow;
    return TG_OK;
}

static tg_status_t
run_int2(tg_run_t *run, const tg_step_t *step)
{
    int64_t value = 0;
    TG_TRY(read_number(run, step, &value));
    if (value < INT16_MIN || value > INT16_MAX) {
        return run_fail(run, TG_ERR_OUT_OF_RANGE, out_of_range);
    }
    run->out = put_u16(put_u32(run->out, 2), (uint16_t)value);
    return TG_OK;
}

static tg_status_t
run_int_float(tg_run_t *run, const tg_step_t *step)
{
    int64_t value = 0;
    TG_TRY(read_number(run, step, &value));
    return step->value_op == TG_OP_INT_FLOAT4 ? put_float4(run, (float)value)
                                              : put_float8(run, (double)value);
}

static tg_status_t
run_double_float4(tg_run_t *run, const tg_step_t *step)
{
    (void)step;
    double value = 0;
    TG_TRY(read_double(run, &value));
    float narrow = (float)value;
    if (isinf(narrow) && !isinf(value)) {
        return run_fail(run, TG_ERR_OUT_OF_RANGE, out_of_range);
    }
    return put_float4(run, narrow);
}

/* Writes a numeric behind its length. */
static tg_status_t
put_numeric(tg_run_t *run, const tg_step_t *step, tg_decimal_t value, bool may_round)
{
    const char *fault = NULL;
    uint8_t *start = run->out;
    uint8_t *at = start + 4;
    tg_numeric_limit_t limit = {
        .precision = step->limit, .scale = step->scale, .may_round = may_round};
    tg_status_t status = tg_numeric_put(value, limit, &at, &fault);
    if (status != TG_OK) {
        return run_fail(run, status, fault);
    }
    (void)put_u32(start, (uint32_t)(at - start - 4));
    run->out = at;
    return TG_OK;
}

static tg_status_t
run_int_numeric(tg_run_t *run, const tg_step_t *step)
{
    int64_t value = 0;
    TG_TRY(read_number(run, step, &value));
    return put_numeric(run, step, tg_decimal_of_int(value), false);
}

static tg_status_t
run_real_numeric(tg_run_t *run, const tg_step_t *step)
{
    float single = 0;
    double value = 0;
    TG_TRY(step->value_op == TG_OP_FLOAT_NUMERIC ? read_float(run, &single)
                                                 : read_double(run, &value));
    value = step->value_op == TG_OP_FLOAT_NUMERIC ? (double)single : value;
    if (isnan(value)) {
        run->out = tg_numeric_put_nan(put_u32(run->out, 8));
        return TG_OK;
    }
    if (isinf(value)) {
        /* numeric has it only since PostgreSQL 14, and never with a precision */
        return run_fail(run, TG_ERR_OUT_OF_RANGE, out_of_range);
    }
    tg_decimal_t decimal = step->value_op == TG_OP_FLOAT_NUMERIC ? tg_decimal_of_float(single)
                                                                 : tg_decimal_of_double(value);
    return put_numeric(run, step, decimal, true);
}

static tg_status_t
run_decimal(tg_run_t *run, const tg_step_t *step)
{
    tg_bytes_t unscaled;
    int32_t scale = 0;
    TG_TRY(read_decimal(run, step->node, step->size, &unscaled, &scale));
    const char *fault = NULL;
    uint8_t *start = run->out;
    uint8_t *at = start + 4;
    tg_numeric_limit_t limit = {.precision = step->limit, .scale = step->scale};
    tg_status_t status = tg_numeric_put_bytes(unscaled, scale, limit, &at, &fault);
    if (status != TG_OK) {
        return run_fail(run, status, fault);
    }
    (void)put_u32(start, (uint32_t)(at - start - 4));
    run->out = at;
    return TG_OK;
}

static tg_status_t
run_decimal_float8(tg_run_t *run, const tg_step_t *step)
{
    tg_bytes_t unscaled;
    int32_t scale = 0;
    TG_TRY(read_decimal(run, step->node, step->size, &unscaled, &scale));
    char digits[TG_NUMERIC_MAX_TEXT];
    char text[TG_NUMERIC_MAX_TEXT + 16];
    size_t n_digits = 0;
    bool negative = false;
    const char *fault = NULL;
    if (tg_numeric_digits(unscaled, digits, &n_digits, &negative, &fault) != TG_OK) {
        return run_fail(run, TG_ERR_OUT_OF_RANGE, fault);
    }
    (void)snprintf(text, sizeof text, "%s%.*se%lld", negative ? "-" : "", (int)n_digits, digits,
                   -(long long)scale);
    double value = strtod(text, NULL);
    return isinf(value) ? run_fail(run, TG_ERR_OUT_OF_RANGE, out_of_range) : put_float8(run, value);
}

static tg_status_t
run_nanos(tg_run_t *run, const tg_step_t *step)
{
    (void)step;
    int64_t value = 0;
    bool lost = false;
    TG_TRY(read_long(run, &value));
    int64_t pg_us = temporal_of_nanos(value, &lost);
    run->n_truncated_nanos += lost;
    return put_time_us(run, pg_us);
}

static tg_status_t
run_date(tg_run_t *run, const tg_step_t *step)
{
    (void)step;
    int32_t unix_days = 0;
    TG_TRY(read_int(run, &unix_days));
    int64_t days = unix_days - TG_PG_EPOCH_DAYS;
    if (days < TEMPORAL_MIN_PG_DAYS || days >= TEMPORAL_END_PG_DAYS) {
        return run_fail(run, TG_ERR_OUT_OF_RANGE, no_such_time);
    }
    run->out = put_u32(put_u32(run->out, 4), (uint32_t)days);
    return TG_OK;
}

static tg_status_t
run_date_timestamp(tg_run_t *run, const tg_step_t *step)
{
    (void)step;
    int32_t unix_days = 0;
    int64_t pg_us = 0;
    TG_TRY(read_int(run, &unix_days));
    int64_t days = unix_days - TG_PG_EPOCH_DAYS;
    if (__builtin_mul_overflow(days, TEMPORAL_DAY_US, &pg_us) || pg_us < TEMPORAL_MIN_PG_US ||
        pg_us >= TEMPORAL_END_PG_US) {
        return run_fail(run, TG_ERR_OUT_OF_RANGE, no_such_time);
    }
    return put_time_us(run, pg_us);
}

static tg_status_t
run_time(tg_run_t *run, const tg_step_t *step)
{
    int64_t value = 0;
    TG_TRY(read_number(run, step, &value));
    int64_t per_unit = step->value_op == TG_OP_TIME_MILLIS ? 1000 : 1;
    if (value < 0 || value > TEMPORAL_DAY_US / per_unit) {
        return run_fail(run, TG_ERR_OUT_OF_RANGE, "the time of day is not within a day");
    }
    return put_time_us(run, value * per_unit);
}

static tg_status_t
run_duration(tg_run_t *run, const tg_step_t *step)
{
    tg_bytes_t view;
    TG_TRY(read_sized(run, step->size, &view));
    uint32_t months = load_u32_le(view.data);
    uint32_t days = load_u32_le(view.data + 4);
    uint64_t millis = load_u32_le(view.data + 8);
    if (months > INT32_MAX || days > INT32_MAX) {
        return run_fail(run, TG_ERR_OUT_OF_RANGE, "the duration is longer than an interval");
    }
    uint8_t *at = put_u64(put_u32(run->out, 16), millis * 1000);
    run->out = put_u32(put_u32(at, days), months);
    return TG_OK;
}

static int
hex_value(uint8_t c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* 32 digits, with hyphens as 8-4-4-4-12 or with none */
static bool
parse_uuid(tg_bytes_t text, uint8_t ret_uuid[16])
{
    bool hyphens = text.n_bytes == 36;
    if (!hyphens && text.n_bytes != 32) {
        return false;
    }
    size_t at = 0;
    for (size_t i = 0; i < 16; i++) {
        if (hyphens && (i == 4 || i == 6 || i == 8 || i == 10) && text.data[at++] != '-') {
            return false;
        }
        int high = hex_value(text.data[at++]);
        int low = hex_value(text.data[at++]);
        if (high < 0 || low < 0) {
            return false;
        }
        ret_uuid[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

static tg_status_t
run_uuid_text(tg_run_t *run, const tg_step_t *step)
{
    tg_bytes_t text;
    uint8_t uuid[16];
    TG_TRY(read_sized(run, step->size, &text));
    if (!parse_uuid(text, uuid)) {
        return run_fail(run, TG_ERR_INVALID, "the text is not a UUID");
    }
    run->out = put_bytes(put_u32(run->out, sizeof uuid), uuid, sizeof uuid);
    return TG_OK;
}

static tg_status_t
run_uuid_bytes(tg_run_t *run, const tg_step_t *step)
{
    tg_bytes_t view;
    TG_TRY(read_sized(run, step->size, &view));
    if (view.n_bytes != 16) {
        return run_fail(run, TG_ERR_INVALID, "a UUID has 16 bytes");
    }
    run->out = put_bytes(put_u32(run->out, 16), view.data, view.n_bytes);
    return TG_OK;
}

/* What the loop's copy of plain ASCII leaves over. */
static tg_status_t
run_text(tg_run_t *run, const tg_step_t *step)
{
    tg_bytes_t text;
    TG_TRY(read_sized(run, step->size, &text));
    tg_text_rules_t rules = {.nul_policy = run->plan->options.nul_policy,
                             .limit = step->limit,
                             .limit_is_bytes = step->type_oid == TG_PG_NAME};
    size_t n_written = 0;
    const char *fault = NULL;
    tg_status_t status =
        tg_text_copy(rules, text.data, text.n_bytes, run->out + 4, &n_written, &fault);
    if (status != TG_OK) {
        return run_fail(run, status, fault);
    }
    run->out = put_u32(run->out, (uint32_t)n_written) + n_written;
    return TG_OK;
}

static tg_status_t
run_skip_node(tg_run_t *run, const tg_step_t *step)
{
    return tg_run_skip(run, step->node);
}

typedef tg_status_t run_step_t(tg_run_t *run, const tg_step_t *step);

tg_status_t
tg_run_value(tg_run_t *run, const tg_step_t *step)
{
    static run_step_t *const steps[TG_OP_COUNT] = {
        [TG_OP_SKIP_NODE] = run_skip_node,
        [TG_OP_TEXT] = run_text,
        [TG_OP_DECIMAL] = run_decimal,
        [TG_OP_INT_INT2] = run_int2,
        [TG_OP_LONG_INT2] = run_int2,
        [TG_OP_INT_FLOAT4] = run_int_float,
        [TG_OP_INT_FLOAT8] = run_int_float,
        [TG_OP_INT_NUMERIC] = run_int_numeric,
        [TG_OP_DOUBLE_FLOAT4] = run_double_float4,
        [TG_OP_FLOAT_NUMERIC] = run_real_numeric,
        [TG_OP_DOUBLE_NUMERIC] = run_real_numeric,
        [TG_OP_DECIMAL_FLOAT8] = run_decimal_float8,
        [TG_OP_NANOS] = run_nanos,
        [TG_OP_DATE] = run_date,
        [TG_OP_DATE_TIMESTAMP] = run_date_timestamp,
        [TG_OP_TIME_MILLIS] = run_time,
        [TG_OP_TIME_MICROS] = run_time,
        [TG_OP_DURATION] = run_duration,
        [TG_OP_UUID_TEXT] = run_uuid_text,
        [TG_OP_UUID_BYTES] = run_uuid_bytes,
        [TG_OP_SCALAR_TEXT] = tg_run_scalar_text,
        [TG_OP_JSON] = tg_run_json,
        [TG_OP_ARRAY] = tg_run_array,
    };
    return steps[step->value_op](run, step);
}
