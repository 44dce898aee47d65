#include "tg_config_files.h"

static const char MINIMAL[] = "kafka: { bootstrap_servers = \"127.0.0.1:9092\"; };\n"
                              "registry: { url = \"http://127.0.0.1:8081\"; };\n"
                              "database: { url = \"postgresql://tidegate@127.0.0.1/plant\"; };\n"
                              "sinks = ( { name = \"sensors\"; topics = [ \"sensors\" ];\n"
                              "            batch: { max_rows = 5; }; } );\n";

enum { MAX_VARIABLES = 16 };

typedef struct variables {
    char *entries[MAX_VARIABLES + 1];
} variables_t;

static variables_t
variables_of(const char *const *entries)
{
    variables_t variables = {{NULL}};
    for (size_t i = 0; entries[i] != NULL && i < MAX_VARIABLES; i++) {
        variables.entries[i] = strdup(entries[i]);
        assert_non_null(variables.entries[i]);
    }
    return variables;
}

static void
variables_done(variables_t *variables)
{
    for (size_t i = 0; variables->entries[i] != NULL; i++) {
        free(variables->entries[i]);
    }
}

static const tg_config_t *
must(tg_config_files_t *files, const char *text, const char *const *entries)
{
    variables_t variables = variables_of(entries);
    const tg_config_t *config = tg_config_files_must(files, text, variables.entries);
    variables_done(&variables);
    return config;
}

#define ENTRIES(...) ((const char *const[]){__VA_ARGS__, NULL})

static void
environment_variables_go_over_the_file(void **state)
{
    const tg_config_t *config = must(
        *state, MINIMAL,
        ENTRIES("TIDEGATE_KAFKA__BOOTSTRAP_SERVERS=b:1", "TIDEGATE_SINKS__0__BATCH__MAX_ROWS=77",
                "TIDEGATE_LOG__LEVEL=error", "TIDEGATE_REGISTRY__VERIFY_HOST=False",
                "TIDEGATE_SINKS__0__BATCH__MAX_BYTES=1MiB",
                "TIDEGATE_HTTP__LISTEN=", "TIDEGATE_SHUTDOWN_TIMEOUT_MS=9s"));
    assert_string_equal(config->kafka.bootstrap_servers, "b:1");
    assert_int_equal(config->sinks[0].batch.max_rows, 77);
    assert_int_equal(config->sinks[0].batch.max_bytes, (size_t)1024 * 1024);
    assert_int_equal(config->log.level, TG_LOG_LEVEL_ERROR);
    assert_false(config->registry.verify_host);
    assert_string_equal(config->http.listen, "");
    assert_int_equal(config->shutdown_timeout_ms, 9000);
}

static void
environment_can_say_everything(void **state)
{
    const tg_config_t *config = must(
        *state, "",
        ENTRIES("TIDEGATE_SINKS__1__TOPICS=b", "TIDEGATE_SINKS__1__NAME=second",
                "TIDEGATE_SINKS__0__NAME=first", "TIDEGATE_SINKS__0__TOPICS__1=^y",
                "TIDEGATE_SINKS__0__TOPICS__0=x", "TIDEGATE_SINKS__0__ROUTES__0__TOPIC=^.*",
                "TIDEGATE_SINKS__0__ROUTES__0__TABLE=public.all",
                "TIDEGATE_KAFKA__BOOTSTRAP_SERVERS=a", "TIDEGATE_REGISTRY__URLS=http://a, http://b",
                "TIDEGATE_DATABASE__URL=host=a dbname=b"));
    assert_int_equal(config->n_sinks, 2);
    assert_string_equal(config->sinks[0].name, "first");
    assert_int_equal(config->sinks[0].topics.n_items, 2);
    assert_string_equal(config->sinks[0].topics.items[1], "^y");
    assert_string_equal(config->sinks[0].routes[0].table, "public.all");
    assert_string_equal(config->sinks[1].topics.items[0], "b");
    assert_int_equal(config->registry.urls.n_items, 2);
    assert_string_equal(config->registry.urls.items[1], "http://b");
    assert_string_equal(config->database.url, "host=a dbname=b");
}

static void
environment_adds_more_than_ten_elements_in_their_order(void **state)
{
    const tg_config_t *config =
        must(*state, MINIMAL,
             ENTRIES("TIDEGATE_SINKS__0__TOPICS__10=k", "TIDEGATE_SINKS__0__TOPICS__9=j",
                     "TIDEGATE_SINKS__0__TOPICS__1=b", "TIDEGATE_SINKS__0__TOPICS__2=c",
                     "TIDEGATE_SINKS__0__TOPICS__3=d", "TIDEGATE_SINKS__0__TOPICS__4=e",
                     "TIDEGATE_SINKS__0__TOPICS__5=f", "TIDEGATE_SINKS__0__TOPICS__6=g",
                     "TIDEGATE_SINKS__0__TOPICS__7=h", "TIDEGATE_SINKS__0__TOPICS__8=i"));
    assert_int_equal(config->sinks[0].topics.n_items, 11);
    assert_string_equal(config->sinks[0].topics.items[2], "c");
    assert_string_equal(config->sinks[0].topics.items[10], "k");
}

static void
environment_properties_are_lower_case_with_dots(void **state)
{
    const tg_config_t *config =
        must(*state, MINIMAL, ENTRIES("TIDEGATE_KAFKA__PROPERTIES__SECURITY_PROTOCOL=SSL"));
    assert_int_equal(config->kafka.n_properties, 1);
    assert_string_equal(config->kafka.properties[0].name, "security.protocol");
    assert_string_equal(config->kafka.properties[0].value, "SSL");
}

static void
environment_values_are_expanded_like_those_of_the_file(void **state)
{
    const tg_config_t *config =
        must(*state, MINIMAL,
             ENTRIES("TIDEGATE_SINKS__0__WRITERS=${env:N}", "N=7",
                     "TIDEGATE_SINKS__0__TOPICS=${env:TOPICS}", "TOPICS=a, b"));
    assert_int_equal(config->sinks[0].writers, 7);
    assert_int_equal(config->sinks[0].topics.n_items, 2);
}

static void
environment_of_others_is_left_alone(void **state)
{
    const tg_config_t *config =
        must(*state, MINIMAL,
             ENTRIES("TIDEGATE_CONFIG=x", "TIDEGATE_FAULT=y", "DATABASE_URL=postgresql://other/db",
                     "PGPASSWORD=z", "TIDEGATEX=1", "no equals sign", "TIDEGATE_NO_EQUALS"));
    assert_string_equal(config->database.url, "postgresql://tidegate@127.0.0.1/plant");
}

static void
environment_of_kubernetes_services_is_left_alone(void **state)
{
    (void)must(*state, MINIMAL,
               ENTRIES("TIDEGATE_SERVICE_HOST=10.0.0.1", "TIDEGATE_SERVICE_PORT=8083",
                       "TIDEGATE_SERVICE_PORT_HTTP=8083", "TIDEGATE_PORT=tcp://10.0.0.1:8083",
                       "TIDEGATE_PORT_8083_TCP=tcp://10.0.0.1:8083",
                       "TIDEGATE_PORT_8083_TCP_PROTO=tcp", "TIDEGATE_METRICS_SERVICE_HOST=10.0.0.2",
                       "TIDEGATE_METRICS_PORT=tcp://10.0.0.2:1",
                       "TIDEGATE_METRICS_PORT_1_TCP_PORT=1", "TIDEGATE_TEST_PYTHON=python3"));
    tg_config_files_t *files = *state;
    variables_t variables = variables_of(ENTRIES("TIDEGATE_HTTP_PORT=8083"));
    tg_config_files_try(files, MINIMAL, variables.entries);
    variables_done(&variables);
    assert_int_equal(files->status, TG_ERR_CONFIG);
}

static void
environment_mistakes_name_the_variable(void **state)
{
    static const struct {
        const char *entry;
        const char *expected;
    } CASES[] = {
        {"TIDEGATE_KAFKA__BOOTSTRAP_SERVER=a",
         "environment: TIDEGATE_KAFKA__BOOTSTRAP_SERVER: unknown variable; did you mean "
         "TIDEGATE_KAFKA__BOOTSTRAP_SERVERS?\n"},
        {"TIDEGATE_KAFKA_BOOTSTRAP_SERVERS=a",
         "environment: TIDEGATE_KAFKA_BOOTSTRAP_SERVERS: unknown variable; did you mean "
         "TIDEGATE_KAFKA__BOOTSTRAP_SERVERS?\n"},
        {"TIDEGATE_SINK__3__WRITERS=a",
         "environment: TIDEGATE_SINK__3__WRITERS: unknown variable; did you mean "
         "TIDEGATE_SINKS__3__WRITERS?\n"},
        {"TIDEGATE_WHATEVER=a",
         "environment: TIDEGATE_WHATEVER: unknown variable; those that begin with TIDEGATE_ name "
         "configuration keys, such as TIDEGATE_KAFKA__BOOTSTRAP_SERVERS\n"},
        {"TIDEGATE_=a",
         "environment: TIDEGATE_: unknown variable; those that begin with TIDEGATE_ name "
         "configuration keys, such as TIDEGATE_KAFKA__BOOTSTRAP_SERVERS\n"},
        {"TIDEGATE_NAME__0=a",
         "environment: TIDEGATE_NAME__0: unknown variable; those that begin with TIDEGATE_ name "
         "configuration keys, such as TIDEGATE_KAFKA__BOOTSTRAP_SERVERS\n"},
        {"TIDEGATE_SINKS__0__WRITERS=many",
         "environment: sinks[0].writers: \"many\" is not a number; write writers = 2; (set by "
         "TIDEGATE_SINKS__0__WRITERS)\n"},
        {"TIDEGATE_SINKS__0__WRITERS=5s",
         "environment: sinks[0].writers: \"5s\" is not a number; write writers = 2; (set by "
         "TIDEGATE_SINKS__0__WRITERS)\n"},
        {"TIDEGATE_SINKS__0__WRITERS=-99999999999999999999",
         "environment: sinks[0].writers: \"-99999999999999999999\" is out of range; allowed are 1 "
         "to 64 writers (set by TIDEGATE_SINKS__0__WRITERS)\n"},
        {"TIDEGATE_SINKS__0__ROUTES__0__CREATE=maybe",
         "environment: sinks[0].routes[0].topic: missing; write topic = \"sensors\"; (set by "
         "TIDEGATE_SINKS__0__ROUTES__0__CREATE)\n"
         "environment: sinks[0].routes[0].table: missing; write table = "
         "\"public.sensor_readings\"; (set by TIDEGATE_SINKS__0__ROUTES__0__CREATE)\n"
         "environment: sinks[0].routes[0].create: \"maybe\" is neither true nor false (set by "
         "TIDEGATE_SINKS__0__ROUTES__0__CREATE)\n"},
        {"TIDEGATE_SINKS__2__NAME=a",
         "environment: sinks[2].name: index 2 leaves a gap; the next free one is 1 (set by "
         "TIDEGATE_SINKS__2__NAME)\n"},
        {"TIDEGATE_SINKS__0__TOPICS=",
         "environment: sinks[0].topics: must not be empty; write topics = [ \"sensors\" ]; (set "
         "by TIDEGATE_SINKS__0__TOPICS)\n"},
        {"TIDEGATE_KAFKA__PROPERTIES__1X=a",
         "environment: kafka.properties.1x: \"1x\" cannot be a name; it begins with a letter and "
         "has only letters, digits, _ and - (set by TIDEGATE_KAFKA__PROPERTIES__1X)\n"},
        {"TIDEGATE_REGISTRY__PASSWORD=hunter2",
         "environment: registry.password: needs registry.username; write it too (set by "
         "TIDEGATE_REGISTRY__PASSWORD)\n"},
        {"TIDEGATE_REGISTRY__TIMEOUT_MS=${env:NOT_SET}",
         "environment: registry.timeout_ms: the environment variable NOT_SET is not set; set it "
         "before the start (set by TIDEGATE_REGISTRY__TIMEOUT_MS)\n"},
    };

    tg_config_files_t *files = *state;
    for (size_t i = 0; i < TG_COUNT_OF(CASES); i++) {
        variables_t variables = variables_of(ENTRIES(CASES[i].entry));
        tg_config_files_try(files, MINIMAL, variables.entries);
        variables_done(&variables);
        assert_int_equal(files->status, TG_ERR_CONFIG);
        assert_string_equal(tg_config_files_text(files), CASES[i].expected);
    }
}

static void
environment_over_a_wrong_file_leaves_the_file_to_blame(void **state)
{
    tg_config_files_t *files = *state;
    variables_t variables = variables_of(
        ENTRIES("TIDEGATE_HTTP__MAX_CONNECTIONS=5", "TIDEGATE_SINKS__0__WRITERS=5",
                "TIDEGATE_KAFKA__BOOTSTRAP_SERVERS=a", "TIDEGATE_DATABASE__URL=host=a"));
    tg_config_files_try(files,
                        "http = 5;\nsinks = 7;\nregistry: { url = \"http://a\"; };\n"
                        "kafka: { bootstrap_servers: { }; };\n",
                        variables.entries);
    variables_done(&variables);
    assert_string_equal(
        tg_config_files_text(files),
        "plant.conf:1: http: expected a group, found an integer; write http: { ... };\n"
        "plant.conf:2: sinks: expected a list of groups, found an integer; write sinks = ( { ... } "
        ");\n");
}

int
main(void)
{
#define TEST(name)                                                                                 \
    cmocka_unit_test_setup_teardown(name, tg_config_files_setup, tg_config_files_teardown)
    const struct CMUnitTest tests[] = {
        TEST(environment_variables_go_over_the_file),
        TEST(environment_can_say_everything),
        TEST(environment_adds_more_than_ten_elements_in_their_order),
        TEST(environment_properties_are_lower_case_with_dots),
        TEST(environment_values_are_expanded_like_those_of_the_file),
        TEST(environment_of_others_is_left_alone),
        TEST(environment_of_kubernetes_services_is_left_alone),
        TEST(environment_mistakes_name_the_variable),
        TEST(environment_over_a_wrong_file_leaves_the_file_to_blame),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
