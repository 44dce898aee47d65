#include <math.h>

#include "schema_internal.h"

typedef struct logical_row {
    const char *name;
    tg_node_kind_t kind;
    tg_logical_t logical;
} logical_row_t;

static const logical_row_t logical_rows[] = {
    {"decimal", TG_NODE_BYTES, TG_LOGICAL_DECIMAL},
    {"decimal", TG_NODE_FIXED, TG_LOGICAL_DECIMAL},
    {"big-decimal", TG_NODE_BYTES, TG_LOGICAL_BIG_DECIMAL},
    {"uuid", TG_NODE_STRING, TG_LOGICAL_UUID},
    {"uuid", TG_NODE_FIXED, TG_LOGICAL_UUID},
    {"date", TG_NODE_INT, TG_LOGICAL_DATE},
    {"time-millis", TG_NODE_INT, TG_LOGICAL_TIME_MILLIS},
    {"time-micros", TG_NODE_LONG, TG_LOGICAL_TIME_MICROS},
    {"timestamp-millis", TG_NODE_LONG, TG_LOGICAL_TIMESTAMP_MILLIS},
    {"timestamp-micros", TG_NODE_LONG, TG_LOGICAL_TIMESTAMP_MICROS},
    {"timestamp-nanos", TG_NODE_LONG, TG_LOGICAL_TIMESTAMP_NANOS},
    {"local-timestamp-millis", TG_NODE_LONG, TG_LOGICAL_LOCAL_MILLIS},
    {"local-timestamp-micros", TG_NODE_LONG, TG_LOGICAL_LOCAL_MICROS},
    {"local-timestamp-nanos", TG_NODE_LONG, TG_LOGICAL_LOCAL_NANOS},
    {"duration", TG_NODE_FIXED, TG_LOGICAL_DURATION},
};

/* Debezium says what a number means in Kafka Connect's attribute, and gives no logical type. */
static const logical_row_t connect_rows[] = {
    {"io.debezium.time.Date", TG_NODE_INT, TG_LOGICAL_DATE},
    {"io.debezium.time.Time", TG_NODE_INT, TG_LOGICAL_TIME_MILLIS},
    {"io.debezium.time.MicroTime", TG_NODE_LONG, TG_LOGICAL_TIME_MICROS},
    {"io.debezium.time.Timestamp", TG_NODE_LONG, TG_LOGICAL_LOCAL_MILLIS},
    {"io.debezium.time.MicroTimestamp", TG_NODE_LONG, TG_LOGICAL_LOCAL_MICROS},
    {"io.debezium.time.NanoTimestamp", TG_NODE_LONG, TG_LOGICAL_LOCAL_NANOS},
    {"io.debezium.data.Uuid", TG_NODE_STRING, TG_LOGICAL_UUID},
};

static tg_logical_t
find_logical(const logical_row_t *rows, size_t n_rows, const json_t *name, tg_node_kind_t kind)
{
    const char *text = json_string_value(name);
    for (size_t i = 0; text != NULL && i < n_rows; i++) {
        if (rows[i].kind == kind && strcmp(rows[i].name, text) == 0) {
            return rows[i].logical;
        }
    }
    return TG_LOGICAL_NONE;
}

static bool
read_int(const json_t *json, int *ret_value)
{
    json_int_t value = json_integer_value(json);
    if (!json_is_integer(json) || value < 0 || value > INT32_MAX) {
        return false;
    }
    *ret_value = (int)value;
    return true;
}

static bool
read_decimal(tg_node_t *node, const json_t *json)
{
    int precision = 0;
    int scale = 0;
    const json_t *json_scale = json_object_get(json, "scale");
    if (!read_int(json_object_get(json, "precision"), &precision) || precision == 0 ||
        (json_scale != NULL && !read_int(json_scale, &scale)) || scale > precision) {
        return false;
    }
    if (node->kind == TG_NODE_FIXED) {
        /* The largest number of decimal digits that all fit into size bytes. */
        double digits = floor(log10(2.0) * (8.0 * (double)node->size - 1.0));
        if (node->size == 0 || digits < (double)precision) {
            return false;
        }
    }
    node->precision = precision;
    node->scale = scale;
    return true;
}

void
tg_schema_read_logical(tg_node_t *node, const json_t *json)
{
    tg_logical_t logical = find_logical(logical_rows, TG_COUNT_OF(logical_rows),
                                        json_object_get(json, "logicalType"), node->kind);
    if (logical == TG_LOGICAL_NONE) {
        logical = find_logical(connect_rows, TG_COUNT_OF(connect_rows),
                               json_object_get(json, "connect.name"), node->kind);
    }
    if ((logical == TG_LOGICAL_DECIMAL && !read_decimal(node, json)) ||
        (logical == TG_LOGICAL_DURATION && node->size != 12) ||
        (logical == TG_LOGICAL_UUID && node->kind == TG_NODE_FIXED && node->size != 16)) {
        logical = TG_LOGICAL_NONE;
    }
    node->logical = logical;
}
