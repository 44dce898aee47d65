#include <stdio.h>

#include "derive_internal.h"
#include "plan_internal.h"

enum { LOGICAL_ANY = -1 };

typedef struct conversion {
    tg_node_kind_t kind;
    int logical; /* tg_logical_t or LOGICAL_ANY */
    uint32_t type_oid;
    tg_op_t op;
} conversion_t;

/* The first row that fits counts. Wildcards: an integer column takes the number itself, whatever it
 * stands for; text and bytea take each other, as Avro promotes string and bytes. */
static const conversion_t conversions[] = {
    {TG_NODE_BOOLEAN, LOGICAL_ANY, TG_PG_BOOL, TG_OP_BOOL},

    {TG_NODE_INT, LOGICAL_ANY, TG_PG_INT4, TG_OP_INT_INT4},
    {TG_NODE_INT, LOGICAL_ANY, TG_PG_INT8, TG_OP_INT_INT8},
    {TG_NODE_INT, LOGICAL_ANY, TG_PG_INT2, TG_OP_INT_INT2},
    {TG_NODE_INT, TG_LOGICAL_NONE, TG_PG_FLOAT4, TG_OP_INT_FLOAT4},
    {TG_NODE_INT, TG_LOGICAL_NONE, TG_PG_FLOAT8, TG_OP_INT_FLOAT8},
    {TG_NODE_INT, TG_LOGICAL_NONE, TG_PG_NUMERIC, TG_OP_INT_NUMERIC},
    {TG_NODE_INT, TG_LOGICAL_NONE, TG_PG_DATE, TG_OP_DATE},
    {TG_NODE_INT, TG_LOGICAL_DATE, TG_PG_DATE, TG_OP_DATE},
    {TG_NODE_INT, TG_LOGICAL_DATE, TG_PG_TIMESTAMP, TG_OP_DATE_TIMESTAMP},
    {TG_NODE_INT, TG_LOGICAL_DATE, TG_PG_TIMESTAMPTZ, TG_OP_DATE_TIMESTAMP},
    {TG_NODE_INT, TG_LOGICAL_TIME_MILLIS, TG_PG_TIME, TG_OP_TIME_MILLIS},

    {TG_NODE_LONG, LOGICAL_ANY, TG_PG_INT8, TG_OP_LONG_INT8},
    {TG_NODE_LONG, LOGICAL_ANY, TG_PG_INT4, TG_OP_LONG_INT4},
    {TG_NODE_LONG, LOGICAL_ANY, TG_PG_INT2, TG_OP_LONG_INT2},
    {TG_NODE_LONG, TG_LOGICAL_NONE, TG_PG_FLOAT4, TG_OP_INT_FLOAT4},
    {TG_NODE_LONG, TG_LOGICAL_NONE, TG_PG_FLOAT8, TG_OP_INT_FLOAT8},
    {TG_NODE_LONG, TG_LOGICAL_NONE, TG_PG_NUMERIC, TG_OP_INT_NUMERIC},
    {TG_NODE_LONG, TG_LOGICAL_TIME_MICROS, TG_PG_TIME, TG_OP_TIME_MICROS},
    {TG_NODE_LONG, TG_LOGICAL_TIMESTAMP_MICROS, TG_PG_TIMESTAMPTZ, TG_OP_MICROS},
    {TG_NODE_LONG, TG_LOGICAL_TIMESTAMP_MICROS, TG_PG_TIMESTAMP, TG_OP_MICROS},
    {TG_NODE_LONG, TG_LOGICAL_LOCAL_MICROS, TG_PG_TIMESTAMP, TG_OP_MICROS},
    {TG_NODE_LONG, TG_LOGICAL_TIMESTAMP_MILLIS, TG_PG_TIMESTAMPTZ, TG_OP_MILLIS},
    {TG_NODE_LONG, TG_LOGICAL_TIMESTAMP_MILLIS, TG_PG_TIMESTAMP, TG_OP_MILLIS},
    {TG_NODE_LONG, TG_LOGICAL_LOCAL_MILLIS, TG_PG_TIMESTAMP, TG_OP_MILLIS},
    {TG_NODE_LONG, TG_LOGICAL_TIMESTAMP_NANOS, TG_PG_TIMESTAMPTZ, TG_OP_NANOS},
    {TG_NODE_LONG, TG_LOGICAL_TIMESTAMP_NANOS, TG_PG_TIMESTAMP, TG_OP_NANOS},
    {TG_NODE_LONG, TG_LOGICAL_LOCAL_NANOS, TG_PG_TIMESTAMP, TG_OP_NANOS},

    {TG_NODE_FLOAT, LOGICAL_ANY, TG_PG_FLOAT4, TG_OP_FLOAT_FLOAT4},
    {TG_NODE_FLOAT, LOGICAL_ANY, TG_PG_FLOAT8, TG_OP_FLOAT_FLOAT8},
    {TG_NODE_FLOAT, LOGICAL_ANY, TG_PG_NUMERIC, TG_OP_FLOAT_NUMERIC},
    {TG_NODE_DOUBLE, LOGICAL_ANY, TG_PG_FLOAT8, TG_OP_DOUBLES},
    {TG_NODE_DOUBLE, LOGICAL_ANY, TG_PG_FLOAT4, TG_OP_DOUBLE_FLOAT4},
    {TG_NODE_DOUBLE, LOGICAL_ANY, TG_PG_NUMERIC, TG_OP_DOUBLE_NUMERIC},

    {TG_NODE_STRING, LOGICAL_ANY, TG_PG_TEXT, TG_OP_TEXT},
    {TG_NODE_STRING, LOGICAL_ANY, TG_PG_VARCHAR, TG_OP_TEXT},
    {TG_NODE_STRING, LOGICAL_ANY, TG_PG_BPCHAR, TG_OP_TEXT},
    {TG_NODE_STRING, LOGICAL_ANY, TG_PG_NAME, TG_OP_TEXT},
    {TG_NODE_STRING, LOGICAL_ANY, TG_PG_UUID, TG_OP_UUID_TEXT},
    {TG_NODE_STRING, TG_LOGICAL_NONE, TG_PG_BYTEA, TG_OP_BYTES},

    {TG_NODE_BYTES, TG_LOGICAL_NONE, TG_PG_BYTEA, TG_OP_BYTES},
    {TG_NODE_BYTES, TG_LOGICAL_NONE, TG_PG_TEXT, TG_OP_TEXT},
    {TG_NODE_BYTES, TG_LOGICAL_NONE, TG_PG_VARCHAR, TG_OP_TEXT},
    {TG_NODE_BYTES, TG_LOGICAL_NONE, TG_PG_BPCHAR, TG_OP_TEXT},
    {TG_NODE_BYTES, TG_LOGICAL_NONE, TG_PG_UUID, TG_OP_UUID_BYTES},
    {TG_NODE_BYTES, TG_LOGICAL_DECIMAL, TG_PG_NUMERIC, TG_OP_DECIMAL},
    {TG_NODE_BYTES, TG_LOGICAL_DECIMAL, TG_PG_FLOAT8, TG_OP_DECIMAL_FLOAT8},
    {TG_NODE_BYTES, TG_LOGICAL_BIG_DECIMAL, TG_PG_NUMERIC, TG_OP_DECIMAL},
    {TG_NODE_BYTES, TG_LOGICAL_BIG_DECIMAL, TG_PG_FLOAT8, TG_OP_DECIMAL_FLOAT8},

    {TG_NODE_FIXED, TG_LOGICAL_NONE, TG_PG_BYTEA, TG_OP_BYTES},
    {TG_NODE_FIXED, TG_LOGICAL_UUID, TG_PG_BYTEA, TG_OP_BYTES},
    {TG_NODE_FIXED, TG_LOGICAL_UUID, TG_PG_UUID, TG_OP_UUID_BYTES},
    {TG_NODE_FIXED, TG_LOGICAL_NONE, TG_PG_UUID, TG_OP_UUID_BYTES},
    {TG_NODE_FIXED, TG_LOGICAL_DECIMAL, TG_PG_NUMERIC, TG_OP_DECIMAL},
    {TG_NODE_FIXED, TG_LOGICAL_DECIMAL, TG_PG_FLOAT8, TG_OP_DECIMAL_FLOAT8},
    {TG_NODE_FIXED, TG_LOGICAL_DURATION, TG_PG_INTERVAL, TG_OP_DURATION},

    {TG_NODE_ENUM, LOGICAL_ANY, TG_PG_TEXT, TG_OP_ENUM},
    {TG_NODE_ENUM, LOGICAL_ANY, TG_PG_VARCHAR, TG_OP_ENUM},
    {TG_NODE_ENUM, LOGICAL_ANY, TG_PG_BPCHAR, TG_OP_ENUM},
    {TG_NODE_ENUM, LOGICAL_ANY, TG_PG_NAME, TG_OP_ENUM},
};

static bool
is_text(uint32_t type_oid)
{
    return type_oid == TG_PG_TEXT || type_oid == TG_PG_VARCHAR || type_oid == TG_PG_BPCHAR;
}

static bool
is_json(uint32_t type_oid)
{
    return type_oid == TG_PG_JSON || type_oid == TG_PG_JSONB;
}

/* What a numeric(p,s) or varchar(n) column holds at most. */
static void
read_modifier(uint32_t type_oid, int32_t type_modifier, tg_step_t *step)
{
    enum { HEADER = 4 };

    step->limit = -1;
    if (type_oid == TG_PG_NAME) {
        step->limit = 63;
    } else if (type_modifier >= HEADER && type_oid == TG_PG_NUMERIC) {
        uint32_t bits = (uint32_t)(type_modifier - HEADER);
        step->limit = (int32_t)(bits >> 16);
        /* eleven bits with a sign since PostgreSQL 15; the same below 1000 before */
        step->scale = ((int32_t)(bits & 0x7ff) ^ 1024) - 1024;
    } else if (type_modifier >= HEADER && (type_oid == TG_PG_VARCHAR || type_oid == TG_PG_BPCHAR)) {
        step->limit = type_modifier - HEADER;
    }
}

static tg_op_t
find_op(const tg_node_t *node, uint32_t type_oid)
{
    for (size_t i = 0; i < TG_COUNT_OF(conversions); i++) {
        const conversion_t *row = &conversions[i];
        if (row->kind == node->kind && row->type_oid == type_oid &&
            (row->logical == LOGICAL_ANY || row->logical == (int)node->logical)) {
            return row->op;
        }
    }
    if (is_json(type_oid)) {
        return TG_OP_JSON;
    }
    if (is_text(type_oid) && (node->kind == TG_NODE_RECORD || node->kind == TG_NODE_ARRAY ||
                              node->kind == TG_NODE_MAP || node->kind == TG_NODE_UNION)) {
        return TG_OP_JSON;
    }
    bool is_raw = node->kind == TG_NODE_FIXED && node->logical == TG_LOGICAL_NONE;
    return is_text(type_oid) && !is_raw ? TG_OP_SCALAR_TEXT : TG_OP_COUNT;
}

bool
tg_plan_convert(const tg_node_t *node, uint32_t type_oid, int32_t type_modifier,
                tg_step_t *ret_step)
{
    tg_op_t op = node->kind == TG_NODE_NULL ? TG_OP_NULL : find_op(node, type_oid);
    bool wrong_size = op == TG_OP_UUID_BYTES && node->kind == TG_NODE_FIXED && node->size != 16;
    if (op == TG_OP_COUNT || wrong_size) {
        return false;
    }
    *ret_step = (tg_step_t){
        .op = op,
        .n = op == TG_OP_DOUBLES ? 1 : 0,
        .size = node->kind == TG_NODE_FIXED ? (int32_t)node->size : TG_SIZE_PREFIXED,
        .type_oid = type_oid,
        .node = node,
    };
    read_modifier(type_oid, type_modifier, ret_step);
    if (op == TG_OP_TEXT) {
        ret_step->n = ret_step->limit < 0 ? UINT32_MAX : (uint32_t)ret_step->limit;
    }
    return true;
}

size_t
tg_step_bytes(const tg_step_t *step)
{
    switch ((int)step->op) {
    case TG_OP_NULL_RECORD:
    case TG_OP_SWITCH:
    case TG_OP_JUMP:
    case TG_OP_SLOT:
    case TG_OP_END:
        return 0;
    case TG_OP_CONST:
        return (size_t)step->n + TG_COPY_PIECE;
    default:
        if (step->value_op == TG_OP_DOUBLES) {
            return (size_t)step->n * 12;
        }
        if (step->value_op == TG_OP_ENUM) {
            return (size_t)step->n + TG_COPY_PIECE;
        }
        /* The longest: a numeric of 64 bits with a scale, 4 + 8 bytes and 7 groups; copies of text
         * may run over by 7 bytes. */
        return 40;
    }
}

const char *
tg_plan_type_name(uint32_t type_oid, char ret_text[32])
{
    const char *name = tg_pg_type_name(type_oid);
    if (name != NULL) {
        return name;
    }
    (void)snprintf(ret_text, 32, "type %u", type_oid);
    return ret_text;
}

/* "int, long or date int": what Avro has for the column's type. */
static bool
list_fitting(uint32_t type_oid, char *ret_text, size_t n_bytes)
{
    char last[48] = "";
    size_t used = 0;
    *ret_text = '\0';
    for (size_t i = 0; i < TG_COUNT_OF(conversions) && used < n_bytes; i++) {
        if (conversions[i].type_oid != type_oid) {
            continue;
        }
        tg_node_t sample = {.kind = conversions[i].kind, .size = 16};
        if (conversions[i].logical != LOGICAL_ANY) {
            sample.logical = (tg_logical_t)conversions[i].logical;
        }
        char text[48];
        tg_node_describe(&sample, text, sizeof text);
        if (sample.logical == TG_LOGICAL_DECIMAL) {
            (void)snprintf(text, sizeof text, "decimal");
        }
        if (strcmp(text, last) == 0) {
            continue;
        }
        int n = snprintf(ret_text + used, n_bytes - used, "%s%s", used > 0 ? ", " : "", text);
        used += n > 0 ? (size_t)n : 0;
        (void)snprintf(last, sizeof last, "%s", text);
    }
    return used > 0;
}

tg_status_t
tg_plan_mismatch(const char *field, const tg_node_t *node, const char *column, uint32_t type_oid,
                 tg_error_t *err)
{
    uint32_t element_oid = tg_pg_type_element(type_oid);
    char type_text[32];
    char avro[128];
    char fitting[384];
    char sql[TG_TYPE_SQL_BYTES];
    const char *type_name = tg_plan_type_name(type_oid, type_text);
    tg_node_describe(node, avro, sizeof avro);
    tg_derive_type_sql(node, sql);
    if (list_fitting(element_oid != 0 ? element_oid : type_oid, fitting, sizeof fitting)) {
        return tg_error_set(err, TG_ERR_MISMATCH,
                            "field \"%s\" is Avro %s, column \"%s\" is %s: %s%s would fit, or a "
                            "column of type %s",
                            field, avro, column, type_name,
                            element_oid != 0 ? "an Avro array of one of " : "one of Avro's ",
                            fitting, sql);
    }
    return tg_error_set(err, TG_ERR_UNSUPPORTED,
                        "field \"%s\" is Avro %s, column \"%s\" is %s, which nothing in Avro maps "
                        "to: a column of type %s would fit",
                        field, avro, column, type_name, sql);
}
