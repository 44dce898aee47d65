// links: database base
// libs: libpq
#include "base/buffer.h"
#include "base/thread.h"
#include "database/catalog.h"
#include "database_fixture.h"

static const tg_column_t *
column_named(const tg_table_t *table, const char *name)
{
    for (size_t i = 0; i < tg_table_n_columns(table); i++) {
        if (strcmp(tg_table_column(table, i)->name, name) == 0) {
            return tg_table_column(table, i);
        }
    }
    fail_msg("no column %s", name);
    return NULL;
}

static tg_table_t *
read_table(tg_connection_t *connection, const char *name)
{
    tg_error_t err = {0};
    tg_table_t *table = NULL;
    ASSERT_OK(tg_catalog_table(connection, name, &table, &err));
    return table;
}

typedef struct column_case {
    const char *ddl; /* behind the name */
    uint32_t type_oid;
    bool is_enum;
    int32_t type_modifier;
    const char *type_name;
    bool not_null;
    bool has_default;
    bool is_generated;
    const char *constant_default;
} column_case_t;

/* Column i is named c<i>. */
static const column_case_t COLUMNS[] = {
    {"int8", 20, false, -1, "bigint", false, false, false, NULL},
    {"text NOT NULL", 25, false, -1, "text", true, false, false, NULL},
    {"varchar(10)", 1043, false, 14, "character varying(10)", false, false, false, NULL},
    {"numeric(10,2)", 1700, false, 655366, "numeric(10,2)", false, false, false, NULL},
    {"timestamptz(3)", 1184, false, 3, "timestamp(3) with time zone", false, false, false, NULL},
    {"float8[]", 1022, false, -1, "double precision[]", false, false, false, NULL},
    {"fixture.mood", 25, true, -1, "fixture.mood", false, false, false, NULL},
    {"fixture.inner_domain", 23, false, -1, "fixture.inner_domain", true, false, false, NULL},
    {"fixture.outer_domain", 1043, false, 24, "fixture.outer_domain", true, true, false, "x'y"},
    {"int8 GENERATED ALWAYS AS IDENTITY", 20, false, -1, "bigint", true, true, true, NULL},
    {"int8 GENERATED ALWAYS AS (1 + 1) STORED", 20, false, -1, "bigint", false, true, true, NULL},
    {"int4 DEFAULT 7", 23, false, -1, "integer", false, true, false, "7"},
    {"int4 DEFAULT -7", 23, false, -1, "integer", false, true, false, "-7"},
    {"float8 DEFAULT 1.5e10", 701, false, -1, "double precision", false, true, false,
     "15000000000"},
    {"bool DEFAULT true", 16, false, -1, "boolean", false, true, false, "true"},
    {"text DEFAULT 'a''b\\c'", 25, false, -1, "text", false, true, false, "a'b\\c"},
    {"text DEFAULT NULL", 25, false, -1, "text", false, false, false, NULL},
    {"text DEFAULT 'a' || 'b'", 25, false, -1, "text", false, true, false, NULL},
    {"text DEFAULT upper('a')", 25, false, -1, "text", false, true, false, NULL},
    {"timestamptz DEFAULT now()", 1184, false, -1, "timestamp with time zone", false, true, false,
     NULL},
    {"jsonb DEFAULT '{\"a\": [1]}'", 3802, false, -1, "jsonb", false, true, false, "{\"a\": [1]}"},
    {"varchar(5) DEFAULT 'abc'", 1043, false, 9, "character varying(5)", false, true, false, "abc"},
    {"date DEFAULT '2020-02-29'", 1082, false, -1, "date", false, true, false, "2020-02-29"},
    {"fixture.mood DEFAULT 'so-so'", 25, true, -1, "fixture.mood", false, true, false, "so-so"},
};

static void
make_types(tg_connection_t *connection)
{
    fixture_run(connection, "DROP SCHEMA fixture CASCADE; CREATE SCHEMA fixture;"
                            "CREATE TYPE fixture.mood AS ENUM ('good', 'so-so');"
                            "CREATE DOMAIN fixture.inner_domain AS int4 NOT NULL CHECK (VALUE > 0);"
                            "CREATE DOMAIN fixture.middle_domain AS varchar(20) DEFAULT 'x''y';"
                            "CREATE DOMAIN fixture.outer_domain AS fixture.middle_domain NOT NULL");
}

static void
catalog_table_describes_every_kind_of_column(void **state)
{
    tg_connection_t *connection = fixture_open(state);
    make_types(connection);
    tg_buffer_t sql;
    tg_buffer_init(&sql, 1 << 16);
    assert_int_equal(tg_buffer_append_text(&sql, "CREATE TABLE fixture.\"Odd.name\" (gone int"),
                     TG_OK);
    for (size_t i = 0; i < TG_COUNT_OF(COLUMNS); i++) {
        assert_int_equal(tg_buffer_append_format(&sql, ", c%zu %s", i, COLUMNS[i].ddl), TG_OK);
    }
    assert_int_equal(
        tg_buffer_append_text(&sql, "); ALTER TABLE fixture.\"Odd.name\" DROP COLUMN gone"), TG_OK);
    fixture_run(connection, tg_buffer_text(&sql));
    tg_buffer_done(&sql);

    tg_table_t *table = read_table(connection, "fixture.\"Odd.name\"");
    assert_string_equal(tg_table_name(table), "\"fixture\".\"Odd.name\"");
    assert_string_equal(tg_table_plain_name(table), "fixture.Odd.name");
    assert_true(tg_table_oid(table) > 0);
    assert_true(tg_table_can_insert(table));
    assert_false(tg_table_is_hypertable(table));
    assert_null(tg_table_time_column(table));
    assert_int_equal(tg_table_n_columns(table), TG_COUNT_OF(COLUMNS));
    for (size_t i = 0; i < TG_COUNT_OF(COLUMNS); i++) {
        const tg_column_t *got = tg_table_column(table, i);
        const column_case_t *want = &COLUMNS[i];
        const char *got_default = got->constant_default != NULL ? got->constant_default : "none";
        const char *want_default = want->constant_default != NULL ? want->constant_default : "none";
        if (got->type_oid != want->type_oid || (got->enum_type_oid != 0) != want->is_enum ||
            got->type_modifier != want->type_modifier ||
            strcmp(got->type_name, want->type_name) != 0 || got->not_null != want->not_null ||
            got->has_default != want->has_default || got->is_generated != want->is_generated ||
            strcmp(got_default, want_default) != 0) {
            fail_msg("%s: oid %u enum %u typmod %d name %s not_null %d default %d generated %d %s",
                     want->ddl, got->type_oid, got->enum_type_oid, got->type_modifier,
                     got->type_name, got->not_null, got->has_default, got->is_generated,
                     got_default);
        }
    }
    tg_table_free(table);
    tg_connection_free(connection);
}

static void
catalog_table_that_is_none_says_how_to_get_one(void **state)
{
    tg_connection_t *connection = fixture_open(state);
    tg_error_t err = {0};
    tg_table_t *table = NULL;
    ASSERT_FAILS(tg_catalog_table(connection, "fixture.absent", &table, &err), TG_ERR_MISSING);
    assert_non_null(strstr(err.text, "create = true"));
    fixture_run(connection, "CREATE OR REPLACE VIEW fixture.v AS SELECT 1 AS a");
    ASSERT_FAILS(tg_catalog_table(connection, "fixture.v", &table, &err), TG_ERR_MISSING);
    assert_non_null(strstr(err.text, "view"));
    ASSERT_FAILS(tg_catalog_table(connection, "a.b.c", &table, &err), TG_ERR_CONFIG);
    assert_null(table);
    tg_connection_free(connection);
}

static void
catalog_table_without_columns_has_none(void **state)
{
    tg_connection_t *connection = fixture_open(state);
    fixture_run(connection, "DROP TABLE IF EXISTS fixture.empty; CREATE TABLE fixture.empty ()");
    tg_table_t *table = read_table(connection, "fixture.empty");
    assert_int_equal(tg_table_n_columns(table), 0);
    tg_table_free(table);
    tg_connection_free(connection);
}

static void
catalog_server_knows_version_and_extension(void **state)
{
    tg_connection_t *connection = fixture_open(state);
    const database_fixture_t *fixture = *state;
    tg_error_t err = {0};
    tg_server_info_t info;
    ASSERT_OK(tg_catalog_server(connection, &info, &err));
    assert_true(info.version >= 150000);
    assert_int_equal(info.timescaledb_version[0] != '\0', fixture->has_timescaledb);
    assert_string_equal(info.license, fixture->has_timescaledb ? "timescale" : "");
    assert_false(info.in_recovery);
    assert_true(info.can_create);
    tg_connection_free(connection);
}

static const tg_column_definition_t READINGS[] = {
    {"time", "timestamptz", false, "when it was \"read\""},
    {"Sensor'1", "text", true, NULL},
    {"value", "double precision", false, "it's\\a value"},
};
static const char *const SEGMENT_BY[] = {"Sensor'1"};
static const tg_table_definition_t DEFINITION = {.name = "\"fixture-2\".\"read.ings\"",
                                                 .columns = READINGS,
                                                 .n_columns = 3,
                                                 .time_column = "time",
                                                 .chunk_interval = "6 hours",
                                                 .segment_by = SEGMENT_BY,
                                                 .n_segment_by = 1};

static void
catalog_create_table_makes_a_hypertable_once(void **state)
{
    tg_connection_t *connection = fixture_open(state);
    const database_fixture_t *fixture = *state;
    tg_error_t err = {0};
    bool plain = !fixture->has_timescaledb;
    fixture_run(connection, "DROP SCHEMA IF EXISTS \"fixture-2\" CASCADE");
    for (int i = 0; i < 2; i++) { /* the second time it is left as it is */
        ASSERT_OK(tg_catalog_create_table(connection, &DEFINITION, &plain, &err));
        assert_int_equal(plain, !fixture->has_timescaledb);
    }
    tg_table_t *table = read_table(connection, "\"fixture-2\".\"read.ings\"");
    assert_int_equal(tg_table_is_hypertable(table), fixture->has_timescaledb);
    assert_true(column_named(table, "time")->not_null);
    assert_false(column_named(table, "value")->not_null);
    assert_int_equal(fixture_number(connection, "SELECT count(*) FROM pg_indexes"
                                                " WHERE schemaname = 'fixture-2'"),
                     1);
    assert_int_equal(fixture_number(connection,
                                    "SELECT (col_description('\"fixture-2\".\"read.ings\"'"
                                    "::regclass, 3) = E'it''s\\\\a value')::int"),
                     1);
    if (fixture->has_timescaledb) {
        assert_string_equal(tg_table_time_column(table), "time");
        assert_int_equal(fixture_number(connection,
                                        "SELECT count(*) FROM timescaledb_information.dimensions"
                                        " WHERE hypertable_schema = 'fixture-2'"
                                        " AND time_interval = '6 hours'"),
                         1);
        assert_int_equal(
            fixture_number(connection,
                           "SELECT count(*) FROM timescaledb_information.compression_settings"
                           " WHERE hypertable_schema = 'fixture-2'"
                           " AND segmentby_column_index = 1 AND attname = 'Sensor''1'"),
            1);
    }
    tg_table_free(table);
    fixture_run(connection, "DROP SCHEMA \"fixture-2\" CASCADE");
    tg_connection_free(connection);
}

static void
catalog_create_table_with_integer_time_takes_a_number(void **state)
{
    static const tg_column_definition_t columns[] = {{"at", "bigint", false, NULL}};
    tg_connection_t *connection = fixture_open(state);
    const database_fixture_t *fixture = *state;
    tg_error_t err = {0};
    bool plain = false;
    tg_table_definition_t definition = {.name = "fixture.ticks",
                                        .columns = columns,
                                        .n_columns = 1,
                                        .time_column = "at",
                                        .chunk_interval = "1 day"};
    ASSERT_FAILS(tg_catalog_create_table(connection, &definition, &plain, &err), TG_ERR_CONFIG);
    definition.chunk_interval = "86400000";
    ASSERT_OK(tg_catalog_create_table(connection, &definition, &plain, &err));
    tg_table_t *table = read_table(connection, "fixture.ticks");
    assert_int_equal(tg_table_is_hypertable(table), fixture->has_timescaledb);
    tg_table_free(table);
    tg_connection_free(connection);
}

static void
catalog_create_table_leaves_a_users_table_alone(void **state)
{
    static const tg_column_definition_t columns[] = {{"time", "timestamptz", false, NULL}};
    tg_connection_t *connection = fixture_open(state);
    tg_error_t err = {0};
    bool plain = false;
    const tg_table_definition_t definition = {
        .name = "fixture.mine", .columns = columns, .n_columns = 1, .time_column = "time"};
    fixture_run(connection, "DROP TABLE IF EXISTS fixture.mine; CREATE TABLE fixture.mine (a int)");
    ASSERT_OK(tg_catalog_create_table(connection, &definition, &plain, &err));
    assert_true(plain);
    tg_table_t *table = read_table(connection, "fixture.mine");
    assert_int_equal(tg_table_n_columns(table), 1);
    tg_table_free(table);
    tg_connection_free(connection);
}

typedef struct racer {
    tg_thread_t thread;
    tg_connection_t *connection;
    tg_status_t status;
    bool plain;
    tg_error_t err;
} racer_t;

static void *
race(void *arg)
{
    racer_t *racer = arg;
    racer->status =
        tg_catalog_create_table(racer->connection, &DEFINITION, &racer->plain, &racer->err);
    return NULL;
}

static void
catalog_create_table_by_four_at_once_works_for_all(void **state)
{
    tg_connection_t *connection = fixture_open(state);
    const database_fixture_t *fixture = *state;
    racer_t racers[4] = {0};
    tg_error_t err = {0};
    fixture_run(connection, "DROP SCHEMA IF EXISTS \"fixture-2\" CASCADE");
    for (size_t i = 0; i < TG_COUNT_OF(racers); i++) {
        racers[i].connection = fixture_open(state);
        ASSERT_OK(tg_thread_start(&racers[i].thread, "racer", race, &racers[i], &err));
    }
    for (size_t i = 0; i < TG_COUNT_OF(racers); i++) {
        tg_thread_join(&racers[i].thread);
        if (racers[i].status != TG_OK) {
            fail_msg("%s", racers[i].err.text);
        }
        assert_int_equal(racers[i].plain, !fixture->has_timescaledb);
        tg_connection_free(racers[i].connection);
    }
    assert_int_equal(fixture_number(connection, "SELECT count(*) FROM pg_indexes"
                                                " WHERE schemaname = 'fixture-2'"),
                     1);
    fixture_run(connection, "DROP SCHEMA \"fixture-2\" CASCADE");
    tg_connection_free(connection);
}

static void
catalog_add_columns_adds_what_is_missing(void **state)
{
    static const tg_column_definition_t columns[] = {{"a", "int4", false, NULL},
                                                     {"b", "numeric(10,2)", true, "new"}};
    const tg_table_definition_t definition = {
        .name = "fixture.grows", .columns = columns, .n_columns = 2, .time_column = "time"};
    tg_connection_t *connection = fixture_open(state);
    tg_error_t err = {0};
    fixture_run(connection, "DROP TABLE IF EXISTS fixture.grows;"
                            "CREATE TABLE fixture.grows (a int4);"
                            "INSERT INTO fixture.grows VALUES (1)");
    for (int i = 0; i < 2; i++) {
        ASSERT_OK(tg_catalog_add_columns(connection, &definition, &err));
    }
    tg_table_t *table = read_table(connection, "fixture.grows");
    assert_int_equal(tg_table_n_columns(table), 2);
    assert_false(column_named(table, "b")->not_null);
    tg_table_free(table);
    tg_connection_free(connection);
}

static void
catalog_without_privileges_says_permission(void **state)
{
    tg_connection_t *connection = fixture_open(state);
    tg_error_t err = {0};
    bool plain = false;
    static const tg_column_definition_t columns[] = {{"a", "int4", false, NULL}};
    const tg_table_definition_t definition = {
        .name = "fixture.forbidden", .columns = columns, .n_columns = 1};
    fixture_run(connection, "DROP ROLE IF EXISTS tg_nobody; CREATE ROLE tg_nobody;"
                            "DROP TABLE IF EXISTS fixture.guarded;"
                            "CREATE TABLE fixture.guarded (a int)");
    /* SET LOCAL ROLE lasts as long as the transaction, which an error ends. */
    fixture_run(connection, "BEGIN; SET LOCAL ROLE tg_nobody");
    tg_table_t *table = read_table(connection, "fixture.guarded");
    assert_false(tg_table_can_insert(table));
    ASSERT_FAILS(tg_catalog_create_table(connection, &definition, &plain, &err), TG_ERR_PERMISSION);
    assert_string_equal(err.sqlstate, "42501");
    fixture_run(connection, "DROP ROLE tg_nobody");
    tg_table_free(table);
    tg_connection_free(connection);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(catalog_table_describes_every_kind_of_column),
        cmocka_unit_test(catalog_table_that_is_none_says_how_to_get_one),
        cmocka_unit_test(catalog_table_without_columns_has_none),
        cmocka_unit_test(catalog_server_knows_version_and_extension),
        cmocka_unit_test(catalog_create_table_makes_a_hypertable_once),
        cmocka_unit_test(catalog_create_table_with_integer_time_takes_a_number),
        cmocka_unit_test(catalog_create_table_leaves_a_users_table_alone),
        cmocka_unit_test(catalog_create_table_by_four_at_once_works_for_all),
        cmocka_unit_test(catalog_add_columns_adds_what_is_missing),
        cmocka_unit_test(catalog_without_privileges_says_permission),
    };
    return cmocka_run_group_tests_name("catalog on a server", tests, fixture_setup,
                                       fixture_teardown);
}
