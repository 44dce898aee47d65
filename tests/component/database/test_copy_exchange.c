// links: database base
// libs: libpq
#include <poll.h>

#include <dlfcn.h>
#include <libpq-fe.h>

#include "base/clock.h"
#include "database/copy_exchange.h"
#include "scripted_postgres.h"

/* What a server can do to a flush, by the real libpq; and what libpq itself can refuse, by standing
 * in for some of its functions (a function defined here wins over the library's). */

typedef struct seam {
    int put_copy_data; /* what PQputCopyData returns; 1: the real one */
    int put_copy_end;
    int send_query;
    bool no_cancel;
} seam_t;

static const seam_t REAL = {.put_copy_data = 1, .put_copy_end = 1, .send_query = 1};
static _Thread_local seam_t seam;

#define REAL_FUNCTION(name) __extension__((__typeof__(&(name)))dlsym(RTLD_NEXT, #name))

int
PQputCopyData(PGconn *conn, const char *buffer, int n)
{
    return seam.put_copy_data == 1 ? REAL_FUNCTION(PQputCopyData)(conn, buffer, n)
                                   : seam.put_copy_data;
}

int
PQputCopyEnd(PGconn *conn, const char *message)
{
    return seam.put_copy_end == 1 ? REAL_FUNCTION(PQputCopyEnd)(conn, message) : seam.put_copy_end;
}

int
PQsendQuery(PGconn *conn, const char *query)
{
    return seam.send_query == 1 ? REAL_FUNCTION(PQsendQuery)(conn, query) : seam.send_query;
}

PGcancel *
PQgetCancel(PGconn *conn)
{
    return seam.no_cancel ? NULL : REAL_FUNCTION(PQgetCancel)(conn);
}

static const char FLUSH[] = "BEGIN; SELECT advance(); COPY t FROM STDIN (FORMAT binary); COMMIT";
static const uint8_t ROWS[] = "rows rows rows";

typedef struct scene {
    scripted_postgres_t server;
    tg_connection_t *connection;
    tg_copy_exchange_t *exchange;
    tg_buffer_t asks;    /* what the server says until it asks for rows */
    tg_buffer_t commits; /* what it says after CopyDone when all is well */
    tg_buffer_t extra;   /* for the test */
    tg_buffer_t rolled_back;
    int copies_seen;
} scene_t;

static void
scene_words(scene_t *scene)
{
    seam = REAL;
    *scene = (scene_t){0};
    tg_buffer_init(&scene->asks, 4096);
    tg_buffer_init(&scene->commits, 4096);
    tg_buffer_init(&scene->extra, 4096);
    tg_buffer_init(&scene->rolled_back, 4096);
    message_command(&scene->asks, "BEGIN");
    message_row(&scene->asks);
    message_copy_in(&scene->asks);
    message_command(&scene->commits, "COPY 3");
    message_command(&scene->commits, "COMMIT");
    message_ready(&scene->commits, 'I');
    message_command(&scene->rolled_back, "ROLLBACK");
    message_ready(&scene->rolled_back, 'I');
}

static void
scene_start(scene_t *scene, const scripted_step_t *steps, size_t n_steps)
{
    char url[256];
    tg_error_t err = {0};
    scripted_start(&scene->server, steps, n_steps);
    scripted_url(&scene->server, url, sizeof url);
    const tg_connection_options_t options = {.url = url, .connect_timeout_ms = 5000};
    ASSERT_OK(tg_connection_new(&options, &scene->connection, &err));
    ASSERT_OK(tg_connection_open(scene->connection, &err));
    ASSERT_OK(tg_copy_exchange_new(scene->connection, &scene->exchange, &err));
}

static void
scene_end(scene_t *scene)
{
    seam = REAL;
    tg_copy_exchange_free(scene->exchange);
    tg_connection_free(scene->connection);
    scripted_stop(&scene->server);
    tg_buffer_done(&scene->asks);
    tg_buffer_done(&scene->commits);
    tg_buffer_done(&scene->extra);
    tg_buffer_done(&scene->rolled_back);
}

static int64_t
in_ms(int64_t ms)
{
    return tg_clock_now_ms(tg_clock_system()) + ms;
}

static tg_exchange_state_t
pump_out_of(tg_copy_exchange_t *exchange, tg_exchange_state_t from)
{
    int64_t end_ms = in_ms(10000);
    while (tg_copy_exchange_pump(exchange) == from) {
        assert_true(in_ms(0) < end_ms);
        struct pollfd socket = {.fd = tg_copy_exchange_fd(exchange),
                                .events = tg_copy_exchange_events(exchange)};
        (void)poll(&socket, 1, 20);
    }
    return tg_copy_exchange_state(exchange);
}

/* Begins, and gives the rows to every COPY that asks, until the end. */
static tg_exchange_state_t
scene_flush(scene_t *scene, int64_t timeout_ms)
{
    tg_error_t err = {0};
    tg_exchange_state_t state = TG_EXCHANGE_RUNNING;
    ASSERT_OK(tg_copy_exchange_begin(scene->exchange, FLUSH, in_ms(timeout_ms), &err));
    while ((state = pump_out_of(scene->exchange, TG_EXCHANGE_RUNNING)) == TG_EXCHANGE_COPYING) {
        size_t taken = 0;
        assert_int_equal(tg_copy_exchange_copy_index(scene->exchange), scene->copies_seen);
        scene->copies_seen++;
        if (tg_copy_exchange_put(scene->exchange, tg_bytes_of(ROWS, sizeof ROWS), &taken, &err) ==
                TG_OK &&
            tg_copy_exchange_state(scene->exchange) == TG_EXCHANGE_COPYING) {
            TG_IGNORE(tg_copy_exchange_copy_done(scene->exchange, &err));
        }
    }
    return state;
}

static void
assert_failed(const scene_t *scene, tg_status_t status, const char *sqlstate, bool unknown)
{
    const tg_error_t *error = tg_copy_exchange_error(scene->exchange);
    if (tg_copy_exchange_state(scene->exchange) != TG_EXCHANGE_FAILED || error->status != status ||
        strcmp(error->sqlstate, sqlstate) != 0 ||
        tg_copy_exchange_outcome_unknown(scene->exchange) != unknown) {
        fail_msg("state %d, %s [%s] unknown %d: %s", (int)tg_copy_exchange_state(scene->exchange),
                 tg_status_name(error->status), error->sqlstate,
                 tg_copy_exchange_outcome_unknown(scene->exchange), error->text);
    }
}

#define RUN(scene, ...)                                                                            \
    const scripted_step_t steps[] = {__VA_ARGS__};                                                 \
    scene_start(&(scene), steps, TG_COUNT_OF(steps))

static void
copy_exchange_when_all_is_well_is_done(void **state)
{
    (void)state;
    scene_t scene;
    scene_words(&scene);
    RUN(scene, STEP(ACCEPT), STEP(READ_QUERY), SAY(scene.asks), STEP(READ_COPY_END),
        SAY(scene.commits), STEP(AWAIT_CLOSE));
    assert_int_equal(tg_copy_exchange_state(scene.exchange), TG_EXCHANGE_IDLE);
    assert_int_equal(scene_flush(&scene, 5000), TG_EXCHANGE_DONE);
    assert_string_equal(tg_result_text(tg_copy_exchange_rows(scene.exchange, 0), 0, 0), "x");
    assert_int_equal(tg_copy_exchange_failed_row(scene.exchange), 0);
    scene_end(&scene);
    assert_int_equal(scene.server.n_copy_bytes, sizeof ROWS);
    assert_int_equal(scene.server.n_copy_done, 1);
    assert_string_equal(scene.server.last_query, FLUSH);
}

static void
copy_exchange_cut_at_any_byte_is_lost_and_unknown_only_when_it_may_have_committed(void **state)
{
    (void)state;
    for (size_t cut = 1;; cut++) {
        scene_t scene;
        scene_words(&scene);
        scene.server.cut_after = cut;
        size_t n_asks = scene.asks.n_bytes;
        size_t n_all = n_asks + scene.commits.n_bytes;
        RUN(scene, STEP(ACCEPT), STEP(READ_QUERY), SAY(scene.asks), STEP(READ_COPY_END),
            SAY(scene.commits), STEP(AWAIT_CLOSE));
        tg_exchange_state_t end = scene_flush(&scene, 5000);
        if (cut > n_all) {
            assert_int_equal(end, TG_EXCHANGE_DONE);
            scene_end(&scene);
            break;
        }
        /* The last byte may come together with the end of the connection: committed, and known. */
        if (cut == n_all && end == TG_EXCHANGE_DONE) {
            scene_end(&scene);
            continue;
        }
        /* Before COPY the exchange cannot know that one would come; when it is cut just where it
         * asks for rows, the end may be seen before or after they were given. */
        bool either = cut == n_asks;
        assert_failed(&scene, TG_ERR_LOST, "",
                      either ? tg_copy_exchange_outcome_unknown(scene.exchange) : true);
        assert_false(tg_connection_is_open(scene.connection));
        assert_int_equal(tg_copy_exchange_fd(scene.exchange), -1);
        scene_end(&scene);
    }
}

static void
copy_exchange_lost_before_copy_done_was_sent_is_known_not_to_have_committed(void **state)
{
    (void)state;
    for (int reset = 0; reset < 2; reset++) {
        scene_t scene;
        scene_words(&scene);
        RUN(scene, STEP(ACCEPT), STEP(READ_QUERY), SAY(scene.asks), STEP_N(READ_COPY, sizeof ROWS),
            {.action = reset != 0 ? STEP_RESET : STEP_CLOSE});
        tg_error_t err = {0};
        size_t taken = 0;
        ASSERT_OK(tg_copy_exchange_begin(scene.exchange, FLUSH, in_ms(5000), &err));
        assert_int_equal(pump_out_of(scene.exchange, TG_EXCHANGE_RUNNING), TG_EXCHANGE_COPYING);
        ASSERT_OK(
            tg_copy_exchange_put(scene.exchange, tg_bytes_of(ROWS, sizeof ROWS), &taken, &err));
        assert_int_equal(pump_out_of(scene.exchange, TG_EXCHANGE_COPYING), TG_EXCHANGE_FAILED);
        assert_failed(&scene, TG_ERR_LOST, "", false);
        ASSERT_FAILS(tg_copy_exchange_begin(scene.exchange, FLUSH, in_ms(5000), &err), TG_ERR_LOST);
        scene_end(&scene);
    }
}

static void
copy_exchange_terminated_while_copying_tells_the_servers_last_words(void **state)
{
    (void)state;
    scene_t scene;
    scene_words(&scene);
    message_report(&scene.extra, 'E', "FATAL", "57P01",
                   "terminating connection due to administrator command", "COPY t, line 1");
    RUN(scene, STEP(ACCEPT), STEP(READ_QUERY), SAY(scene.asks), STEP_N(READ_COPY, sizeof ROWS),
        SAY(scene.extra), STEP(CLOSE));
    tg_error_t err = {0};
    size_t taken = 0;
    ASSERT_OK(tg_copy_exchange_begin(scene.exchange, FLUSH, in_ms(5000), &err));
    assert_int_equal(pump_out_of(scene.exchange, TG_EXCHANGE_RUNNING), TG_EXCHANGE_COPYING);
    ASSERT_OK(tg_copy_exchange_put(scene.exchange, tg_bytes_of(ROWS, sizeof ROWS), &taken, &err));
    tg_exchange_state_t end = pump_out_of(scene.exchange, TG_EXCHANGE_COPYING);
    end = end == TG_EXCHANGE_RUNNING ? pump_out_of(scene.exchange, end) : end;
    assert_int_equal(end, TG_EXCHANGE_FAILED);
    assert_failed(&scene, TG_ERR_LOST, "57P01", false);
    assert_non_null(strstr(tg_copy_exchange_error(scene.exchange)->text, "administrator command"));
    scene_end(&scene);
}

static void
copy_exchange_terminated_after_copy_done_is_unknown(void **state)
{
    (void)state;
    scene_t scene;
    scene_words(&scene);
    message_report(&scene.extra, 'E', "FATAL", "57P01", "terminating connection", NULL);
    RUN(scene, STEP(ACCEPT), STEP(READ_QUERY), SAY(scene.asks), STEP(READ_COPY_END),
        SAY(scene.extra), STEP(CLOSE));
    assert_int_equal(scene_flush(&scene, 5000), TG_EXCHANGE_FAILED);
    assert_failed(&scene, TG_ERR_LOST, "57P01", true);
    scene_end(&scene);
}

static void
copy_exchange_refused_before_copy_rolls_back_and_stays_open(void **state)
{
    (void)state;
    scene_t scene;
    scene_words(&scene);
    message_command(&scene.extra, "BEGIN");
    message_report(&scene.extra, 'E', "ERROR", "TG001", "lane s/t[0] was claimed", NULL);
    message_ready(&scene.extra, 'E');
    RUN(scene, STEP(ACCEPT), STEP(READ_QUERY), SAY(scene.extra), STEP(READ_QUERY),
        SAY(scene.rolled_back), STEP(AWAIT_CLOSE));
    assert_int_equal(scene_flush(&scene, 5000), TG_EXCHANGE_FAILED);
    assert_failed(&scene, TG_ERR_FENCED, "TG001", false);
    assert_int_equal(scene.copies_seen, 0);
    assert_true(tg_connection_is_open(scene.connection));
    scene_end(&scene);
    assert_string_equal(scene.server.last_query, "ROLLBACK");
}

static void
copy_exchange_refused_then_lost_is_known(void **state)
{
    (void)state;
    scene_t scene;
    scene_words(&scene);
    message_report(&scene.extra, 'E', "ERROR", "23505", "duplicate", "COPY t, line 2");
    RUN(scene, STEP(ACCEPT), STEP(READ_QUERY), SAY(scene.asks), STEP(READ_COPY_END),
        SAY(scene.extra), STEP(CLOSE));
    assert_int_equal(scene_flush(&scene, 5000), TG_EXCHANGE_FAILED);
    assert_failed(&scene, TG_ERR_LOST, "23505", false);
    scene_end(&scene);
}

static void
copy_exchange_refused_while_rows_are_still_sent_stops_early(void **state)
{
    (void)state;
    scene_t scene;
    scene_words(&scene);
    message_report(&scene.extra, 'E', "ERROR", "23514", "check",
                   "SQL statement \"x\"\nCOPY t, ligne 41, column \"a\": \"payload\"");
    message_ready(&scene.extra, 'E');
    RUN(scene, STEP(ACCEPT), STEP(READ_QUERY), SAY(scene.asks), STEP_N(READ_COPY, 1),
        SAY(scene.extra), STEP(READ_QUERY), SAY(scene.rolled_back), STEP(AWAIT_CLOSE));
    tg_error_t err = {0};
    ASSERT_OK(tg_copy_exchange_begin(scene.exchange, FLUSH, in_ms(60000), &err));
    assert_int_equal(pump_out_of(scene.exchange, TG_EXCHANGE_RUNNING), TG_EXCHANGE_COPYING);
    int64_t end_ms = in_ms(5000);
    while (tg_copy_exchange_state(scene.exchange) == TG_EXCHANGE_COPYING) {
        size_t taken = 0;
        assert_true(in_ms(0) < end_ms);
        TG_IGNORE(
            tg_copy_exchange_put(scene.exchange, tg_bytes_of(ROWS, sizeof ROWS), &taken, &err));
        (void)tg_copy_exchange_pump(scene.exchange);
    }
    assert_int_equal(pump_out_of(scene.exchange, TG_EXCHANGE_RUNNING), TG_EXCHANGE_FAILED);
    assert_failed(&scene, TG_ERR_CONSTRAINT, "23514", false);
    assert_int_equal(tg_copy_exchange_failed_row(scene.exchange), 41);
    assert_null(strstr(tg_copy_exchange_error(scene.exchange)->text, "payload"));
    scene_end(&scene);
    assert_int_equal(scene.server.n_copy_done, 0);
    assert_int_equal(scene.server.n_copy_fail, 1);
}

static void
copy_exchange_warned_while_copying_goes_on(void **state)
{
    (void)state;
    for (size_t first = 1; first < 100; first += 49) { /* bytes of the warning that come first */
        scene_t scene;
        scene_words(&scene);
        tg_buffer_t rest;
        tg_buffer_init(&rest, 4096);
        message_report(&scene.extra, 'N', "WARNING", "01000", "direct compress is off", NULL);
        size_t n = scene.extra.n_bytes < first ? scene.extra.n_bytes : first;
        assert_int_equal(tg_buffer_append(&rest, scene.extra.data + n, scene.extra.n_bytes - n),
                         TG_OK);
        scene.extra.n_bytes = n;
        RUN(scene, STEP(ACCEPT), STEP(READ_QUERY), SAY(scene.asks), STEP_N(PAUSE, 20),
            SAY(scene.extra), STEP_N(PAUSE, 20), SAY(rest), STEP(READ_COPY_END), SAY(scene.commits),
            STEP(AWAIT_CLOSE));
        tg_error_t err = {0};
        ASSERT_OK(tg_copy_exchange_begin(scene.exchange, FLUSH, in_ms(5000), &err));
        assert_int_equal(pump_out_of(scene.exchange, TG_EXCHANGE_RUNNING), TG_EXCHANGE_COPYING);
        int64_t end_ms = in_ms(300); /* longer than the grace for bytes that nobody can explain */
        while (in_ms(0) < end_ms) {
            assert_int_equal(tg_copy_exchange_pump(scene.exchange), TG_EXCHANGE_COPYING);
            struct pollfd socket = {.fd = tg_copy_exchange_fd(scene.exchange), .events = POLLIN};
            (void)poll(&socket, 1, 10);
        }
        ASSERT_OK(tg_copy_exchange_copy_done(scene.exchange, &err));
        assert_int_equal(pump_out_of(scene.exchange, TG_EXCHANGE_RUNNING), TG_EXCHANGE_DONE);
        assert_true(tg_copy_exchange_server_waiting_us(scene.exchange) > 50000);
        scene_end(&scene);
        tg_buffer_done(&rest);
    }
}

static void
copy_exchange_asked_for_rows_before_anything_else_works(void **state)
{
    (void)state;
    scene_t scene;
    scene_words(&scene);
    tg_buffer_reset(&scene.asks);
    message_copy_in(&scene.asks);
    message_command(&scene.extra, "BEGIN");
    message_row(&scene.extra);
    message_command(&scene.extra, "COPY 2");
    RUN(scene, STEP(ACCEPT), STEP(READ_QUERY), SAY(scene.asks), STEP(READ_COPY_END),
        SAY(scene.asks), STEP(READ_COPY_END), SAY(scene.extra), SAY(scene.commits),
        STEP(AWAIT_CLOSE));
    assert_int_equal(scene_flush(&scene, 5000), TG_EXCHANGE_DONE);
    assert_int_equal(scene.copies_seen, 2);
    assert_non_null(tg_copy_exchange_rows(scene.exchange, 0));
    scene_end(&scene);
}

static void
copy_exchange_refused_late_names_the_copy_that_failed(void **state)
{
    (void)state;
    scene_t scene;
    scene_words(&scene);
    tg_buffer_reset(&scene.asks);
    message_copy_in(&scene.asks);
    message_command(&scene.extra, "BEGIN");
    message_command(&scene.extra, "COPY 2");
    message_report(&scene.extra, 'E', "ERROR", "23505", "duplicate", "COPY u, line 5");
    message_ready(&scene.extra, 'E');
    RUN(scene, STEP(ACCEPT), STEP(READ_QUERY), SAY(scene.asks), STEP(READ_COPY_END),
        SAY(scene.asks), STEP(READ_COPY_END), SAY(scene.asks), STEP(READ_COPY_END),
        SAY(scene.extra), STEP(READ_QUERY), SAY(scene.rolled_back), STEP(AWAIT_CLOSE));
    assert_int_equal(scene_flush(&scene, 5000), TG_EXCHANGE_FAILED);
    assert_failed(&scene, TG_ERR_CONSTRAINT, "23505", false);
    assert_int_equal(tg_copy_exchange_failed_copy(scene.exchange), 1);
    assert_int_equal(tg_copy_exchange_failed_row(scene.exchange), 5);
    scene_end(&scene);
}

static void
copy_exchange_whose_commit_was_a_rollback_has_failed(void **state)
{
    (void)state;
    scene_t scene;
    scene_words(&scene);
    RUN(scene, STEP(ACCEPT), STEP(READ_QUERY), SAY(scene.asks), STEP(READ_COPY_END),
        SAY(scene.rolled_back), STEP(AWAIT_CLOSE));
    assert_int_equal(scene_flush(&scene, 5000), TG_EXCHANGE_FAILED);
    assert_failed(&scene, TG_ERR_INTERNAL, "", false);
    scene_end(&scene);
}

static void
copy_exchange_on_a_standby_closes_so_that_the_primary_is_found(void **state)
{
    (void)state;
    scene_t scene;
    scene_words(&scene);
    message_report(&scene.extra, 'E', "ERROR", "25006", "read-only transaction", NULL);
    message_ready(&scene.extra, 'E');
    RUN(scene, STEP(ACCEPT), STEP(READ_QUERY), SAY(scene.extra), STEP(READ_QUERY),
        SAY(scene.rolled_back), STEP(AWAIT_CLOSE));
    assert_int_equal(scene_flush(&scene, 5000), TG_EXCHANGE_FAILED);
    assert_failed(&scene, TG_ERR_UNAVAILABLE, "25006", false);
    assert_false(tg_connection_is_open(scene.connection));
    scene_end(&scene);
}

static void
copy_exchange_past_its_deadline_cancels(void **state)
{
    (void)state;
    scene_t scene;
    scene_words(&scene);
    message_report(&scene.extra, 'E', "ERROR", "57014", "canceling statement", NULL);
    message_ready(&scene.extra, 'E');
    RUN(scene, STEP(ACCEPT), STEP(READ_QUERY), STEP(AWAIT_CANCEL), SAY(scene.extra),
        STEP(READ_QUERY), SAY(scene.rolled_back), STEP(AWAIT_CLOSE));
    assert_int_equal(scene_flush(&scene, 50), TG_EXCHANGE_FAILED);
    assert_failed(&scene, TG_ERR_TIMEOUT, "", false);
    assert_true(tg_connection_is_open(scene.connection));
    scene_end(&scene);
    assert_int_equal(scene.server.n_cancels, 1);
}

static void
copy_exchange_whose_cancel_hit_nothing_cancels_again(void **state)
{
    (void)state;
    scene_t scene;
    scene_words(&scene);
    message_report(&scene.extra, 'E', "ERROR", "57014", "canceling statement", NULL);
    message_ready(&scene.extra, 'E');
    RUN(scene, STEP(ACCEPT), STEP(READ_QUERY), STEP(AWAIT_CANCEL), STEP(AWAIT_CANCEL),
        SAY(scene.extra), STEP(READ_QUERY), SAY(scene.rolled_back), STEP(AWAIT_CLOSE));
    tg_error_t err = {0};
    ASSERT_OK(tg_copy_exchange_begin(scene.exchange, FLUSH, in_ms(60000), &err));
    tg_copy_exchange_abort(scene.exchange);
    assert_int_equal(pump_out_of(scene.exchange, TG_EXCHANGE_RUNNING), TG_EXCHANGE_FAILED);
    assert_failed(&scene, TG_ERR_CANCELLED, "", false);
    assert_true(tg_connection_is_open(scene.connection));
    scene_end(&scene);
}

static void
copy_exchange_that_commits_although_cancelled_is_done(void **state)
{
    (void)state;
    scene_t scene;
    scene_words(&scene);
    RUN(scene, STEP(ACCEPT), STEP(READ_QUERY), SAY(scene.asks), STEP(READ_COPY_END),
        STEP(AWAIT_CANCEL), SAY(scene.commits), STEP(AWAIT_CLOSE));
    assert_int_equal(scene_flush(&scene, 50), TG_EXCHANGE_DONE);
    scene_end(&scene);
}

static void
copy_exchange_whose_server_ignores_the_cancel_is_closed_and_unknown(void **state)
{
    (void)state;
    scene_t scene;
    scene_words(&scene);
    RUN(scene, STEP(ACCEPT), STEP(READ_QUERY), SAY(scene.asks), STEP(READ_COPY_END),
        STEP(AWAIT_CANCEL), STEP(AWAIT_CLOSE));
    assert_int_equal(scene_flush(&scene, 50), TG_EXCHANGE_FAILED);
    assert_failed(&scene, TG_ERR_LOST, "", true);
    assert_false(tg_connection_is_open(scene.connection));
    scene_end(&scene);
}

static void
copy_exchange_past_its_deadline_while_copying_sends_copy_fail(void **state)
{
    (void)state;
    scene_t scene;
    scene_words(&scene);
    message_report(&scene.extra, 'E', "ERROR", "57014", "COPY from stdin failed", NULL);
    message_ready(&scene.extra, 'E');
    RUN(scene, STEP(ACCEPT), STEP(READ_QUERY), SAY(scene.asks), STEP(READ_COPY_END),
        STEP(AWAIT_CANCEL), SAY(scene.extra), STEP(READ_QUERY), SAY(scene.rolled_back),
        STEP(AWAIT_CLOSE));
    tg_error_t err = {0};
    ASSERT_OK(tg_copy_exchange_begin(scene.exchange, FLUSH, in_ms(50), &err));
    assert_int_equal(pump_out_of(scene.exchange, TG_EXCHANGE_RUNNING), TG_EXCHANGE_COPYING);
    assert_int_equal(pump_out_of(scene.exchange, TG_EXCHANGE_COPYING), TG_EXCHANGE_RUNNING);
    assert_int_equal(pump_out_of(scene.exchange, TG_EXCHANGE_RUNNING), TG_EXCHANGE_FAILED);
    assert_failed(&scene, TG_ERR_TIMEOUT, "", false);
    scene_end(&scene);
    assert_int_equal(scene.server.n_copy_fail, 1);
    assert_int_equal(scene.server.n_copy_done, 0);
}

static void
copy_exchange_aborted_before_it_is_asked_for_rows_fails_the_copy(void **state)
{
    (void)state;
    scene_t scene;
    scene_words(&scene);
    seam.no_cancel = true; /* so that only CopyFail can end it */
    message_report(&scene.extra, 'E', "ERROR", "57014", "COPY from stdin failed", NULL);
    message_ready(&scene.extra, 'E');
    RUN(scene, STEP(ACCEPT), STEP(READ_QUERY), STEP_N(PAUSE, 50), SAY(scene.asks),
        STEP(READ_COPY_END), SAY(scene.extra), STEP(READ_QUERY), SAY(scene.rolled_back),
        STEP(AWAIT_CLOSE));
    tg_error_t err = {0};
    ASSERT_OK(tg_copy_exchange_begin(scene.exchange, FLUSH, in_ms(5000), &err));
    tg_copy_exchange_abort(scene.exchange);
    tg_copy_exchange_abort(scene.exchange);
    assert_int_equal(pump_out_of(scene.exchange, TG_EXCHANGE_RUNNING), TG_EXCHANGE_FAILED);
    assert_failed(&scene, TG_ERR_CANCELLED, "", false);
    tg_copy_exchange_abort(scene.exchange); /* over: nothing */
    scene_end(&scene);
    assert_int_equal(scene.server.n_copy_done, 0);
}

static void
copy_exchange_whose_rollback_is_not_answered_closes(void **state)
{
    (void)state;
    scene_t scene;
    scene_words(&scene);
    message_report(&scene.extra, 'E', "ERROR", "40P01", "deadlock", NULL);
    message_ready(&scene.extra, 'E');
    RUN(scene, STEP(ACCEPT), STEP(READ_QUERY), SAY(scene.extra), STEP(AWAIT_CLOSE));
    assert_int_equal(scene_flush(&scene, 5000), TG_EXCHANGE_FAILED);
    assert_failed(&scene, TG_ERR_CONFLICT, "40P01", false);
    assert_false(tg_connection_is_open(scene.connection));
    scene_end(&scene);
}

static void
copy_exchange_that_hears_nonsense_is_lost(void **state)
{
    (void)state;
    scene_t scene;
    scene_words(&scene);
    message(&scene.extra, '?', "nonsense", 8);
    RUN(scene, STEP(ACCEPT), STEP(READ_QUERY), SAY(scene.extra), STEP(AWAIT_CLOSE));
    assert_int_equal(scene_flush(&scene, 200), TG_EXCHANGE_FAILED);
    assert_failed(&scene, TG_ERR_LOST, "", true);
    scene_end(&scene);
}

static void
copy_exchange_asked_to_give_rows_out_closes(void **state)
{
    (void)state;
    scene_t scene;
    scene_words(&scene);
    message(&scene.extra, 'H', "\0\0\0", 3);
    RUN(scene, STEP(ACCEPT), STEP(READ_QUERY), SAY(scene.extra), STEP(AWAIT_CLOSE));
    assert_int_equal(scene_flush(&scene, 5000), TG_EXCHANGE_FAILED);
    assert_failed(&scene, TG_ERR_INTERNAL, "", false);
    assert_false(tg_connection_is_open(scene.connection));
    scene_end(&scene);
}

static void
copy_exchange_whose_server_reads_nothing_takes_no_more_than_fits(void **state)
{
    (void)state;
    scene_t scene;
    scene_words(&scene);
    RUN(scene, STEP(ACCEPT), STEP(READ_QUERY), SAY(scene.asks), STEP_N(PAUSE, 300),
        STEP(READ_COPY_END), SAY(scene.commits), STEP(AWAIT_CLOSE));
    static uint8_t block[1 << 20];
    tg_error_t err = {0};
    ASSERT_OK(tg_copy_exchange_begin(scene.exchange, FLUSH, in_ms(8000), &err));
    assert_int_equal(pump_out_of(scene.exchange, TG_EXCHANGE_RUNNING), TG_EXCHANGE_COPYING);
    size_t total = 0;
    size_t taken = 1;
    while (taken > 0) { /* until the kernel's buffers are full */
        ASSERT_OK(
            tg_copy_exchange_put(scene.exchange, tg_bytes_of(block, sizeof block), &taken, &err));
        total += taken;
        assert_true(total < 64 << 20);
    }
    assert_true((tg_copy_exchange_events(scene.exchange) & POLLOUT) != 0);
    /* Done may be said although bytes are on their way. */
    ASSERT_OK(tg_copy_exchange_copy_done(scene.exchange, &err));
    assert_int_equal(pump_out_of(scene.exchange, TG_EXCHANGE_RUNNING), TG_EXCHANGE_DONE);
    scene_end(&scene);
    assert_int_equal(scene.server.n_copy_bytes, total);
}

static void
copy_exchange_in_the_wrong_state_refuses(void **state)
{
    (void)state;
    scene_t scene;
    scene_words(&scene);
    RUN(scene, STEP(ACCEPT), STEP(READ_QUERY), STEP(AWAIT_CLOSE));
    tg_error_t err = {0};
    size_t taken = 7;
    const tg_bytes_t rows = tg_bytes_of(ROWS, sizeof ROWS);
    ASSERT_FAILS(tg_copy_exchange_put(scene.exchange, rows, &taken, &err), TG_ERR_INTERNAL);
    ASSERT_FAILS(tg_copy_exchange_copy_done(scene.exchange, &err), TG_ERR_INTERNAL);
    assert_int_equal(taken, 7);
    assert_int_equal(tg_copy_exchange_pump(scene.exchange), TG_EXCHANGE_IDLE);
    ASSERT_OK(tg_copy_exchange_begin(scene.exchange, FLUSH, in_ms(5000), &err));
    ASSERT_FAILS(tg_copy_exchange_begin(scene.exchange, FLUSH, in_ms(5000), &err), TG_ERR_INTERNAL);
    scene_end(&scene); /* freed while it runs: closes */
}

static void
copy_exchange_when_libpq_takes_no_rows_waits(void **state)
{
    (void)state;
    scene_t scene;
    scene_words(&scene);
    RUN(scene, STEP(ACCEPT), STEP(READ_QUERY), SAY(scene.asks), STEP(READ_COPY_END),
        SAY(scene.commits), STEP(AWAIT_CLOSE));
    tg_error_t err = {0};
    size_t taken = 7;
    ASSERT_OK(tg_copy_exchange_begin(scene.exchange, FLUSH, in_ms(5000), &err));
    assert_int_equal(pump_out_of(scene.exchange, TG_EXCHANGE_RUNNING), TG_EXCHANGE_COPYING);
    seam.put_copy_data = 0;
    ASSERT_OK(tg_copy_exchange_put(scene.exchange, tg_bytes_of(ROWS, sizeof ROWS), &taken, &err));
    assert_int_equal(taken, 0);
    assert_int_equal(tg_copy_exchange_state(scene.exchange), TG_EXCHANGE_COPYING);
    seam.put_copy_end = 0; /* CopyDone does not fit either: it is said later */
    ASSERT_OK(tg_copy_exchange_copy_done(scene.exchange, &err));
    assert_true((tg_copy_exchange_events(scene.exchange) & POLLOUT) != 0);
    ASSERT_FAILS(tg_copy_exchange_copy_done(scene.exchange, &err), TG_ERR_INTERNAL);
    assert_int_equal(tg_copy_exchange_pump(scene.exchange), TG_EXCHANGE_COPYING);
    seam = REAL;
    tg_exchange_state_t end = pump_out_of(scene.exchange, TG_EXCHANGE_COPYING);
    end = end == TG_EXCHANGE_RUNNING ? pump_out_of(scene.exchange, end) : end;
    assert_int_equal(end, TG_EXCHANGE_DONE);
    scene_end(&scene);
}

static void
copy_exchange_when_libpq_has_no_memory_closes(void **state)
{
    (void)state;
    for (int which = 0; which < 3; which++) {
        scene_t scene;
        scene_words(&scene);
        RUN(scene, STEP(ACCEPT), STEP(READ_QUERY), SAY(scene.asks), STEP(AWAIT_CLOSE));
        tg_error_t err = {0};
        size_t taken = 0;
        if (which == 0) {
            seam.send_query = 0;
            ASSERT_FAILS(tg_copy_exchange_begin(scene.exchange, FLUSH, in_ms(5000), &err),
                         TG_ERR_LOST);
            assert_int_equal(tg_copy_exchange_state(scene.exchange), TG_EXCHANGE_IDLE);
        } else {
            ASSERT_OK(tg_copy_exchange_begin(scene.exchange, FLUSH, in_ms(5000), &err));
            assert_int_equal(pump_out_of(scene.exchange, TG_EXCHANGE_RUNNING), TG_EXCHANGE_COPYING);
            seam.put_copy_data = which == 1 ? -1 : 1;
            seam.put_copy_end = -1;
            tg_status_t status =
                which == 1 ? tg_copy_exchange_put(scene.exchange, tg_bytes_of(ROWS, sizeof ROWS),
                                                  &taken, &err)
                           : tg_copy_exchange_copy_done(scene.exchange, &err);
            assert_int_equal(status, TG_ERR_LOST);
            assert_failed(&scene, TG_ERR_LOST, "", false);
        }
        assert_false(tg_connection_is_open(scene.connection));
        scene_end(&scene);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(copy_exchange_when_all_is_well_is_done),
        cmocka_unit_test(
            copy_exchange_cut_at_any_byte_is_lost_and_unknown_only_when_it_may_have_committed),
        cmocka_unit_test(
            copy_exchange_lost_before_copy_done_was_sent_is_known_not_to_have_committed),
        cmocka_unit_test(copy_exchange_terminated_while_copying_tells_the_servers_last_words),
        cmocka_unit_test(copy_exchange_terminated_after_copy_done_is_unknown),
        cmocka_unit_test(copy_exchange_refused_before_copy_rolls_back_and_stays_open),
        cmocka_unit_test(copy_exchange_refused_then_lost_is_known),
        cmocka_unit_test(copy_exchange_refused_while_rows_are_still_sent_stops_early),
        cmocka_unit_test(copy_exchange_warned_while_copying_goes_on),
        cmocka_unit_test(copy_exchange_asked_for_rows_before_anything_else_works),
        cmocka_unit_test(copy_exchange_refused_late_names_the_copy_that_failed),
        cmocka_unit_test(copy_exchange_whose_commit_was_a_rollback_has_failed),
        cmocka_unit_test(copy_exchange_on_a_standby_closes_so_that_the_primary_is_found),
        cmocka_unit_test(copy_exchange_past_its_deadline_cancels),
        cmocka_unit_test(copy_exchange_whose_cancel_hit_nothing_cancels_again),
        cmocka_unit_test(copy_exchange_that_commits_although_cancelled_is_done),
        cmocka_unit_test(copy_exchange_whose_server_ignores_the_cancel_is_closed_and_unknown),
        cmocka_unit_test(copy_exchange_past_its_deadline_while_copying_sends_copy_fail),
        cmocka_unit_test(copy_exchange_aborted_before_it_is_asked_for_rows_fails_the_copy),
        cmocka_unit_test(copy_exchange_whose_rollback_is_not_answered_closes),
        cmocka_unit_test(copy_exchange_that_hears_nonsense_is_lost),
        cmocka_unit_test(copy_exchange_asked_to_give_rows_out_closes),
        cmocka_unit_test(copy_exchange_whose_server_reads_nothing_takes_no_more_than_fits),
        cmocka_unit_test(copy_exchange_in_the_wrong_state_refuses),
        cmocka_unit_test(copy_exchange_when_libpq_takes_no_rows_waits),
        cmocka_unit_test(copy_exchange_when_libpq_has_no_memory_closes),
    };
    return cmocka_run_group_tests_name("copy_exchange", tests, NULL, NULL);
}
