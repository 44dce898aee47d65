#include "tg_config_files.h"

static const char REST[] = "kafka: { bootstrap_servers = \"127.0.0.1:9092\"; };\n"
                           "registry: { url = \"http://127.0.0.1:8081\"; };\n"
                           "database: { url = \"postgresql://tidegate@127.0.0.1/plant\"; };\n"
                           "sinks = ( { name = \"sensors\"; topics = [ \"sensors\" ]; } );\n";

static void
include_is_relative_to_the_file_that_says_it(void **state)
{
    tg_config_files_t *files = *state;
    assert_int_equal(mkdir("parts", 0700), 0);
    tg_config_files_write("parts/rest.conf", REST);
    tg_config_files_write("parts/all.conf", "  @include \"rest.conf\"\nname = \"plant\";");
    const tg_config_t *config = tg_config_files_must(
        files, "\t@include\t\"parts/all.conf\" http: { max_connections = 3; };\n", NULL);
    assert_string_equal(config->name, "plant");
    assert_string_equal(config->kafka.bootstrap_servers, "127.0.0.1:9092");
    assert_int_equal(config->http.max_connections, 3);
    const char *file = NULL;
    int line = 0;
    tg_config_where(config, "database.url", &file, &line);
    assert_string_equal(file, "parts/rest.conf");
    assert_int_equal(line, 3);
}

static void
include_mistakes_name_the_included_file_and_its_line(void **state)
{
    tg_config_files_t *files = *state;
    tg_config_files_write("rest.conf", REST);
    tg_config_files_write("http.conf", "\nhttp: {\n  max_connections = 0;\n};\n");
    tg_config_files_try(files,
                        "nam = \"x\";\n@include \"http.conf\"\nlog: { level = \"loud\"; };\n"
                        "@include \"rest.conf\"\nshutdown_timeout_ms = -1;\n",
                        NULL);
    assert_string_equal(tg_config_files_text(files),
                        "plant.conf:1: nam: unknown key; did you mean \"name\"?\n"
                        "http.conf:3: http.max_connections: 0 is out of range; allowed are 1 to "
                        "10000 connections\n"
                        "plant.conf:3: log.level: \"loud\" is not available; use \"debug\", "
                        "\"info\", \"warning\" or \"error\"\n"
                        "plant.conf:5: shutdown_timeout_ms: -1 is out of range; allowed are 1ms to "
                        "1h\n");
}

static void
include_syntax_mistakes_name_the_included_file_and_its_line(void **state)
{
    tg_config_files_t *files = *state;
    tg_config_files_write("http.conf", "\nhttp: { listen = here; };\n");
    tg_config_files_try(files, "@include \"http.conf\"\nname = here;\n", NULL);
    assert_string_equal(tg_config_files_text(files),
                        "http.conf:2: http.listen: the value is no number, and a string needs "
                        "double quotes; write listen = \"127.0.0.1:8083\";\n"
                        "plant.conf:2: name: the value is no number, and a string needs double "
                        "quotes; write name = \"plant\";\n");
}

static void
include_in_comments_and_strings_is_none(void **state)
{
    const tg_config_t *config = tg_config_files_must(
        *state,
        "kafka: { bootstrap_servers = \"127.0.0.1:9092\"; };\n/* \"\n@include \"a\"\n*/ // \"\n"
        "# /*\nregistry: { url = \"http://127.0.0.1:8081\"; };\n"
        "database: { url = \"host=a \\\"\n@include \" \"b\"; };\n"
        "sinks = ( { name = \"sensors\"; topics = [ \"sensors\" ]; } );\n",
        NULL);
    assert_string_equal(config->database.url, "host=a \"\n@include b");
}

static void
include_of_what_cannot_be_read_is_a_problem_of_its_line(void **state)
{
    tg_config_files_t *files = *state;
    tg_config_files_try(files, "name = \"x\";\n@include \"nowhere\"\n@include \"/\"\n", NULL);
    assert_int_equal(files->status, TG_ERR_CONFIG);
    assert_string_equal(tg_config_files_text(files),
                        "plant.conf:2: @include: cannot read nowhere: No such file or directory\n"
                        "plant.conf:3: @include: cannot read /: it is a directory\n");
}

static void
include_of_itself_ends(void **state)
{
    tg_config_files_t *files = *state;
    tg_config_files_try(files, "@include \"plant.conf\"\n@include \"plant.conf\"\n", NULL);
    assert_string_equal(tg_config_files_text(files),
                        "plant.conf:1: @include: files include each other more than 8 deep; does "
                        "plant.conf include itself?\n");
}

static void
include_of_more_than_fits_is_refused(void **state)
{
    tg_config_files_t *files = *state;
    size_t n_bytes = (size_t)300 * 1024;
    char *large = malloc(n_bytes);
    assert_non_null(large);
    memset(large, '#', n_bytes);
    tg_config_files_write_bytes("large.conf", large, n_bytes);
    free(large);
    tg_config_files_try(
        files,
        "@include \"large.conf\"\n@include \"large.conf\"\n"
        "@include \"large.conf\"\n@include \"large.conf\"\n@include \"large.conf\"\n",
        NULL);
    assert_string_equal(tg_config_files_text(files),
                        "plant.conf:4: @include: the configuration with its includes is larger "
                        "than 1048576 bytes\n");
}

int
main(void)
{
#define TEST(name)                                                                                 \
    cmocka_unit_test_setup_teardown(name, tg_config_files_setup, tg_config_files_teardown)
    const struct CMUnitTest tests[] = {
        TEST(include_is_relative_to_the_file_that_says_it),
        TEST(include_mistakes_name_the_included_file_and_its_line),
        TEST(include_syntax_mistakes_name_the_included_file_and_its_line),
        TEST(include_in_comments_and_strings_is_none),
        TEST(include_of_what_cannot_be_read_is_a_problem_of_its_line),
        TEST(include_of_itself_ends),
        TEST(include_of_more_than_fits_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
