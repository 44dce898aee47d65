#include "tg_config_files.h"

/* A configuration whose name, listen and database.url are the test's. */
static const char FORM[] = "name = \"%s\";\n"
                           "kafka: { bootstrap_servers = \"127.0.0.1:9092\"; };\n"
                           "registry: { url = \"http://127.0.0.1:8081\"; };\n"
                           "database: { url = \"%s\"; };\n"
                           "sinks = ( { name = \"sensors\"; topics = [ \"sensors\" ]; } );\n";

static void
try_form(tg_config_files_t *files, const char *name, const char *url, const char *variable)
{
    char text[1024];
    (void)snprintf(text, sizeof text, FORM, name, url);
    char *entry = variable != NULL ? strdup(variable) : NULL;
    char *environment[] = {entry, NULL};
    tg_config_files_try(files, text, environment);
    free(entry);
}

/* ${file:...} of a file in the test's directory. */
static void
file_reference(const tg_config_files_t *files, const char *name, char ret_text[128])
{
    (void)snprintf(ret_text, 128, "${file:%s/%s}", files->directory, name);
}

static void
expansion_of_a_variable_stands_anywhere_in_a_value(void **state)
{
    tg_config_files_t *files = *state;
    try_form(files, "plant", "postgresql://u:${env:SECRET}@h/${env:SECRET}", "SECRET=hunter2");
    assert_int_equal(files->status, TG_OK);
    assert_string_equal(files->config->database.url, "postgresql://u:hunter2@h/hunter2");
}

static void
expansion_of_a_file_leaves_out_one_newline_at_its_end(void **state)
{
    static const struct {
        const char *content;
        const char *expected;
    } CASES[] = {
        {"host=a", "host=a"},       {"host=a\n", "host=a"},     {"host=a\r\n", "host=a"},
        {"host=a\n\n", "host=a\n"}, {" host=a \n", " host=a "},
    };

    tg_config_files_t *files = *state;
    for (size_t i = 0; i < TG_COUNT_OF(CASES); i++) {
        char reference[128];
        file_reference(files, "secret", reference);
        tg_config_files_write("secret", CASES[i].content);
        try_form(files, "plant", reference, NULL);
        assert_int_equal(files->status, TG_OK);
        assert_string_equal(files->config->database.url, CASES[i].expected);
    }
}

static void
expansion_is_not_done_a_second_time(void **state)
{
    tg_config_files_t *files = *state;
    try_form(files, "plant", "host=${env:SECRET}", "SECRET=${env:SECRET}");
    assert_int_equal(files->status, TG_OK);
    assert_string_equal(files->config->database.url, "host=${env:SECRET}");
}

static void
expansion_leaves_other_dollars_alone(void **state)
{
    tg_config_files_t *files = *state;
    try_form(files, "plant", "host=$1 a=$$ b=${topic} c=${} d=$", NULL);
    assert_int_equal(files->status, TG_OK);
    assert_string_equal(files->config->database.url, "host=$1 a=$$ b=${topic} c=${} d=$");
}

static void
expansion_mistakes_name_the_variable_or_the_file(void **state)
{
    static const struct {
        const char *value;
        const char *expected;
    } CASES[] = {
        {"${env:NOT_SET}", "the environment variable NOT_SET is not set; set it before the start"},
        {"${env:}", "\"\" is not a variable's name; write ${env:NAME}"},
        {"${env:A-B}", "\"A-B\" is not a variable's name; write ${env:NAME}"},
        {"${env:A", "${env: has no closing brace; write }"},
        {"${file:secret}", "\"secret\" is not a whole path; write ${file:/path/to/file}"},
        {"${file:}", "\"\" is not a whole path; write ${file:/path/to/file}"},
        {"${file:/no/such}",
         "cannot read /no/such: No such file or directory; correct the path or the file"},
        {"${file:/dev/null}",
         "cannot read /dev/null: it is not a regular file; correct the path or the file"},
        {"${file:/}", "cannot read /: it is a directory; correct the path or the file"},
        {"${vault:x}", "${vault:...} is unknown; write ${env:NAME} or ${file:/path}"},
    };

    tg_config_files_t *files = *state;
    for (size_t i = 0; i < TG_COUNT_OF(CASES); i++) {
        char expected[256];
        (void)snprintf(expected, sizeof expected, "plant.conf:4: database.url: %s\n",
                       CASES[i].expected);
        try_form(files, "plant", CASES[i].value, NULL);
        assert_int_equal(files->status, TG_ERR_CONFIG);
        assert_string_equal(tg_config_files_text(files), expected);
    }
}

static void
expansion_of_too_large_a_file_is_refused(void **state)
{
    tg_config_files_t *files = *state;

    enum { N_BYTES = 64 * 1024 + 1 };

    char *content = malloc(N_BYTES);
    assert_non_null(content);
    memset(content, 'x', N_BYTES);
    char reference[128];
    file_reference(files, "secret", reference);
    tg_config_files_write_bytes("secret", content, N_BYTES);
    try_form(files, "plant", reference, NULL);
    assert_int_equal(files->status, TG_ERR_CONFIG);
    assert_non_null(strstr(tg_config_files_text(files), "is larger than 65536 bytes"));
    /* Two that fit alone but not together. */
    tg_config_files_write_bytes("secret", content, 40000);
    free(content);
    char both[300];
    (void)snprintf(both, sizeof both, "%s%s", reference, reference);
    try_form(files, "plant", both, NULL);
    assert_string_equal(tg_config_files_text(files),
                        "plant.conf:4: database.url: the value is longer than 65536 bytes\n");
}

static void
expansion_with_a_zero_byte_is_refused(void **state)
{
    tg_config_files_t *files = *state;
    char reference[128];
    file_reference(files, "secret", reference);
    tg_config_files_write_bytes("secret", "a\0b", 3);
    try_form(files, "plant", reference, NULL);
    assert_non_null(strstr(tg_config_files_text(files), "is not text: it has a NUL byte"));
}

static void
expansion_never_waits_for_a_pipe(void **state)
{
    tg_config_files_t *files = *state;
    char reference[128];
    file_reference(files, "pipe", reference);
    assert_int_equal(mkfifo("pipe", 0600), 0);
    try_form(files, "plant", reference, NULL);
    assert_non_null(strstr(tg_config_files_text(files), "it is not a regular file"));
}

static void
expansion_keeps_what_came_from_outside_out_of_messages(void **state)
{
    tg_config_files_t *files = *state;
    tg_config_files_write("secret", "hunter2 is the password");
    char reference[128];
    file_reference(files, "secret", reference);
    try_form(files, reference, "host=a", NULL);
    assert_string_equal(tg_config_files_text(files),
                        "plant.conf:1: name: the value is not a name; it has only letters, digits, "
                        "'.', '_' and '-'\n");
    char text[512];
    (void)snprintf(text, sizeof text,
                   "log: { level = \"%s\"; };\nshutdown_timeout_ms = \"%s\";\n"
                   "sinks = ( { writers = \"%s\"; topics = \"%s\";\n"
                   "routes = ( { create = \"%s\"; } ); } );\n",
                   reference, reference, reference, reference, reference);
    tg_config_files_try(files, text, NULL);
    assert_null(strstr(tg_config_files_text(files), "hunter2"));
    assert_null(strstr(files->err.text, "hunter2"));
    assert_non_null(strstr(tg_config_files_text(files),
                           "plant.conf:1: log.level: the value is not available; use"));
}

int
main(void)
{
#define TEST(name)                                                                                 \
    cmocka_unit_test_setup_teardown(name, tg_config_files_setup, tg_config_files_teardown)
    const struct CMUnitTest tests[] = {
        TEST(expansion_of_a_variable_stands_anywhere_in_a_value),
        TEST(expansion_of_a_file_leaves_out_one_newline_at_its_end),
        TEST(expansion_is_not_done_a_second_time),
        TEST(expansion_leaves_other_dollars_alone),
        TEST(expansion_mistakes_name_the_variable_or_the_file),
        TEST(expansion_of_too_large_a_file_is_refused),
        TEST(expansion_with_a_zero_byte_is_refused),
        TEST(expansion_never_waits_for_a_pipe),
        TEST(expansion_keeps_what_came_from_outside_out_of_messages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
