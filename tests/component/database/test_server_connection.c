// links: database base
// libs: libpq
#include <pthread.h>

#include "base/clock.h"
#include "database/connection.h"
#include "database_fixture.h"

static tg_status_t
try_open(const char *url, tg_error_t *err)
{
    tg_connection_t *connection = NULL;
    const tg_connection_options_t options = {.url = url, .connect_timeout_ms = 3000};
    tg_status_t status = tg_connection_new(&options, &connection, err);
    if (status == TG_OK) {
        status = tg_connection_open(connection, err);
        assert_int_equal(tg_connection_is_open(connection), status == TG_OK);
    }
    tg_connection_free(connection);
    return status;
}

static void
connection_refused_logins_say_what_to_do(void **state)
{
    tg_connection_free(fixture_open(state));
    const database_fixture_t *fixture = *state;
    if (fixture->is_embedded) {
        skip(); /* it has one database and no passwords */
    }
    char url[2048];
    tg_error_t err = {0};
    (void)snprintf(url, sizeof url, "%s password='wrong-secret'", fixture->url);
    if (fixture->name[0] == '\0') {
        skip(); /* a URL, not pairs: PgBouncer, which says 08P01 for all */
    }
    tg_status_t status = try_open(url, &err);
    if (status != TG_OK) { /* else the server trusts everybody, as the tests' own clusters do */
        assert_int_equal(status, TG_ERR_PERMISSION);
        assert_string_equal(err.sqlstate, "28P01");
        assert_null(strstr(err.text, "wrong-secret"));
        assert_non_null(strstr(err.text, "pg_hba.conf"));
    }
    fixture_url(getenv("TIDEGATE_TEST_DATABASE_URL"), "no_such_database", url, sizeof url);
    ASSERT_FAILS(try_open(url, &err), TG_ERR_MISSING);
    assert_string_equal(err.sqlstate, "3D000");
}

static void
connection_tries_the_hosts_of_a_list_until_one_answers(void **state)
{
    tg_connection_free(fixture_open(state));
    const database_fixture_t *fixture = *state;
    PQconninfoOption *options = PQconninfoParse(fixture->url, NULL);
    const char *host = "";
    const char *port = "";
    char url[2048];
    for (PQconninfoOption *option = options; option->keyword != NULL; option++) {
        host = strcmp(option->keyword, "host") == 0 && option->val != NULL ? option->val : host;
        port = strcmp(option->keyword, "port") == 0 && option->val != NULL ? option->val : port;
    }
    tg_error_t err = {0};
    char pairs[1024];
    fixture_url(fixture->url, fixture->name[0] != '\0' ? fixture->name : "postgres", pairs,
                sizeof pairs);
    (void)snprintf(url, sizeof url, "%s host='127.0.0.1,%s' port='1,%s'", pairs, host, port);
    tg_status_t status = try_open(url, &err);
    PQconninfoFree(options);
    if (status != TG_OK && fixture->name[0] != '\0') {
        fail_msg("%s", err.text);
    }
}

static void
connection_query_gives_texts_numbers_and_nulls(void **state)
{
    tg_connection_t *connection = fixture_open(state);
    tg_error_t err = {0};
    tg_result_t *result = NULL;
    const char *const parameters[] = {"a'b", NULL, "-9223372036854775808"};
    ASSERT_OK(tg_connection_query(connection,
                                  "SELECT $1::text AS a, $2::text, $3::int8, true, false, 'ä'",
                                  parameters, 3, &result, &err));
    assert_int_equal(tg_result_n_rows(result), 1);
    assert_int_equal(tg_result_n_columns(result), 6);
    assert_string_equal(tg_result_column_name(result, 0), "a");
    assert_string_equal(tg_result_text(result, 0, 0), "a'b");
    assert_null(tg_result_text(result, 0, 1));
    assert_true(tg_result_int64(result, 0, 2) == INT64_MIN);
    assert_true(tg_result_bool(result, 0, 3));
    assert_false(tg_result_bool(result, 0, 4));
    assert_string_equal(tg_result_text(result, 0, 5), "\xc3\xa4");
    assert_null(tg_result_text(result, 1, 0));
    assert_null(tg_result_text(result, 0, 9));
    tg_result_free(result);
    assert_true(tg_connection_server_version(connection) >= 150000);
    assert_non_null(strstr(tg_connection_name(connection), ":"));
    tg_connection_free(connection);
}

typedef struct failure_case {
    const char *sql;
    tg_status_t status;
    const char *sqlstate;
    const char *said;   /* must be in the text; NULL: anything */
    const char *hidden; /* must not be; NULL: nothing */
} failure_case_t;

static const failure_case_t FAILURES[] = {
    {"SELECT 1/0", TG_ERR_CONSTRAINT, "22012", "division by zero", NULL},
    {"SELECT 'payload-7'::int", TG_ERR_CONSTRAINT, "22P02", "invalid input syntax", "payload-7"},
    {"SELEC 1", TG_ERR_INTERNAL, "42601", "syntax error", NULL},
    {"SELECT * FROM no_such_table", TG_ERR_MISSING, "42P01", "no_such_table", NULL},
    {"SELECT no_such_column FROM fixture.f", TG_ERR_MISSING, "42703", NULL, NULL},
    {"SELECT no_such_function()", TG_ERR_MISSING, "42883", NULL, NULL},
    {"INSERT INTO fixture.f VALUES (1, 'payload-1')", TG_ERR_CONSTRAINT, "23505", "f_pkey",
     "payload-1"},
    {"INSERT INTO fixture.f VALUES (77123, 'payload-2')", TG_ERR_CONSTRAINT, "23514", "f_small",
     "77123"},
    {"INSERT INTO fixture.f VALUES (NULL, 'payload-3')", TG_ERR_CONSTRAINT, "23502", "column k",
     "payload-3"},
    {"DO $$ BEGIN RAISE EXCEPTION 'not on a sunday' USING HINT = 'wait'; END $$", TG_ERR_CONSTRAINT,
     "P0001", "hint: wait", NULL},
    {"DO $$ BEGIN RAISE EXCEPTION 'no' USING DETAIL = 'payload-4'; END $$", TG_ERR_CONSTRAINT,
     "P0001", "no", "payload-4"},
    {"DO $$ BEGIN RAISE EXCEPTION 'no' USING DETAIL = 'see there', ERRCODE = '55000'; END $$",
     TG_ERR_UNAVAILABLE, "55000", "see there", NULL},
    {"DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = 'TG001'; END $$", TG_ERR_FENCED, "TG001",
     NULL, NULL},
    {"DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '40P01'; END $$", TG_ERR_CONFLICT, "40P01",
     NULL, NULL},
    {"DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '53100'; END $$", TG_ERR_UNAVAILABLE, "53100",
     NULL, NULL},
    {"COPY fixture.f TO STDOUT", TG_ERR_INTERNAL, "", "COPY TO", NULL},
};

static void
connection_failures_have_one_reaction_and_no_payload(void **state)
{
    tg_connection_t *connection = fixture_open(state);
    fixture_run(connection, "DROP TABLE IF EXISTS fixture.f;"
                            "CREATE TABLE fixture.f (k int CONSTRAINT f_pkey PRIMARY KEY"
                            " CONSTRAINT f_small CHECK (k < 10), v text);"
                            "INSERT INTO fixture.f VALUES (1, 'x')");
    for (size_t i = 0; i < TG_COUNT_OF(FAILURES); i++) {
        const failure_case_t *c = &FAILURES[i];
        tg_error_t err = {0};
        tg_status_t status = tg_connection_execute(connection, c->sql, &err);
        if (status != c->status || err.status != c->status ||
            strcmp(err.sqlstate, c->sqlstate) != 0 ||
            (c->said != NULL && strstr(err.text, c->said) == NULL) ||
            (c->hidden != NULL && strstr(err.text, c->hidden) != NULL)) {
            fail_msg("%s: %s %s %s", c->sql, tg_status_name(status), err.sqlstate, err.text);
        }
        ASSERT_OK(tg_connection_open(connection, &err)); /* COPY TO closes */
        assert_int_equal(fixture_number(connection, "SELECT 5"), 5);
    }
    tg_connection_free(connection);
}

static void
connection_failure_ends_the_open_transaction(void **state)
{
    tg_connection_t *connection = fixture_open(state);
    tg_error_t err = {0};
    fixture_run(connection, "DROP TABLE IF EXISTS fixture.g; CREATE TABLE fixture.g (k int)");
    ASSERT_FAILS(tg_connection_execute(connection,
                                       "BEGIN; INSERT INTO fixture.g VALUES (1); SELECT 1/0", &err),
                 TG_ERR_CONSTRAINT);
    assert_int_equal(fixture_number(connection, "SELECT count(*) FROM fixture.g"), 0);
    fixture_run(connection, "BEGIN; INSERT INTO fixture.g VALUES (1)");
    tg_result_t *result = NULL;
    ASSERT_FAILS(tg_connection_query(connection, "SELECT 1/0", NULL, 0, &result, &err),
                 TG_ERR_CONSTRAINT);
    assert_null(result);
    assert_int_equal(fixture_number(connection, "SELECT count(*) FROM fixture.g"), 0);
    tg_connection_free(connection);
}

static void
connection_query_past_its_deadline_is_cancelled_and_the_connection_lives(void **state)
{
    tg_connection_free(fixture_open(state));
    const database_fixture_t *fixture = *state;
    if (fixture->is_embedded) {
        skip();
    }
    tg_error_t err = {0};
    tg_connection_t *connection = NULL;
    const tg_connection_options_t options = {.url = fixture->url, .query_timeout_ms = 150};
    ASSERT_OK(tg_connection_new(&options, &connection, &err));
    ASSERT_OK(tg_connection_open(connection, &err));
    int64_t start_ms = tg_clock_now_ms(tg_clock_system());
    ASSERT_FAILS(tg_connection_execute(connection, "BEGIN; SELECT pg_sleep(60)", &err),
                 TG_ERR_TIMEOUT);
    assert_true(tg_clock_now_ms(tg_clock_system()) - start_ms < 5000);
    assert_true(tg_connection_is_open(connection));
    assert_int_equal(fixture_number(connection, "SELECT 5"), 5);
    tg_connection_free(connection);
}

static void
connection_whose_backend_is_terminated_is_lost_and_opens_again(void **state)
{
    tg_connection_t *connection = fixture_open(state);
    tg_error_t err = {0};
    if (((const database_fixture_t *)*state)->is_embedded) {
        tg_connection_free(connection);
        skip();
    }
    ASSERT_FAILS(
        tg_connection_execute(connection, "SELECT pg_terminate_backend(pg_backend_pid())", &err),
        TG_ERR_LOST);
    assert_false(tg_connection_is_open(connection));
    assert_int_equal(tg_connection_server_version(connection), 0);
    tg_result_t *result = NULL;
    ASSERT_FAILS(tg_connection_query(connection, "SELECT 1", NULL, 0, &result, &err), TG_ERR_LOST);
    ASSERT_OK(tg_connection_open(connection, &err));
    assert_int_equal(fixture_number(connection, "SELECT 5"), 5);
    tg_connection_free(connection);
}

static void
connection_warnings_reach_the_log_and_notices_only_debug(void **state)
{
    tg_connection_free(fixture_open(state));
    const database_fixture_t *fixture = *state;
    tg_error_t err = {0};
    int ends[2];
    char text[4096];
    assert_int_equal(pipe(ends), 0);
    tg_log_t *log = tg_log_new(ends[1], TG_LOG_FORMAT_TEXT, TG_LOG_LEVEL_INFO);
    tg_connection_t *connection = NULL;
    const tg_connection_options_t options = {.url = fixture->url, .log = log};
    ASSERT_OK(tg_connection_new(&options, &connection, &err));
    ASSERT_OK(tg_connection_open(connection, &err));
    fixture_run(connection,
                "DO $$ BEGIN RAISE NOTICE 'by the way'; RAISE WARNING 'beware'; END $$");
    tg_connection_free(connection);
    tg_log_free(log);
    (void)close(ends[1]);
    ssize_t n = read(ends[0], text, sizeof text - 1);
    text[n > 0 ? n : 0] = '\0';
    (void)close(ends[0]);
    assert_non_null(strstr(text, "server warns"));
    assert_non_null(strstr(text, "beware"));
    assert_null(strstr(text, "by the way"));
}

static void
connection_execute_with_copy_in_it_is_refused_without_hanging(void **state)
{
    tg_connection_t *connection = fixture_open(state);
    tg_error_t err = {0};
    fixture_run(connection, "DROP TABLE IF EXISTS fixture.h; CREATE TABLE fixture.h (k int)");
    ASSERT_FAILS(tg_connection_execute(connection, "COPY fixture.h FROM STDIN", &err),
                 TG_ERR_INTERNAL);
    assert_int_equal(fixture_number(connection, "SELECT 5"), 5);
    tg_connection_free(connection);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(connection_refused_logins_say_what_to_do),
        cmocka_unit_test(connection_tries_the_hosts_of_a_list_until_one_answers),
        cmocka_unit_test(connection_query_gives_texts_numbers_and_nulls),
        cmocka_unit_test(connection_failures_have_one_reaction_and_no_payload),
        cmocka_unit_test(connection_failure_ends_the_open_transaction),
        cmocka_unit_test(connection_query_past_its_deadline_is_cancelled_and_the_connection_lives),
        cmocka_unit_test(connection_whose_backend_is_terminated_is_lost_and_opens_again),
        cmocka_unit_test(connection_warnings_reach_the_log_and_notices_only_debug),
        cmocka_unit_test(connection_execute_with_copy_in_it_is_refused_without_hanging),
    };
    return cmocka_run_group_tests_name("connection on a server", tests, fixture_setup,
                                       fixture_teardown);
}
