/*
 * The decode plan from inside: steps, the state of one row, and who compiles and runs them.
 *
 *   plan_match.c    which column takes which field
 *   plan_convert.c  which step turns an Avro type into a PostgreSQL type, or why none does
 *   plan_compile.c  fields in the order of the schema -> steps
 *   plan_run.c      the common steps, each ending in a jump to the next
 *   plan_value.c    the rarer ones, called from there
 *   plan_array.c, plan_skip.c, json_write.c  values with values inside
 *
 * Invariant: between two steps there is room for reserve_bytes + 2 * (end - at) more output. The
 *            reserve covers what every step of the plan adds of its own; twice the input covers
 *            what strings, bytes and decimals add for each byte read. What grows more than that
 *            calls tg_run_ensure.
 */
#ifndef TG_AVRO_PLAN_INTERNAL_H
#define TG_AVRO_PLAN_INTERNAL_H

#include "avro/decode_plan.h"
#include "avro/pg_type.h"
#include "copy_write_internal.h"
#include "plan_step_internal.h"
#include "schema_internal.h"

typedef struct tg_column {
    char *name;
    uint32_t type_oid;
    int32_t type_modifier;
    bool not_null;
    const tg_node_t *node; /* the field it takes; NULL: none */
} tg_column_t;

/* One row under way. */
struct tg_run {
    const uint8_t *at; /* next byte of the body */
    const uint8_t *end;
    const uint8_t *start;
    uint8_t *out;        /* next byte of the row */
    tg_buffer_t *buffer; /* the row begins behind its n_bytes */
    tg_decode_plan_t *plan;
    const tg_step_t *fault_step; /* the step that failed */
    uint32_t fault_column;       /* its column */
    const char *fault;           /* what was wrong; static text */
    tg_error_t *err;
    uint64_t n_truncated_nanos;
    size_t n_free_values; /* values that take no input and may still come */
    int depth;
};

struct tg_decode_plan {
    tg_run_t run;
    tg_schema_t *schema;
    tg_arena_t *arena;
    tg_column_t *columns;
    size_t n_columns;
    tg_step_t *steps;
    size_t n_steps;
    size_t steps_capacity;
    uint32_t *targets;
    size_t n_targets;
    size_t targets_capacity;
    size_t reserve_bytes;
    size_t direct_bytes; /* the same, out of reach when the row cannot be written directly */
    bool in_order;       /* steps write the row as it is; else slots are put in order at the end */
    uint32_t *slots;     /* per column: where its bytes begin in the scratch row */
    tg_buffer_t scratch;
    tg_decode_options_t options;
    int watched;
    int64_t last_time_pg_us;
    uint64_t n_truncated_nanos;
};

/* plan_run.c: gives each step its function; pext: those that need the instruction. */
void tg_plan_choose_steps(tg_decode_plan_t *plan, bool pext);
bool tg_plan_has_fast_pext(void);

/* Runs from step to the END that it meets. */
tg_status_t tg_run_steps(tg_run_t *run, const tg_step_t *step) TG_MUST_CHECK;

/* Room for n_bytes more than the invariant asks for; moves the row when its buffer grows. */
tg_status_t tg_run_ensure(tg_run_t *run, size_t n_bytes) TG_MUST_CHECK;

/* plan_value.c: one step that plan_run.c does not have. */
tg_status_t tg_run_value(tg_run_t *run, const tg_step_t *step) TG_MUST_CHECK;

tg_status_t tg_run_array(tg_run_t *run, const tg_step_t *step) TG_MUST_CHECK;
tg_status_t tg_run_json(tg_run_t *run, const tg_step_t *step) TG_MUST_CHECK;
tg_status_t tg_run_scalar_text(tg_run_t *run, const tg_step_t *step) TG_MUST_CHECK;
tg_status_t tg_run_skip(tg_run_t *run, const tg_node_t *node) TG_MUST_CHECK;

static inline tg_status_t
run_fail(tg_run_t *run, tg_status_t status, const char *fault)
{
    run->fault = fault;
    return status;
}

/* plan_match.c: paths in the order of the schema, and for each the column that takes it (-1). */
typedef struct tg_match {
    struct tg_path *paths;
    size_t n_paths;
    int32_t *column_of;
} tg_match_t;

tg_status_t tg_plan_match(const tg_schema_t *schema, const tg_plan_column_t *columns,
                          size_t n_columns, tg_arena_t *arena, tg_match_t *ret_match,
                          tg_error_t *err) TG_MUST_CHECK;

/* plan_compile.c */
tg_status_t tg_plan_compile(tg_decode_plan_t *plan, const tg_plan_column_t *columns,
                            tg_error_t *err) TG_MUST_CHECK;
tg_status_t tg_plan_emit(tg_decode_plan_t *plan, tg_step_t step, uint32_t *ret_index,
                         tg_error_t *err) TG_MUST_CHECK;

/* plan_convert.c: the one step from node (no union) to the column's type (type_oid: the column's,
 * or the element's of its array); false: there is none. */
bool tg_plan_convert(const tg_node_t *node, uint32_t type_oid, int32_t type_modifier,
                     tg_step_t *ret_step);

/* The most bytes that a step adds to a row beside twice what it reads. */
size_t tg_step_bytes(const tg_step_t *step);

/* Why there is none: names field, Avro type, column, PostgreSQL type, and what would fit. */
tg_status_t tg_plan_mismatch(const char *field, const tg_node_t *node, const char *column,
                             uint32_t type_oid, tg_error_t *err);

/* "integer", or "type 12345". */
const char *tg_plan_type_name(uint32_t type_oid, char ret_text[32]);

#endif
