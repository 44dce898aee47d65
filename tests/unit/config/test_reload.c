#include "tg_config_files.h"

static const char BEFORE[] =
    "name = \"plant\"; log: { level = \"info\"; };\n"
    "kafka: { bootstrap_servers = \"a\"; properties: { sasl_password = \"one\"; }; };\n"
    "registry: { url = \"http://a\"; };\n"
    "database: { url = \"postgresql://u:one@h/d\"; };\n"
    "sinks = ( { name = \"s\"; topics = [ \"t\" ]; batch: { max_rows = 5; };\n"
    "            routes = ( { topic = \"t\"; table = \"a.b\"; } ); },\n"
    "          { name = \"old\"; topics = [ \"o\" ]; } );\n";

/* What the check says when the first text gives way to the second. */
static void
expect_changes(tg_config_files_t *files, const char *after, const char *expected, size_t n_expected)
{
    (void)tg_config_files_must(files, BEFORE, NULL);
    tg_config_t *before = TG_STEAL(files->config);
    const tg_config_t *now = tg_config_files_must(files, after, NULL);
    tg_buffer_t text;
    tg_buffer_init(&text, (size_t)64 * 1024);
    size_t n = 99;
    assert_int_equal(tg_config_reload_check(before, now, &text, &n), TG_OK);
    assert_string_equal(tg_buffer_text(&text), expected);
    assert_int_equal(n, n_expected);
    tg_buffer_done(&text);
    tg_config_free(before);
}

static void
reload_of_the_same_file_changes_nothing(void **state)
{
    expect_changes(*state, BEFORE, "", 0);
}

static void
reload_takes_over_log_level_and_batch_limits(void **state)
{
    expect_changes(
        *state,
        "name = \"plant\"; log: { level = \"debug\"; };\n"
        "kafka: { bootstrap_servers = \"a\"; properties: { sasl_password = \"one\"; }; };\n"
        "registry: { urls = [ \"http://a\" ]; };\n"
        "database: { url = \"postgresql://u:one@h/d\"; };\n"
        "sinks = ( { name = \"s\"; topics = [ \"t\" ];\n"
        "            batch: { max_rows = 6; max_bytes = 2048; linger_ms = 3; };\n"
        "            routes = ( { topic = \"t\"; table = \"a.b\"; } ); },\n"
        "          { name = \"old\"; topics = [ \"o\" ]; } );\n",
        "", 0);
}

static void
reload_names_each_key_that_needs_a_restart_and_no_secret(void **state)
{
    expect_changes(
        *state,
        "name = \"factory\"; log: { format = \"json\"; };\n"
        "kafka: { bootstrap_servers = \"a\"; properties: { sasl_password = \"two\"; }; };\n"
        "registry: { url = \"http://b\"; username = \"me\"; };\n"
        "database: { url = \"postgresql://u:two@h/d\"; };\n"
        "sinks = ( { name = \"s\"; topics = [ \"t\", \"u\" ]; writers = 2;\n"
        "            errors: { tolerance = \"all\"; };\n"
        "            routes = ( { topic = \"^.\"; table = \"a.b\"; } ); },\n"
        "          { name = \"new\"; topics = [ \"o\" ]; } );\n",
        "name: changed from \"plant\" to \"factory\"; needs a restart\n"
        "log.format: changed from \"text\" to \"json\"; needs a restart\n"
        "kafka.properties: changed from { sasl_password = \"********\"; } to { sasl_password = "
        "\"********\"; }; needs a restart\n"
        "registry.urls: changed from [ \"http://a\" ] to [ \"http://b\" ]; needs a restart\n"
        "registry.username: changed from not set to \"me\"; needs a restart\n"
        "database.url: changed from \"postgresql://u:********@h/d\" to "
        "\"postgresql://u:********@h/d\"; needs a restart\n"
        "sinks[0].topics: changed from [ \"t\" ] to [ \"t\", \"u\" ]; needs a restart\n"
        "sinks[0].writers: changed from 1 to 2; needs a restart\n"
        "sinks[0].errors.tolerance: changed from \"none\" to \"all\"; needs a restart\n"
        "sinks[0].routes[0].topic: changed from \"t\" to \"^.\"; needs a restart\n"
        "sinks[1]: \"old\" is gone; needs a restart\n"
        "sinks[1]: \"new\" is new; needs a restart\n",
        12);
}

static void
reload_finds_sinks_by_name_and_counts_routes(void **state)
{
    expect_changes(
        *state,
        "name = \"plant\";\n"
        "kafka: { bootstrap_servers = \"a\"; properties: { sasl_password = \"one\"; }; };\n"
        "registry: { url = \"http://a\"; };\n"
        "database: { url = \"postgresql://u:one@h/d\"; };\n"
        "sinks = ( { name = \"old\"; topics = [ \"o\" ]; },\n"
        "          { name = \"s\"; topics = [ \"t\" ]; batch: { max_rows = 5; };\n"
        "            routes = ( { topic = \"t\"; table = \"a.b\"; }, { topic = \"^t\"; table = "
        "\"a.c\"; } ); } );\n",
        "sinks[0].routes: changed from 1 to 2; needs a restart\n", 1);
}

int
main(void)
{
#define TEST(name)                                                                                 \
    cmocka_unit_test_setup_teardown(name, tg_config_files_setup, tg_config_files_teardown)
    const struct CMUnitTest tests[] = {
        TEST(reload_of_the_same_file_changes_nothing),
        TEST(reload_takes_over_log_level_and_batch_limits),
        TEST(reload_names_each_key_that_needs_a_restart_and_no_secret),
        TEST(reload_finds_sinks_by_name_and_counts_routes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
