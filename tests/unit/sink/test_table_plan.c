// links: sink avro database base
/*
 * The table plan against a made-up catalogue.
 */
#include <stdio.h>

#include "fake_table.h"

static const tg_decode_options_t OPTIONS = {.max_row_bytes = 10000, .max_depth = 8};

static tg_table_plan_t *
plan_new(const tg_route_config_t *route)
{
    tg_error_t err = {0};
    tg_table_plan_t *plan = NULL;
    ASSERT_OK(tg_table_plan_new("\"public\".\"t\"", route, NULL, &plan, &err));
    return plan;
}

static void
admit(tg_table_plan_t *plan, const char *text)
{
    tg_error_t err = {0};
    tg_schema_t *schema = fake_schema(text);
    ASSERT_OK(tg_table_plan_admit(plan, NULL, schema, &err));
    tg_schema_unref(schema);
}

static tg_error_t
refused(tg_table_plan_t *plan, const char *text, tg_status_t expected)
{
    tg_error_t err = {0};
    tg_schema_t *schema = fake_schema(text);
    ASSERT_FAILS(tg_table_plan_admit(plan, NULL, schema, &err), expected);
    tg_schema_unref(schema);
    return err;
}

static const tg_copy_target_t *
target_for(tg_table_plan_t *plan, const char *text)
{
    tg_error_t err = {0};
    tg_schema_t *schema = fake_schema(text);
    tg_decode_plan_t *decode = NULL;
    const tg_copy_target_t *target = NULL;
    ASSERT_OK(tg_table_plan_compile(plan, schema, &OPTIONS, &decode, &target, &err));
    tg_decode_plan_free(decode);
    tg_schema_unref(schema);
    return target;
}

static const char A[] = FAKE_RECORD(FAKE_FIELD("id") "," FAKE_FIELD("a"));
static const char B[] = FAKE_RECORD(FAKE_FIELD("id") "," FAKE_FIELD("b"));
static const char TIMED[] = FAKE_RECORD(FAKE_FIELD("id") "," FAKE_TIME "," FAKE_FIELD("a"));

static void
table_plan_two_schemas_share_the_union_of_their_columns(void **state)
{
    (void)state;
    fake_reset();
    fake_column("id", TG_PG_INT8);
    fake_column("a", TG_PG_INT8);
    fake_column("b", TG_PG_INT8);
    const tg_route_config_t route = {0};
    tg_table_plan_t *plan = plan_new(&route);
    assert_null(tg_table_plan_target(plan));
    admit(plan, A);
    assert_string_equal(tg_table_plan_target(plan)->copy_sql,
                        "COPY \"public\".\"t\" (\"id\", \"a\") FROM STDIN (FORMAT binary)");
    uint64_t version = tg_table_plan_version(plan);
    admit(plan, B);
    assert_string_equal(tg_table_plan_target(plan)->copy_sql,
                        "COPY \"public\".\"t\" (\"id\", \"a\", \"b\") FROM STDIN (FORMAT binary)");
    assert_true(tg_table_plan_version(plan) != version);
    assert_ptr_equal(target_for(plan, A), tg_table_plan_target(plan));
    assert_int_equal(the_fake.n_reads, 1);
    tg_table_plan_free(plan);
}

static void
table_plan_read_again_is_another_generation_and_takes_no_memory(void **state)
{
    (void)state;
    fake_reset();
    fake_column("id", TG_PG_INT8);
    fake_column("a", TG_PG_INT8);
    const tg_route_config_t route = {0};
    tg_table_plan_t *plan = plan_new(&route);
    admit(plan, A);
    const tg_copy_target_t *target = tg_table_plan_target(plan);
    /* More often than its arena has room for targets. */
    for (int i = 0; i < 60000; i++) {
        uint64_t generation = tg_table_plan_generation(plan);
        tg_table_plan_invalidate(plan);
        assert_null(tg_table_plan_target(plan));
        assert_true(tg_table_plan_generation(plan) != generation);
        if (i % 1000 == 0) {
            admit(plan, A);
            assert_ptr_equal(tg_table_plan_target(plan), target);
        }
    }
    tg_table_plan_free(plan);
}

static void
table_plan_column_of_another_type_gives_another_target(void **state)
{
    (void)state;
    fake_reset();
    fake_column("id", TG_PG_INT8);
    fake_column("a", TG_PG_INT8);
    const tg_route_config_t route = {0};
    tg_table_plan_t *plan = plan_new(&route);
    admit(plan, A);
    const tg_copy_target_t *target = tg_table_plan_target(plan);
    the_fake.columns[1].type_oid = TG_PG_FLOAT8;
    tg_table_plan_invalidate(plan);
    admit(plan, A);
    assert_ptr_not_equal(tg_table_plan_target(plan), target);
    assert_string_equal(tg_table_plan_target(plan)->copy_sql, target->copy_sql);
    tg_table_plan_free(plan);
}

static void
table_plan_server_default_holds_for_a_schema_without_the_field(void **state)
{
    (void)state;
    fake_reset();
    fake_column("id", TG_PG_INT8);
    fake_column("a", TG_PG_INT8);
    fake_column("b", TG_PG_INT8);
    the_fake.columns[2].has_default = true;
    the_fake.columns[2].not_null = true;
    const tg_route_config_t route = {0};
    tg_table_plan_t *plan = plan_new(&route);
    admit(plan, B);
    admit(plan, A);
    assert_string_equal(target_for(plan, A)->copy_sql,
                        "COPY \"public\".\"t\" (\"id\", \"a\") FROM STDIN (FORMAT binary)");
    assert_ptr_equal(target_for(plan, B), tg_table_plan_target(plan));
    tg_table_plan_free(plan);
}

static void
table_plan_half_read_is_read_again(void **state)
{
    (void)state;
    fake_reset();
    fake_column("id", TG_PG_INT8);
    fake_column("a", TG_PG_INT8);
    the_fake.describe_status = TG_ERR_TIMEOUT;
    const tg_route_config_t route = {0};
    tg_table_plan_t *plan = plan_new(&route);
    (void)refused(plan, A, TG_ERR_TIMEOUT);
    the_fake.describe_status = TG_OK;
    admit(plan, A);
    assert_int_equal(the_fake.n_reads, 2);
    tg_table_plan_free(plan);
}

static void
table_plan_table_that_is_not_there_is_created_only_when_asked(void **state)
{
    (void)state;
    fake_reset();
    the_fake.exists = false;
    const tg_route_config_t route = {0};
    tg_table_plan_t *plan = plan_new(&route);
    (void)refused(plan, TIMED, TG_ERR_MISSING);
    assert_int_equal(the_fake.n_creations, 0);
    tg_table_plan_free(plan);

    const tg_route_config_t creating = {.create = true};
    plan = plan_new(&creating);
    admit(plan, TIMED);
    assert_int_equal(the_fake.n_creations, 1);
    assert_string_equal(the_fake.created_time_column, "time");
    assert_true(the_fake.columns[1].not_null);
    assert_false(the_fake.columns[0].not_null);
    tg_table_plan_free(plan);
}

static void
table_plan_schema_properties_choose_time_and_segments_where_the_route_is_silent(void **state)
{
    (void)state;
    static const char TEXT[] =
        "{\"type\": \"record\", \"name\": \"r\", \"tidegate.time\": \"d\","
        " \"tidegate.segment_by\": \"a, id\", \"fields\": [" FAKE_TIME
        "," FAKE_FIELD("id") "," FAKE_FIELD("a") ","
                                                 "{\"name\": \"d\", \"type\": {\"type\": \"long\", "
                                                 "\"logicalType\": \"timestamp-micros\"}}]}";
    fake_reset();
    the_fake.exists = false;
    const tg_route_config_t route = {.create = true};
    tg_table_plan_t *plan = plan_new(&route);
    admit(plan, TEXT);
    assert_string_equal(the_fake.created_time_column, "d");
    assert_string_equal(the_fake.created_segment_by, "a;id;");
    tg_table_plan_free(plan);
}

static void
table_plan_without_a_time_is_refused_with_what_to_do(void **state)
{
    (void)state;
    fake_reset();
    the_fake.exists = false;
    const tg_route_config_t creating = {.create = true};
    tg_table_plan_t *plan = plan_new(&creating);
    tg_error_t err = refused(plan, A, TG_ERR_MISMATCH);
    assert_non_null(strstr(err.text, "time_column"));
    tg_table_plan_free(plan);
    const tg_route_config_t wrong = {.create = true, .time_column = "when"};
    plan = plan_new(&wrong);
    err = refused(plan, A, TG_ERR_MISMATCH);
    assert_non_null(strstr(err.text, "when"));
    tg_table_plan_free(plan);
}

static void
table_plan_field_without_a_column_is_added_when_the_route_evolves(void **state)
{
    (void)state;
    fake_reset();
    fake_column("id", TG_PG_INT8);
    fake_column("b", TG_PG_INT8);
    const tg_route_config_t fixed = {0};
    tg_table_plan_t *plan = plan_new(&fixed);
    admit(plan, A);
    assert_int_equal(the_fake.n_additions, 0);
    assert_string_equal(tg_table_plan_target(plan)->copy_sql,
                        "COPY \"public\".\"t\" (\"id\") FROM STDIN (FORMAT binary)");
    tg_table_plan_free(plan);

    const tg_route_config_t evolving = {.evolve = true};
    plan = plan_new(&evolving);
    admit(plan, A);
    assert_int_equal(the_fake.n_additions, 1);
    assert_string_equal(tg_table_plan_target(plan)->copy_sql,
                        "COPY \"public\".\"t\" (\"id\", \"a\") FROM STDIN (FORMAT binary)");
    tg_table_plan_free(plan);
}

static void
table_plan_required_column_without_a_field_is_named(void **state)
{
    (void)state;
    fake_reset();
    fake_column("id", TG_PG_INT8);
    fake_column("a", TG_PG_INT8);
    fake_column("b", TG_PG_INT8);
    the_fake.columns[2].not_null = true;
    const tg_route_config_t route = {0};
    tg_table_plan_t *plan = plan_new(&route);
    tg_error_t err = refused(plan, A, TG_ERR_MISMATCH);
    assert_non_null(strstr(err.text, "column b"));
    assert_int_equal(tg_status_reaction(err.status), TG_REACTION_POISON);
    tg_table_plan_free(plan);
}

static void
table_plan_nothing_in_common_is_refused(void **state)
{
    (void)state;
    fake_reset();
    fake_column("x", TG_PG_INT8);
    const tg_route_config_t route = {0};
    tg_table_plan_t *plan = plan_new(&route);
    tg_error_t err = refused(plan, A, TG_ERR_MISMATCH);
    assert_non_null(strstr(err.text, "no name in common"));
    tg_table_plan_free(plan);
}

static void
table_plan_without_privilege_says_what_to_grant(void **state)
{
    (void)state;
    fake_reset();
    fake_column("id", TG_PG_INT8);
    the_fake.may_insert = false;
    const tg_route_config_t route = {0};
    tg_table_plan_t *plan = plan_new(&route);
    tg_error_t err = refused(plan, A, TG_ERR_PERMISSION);
    assert_non_null(strstr(err.text, "GRANT INSERT"));
    the_fake.may_insert = true;
    admit(plan, A);
    tg_table_plan_free(plan);
}

static void
table_plan_target_knows_where_segments_and_time_are(void **state)
{
    (void)state;
    fake_reset();
    fake_column("id", TG_PG_INT8);
    fake_column("a", TG_PG_INT8);
    the_fake.columnstore = (tg_columnstore_t){.can_direct = true,
                                              .chunk_interval_us = 1000,
                                              .n_segment_columns = 2,
                                              .segment_columns = {"a", "elsewhere"}};
    const tg_route_config_t route = {.direct_compress = TG_DIRECT_COMPRESS_AUTO};
    tg_table_plan_t *plan = plan_new(&route);
    admit(plan, A);
    const tg_copy_target_t *target = tg_table_plan_target(plan);
    assert_int_equal(target->direct_compress, TG_DIRECT_COMPRESS_AUTO);
    assert_int_equal(target->segments.n, 1);
    assert_int_equal(target->segments.positions[0], 1);
    assert_int_equal(target->time_position, 0);
    the_fake.columnstore.can_direct = false;
    tg_table_plan_invalidate(plan);
    admit(plan, A);
    assert_ptr_not_equal(tg_table_plan_target(plan), target);
    assert_int_equal(tg_table_plan_target(plan)->direct_compress, TG_DIRECT_COMPRESS_OFF);
    tg_table_plan_free(plan);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(table_plan_two_schemas_share_the_union_of_their_columns),
        cmocka_unit_test(table_plan_read_again_is_another_generation_and_takes_no_memory),
        cmocka_unit_test(table_plan_column_of_another_type_gives_another_target),
        cmocka_unit_test(table_plan_server_default_holds_for_a_schema_without_the_field),
        cmocka_unit_test(table_plan_half_read_is_read_again),
        cmocka_unit_test(table_plan_table_that_is_not_there_is_created_only_when_asked),
        cmocka_unit_test(
            table_plan_schema_properties_choose_time_and_segments_where_the_route_is_silent),
        cmocka_unit_test(table_plan_without_a_time_is_refused_with_what_to_do),
        cmocka_unit_test(table_plan_field_without_a_column_is_added_when_the_route_evolves),
        cmocka_unit_test(table_plan_required_column_without_a_field_is_named),
        cmocka_unit_test(table_plan_nothing_in_common_is_refused),
        cmocka_unit_test(table_plan_without_privilege_says_what_to_grant),
        cmocka_unit_test(table_plan_target_knows_where_segments_and_time_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
