// links: avro base avro_oracle
// libs: jansson
/*
 * Random schemas and values: avro-c's generic writer encodes, its reader is asked what is in the
 * bytes, and the row of the decode plan must say the same. TIDEGATE_TEST_SEED and
 * TIDEGATE_TEST_CASES widen it.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include <jansson.h>

#include "avro/derive.h"
#include "avro_case.h"
#include "avro_oracle.h"

enum { TEXT_BYTES = 1 << 15, N_RECORDS = 4, DEFAULT_CASES = 3000 };

typedef struct writer {
    char text[TEXT_BYTES];
    size_t n_bytes;
    uint64_t random;
    int n_names;
} writer_t;

static void put(writer_t *writer, const char *format, ...) TG_PRINTF(2, 3);

static void
put(writer_t *writer, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int n = vsnprintf(writer->text + writer->n_bytes, TEXT_BYTES - writer->n_bytes, format, args);
    va_end(args);
    assert_true(n >= 0 && writer->n_bytes + (size_t)n < TEXT_BYTES);
    writer->n_bytes += (size_t)n;
}

static uint64_t
draw(writer_t *writer, uint64_t below)
{
    return avro_oracle_random(&writer->random) % below;
}

static const char *const primitives[] = {"null",  "boolean", "int",   "long",
                                         "float", "double",  "bytes", "string"};

static void put_type(writer_t *writer, int depth);

static void
put_record(writer_t *writer, int depth)
{
    put(writer, "{\"type\":\"record\",\"name\":\"r%d\",\"fields\":[", writer->n_names++);
    uint64_t n = 1 + draw(writer, depth == 0 ? 8 : 3);
    for (uint64_t i = 0; i < n; i++) {
        put(writer, "%s{\"name\":\"f%d\",\"type\":", i > 0 ? "," : "", writer->n_names++);
        put_type(writer, depth + 1);
        put(writer, "}");
    }
    put(writer, "]}");
}

/* Different primitives, and perhaps a record or a map. */
static void
put_union(writer_t *writer, int depth)
{
    uint64_t first = draw(writer, 8);
    uint64_t n = 1 + draw(writer, 4);
    put(writer, "[");
    for (uint64_t i = 0; i < n; i++) {
        put(writer, "%s\"%s\"", i > 0 ? "," : "", primitives[(first + i) % 8]);
    }
    if (depth < 4 && draw(writer, 3) == 0) {
        put(writer, ",{\"type\":\"map\",\"values\":");
        put_type(writer, depth + 2);
        put(writer, "}");
    }
    put(writer, "]");
}

static void
put_type(writer_t *writer, int depth)
{
    uint64_t kind = draw(writer, depth > 4 ? 10 : 18);
    if (kind < 8) {
        put(writer, "\"%s\"", primitives[kind]);
    } else if (kind == 8) {
        put(writer, "{\"type\":\"enum\",\"name\":\"e%d\",\"symbols\":[\"A\",\"BB\",\"CCC\"]}",
            writer->n_names++);
    } else if (kind == 9) {
        put(writer, "{\"type\":\"fixed\",\"name\":\"x%d\",\"size\":%d}", writer->n_names++,
            1 + (int)draw(writer, 20)); /* avro-c cannot read a fixed of size 0 */
    } else if (kind < 12) {
        put(writer, "{\"type\":\"array\",\"items\":");
        put_type(writer, depth + 1);
        put(writer, "}");
    } else if (kind == 12) {
        put(writer, "{\"type\":\"map\",\"values\":");
        put_type(writer, depth + 1);
        put(writer, "}");
    } else if (kind < 15) {
        uint64_t inner = 1 + draw(writer, 7);
        put(writer, draw(writer, 2) == 0 ? "[\"null\",\"%s\"]" : "[\"%s\",\"null\"]",
            primitives[inner]);
    } else if (kind == 15) {
        put_union(writer, depth);
    } else {
        put_record(writer, depth + 1);
    }
}

/* -- the row, read again */

static uint64_t
big_endian(const uint8_t *at, size_t n_bytes)
{
    uint64_t value = 0;
    for (size_t i = 0; i < n_bytes; i++) {
        value = value << 8 | at[i];
    }
    return value;
}

static json_t *
real_of(double value)
{
    return isnan(value)   ? json_string("NaN")
           : isinf(value) ? json_string(value < 0 ? "-Infinity" : "Infinity")
                          : json_real(value);
}

static json_t *
base64_of(const uint8_t *bytes, size_t n_bytes)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char text[256];
    size_t n = 0;
    for (size_t i = 0; i < n_bytes; i += 3) {
        size_t n_here = n_bytes - i < 3 ? n_bytes - i : 3;
        uint64_t bits = big_endian(bytes + i, n_here) << (8 * (3 - n_here));
        for (size_t k = 0; k < 4; k++) {
            text[n++] = k <= n_here ? digits[bits >> (18 - 6 * k) & 63] : '=';
        }
    }
    return json_stringn(text, n);
}

static json_t *field_to_json(const char *type_sql, const uint8_t *at, size_t n_bytes);

static json_t *
array_to_json(const char *type_sql, const uint8_t *at)
{
    char element[64];
    json_t *list = json_array();
    (void)snprintf(element, sizeof element, "%.*s", (int)strcspn(type_sql, "["), type_sql);
    if (big_endian(at, 4) == 0) {
        return list;
    }
    uint64_t n = big_endian(at + 12, 4);
    at += 20;
    for (uint64_t i = 0; i < n; i++) {
        uint64_t n_bytes = big_endian(at, 4);
        bool is_null = n_bytes == UINT32_MAX;
        json_array_append_new(list,
                              is_null ? json_null() : field_to_json(element, at + 4, n_bytes));
        at += 4 + (is_null ? 0 : n_bytes);
    }
    return list;
}

static json_t *
field_to_json(const char *type_sql, const uint8_t *at, size_t n_bytes)
{
    json_error_t fault;
    if (strchr(type_sql, '[') != NULL) {
        return array_to_json(type_sql, at);
    }
    if (strcmp(type_sql, "boolean") == 0) {
        return json_boolean(*at);
    }
    if (strcmp(type_sql, "integer") == 0) {
        return json_integer((int32_t)big_endian(at, 4));
    }
    if (strcmp(type_sql, "bigint") == 0) {
        return json_integer((int64_t)big_endian(at, 8));
    }
    if (strcmp(type_sql, "real") == 0) {
        uint32_t bits = (uint32_t)big_endian(at, 4);
        float value;
        memcpy(&value, &bits, sizeof value);
        return real_of((double)value);
    }
    if (strcmp(type_sql, "double precision") == 0) {
        uint64_t bits = big_endian(at, 8);
        double value;
        memcpy(&value, &bits, sizeof value);
        return real_of(value);
    }
    if (strcmp(type_sql, "bytea") == 0) {
        return base64_of(at, n_bytes);
    }
    if (strcmp(type_sql, "jsonb") == 0) {
        return json_loadb((const char *)at + 1, n_bytes - 1, JSON_DECODE_ANY, &fault);
    }
    return json_stringn((const char *)at, n_bytes);
}

/* A real may have been written without a fraction. */
static bool
same(const json_t *a, const json_t *b)
{
    if (json_is_number(a) && json_is_number(b) && (json_is_real(a) || json_is_real(b))) {
        double x = json_number_value(a);
        double y = json_number_value(b);
        return !(x < y) && !(x > y);
    }
    if (json_is_object(a) && json_is_object(b) && json_object_size(a) == json_object_size(b)) {
        const char *key;
        json_t *value;
        json_object_foreach((json_t *)(uintptr_t)a, key, value)
        {
            const json_t *other = json_object_get(b, key);
            if (other == NULL || !same(value, other)) {
                return false;
            }
        }
        return true;
    }
    if (json_is_array(a) && json_is_array(b) && json_array_size(a) == json_array_size(b)) {
        for (size_t i = 0; i < json_array_size(a); i++) {
            if (!same(json_array_get(a, i), json_array_get(b, i))) {
                return false;
            }
        }
        return true;
    }
    return json_equal(a, b);
}

static void
check_row(const tg_derived_table_t *table, tg_bytes_t row, avro_oracle_t *oracle, const char *text)
{
    const uint8_t *at = row.data + 2;
    assert_int_equal(big_endian(row.data, 2), tg_derived_table_n_columns(table));
    for (size_t i = 0; i < tg_derived_table_n_columns(table); i++) {
        const tg_derived_column_t *column = tg_derived_table_column(table, i);
        uint64_t n_bytes = big_endian(at, 4);
        bool is_null = n_bytes == UINT32_MAX;
        json_t *got = is_null ? json_null() : field_to_json(column->type_sql, at + 4, n_bytes);
        json_t *want = avro_oracle_field(oracle, i);
        if (!same(got, want)) {
            char *got_text = json_dumps(got, JSON_ENCODE_ANY);
            char *want_text = json_dumps(want, JSON_ENCODE_ANY);
            fail_msg("%s\ncolumn %s %s: %s, not %s", text, column->name, column->type_sql, got_text,
                     want_text);
        }
        json_decref(got);
        json_decref(want);
        at += 4 + (is_null ? 0 : n_bytes);
    }
    assert_ptr_equal(at, row.data + row.n_bytes);
}

static uint32_t
oid_of(const char *type_sql)
{
    for (uint32_t oid = 1; oid < 4000; oid++) {
        const char *name = tg_pg_type_name(oid);
        if (name != NULL && strcmp(name, type_sql) == 0) {
            return oid;
        }
    }
    return 0;
}

static void
run_case(uint64_t seed, writer_t *writer)
{
    tg_error_t err;
    tg_plan_column_t columns[16];
    TG_CLEANUP(tg_derived_table_freep) tg_derived_table_t *table = NULL;
    *writer = (writer_t){.random = seed * UINT64_C(0x9e3779b97f4a7c15) + 1};
    put_record(writer, 0);
    tg_schema_t *schema = case_schema(writer->text);
    ASSERT_OK(tg_derive_table(schema, TG_NESTED_JSONB, &table, &err));
    tg_schema_unref(schema);
    size_t n_columns = tg_derived_table_n_columns(table);
    for (size_t i = 0; i < n_columns; i++) {
        const tg_derived_column_t *derived = tg_derived_table_column(table, i);
        columns[i] = (tg_plan_column_t){
            .name = derived->name, .type_oid = oid_of(derived->type_sql), .type_modifier = -1};
    }
    tg_decode_plan_t *plan = case_plan(writer->text, columns, n_columns);
    avro_oracle_t *oracle = avro_oracle_new(writer->text);
    tg_buffer_t out;
    tg_buffer_init(&out, 1 << 22);
    for (int i = 0; i < N_RECORDS; i++) {
        const uint8_t *body = NULL;
        size_t n_body = 0;
        assert_true(avro_oracle_encode_random(oracle, &writer->random, &body, &n_body));
        if (!avro_oracle_read(oracle, body, n_body)) {
            fail_msg("%s\n%s", writer->text, avro_oracle_error());
        }
        tg_buffer_reset(&out);
        ASSERT_OK(tg_decode_plan_decode(plan, tg_bytes_of(body, n_body), &out, &err));
        check_row(table, tg_buffer_view(&out), oracle, writer->text);
    }
    tg_buffer_done(&out);
    avro_oracle_free(oracle);
    tg_decode_plan_free(plan);
}

static uint64_t
setting(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text != NULL ? strtoull(text, NULL, 10) : otherwise;
}

static void
decode_of_random_schemas_says_what_the_generic_reader_says(void **state)
{
    (void)state;
    uint64_t first = setting("TIDEGATE_TEST_SEED", 1);
    uint64_t n_cases = setting("TIDEGATE_TEST_CASES", DEFAULT_CASES);
    writer_t *writer = malloc(sizeof *writer);
    for (uint64_t seed = first; seed < first + n_cases; seed++) {
        run_case(seed, writer);
    }
    free(writer);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decode_of_random_schemas_says_what_the_generic_reader_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
