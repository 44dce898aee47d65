// links: database base
// libs: libpq
#include <poll.h>

#include "base/buffer.h"
#include "database/copy_exchange.h"
#include "database/migrations.h"
#include "database_fixture.h"

/* Flush strings against a real server. The table is t(k int8 check (k < 1000000), v text not null).
 */

#define TOKEN       "11111111-2222-3333-4444-555555555555"
#define OTHER_TOKEN "99999999-2222-3333-4444-555555555555"

static const char FLUSH[] = "BEGIN; SET LOCAL synchronous_commit = off;"
                            "SELECT tidegate.advance('c', 's', 't', 0, '" TOKEN "', 0, 100, 3, 0);"
                            "COPY fixture.t (k, v) FROM STDIN (FORMAT binary); COMMIT";

static void
put_int32(tg_buffer_t *out, uint32_t value)
{
    const uint8_t bytes[4] = {(uint8_t)(value >> 24), (uint8_t)(value >> 16), (uint8_t)(value >> 8),
                              (uint8_t)value};
    assert_int_equal(tg_buffer_append(out, bytes, 4), TG_OK);
}

static void
put_header(tg_buffer_t *out)
{
    static const uint8_t header[19] = "PGCOPY\n\377\r\n";
    assert_int_equal(tg_buffer_append(out, header, sizeof header), TG_OK);
}

/* v NULL: SQL NULL. */
static void
put_row(tg_buffer_t *out, int64_t k, const char *v)
{
    assert_int_equal(tg_buffer_append(out, "\0\2", 2), TG_OK);
    put_int32(out, 8);
    put_int32(out, (uint32_t)((uint64_t)k >> 32));
    put_int32(out, (uint32_t)k);
    put_int32(out, v != NULL ? (uint32_t)strlen(v) : UINT32_MAX);
    if (v != NULL) {
        assert_int_equal(tg_buffer_append_text(out, v), TG_OK);
    }
}

static void
put_trailer(tg_buffer_t *out)
{
    assert_int_equal(tg_buffer_append(out, "\377\377", 2), TG_OK);
}

#define ASSERT_SCENE(expr)                                                                         \
    do {                                                                                           \
        tg_error_t err = {0};                                                                      \
        ASSERT_OK(expr);                                                                           \
    } while (0)

typedef struct scene {
    tg_connection_t *connection;
    tg_copy_exchange_t *exchange;
    tg_buffer_t bytes;
} scene_t;

static void
scene_open(scene_t *scene, void **state)
{
    *scene = (scene_t){.connection = fixture_open(state)};
    size_t n = 0;
    ASSERT_SCENE(tg_migrations_up(scene->connection, NULL, NULL, &n, &err));
    fixture_run(scene->connection,
                "DROP TABLE IF EXISTS fixture.t;"
                "CREATE TABLE fixture.t (k int8 CONSTRAINT k_is_small CHECK (k < 1000000),"
                " v text NOT NULL);"
                "DELETE FROM tidegate.sink_offsets;"
                "SELECT tidegate.claim('c', 's', 't', 0, '" TOKEN "', 0)");
    ASSERT_SCENE(tg_copy_exchange_new(scene->connection, &scene->exchange, &err));
    tg_buffer_init(&scene->bytes, 64 << 20);
}

static void
scene_close(scene_t *scene)
{
    tg_copy_exchange_free(scene->exchange);
    tg_connection_free(scene->connection);
    tg_buffer_done(&scene->bytes);
}

static int64_t
in_ms(int64_t ms)
{
    return tg_clock_now_ms(tg_clock_system()) + ms;
}

/* Pumps until the state is not `from`. */
static tg_exchange_state_t
pump_out_of(tg_copy_exchange_t *exchange, tg_exchange_state_t from)
{
    int64_t end_ms = in_ms(20000);
    while (tg_copy_exchange_pump(exchange) == from) {
        assert_true(in_ms(0) < end_ms);
        struct pollfd socket = {.fd = tg_copy_exchange_fd(exchange),
                                .events = tg_copy_exchange_events(exchange)};
        (void)poll(&socket, 1, 50);
    }
    return tg_copy_exchange_state(exchange);
}

/* Puts all bytes; stops early when the exchange leaves COPYING. Gives what was put. */
static size_t
put_all(tg_copy_exchange_t *exchange, tg_bytes_t bytes)
{
    tg_error_t err = {0};
    size_t done = 0;
    int64_t end_ms = in_ms(20000);
    while (done < bytes.n_bytes && tg_copy_exchange_state(exchange) == TG_EXCHANGE_COPYING) {
        size_t taken = 0;
        assert_true(in_ms(0) < end_ms);
        if (tg_copy_exchange_put(exchange, tg_bytes_of(bytes.data + done, bytes.n_bytes - done),
                                 &taken, &err) != TG_OK) {
            break;
        }
        done += taken;
        if (taken == 0) {
            struct pollfd socket = {.fd = tg_copy_exchange_fd(exchange),
                                    .events = tg_copy_exchange_events(exchange)};
            (void)poll(&socket, 1, 50);
            (void)tg_copy_exchange_pump(exchange);
        }
    }
    return done;
}

/* Runs sql with the scene's bytes for each COPY. */
static tg_exchange_state_t
scene_flush(scene_t *scene, const char *sql)
{
    tg_exchange_state_t state = TG_EXCHANGE_RUNNING;
    ASSERT_SCENE(tg_copy_exchange_begin(scene->exchange, sql, in_ms(15000), &err));
    while ((state = pump_out_of(scene->exchange, TG_EXCHANGE_RUNNING)) == TG_EXCHANGE_COPYING) {
        (void)put_all(scene->exchange, tg_buffer_view(&scene->bytes));
        tg_error_t ignored;
        if (tg_copy_exchange_state(scene->exchange) == TG_EXCHANGE_COPYING) {
            TG_IGNORE(tg_copy_exchange_copy_done(scene->exchange, &ignored));
        }
    }
    return state;
}

static void
assert_idle_and_empty(scene_t *scene)
{
    assert_true(tg_connection_is_open(scene->connection));
    assert_int_equal(fixture_number(scene->connection, "SELECT count(*) FROM fixture.t"), 0);
    assert_int_equal(
        fixture_number(scene->connection, "SELECT next_offset FROM tidegate.sink_offsets"), 0);
}

static void
three_rows(scene_t *scene)
{
    put_header(&scene->bytes);
    put_row(&scene->bytes, 1, "a");
    put_row(&scene->bytes, 2, "b");
    put_row(&scene->bytes, 3, "c");
    put_trailer(&scene->bytes);
}

static void
copy_exchange_flush_string_commits_rows_and_ledger(void **state)
{
    scene_t scene;
    scene_open(&scene, state);
    three_rows(&scene);
    assert_int_equal(scene_flush(&scene, FLUSH), TG_EXCHANGE_DONE);
    assert_int_equal(fixture_number(scene.connection, "SELECT sum(k) FROM fixture.t"), 6);
    assert_int_equal(
        fixture_number(scene.connection, "SELECT next_offset FROM tidegate.sink_offsets"), 100);
    assert_non_null(tg_copy_exchange_rows(scene.exchange, 0));
    assert_null(tg_copy_exchange_rows(scene.exchange, 1));
    assert_true(tg_copy_exchange_server_busy_us(scene.exchange) > 0);
    scene_close(&scene);
}

static void
copy_exchange_without_copy_advances(void **state)
{
    scene_t scene;
    scene_open(&scene, state);
    assert_int_equal(scene_flush(&scene, "BEGIN; SELECT tidegate.advance('c', 's', 't', 0, '" TOKEN
                                         "', 0, 7, 0, 0); SELECT 42; COMMIT"),
                     TG_EXCHANGE_DONE);
    assert_int_equal(tg_result_int64(tg_copy_exchange_rows(scene.exchange, 1), 0, 0), 42);
    scene_close(&scene);
}

static void
copy_exchange_when_fenced_writes_nothing_and_says_so(void **state)
{
    scene_t scene;
    scene_open(&scene, state);
    three_rows(&scene);
    fixture_run(scene.connection,
                "SELECT tidegate.claim('c', 's', 't', 0, '" OTHER_TOKEN "', NULL)");
    assert_int_equal(scene_flush(&scene, FLUSH), TG_EXCHANGE_FAILED);
    const tg_error_t *error = tg_copy_exchange_error(scene.exchange);
    assert_int_equal(error->status, TG_ERR_FENCED);
    assert_string_equal(error->sqlstate, "TG001");
    assert_non_null(strstr(error->text, "lane s/t[0] was claimed by another instance"));
    assert_false(tg_copy_exchange_outcome_unknown(scene.exchange));
    assert_idle_and_empty(&scene);
    scene_close(&scene);
}

static void
copy_exchange_with_a_bad_row_names_it_and_hides_its_values(void **state)
{
    scene_t scene;
    scene_open(&scene, state);
    put_header(&scene.bytes);
    for (int64_t k = 1; k <= 9; k++) {
        put_row(&scene.bytes, k == 7 ? 76543210 : k, "secret-payload");
    }
    put_trailer(&scene.bytes);
    assert_int_equal(scene_flush(&scene, FLUSH), TG_EXCHANGE_FAILED);
    const tg_error_t *error = tg_copy_exchange_error(scene.exchange);
    assert_int_equal(error->status, TG_ERR_CONSTRAINT);
    assert_int_equal(tg_copy_exchange_failed_row(scene.exchange), 7);
    assert_int_equal(tg_copy_exchange_failed_copy(scene.exchange), 0);
    assert_non_null(strstr(error->text, "k_is_small"));
    assert_null(strstr(error->text, "secret-payload"));
    assert_null(strstr(error->text, "76543210"));
    assert_idle_and_empty(&scene);
    scene_close(&scene);
}

static void
copy_exchange_second_of_two_copies_fails_names_the_copy(void **state)
{
    scene_t scene;
    scene_open(&scene, state);
    fixture_run(scene.connection, "DROP TABLE IF EXISTS fixture.u;"
                                  "CREATE TABLE fixture.u (k int8 CHECK (k < 3), v text)");
    three_rows(&scene);
    assert_int_equal(scene_flush(&scene, "BEGIN; SAVEPOINT a;"
                                         "COPY fixture.t (k, v) FROM STDIN (FORMAT binary);"
                                         "SAVEPOINT b;"
                                         "COPY fixture.u (k, v) FROM STDIN (FORMAT binary);"
                                         "SET CONSTRAINTS ALL IMMEDIATE; COMMIT"),
                     TG_EXCHANGE_FAILED);
    assert_int_equal(tg_copy_exchange_failed_row(scene.exchange), 3);
    assert_int_equal(tg_copy_exchange_failed_copy(scene.exchange), 1);
    assert_idle_and_empty(&scene);
    scene_close(&scene);
}

static void
copy_exchange_with_two_good_copies_commits_both(void **state)
{
    scene_t scene;
    scene_open(&scene, state);
    fixture_run(scene.connection, "DROP TABLE IF EXISTS fixture.u;"
                                  "CREATE TABLE fixture.u (k int8, v text)");
    three_rows(&scene);
    assert_int_equal(scene_flush(&scene, "BEGIN; SAVEPOINT a;"
                                         "COPY fixture.t (k, v) FROM STDIN (FORMAT binary);"
                                         "SAVEPOINT b;"
                                         "COPY fixture.u (k, v) FROM STDIN (FORMAT binary);"
                                         "COMMIT"),
                     TG_EXCHANGE_DONE);
    assert_int_equal(fixture_number(scene.connection, "SELECT (SELECT count(*) FROM fixture.t) + "
                                                      "(SELECT count(*) FROM fixture.u)"),
                     6);
    scene_close(&scene);
}

typedef struct stale_case {
    const char *name;
    const char *ddl;
    const char *sqlstate;
} stale_case_t;

static void
copy_exchange_into_a_changed_table_says_stale_plan(void **state)
{
    static const stale_case_t cases[] = {
        {"column dropped", "ALTER TABLE fixture.t DROP COLUMN v", "42703"},
        {"table dropped", "DROP TABLE fixture.t", "42P01"},
        {"narrower type", "ALTER TABLE fixture.t ALTER COLUMN k TYPE int4", "22P03"},
        {"wider type", "ALTER TABLE fixture.t DROP COLUMN k, ADD COLUMN k uuid", "08P01"},
    };
    for (size_t i = 0; i < TG_COUNT_OF(cases); i++) {
        scene_t scene;
        scene_open(&scene, state);
        three_rows(&scene);
        fixture_run(scene.connection, cases[i].ddl);
        assert_int_equal(scene_flush(&scene, FLUSH), TG_EXCHANGE_FAILED);
        const tg_error_t *error = tg_copy_exchange_error(scene.exchange);
        if (strcmp(error->sqlstate, cases[i].sqlstate) != 0 ||
            !tg_sqlstate_is_stale_plan(error->sqlstate)) {
            fail_msg("%s: %s %s", cases[i].name, error->sqlstate, error->text);
        }
        assert_true(tg_connection_is_open(scene.connection));
        scene_close(&scene);
    }
}

static void
copy_exchange_aborted_while_copying_takes_all_back(void **state)
{
    scene_t scene;
    scene_open(&scene, state);
    three_rows(&scene);
    ASSERT_SCENE(tg_copy_exchange_begin(scene.exchange, FLUSH, in_ms(15000), &err));
    assert_int_equal(pump_out_of(scene.exchange, TG_EXCHANGE_RUNNING), TG_EXCHANGE_COPYING);
    (void)put_all(scene.exchange, tg_buffer_view(&scene.bytes));
    tg_copy_exchange_abort(scene.exchange);
    assert_int_equal(pump_out_of(scene.exchange, TG_EXCHANGE_RUNNING), TG_EXCHANGE_FAILED);
    assert_int_equal(tg_copy_exchange_error(scene.exchange)->status, TG_ERR_CANCELLED);
    assert_idle_and_empty(&scene);
    tg_buffer_reset(&scene.bytes);
    three_rows(&scene);
    assert_int_equal(scene_flush(&scene, FLUSH), TG_EXCHANGE_DONE);
    scene_close(&scene);
}

static void
copy_exchange_past_its_deadline_cancels_and_stays_usable(void **state)
{
    if (((const database_fixture_t *)*state)->is_embedded) {
        skip(); /* one backend: nothing can reach it while it runs */
    }
    scene_t scene;
    scene_open(&scene, state);
    int64_t start_ms = in_ms(0);
    ASSERT_SCENE(tg_copy_exchange_begin(scene.exchange, "BEGIN; SELECT pg_sleep(60); COMMIT",
                                        in_ms(200), &err));
    assert_int_equal(pump_out_of(scene.exchange, TG_EXCHANGE_RUNNING), TG_EXCHANGE_FAILED);
    assert_true(in_ms(0) - start_ms < 5000);
    assert_int_equal(tg_copy_exchange_error(scene.exchange)->status, TG_ERR_TIMEOUT);
    assert_false(tg_copy_exchange_outcome_unknown(scene.exchange));
    assert_idle_and_empty(&scene);
    scene_close(&scene);
}

static void
copy_exchange_aborted_while_the_server_works_is_cancelled(void **state)
{
    if (((const database_fixture_t *)*state)->is_embedded) {
        skip();
    }
    scene_t scene;
    scene_open(&scene, state);
    ASSERT_SCENE(tg_copy_exchange_begin(scene.exchange, "BEGIN; SELECT pg_sleep(60); COMMIT",
                                        in_ms(30000), &err));
    (void)tg_copy_exchange_pump(scene.exchange);
    tg_copy_exchange_abort(scene.exchange);
    assert_int_equal(pump_out_of(scene.exchange, TG_EXCHANGE_RUNNING), TG_EXCHANGE_FAILED);
    assert_int_equal(tg_copy_exchange_error(scene.exchange)->status, TG_ERR_CANCELLED);
    scene_close(&scene);
}

static void
copy_exchange_whose_backend_is_terminated_while_copying_is_lost_for_sure(void **state)
{
    if (((const database_fixture_t *)*state)->is_embedded) {
        skip();
    }
    scene_t scene;
    scene_open(&scene, state);
    three_rows(&scene);
    ASSERT_SCENE(tg_copy_exchange_begin(scene.exchange, FLUSH, in_ms(15000), &err));
    assert_int_equal(pump_out_of(scene.exchange, TG_EXCHANGE_RUNNING), TG_EXCHANGE_COPYING);
    (void)put_all(scene.exchange, tg_buffer_view(&scene.bytes));
    tg_connection_t *other = fixture_open(state);
    fixture_run(other, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                       " WHERE query LIKE 'BEGIN; SET LOCAL synchronous_commit = off;%'");
    assert_int_equal(pump_out_of(scene.exchange, TG_EXCHANGE_COPYING), TG_EXCHANGE_FAILED);
    assert_int_equal(tg_copy_exchange_error(scene.exchange)->status, TG_ERR_LOST);
    assert_false(tg_copy_exchange_outcome_unknown(scene.exchange));
    assert_false(tg_connection_is_open(scene.connection));
    assert_int_equal(tg_copy_exchange_fd(scene.exchange), -1);
    tg_error_t err = {0};
    ASSERT_OK(tg_connection_open(scene.connection, &err));
    assert_idle_and_empty(&scene);
    tg_connection_free(other);
    scene_close(&scene);
}

static void
copy_exchange_sees_an_error_before_all_rows_are_sent(void **state)
{
    if (((const database_fixture_t *)*state)->is_embedded) {
        skip(); /* it collects a COPY before it looks at it */
    }
    scene_t scene;
    scene_open(&scene, state);
    put_header(&scene.bytes);
    put_row(&scene.bytes, 1, NULL);
    char filler[1000];
    memset(filler, 'x', sizeof filler - 1);
    filler[sizeof filler - 1] = '\0';
    for (int64_t k = 0; k < 40; k++) {
        put_row(&scene.bytes, k, filler);
    }
    ASSERT_SCENE(tg_copy_exchange_begin(scene.exchange, FLUSH, in_ms(60000), &err));
    assert_int_equal(pump_out_of(scene.exchange, TG_EXCHANGE_RUNNING), TG_EXCHANGE_COPYING);
    (void)put_all(scene.exchange, tg_buffer_view(&scene.bytes));
    /* No copy_done: the exchange finds out by itself. */
    tg_exchange_state_t end = pump_out_of(scene.exchange, TG_EXCHANGE_COPYING);
    end = end == TG_EXCHANGE_RUNNING ? pump_out_of(scene.exchange, end) : end;
    assert_int_equal(end, TG_EXCHANGE_FAILED);
    assert_string_equal(tg_copy_exchange_error(scene.exchange)->sqlstate, "23502");
    assert_int_equal(tg_copy_exchange_failed_row(scene.exchange), 1);
    assert_idle_and_empty(&scene);
    scene_close(&scene);
}

static void
copy_exchange_with_many_megabytes_takes_them_in_parts(void **state)
{
    scene_t scene;
    scene_open(&scene, state);
    char filler[1000];
    memset(filler, 'y', sizeof filler - 1);
    filler[sizeof filler - 1] = '\0';
    put_header(&scene.bytes);
    for (int64_t k = 0; k < 20000; k++) {
        put_row(&scene.bytes, k, filler);
    }
    put_trailer(&scene.bytes);
    assert_int_equal(scene_flush(&scene, FLUSH), TG_EXCHANGE_DONE);
    assert_int_equal(fixture_number(scene.connection, "SELECT sum(k) FROM fixture.t"), 199990000);
    scene_close(&scene);
}

static void
copy_exchange_string_without_commit_is_rolled_back(void **state)
{
    scene_t scene;
    scene_open(&scene, state);
    three_rows(&scene);
    assert_int_equal(scene_flush(&scene, "BEGIN; COPY fixture.t (k, v) FROM STDIN (FORMAT binary)"),
                     TG_EXCHANGE_FAILED);
    assert_int_equal(tg_copy_exchange_error(scene.exchange)->status, TG_ERR_INTERNAL);
    assert_idle_and_empty(&scene);
    scene_close(&scene);
}

static tg_exchange_state_t
scene_part(scene_t *scene, const char *sql)
{
    tg_exchange_state_t state = TG_EXCHANGE_RUNNING;
    ASSERT_SCENE(tg_copy_exchange_begin_part(scene->exchange, sql, in_ms(15000), &err));
    while ((state = pump_out_of(scene->exchange, TG_EXCHANGE_RUNNING)) == TG_EXCHANGE_COPYING) {
        (void)put_all(scene->exchange, tg_buffer_view(&scene->bytes));
        tg_error_t ignored;
        if (tg_copy_exchange_state(scene->exchange) == TG_EXCHANGE_COPYING) {
            TG_IGNORE(tg_copy_exchange_copy_done(scene->exchange, &ignored));
        }
    }
    return state;
}

static void
copy_exchange_in_parts_goes_on_behind_a_savepoint(void **state)
{
    scene_t scene;
    scene_open(&scene, state);
    put_header(&scene.bytes);
    put_row(&scene.bytes, 1, NULL); /* v is NOT NULL */
    put_trailer(&scene.bytes);
    assert_int_equal(scene_part(&scene, "BEGIN; SAVEPOINT a;"
                                        "COPY fixture.t (k, v) FROM STDIN (FORMAT binary)"),
                     TG_EXCHANGE_FAILED);
    assert_int_equal(tg_copy_exchange_error(scene.exchange)->status, TG_ERR_CONSTRAINT);
    tg_buffer_reset(&scene.bytes);
    three_rows(&scene);
    assert_int_equal(scene_part(&scene, "ROLLBACK TO a;"
                                        "COPY fixture.t (k, v) FROM STDIN (FORMAT binary)"),
                     TG_EXCHANGE_DONE);
    assert_int_equal(scene_flush(&scene, "COMMIT"), TG_EXCHANGE_DONE);
    assert_int_equal(fixture_number(scene.connection, "SELECT count(*) FROM fixture.t"), 3);
    scene_close(&scene);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(copy_exchange_flush_string_commits_rows_and_ledger),
        cmocka_unit_test(copy_exchange_without_copy_advances),
        cmocka_unit_test(copy_exchange_when_fenced_writes_nothing_and_says_so),
        cmocka_unit_test(copy_exchange_with_a_bad_row_names_it_and_hides_its_values),
        cmocka_unit_test(copy_exchange_second_of_two_copies_fails_names_the_copy),
        cmocka_unit_test(copy_exchange_with_two_good_copies_commits_both),
        cmocka_unit_test(copy_exchange_into_a_changed_table_says_stale_plan),
        cmocka_unit_test(copy_exchange_aborted_while_copying_takes_all_back),
        cmocka_unit_test(copy_exchange_past_its_deadline_cancels_and_stays_usable),
        cmocka_unit_test(copy_exchange_aborted_while_the_server_works_is_cancelled),
        cmocka_unit_test(copy_exchange_whose_backend_is_terminated_while_copying_is_lost_for_sure),
        cmocka_unit_test(copy_exchange_sees_an_error_before_all_rows_are_sent),
        cmocka_unit_test(copy_exchange_with_many_megabytes_takes_them_in_parts),
        cmocka_unit_test(copy_exchange_string_without_commit_is_rolled_back),
        cmocka_unit_test(copy_exchange_in_parts_goes_on_behind_a_savepoint),
    };
    return cmocka_run_group_tests_name("copy_exchange on a server", tests, fixture_setup,
                                       fixture_teardown);
}
