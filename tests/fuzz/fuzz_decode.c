/*
 * Any schema and any body: the plan writes one well-formed row or nothing.
 *
 *   byte 0   how columns are made from the schema (see shape)
 *   byte 1   below N_SCHEMAS: one of the schemas here; else a schema text follows, ended by NUL
 *   rest     the body
 */
// links: avro base
// libs: jansson
#include <assert.h>
#include <stdlib.h>

#include <jansson.h>

#include "avro/copy_format.h"
#include "avro/decode_plan.h"
#include "avro/derive.h"
#include "avro/pg_type.h"
#include "copy_write_internal.h"
#include "text_internal.h"

enum { MAX_COLUMNS = 1600, MAX_ROW_BYTES = 1 << 16, MAX_OUT_BYTES = 1 << 18, MAX_DEPTH = 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FIELD(name, type)  "{\"name\":\"" name "\",\"type\":" type "}"
#define LOGICAL(base, lt)  "{\"type\":\"" base "\",\"logicalType\":\"" lt "\"}"
#define FIXED(n, size, lt) "{\"type\":\"fixed\",\"name\":\"" n "\",\"size\":" size lt "}"
#define RECORD(fields)     "{\"type\":\"record\",\"name\":\"r\",\"fields\":[" fields "]}"

static const char *const schemas[] = {
    RECORD(FIELD("a", "\"boolean\"") "," FIELD("b", "\"int\"") "," FIELD("c", "\"long\"") "," FIELD(
        "d",
        "\"float\"") "," FIELD("e",
                               "\"double\"") "," FIELD("f",
                                                       "\"double\"") "," FIELD("g",
                                                                               "\"string\"") "," FIELD("h",
                                                                                                       "\"bytes\"")),
    RECORD(
        FIELD("a", LOGICAL("long", "timestamp-micros")) "," FIELD("b", LOGICAL("long", "timestam"
                                                                                       "p-"
                                                                                       "millis")) "," FIELD("c", LOGICAL("long", "local-timestamp-nanos")) "," FIELD("d", LOGICAL("int", "date")) "," FIELD("e", LOGICAL("int", "time-millis")) "," FIELD("f", LOGICAL("long", "time-micros")) "," FIELD("g",
                                                                                                                                                                                                                                                                                                         LOGICAL("str"
                                                                                                                                                                                                                                                                                                                 "in"
                                                                                                                                                                                                                                                                                                                 "g",
                                                                                                                                                                                                                                                                                                                 "uui"
                                                                                                                                                                                                                                                                                                                 "d")) "," FIELD("h",
                                                                                                                                                                                                                                                                                                                                 FIXED(
                                                                                                                                                                                                                                                                                                                                     "u",
                                                                                                                                                                                                                                                                                                                                     "16", ",\"logicalType\":\"uuid\"")) "," FIELD("i",
                                                                                                                                                                                                                                                                                                                                                                                   FIXED(
                                                                                                                                                                                                                                                                                                                                                                                       "t",
                                                                                                                                                                                                                                                                                                                                                                                       "12",
                                                                                                                                                                                                                                                                                                                                                                                       ",\"logicalType\":\"duration\""))),
    RECORD(FIELD(
        "a",
        "{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":30,\"scale\":"
        "7}") "," FIELD("b",
                        LOGICAL("bytes",
                                "big-decimal")) "," FIELD("c",
                                                          FIXED("d", "9",
                                                                ",\"logicalType\":\"decimal\","
                                                                "\"precision\":20,\"scale\":3"))),
    RECORD(FIELD("a", "[\"null\",\"string\"]") "," FIELD("b", "[\"double\",\"null\"]") "," FIELD(
        "c",
        "[\"null\",{\"type\":\"record\",\"name\":\"s\",\"fields\":[" FIELD(
            "x",
            "\"int\"") "," FIELD("y",
                                 "[\"null\",\"string\"]") "]}]") "," FIELD("d",
                                                                           "[\"int\",\"string\","
                                                                           "\"null\","
                                                                           "\"boolean\"]")),
    RECORD(FIELD("a", "{\"type\":\"array\",\"items\":\"int\"}") "," FIELD(
        "b", "{\"type\":\"array\",\"items\":[\"null\",\"string\"]}") "," FIELD("c",
                                                                               "{\"type\":"
                                                                               "\"array\","
                                                                               "\"items\":{"
                                                                               "\"type\":\"array\","
                                                                               "\"items\":\"null\"}"
                                                                               "}") "," FIELD("d",
                                                                                              "{\"t"
                                                                                              "ype"
                                                                                              "\":"
                                                                                              "\"ma"
                                                                                              "p\","
                                                                                              "\"va"
                                                                                              "lues"
                                                                                              "\":["
                                                                                              "\"nu"
                                                                                              "ll\""
                                                                                              ",\"l"
                                                                                              "ong"
                                                                                              "\","
                                                                                              "\"do"
                                                                                              "uble"
                                                                                              "\"]"
                                                                                              "}")),
    RECORD(FIELD("a", "[\"null\",\"r\"]") "," FIELD(
        "b", "{\"type\":\"array\",\"items\":\"r\"}") "," FIELD("c",
                                                               "{\"type\":\"enum\",\"name\":\"e\","
                                                               "\"symbols\":[\"A\",\"B\"]}")),
    "\"bytes\"",
    "[\"null\",\"string\",{\"type\":\"map\",\"values\":\"bytes\"}]",
    RECORD(FIELD("a", "{\"type\":\"array\",\"items\":\"null\"}") "," FIELD(
        "b", "{\"type\":\"array\",\"items\":" FIXED(
                 "z", "0", "") "}") "," FIELD("c", "{\"type\":\"array\",\"items\":{\"type\":"
                                                   "\"record\",\"name\":\"q\",\"fields\":[]}}")),
};

/* What byte 0 says. */
enum {
    AS_JSONB = 1,
    AS_TEXT = 2,
    BACKWARDS = 4,
    HALF_MISSING = 8,
    STRIP_NUL = 16,
    NUMERIC = 32,
    BOTH = 64
};

static uint32_t
oid_of(const char *sql)
{
    static const uint32_t scalars[] = {
        TG_PG_BOOL,     TG_PG_BYTEA,   TG_PG_INT8, TG_PG_INT4,      TG_PG_TEXT,
        TG_PG_FLOAT4,   TG_PG_FLOAT8,  TG_PG_DATE, TG_PG_TIMESTAMP, TG_PG_TIMESTAMPTZ,
        TG_PG_INTERVAL, TG_PG_NUMERIC, TG_PG_UUID, TG_PG_JSONB,     TG_PG_TIME,
    };
    size_t n_name = strcspn(sql, "([");
    for (size_t i = 0; i < TG_COUNT_OF(scalars); i++) {
        const char *name = tg_pg_type_name(scalars[i]);
        if (strlen(name) == n_name && memcmp(name, sql, n_name) == 0) {
            return strchr(sql, '[') != NULL ? tg_pg_type_array(scalars[i]) : scalars[i];
        }
    }
    return 0;
}

static bool
has_column(const tg_plan_column_t *columns, size_t n_columns, const char *name)
{
    for (size_t i = 0; i < n_columns; i++) {
        if (strcmp(columns[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

/* Adds columns for the fields of the table, except for those that there are already. */
static size_t
add_columns(const tg_derived_table_t *table, uint8_t shape, tg_plan_column_t *columns, size_t n)
{
    size_t n_all = tg_derived_table_n_columns(table);
    for (size_t i = 0; i < n_all && n < MAX_COLUMNS; i++) {
        const tg_derived_column_t *derived =
            tg_derived_table_column(table, (shape & BACKWARDS) != 0 ? n_all - 1 - i : i);
        bool real = strcmp(derived->type_sql, "double precision") == 0;
        if (((shape & HALF_MISSING) != 0 && i % 2 == 1) || has_column(columns, n, derived->name)) {
            continue;
        }
        uint32_t type_oid = (shape & AS_JSONB) != 0          ? TG_PG_JSONB
                            : (shape & AS_TEXT) != 0         ? TG_PG_VARCHAR
                            : (shape & NUMERIC) != 0 && real ? TG_PG_NUMERIC
                                                             : oid_of(derived->type_sql);
        columns[n++] = (tg_plan_column_t){.name = derived->name,
                                          .type_oid = type_oid,
                                          .type_modifier = type_oid == TG_PG_VARCHAR ? 44 : -1,
                                          .not_null = (shape & BACKWARDS) != 0 && i % 3 == 0};
    }
    return n;
}

static void
check_text(const uint8_t *text, size_t n_bytes)
{
    for (const uint8_t *at = text; at < text + n_bytes;) {
        size_t n = tg_utf8_character(at, text + n_bytes);
        assert(n > 0 && *at != 0);
        at += n;
    }
}

static void
check_json(const uint8_t *text, size_t n_bytes)
{
    json_error_t fault;
    check_text(text, n_bytes);
    json_t *json =
        json_loadb((const char *)text, n_bytes, JSON_DECODE_ANY | JSON_DECODE_INT_AS_REAL, &fault);
    /* jansson keeps doubles; a decimal may be larger */
    assert(json != NULL || strstr(fault.text, "overflow") != NULL);
    json_decref(json);
}

static void
check_numeric(const uint8_t *field, size_t n_bytes)
{
    assert(n_bytes >= 8 && n_bytes == 8 + 2 * (size_t)load_u16(field));
    uint16_t sign = load_u16(field + 4);
    assert(sign == 0 || sign == 0x4000 || sign == 0xc000);
    assert(load_u16(field + 6) <= 16383);
    for (size_t i = 8; i < n_bytes; i += 2) {
        assert(load_u16(field + i) < 10000);
    }
}

static void check_field(uint32_t type_oid, const uint8_t *field, size_t n_bytes);

static void
check_array(uint32_t element_oid, const uint8_t *field, size_t n_bytes)
{
    assert(n_bytes >= 12 && load_u32(field + 8) == element_oid);
    if (load_u32(field) == 0) {
        assert(n_bytes == 12);
        return;
    }
    assert(n_bytes >= 20 && load_u32(field) == 1 && load_u32(field + 16) == 1);
    size_t at = 20;
    for (uint32_t i = 0; i < load_u32(field + 12); i++) {
        assert(n_bytes - at >= 4);
        uint32_t n = load_u32(field + at);
        at += 4;
        if (n != UINT32_MAX) {
            assert(n <= n_bytes - at);
            check_field(element_oid, field + at, n);
            at += n;
        }
    }
    assert(at == n_bytes);
}

static void
check_field(uint32_t type_oid, const uint8_t *field, size_t n_bytes)
{
    switch (type_oid) {
    case TG_PG_BOOL:
        assert(n_bytes == 1 && *field <= 1);
        break;
    case TG_PG_INT4:
    case TG_PG_FLOAT4:
    case TG_PG_DATE:
        assert(n_bytes == 4);
        break;
    case TG_PG_INT8:
    case TG_PG_FLOAT8:
    case TG_PG_TIME:
    case TG_PG_TIMESTAMP:
    case TG_PG_TIMESTAMPTZ:
        assert(n_bytes == 8);
        break;
    case TG_PG_INTERVAL:
    case TG_PG_UUID:
        assert(n_bytes == 16);
        break;
    case TG_PG_NUMERIC:
        check_numeric(field, n_bytes);
        break;
    case TG_PG_TEXT:
    case TG_PG_VARCHAR:
        check_text(field, n_bytes);
        break;
    case TG_PG_JSONB:
        assert(n_bytes > 1 && *field == 1);
        check_json(field + 1, n_bytes - 1);
        break;
    case TG_PG_BYTEA:
        break;
    default:
        assert(tg_pg_type_element(type_oid) != 0);
        check_array(tg_pg_type_element(type_oid), field, n_bytes);
    }
}

static void
check_row(tg_bytes_t row, const tg_plan_column_t *columns, size_t n_columns)
{
    assert(tg_copy_row_bytes(row) == row.n_bytes && load_u16(row.data) == n_columns);
    const uint8_t *at = row.data + 2;
    for (size_t i = 0; i < n_columns; i++) {
        uint32_t n_bytes = load_u32(at);
        at += 4;
        if (n_bytes != UINT32_MAX) {
            check_field(columns[i].type_oid, at, n_bytes);
            at += n_bytes;
        } else {
            assert(!columns[i].not_null);
        }
    }
}

/* Behind another row, so that what is there must stay; in memory of exactly its size. */
static void
decode(tg_decode_plan_t *plan, const tg_plan_column_t *columns, size_t n_columns, tg_bytes_t body)
{
    tg_error_t err = {.status = TG_OK};
    tg_buffer_t out;
    tg_buffer_init(&out, MAX_OUT_BYTES);
    uint8_t *exact = malloc(body.n_bytes > 0 ? body.n_bytes : 1);
    if (body.n_bytes > 0) {
        memcpy(exact, body.data, body.n_bytes);
    }
    assert(tg_buffer_append(&out, "row", 3) == TG_OK);
    tg_status_t status = tg_decode_plan_decode(plan, tg_bytes_of(exact, body.n_bytes), &out, &err);
    assert(memcmp(out.data, "row", 3) == 0);
    if (status == TG_OK) {
        assert(out.n_bytes <= 3 + MAX_ROW_BYTES);
        check_row(tg_bytes_of(out.data + 3, out.n_bytes - 3), columns, n_columns);
    } else {
        assert(out.n_bytes == 3 && err.text[0] != '\0');
        assert(tg_status_reaction(status) == TG_REACTION_POISON || status == TG_ERR_FULL);
    }
    tg_buffer_done(&out);
    free(exact);
}

static void
run(const char *schema_text, uint8_t shape, tg_bytes_t body)
{
    static tg_plan_column_t columns[MAX_COLUMNS]; // NOLINT: too large for the stack
    TG_CLEANUP(tg_schema_unrefp) tg_schema_t *schema = NULL;
    TG_CLEANUP(tg_derived_table_freep) tg_derived_table_t *table = NULL;
    TG_CLEANUP(tg_derived_table_freep) tg_derived_table_t *whole = NULL;
    TG_CLEANUP(tg_decode_plan_freep) tg_decode_plan_t *plan = NULL;
    tg_error_t err;
    tg_decode_options_t options = {.nul_policy = (shape & STRIP_NUL) != 0 ? TG_TEXT_NUL_STRIP
                                                                          : TG_TEXT_NUL_REJECT,
                                   .max_row_bytes = MAX_ROW_BYTES,
                                   .max_depth = MAX_DEPTH};
    if (tg_schema_new(schema_text, NULL, 0, &schema, &err) != TG_OK ||
        tg_derive_table(schema, TG_NESTED_FLATTEN, &table, &err) != TG_OK) {
        return;
    }
    size_t n_columns = add_columns(table, shape, columns, 0);
    if ((shape & BOTH) != 0 && tg_derive_table(schema, TG_NESTED_JSONB, &whole, &err) == TG_OK) {
        n_columns = add_columns(whole, shape, columns, n_columns);
    }
    if (n_columns == 0 ||
        tg_decode_plan_new(schema, columns, n_columns, &options, &plan, &err) != TG_OK) {
        return;
    }
    decode(plan, columns, n_columns, body);
    decode(plan, columns, n_columns, body);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2) {
        return 0;
    }
    if (data[1] < TG_COUNT_OF(schemas)) {
        run(schemas[data[1]], data[0], tg_bytes_of(data + 2, size - 2));
        return 0;
    }
    char *text = malloc(size);
    memcpy(text, data + 1, size - 1);
    text[size - 1] = '\0';
    size_t n_text = strlen(text);
    size_t n_before = n_text + 2 < size ? n_text + 2 : size;
    run(text, data[0], tg_bytes_of(data + n_before, size - n_before));
    free(text);
    return 0;
}
