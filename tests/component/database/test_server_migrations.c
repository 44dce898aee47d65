// links: database base
// libs: libpq
#include "base/thread.h"
#include "database/migrations.h"
#include "database_fixture.h"

/* The catalogue of a fresh database. The tests run in order: each starts without the schema. */

static tg_connection_t *
open_without_catalogue(void **state)
{
    tg_connection_t *connection = fixture_open(state);
    fixture_run(connection, "DROP SCHEMA IF EXISTS tidegate CASCADE");
    return connection;
}

static void
count_applied(void *arg, const tg_migration_status_t *migration)
{
    assert_true(migration->applied);
    *(int *)arg += 1;
}

static void
migrations_up_applies_all_once(void **state)
{
    tg_connection_t *connection = open_without_catalogue(state);
    tg_error_t err = {0};
    size_t n = 0;
    int n_told = 0;
    ASSERT_FAILS(tg_migrations_check(connection, &err), TG_ERR_MISSING);
    assert_non_null(strstr(err.text, "tidegate migrate up"));
    ASSERT_OK(tg_migrations_up(connection, count_applied, &n_told, &n, &err));
    assert_true(n >= 1);
    assert_int_equal(n_told, n);
    ASSERT_OK(tg_migrations_check(connection, &err));
    ASSERT_OK(tg_migrations_up(connection, count_applied, &n_told, &n, &err));
    assert_int_equal(n, 0);
    tg_connection_free(connection);
}

static void
migrations_status_tells_what_was_applied(void **state)
{
    tg_connection_t *connection = open_without_catalogue(state);
    tg_error_t err = {0};
    tg_migration_status_t statuses[8];
    size_t n = 0;
    ASSERT_OK(tg_migrations_status(connection, statuses, 8, &n, &err));
    assert_int_equal(statuses[0].version, 1);
    assert_string_equal(statuses[0].name, "ledger");
    assert_false(statuses[0].applied);
    size_t n_applied = 0;
    ASSERT_OK(tg_migrations_up(connection, NULL, NULL, &n_applied, &err));
    ASSERT_OK(tg_migrations_status(connection, statuses, 8, &n, &err));
    assert_true(statuses[0].applied);
    assert_false(statuses[0].checksum_differs);
    assert_int_equal(statuses[0].applied_at[4], '-');
    tg_connection_free(connection);
}

static void
migrations_when_a_file_was_changed_are_refused_by_name(void **state)
{
    tg_connection_t *connection = open_without_catalogue(state);
    tg_error_t err = {0};
    size_t n = 0;
    ASSERT_OK(tg_migrations_up(connection, NULL, NULL, &n, &err));
    fixture_run(connection, "UPDATE tidegate.migrations SET checksum = 'other' WHERE version = 1");
    ASSERT_FAILS(tg_migrations_up(connection, NULL, NULL, &n, &err), TG_ERR_CONFIG);
    assert_non_null(strstr(err.text, "V001 (ledger)"));
    ASSERT_FAILS(tg_migrations_check(connection, &err), TG_ERR_CONFIG);
    tg_connection_free(connection);
}

static void
migrations_of_a_newer_program_are_refused(void **state)
{
    tg_connection_t *connection = open_without_catalogue(state);
    tg_error_t err = {0};
    size_t n = 0;
    ASSERT_OK(tg_migrations_up(connection, NULL, NULL, &n, &err));
    fixture_run(connection,
                "INSERT INTO tidegate.migrations (version, name, checksum) VALUES (999, 'x', 'x')");
    ASSERT_FAILS(tg_migrations_check(connection, &err), TG_ERR_CONFIG);
    assert_non_null(strstr(err.text, "version 999"));
    fixture_run(connection, "DROP SCHEMA tidegate CASCADE");
    tg_connection_free(connection);
}

typedef struct racer {
    void **state;
    tg_thread_t thread;
    tg_connection_t *connection;
    tg_status_t status;
    size_t n_applied;
    tg_error_t err;
} racer_t;

static void *
race(void *arg)
{
    racer_t *racer = arg;
    racer->status = tg_migrations_up(racer->connection, NULL, NULL, &racer->n_applied, &racer->err);
    return NULL;
}

static void
migrations_of_four_instances_at_once_are_applied_once(void **state)
{
    tg_connection_t *connection = open_without_catalogue(state);
    racer_t racers[4] = {0};
    tg_error_t err = {0};
    for (size_t i = 0; i < TG_COUNT_OF(racers); i++) {
        racers[i].connection = fixture_open(state);
        ASSERT_OK(tg_thread_start(&racers[i].thread, "racer", race, &racers[i], &err));
    }
    size_t n_applied = 0;
    for (size_t i = 0; i < TG_COUNT_OF(racers); i++) {
        tg_thread_join(&racers[i].thread);
        if (racers[i].status != TG_OK) {
            fail_msg("%s", racers[i].err.text);
        }
        n_applied += racers[i].n_applied;
        tg_connection_free(racers[i].connection);
    }
    assert_int_equal(n_applied,
                     fixture_number(connection, "SELECT count(*) FROM tidegate.migrations"));
    tg_connection_free(connection);
}

/* 'TG001' when the statement is fenced, 'ok' when it goes through. */
static const char *
advance(tg_connection_t *connection, const char *token, const char *expected, const char *next)
{
    static char sqlstate[6];
    tg_error_t err = {0};
    tg_result_t *result = NULL;
    const char *const parameters[] = {token, expected, next};
    if (tg_connection_query(connection,
                            "SELECT tidegate.advance('c', 's', 't', 3, $1, $2, $3, 10, 1)",
                            parameters, 3, &result, &err) == TG_OK) {
        tg_result_free(result);
        return "ok";
    }
    assert_int_equal(err.status, TG_ERR_FENCED);
    (void)snprintf(sqlstate, sizeof sqlstate, "%s", err.sqlstate);
    return sqlstate;
}

static void
ledger_advances_only_for_the_holder_from_where_it_stands(void **state)
{
    static const char a[] = "aaaaaaaa-0000-0000-0000-000000000000";
    static const char b[] = "bbbbbbbb-0000-0000-0000-000000000000";
    tg_connection_t *connection = open_without_catalogue(state);
    tg_error_t err = {0};
    size_t n = 0;
    ASSERT_OK(tg_migrations_up(connection, NULL, NULL, &n, &err));
    assert_string_equal(advance(connection, a, "5", "9"), "TG001"); /* never claimed */
    assert_int_equal(fixture_number(connection, "SELECT epoch FROM tidegate.claim('c', 's', 't', 3,"
                                                " 'aaaaaaaa-0000-0000-0000-000000000000', NULL)"),
                     -1); /* asks, and leaves it alone */
    assert_int_equal(fixture_number(connection, "SELECT epoch FROM tidegate.claim('c', 's', 't', 3,"
                                                " 'aaaaaaaa-0000-0000-0000-000000000000', 5)"),
                     1);
    assert_string_equal(advance(connection, a, "4", "9"), "TG001");
    assert_string_equal(advance(connection, b, "5", "9"), "TG001");
    assert_string_equal(advance(connection, a, "5", "9"), "ok");
    assert_string_equal(advance(connection, a, "5", "9"), "TG001");
    assert_int_equal(fixture_number(connection,
                                    "SELECT next_offset * 10 + epoch FROM tidegate.claim("
                                    "'c', 's', 't', 3, 'bbbbbbbb-0000-0000-0000-000000000000', 0)"),
                     92);
    assert_string_equal(advance(connection, a, "9", "12"), "TG001");
    assert_string_equal(advance(connection, b, "9", "12"), "ok");
    assert_int_equal(fixture_number(connection, "SELECT rows_written * 100 + dead_letters"
                                                " FROM tidegate.sink_offsets"),
                     2002);
    tg_connection_free(connection);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(migrations_up_applies_all_once),
        cmocka_unit_test(migrations_status_tells_what_was_applied),
        cmocka_unit_test(migrations_when_a_file_was_changed_are_refused_by_name),
        cmocka_unit_test(migrations_of_a_newer_program_are_refused),
        cmocka_unit_test(migrations_of_four_instances_at_once_are_applied_once),
        cmocka_unit_test(ledger_advances_only_for_the_holder_from_where_it_stands),
    };
    return cmocka_run_group_tests_name("migrations on a server", tests, fixture_setup,
                                       fixture_teardown);
}
