// links: database base
#include "base/buffer.h"
#include "database/catalog.h"
#include "tg_test.h"

static const tg_column_definition_t COLUMNS[] = {
    {"time", "timestamptz", false, "when"},
    {"sensor \"id\"", "text", true, NULL},
    {"amount", "numeric(10,2)", false, NULL},
    {"seq", "bigint", false, NULL},
};
static const char *const SEGMENT_BY[] = {"sensor \"id\"", "seq"};

static tg_table_definition_t
definition(void)
{
    return (tg_table_definition_t){.name = "plant.Readings",
                                   .columns = COLUMNS,
                                   .n_columns = TG_COUNT_OF(COLUMNS),
                                   .time_column = "time",
                                   .chunk_interval = "1 day",
                                   .segment_by = SEGMENT_BY,
                                   .n_segment_by = 2};
}

static void
assert_sql(const tg_table_definition_t *table, bool with_timescaledb, const char *expected)
{
    tg_error_t err = {0};
    tg_buffer_t sql;
    tg_buffer_init(&sql, 1 << 16);
    ASSERT_OK(tg_catalog_create_table_sql(table, with_timescaledb, &sql, &err));
    assert_string_equal(tg_buffer_text(&sql), expected);
    tg_buffer_done(&sql);
}

#define TABLE_SQL                                                                                  \
    "CREATE SCHEMA IF NOT EXISTS \"plant\";\n"                                                     \
    "CREATE TABLE IF NOT EXISTS \"plant\".\"Readings\" (\n"                                        \
    "    \"time\" timestamptz NOT NULL,\n"                                                         \
    "    \"sensor \"\"id\"\"\" text NOT NULL,\n"                                                   \
    "    \"amount\" numeric(10,2),\n"                                                              \
    "    \"seq\" bigint\n"                                                                         \
    ");\n"                                                                                         \
    "COMMENT ON COLUMN \"plant\".\"Readings\".\"time\" IS 'when';\n"
#define INDEX_SQL "CREATE INDEX ON \"plant\".\"Readings\" (\"time\" DESC);\n"

static void
table_definition_with_timescaledb_is_a_hypertable_with_one_index(void **state)
{
    (void)state;
    tg_table_definition_t table = definition();
    assert_sql(&table, true,
               TABLE_SQL
               "SELECT \"public\".create_hypertable('\"plant\".\"Readings\"', 'time', "
               "chunk_time_interval => interval '1 day', create_default_indexes => false, "
               "if_not_exists => true);\n" INDEX_SQL
               "ALTER TABLE \"plant\".\"Readings\" SET (timescaledb.compress, "
               "timescaledb.compress_segmentby = '\"sensor \"\"id\"\"\", \"seq\"', "
               "timescaledb.compress_orderby = '\"time\" DESC');\n");
}

static void
table_definition_without_timescaledb_is_a_plain_table(void **state)
{
    (void)state;
    tg_table_definition_t table = definition();
    assert_sql(&table, false, TABLE_SQL INDEX_SQL);
}

static void
table_definition_without_time_column_has_no_index(void **state)
{
    (void)state;
    const tg_column_definition_t columns[] = {{"a", "text", false, NULL}};
    const tg_table_definition_t table = {.name = "t", .columns = columns, .n_columns = 1};
    assert_sql(&table, true, "CREATE TABLE IF NOT EXISTS \"public\".\"t\" (\n    \"a\" text\n);\n");
}

static void
table_definition_with_integer_time_has_an_interval_in_units(void **state)
{
    (void)state;
    const tg_column_definition_t columns[] = {{"at", "bigint", false, NULL}};
    const tg_table_definition_t table = {.name = "t",
                                         .columns = columns,
                                         .n_columns = 1,
                                         .time_column = "at",
                                         .chunk_interval = "3600"};
    assert_sql(&table, true,
               "CREATE TABLE IF NOT EXISTS \"public\".\"t\" (\n    \"at\" bigint NOT NULL\n);\n"
               "SELECT \"public\".create_hypertable('\"public\".\"t\"', 'at', "
               "chunk_time_interval => bigint '3600', create_default_indexes => false, "
               "if_not_exists => true);\n"
               "CREATE INDEX ON \"public\".\"t\" (\"at\" DESC);\n");
}

typedef struct name_case {
    const char *name;
    const char *quoted; /* NULL: refused */
} name_case_t;

#define LONG_63 "a23456789012345678901234567890123456789012345678901234567890123"

static const name_case_t NAMES[] = {
    {"t", "\"public\".\"t\""},
    {"s.t", "\"s\".\"t\""},
    {"S.My-Topic", "\"S\".\"My-Topic\""},
    {"s.\"my.topic\"", "\"s\".\"my.topic\""},
    {"\"a.b\".\"c\"\"d\"", "\"a.b\".\"c\"\"d\""},
    {"\"t\"", "\"public\".\"t\""},
    {"s." LONG_63, "\"s\".\"" LONG_63 "\""},
    {"s." LONG_63 "4", NULL},
    {"a.b.c", NULL},
    {"", NULL},
    {".t", NULL},
    {"s.", NULL},
    {"\"s.t", NULL},
    {"s.\"\"", NULL},
    {"s.\"t\"x", NULL},
    {"s.t\"x\"", NULL},
    {"\"s\"t", NULL},
};

static void
table_definition_name_is_taken_as_written_or_refused(void **state)
{
    (void)state;
    const tg_column_definition_t columns[] = {{"a", "text", false, NULL}};
    for (size_t i = 0; i < TG_COUNT_OF(NAMES); i++) {
        tg_error_t err = {0};
        tg_buffer_t sql;
        tg_buffer_init(&sql, 1 << 16);
        const tg_table_definition_t table = {
            .name = NAMES[i].name, .columns = columns, .n_columns = 1};
        tg_status_t status = tg_catalog_create_table_sql(&table, false, &sql, &err);
        if (status != (NAMES[i].quoted != NULL ? TG_OK : TG_ERR_CONFIG) ||
            (NAMES[i].quoted != NULL && strstr(tg_buffer_text(&sql), NAMES[i].quoted) == NULL)) {
            fail_msg("%s: %s", NAMES[i].name, tg_status_name(status));
        }
        tg_buffer_done(&sql);
    }
}

typedef struct refusal_case {
    const char *name;
    tg_column_definition_t column;
    const char *time_column;
    const char *chunk_interval;
    const char *segment_by;
    const char *said;
} refusal_case_t;

static const refusal_case_t REFUSALS[] = {
    {"type that is more", {"a", "text); DROP TABLE x; --", false, NULL}, NULL, NULL, NULL, "type"},
    {"type with a column behind", {"a", "text, b int", false, NULL}, NULL, NULL, NULL, "type"},
    {"type with a string", {"a", "text DEFAULT 'x'", false, NULL}, NULL, NULL, NULL, "type"},
    {"type that closes first", {"a", "int) (", false, NULL}, NULL, NULL, NULL, "type"},
    {"type with an open quote", {"a", "\"int", false, NULL}, NULL, NULL, NULL, "type"},
    {"no type", {"a", "", false, NULL}, NULL, NULL, NULL, "type"},
    {"no name", {"", "text", false, NULL}, NULL, NULL, NULL, "1 to 63"},
    {"long name", {LONG_63 "4", "text", false, NULL}, NULL, NULL, NULL, "1 to 63"},
    {"time column absent", {"a", "text", false, NULL}, "time", NULL, NULL, "time_column"},
    {"time column of text", {"a", "text", false, NULL}, "a", NULL, NULL, "needs timestamptz"},
    {"integer time, no interval", {"a", "bigint", false, NULL}, "a", NULL, NULL, "whole number"},
    {"integer time, words", {"a", "bigint", false, NULL}, "a", "1 day", NULL, "whole number"},
    {"time, bare number", {"a", "timestamptz", false, NULL}, "a", "86400", NULL, "needs a unit"},
    {"segment column absent", {"a", "date", false, NULL}, "a", NULL, "b", "segment_by"},
};

static void
table_definition_that_cannot_work_says_why(void **state)
{
    (void)state;
    for (size_t i = 0; i < TG_COUNT_OF(REFUSALS); i++) {
        const refusal_case_t *c = &REFUSALS[i];
        tg_error_t err = {0};
        tg_buffer_t sql;
        tg_buffer_init(&sql, 1 << 16);
        const tg_table_definition_t table = {.name = "t",
                                             .columns = &c->column,
                                             .n_columns = 1,
                                             .time_column = c->time_column,
                                             .chunk_interval = c->chunk_interval,
                                             .segment_by = &c->segment_by,
                                             .n_segment_by = c->segment_by != NULL ? 1 : 0};
        tg_status_t status = tg_catalog_create_table_sql(&table, true, &sql, &err);
        if (status != TG_ERR_CONFIG || strstr(err.text, c->said) == NULL) {
            fail_msg("%s: %s %s", c->name, tg_status_name(status), err.text);
        }
        assert_int_equal(sql.n_bytes, 0);
        tg_buffer_done(&sql);
    }
}

static void
table_definition_without_columns_is_refused(void **state)
{
    (void)state;
    tg_error_t err = {0};
    tg_buffer_t sql;
    tg_buffer_init(&sql, 1024);
    const tg_table_definition_t table = {.name = "t"};
    ASSERT_FAILS(tg_catalog_create_table_sql(&table, true, &sql, &err), TG_ERR_CONFIG);
    tg_buffer_done(&sql);
}

static void
table_definition_larger_than_the_buffer_says_full(void **state)
{
    (void)state;
    tg_table_definition_t table = definition();
    for (size_t max = 0; max < 600; max += 7) {
        tg_error_t err = {0};
        tg_buffer_t sql;
        tg_buffer_init(&sql, max);
        ASSERT_FAILS(tg_catalog_create_table_sql(&table, true, &sql, &err), TG_ERR_FULL);
        tg_buffer_done(&sql);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(table_definition_with_timescaledb_is_a_hypertable_with_one_index),
        cmocka_unit_test(table_definition_without_timescaledb_is_a_plain_table),
        cmocka_unit_test(table_definition_without_time_column_has_no_index),
        cmocka_unit_test(table_definition_with_integer_time_has_an_interval_in_units),
        cmocka_unit_test(table_definition_name_is_taken_as_written_or_refused),
        cmocka_unit_test(table_definition_that_cannot_work_says_why),
        cmocka_unit_test(table_definition_without_columns_is_refused),
        cmocka_unit_test(table_definition_larger_than_the_buffer_says_full),
    };
    return cmocka_run_group_tests_name("table_definition", tests, NULL, NULL);
}
