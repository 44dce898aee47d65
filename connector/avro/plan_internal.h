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
#include "schema_internal.h"

typedef enum tg_op {
    /* control: no value is read */
    TG_OP_END,
    TG_OP_SLOT,        /* the column's bytes begin here */
    TG_OP_NULL,        /* the column is NULL */
    TG_OP_CONST,       /* the column's default */
    TG_OP_JUMP,        /* to target */
    TG_OP_NULL_RECORD, /* union: its null branch goes to target, the record comes next */
    TG_OP_SWITCH,      /* union: branch i goes to targets[target + i] */
    TG_OP_NULLABLE,    /* union [null, X]: its null branch is NULL, else value_op follows */
    /* fields without a column */
    TG_OP_SKIP_FIXED,
    TG_OP_SKIP_VARINT,
    TG_OP_SKIP_SIZED,
    TG_OP_SKIP_NODE,
    /* values, in plan_run.c */
    TG_OP_BOOL,
    TG_OP_INT_INT4,
    TG_OP_INT_INT8,
    TG_OP_LONG_INT8,
    TG_OP_LONG_INT4,
    TG_OP_FLOAT_FLOAT4,
    TG_OP_FLOAT_FLOAT8,
    TG_OP_DOUBLES, /* n in a row */
    TG_OP_MICROS,
    TG_OP_MILLIS,
    TG_OP_TEXT,
    TG_OP_BYTES,
    TG_OP_ENUM,
    /* values, in plan_value.c and beyond */
    TG_OP_DECIMAL,
    TG_OP_INT_INT2,
    TG_OP_LONG_INT2,
    TG_OP_INT_FLOAT4,
    TG_OP_INT_FLOAT8,
    TG_OP_INT_NUMERIC,
    TG_OP_DOUBLE_FLOAT4,
    TG_OP_FLOAT_NUMERIC,
    TG_OP_DOUBLE_NUMERIC,
    TG_OP_DECIMAL_FLOAT8,
    TG_OP_NANOS,
    TG_OP_DATE,
    TG_OP_DATE_TIMESTAMP,
    TG_OP_TIME_MILLIS,
    TG_OP_TIME_MICROS,
    TG_OP_DURATION,
    TG_OP_UUID_TEXT,
    TG_OP_UUID_BYTES,
    TG_OP_SCALAR_TEXT,
    TG_OP_JSON,
    TG_OP_ARRAY,
    TG_OP_COUNT
} tg_op_t;

/* How long a bytes-like value is; a fixed one says its size instead. */
enum { TG_SIZE_PREFIXED = -1, TG_SIZE_REST = -2 };

/* A symbol as it goes into the row; NULL: longer than the column. */
typedef struct tg_symbol {
    const uint8_t *bytes; /* followed by TG_COPY_PIECE bytes that may be read */
    size_t n_bytes;
} tg_symbol_t;

typedef struct tg_run tg_run_t;
typedef struct tg_step tg_step_t;

/* Runs a step, then all that follow up to END: at, end and out are the body and the row. */
typedef tg_status_t tg_step_run_t(tg_run_t *run, const uint8_t *at, const uint8_t *end,
                                  uint8_t *out, const tg_step_t *step);

struct tg_step {
    tg_step_run_t *run;
    tg_step_run_t *run_value; /* TG_OP_NULLABLE: what runs when it is not null */
    tg_op_t op;
    tg_op_t value_op;    /* the same, but for TG_OP_NULLABLE: how X is written */
    uint8_t null_branch; /* 0 or 1 */
    bool not_null;       /* the column refuses NULL */
    int32_t size;        /* TG_SIZE_*, or the size of a fixed */
    uint32_t column;     /* in the plan's columns; for slots and messages */
    uint32_t target;     /* index of a step, or into targets */
    uint32_t n;          /* switch: branches; const: bytes; enum: longest symbol; doubles: how many;
                            text: bytes that always fit; array: the most that one element adds */
    int32_t limit;       /* varchar: characters, numeric: precision; -1: none */
    int32_t scale;       /* numeric */
    uint32_t type_oid;   /* what is written (array: its element) */
    const tg_node_t *node;      /* what is read, without the union around it */
    const uint8_t *bytes;       /* const: n bytes as they go into the row */
    const tg_symbol_t *symbols; /* enum */
};

/* Prepared bytes are copied in pieces of this size, the last one too. */
enum { TG_COPY_PIECE = 16 };

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
    uint8_t *out; /* next byte of the row */
    uint8_t *out_end;
    tg_buffer_t *buffer;
    size_t row_start; /* in the buffer */
    tg_decode_plan_t *plan;
    const tg_step_t *fault_step; /* the step that failed */
    uint32_t fault_column;       /* its column */
    const char *fault;           /* what was wrong; static text */
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
    bool in_order;   /* steps write the row as it is; else slots are put in order at the end */
    uint32_t *slots; /* per column: where its bytes begin in the scratch row */
    tg_buffer_t scratch;
    tg_decode_options_t options;
    int watched;
    int64_t last_time_pg_us;
    uint64_t n_truncated_nanos;
};

/* plan_run.c: gives each step its function, the one that suits this processor. */
void tg_plan_choose_steps(tg_decode_plan_t *plan);

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
