/*
 * One step of a decode plan: what it reads, what it writes, and the function that does it.
 */
#ifndef TG_AVRO_PLAN_STEP_INTERNAL_H
#define TG_AVRO_PLAN_STEP_INTERNAL_H

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

#endif
