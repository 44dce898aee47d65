/*
 * The steps that decide the speed. Each is a small function that ends by calling the next one with
 * all its state in registers; the compiler turns that call into a jump, so that a row is one chain
 * of jumps without a loop, a switch or a stack frame between. (A build without optimisation nests
 * the calls instead, as deep as the plan has steps, which is bounded.)
 */
#include "plan_internal.h"
#include "temporal_internal.h"
#include "text_internal.h"
#include "varint_internal.h"

#define INLINE              static inline __attribute__((always_inline))
#define UNLIKELY(condition) __builtin_expect((condition), 0)

/* What every step has: the body from at to end, and where its bytes in the row go. */
#define STEP_STATE                                                                                 \
    tg_run_t *run, const uint8_t *at, const uint8_t *end, uint8_t *out, const tg_step_t *step

INLINE tg_status_t
go_on(STEP_STATE)
{
    return step[1].run(run, at, end, out, step + 1);
}

static tg_status_t
fail(STEP_STATE, tg_status_t status)
{
    run->at = at;
    run->out = out;
    run->fault_step = step;
    run->fault_column = step->column;
    if (step->op == TG_OP_DOUBLES) {
        /* the first that is not whole */
        run->fault_column += (uint32_t)((size_t)(end - at) / sizeof(double));
    }
    return status;
}

/* Of the same form as a step, so that a step that fails has nothing to move between registers. */
#define COLD __attribute__((noinline, cold))

static COLD tg_status_t
fail_truncated(STEP_STATE)
{
    return fail(run, at, end, out, step, TG_ERR_TRUNCATED);
}

static COLD tg_status_t
fail_invalid(STEP_STATE)
{
    return fail(run, at, end, out, step, TG_ERR_INVALID);
}

static COLD tg_status_t
fail_range(STEP_STATE)
{
    return fail(run, at, end, out, step, TG_ERR_OUT_OF_RANGE);
}

/* A varint or a small number that could not be read, or says something that cannot be. */
static COLD tg_status_t
fail_small(STEP_STATE)
{
    uint64_t bits = 0;
    bool whole = varint_read_bytewise(at, end, &bits) != NULL;
    return fail(run, at, end, out, step, whole ? TG_ERR_INVALID : varint_fault(at, end));
}

/* A length that could not be read, or is beyond the body's end. */
static COLD tg_status_t
fail_size(STEP_STATE)
{
    uint64_t bits = 0;
    bool whole = step->size != TG_SIZE_PREFIXED ||
                 (varint_read_bytewise(at, end, &bits) != NULL && (bits & 1) == 0);
    return whole ? fail_truncated(run, at, end, out, step) : fail_small(run, at, end, out, step);
}

static tg_status_t
step_end(STEP_STATE)
{
    (void)end;
    (void)step;
    run->at = at;
    run->out = out;
    return TG_OK;
}

/* The steps of plan_value.c work on the run itself. */
static tg_status_t
step_call(STEP_STATE)
{
    run->at = at;
    run->out = out;
    tg_status_t status = tg_run_value(run, step);
    if (UNLIKELY(status != TG_OK)) {
        return fail(run, run->at, end, run->out, step, status);
    }
    return step[1].run(run, run->at, end, run->out, step + 1);
}

static tg_status_t
step_slot(STEP_STATE)
{
    run->plan->slots[step->column] = (uint32_t)(out - (run->buffer->data + run->buffer->n_bytes));
    return go_on(run, at, end, out, step);
}

static tg_status_t
step_null(STEP_STATE)
{
    out = put_null(out);
    if (UNLIKELY(step->not_null)) {
        return fail_range(run, at, end, out, step);
    }
    return go_on(run, at, end, out, step);
}

/* Whole pieces; what is written too much is written over by what comes next. */
INLINE uint8_t *
put_pieces(uint8_t *out, const uint8_t *from, size_t n_bytes)
{
    for (size_t i = 0; i < n_bytes; i += TG_COPY_PIECE) {
        memcpy(out + i, from + i, TG_COPY_PIECE);
    }
    return out + n_bytes;
}

static tg_status_t
step_const(STEP_STATE)
{
    out = put_pieces(out, step->bytes, step->n);
    return go_on(run, at, end, out, step);
}

static tg_status_t
step_jump(STEP_STATE)
{
    step = run->plan->steps + step->target;
    return step->run(run, at, end, out, step);
}

/* A small number that is never negative: length, branch, symbol. NULL: not one. */
INLINE const uint8_t *
take_small(const uint8_t *at, const uint8_t *end, uint64_t *ret_value)
{
    uint64_t bits = 0;
    at = varint_read_short(at, end, &bits);
    *ret_value = bits >> 1;
    return (bits & 1) == 0 ? at : NULL;
}

static tg_status_t
step_nullable(STEP_STATE)
{
    uint64_t branch = 0;
    const uint8_t *next = take_small(at, end, &branch);
    if (UNLIKELY(next == NULL || branch > 1)) {
        return fail_small(run, at, end, out, step);
    }
    if (branch == step->null_branch) {
        return step_null(run, next, end, out, step);
    }
    return step->run_value(run, next, end, out, step);
}

static tg_status_t
step_null_record(STEP_STATE)
{
    uint64_t branch = 0;
    const uint8_t *next = take_small(at, end, &branch);
    if (UNLIKELY(next == NULL || branch > 1)) {
        return fail_small(run, at, end, out, step);
    }
    step = branch == step->null_branch ? run->plan->steps + step->target : step + 1;
    return step->run(run, next, end, out, step);
}

static tg_status_t
step_switch(STEP_STATE)
{
    uint64_t branch = 0;
    const uint8_t *next = take_small(at, end, &branch);
    if (UNLIKELY(next == NULL || branch >= step->n)) {
        return fail_small(run, at, end, out, step);
    }
    step = run->plan->steps + run->plan->targets[step->target + branch];
    return step->run(run, next, end, out, step);
}

/* The size of a bytes-like value, and where it begins. NULL: malformed or cut off. */
INLINE const uint8_t *
take_size(const uint8_t *at, const uint8_t *end, int32_t size, size_t *ret_n_bytes)
{
    uint64_t n_bytes = 0;
    if (__builtin_expect(size == TG_SIZE_PREFIXED, 1)) {
        at = take_small(at, end, &n_bytes);
        if (UNLIKELY(at == NULL)) {
            return NULL;
        }
    } else {
        n_bytes = size >= 0 ? (uint64_t)size : (uint64_t)(end - at);
    }
    *ret_n_bytes = (size_t)n_bytes;
    return n_bytes <= (uint64_t)(end - at) ? at : NULL;
}

static tg_status_t
step_skip_sized(STEP_STATE)
{
    size_t n_bytes = 0;
    const uint8_t *next = take_size(at, end, step->size, &n_bytes);
    if (UNLIKELY(next == NULL)) {
        return fail_size(run, at, end, out, step);
    }
    return go_on(run, next + n_bytes, end, out, step);
}

static tg_status_t
step_skip_varint(STEP_STATE)
{
    uint64_t bits = 0;
    const uint8_t *next = varint_read_short(at, end, &bits);
    if (UNLIKELY(next == NULL)) {
        return fail_small(run, at, end, out, step);
    }
    return go_on(run, next, end, out, step);
}

static tg_status_t
step_bytes(STEP_STATE)
{
    size_t n_bytes = 0;
    const uint8_t *next = take_size(at, end, step->size, &n_bytes);
    if (UNLIKELY(next == NULL)) {
        return fail_size(run, at, end, out, step);
    }
    out = put_bytes(put_u32(out, (uint32_t)n_bytes), next, n_bytes);
    return go_on(run, next + n_bytes, end, out, step);
}

/* The frequent text: ASCII that fits. UTF-8, NUL and limits are for the called step. */
static tg_status_t
step_text(STEP_STATE)
{
    size_t n_bytes = 0;
    const uint8_t *next = take_size(at, end, step->size, &n_bytes);
    if (UNLIKELY(next == NULL)) {
        return fail_size(run, at, end, out, step);
    }
    if (UNLIKELY(n_bytes > step->n || !text_copy_ascii(out + 4, next, n_bytes, end))) {
        return step_call(run, at, end, out, step);
    }
    out = put_u32(out, (uint32_t)n_bytes) + n_bytes;
    return go_on(run, next + n_bytes, end, out, step);
}

static tg_status_t
step_enum(STEP_STATE)
{
    uint64_t position = 0;
    const uint8_t *next = take_small(at, end, &position);
    if (UNLIKELY(next == NULL || position >= step->node->n_children)) {
        return fail_small(run, at, end, out, step);
    }
    const tg_symbol_t *symbol = &step->symbols[position];
    if (UNLIKELY(symbol->bytes == NULL)) {
        return fail_range(run, at, end, out, step);
    }
    out = put_pieces(out, symbol->bytes, symbol->n_bytes);
    return go_on(run, next, end, out, step);
}

static tg_status_t
step_bool(STEP_STATE)
{
    if (UNLIKELY(at == end || *at > 1)) {
        return at == end ? fail_truncated(run, at, end, out, step)
                         : fail_invalid(run, at, end, out, step);
    }
    out = put_u32(out, 1);
    *out = *at;
    return go_on(run, at + 1, end, out + 1, step);
}

static tg_status_t
step_float_float4(STEP_STATE)
{
    uint32_t bits;
    if (UNLIKELY(end - at < (ptrdiff_t)sizeof bits)) {
        return fail_truncated(run, at, end, out, step);
    }
    memcpy(&bits, at, sizeof bits);
    out = put_u32(put_u32(out, sizeof bits), bits);
    return go_on(run, at + sizeof bits, end, out, step);
}

static tg_status_t
step_float_float8(STEP_STATE)
{
    float single;
    if (UNLIKELY(end - at < (ptrdiff_t)sizeof single)) {
        return fail_truncated(run, at, end, out, step);
    }
    memcpy(&single, at, sizeof single);
    double value = (double)single;
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    out = put_u64(put_u32(out, sizeof bits), bits);
    return go_on(run, at + sizeof single, end, out, step);
}

static tg_status_t
step_double(STEP_STATE)
{
    uint64_t bits;
    if (UNLIKELY(end - at < (ptrdiff_t)sizeof bits)) {
        return fail_truncated(run, at, end, out, step);
    }
    memcpy(&bits, at, sizeof bits);
    out = put_u64(put_u32(out, sizeof bits), bits);
    return go_on(run, at + sizeof bits, end, out, step);
}

static tg_status_t
step_doubles(STEP_STATE)
{
    uint64_t bits;
    if (UNLIKELY((size_t)(end - at) < step->n * sizeof bits)) {
        return fail_truncated(run, at, end, out, step);
    }
    for (const uint8_t *stop = at + step->n * sizeof bits; at < stop; at += sizeof bits) {
        memcpy(&bits, at, sizeof bits);
        out = put_u64(put_u32(out, sizeof bits), bits);
    }
    return go_on(run, at, end, out, step);
}

/* How a step reads its varint: a word at a time in two ways, and byte by byte where these do not
 * reach (near the end of the body, and beyond 56 bits). Each step below is compiled for all three.
 */
typedef enum reading { WORDS, WORDS_PEXT, BYTEWISE } reading_t;

INLINE const uint8_t *
take_long(const uint8_t *at, const uint8_t *end, reading_t reading, int64_t *ret_value)
{
    uint64_t bits = 0;
    at = reading == BYTEWISE ? varint_read_bytewise(at, end, &bits)
                             : varint_read_word(at, end, reading == WORDS_PEXT, &bits);
    *ret_value = zigzag(bits);
    return at;
}

/* bytewise: the same step in that reading, for when this one does not reach. */
INLINE tg_status_t
read_again(reading_t reading, tg_step_run_t *bytewise, STEP_STATE)
{
    return reading == BYTEWISE ? fail_small(run, at, end, out, step)
                               : bytewise(run, at, end, out, step);
}

INLINE tg_status_t
int4_from(reading_t reading, tg_step_run_t *bytewise, bool is_int, STEP_STATE)
{
    int64_t value = 0;
    const uint8_t *next = take_long(at, end, reading, &value);
    if (UNLIKELY(next == NULL)) {
        return read_again(reading, bytewise, run, at, end, out, step);
    }
    if (UNLIKELY(value != (int32_t)value)) {
        return is_int ? fail_invalid(run, at, end, out, step) : fail_range(run, at, end, out, step);
    }
    out = put_u32(put_u32(out, 4), (uint32_t)value);
    return go_on(run, next, end, out, step);
}

INLINE tg_status_t
int8_from(reading_t reading, tg_step_run_t *bytewise, bool is_int, STEP_STATE)
{
    int64_t value = 0;
    const uint8_t *next = take_long(at, end, reading, &value);
    if (UNLIKELY(next == NULL)) {
        return read_again(reading, bytewise, run, at, end, out, step);
    }
    if (UNLIKELY(is_int && value != (int32_t)value)) {
        return fail_invalid(run, at, end, out, step);
    }
    out = put_u64(put_u32(out, 8), (uint64_t)value);
    return go_on(run, next, end, out, step);
}

INLINE tg_status_t
timestamp_from(reading_t reading, tg_step_run_t *bytewise, bool millis, STEP_STATE)
{
    int64_t value = 0;
    int64_t pg_us = 0;
    const uint8_t *next = take_long(at, end, reading, &value);
    if (UNLIKELY(next == NULL)) {
        return read_again(reading, bytewise, run, at, end, out, step);
    }
    bool fits = millis ? temporal_of_millis(value, &pg_us) : temporal_of_micros(value, &pg_us);
    if (UNLIKELY(!fits)) {
        return fail_range(run, at, end, out, step);
    }
    out = put_u64(put_u32(out, 8), (uint64_t)pg_us);
    return go_on(run, next, end, out, step);
}

#define VARINT_STEPS(suffix, reading, attributes)                                                  \
    static attributes tg_status_t step_int_int4_##suffix(STEP_STATE)                               \
    {                                                                                              \
        return int4_from(reading, step_int_int4_bytewise, true, run, at, end, out, step);          \
    }                                                                                              \
    static attributes tg_status_t step_long_int4_##suffix(STEP_STATE)                              \
    {                                                                                              \
        return int4_from(reading, step_long_int4_bytewise, false, run, at, end, out, step);        \
    }                                                                                              \
    static attributes tg_status_t step_int_int8_##suffix(STEP_STATE)                               \
    {                                                                                              \
        return int8_from(reading, step_int_int8_bytewise, true, run, at, end, out, step);          \
    }                                                                                              \
    static attributes tg_status_t step_long_int8_##suffix(STEP_STATE)                              \
    {                                                                                              \
        return int8_from(reading, step_long_int8_bytewise, false, run, at, end, out, step);        \
    }                                                                                              \
    static attributes tg_status_t step_micros_##suffix(STEP_STATE)                                 \
    {                                                                                              \
        return timestamp_from(reading, step_micros_bytewise, false, run, at, end, out, step);      \
    }                                                                                              \
    static attributes tg_status_t step_millis_##suffix(STEP_STATE)                                 \
    {                                                                                              \
        return timestamp_from(reading, step_millis_bytewise, true, run, at, end, out, step);       \
    }

static tg_step_run_t step_int_int4_bytewise, step_long_int4_bytewise, step_int_int8_bytewise,
    step_long_int8_bytewise, step_micros_bytewise, step_millis_bytewise;

VARINT_STEPS(bytewise, BYTEWISE, __attribute__((noinline)))
VARINT_STEPS(words, WORDS, )

static tg_step_run_t *const plain_steps[TG_OP_COUNT] = {
    [TG_OP_END] = step_end,
    [TG_OP_SLOT] = step_slot,
    [TG_OP_NULL] = step_null,
    [TG_OP_CONST] = step_const,
    [TG_OP_JUMP] = step_jump,
    [TG_OP_NULL_RECORD] = step_null_record,
    [TG_OP_SWITCH] = step_switch,
    [TG_OP_NULLABLE] = step_nullable,
    [TG_OP_SKIP_FIXED] = step_skip_sized,
    [TG_OP_SKIP_VARINT] = step_skip_varint,
    [TG_OP_SKIP_SIZED] = step_skip_sized,
    [TG_OP_BOOL] = step_bool,
    [TG_OP_INT_INT4] = step_int_int4_words,
    [TG_OP_INT_INT8] = step_int_int8_words,
    [TG_OP_LONG_INT8] = step_long_int8_words,
    [TG_OP_LONG_INT4] = step_long_int4_words,
    [TG_OP_FLOAT_FLOAT4] = step_float_float4,
    [TG_OP_FLOAT_FLOAT8] = step_float_float8,
    [TG_OP_DOUBLES] = step_doubles,
    [TG_OP_MICROS] = step_micros_words,
    [TG_OP_MILLIS] = step_millis_words,
    [TG_OP_TEXT] = step_text,
    [TG_OP_BYTES] = step_bytes,
    [TG_OP_ENUM] = step_enum,
};

#ifdef __x86_64__

VARINT_STEPS(bmi2, WORDS_PEXT, __attribute__((target("bmi,bmi2"))))

static tg_step_run_t *const bmi2_steps[TG_OP_COUNT] = {
    [TG_OP_INT_INT4] = step_int_int4_bmi2,   [TG_OP_INT_INT8] = step_int_int8_bmi2,
    [TG_OP_LONG_INT8] = step_long_int8_bmi2, [TG_OP_LONG_INT4] = step_long_int4_bmi2,
    [TG_OP_MICROS] = step_micros_bmi2,       [TG_OP_MILLIS] = step_millis_bmi2,
};

#endif

static tg_step_run_t *
choose(tg_op_t op, uint32_t n, bool pext)
{
#ifdef __x86_64__
    if (pext && bmi2_steps[op] != NULL) {
        return bmi2_steps[op];
    }
#endif
    (void)pext;
    if (op == TG_OP_DOUBLES && n == 1) {
        return step_double;
    }
    return plain_steps[op] != NULL ? plain_steps[op] : step_call;
}

/* AMD before Zen 3 has the instruction, but takes up to 300 cycles for it. */
bool
tg_plan_has_fast_pext(void)
{
#ifdef __x86_64__
    __builtin_cpu_init();
    return __builtin_cpu_supports("bmi2") && !__builtin_cpu_is("bdver4") &&
           !__builtin_cpu_is("znver1") && !__builtin_cpu_is("znver2");
#else
    return false;
#endif
}

void
tg_plan_choose_steps(tg_decode_plan_t *plan, bool pext)
{
    for (size_t i = 0; i < plan->n_steps; i++) {
        tg_step_t *step = &plan->steps[i];
        step->run = choose(step->op, step->n, pext);
        step->run_value = choose(step->value_op, step->n, pext);
    }
}

tg_status_t
tg_run_steps(tg_run_t *run, const tg_step_t *step)
{
    return step->run(run, run->at, run->end, run->out, step);
}

tg_status_t
tg_run_ensure(tg_run_t *run, size_t n_bytes)
{
    tg_buffer_t *buffer = run->buffer;
    size_t n_written = (size_t)(run->out - buffer->data);
    size_t n_rest = 2 * (size_t)(run->end - run->at) + run->plan->reserve_bytes;
    if (n_bytes > run->plan->options.max_row_bytes ||
        n_written - buffer->n_bytes > run->plan->options.max_row_bytes - n_bytes) {
        return run_fail(run, TG_ERR_TOO_LARGE, "the row is larger than max_row_bytes");
    }
    if (buffer->capacity - n_written >= n_bytes + n_rest) {
        return TG_OK;
    }
    /* The buffer counts only whole rows; for its growth this one counts as far as it is. */
    size_t n_before = buffer->n_bytes;
    buffer->n_bytes = n_written;
    tg_status_t status = tg_buffer_reserve(buffer, n_bytes + n_rest);
    buffer->n_bytes = n_before;
    run->out = buffer->data + n_written;
    return status;
}
