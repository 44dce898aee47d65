#include "tg_config_files.h"

#define KAFKA    "kafka: { bootstrap_servers = \"127.0.0.1:9092\"; };\n"
#define REGISTRY "registry: { url = \"http://127.0.0.1:8081\"; };\n"
#define DATABASE "database: { url = \"postgresql://tidegate@127.0.0.1/plant\"; };\n"
#define SINKS    "sinks = ( { name = \"sensors\"; topics = [ \"sensors\" ]; } );\n"
#define MINIMAL  KAFKA REGISTRY DATABASE SINKS

static char *
variable(const char *text)
{
    char *copy = strdup(text);
    assert_non_null(copy);
    return copy;
}

/* environ of up to eight variables; freed by release. */
static void
environment_of(char *ret_environment[9], const char *const *variables)
{
    size_t n = 0;
    for (; variables[n] != NULL && n < 8; n++) {
        ret_environment[n] = variable(variables[n]);
    }
    ret_environment[n] = NULL;
}

static void
release(char *environment[9])
{
    for (size_t i = 0; environment[i] != NULL; i++) {
        free(environment[i]);
    }
}

static void
try_with(tg_config_files_t *files, const char *text, const char *const *variables)
{
    char *environment[9];
    environment_of(environment, variables);
    tg_config_files_try(files, text, environment);
    release(environment);
}

static const tg_config_t *
must_with(tg_config_files_t *files, const char *text, const char *const *variables)
{
    char *environment[9];
    environment_of(environment, variables);
    const tg_config_t *config = tg_config_files_must(files, text, environment);
    release(environment);
    return config;
}

static void
config_of_a_minimal_file_has_every_default(void **state)
{
    const tg_config_t *config = tg_config_files_must(*state, MINIMAL, NULL);
    assert_string_equal(config->name, "tidegate");
    assert_int_equal(config->log.level, TG_LOG_LEVEL_INFO);
    assert_int_equal(config->log.format, TG_LOG_FORMAT_TEXT);
    assert_int_equal(config->registry.urls.n_items, 1);
    assert_string_equal(config->registry.urls.items[0], "http://127.0.0.1:8081");
    assert_null(config->registry.directory);
    assert_true(config->registry.verify_host);
    assert_int_equal(config->registry.timeout_ms, 5000);
    assert_int_equal(config->registry.negative_ttl_ms, 60000);
    assert_int_equal(config->database.connect_timeout_ms, 5000);
    assert_int_equal(config->database.statement_timeout_ms, 60000);
    assert_int_equal(config->database.lock_timeout_ms, 5000);
    assert_string_equal(config->http.listen, "127.0.0.1:8083");
    assert_int_equal(config->http.max_connections, 64);
    assert_int_equal(config->http.idle_timeout_ms, 15000);
    assert_int_equal(config->shutdown_timeout_ms, 30000);
    assert_int_equal(config->kafka.n_properties, 0);
    assert_int_equal(config->n_sinks, 1);
}

static void
config_of_a_minimal_sink_has_every_default(void **state)
{
    const tg_config_t *config = tg_config_files_must(*state, MINIMAL, NULL);
    const tg_sink_config_t *sink = &config->sinks[0];
    assert_string_equal(sink->group, "connect-sensors");
    assert_null(sink->instance_id);
    assert_null(sink->fixed_schema);
    assert_int_equal(sink->writers, 1);
    assert_int_equal(sink->start, TG_START_EARLIEST);
    assert_int_equal(sink->session_timeout_ms, 10000);
    assert_int_equal(sink->revoke_timeout_ms, 3000);
    assert_int_equal(sink->nul_policy, TG_NUL_DEAD_LETTER);
    assert_int_equal(sink->batch.max_rows, 20000);
    assert_int_equal(sink->batch.max_bytes, 8 * 1024 * 1024);
    assert_int_equal(sink->batch.linger_ms, 0);
    assert_int_equal(sink->errors.tolerance, TG_TOLERANCE_NONE);
    assert_null(sink->errors.dead_letter_topic);
    assert_int_equal(sink->errors.dead_letter_replication_factor, -1);
    assert_int_equal(sink->errors.max_record_bytes, 16 * 1024 * 1024);
    assert_int_equal(sink->memory.fetch_bytes, 48 * 1024 * 1024);
    assert_int_equal(sink->memory.encoded_bytes, 48 * 1024 * 1024);
}

static void
config_without_routes_sends_every_topic_to_its_table_in_public(void **state)
{
    const tg_config_t *config = tg_config_files_must(*state, MINIMAL, NULL);
    assert_int_equal(config->sinks[0].n_routes, 1);
    const tg_route_config_t *route = &config->sinks[0].routes[0];
    assert_string_equal(route->topic, "^.*");
    assert_string_equal(route->table, "public.${topic}");
    assert_int_equal(route->mode, TG_MODE_APPEND);
    assert_false(route->create);
    assert_false(route->evolve);
    assert_int_equal(route->nested, TG_CONFIG_NESTED_FLATTEN);
}

/* The blueprint's, as far as it is there yet. */
static const char FULL[] =
    "name = \"plant\"; shutdown_timeout_ms = \"1min\";\n"
    "log: { level = \"warning\"; format = \"json\"; };\n"
    "kafka: { bootstrap_servers = \"a:9092,b:9092\";\n"
    "  properties: { security_protocol = \"SASL_SSL\"; sasl_password = \"hunter2\";\n"
    "    enable_ssl_certificate_verification = true; fetch_wait_max_ms = 5; }; };\n"
    "registry: { urls = [ \"http://a\", \"https://b/path\" ]; username = \"u\"; password = \"p\";\n"
    "  ca_file = \"ca.pem\"; certificate_file = \"c.pem\"; key_file = \"k.pem\";\n"
    "  cache_directory = \"cache\"; verify_host = false; timeout_ms = \"250ms\";\n"
    "  negative_ttl_ms = 0; };\n"
    "database: { url = \"host=a dbname=b\"; connect_timeout_ms = \"1 s\";\n"
    "  statement_timeout_ms = \"2min\"; lock_timeout_ms = 7; };\n"
    "http: { listen = \"\"; max_connections = 1; idle_timeout_ms = \"1h\"; };\n"
    "sinks = (\n"
    "  { name = \"sensors\"; group = \"g\"; instance_id = \"one\"; writers = 64;\n"
    "    topics = [ \"sensors\", \"^plant-(.*)$\" ]; start = \"committed\";\n"
    "    session_timeout_ms = 6000; revoke_timeout_ms = 0; nul_policy = \"strip\";\n"
    "    batch: { max_rows = 1; max_bytes = \"64KiB\"; linger_ms = \"5ms\"; };\n"
    "    errors: { tolerance = \"all\"; dead_letter_topic = \"dead\";\n"
    "      dead_letter_replication_factor = 3; max_record_bytes = \"1MB\"; };\n"
    "    memory: { fetch_bytes = 65536; encoded_bytes = \"1 GiB\"; };\n"
    "    routes = (\n"
    "      { topic = \"sensors\"; table = \"public.readings\"; mode = \"append\"; create = true;\n"
    "        evolve = true; time_column = \"time\"; chunk_interval = \"1 day 12 hours\";\n"
    "        segment_by = [ \"sensor\", \"site\" ]; nested = \"jsonb\"; direct_compress = \"off\"; "
    "},\n"
    "      { topic = \"^plant-(.*)$\"; table = \"plant.$1_${topic}\"; } ); },\n"
    "  { name = \"other\"; topics = ( \"x\" ); start = \"latest\"; } );\n";

static void
config_reads_every_key_of_the_root(void **state)
{
    const tg_config_t *config = tg_config_files_must(*state, FULL, NULL);
    assert_string_equal(config->name, "plant");
    assert_int_equal(config->shutdown_timeout_ms, 60000);
    assert_int_equal(config->log.level, TG_LOG_LEVEL_WARNING);
    assert_int_equal(config->log.format, TG_LOG_FORMAT_JSON);
    assert_string_equal(config->kafka.bootstrap_servers, "a:9092,b:9092");
    assert_int_equal(config->registry.urls.n_items, 2);
    assert_string_equal(config->registry.urls.items[1], "https://b/path");
    assert_string_equal(config->registry.username, "u");
    assert_string_equal(config->registry.password, "p");
    assert_string_equal(config->registry.ca_file, "ca.pem");
    assert_string_equal(config->registry.certificate_file, "c.pem");
    assert_string_equal(config->registry.key_file, "k.pem");
    assert_string_equal(config->registry.cache_directory, "cache");
    assert_false(config->registry.verify_host);
    assert_int_equal(config->registry.timeout_ms, 250);
    assert_int_equal(config->registry.negative_ttl_ms, 0);
    assert_string_equal(config->database.url, "host=a dbname=b");
    assert_int_equal(config->database.connect_timeout_ms, 1000);
    assert_int_equal(config->database.statement_timeout_ms, 120000);
    assert_int_equal(config->database.lock_timeout_ms, 7);
    assert_string_equal(config->http.listen, "");
    assert_int_equal(config->http.max_connections, 1);
    assert_int_equal(config->http.idle_timeout_ms, 3600000);
}

static void
config_properties_have_dots_and_text_values(void **state)
{
    const tg_config_t *config = tg_config_files_must(*state, FULL, NULL);
    static const tg_config_pair_t EXPECTED[] = {
        {"security.protocol", "SASL_SSL"},
        {"sasl.password", "hunter2"},
        {"enable.ssl.certificate.verification", "true"},
        {"fetch.wait.max.ms", "5"},
    };
    assert_int_equal(config->kafka.n_properties, TG_COUNT_OF(EXPECTED));
    for (size_t i = 0; i < TG_COUNT_OF(EXPECTED); i++) {
        assert_string_equal(config->kafka.properties[i].name, EXPECTED[i].name);
        assert_string_equal(config->kafka.properties[i].value, EXPECTED[i].value);
    }
}

static void
config_reads_every_key_of_a_sink(void **state)
{
    const tg_config_t *config = tg_config_files_must(*state, FULL, NULL);
    assert_int_equal(config->n_sinks, 2);
    const tg_sink_config_t *sink = &config->sinks[0];
    assert_string_equal(sink->name, "sensors");
    assert_string_equal(sink->group, "g");
    assert_string_equal(sink->instance_id, "one");
    assert_int_equal(sink->writers, 64);
    assert_int_equal(sink->topics.n_items, 2);
    assert_string_equal(sink->topics.items[1], "^plant-(.*)$");
    assert_int_equal(sink->start, TG_START_COMMITTED);
    assert_int_equal(sink->session_timeout_ms, 6000);
    assert_int_equal(sink->revoke_timeout_ms, 0);
    assert_int_equal(sink->nul_policy, TG_NUL_STRIP);
    assert_int_equal(sink->batch.max_rows, 1);
    assert_int_equal(sink->batch.max_bytes, 65536);
    assert_int_equal(sink->batch.linger_ms, 5);
    assert_int_equal(sink->errors.tolerance, TG_TOLERANCE_ALL);
    assert_string_equal(sink->errors.dead_letter_topic, "dead");
    assert_int_equal(sink->errors.dead_letter_replication_factor, 3);
    assert_int_equal(sink->errors.max_record_bytes, 1000000);
    assert_int_equal(sink->memory.fetch_bytes, 65536);
    assert_int_equal(sink->memory.encoded_bytes, 1024 * 1024 * 1024);
    assert_int_equal(config->sinks[1].start, TG_START_LATEST);
    assert_string_equal(config->sinks[1].topics.items[0], "x");
}

static void
config_reads_every_key_of_a_route(void **state)
{
    const tg_config_t *config = tg_config_files_must(*state, FULL, NULL);
    assert_int_equal(config->sinks[0].n_routes, 2);
    const tg_route_config_t *route = &config->sinks[0].routes[0];
    assert_string_equal(route->topic, "sensors");
    assert_string_equal(route->table, "public.readings");
    assert_true(route->create);
    assert_true(route->evolve);
    assert_string_equal(route->time_column, "time");
    assert_string_equal(route->chunk_interval, "1 day 12 hours");
    assert_int_equal(route->segment_by.n_items, 2);
    assert_string_equal(route->segment_by.items[1], "site");
    assert_int_equal(route->nested, TG_CONFIG_NESTED_JSONB);
    assert_int_equal(route->direct_compress, TG_DIRECT_COMPRESS_OFF);
    assert_int_equal(route->line, 22);
    assert_string_equal(config->sinks[0].routes[1].table, "plant.$1_${topic}");
    assert_int_equal(config->sinks[0].routes[1].line, 25);
}

static void
config_where_tells_the_line_of_a_key_or_of_what_is_around_it(void **state)
{
    const tg_config_t *config =
        must_with(*state, FULL, (const char *const[]){"TIDEGATE_SINKS__1__WRITERS=3", NULL});

    static const struct {
        const char *key;
        const char *file;
        int line;
    } CASES[] = {
        {"kafka.properties.sasl_password", "plant.conf", 4},
        {"kafka.properties.no_such", "plant.conf", 4},
        {"sinks[0].topics[1]", "plant.conf", 15},
        {"sinks[0].routes[1].create", "plant.conf", 25},
        {"sinks[0].routes", "plant.conf", 21},
        {"sinks[1].writers", "environment", 0},
        {"source", "plant.conf", 0},
    };

    for (size_t i = 0; i < TG_COUNT_OF(CASES); i++) {
        const char *file = NULL;
        int line = -1;
        tg_config_where(config, CASES[i].key, &file, &line);
        assert_string_equal(file, CASES[i].file);
        assert_int_equal(line, CASES[i].line);
    }
}

static void
config_integers_beyond_32_bits_are_kept_whole(void **state)
{
    const tg_config_t *config = tg_config_files_must(
        *state,
        KAFKA REGISTRY DATABASE
        "sinks = ( { name = \"s\"; topics = [ \"t\" ];\n"
        "  memory: { encoded_bytes = 5000000000; fetch_bytes = 0x7FFFFC00; };\n"
        "  batch: { max_bytes = 1073741824; }; } );\n",
        NULL);
    assert_int_equal(config->sinks[0].memory.encoded_bytes, 5000000000);
    assert_int_equal(config->sinks[0].memory.fetch_bytes, 0x7FFFFC00);
    assert_int_equal(config->sinks[0].batch.max_bytes, 1073741824);
}

static void
config_sizes_and_durations_take_every_unit(void **state)
{
    static const struct {
        const char *text;
        int64_t value;
    } SIZES[] = {{"1024", 1024},   {"2048B", 2048},     {"2KB", 2000},       {"2kib", 2048},
                 {"1MB", 1000000}, {"1 MiB ", 1048576}, {"1GB", 1000000000}, {" 1GiB", 1073741824}},
      DURATIONS[] = {{"0", 0}, {"7", 7}, {"7ms", 7}, {"7s", 7000}, {"7min", 420000}};

    tg_config_files_t *files = *state;
    for (size_t i = 0; i < TG_COUNT_OF(SIZES); i++) {
        char text[512];
        (void)snprintf(text, sizeof text,
                       KAFKA REGISTRY DATABASE "sinks = ( { name = \"s\"; topics = [ \"t\" ];\n"
                                               "memory: { encoded_bytes = \"1GiB\"; };\n"
                                               "batch: { max_bytes = \"%s\"; }; } );",
                       SIZES[i].text);
        const tg_config_t *config = tg_config_files_must(files, text, NULL);
        assert_int_equal(config->sinks[0].batch.max_bytes, SIZES[i].value);
    }
    for (size_t i = 0; i < TG_COUNT_OF(DURATIONS); i++) {
        char text[512];
        (void)snprintf(text, sizeof text,
                       KAFKA REGISTRY DATABASE "sinks = ( { name = \"s\"; topics = [ \"t\" ];\n"
                                               "batch: { linger_ms = \"%s\"; }; } );",
                       DURATIONS[i].text);
        const tg_config_t *config = tg_config_files_must(files, text, NULL);
        assert_int_equal(config->sinks[0].batch.linger_ms, DURATIONS[i].value);
    }
}

static void
config_reports_all_problems_in_the_order_of_the_file_and_then_the_environment(void **state)
{
    tg_config_files_t *files = *state;
    try_with(files,
             "log: { level = \"loud\"; };\n"
             "sinks = (\n"
             "  { name = \"a b\";\n"
             "    writers = 0;\n"
             "    topics = [ \"x\",\n"
             "      \"a b\"\n"
             "    ];\n"
             "  } );\n"
             "registry: { url = \"http://a\"; };\n"
             "kafka: { };\n",
             (const char *const[]){"PATH=/bin", "TIDEGATE_HTTP__MAX_CONNECTION=5",
                                   "TIDEGATE_HTTP__IDLE_TIMEOUT_MS=1ms", NULL});
    assert_int_equal(files->status, TG_ERR_CONFIG);
    assert_string_equal(
        tg_config_files_text(files),
        "plant.conf:1: log.level: \"loud\" is not available; use \"debug\", \"info\", \"warning\" "
        "or \"error\"\n"
        "plant.conf:3: sinks[0].name: \"a b\" is not a name; it has only letters, digits, '.', '_' "
        "and '-'\n"
        "plant.conf:4: sinks[0].writers: 0 is out of range; allowed are 1 to 64 writers\n"
        "plant.conf:6: sinks[0].topics[1]: \"a b\" is not a topic's name; it has only letters, "
        "digits, '.', '_' and '-', and a regular expression begins with ^\n"
        "plant.conf:10: kafka.bootstrap_servers: missing; write kafka: { bootstrap_servers = "
        "\"127.0.0.1:9092\"; };\n"
        "plant.conf: database.url: missing; write database: { url = "
        "\"postgresql://tidegate@127.0.0.1:5432/plant\"; };\n"
        "environment: TIDEGATE_HTTP__MAX_CONNECTION: unknown variable; did you mean "
        "TIDEGATE_HTTP__MAX_CONNECTIONS?\n"
        "environment: http.idle_timeout_ms: \"1ms\" is out of range; allowed are 1s to 1h (set by "
        "TIDEGATE_HTTP__IDLE_TIMEOUT_MS)\n");
    assert_int_equal(tg_config_problems_count(files->problems), 8);
    const tg_config_problem_t *third = tg_config_problems_at(files->problems, 2);
    assert_int_equal(third->line, 4);
    assert_string_equal(third->file, "plant.conf");
    assert_string_equal(third->key, "sinks[0].writers");
    assert_null(tg_config_problems_at(files->problems, 8));
    assert_string_equal(
        files->err.text,
        "8 problems in the configuration, first plant.conf:1: log.level: \"loud\" is "
        "not available; use \"debug\", \"info\", \"warning\" or \"error\"");
}

static void
config_reports_every_syntax_mistake_that_stands_alone(void **state)
{
    tg_config_files_t *files = *state;
    tg_config_files_try(files,
                        "name = plant;\n"
                        "http: { listen \"a:1\"; };\n"
                        "log: { level = \"info\"; level = \"info\"; };\n",
                        NULL);
    assert_string_equal(tg_config_files_text(files),
                        "plant.conf:1: name: the value is no number, and a string needs double "
                        "quotes; write name = \"plant\";\n"
                        "plant.conf:2: http.listen: = is missing after the name; write listen = "
                        "\"127.0.0.1:8083\";\n"
                        "plant.conf:3: log.level: is given a second time; it is in line 3 of "
                        "plant.conf already, remove one of them\n");
}

/* libconfig's scanner needs no space between a number and a name; nor may we, or lines go astray.
 */
static void
config_lines_are_right_where_words_touch(void **state)
{
    tg_config_files_t *files = *state;
    tg_config_files_try(files,
                        "shutdown_timeout_ms=77http:{max_connections=0x40idle_timeout_ms=1.5e3\n"
                        "listen=\"\"}a=-.5b=.c=1.d=1e+3e=5LLf=true g=[1\n,2]h=5000000000\n"
                        "log:{level=\"loud\"}\n" KAFKA REGISTRY DATABASE SINKS,
                        NULL);
    const char *text = tg_config_files_text(files);
    assert_non_null(strstr(text, "plant.conf:1: http.idle_timeout_ms: expected an integer"));
    assert_non_null(strstr(text, "plant.conf:2: a: unknown key"));
    assert_non_null(strstr(text, "plant.conf:2: e: unknown key"));
    assert_non_null(strstr(text, "plant.conf:2: g: unknown key"));
    assert_non_null(strstr(text, "plant.conf:3: h: unknown key"));
    assert_non_null(strstr(text, "plant.conf:4: log.level: \"loud\" is not available"));
}

static void
config_never_repeats_a_value_without_quotes(void **state)
{
    tg_config_files_t *files = *state;
    tg_config_files_try(files, "registry: { password = hunter2; };\n", NULL);
    assert_string_equal(
        tg_config_files_text(files),
        "plant.conf:1: registry.password: the value is no number, and a string "
        "needs double quotes; write password = \"${file:/run/secrets/registry}\";\n");
}

static void
config_that_cannot_be_read_is_an_io_error_that_says_why(void **state)
{
    tg_config_files_t *files = *state;
    tg_config_files_load(files, "nowhere.conf", NULL);
    assert_int_equal(files->status, TG_ERR_IO);
    assert_string_equal(files->err.text, "cannot read nowhere.conf: No such file or directory");
    tg_config_files_load(files, ".", NULL);
    assert_int_equal(files->status, TG_ERR_IO);
    assert_string_equal(files->err.text, "cannot read .: it is a directory");
}

static void
config_that_is_no_text_or_too_large_is_refused(void **state)
{
    tg_config_files_t *files = *state;
    tg_config_files_write_bytes("plant.conf", "name\0", 5);
    tg_config_files_load(files, "plant.conf", NULL);
    assert_int_equal(files->status, TG_ERR_CONFIG);
    assert_string_equal(tg_config_files_text(files),
                        "plant.conf: file: plant.conf is not text: it has a NUL byte\n");
    size_t n_bytes = (size_t)2 * 1024 * 1024;
    char *large = malloc(n_bytes);
    assert_non_null(large);
    memset(large, '#', n_bytes);
    tg_config_files_write_bytes("plant.conf", large, n_bytes);
    free(large);
    tg_config_files_load(files, "plant.conf", NULL);
    assert_int_equal(files->status, TG_ERR_CONFIG);
    assert_non_null(strstr(tg_config_files_text(files), "plant.conf is larger than"));
}

static void
config_beyond_our_limits_is_refused(void **state)
{
    tg_config_files_t *files = *state;
    tg_buffer_t text;
    tg_buffer_init(&text, (size_t)1024 * 1024);
    for (int i = 0; i < 40; i++) {
        assert_int_equal(tg_buffer_append_text(&text, "a = ("), TG_OK);
        assert_int_equal(tg_buffer_append_text(&text, "{\n"), TG_OK);
    }
    tg_config_files_try(files, tg_buffer_text(&text), NULL);
    assert_non_null(strstr(tg_config_files_text(files), "nested too deep; at most 32 are allowed"));
    tg_buffer_reset(&text);
    for (int i = 0; i < 10001; i++) {
        assert_int_equal(tg_buffer_append_format(&text, "a%d = 1;\n", i), TG_OK);
    }
    tg_config_files_try(files, tg_buffer_text(&text), NULL);
    assert_string_equal(tg_config_files_text(files),
                        "plant.conf:10001: syntax: there are too many settings; at most 10000 are "
                        "allowed\n");
    tg_buffer_done(&text);
}

static void
config_keeps_200_problems_and_counts_the_rest(void **state)
{
    tg_config_files_t *files = *state;
    tg_buffer_t text;
    tg_buffer_init(&text, (size_t)1024 * 1024);
    for (int i = 0; i < 300; i++) {
        assert_int_equal(tg_buffer_append_format(&text, "unheard_of_%d = 1;\n", i), TG_OK);
    }
    tg_config_files_try(files, tg_buffer_text(&text), NULL);
    tg_buffer_done(&text);
    assert_int_equal(tg_config_problems_count(files->problems), 200);
    assert_non_null(strstr(tg_config_files_text(files), "... and 104 more\n"));
}

static void
config_file_may_begin_with_a_byte_order_mark_and_have_carriage_returns(void **state)
{
    const tg_config_t *config = tg_config_files_must(*state,
                                                     "\xEF\xBB\xBFname = \"plant\"; # so\r\n" KAFKA
                                                     "\r\n" REGISTRY DATABASE SINKS "# end",
                                                     NULL);
    assert_string_equal(config->name, "plant");
}

int
main(void)
{
#define TEST(name)                                                                                 \
    cmocka_unit_test_setup_teardown(name, tg_config_files_setup, tg_config_files_teardown)
    const struct CMUnitTest tests[] = {
        TEST(config_of_a_minimal_file_has_every_default),
        TEST(config_of_a_minimal_sink_has_every_default),
        TEST(config_without_routes_sends_every_topic_to_its_table_in_public),
        TEST(config_reads_every_key_of_the_root),
        TEST(config_properties_have_dots_and_text_values),
        TEST(config_reads_every_key_of_a_sink),
        TEST(config_reads_every_key_of_a_route),
        TEST(config_where_tells_the_line_of_a_key_or_of_what_is_around_it),
        TEST(config_integers_beyond_32_bits_are_kept_whole),
        TEST(config_sizes_and_durations_take_every_unit),
        TEST(config_reports_all_problems_in_the_order_of_the_file_and_then_the_environment),
        TEST(config_reports_every_syntax_mistake_that_stands_alone),
        TEST(config_lines_are_right_where_words_touch),
        TEST(config_never_repeats_a_value_without_quotes),
        TEST(config_that_cannot_be_read_is_an_io_error_that_says_why),
        TEST(config_that_is_no_text_or_too_large_is_refused),
        TEST(config_beyond_our_limits_is_refused),
        TEST(config_keeps_200_problems_and_counts_the_rest),
        TEST(config_file_may_begin_with_a_byte_order_mark_and_have_carriage_returns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
