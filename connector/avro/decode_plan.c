#include "avro/decode_plan.h"

#include <stdio.h>
#include <stdlib.h>

#include "flatten_internal.h"
#include "plan_internal.h"
#include "temporal_internal.h"

enum {
    MAX_COLUMNS = 1600,
    DEFAULT_ROW_BYTES = 64 << 20,
    MAX_ROW_BYTES = 1 << 29, /* also keeps an array below PostgreSQL's 2^27 elements */
    MAX_DEPTH = 512,         /* keeps the recursion within any thread's stack */
    KEPT_SCRATCH_BYTES = 4 << 20,
};

static tg_decode_options_t
complete_options(const tg_decode_options_t *options)
{
    tg_decode_options_t complete = *options;
    if (complete.max_row_bytes == 0) {
        complete.max_row_bytes = DEFAULT_ROW_BYTES;
    } else if (complete.max_row_bytes > MAX_ROW_BYTES) {
        complete.max_row_bytes = MAX_ROW_BYTES;
    }
    if (complete.max_depth <= 0) {
        complete.max_depth = TG_SCHEMA_MAX_DEPTH;
    } else if (complete.max_depth > MAX_DEPTH) {
        complete.max_depth = MAX_DEPTH;
    }
    return complete;
}

static tg_status_t
copy_columns(tg_decode_plan_t *plan, const tg_plan_column_t *columns, tg_error_t *err)
{
    plan->columns = tg_arena_calloc(plan->arena, plan->n_columns + 1, sizeof *plan->columns);
    plan->slots = tg_arena_calloc(plan->arena, plan->n_columns + 1, sizeof *plan->slots);
    bool complete = plan->columns != NULL && plan->slots != NULL;
    for (size_t i = 0; complete && i < plan->n_columns; i++) {
        plan->columns[i] = (tg_column_t){.name = tg_arena_strdup(plan->arena, columns[i].name),
                                         .type_oid = columns[i].type_oid,
                                         .type_modifier = columns[i].type_modifier,
                                         .not_null = columns[i].not_null};
        complete = plan->columns[i].name != NULL;
    }
    return complete ? TG_OK : tg_error_set(err, TG_ERR_NO_MEMORY, "decode plan: no memory");
}

tg_status_t
tg_decode_plan_new(tg_schema_t *schema, const tg_plan_column_t *columns, size_t n_columns,
                   const tg_decode_options_t *options, tg_decode_plan_t **ret_plan, tg_error_t *err)
{
    if (n_columns == 0 || n_columns > MAX_COLUMNS) {
        return tg_error_set(err, TG_ERR_UNSUPPORTED, "decode plan: %zu columns, 1 to %d can be",
                            n_columns, MAX_COLUMNS);
    }
    TG_CLEANUP(tg_decode_plan_freep) tg_decode_plan_t *plan = calloc(1, sizeof *plan);
    if (plan == NULL) {
        return tg_error_set(err, TG_ERR_NO_MEMORY, "decode plan: no memory");
    }
    plan->schema = tg_schema_ref(schema);
    plan->arena = tg_arena_new(TG_SCHEMA_MAX_ARENA_BYTES);
    plan->n_columns = n_columns;
    plan->options = complete_options(options);
    plan->run.plan = plan;
    plan->watched = -1;
    plan->last_time_pg_us = INT64_MIN;
    tg_buffer_init(&plan->scratch, SIZE_MAX / 4);
    if (plan->arena == NULL) {
        return tg_error_set(err, TG_ERR_NO_MEMORY, "decode plan: no memory");
    }
    TG_TRY(copy_columns(plan, columns, err));
    TG_TRY(tg_plan_compile(plan, columns, err));
    *ret_plan = TG_STEAL(plan);
    return TG_OK;
}

void
tg_decode_plan_free(tg_decode_plan_t *plan)
{
    if (plan == NULL) {
        return;
    }
    tg_schema_unref(plan->schema);
    tg_arena_free(plan->arena);
    tg_buffer_done(&plan->scratch);
    free(plan->steps);
    free(plan->targets);
    free(plan);
}

void
tg_decode_plan_watch_time(tg_decode_plan_t *plan, int column)
{
    plan->watched = column >= 0 && (size_t)column < plan->n_columns ? column : -1;
    plan->last_time_pg_us = INT64_MIN;
}

int64_t
tg_decode_plan_last_time_pg_us(const tg_decode_plan_t *plan)
{
    return plan->last_time_pg_us;
}

uint64_t
tg_decode_plan_n_truncated_nanos(const tg_decode_plan_t *plan)
{
    return plan->n_truncated_nanos;
}

/* The time in an encoded field. */
static int64_t
time_of_field(uint32_t type_oid, const uint8_t *field)
{
    int32_t n_bytes = (int32_t)load_u32(field);
    if (n_bytes == 8 && (type_oid == TG_PG_TIMESTAMPTZ || type_oid == TG_PG_TIMESTAMP)) {
        return (int64_t)((uint64_t)load_u32(field + 4) << 32 | load_u32(field + 8));
    }
    int64_t pg_us = INT64_MIN;
    if (n_bytes == 4 && type_oid == TG_PG_DATE &&
        __builtin_mul_overflow((int32_t)load_u32(field + 4), TEMPORAL_DAY_US, &pg_us)) {
        return INT64_MIN;
    }
    return pg_us;
}

/* Of a whole row in the table's order. */
static __attribute__((noinline)) void
note_time(tg_decode_plan_t *plan, const uint8_t *row)
{
    const uint8_t *field = row + 2;
    for (int i = 0; i < plan->watched; i++) {
        int32_t n_bytes = (int32_t)load_u32(field);
        field += 4 + (n_bytes > 0 ? n_bytes : 0);
    }
    plan->last_time_pg_us = time_of_field(plan->columns[plan->watched].type_oid, field);
}

static const char *
plain_fault(tg_status_t status)
{
    return status == TG_ERR_TRUNCATED ? "the body ends within the value"
           : status == TG_ERR_INVALID ? "the value is malformed"
                                      : "the column cannot hold the value (its type, or NOT NULL)";
}

static tg_status_t
explain(const tg_run_t *run, tg_status_t status, tg_error_t *err)
{
    if (status == TG_ERR_FULL || status == TG_ERR_NO_MEMORY) {
        return tg_error_set(err, status, "no room for the row");
    }
    const char *fault = run->fault != NULL ? run->fault : plain_fault(status);
    const tg_step_t *step = run->fault_step;
    bool skipped = step == NULL || (step->op >= TG_OP_SKIP_FIXED && step->op <= TG_OP_SKIP_NODE) ||
                   step->op == TG_OP_NULL_RECORD;
    if (skipped) {
        return tg_error_set(err, status, "a field without a column: %s", fault);
    }
    const tg_column_t *column = &run->plan->columns[run->fault_column];
    char type_text[32];
    char avro[128];
    tg_node_describe(column->node, avro, sizeof avro);
    return tg_error_set(err, status, "column \"%s\" (Avro %s to %s): %s", column->name, avro,
                        tg_plan_type_name(column->type_oid, type_text), fault);
}

static __attribute__((noinline, cold)) tg_status_t
reject(tg_run_t *run, tg_status_t status, size_t n_bytes)
{
    if (status != TG_OK) {
        status = explain(run, status, run->err);
    } else if (run->at != run->end) {
        status = tg_error_set(run->err, TG_ERR_TRAILING, "%zu bytes follow the record",
                              (size_t)(run->end - run->at));
    } else {
        status = tg_error_set(run->err, TG_ERR_TOO_LARGE,
                              "the row has %zu bytes, more than the %zu allowed", n_bytes,
                              run->plan->options.max_row_bytes);
    }
    run->fault = NULL;
    run->fault_step = NULL;
    run->depth = 0;
    run->n_truncated_nanos = 0;
    return status;
}

/* Writes one row into the buffer's memory, for which there is room, without counting it in. What is
 * needed behind the steps stands in the run, so that no register has to be kept for it. */
static inline __attribute__((always_inline)) tg_status_t
run_row(tg_decode_plan_t *plan, tg_bytes_t body, tg_buffer_t *buffer, tg_error_t *err,
        size_t *ret_n_bytes)
{
    tg_run_t *run = &plan->run;
    uint8_t *out = put_u16(buffer->data + buffer->n_bytes, (uint16_t)plan->n_columns);
    const uint8_t *end = body.data + body.n_bytes;
    run->start = body.data;
    run->end = end;
    run->buffer = buffer;
    run->err = err;
    run->n_free_values = plan->options.max_row_bytes;
    tg_status_t status = plan->steps->run(run, body.data, end, out, plan->steps);
    buffer = run->buffer;
    size_t n_bytes = (size_t)(run->out - buffer->data) - buffer->n_bytes;
    bool whole = run->at == run->end && n_bytes <= plan->options.max_row_bytes;
    if (__builtin_expect(status != TG_OK || !whole, 0)) {
        return reject(run, status, n_bytes);
    }
    if (__builtin_expect(run->n_truncated_nanos > 0, 0)) {
        plan->n_truncated_nanos += run->n_truncated_nanos;
        run->n_truncated_nanos = 0;
    }
    *ret_n_bytes = n_bytes;
    return TG_OK;
}

/* Puts the fields of the scratch row into the table's order. */
static void
gather(const tg_decode_plan_t *plan, uint8_t *out)
{
    const uint8_t *row = plan->scratch.data;
    out = put_bytes(out, row, 2);
    for (size_t i = 0; i < plan->n_columns; i++) {
        const uint8_t *field = row + plan->slots[i];
        int32_t n_bytes = (int32_t)load_u32(field);
        out = put_bytes(out, field, 4 + (n_bytes > 0 ? (size_t)n_bytes : 0));
    }
}

/* Room for what the steps of one row need at once; more is asked for as it is needed. */
static tg_status_t
reserve_row(const tg_decode_plan_t *plan, tg_bytes_t body, tg_buffer_t *buffer)
{
    return tg_buffer_reserve(buffer, plan->reserve_bytes + 2 * body.n_bytes);
}

/* By way of the plan's own buffer: when columns change places, and near the end of out. */
static __attribute__((noinline)) tg_status_t
decode_through_scratch(tg_decode_plan_t *plan, tg_bytes_t body, tg_buffer_t *out, tg_error_t *err)
{
    size_t n_bytes = 0;
    tg_buffer_reset(&plan->scratch);
    if (reserve_row(plan, body, &plan->scratch) != TG_OK) {
        return tg_error_set(err, TG_ERR_NO_MEMORY, "no memory for a row");
    }
    TG_TRY(run_row(plan, body, &plan->scratch, err, &n_bytes));
    if (n_bytes > out->max_bytes) {
        return tg_error_set(err, TG_ERR_TOO_LARGE, "the row has %zu bytes, more than a batch holds",
                            n_bytes);
    }
    tg_status_t status = tg_buffer_reserve(out, n_bytes);
    if (status != TG_OK) {
        return tg_error_set(err, status, "no room for the row");
    }
    if (plan->in_order) {
        memcpy(out->data + out->n_bytes, plan->scratch.data, n_bytes);
    } else {
        gather(plan, out->data + out->n_bytes);
    }
    if (plan->watched >= 0) {
        note_time(plan, out->data + out->n_bytes);
    }
    out->n_bytes += n_bytes;
    if (plan->scratch.capacity > KEPT_SCRATCH_BYTES) {
        tg_buffer_done(&plan->scratch);
    }
    return TG_OK;
}

/* Straight into out, where there is room enough for anything but growing values. */
static inline __attribute__((always_inline)) tg_status_t
decode_directly(tg_decode_plan_t *plan, tg_bytes_t body, tg_buffer_t *out, tg_error_t *err)
{
    size_t n_bytes = 0;
    tg_run_t *run = &plan->run;
    tg_status_t status = run_row(plan, body, out, err, &n_bytes);
    if (__builtin_expect(status != TG_OK, 0)) {
        body = tg_bytes_of(run->start, (size_t)(run->end - run->start));
        return status == TG_ERR_FULL ? decode_through_scratch(plan, body, run->buffer, run->err)
                                     : status;
    }
    out = run->buffer;
    if (__builtin_expect(plan->watched >= 0, 0)) {
        note_time(plan, out->data + out->n_bytes);
        out = run->buffer;
    }
    out->n_bytes += n_bytes;
    return TG_OK;
}

static __attribute__((noinline)) tg_status_t
decode_slowly(tg_decode_plan_t *plan, tg_bytes_t body, tg_buffer_t *out, tg_error_t *err)
{
    if (body.n_bytes > MAX_ROW_BYTES) {
        return tg_error_set(err, TG_ERR_TOO_LARGE, "the body has %zu bytes", body.n_bytes);
    }
    if (body.n_bytes == 0) {
        body = tg_bytes_of("", 0);
    }
    return plan->in_order && reserve_row(plan, body, out) == TG_OK
               ? decode_directly(plan, body, out, err)
               : decode_through_scratch(plan, body, out, err);
}

tg_status_t
tg_decode_plan_decode(tg_decode_plan_t *plan, tg_bytes_t body, tg_buffer_t *out, tg_error_t *err)
{
    /* An empty body wraps around to the largest size. */
    if (__builtin_expect(out->capacity - out->n_bytes < plan->direct_bytes + 2 * body.n_bytes ||
                             body.n_bytes - 1 >= MAX_ROW_BYTES,
                         0)) {
        return decode_slowly(plan, body, out, err);
    }
    return decode_directly(plan, body, out, err);
}

tg_status_t
tg_decode_plan_preferred_order(tg_schema_t *schema, const tg_plan_column_t *columns,
                               size_t n_columns, size_t *ret_order, tg_error_t *err)
{
    TG_CLEANUP(tg_arena_freep) tg_arena_t *arena = tg_arena_new(TG_SCHEMA_MAX_ARENA_BYTES);
    tg_match_t match;
    if (arena == NULL) {
        return tg_error_set(err, TG_ERR_NO_MEMORY, "decode plan: no memory");
    }
    TG_TRY(tg_plan_match(schema, columns, n_columns, arena, &match, err));
    bool *placed = tg_arena_calloc(arena, n_columns + 1, sizeof *placed);
    if (placed == NULL) {
        return tg_error_set(err, TG_ERR_NO_MEMORY, "decode plan: no memory");
    }
    size_t n_placed = 0;
    for (size_t i = 0; i < match.n_paths; i++) {
        if (match.column_of[i] >= 0) {
            placed[match.column_of[i]] = true;
            ret_order[n_placed++] = (size_t)match.column_of[i];
        }
    }
    for (size_t i = 0; i < n_columns; i++) {
        if (!placed[i]) {
            ret_order[n_placed++] = i;
        }
    }
    return TG_OK;
}

tg_status_t
tg_decode_plan_match(tg_schema_t *schema, const tg_plan_column_t *columns, size_t n_columns,
                     bool *ret_matched, tg_error_t *err)
{
    TG_CLEANUP(tg_arena_freep) tg_arena_t *arena = tg_arena_new(TG_SCHEMA_MAX_ARENA_BYTES);
    tg_match_t match;
    if (arena == NULL) {
        return tg_error_set(err, TG_ERR_NO_MEMORY, "decode plan: no memory");
    }
    TG_TRY(tg_plan_match(schema, columns, n_columns, arena, &match, err));
    memset(ret_matched, 0, n_columns * sizeof *ret_matched);
    for (size_t i = 0; i < match.n_paths; i++) {
        if (match.column_of[i] >= 0) {
            ret_matched[match.column_of[i]] = true;
        }
    }
    return TG_OK;
}
