/*
 * PostgreSQL's built-in types by their fixed OIDs, and the names that users know them by.
 *
 * Source:    src/include/catalog/pg_type.dat (OIDs below 10000 never change)
 * Threads:   any
 */
#ifndef TG_AVRO_PG_TYPE_H
#define TG_AVRO_PG_TYPE_H

#include <stddef.h>
#include <stdint.h>

enum {
    TG_PG_BOOL = 16,
    TG_PG_BYTEA = 17,
    TG_PG_NAME = 19,
    TG_PG_INT8 = 20,
    TG_PG_INT2 = 21,
    TG_PG_INT4 = 23,
    TG_PG_TEXT = 25,
    TG_PG_OID = 26,
    TG_PG_JSON = 114,
    TG_PG_FLOAT4 = 700,
    TG_PG_FLOAT8 = 701,
    TG_PG_INET = 869,
    TG_PG_BPCHAR = 1042,
    TG_PG_VARCHAR = 1043,
    TG_PG_DATE = 1082,
    TG_PG_TIME = 1083,
    TG_PG_TIMESTAMP = 1114,
    TG_PG_TIMESTAMPTZ = 1184,
    TG_PG_INTERVAL = 1186,
    TG_PG_TIMETZ = 1266,
    TG_PG_NUMERIC = 1700,
    TG_PG_UUID = 2950,
    TG_PG_JSONB = 3802,

    TG_PG_JSON_ARRAY = 199,
    TG_PG_BOOL_ARRAY = 1000,
    TG_PG_BYTEA_ARRAY = 1001,
    TG_PG_NAME_ARRAY = 1003,
    TG_PG_INT2_ARRAY = 1005,
    TG_PG_INT4_ARRAY = 1007,
    TG_PG_TEXT_ARRAY = 1009,
    TG_PG_BPCHAR_ARRAY = 1014,
    TG_PG_VARCHAR_ARRAY = 1015,
    TG_PG_INT8_ARRAY = 1016,
    TG_PG_FLOAT4_ARRAY = 1021,
    TG_PG_FLOAT8_ARRAY = 1022,
    TG_PG_TIMESTAMP_ARRAY = 1115,
    TG_PG_DATE_ARRAY = 1182,
    TG_PG_TIME_ARRAY = 1183,
    TG_PG_TIMESTAMPTZ_ARRAY = 1185,
    TG_PG_INTERVAL_ARRAY = 1187,
    TG_PG_NUMERIC_ARRAY = 1231,
    TG_PG_UUID_ARRAY = 2951,
    TG_PG_JSONB_ARRAY = 3807,
};

/* Microseconds (days) from 1970-01-01, where Avro and Kafka count from, to 2000-01-01, where
 * PostgreSQL does. */
#define TG_PG_EPOCH_US   INT64_C(946684800000000)
#define TG_PG_EPOCH_DAYS INT64_C(10957)

/* As psql prints it ("integer", "double precision[]"); "type 12345" is the caller's to print: NULL
 * for an OID that is not above. */
const char *tg_pg_type_name(uint32_t type_oid);

/* The element's OID of an array type above; 0: not an array. */
uint32_t tg_pg_type_element(uint32_t type_oid);

/* The array type of an element above; 0: none. */
uint32_t tg_pg_type_array(uint32_t element_oid);

#endif
