/*
 * A real server for tests: the one that TIDEGATE_TEST_DATABASE_URL names, else the test is skipped.
 *
 * A database of its own is created for the program and dropped at the end where the server allows
 * it (PostgreSQL, also behind PgBouncer), with the extension if the server has it and
 * TIDEGATE_TEST_PLAIN is not set; else (the embedded one) the database that is there is used.
 */
#ifndef TG_DATABASE_FIXTURE_H
#define TG_DATABASE_FIXTURE_H

#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <unistd.h>

#include <libpq-fe.h>

#include "base/clock.h"
#include "base/log.h"
#include "database/connection.h"
#include "tg_test.h"

typedef struct database_fixture {
    char url[1024]; /* "": no server, tests are skipped */
    char name[64];  /* of the database that was created; "": none */
    int lock_fd;    /* held while programs share the database that is there */
    bool is_embedded;
    bool has_timescaledb;
} database_fixture_t;

/* The URL with another database, as key = 'value' pairs. */
static inline void
fixture_url(const char *url, const char *dbname, char *out, size_t n_bytes)
{
    PQconninfoOption *options = PQconninfoParse(url, NULL);
    size_t n = 0;
    out[0] = '\0';
    for (PQconninfoOption *option = options; option != NULL && option->keyword != NULL; option++) {
        if (option->val != NULL && strcmp(option->keyword, "dbname") != 0) {
            n += (size_t)snprintf(out + n, n_bytes - n, "%s='%s' ", option->keyword, option->val);
        }
    }
    (void)snprintf(out + n, n_bytes - n, "dbname='%s'", dbname);
    PQconninfoFree(options);
}

static inline tg_connection_t *
fixture_connect(const char *url)
{
    tg_error_t err = {0};
    tg_connection_t *connection = NULL;
    const tg_connection_options_t options = {.url = url,
                                             .application_name = "tidegate test",
                                             .connect_timeout_ms = 10000,
                                             .query_timeout_ms = 30000};
    ASSERT_OK(tg_connection_new(&options, &connection, &err));
    ASSERT_OK(tg_connection_open(connection, &err));
    return connection;
}

static inline void
fixture_run(tg_connection_t *connection, const char *sql)
{
    tg_error_t err = {0};
    ASSERT_OK(tg_connection_execute(connection, sql, &err));
}

static inline int64_t
fixture_number(tg_connection_t *connection, const char *sql)
{
    tg_error_t err = {0};
    tg_result_t *result = NULL;
    ASSERT_OK(tg_connection_query(connection, sql, NULL, 0, &result, &err));
    int64_t number = tg_result_n_rows(result) > 0 ? tg_result_int64(result, 0, 0) : -1;
    tg_result_free(result);
    return number;
}

static inline void
fixture_drop(tg_connection_t *connection, const char *name)
{
    char sql[160];
    (void)snprintf(sql, sizeof sql, "DROP DATABASE IF EXISTS %s WITH (FORCE)", name);
    fixture_run(connection, sql);
}

static inline int
fixture_setup(void **state)
{
    static database_fixture_t fixture;
    *state = &fixture;
    const char *url = getenv("TIDEGATE_TEST_DATABASE_URL");
    if (url == NULL || *url == '\0') {
        return 0;
    }
    (void)snprintf(fixture.url, sizeof fixture.url, "%s", url);
    tg_connection_t *connection = fixture_connect(url);
    tg_error_t err = {0};
    fixture.is_embedded =
        fixture_number(connection, "SELECT (version() ~* 'wasm|emscripten|emcc')::int") == 1;
    bool available = fixture_number(connection, "SELECT count(*) FROM pg_available_extensions "
                                                "WHERE name = 'timescaledb'") == 1;
    char sql[160];
    (void)snprintf(fixture.name, sizeof fixture.name, "tidegate_test_%d", (int)getpid());
    (void)snprintf(sql, sizeof sql, "CREATE DATABASE %s TEMPLATE template0", fixture.name);
    if (!fixture.is_embedded && tg_connection_execute(connection, sql, &err) == TG_OK) {
        fixture_url(url, fixture.name, fixture.url, sizeof fixture.url);
        tg_connection_t *probe = NULL;
        const tg_connection_options_t options = {.url = fixture.url};
        ASSERT_OK(tg_connection_new(&options, &probe, &err));
        if (tg_connection_open(probe, &err) != TG_OK) { /* PgBouncer knows it not */
            fixture_drop(connection, fixture.name);
            fixture.name[0] = '\0';
            (void)snprintf(fixture.url, sizeof fixture.url, "%s", url);
        }
        tg_connection_free(probe);
    } else {
        fixture.name[0] = '\0';
    }
    tg_connection_free(connection);
    if (fixture.name[0] == '\0') {
        fixture.lock_fd = open("/tmp/tidegate-fixture.lock", O_RDWR | O_CREAT | O_CLOEXEC, 0666);
        assert_true(flock(fixture.lock_fd, LOCK_EX) == 0);
    }
    connection = fixture_connect(fixture.url);
    if (available && fixture.name[0] != '\0' && getenv("TIDEGATE_TEST_PLAIN") == NULL) {
        fixture_run(connection, "CREATE EXTENSION timescaledb");
    }
    fixture.has_timescaledb =
        fixture_number(connection,
                       "SELECT count(*) FROM pg_extension WHERE extname = 'timescaledb'") == 1;
    fixture_run(connection, "DROP SCHEMA IF EXISTS fixture CASCADE; CREATE SCHEMA fixture");
    tg_connection_free(connection);
    return 0;
}

static inline int
fixture_teardown(void **state)
{
    const database_fixture_t *fixture = *state;
    if (fixture->url[0] == '\0') {
        return 0;
    }
    if (fixture->name[0] == '\0') {
        tg_connection_t *connection = fixture_connect(fixture->url);
        fixture_run(connection, "DROP SCHEMA fixture CASCADE");
        tg_connection_free(connection);
        (void)close(fixture->lock_fd);
        return 0;
    }
    tg_connection_t *connection = fixture_connect(getenv("TIDEGATE_TEST_DATABASE_URL"));
    fixture_drop(connection, fixture->name);
    tg_connection_free(connection);
    return 0;
}

/* The connection of one test; skips it when there is no server. */
static inline tg_connection_t *
fixture_open(void **state)
{
    const database_fixture_t *fixture = *state;
    if (fixture->url[0] == '\0') {
        skip();
    }
    return fixture_connect(fixture->url);
}

#endif
