// links: database base
// libs: libpq
#include <dlfcn.h>
#include <libpq-fe.h>

#include "base/clock.h"
#include "database/connection.h"
#include "scripted_postgres.h"

/* Logins and queries against a server that misbehaves, and a libpq without memory. */

typedef struct seam {
    bool no_connection;
    bool no_empty_result;
    bool nothing_sent;
} seam_t;

static seam_t seam;

#define REAL_FUNCTION(name) __extension__((__typeof__(&(name)))dlsym(RTLD_NEXT, #name))

PGconn *
PQconnectStartParams(const char *const *keywords, const char *const *values, int expand_dbname)
{
    return seam.no_connection
               ? NULL
               : REAL_FUNCTION(PQconnectStartParams)(keywords, values, expand_dbname);
}

PGresult *
PQmakeEmptyPGresult(PGconn *conn, ExecStatusType status)
{
    return seam.no_empty_result ? NULL : REAL_FUNCTION(PQmakeEmptyPGresult)(conn, status);
}

int
PQsendQuery(PGconn *conn, const char *query)
{
    return seam.nothing_sent ? 0 : REAL_FUNCTION(PQsendQuery)(conn, query);
}

static tg_connection_t *
make(const char *url, int64_t connect_timeout_ms, int64_t query_timeout_ms)
{
    tg_error_t err = {0};
    tg_connection_t *connection = NULL;
    const tg_connection_options_t options = {
        .url = url, .connect_timeout_ms = connect_timeout_ms, .query_timeout_ms = query_timeout_ms};
    ASSERT_OK(tg_connection_new(&options, &connection, &err));
    return connection;
}

static tg_connection_t *
make_for(const scripted_postgres_t *server, int64_t query_timeout_ms)
{
    char url[256];
    scripted_url(server, url, sizeof url);
    return make(url, 2000, query_timeout_ms);
}

typedef struct url_case {
    const char *name;
    const char *url;
    const char *hidden;
} url_case_t;

static const url_case_t BAD_URLS[] = {
    {"no URL", "my-password", "my-password"},
    {"bare @ in the password", "postgresql://u:sec@ret@h:5432/d", "ret"},
    {"bare / in the password", "postgresql://u:sec/ret@h:5432/d", "ret"},
    {"bare / behind digits", "postgresql://u:12/ret@h/d", "ret"},
    {"bad percent", "postgresql://u:s%zzcret@h/d", "cret"},
    {"unknown parameter", "postgresql://u:secret@h/d?nonsense=secret", "secret"},
    {"pairs cut short", "host=h password=secret oops", "secret"},
    {"open quote", "host=h password='secret", "secret"},
};

static void
connection_with_a_bad_url_is_refused_without_telling_it(void **state)
{
    (void)state;
    for (size_t i = 0; i < TG_COUNT_OF(BAD_URLS); i++) {
        tg_error_t err = {0};
        tg_connection_t *connection = NULL;
        const tg_connection_options_t options = {.url = BAD_URLS[i].url};
        tg_status_t status = tg_connection_new(&options, &connection, &err);
        if (status != TG_ERR_CONFIG ||
            (BAD_URLS[i].hidden != NULL && strstr(err.text, BAD_URLS[i].hidden) != NULL)) {
            fail_msg("%s: %s %s", BAD_URLS[i].name, tg_status_name(status), err.text);
        }
        assert_null(connection);
    }
}

static void
connection_name_has_no_password(void **state)
{
    (void)state;

    static const struct {
        const char *url;
        const char *name;
    } cases[] = {
        {"postgresql://u:secret@h:5432/d", "h:5432/d as u"},
        {"postgresql://u:s%40cret@a:1,b:2/d?sslmode=disable", "a,b:1,2/d as u"},
        {"host=/tmp user=u dbname=d password=secret", "/tmp/d as u"},
        {"postgresql:///d", "localhost/d"},
    };

    for (size_t i = 0; i < TG_COUNT_OF(cases); i++) {
        tg_connection_t *connection = make(cases[i].url, 0, 0);
        assert_string_equal(tg_connection_name(connection), cases[i].name);
        assert_false(tg_connection_is_open(connection));
        tg_connection_free(connection);
    }
    tg_connection_free(NULL);
}

static void
connection_to_nobody_is_unavailable(void **state)
{
    (void)state;
    tg_error_t err = {0};
    tg_connection_t *connection = make("postgresql://u:secret@127.0.0.1:1/d", 2000, 0);
    ASSERT_FAILS(tg_connection_open(connection, &err), TG_ERR_UNAVAILABLE);
    assert_non_null(strstr(err.text, "cannot connect to 127.0.0.1:1/d as u"));
    assert_non_null(strstr(err.text, "Connection refused"));
    assert_null(strstr(err.text, "secret"));
    tg_connection_free(connection);
}

typedef struct refusal_case {
    const char *sqlstate;
    const char *message;
    tg_status_t status;
} refusal_case_t;

static const refusal_case_t REFUSALS[] = {
    {"28P01", "password authentication failed for user \"u\"", TG_ERR_PERMISSION},
    {"28000", "no pg_hba.conf entry for host", TG_ERR_PERMISSION},
    {"3D000", "database \"d\" does not exist", TG_ERR_MISSING},
    {"53300", "sorry, too many clients already", TG_ERR_UNAVAILABLE},
    {"57P03", "the database system is starting up", TG_ERR_UNAVAILABLE},
    {"08P01", "no more connections allowed (max_client_conn)", TG_ERR_UNAVAILABLE},
    {"08P01", "unsupported startup parameter in options: x", TG_ERR_UNAVAILABLE},
};

static void
connection_refused_at_login_has_the_servers_code(void **state)
{
    (void)state;
    for (size_t i = 0; i < TG_COUNT_OF(REFUSALS); i++) {
        scripted_postgres_t server = {0};
        tg_buffer_t words;
        tg_buffer_init(&words, 4096);
        message_report(&words, 'E', "FATAL", REFUSALS[i].sqlstate, REFUSALS[i].message, NULL);
        const scripted_step_t steps[] = {STEP(ACCEPT_ONLY), SAY(words), STEP(CLOSE)};
        scripted_start(&server, steps, TG_COUNT_OF(steps));
        tg_connection_t *connection = make_for(&server, 0);
        tg_error_t err = {0};
        tg_status_t status = tg_connection_open(connection, &err);
        if (status != REFUSALS[i].status || strcmp(err.sqlstate, REFUSALS[i].sqlstate) != 0 ||
            strstr(err.text, REFUSALS[i].message) == NULL) {
            fail_msg("%s: %s %s", REFUSALS[i].message, tg_status_name(status), err.text);
        }
        assert_false(tg_connection_is_open(connection));
        tg_connection_free(connection);
        scripted_stop(&server);
        tg_buffer_done(&words);
    }
}

static void
connection_asked_for_a_password_that_is_not_given_says_permission(void **state)
{
    (void)state;
    scripted_postgres_t server = {0};
    tg_buffer_t words;
    assert_int_equal(unsetenv("PGPASSWORD"), 0);
    assert_int_equal(setenv("PGPASSFILE", "/nonexistent", 1), 0);
    tg_buffer_init(&words, 4096);
    message(&words, 'R', "\0\0\0\3", 4); /* AuthenticationCleartextPassword */
    const scripted_step_t steps[] = {STEP(ACCEPT_ONLY), SAY(words), STEP(AWAIT_CLOSE)};
    scripted_start(&server, steps, TG_COUNT_OF(steps));
    tg_connection_t *connection = make_for(&server, 0);
    tg_error_t err = {0};
    ASSERT_FAILS(tg_connection_open(connection, &err), TG_ERR_PERMISSION);
    tg_connection_free(connection);
    scripted_stop(&server);
    tg_buffer_done(&words);
}

static void
connection_that_gets_no_answer_times_out(void **state)
{
    (void)state;
    scripted_postgres_t server = {0};
    const scripted_step_t steps[] = {STEP(ACCEPT_ONLY), STEP(AWAIT_CLOSE)};
    scripted_start(&server, steps, TG_COUNT_OF(steps));
    char url[256];
    scripted_url(&server, url, sizeof url);
    tg_connection_t *connection = make(url, 100, 0);
    tg_error_t err = {0};
    ASSERT_FAILS(tg_connection_open(connection, &err), TG_ERR_TIMEOUT);
    assert_non_null(strstr(err.text, "within 100 ms"));
    tg_connection_free(connection);
    scripted_stop(&server);
}

static void
connection_to_a_standby_is_refused_and_the_next_host_is_tried(void **state)
{
    (void)state;
    scripted_postgres_t standby = {.hot_standby = "on"};
    scripted_postgres_t primary = {0};
    const scripted_step_t steps[] = {STEP(ACCEPT), STEP(AWAIT_CLOSE), STEP(ACCEPT),
                                     STEP(AWAIT_CLOSE)};
    scripted_start(&standby, steps, TG_COUNT_OF(steps));
    scripted_start(&primary, steps, 2);
    tg_connection_t *connection = make_for(&standby, 0);
    tg_error_t err = {0};
    ASSERT_FAILS(tg_connection_open(connection, &err), TG_ERR_UNAVAILABLE);
    tg_connection_free(connection);
    char url[256];
    (void)snprintf(url, sizeof url,
                   "postgresql://u@127.0.0.1:%d,127.0.0.1:%d/d?sslmode=disable&gssencmode=disable",
                   standby.port, primary.port);
    connection = make(url, 2000, 0);
    ASSERT_OK(tg_connection_open(connection, &err));
    (void)snprintf(url, sizeof url, "127.0.0.1:%d/d as u", primary.port);
    assert_string_equal(tg_connection_name(connection), url);
    assert_int_equal(tg_connection_server_version(connection), 150020);
    ASSERT_OK(tg_connection_open(connection, &err)); /* open already */
    tg_connection_free(connection);
    scripted_stop(&standby);
    scripted_stop(&primary);
}

static void
connection_query_cut_at_any_byte_is_lost(void **state)
{
    (void)state;
    tg_buffer_t answer;
    tg_buffer_init(&answer, 4096);
    message(&answer, '1', "", 0);
    message(&answer, '2', "", 0);
    message_row(&answer);
    message_ready(&answer, 'I');
    for (size_t cut = 1; cut < answer.n_bytes; cut++) {
        scripted_postgres_t server = {.cut_after = cut};
        const scripted_step_t steps[] = {STEP(ACCEPT), STEP(READ_QUERY), SAY(answer),
                                         STEP(AWAIT_CLOSE)};
        scripted_start(&server, steps, TG_COUNT_OF(steps));
        tg_connection_t *connection = make_for(&server, 5000);
        tg_error_t err = {0};
        tg_result_t *result = NULL;
        ASSERT_OK(tg_connection_open(connection, &err));
        ASSERT_FAILS(tg_connection_query(connection, "SELECT 1", NULL, 0, &result, &err),
                     TG_ERR_LOST);
        assert_null(result);
        assert_false(tg_connection_is_open(connection));
        tg_connection_free(connection);
        scripted_stop(&server);
    }
    tg_buffer_done(&answer);
}

static void
connection_query_terminated_tells_why_and_is_lost(void **state)
{
    (void)state;
    scripted_postgres_t server = {0};
    tg_buffer_t words;
    tg_buffer_init(&words, 4096);
    message_report(&words, 'E', "FATAL", "57P01", "terminating connection", NULL);
    const scripted_step_t steps[] = {STEP(ACCEPT), STEP(READ_QUERY), SAY(words), STEP(RESET)};
    scripted_start(&server, steps, TG_COUNT_OF(steps));
    tg_connection_t *connection = make_for(&server, 5000);
    tg_error_t err = {0};
    ASSERT_OK(tg_connection_open(connection, &err));
    ASSERT_FAILS(tg_connection_execute(connection, "SELECT 1", &err), TG_ERR_LOST);
    assert_int_equal(err.status, TG_ERR_LOST);
    ASSERT_FAILS(tg_connection_execute(connection, "SELECT 1", NULL), TG_ERR_LOST);
    tg_connection_free(connection);
    scripted_stop(&server);
    tg_buffer_done(&words);
}

static void
connection_query_without_answer_nor_cancel_is_closed(void **state)
{
    (void)state;
    scripted_postgres_t server = {0};
    const scripted_step_t steps[] = {STEP(ACCEPT), STEP(READ_QUERY), STEP(AWAIT_CANCEL),
                                     STEP(AWAIT_CLOSE)};
    scripted_start(&server, steps, TG_COUNT_OF(steps));
    tg_connection_t *connection = make_for(&server, 50);
    tg_error_t err = {0};
    ASSERT_OK(tg_connection_open(connection, &err));
    ASSERT_FAILS(tg_connection_execute(connection, "SELECT 1", &err), TG_ERR_TIMEOUT);
    assert_non_null(strstr(err.text, "within 50 ms"));
    assert_false(tg_connection_is_open(connection));
    tg_connection_free(connection);
    scripted_stop(&server);
    assert_int_equal(server.n_cancels, 1);
}

static void
connection_whose_cancel_is_still_under_way_is_closed(void **state)
{
    (void)state;
    scripted_postgres_t server = {0};
    tg_buffer_t words;
    tg_buffer_init(&words, 4096);
    message_command(&words, "SELECT 1");
    message_ready(&words, 'I');
    /* The answer comes late, and nobody takes the cancel request meanwhile: it would hit the next
     * statement. */
    const scripted_step_t steps[] = {STEP(ACCEPT), STEP(READ_QUERY), STEP_N(PAUSE, 150), SAY(words),
                                     STEP(AWAIT_CLOSE)};
    scripted_start(&server, steps, TG_COUNT_OF(steps));
    tg_connection_t *connection = make_for(&server, 50);
    tg_error_t err = {0};
    ASSERT_OK(tg_connection_open(connection, &err));
    ASSERT_OK(tg_connection_execute(connection, "SELECT 1", &err));
    assert_false(tg_connection_is_open(connection));
    tg_connection_free(connection);
    scripted_stop(&server);
    tg_buffer_done(&words);
}

static void
connection_whose_rollback_fails_is_closed(void **state)
{
    (void)state;
    scripted_postgres_t server = {0};
    tg_buffer_t words;
    tg_buffer_init(&words, 4096);
    message_report(&words, 'E', "ERROR", "40001", "could not serialize", NULL);
    message_ready(&words, 'E');
    const scripted_step_t steps[] = {STEP(ACCEPT),     STEP(READ_QUERY), SAY(words),
                                     STEP(READ_QUERY), SAY(words),       STEP(AWAIT_CLOSE)};
    scripted_start(&server, steps, TG_COUNT_OF(steps));
    tg_connection_t *connection = make_for(&server, 5000);
    tg_error_t err = {0};
    ASSERT_OK(tg_connection_open(connection, &err));
    ASSERT_FAILS(tg_connection_execute(connection, "SELECT 1", &err), TG_ERR_CONFLICT);
    assert_false(tg_connection_is_open(connection));
    tg_connection_free(connection);
    scripted_stop(&server);
    assert_string_equal(server.last_query, "ROLLBACK");
    tg_buffer_done(&words);
}

static void
connection_when_libpq_has_no_memory_says_so(void **state)
{
    (void)state;
    tg_error_t err = {0};
    scripted_postgres_t server = {0};
    tg_buffer_t words;
    tg_buffer_init(&words, 4096);
    message(&words, '1', "", 0);
    message_command(&words, "BEGIN");
    message_ready(&words, 'I');
    const scripted_step_t steps[] = {STEP(ACCEPT), STEP(READ_QUERY), SAY(words), STEP(AWAIT_CLOSE)};
    scripted_start(&server, steps, TG_COUNT_OF(steps));
    tg_connection_t *connection = make_for(&server, 5000);
    seam.no_connection = true;
    ASSERT_FAILS(tg_connection_open(connection, &err), TG_ERR_NO_MEMORY);
    seam.no_connection = false;
    ASSERT_OK(tg_connection_open(connection, &err));
    tg_result_t *result = NULL;
    seam.no_empty_result = true;
    ASSERT_FAILS(tg_connection_query(connection, "SELECT 1", NULL, 0, &result, &err),
                 TG_ERR_NO_MEMORY);
    seam.no_empty_result = false;
    assert_true(tg_connection_is_open(connection));
    seam.nothing_sent = true;
    ASSERT_FAILS(tg_connection_execute(connection, "SELECT 1", &err), TG_ERR_LOST);
    seam.nothing_sent = false;
    assert_false(tg_connection_is_open(connection));
    tg_connection_free(connection);
    scripted_stop(&server);
    tg_buffer_done(&words);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(connection_with_a_bad_url_is_refused_without_telling_it),
        cmocka_unit_test(connection_name_has_no_password),
        cmocka_unit_test(connection_to_nobody_is_unavailable),
        cmocka_unit_test(connection_refused_at_login_has_the_servers_code),
        cmocka_unit_test(connection_asked_for_a_password_that_is_not_given_says_permission),
        cmocka_unit_test(connection_that_gets_no_answer_times_out),
        cmocka_unit_test(connection_to_a_standby_is_refused_and_the_next_host_is_tried),
        cmocka_unit_test(connection_query_cut_at_any_byte_is_lost),
        cmocka_unit_test(connection_query_terminated_tells_why_and_is_lost),
        cmocka_unit_test(connection_query_without_answer_nor_cancel_is_closed),
        cmocka_unit_test(connection_whose_cancel_is_still_under_way_is_closed),
        cmocka_unit_test(connection_whose_rollback_fails_is_closed),
        cmocka_unit_test(connection_when_libpq_has_no_memory_says_so),
    };
    return cmocka_run_group_tests_name("connection", tests, NULL, NULL);
}
