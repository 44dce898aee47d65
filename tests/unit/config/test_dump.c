#include "tg_config_files.h"

static const char FULL[] =
    "name = \"plant\";\n"
    "kafka: { bootstrap_servers = \"a:9092\";\n"
    "  properties: { sasl_username = \"me\"; sasl_password = \"hunter2\";\n"
    "    ssl_key_location = \"/k.pem\"; ssl_key_pem = \"hunter2\"; ssl_keystore_password = "
    "\"hunter2\";\n"
    "    sasl_jaas_config = \"hunter2\"; sasl_oauthbearer_config = \"hunter2\";\n"
    "    sasl_oauthbearer_client_secret = \"hunter2\"; socket_keepalive_enable = true;\n"
    "    sasl_oauthbearer_token_endpoint_url = \"http://me:hunter2@idp/token\"; }; };\n"
    "registry: { urls = [ \"http://me:hunter2@a\", \"http://b\" ]; username = \"me\";\n"
    "  password = \"hunter2\"; };\n"
    "database: { url = \"postgresql://me:hunter2@h/plant?sslpassword=hunter2&a=b\"; };\n"
    "sinks = (\n"
    "  { name = \"sensors\"; topics = [ \"sensors\", \"^a\\\\.b$\" ]; instance_id = "
    "\"a\\tb\\\"c\\n\";\n"
    "    errors: { tolerance = \"all\"; dead_letter_topic = \"dead\"; };\n"
    "    routes = ( { topic = \"sensors\"; table = \"a.b\"; create = true; segment_by = [ \"x\" ]; "
    "},\n"
    "               { topic = \"^a(.*)\"; table = \"a.$1\"; } ); },\n"
    "  { name = \"second\"; topics = [ \"x\" ]; } );\n";

static void
dump_of_a_configuration(tg_config_files_t *files, const char *text, tg_buffer_t *ret_dump)
{
    const tg_config_t *config = tg_config_files_must(files, text, NULL);
    tg_buffer_init(ret_dump, (size_t)1024 * 1024);
    assert_int_equal(tg_config_dump(config, ret_dump), TG_OK);
    assert_non_null(tg_buffer_text(ret_dump));
}

static void
dump_has_every_default_filled_in(void **state)
{
    tg_buffer_t dump;
    dump_of_a_configuration(*state,
                            "kafka: { bootstrap_servers = \"a\"; };\n"
                            "registry: { directory = \"schemas\"; };\n"
                            "database: { url = \"host=a\"; };\n"
                            "sinks = ( { name = \"s\"; topics = [ \"t\" ]; } );\n",
                            &dump);
    assert_string_equal(tg_buffer_text(&dump), "name = \"tidegate\";\n"
                                               "shutdown_timeout_ms = 30000;\n"
                                               "log: {\n"
                                               "  level = \"info\";\n"
                                               "  format = \"text\";\n"
                                               "};\n"
                                               "kafka: {\n"
                                               "  bootstrap_servers = \"a\";\n"
                                               "  properties: { };\n"
                                               "};\n"
                                               "registry: {\n"
                                               "  directory = \"schemas\";\n"
                                               "  verify_host = true;\n"
                                               "  timeout_ms = 5000;\n"
                                               "  negative_ttl_ms = 60000;\n"
                                               "  max_entries = 10000;\n"
                                               "  max_schema_bytes = \"1MiB\";\n"
                                               "  max_total_bytes = \"64MiB\";\n"
                                               "};\n"
                                               "database: {\n"
                                               "  url = \"host=a\";\n"
                                               "  connect_timeout_ms = 5000;\n"
                                               "  statement_timeout_ms = 60000;\n"
                                               "  lock_timeout_ms = 5000;\n"
                                               "};\n"
                                               "http: {\n"
                                               "  listen = \"127.0.0.1:8083\";\n"
                                               "  max_connections = 64;\n"
                                               "  idle_timeout_ms = 15000;\n"
                                               "};\n"
                                               "sinks = (\n"
                                               "  {\n"
                                               "    name = \"s\";\n"
                                               "    group = \"connect-s\";\n"
                                               "    topics = [ \"t\" ];\n"
                                               "    writers = 1;\n"
                                               "    start = \"earliest\";\n"
                                               "    session_timeout_ms = 10000;\n"
                                               "    revoke_timeout_ms = 3000;\n"
                                               "    nul_policy = \"dead_letter\";\n"
                                               "    batch: {\n"
                                               "      max_rows = 20000;\n"
                                               "      max_bytes = \"8MiB\";\n"
                                               "      linger_ms = 0;\n"
                                               "    };\n"
                                               "    errors: {\n"
                                               "      tolerance = \"none\";\n"
                                               "      dead_letter_replication_factor = -1;\n"
                                               "      max_record_bytes = \"16MiB\";\n"
                                               "    };\n"
                                               "    memory: {\n"
                                               "      fetch_bytes = \"48MiB\";\n"
                                               "      encoded_bytes = \"48MiB\";\n"
                                               "    };\n"
                                               "    routes = (\n"
                                               "      {\n"
                                               "        topic = \"^.*\";\n"
                                               "        table = \"public.${topic}\";\n"
                                               "        mode = \"append\";\n"
                                               "        create = false;\n"
                                               "        evolve = false;\n"
                                               "        nested = \"flatten\";\n"
                                               "        direct_compress = \"auto\";\n"
                                               "      }\n"
                                               "    );\n"
                                               "  }\n"
                                               ");\n");
    tg_buffer_done(&dump);
}

static void
dump_is_itself_a_configuration_that_dumps_the_same(void **state)
{
    tg_buffer_t first;
    tg_buffer_t second;
    dump_of_a_configuration(*state, FULL, &first);
    dump_of_a_configuration(*state, tg_buffer_text(&first), &second);
    assert_string_equal(tg_buffer_text(&first), tg_buffer_text(&second));
    tg_buffer_done(&first);
    tg_buffer_done(&second);
}

static void
dump_masks_every_secret_and_nothing_else(void **state)
{
    tg_buffer_t dump;
    dump_of_a_configuration(*state, FULL, &dump);
    const char *text = tg_buffer_text(&dump);
    static const char *const SHOWN[] = {
        "sasl_username = \"me\";",
        "sasl_password = \"********\";",
        "ssl_key_location = \"/k.pem\";",
        "ssl_key_pem = \"********\";",
        "ssl_keystore_password = \"********\";",
        "sasl_jaas_config = \"********\";",
        "sasl_oauthbearer_config = \"********\";",
        "sasl_oauthbearer_client_secret = \"********\";",
        "socket_keepalive_enable = \"true\";",
        "sasl_oauthbearer_token_endpoint_url = \"http://me:********@idp/token\";",
        "urls = [ \"http://me:********@a\", \"http://b\" ];",
        "password = \"********\";",
        "url = \"postgresql://me:********@h/plant?sslpassword=********&a=b\";",
        "instance_id = \"a\\x09b\\\"c\\n\";",
        "topics = [ \"sensors\", \"^a\\\\.b$\" ];",
    };
    assert_null(strstr(text, "hunter2"));
    for (size_t i = 0; i < TG_COUNT_OF(SHOWN); i++) {
        if (strstr(text, SHOWN[i]) == NULL) {
            fail_msg("%s is not in\n%s", SHOWN[i], text);
        }
    }
    tg_buffer_done(&dump);
}

static void
dump_into_a_full_buffer_fails(void **state)
{
    const tg_config_t *config = tg_config_files_must(*state, FULL, NULL);
    tg_buffer_t small;
    tg_buffer_init(&small, 700);
    ASSERT_FAILS(tg_config_dump(config, &small), TG_ERR_FULL);
    tg_buffer_done(&small);
}

static void
mask_url_hides_passwords_and_keeps_the_rest(void **state)
{
    (void)state;

    static const struct {
        const char *url;
        const char *expected;
    } CASES[] = {
        {"postgresql://u:p@h:5432/d", "postgresql://u:********@h:5432/d"},
        {"postgres://u:p@h", "postgres://u:********@h"},
        {"postgresql://u@h/d", "postgresql://u@h/d"},
        {"postgresql://h:5432/d", "postgresql://h:5432/d"},
        {"postgresql://:p@h/d", "postgresql://:********@h/d"},
        {"postgresql://u:@h/d", "postgresql://u:********@h/d"},
        {"postgresql://u:p@q@h/d", "postgresql://u:********@h/d"},
        {"postgresql://u:p/q@h/d", "postgresql://u:********@h/d"},
        {"postgresql://u:p?q@h/d", "postgresql://u:********@h/d"},
        {"postgresql://u:p:q@[::1]:5432/d", "postgresql://u:********@[::1]:5432/d"},
        {"postgresql://u:p@a:1,b:2/d?x=y", "postgresql://u:********@a:1,b:2/d?x=y"},
        {"postgresql://h/d?user=u&password=p&x=y", "postgresql://h/d?user=u&password=********&x=y"},
        {"postgresql://h/d?password=", "postgresql://h/d?password=********"},
        {"postgresql://h/d?application_name=a@b", "postgresql://h/d?application_name=a@b"},
        {"postgresql://", "postgresql://"},
        {"https://u:p@registry/path", "https://u:********@registry/path"},
        {"https://registry/path?access_token=p", "https://registry/path?access_token=********"},
        {"host=a password=p dbname=d", "host=a password=******** dbname=d"},
        {"password = p host=a", "password = ******** host=a"},
        {"password='a b\\' c' host=a", "password=******** host=a"},
        {"password=a\\ b host=a", "password=******** host=a"},
        {"PASSWORD=p", "PASSWORD=********"},
        {"sslpassword=p  host=a", "sslpassword=********  host=a"},
        {"host=a user=b passfile=/c", "host=a user=b passfile=/c"},
        {"host='x password=y' password='z", "host='x password=y' password=********"},
        {"host=a application_name='postgresql://x' password=p",
         "host=a application_name='postgresql://x' password=********"},
        {"nothing of the kind", "nothing of the kind"},
        {"=", "="},
        {"", ""},
    };

    for (size_t i = 0; i < TG_COUNT_OF(CASES); i++) {
        tg_buffer_t masked;
        tg_buffer_init(&masked, 1024);
        assert_int_equal(tg_config_mask_url(CASES[i].url, &masked), TG_OK);
        assert_string_equal(tg_buffer_text(&masked), CASES[i].expected);
        tg_buffer_done(&masked);
    }
}

int
main(void)
{
#define TEST(name)                                                                                 \
    cmocka_unit_test_setup_teardown(name, tg_config_files_setup, tg_config_files_teardown)
    const struct CMUnitTest tests[] = {
        TEST(dump_has_every_default_filled_in),
        TEST(dump_is_itself_a_configuration_that_dumps_the_same),
        TEST(dump_masks_every_secret_and_nothing_else),
        TEST(dump_into_a_full_buffer_fails),
        TEST(mask_url_hides_passwords_and_keeps_the_rest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
