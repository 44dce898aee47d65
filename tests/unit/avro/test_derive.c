// links: avro base
#include <stdio.h>

#include "avro/derive.h"
#include "avro_case.h"

static void
derive_gives_each_avro_type_its_postgresql_type(void **state)
{
    (void)state;

    static const struct {
        const char *type;
        const char *sql;
        bool is_time;
    } cases[] = {
        {"\"boolean\"", "boolean", false},
        {"\"int\"", "integer", false},
        {"\"long\"", "bigint", true},
        {"\"float\"", "real", false},
        {"\"double\"", "double precision", false},
        {"\"bytes\"", "bytea", false},
        {"\"string\"", "text", false},
        {"\"null\"", "text", false},
        {NULLABLE("\"double\""), "double precision", false},
        {"[\"int\",\"string\"]", "jsonb", false},
        {"{\"type\":\"enum\",\"name\":\"e\",\"symbols\":[\"A\"]}", "text", false},
        {"{\"type\":\"fixed\",\"name\":\"f\",\"size\":4}", "bytea", false},
        {"{\"type\":\"map\",\"values\":\"int\"}", "jsonb", false},
        {"{\"type\":\"array\",\"items\":\"double\"}", "double precision[]", false},
        {"{\"type\":\"array\",\"items\":[\"null\",\"string\"]}", "text[]", false},
        {"{\"type\":\"array\",\"items\":{\"type\":\"array\",\"items\":\"int\"}}", "jsonb", false},
        {"{\"type\":\"array\",\"items\":{\"type\":\"bytes\",\"logicalType\":\"decimal\","
         "\"precision\":"
         "5,\"scale\":1}}",
         "numeric(5,1)[]", false},
        {LOGICAL("int", "date"), "date", true},
        {LOGICAL("int", "time-millis"), "time without time zone", false},
        {LOGICAL("long", "time-micros"), "time without time zone", false},
        {LOGICAL("long", "timestamp-millis"), "timestamp with time zone", true},
        {LOGICAL("long", "timestamp-micros"), "timestamp with time zone", true},
        {LOGICAL("long", "timestamp-nanos"), "timestamp with time zone", true},
        {LOGICAL("long", "local-timestamp-millis"), "timestamp without time zone", true},
        {LOGICAL("long", "local-timestamp-micros"), "timestamp without time zone", true},
        {LOGICAL("long", "local-timestamp-nanos"), "timestamp without time zone", true},
        {LOGICAL("string", "uuid"), "uuid", false},
        {LOGICAL("bytes", "big-decimal"), "numeric", false},
        {"{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":10,\"scale\":2}",
         "numeric(10,2)", false},
        {"{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":10}", "numeric(10,0)",
         false},
        {"{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":1001}", "numeric", false},
        {"{\"type\":\"fixed\",\"name\":\"f\",\"size\":12,\"logicalType\":\"duration\"}", "interval",
         false},
        {"{\"type\":\"fixed\",\"name\":\"f\",\"size\":16,\"logicalType\":\"uuid\"}", "uuid", false},
        /* logical types that are not valid, or not known, are as if they were not there */
        {"{\"type\":\"bytes\",\"logicalType\":\"decimal\"}", "bytea", false},
        {"{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":0}", "bytea", false},
        {"{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":2,\"scale\":3}", "bytea",
         false},
        {"{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":2,\"scale\":\"1\"}",
         "bytea", false},
        {"{\"type\":\"fixed\",\"name\":\"f\",\"size\":4,\"logicalType\":\"decimal\",\"precision\":"
         "10}",
         "bytea", false},
        {"{\"type\":\"fixed\",\"name\":\"f\",\"size\":4,\"logicalType\":\"decimal\",\"precision\":"
         "9}",
         "numeric(9,0)", false},
        {"{\"type\":\"fixed\",\"name\":\"f\",\"size\":11,\"logicalType\":\"duration\"}", "bytea",
         false},
        {"{\"type\":\"fixed\",\"name\":\"f\",\"size\":15,\"logicalType\":\"uuid\"}", "bytea",
         false},
        {LOGICAL("int", "timestamp-millis"), "integer", false},
        {LOGICAL("string", "date"), "text", false},
        {LOGICAL("string", "money"), "text", false},
        /* Debezium's way to say it */
        {"{\"type\":\"long\",\"connect.name\":\"io.debezium.time.MicroTimestamp\"}",
         "timestamp without time zone", true},
    };

    for (size_t i = 0; i < TG_COUNT_OF(cases); i++) {
        char text[512];
        tg_error_t err;
        TG_CLEANUP(tg_derived_table_freep) tg_derived_table_t *table = NULL;
        (void)snprintf(text, sizeof text, RECORD("{\"name\":\"v\",\"type\":%s}"), cases[i].type);
        tg_schema_t *schema = case_schema(text);
        ASSERT_OK(tg_derive_table(schema, TG_NESTED_FLATTEN, &table, &err));
        const tg_derived_column_t *column = tg_derived_table_column(table, 0);
        if (strcmp(column->type_sql, cases[i].sql) != 0 || column->is_time != cases[i].is_time) {
            fail_msg("%s: %s, time %d", cases[i].type, column->type_sql, column->is_time);
        }
        tg_schema_unref(schema);
    }
}

#define NESTED                                                                                     \
    RECORD("{\"name\":\"id\",\"type\":\"int\",\"doc\":\"which\"},"                                 \
           "{\"name\":\"a\",\"aliases\":[\"old\"],\"type\":[\"null\",{\"type\":\"record\","        \
           "\"name\":\"s\","                                                                       \
           "\"fields\":[{\"name\":\"b\",\"type\":\"int\",\"aliases\":[\"c\"]},"                    \
           "{\"name\":\"again\",\"type\":[\"null\",\"s\"]}]}]}")

static void
derive_opens_records_into_columns_of_their_path(void **state)
{
    (void)state;
    tg_error_t err;
    TG_CLEANUP(tg_derived_table_freep) tg_derived_table_t *table = NULL;
    tg_schema_t *schema = case_schema(NESTED);
    ASSERT_OK(tg_derive_table(schema, TG_NESTED_FLATTEN, &table, &err));
    tg_schema_unref(schema); /* the table stands alone */
    assert_int_equal(tg_derived_table_n_columns(table), 3);
    const tg_derived_column_t *id = tg_derived_table_column(table, 0);
    const tg_derived_column_t *b = tg_derived_table_column(table, 1);
    const tg_derived_column_t *again = tg_derived_table_column(table, 2);
    assert_string_equal(id->doc, "which");
    assert_false(id->nullable);
    assert_string_equal(b->name, "a_b");
    assert_string_equal(b->type_sql, "integer");
    assert_true(b->nullable); /* because a is */
    assert_int_equal(b->n_aliases, 3);
    assert_string_equal(b->aliases[0], "a_c");
    assert_string_equal(b->aliases[1], "old_b");
    assert_string_equal(b->aliases[2], "old_c");
    assert_string_equal(again->name, "a_again");
    assert_string_equal(again->type_sql, "jsonb"); /* a record inside itself */
    assert_null(tg_derived_table_column(table, 3));
}

static void
derive_when_asked_keeps_records_whole(void **state)
{
    (void)state;
    tg_error_t err;
    TG_CLEANUP(tg_derived_table_freep) tg_derived_table_t *table = NULL;
    tg_schema_t *schema = case_schema(NESTED);
    ASSERT_OK(tg_derive_table(schema, TG_NESTED_JSONB, &table, &err));
    tg_schema_unref(schema);
    assert_int_equal(tg_derived_table_n_columns(table), 2);
    assert_string_equal(tg_derived_table_column(table, 1)->name, "a");
    assert_string_equal(tg_derived_table_column(table, 1)->type_sql, "jsonb");
}

static void
derive_of_a_top_level_without_fields_gives_the_column_value(void **state)
{
    (void)state;
    tg_error_t err;
    TG_CLEANUP(tg_derived_table_freep) tg_derived_table_t *table = NULL;
    tg_schema_t *schema = case_schema("\"bytes\"");
    ASSERT_OK(tg_derive_table(schema, TG_NESTED_FLATTEN, &table, &err));
    tg_schema_unref(schema);
    assert_int_equal(tg_derived_table_n_columns(table), 1);
    assert_string_equal(tg_derived_table_column(table, 0)->name, "value");
    assert_string_equal(tg_derived_table_column(table, 0)->type_sql, "bytea");
}

static void
derive_refuses_names_that_meet_or_are_too_long(void **state)
{
    (void)state;

    static const struct {
        const char *text;
        const char *words[2];
    } cases[] = {
        {RECORD(FIELD("a_b", "\"int\"") "," FIELD(
             "a", "{\"type\":\"record\",\"name\":\"s\",\"fields\":[" FIELD("b", "\"int\"") "]}")),
         {"\"a_b\" and \"a.b\"", "nested = \"jsonb\""}},
        {RECORD(
             FIELD("a123456789012345678901234567890123456789012345678901234567890123", "\"int\"")),
         {"63 bytes", "a1234567"}},
    };

    for (size_t i = 0; i < TG_COUNT_OF(cases); i++) {
        tg_error_t err = {.text = ""};
        tg_derived_table_t *table = NULL;
        tg_schema_t *schema = case_schema(cases[i].text);
        ASSERT_FAILS(tg_derive_table(schema, TG_NESTED_FLATTEN, &table, &err), TG_ERR_UNSUPPORTED);
        assert_non_null(strstr(err.text, cases[i].words[0]));
        assert_non_null(strstr(err.text, cases[i].words[1]));
        assert_null(table);
        tg_schema_unref(schema);
    }
}

static void
derive_of_more_columns_than_postgresql_has_is_unsupported(void **state)
{
    (void)state;

    enum { N_FIELDS = 1601, FIELD_BYTES = 48 };

    char *text = calloc(N_FIELDS + 2, FIELD_BYTES);
    size_t n =
        (size_t)snprintf(text, 2 * FIELD_BYTES, "{\"type\":\"record\",\"name\":\"r\",\"fields\":[");
    for (int i = 0; i < N_FIELDS; i++) {
        n += (size_t)snprintf(text + n, FIELD_BYTES, "%s{\"name\":\"f%d\",\"type\":\"int\"}",
                              i > 0 ? "," : "", i);
    }
    (void)snprintf(text + n, FIELD_BYTES, "]}");
    tg_error_t err = {.text = ""};
    tg_derived_table_t *table = NULL;
    tg_schema_t *schema = case_schema(text);
    ASSERT_FAILS(tg_derive_table(schema, TG_NESTED_FLATTEN, &table, &err), TG_ERR_UNSUPPORTED);
    assert_non_null(strstr(err.text, "1600 columns"));
    tg_schema_unref(schema);
    free(text);
}

/* Twenty records inside one another, with names of 300 letters. */
static void
derive_of_a_path_that_is_too_long_is_too_large(void **state)
{
    (void)state;

    enum { N_LEVELS = 20, TEXT_BYTES = 1 << 14 };

    char name[301];
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    char *text = calloc(1, TEXT_BYTES);
    char *inner = calloc(1, TEXT_BYTES);
    (void)snprintf(text, TEXT_BYTES, "\"int\"");
    for (int i = 0; i < N_LEVELS; i++) {
        memcpy(inner, text, TEXT_BYTES);
        assert_true(snprintf(text, TEXT_BYTES,
                             "{\"type\":\"record\",\"name\":\"r%d\",\"fields\":[{\"name\":\"%s\","
                             "\"type\":%s}]}",
                             i, name, inner) < TEXT_BYTES);
    }
    tg_error_t err = {.text = ""};
    tg_derived_table_t *table = NULL;
    tg_schema_t *schema = case_schema(text);
    ASSERT_FAILS(tg_derive_table(schema, TG_NESTED_FLATTEN, &table, &err), TG_ERR_TOO_LARGE);
    assert_non_null(strstr(err.text, "longer than 4096 bytes"));
    tg_schema_unref(schema);
    free(text);
    free(inner);
}

/* 19,000 columns whose names take 4,000 bytes each, and again for messages. */
static void
derive_that_needs_more_memory_than_allowed_is_too_large(void **state)
{
    (void)state;

    enum { N_LEVELS = 8, N_LEAVES = 9500, NAME_BYTES = 500, TEXT_BYTES = 1 << 20 };

    char *text = calloc(1, TEXT_BYTES);
    char *name = calloc(1, NAME_BYTES + 1);
    memset(name, 'n', NAME_BYTES);
    size_t n = 0;
    for (int i = 0; i < N_LEVELS; i++) {
        n += (size_t)snprintf(text + n, TEXT_BYTES - n,
                              "{\"type\":\"record\",\"name\":\"r%d\",\"fields\":[{\"name\":\"%s\","
                              "\"type\":",
                              i, name);
    }
    n += (size_t)snprintf(text + n, TEXT_BYTES - n,
                          "{\"type\":\"record\",\"name\":\"leaves\",\"fields\":[");
    for (int i = 0; i < N_LEAVES; i++) {
        n += (size_t)snprintf(text + n, TEXT_BYTES - n, "%s{\"name\":\"f%d\",\"type\":\"int\"}",
                              i > 0 ? "," : "", i);
    }
    n += (size_t)snprintf(text + n, TEXT_BYTES - n, "]}");
    for (int i = 0; i < N_LEVELS; i++) {
        n += (size_t)snprintf(text + n, TEXT_BYTES - n, "}]}");
    }
    assert_true(n < TEXT_BYTES - 1);
    tg_error_t err = {.text = ""};
    tg_derived_table_t *table = NULL;
    tg_schema_t *schema = case_schema(text);
    ASSERT_FAILS(tg_derive_table(schema, TG_NESTED_FLATTEN, &table, &err), TG_ERR_TOO_LARGE);
    assert_non_null(strstr(err.text, "bytes of memory"));
    tg_schema_unref(schema);
    free(name);
    free(text);
}

/* Each level holds the next one twice: 2^40 fields from forty lines. */
static void
derive_of_records_that_multiply_is_too_large(void **state)
{
    (void)state;

    enum { N_LEVELS = 40, TEXT_BYTES = 1 << 14 };

    char *text = calloc(1, TEXT_BYTES);
    char *head = calloc(1, TEXT_BYTES);
    int n = snprintf(text, TEXT_BYTES, "%s", "{\"type\":\"record\",\"name\":\"l0\",\"fields\":[]}");
    for (int i = 1; i <= N_LEVELS; i++) {
        memcpy(head, text, (size_t)n + 1);
        n = snprintf(
            text, TEXT_BYTES,
            "{\"type\":\"record\",\"name\":\"l%d\",\"fields\":[{\"name\":\"a\",\"type\":%s},"
            "{\"name\":\"b\",\"type\":\"l%d\"}]}",
            i, head, i - 1);
        assert_true(n < TEXT_BYTES);
    }
    tg_error_t err = {.text = ""};
    tg_derived_table_t *table = NULL;
    tg_schema_t *schema = case_schema(text);
    ASSERT_FAILS(tg_derive_table(schema, TG_NESTED_FLATTEN, &table, &err), TG_ERR_TOO_LARGE);
    assert_non_null(strstr(err.text, "more than 20000 fields"));
    tg_schema_unref(schema);
    free(text);
    free(head);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(derive_gives_each_avro_type_its_postgresql_type),
        cmocka_unit_test(derive_opens_records_into_columns_of_their_path),
        cmocka_unit_test(derive_when_asked_keeps_records_whole),
        cmocka_unit_test(derive_of_a_top_level_without_fields_gives_the_column_value),
        cmocka_unit_test(derive_refuses_names_that_meet_or_are_too_long),
        cmocka_unit_test(derive_of_more_columns_than_postgresql_has_is_unsupported),
        cmocka_unit_test(derive_of_a_path_that_is_too_long_is_too_large),
        cmocka_unit_test(derive_that_needs_more_memory_than_allowed_is_too_large),
        cmocka_unit_test(derive_of_records_that_multiply_is_too_large),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
