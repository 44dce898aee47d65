#include "plan_internal.h"
#include "temporal_internal.h"
#include "text_internal.h"
#include "varint_internal.h"

/* Body and row of the run, in registers while the loop stays in this file. */
typedef struct cursor {
    const uint8_t *at;
    const uint8_t *end;
    uint8_t *out;
} cursor_t;

#define INLINE static inline __attribute__((always_inline)) TG_MUST_CHECK

INLINE tg_status_t
take_long(cursor_t *cursor, int64_t *ret_value)
{
    uint64_t bits = 0;
    const uint8_t *next = varint_read(cursor->at, cursor->end, &bits);
    if (__builtin_expect(next == NULL, 0)) {
        return varint_fault(cursor->at, cursor->end);
    }
    cursor->at = next;
    *ret_value = zigzag(bits);
    return TG_OK;
}

INLINE tg_status_t
take_int(cursor_t *cursor, int32_t *ret_value)
{
    int64_t value = 0;
    TG_TRY(take_long(cursor, &value));
    if (__builtin_expect(value != (int32_t)value, 0)) {
        return TG_ERR_INVALID;
    }
    *ret_value = (int32_t)value;
    return TG_OK;
}

/* A small number that is never negative: length, branch, symbol. */
INLINE tg_status_t
take_small(cursor_t *cursor, uint64_t *ret_value)
{
    uint64_t bits = 0;
    const uint8_t *next = varint_read_short(cursor->at, cursor->end, &bits);
    if (__builtin_expect(next == NULL, 0)) {
        return varint_fault(cursor->at, cursor->end);
    }
    if (__builtin_expect((bits & 1) != 0, 0)) {
        return TG_ERR_INVALID;
    }
    cursor->at = next;
    *ret_value = bits >> 1;
    return TG_OK;
}

INLINE tg_status_t
take_size(cursor_t *cursor, int32_t size, size_t *ret_n_bytes)
{
    uint64_t n_bytes = 0;
    if (size == TG_SIZE_PREFIXED) {
        TG_TRY(take_small(cursor, &n_bytes));
    } else {
        n_bytes = size >= 0 ? (uint64_t)size : (uint64_t)(cursor->end - cursor->at);
    }
    if (__builtin_expect(n_bytes > (uint64_t)(cursor->end - cursor->at), 0)) {
        return TG_ERR_TRUNCATED;
    }
    *ret_n_bytes = (size_t)n_bytes;
    return TG_OK;
}

INLINE tg_status_t
run_bool(cursor_t *cursor)
{
    if (__builtin_expect(cursor->at == cursor->end, 0)) {
        return TG_ERR_TRUNCATED;
    }
    uint8_t value = *cursor->at;
    if (__builtin_expect(value > 1, 0)) {
        return TG_ERR_INVALID;
    }
    cursor->at++;
    cursor->out = put_u32(cursor->out, 1);
    *cursor->out++ = value;
    return TG_OK;
}

INLINE tg_status_t
run_int4(cursor_t *cursor)
{
    int32_t value = 0;
    TG_TRY(take_int(cursor, &value));
    cursor->out = put_u32(put_u32(cursor->out, 4), (uint32_t)value);
    return TG_OK;
}

INLINE tg_status_t
run_int8(cursor_t *cursor, bool from_int)
{
    int64_t value = 0;
    TG_TRY(take_long(cursor, &value));
    if (__builtin_expect(from_int && value != (int32_t)value, 0)) {
        return TG_ERR_INVALID;
    }
    cursor->out = put_u64(put_u32(cursor->out, 8), (uint64_t)value);
    return TG_OK;
}

INLINE tg_status_t
run_long_int4(cursor_t *cursor)
{
    int64_t value = 0;
    TG_TRY(take_long(cursor, &value));
    if (__builtin_expect(value != (int32_t)value, 0)) {
        return TG_ERR_OUT_OF_RANGE;
    }
    cursor->out = put_u32(put_u32(cursor->out, 4), (uint32_t)value);
    return TG_OK;
}

INLINE tg_status_t
run_float4(cursor_t *cursor)
{
    uint32_t bits;
    if (__builtin_expect(cursor->end - cursor->at < 4, 0)) {
        return TG_ERR_TRUNCATED;
    }
    memcpy(&bits, cursor->at, sizeof bits);
    cursor->at += sizeof bits;
    cursor->out = put_u32(put_u32(cursor->out, 4), bits);
    return TG_OK;
}

INLINE tg_status_t
run_float8(cursor_t *cursor)
{
    uint64_t bits;
    if (__builtin_expect(cursor->end - cursor->at < 8, 0)) {
        return TG_ERR_TRUNCATED;
    }
    memcpy(&bits, cursor->at, sizeof bits);
    cursor->at += sizeof bits;
    cursor->out = put_u64(put_u32(cursor->out, 8), bits);
    return TG_OK;
}

INLINE tg_status_t
run_float_float8(cursor_t *cursor)
{
    float single;
    if (__builtin_expect(cursor->end - cursor->at < 4, 0)) {
        return TG_ERR_TRUNCATED;
    }
    memcpy(&single, cursor->at, sizeof single);
    cursor->at += sizeof single;
    double value = (double)single;
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    cursor->out = put_u64(put_u32(cursor->out, 8), bits);
    return TG_OK;
}

INLINE tg_status_t
run_timestamp(cursor_t *cursor, bool millis)
{
    int64_t value = 0;
    int64_t pg_us = 0;
    TG_TRY(take_long(cursor, &value));
    bool fits = millis ? temporal_of_millis(value, &pg_us) : temporal_of_micros(value, &pg_us);
    if (__builtin_expect(!fits, 0)) {
        return TG_ERR_OUT_OF_RANGE;
    }
    cursor->out = put_u64(put_u32(cursor->out, 8), (uint64_t)pg_us);
    return TG_OK;
}

INLINE tg_status_t
run_bytes(cursor_t *cursor, const tg_step_t *step)
{
    size_t n_bytes = 0;
    TG_TRY(take_size(cursor, step->size, &n_bytes));
    cursor->out = put_bytes(put_u32(cursor->out, (uint32_t)n_bytes), cursor->at, n_bytes);
    cursor->at += n_bytes;
    return TG_OK;
}

/* The frequent text: ASCII that fits. TG_ERR_UNSUPPORTED: not one, nothing is consumed. */
INLINE tg_status_t
run_plain_text(cursor_t *cursor, const tg_step_t *step)
{
    cursor_t ahead = *cursor;
    size_t n_bytes = 0;
    TG_TRY(take_size(&ahead, step->size, &n_bytes));
    bool fits = step->limit < 0 || n_bytes <= (size_t)step->limit;
    if (!fits || !text_copy_ascii(ahead.out + 4, ahead.at, n_bytes, ahead.end)) {
        return TG_ERR_UNSUPPORTED;
    }
    cursor->at = ahead.at + n_bytes;
    cursor->out = put_u32(cursor->out, (uint32_t)n_bytes) + n_bytes;
    return TG_OK;
}

/* Whole pieces; what is written too much is written over by what comes next. */
static inline uint8_t *
put_pieces(uint8_t *out, const uint8_t *from, size_t n_bytes)
{
    for (size_t i = 0; i < n_bytes; i += TG_COPY_PIECE) {
        memcpy(out + i, from + i, TG_COPY_PIECE);
    }
    return out + n_bytes;
}

INLINE tg_status_t
run_enum(cursor_t *cursor, const tg_step_t *step)
{
    uint64_t position = 0;
    TG_TRY(take_small(cursor, &position));
    if (__builtin_expect(position >= step->node->n_children, 0)) {
        return TG_ERR_INVALID;
    }
    const tg_symbol_t *symbol = &step->symbols[position];
    if (__builtin_expect(symbol->bytes == NULL, 0)) {
        return TG_ERR_OUT_OF_RANGE;
    }
    cursor->out = put_pieces(cursor->out, symbol->bytes, symbol->n_bytes);
    return TG_OK;
}

INLINE tg_status_t
run_null(cursor_t *cursor, const tg_step_t *step)
{
    cursor->out = put_null(cursor->out);
    return step->not_null ? TG_ERR_OUT_OF_RANGE : TG_OK;
}

/* The union around a value: *ret_null when its null branch is chosen. */
INLINE tg_status_t
take_null(cursor_t *cursor, const tg_step_t *step, bool *ret_null)
{
    uint64_t branch = 0;
    TG_TRY(take_small(cursor, &branch));
    *ret_null = branch == (uint64_t)step->null_byte >> 1;
    return branch <= 1 ? TG_OK : TG_ERR_INVALID;
}

INLINE tg_status_t
run_skip(cursor_t *cursor, const tg_step_t *step)
{
    size_t n_bytes = step->n;
    int64_t number = 0;
    if (step->op == TG_OP_SKIP_VARINT) {
        return take_long(cursor, &number);
    }
    TG_TRY(
        take_size(cursor, step->op == TG_OP_SKIP_SIZED ? step->size : (int32_t)step->n, &n_bytes));
    cursor->at += n_bytes;
    return TG_OK;
}

/* Out of the loop and back: the called step works on the run itself. */
static __attribute__((noinline)) tg_status_t
call_value(tg_run_t *run, cursor_t cursor, const tg_step_t *step)
{
    run->at = cursor.at;
    run->out = cursor.out;
    return tg_run_value(run, step);
}

static __attribute__((noinline, cold)) tg_status_t
fail(tg_run_t *run, cursor_t cursor, const tg_step_t *step, tg_status_t status)
{
    run->at = cursor.at;
    run->out = cursor.out;
    run->fault_step = step;
    return status;
}

/* Where control goes from a step that reads no value of its own; NULL: it is not one. */
INLINE tg_status_t
run_control(tg_run_t *run, cursor_t *cursor, const tg_step_t **step)
{
    const tg_step_t *base = run->plan->steps;
    const tg_step_t *here = *step;
    uint64_t branch = 0;
    bool is_null = false;
    switch (here->op) {
    case TG_OP_JUMP:
        *step = base + here->target - 1;
        return TG_OK;
    case TG_OP_NULL_RECORD:
        TG_TRY(take_null(cursor, here, &is_null));
        *step = is_null ? base + here->target - 1 : here;
        return TG_OK;
    case TG_OP_SWITCH:
    default:
        TG_TRY(take_small(cursor, &branch));
        if (branch >= here->n) {
            return TG_ERR_INVALID;
        }
        *step = base + run->plan->targets[here->target + branch] - 1;
        return TG_OK;
    }
}

tg_status_t
tg_run_steps(tg_run_t *run, const tg_step_t *step)
{
    cursor_t cursor = {.at = run->at, .end = run->end, .out = run->out};
    uint8_t *row = run->buffer->data + run->row_start;
    for (;; step++) {
        tg_status_t status = TG_OK;
        if (step->nullable) {
            bool is_null = false;
            status = take_null(&cursor, step, &is_null);
            if (status == TG_OK && is_null) {
                status = run_null(&cursor, step);
                if (__builtin_expect(status == TG_OK, 1)) {
                    continue;
                }
            }
            if (__builtin_expect(status != TG_OK, 0)) {
                return fail(run, cursor, step, status);
            }
        }
        switch (step->op) {
        case TG_OP_END:
            run->at = cursor.at;
            run->out = cursor.out;
            return TG_OK;
        case TG_OP_SLOT:
            run->plan->slots[step->column] = (uint32_t)(cursor.out - row);
            continue;
        case TG_OP_NULL:
            status = run_null(&cursor, step);
            break;
        case TG_OP_CONST:
            cursor.out = put_pieces(cursor.out, step->bytes, step->n);
            continue;
        case TG_OP_JUMP:
        case TG_OP_NULL_RECORD:
        case TG_OP_SWITCH:
            status = run_control(run, &cursor, &step);
            break;
        case TG_OP_SKIP_FIXED:
        case TG_OP_SKIP_VARINT:
        case TG_OP_SKIP_SIZED:
            status = run_skip(&cursor, step);
            break;
        case TG_OP_BOOL:
            status = run_bool(&cursor);
            break;
        case TG_OP_INT_INT4:
            status = run_int4(&cursor);
            break;
        case TG_OP_INT_INT8:
            status = run_int8(&cursor, true);
            break;
        case TG_OP_LONG_INT8:
            status = run_int8(&cursor, false);
            break;
        case TG_OP_LONG_INT4:
            status = run_long_int4(&cursor);
            break;
        case TG_OP_FLOAT_FLOAT4:
            status = run_float4(&cursor);
            break;
        case TG_OP_FLOAT_FLOAT8:
            status = run_float_float8(&cursor);
            break;
        case TG_OP_DOUBLE_FLOAT8:
            status = run_float8(&cursor);
            break;
        case TG_OP_MICROS:
            status = run_timestamp(&cursor, false);
            break;
        case TG_OP_MILLIS:
            status = run_timestamp(&cursor, true);
            break;
        case TG_OP_BYTES:
            status = run_bytes(&cursor, step);
            break;
        case TG_OP_ENUM:
            status = run_enum(&cursor, step);
            break;
        case TG_OP_TEXT:
            status = run_plain_text(&cursor, step);
            if (__builtin_expect(status != TG_ERR_UNSUPPORTED, 1)) {
                break;
            }
            /* fall through: the called step knows UTF-8, NUL and limits */
            __attribute__((fallthrough));
        default:
            status = call_value(run, cursor, step);
            cursor.at = run->at;
            cursor.out = run->out;
            row = run->buffer->data + run->row_start;
            break;
        }
        if (__builtin_expect(status != TG_OK, 0)) {
            return fail(run, cursor, step, status);
        }
    }
}

tg_status_t
tg_run_ensure(tg_run_t *run, size_t n_bytes)
{
    size_t n_written = (size_t)(run->out - run->buffer->data);
    size_t n_rest = 2 * (size_t)(run->end - run->at) + run->plan->reserve_bytes;
    if (n_bytes > run->plan->options.max_row_bytes ||
        n_written - run->row_start > run->plan->options.max_row_bytes - n_bytes) {
        return run_fail(run, TG_ERR_TOO_LARGE, "the row is larger than max_row_bytes");
    }
    if ((size_t)(run->out_end - run->out) >= n_bytes + n_rest) {
        return TG_OK;
    }
    /* The buffer counts only whole rows; for its growth this one counts as far as it is. */
    size_t n_before = run->buffer->n_bytes;
    run->buffer->n_bytes = n_written;
    tg_status_t status = tg_buffer_reserve(run->buffer, n_bytes + n_rest);
    run->buffer->n_bytes = n_before;
    if (status == TG_OK) {
        run->out = run->buffer->data + n_written;
        run->out_end = run->buffer->data + run->buffer->capacity;
    }
    return status;
}
