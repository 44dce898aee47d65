#include "avro/pg_type.h"

#include "base/bytes.h"

typedef struct type_row {
    uint32_t type_oid;
    uint32_t array_oid;
    const char *name;
    const char *array_name;
} type_row_t;

static const type_row_t type_rows[] = {
    {TG_PG_BOOL, TG_PG_BOOL_ARRAY, "boolean", "boolean[]"},
    {TG_PG_BYTEA, TG_PG_BYTEA_ARRAY, "bytea", "bytea[]"},
    {TG_PG_NAME, TG_PG_NAME_ARRAY, "name", "name[]"},
    {TG_PG_INT8, TG_PG_INT8_ARRAY, "bigint", "bigint[]"},
    {TG_PG_INT2, TG_PG_INT2_ARRAY, "smallint", "smallint[]"},
    {TG_PG_INT4, TG_PG_INT4_ARRAY, "integer", "integer[]"},
    {TG_PG_TEXT, TG_PG_TEXT_ARRAY, "text", "text[]"},
    {TG_PG_OID, 0, "oid", NULL},
    {TG_PG_JSON, TG_PG_JSON_ARRAY, "json", "json[]"},
    {TG_PG_FLOAT4, TG_PG_FLOAT4_ARRAY, "real", "real[]"},
    {TG_PG_FLOAT8, TG_PG_FLOAT8_ARRAY, "double precision", "double precision[]"},
    {TG_PG_INET, 0, "inet", NULL},
    {TG_PG_BPCHAR, TG_PG_BPCHAR_ARRAY, "character", "character[]"},
    {TG_PG_VARCHAR, TG_PG_VARCHAR_ARRAY, "character varying", "character varying[]"},
    {TG_PG_DATE, TG_PG_DATE_ARRAY, "date", "date[]"},
    {TG_PG_TIME, TG_PG_TIME_ARRAY, "time without time zone", "time without time zone[]"},
    {TG_PG_TIMESTAMP, TG_PG_TIMESTAMP_ARRAY, "timestamp without time zone",
     "timestamp without time zone[]"},
    {TG_PG_TIMESTAMPTZ, TG_PG_TIMESTAMPTZ_ARRAY, "timestamp with time zone",
     "timestamp with time zone[]"},
    {TG_PG_INTERVAL, TG_PG_INTERVAL_ARRAY, "interval", "interval[]"},
    {TG_PG_TIMETZ, 0, "time with time zone", NULL},
    {TG_PG_NUMERIC, TG_PG_NUMERIC_ARRAY, "numeric", "numeric[]"},
    {TG_PG_UUID, TG_PG_UUID_ARRAY, "uuid", "uuid[]"},
    {TG_PG_JSONB, TG_PG_JSONB_ARRAY, "jsonb", "jsonb[]"},
};

const char *
tg_pg_type_name(uint32_t type_oid)
{
    for (size_t i = 0; type_oid != 0 && i < TG_COUNT_OF(type_rows); i++) {
        if (type_rows[i].type_oid == type_oid) {
            return type_rows[i].name;
        }
        if (type_rows[i].array_oid == type_oid) {
            return type_rows[i].array_name;
        }
    }
    return NULL;
}

uint32_t
tg_pg_type_element(uint32_t type_oid)
{
    for (size_t i = 0; type_oid != 0 && i < TG_COUNT_OF(type_rows); i++) {
        if (type_rows[i].array_oid == type_oid) {
            return type_rows[i].type_oid;
        }
    }
    return 0;
}

uint32_t
tg_pg_type_array(uint32_t element_oid)
{
    for (size_t i = 0; i < TG_COUNT_OF(type_rows); i++) {
        if (type_rows[i].type_oid == element_oid) {
            return type_rows[i].array_oid;
        }
    }
    return 0;
}
