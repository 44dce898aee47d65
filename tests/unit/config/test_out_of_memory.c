// wrap: malloc calloc realloc reallocarray strdup
#include "tg_config_files.h"
#include "tg_torture.h"

static const char SOUND[] = "kafka: { bootstrap_servers = \"a\"; properties: { x = \"y\"; }; };\n"
                            "@include \"rest.conf\"\n"
                            "sinks = ( { name = \"s\"; topics = [ \"t\", \"^u\" ];\n"
                            "  memory: { encoded_bytes = 5000000000; };\n"
                            "  routes = ( { topic = \"^.*\"; table = \"a.b\"; } ); } );\n";
static const char REST[] = "registry: { urls = [ \"http://a\" ]; password = \"${env:SECRET}\";\n"
                           "  username = \"${file:%s/rest.conf}\"; };\n"
                           "database: { url = \"host=a\"; };\n";
static const char BROKEN[] = "kafka = 5;\nnam = \"x\";\nsinks = ( { writers = 0; } );\n";
static const char REFUSED[] = "name = x;\nlog: { level info; };\n";

static tg_status_t
load(tg_config_problems_t **ret_problems, tg_config_t **ret_config)
{
    static char variable[] = "TIDEGATE_SINKS__0__WRITERS=3";
    static char secret[] = "SECRET=hunter2";
    char *environment[] = {variable, secret, NULL};
    *ret_config = NULL;
    *ret_problems = tg_config_problems_new();
    tg_error_t err = {.status = TG_OK};
    if (*ret_problems == NULL) {
        return TG_ERR_NO_MEMORY;
    }
    return tg_config_load("plant.conf", environment, *ret_problems, ret_config, &err);
}

static tg_status_t final_status;

/* Each allocation of ours fails once (libconfig's own are not seen here). */
static void
load_once(void)
{
    tg_config_problems_t *problems = NULL;
    tg_config_t *config = NULL;
    final_status = load(&problems, &config);
    assert_int_equal(final_status == TG_OK, config != NULL);
    tg_config_free(config);
    tg_config_problems_free(problems);
}

static void
fail_each(const char *text, tg_status_t expected)
{
    tg_config_files_write("plant.conf", text);
    assert_true(tg_torture(load_once) > 10);
    assert_int_equal(final_status, expected);
}

static void
config_out_of_memory_says_so_and_loses_nothing(void **state)
{
    const tg_config_files_t *files = *state;
    char rest[512];
    (void)snprintf(rest, sizeof rest, REST, files->directory);
    tg_config_files_write("rest.conf", rest);
    fail_each(SOUND, TG_OK);
    fail_each(BROKEN, TG_ERR_CONFIG);
    fail_each(REFUSED, TG_ERR_CONFIG);
}

static tg_config_t *loaded;

static void
dump_once(void)
{
    tg_buffer_t out;
    tg_buffer_init(&out, (size_t)64 * 1024);
    size_t n_changes = 0;
    final_status = tg_config_dump(loaded, &out);
    if (final_status == TG_OK) {
        final_status = tg_config_reload_check(loaded, loaded, &out, &n_changes);
    }
    tg_buffer_done(&out);
    assert_true(final_status == TG_OK || final_status == TG_ERR_NO_MEMORY);
}

static void
config_dump_out_of_memory_says_so(void **state)
{
    const tg_config_files_t *files = *state;
    char rest[512];
    (void)snprintf(rest, sizeof rest, REST, files->directory);
    tg_config_files_write("rest.conf", rest);
    tg_config_files_write("plant.conf", SOUND);
    tg_config_problems_t *problems = NULL;
    assert_int_equal(load(&problems, &loaded), TG_OK);
    assert_true(tg_torture(dump_once) > 10);
    assert_int_equal(final_status, TG_OK);
    tg_config_free(loaded);
    tg_config_problems_free(problems);
}

int
main(void)
{
#define TEST(name)                                                                                 \
    cmocka_unit_test_setup_teardown(name, tg_config_files_setup, tg_config_files_teardown)
    const struct CMUnitTest tests[] = {
        TEST(config_out_of_memory_says_so_and_loses_nothing),
        TEST(config_dump_out_of_memory_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
