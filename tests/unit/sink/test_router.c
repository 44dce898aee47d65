// links: sink config
#include "router.h"
#include "tg_test.h"

typedef struct {
    const char *name;
    const char *route_topic;
    const char *table;
    const char *topic;
    const char *expected; /* NULL: expected_status */
    tg_status_t expected_status;
} case_t;

static void
router_expands_the_table_of_the_first_route_that_matches(void **state)
{
    (void)state;
    static const case_t CASES[] = {
        {"exact", "sensors", "public.readings", "sensors", "\"public\".\"readings\"", TG_OK},
        {"no schema means public", "sensors", "readings", "sensors", "\"public\".\"readings\"",
         TG_OK},
        {"topic as table, dots are safe", "^.*$", "raw.${topic}", "plant.a.b",
         "\"raw\".\"plant.a.b\"", TG_OK},
        {"groups", "^site-([a-z]+)-(.*)$", "$1.t_$2", "site-north-temp", "\"north\".\"t_temp\"",
         TG_OK},
        {"quotes in a topic are doubled", "^.*$", "public.${topic}", "a\"b",
         "\"public\".\"a\"\"b\"", TG_OK},
        {"quoted template keeps its dot", "t", "\"my.schema\".\"T\"", "t", "\"my.schema\".\"T\"",
         TG_OK},
        {"no match", "sensors", "public.readings", "other", NULL, TG_ERR_UNROUTED},
        {"a group that took nothing", "^(x?)t$", "public.$1", "t", NULL, TG_ERR_CONFIG},
        {"longer than 63 bytes", "^.*$", "public.${topic}",
         "0123456789012345678901234567890123456789012345678901234567890123", NULL, TG_ERR_CONFIG},
    };
    for (size_t i = 0; i < TG_COUNT_OF(CASES); i++) {
        const tg_route_config_t route = {.topic = CASES[i].route_topic, .table = CASES[i].table};
        const tg_sink_config_t sink = {.name = "s", .routes = &route, .n_routes = 1};
        tg_router_t *router = NULL;
        tg_error_t err;
        ASSERT_OK(tg_router_new(&sink, &router, &err));
        tg_buffer_t table;
        tg_buffer_init(&table, 1024);
        const tg_route_config_t *found = NULL;
        tg_status_t status = tg_router_route(router, CASES[i].topic, &found, &table, &err);
        print_message("%s\n", CASES[i].name);
        assert_int_equal(status, CASES[i].expected_status);
        if (CASES[i].expected != NULL) {
            assert_string_equal(tg_buffer_text(&table), CASES[i].expected);
            assert_ptr_equal(found, &route);
        } else {
            assert_int_equal(table.n_bytes, 0);
        }
        tg_buffer_done(&table);
        tg_router_free(router);
    }
}

static void
router_without_routes_uses_the_table_of_the_topics_name(void **state)
{
    (void)state;
    const tg_sink_config_t sink = {.name = "s"};
    tg_router_t *router = NULL;
    tg_error_t err;
    ASSERT_OK(tg_router_new(&sink, &router, &err));
    tg_buffer_t table;
    tg_buffer_init(&table, 1024);
    const tg_route_config_t *found = NULL;
    ASSERT_OK(tg_router_route(router, "weather", &found, &table, &err));
    assert_string_equal(tg_buffer_text(&table), "\"public\".\"weather\"");
    assert_false(found->create);
    tg_buffer_done(&table);
    tg_router_free(router);
}

static void
router_takes_the_first_match_in_the_order_of_the_file(void **state)
{
    (void)state;
    const tg_route_config_t routes[] = {{.topic = "^sens", .table = "public.first"},
                                        {.topic = "sensors", .table = "public.second"}};
    const tg_sink_config_t sink = {.name = "s", .routes = routes, .n_routes = 2};
    tg_router_t *router = NULL;
    tg_error_t err;
    ASSERT_OK(tg_router_new(&sink, &router, &err));
    tg_buffer_t table;
    tg_buffer_init(&table, 1024);
    const tg_route_config_t *found = NULL;
    ASSERT_OK(tg_router_route(router, "sensors", &found, &table, &err));
    assert_ptr_equal(found, &routes[0]);
    tg_buffer_done(&table);
    tg_router_free(router);
}

static void
router_with_a_broken_expression_is_refused_with_the_reason(void **state)
{
    (void)state;
    const tg_route_config_t route = {.topic = "^a(b", .table = "public.t"};
    const tg_sink_config_t sink = {.name = "s", .routes = &route, .n_routes = 1};
    tg_router_t *router = NULL;
    tg_error_t err;
    ASSERT_FAILS(tg_router_new(&sink, &router, &err), TG_ERR_CONFIG);
    assert_non_null(strstr(err.text, "^a(b"));
    assert_null(router);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(router_expands_the_table_of_the_first_route_that_matches),
        cmocka_unit_test(router_without_routes_uses_the_table_of_the_topics_name),
        cmocka_unit_test(router_takes_the_first_match_in_the_order_of_the_file),
        cmocka_unit_test(router_with_a_broken_expression_is_refused_with_the_reason),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
