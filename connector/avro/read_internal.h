/*
 * Reading one value of each kind from the body of the row under way, for the steps that are called.
 * (The loop of plan_run.c has its own copies, on registers.)
 */
#ifndef TG_AVRO_READ_INTERNAL_H
#define TG_AVRO_READ_INTERNAL_H

#include "plan_internal.h"
#include "varint_internal.h"

static inline TG_MUST_CHECK tg_status_t
read_long(tg_run_t *run, int64_t *ret_value)
{
    uint64_t bits = 0;
    const uint8_t *next = varint_read(run->at, run->end, &bits);
    if (next == NULL) {
        return varint_fault(run->at, run->end);
    }
    run->at = next;
    *ret_value = zigzag(bits);
    return TG_OK;
}

static inline TG_MUST_CHECK tg_status_t
read_int(tg_run_t *run, int32_t *ret_value)
{
    int64_t value = 0;
    TG_TRY(read_long(run, &value));
    if (value < INT32_MIN || value > INT32_MAX) {
        return run_fail(run, TG_ERR_INVALID, "an Avro int has more than 32 bits");
    }
    *ret_value = (int32_t)value;
    return TG_OK;
}

/* A run of n_bytes of the body. */
static inline TG_MUST_CHECK tg_status_t
read_run(tg_run_t *run, uint64_t n_bytes, tg_bytes_t *ret_view)
{
    if (n_bytes > (uint64_t)(run->end - run->at)) {
        return TG_ERR_TRUNCATED;
    }
    *ret_view = tg_bytes_of(run->at, (size_t)n_bytes);
    run->at += n_bytes;
    return TG_OK;
}

/* size: TG_SIZE_* or that of a fixed */
static inline TG_MUST_CHECK tg_status_t
read_sized(tg_run_t *run, int32_t size, tg_bytes_t *ret_view)
{
    if (size >= 0) {
        return read_run(run, (uint64_t)size, ret_view);
    }
    if (size == TG_SIZE_REST) {
        return read_run(run, (uint64_t)(run->end - run->at), ret_view);
    }
    int64_t length = 0;
    TG_TRY(read_long(run, &length));
    if (length < 0) {
        return run_fail(run, TG_ERR_INVALID, "a length is negative");
    }
    return read_run(run, (uint64_t)length, ret_view);
}

static inline TG_MUST_CHECK tg_status_t
read_branch(tg_run_t *run, size_t n_branches, size_t *ret_branch)
{
    int64_t branch = 0;
    TG_TRY(read_long(run, &branch));
    if (branch < 0 || (uint64_t)branch >= n_branches) {
        return run_fail(run, TG_ERR_INVALID, "a union's branch does not exist");
    }
    *ret_branch = (size_t)branch;
    return TG_OK;
}

static inline TG_MUST_CHECK tg_status_t
read_symbol(tg_run_t *run, const tg_node_t *node, const char **ret_symbol)
{
    int64_t position = 0;
    TG_TRY(read_long(run, &position));
    if (position < 0 || (uint64_t)position >= node->n_children) {
        return run_fail(run, TG_ERR_INVALID, "an enum's symbol does not exist");
    }
    *ret_symbol = node->symbols[position];
    return TG_OK;
}

static inline TG_MUST_CHECK tg_status_t
read_boolean(tg_run_t *run, bool *ret_value)
{
    tg_bytes_t view;
    TG_TRY(read_run(run, 1, &view));
    if (view.data[0] > 1) {
        return run_fail(run, TG_ERR_INVALID, "a boolean is neither 0 nor 1");
    }
    *ret_value = view.data[0] == 1;
    return TG_OK;
}

static inline TG_MUST_CHECK tg_status_t
read_float(tg_run_t *run, float *ret_value)
{
    tg_bytes_t view;
    TG_TRY(read_run(run, sizeof *ret_value, &view));
    memcpy(ret_value, view.data, sizeof *ret_value);
    return TG_OK;
}

static inline TG_MUST_CHECK tg_status_t
read_double(tg_run_t *run, double *ret_value)
{
    tg_bytes_t view;
    TG_TRY(read_run(run, sizeof *ret_value, &view));
    memcpy(ret_value, view.data, sizeof *ret_value);
    return TG_OK;
}

static inline uint32_t
load_u32_le(const uint8_t *at)
{
    uint32_t value;
    memcpy(&value, at, sizeof value);
    return value;
}

/* The unscaled bytes and the scale of a decimal or big-decimal. */
static inline TG_MUST_CHECK tg_status_t
read_decimal(tg_run_t *run, const tg_node_t *node, int32_t size, tg_bytes_t *ret_unscaled,
             int32_t *ret_scale)
{
    if (node->logical != TG_LOGICAL_BIG_DECIMAL) {
        *ret_scale = node->scale;
        return read_sized(run, size, ret_unscaled);
    }
    /* Bytes that hold bytes and an int, each encoded again. */
    tg_bytes_t outer;
    TG_TRY(read_sized(run, size, &outer));
    tg_run_t inner = {.at = outer.data, .end = outer.data + outer.n_bytes};
    if (read_sized(&inner, TG_SIZE_PREFIXED, ret_unscaled) != TG_OK ||
        read_int(&inner, ret_scale) != TG_OK || inner.at != inner.end) {
        return run_fail(run, TG_ERR_INVALID, "a big-decimal is malformed");
    }
    return TG_OK;
}

/* The items of an array or a map come in blocks; a count of 0 ends them. A negative count means
 * that the block's size in bytes follows. *ret_n_bytes: that size, else -1. */
static inline TG_MUST_CHECK tg_status_t
read_block(tg_run_t *run, size_t item_min_bytes, uint64_t *ret_count, int64_t *ret_n_bytes)
{
    int64_t count = 0;
    TG_TRY(read_long(run, &count));
    *ret_n_bytes = -1;
    if (count < 0) {
        TG_TRY(read_long(run, ret_n_bytes));
        if (*ret_n_bytes < 0 || count == INT64_MIN) {
            return run_fail(run, TG_ERR_INVALID, "a block of an array or map is malformed");
        }
        if (*ret_n_bytes > run->end - run->at) {
            return TG_ERR_TRUNCATED;
        }
        count = -count;
    }
    /* No loop begins that the body cannot feed. Items of no bytes are paid from a budget. */
    if (item_min_bytes > 0) {
        if ((uint64_t)count > (uint64_t)(run->end - run->at) / item_min_bytes) {
            return TG_ERR_TRUNCATED;
        }
    } else if ((uint64_t)count > run->n_free_values) {
        return run_fail(run, TG_ERR_TOO_LARGE, "an array has too many items without content");
    } else {
        run->n_free_values -= (size_t)count;
    }
    *ret_count = (uint64_t)count;
    return TG_OK;
}

#endif
