#include "database/connection.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "connection_internal.h"
#include "server_error.h"

enum {
    DEFAULT_CONNECT_TIMEOUT_MS = 10000,
    DEFAULT_QUERY_TIMEOUT_MS = 30000,
    CANCEL_SETTLE_MS = 50,     /* the request came through, its thread is about to hear so */
    MIN_USER_TIMEOUT_MS = 5000 /* a shorter hiccup of the network must not cost the connection */
};

/* The value of a conninfo keyword, "" when it is not given. */
static const char *
conninfo_value(const PQconninfoOption *options, const char *keyword)
{
    for (const PQconninfoOption *option = options; option->keyword != NULL; option++) {
        if (strcmp(option->keyword, keyword) == 0) {
            return option->val != NULL ? option->val : "";
        }
    }
    return "";
}

static bool
is_port_list(const char *text)
{
    return text[strspn(text, "0123456789,")] == '\0';
}

/*
 * A URL whose password holds a bare "@" or "/" is cut at the wrong place, and the rest of the
 * password becomes a host, a port or a database: refused here, before it gets into a text.
 */
static bool
is_cut_in_the_password(const char *url, const PQconninfoOption *options)
{
    if (strncmp(url, "postgresql://", 13) != 0 && strncmp(url, "postgres://", 11) != 0) {
        return false;
    }
    return strchr(conninfo_value(options, "host"), '@') != NULL ||
           strchr(conninfo_value(options, "dbname"), '@') != NULL ||
           !is_port_list(conninfo_value(options, "port"));
}

static void
note_name(tg_connection_t *connection, const char *host, const char *port, const char *dbname,
          const char *user)
{
    (void)snprintf(connection->name, sizeof connection->name, "%.100s%s%.30s/%.60s%s%.50s",
                   *host != '\0' ? host : "localhost", *port != '\0' ? ":" : "", port, dbname,
                   *user != '\0' ? " as " : "", user);
}

static int
count_hosts(const PQconninfoOption *options)
{
    const char *hosts = conninfo_value(options, "host");
    if (*hosts == '\0') {
        hosts = conninfo_value(options, "hostaddr");
    }
    int n = 1;
    for (; *hosts != '\0'; hosts++) {
        n += *hosts == ',' ? 1 : 0;
    }
    return n;
}

/* libpq's message is cut where it begins to quote the URL, which holds the password. */
static tg_status_t
parse_failed(const char *message, tg_error_t *err)
{
    int n = message != NULL ? (int)strcspn(message, "\"\r\n") : 0;
    return tg_error_set(err, TG_ERR_CONFIG,
                        "database.url is not a PostgreSQL URL (%.*s...): expected "
                        "postgresql://user:password@host:5432/database, special characters in "
                        "user and password percent-encoded",
                        n, message != NULL ? message : "");
}

static tg_status_t
read_url(tg_connection_t *connection, tg_error_t *err)
{
    char *message = NULL;
    PQconninfoOption *options = PQconninfoParse(connection->url, &message);
    if (options == NULL) {
        tg_status_t status = parse_failed(message, err);
        PQfreemem(message);
        return status;
    }
    tg_status_t status = TG_OK;
    if (is_cut_in_the_password(connection->url, options)) {
        status = tg_error_set(err, TG_ERR_CONFIG,
                              "database.url is cut at the wrong place: write @ as %%40, / as %%2F "
                              "and : as %%3A in user and password");
    } else {
        connection->n_hosts = count_hosts(options);
        note_name(connection, conninfo_value(options, "host"), conninfo_value(options, "port"),
                  conninfo_value(options, "dbname"), conninfo_value(options, "user"));
    }
    PQconninfoFree(options);
    return status;
}

static int64_t
or_default(int64_t value, int64_t fallback)
{
    return value > 0 ? value : fallback;
}

static tg_status_t
take_options(tg_connection_t *connection, const tg_connection_options_t *options, tg_error_t *err)
{
    connection->url = strdup(options->url != NULL ? options->url : "");
    connection->application_name =
        strdup(options->application_name != NULL ? options->application_name : "tidegate");
    connection->connect_timeout_ms =
        or_default(options->connect_timeout_ms, DEFAULT_CONNECT_TIMEOUT_MS);
    connection->query_timeout_ms = or_default(options->query_timeout_ms, DEFAULT_QUERY_TIMEOUT_MS);
    connection->log = options->log;
    if (connection->url == NULL || connection->application_name == NULL) {
        return tg_error_set(err, TG_ERR_NO_MEMORY, "no memory for a database connection");
    }
    return read_url(connection, err);
}

tg_status_t
tg_connection_new(const tg_connection_options_t *options, tg_connection_t **ret_connection,
                  tg_error_t *err)
{
    tg_connection_t *connection = calloc(1, sizeof *connection);
    if (connection == NULL) {
        return tg_error_set(err, TG_ERR_NO_MEMORY, "no memory for a database connection");
    }
    tg_status_t status = take_options(connection, options, err);
    if (status != TG_OK) {
        tg_connection_free(connection);
        return status;
    }
    *ret_connection = connection;
    return TG_OK;
}

void
tg_connection_free(tg_connection_t *connection)
{
    if (connection != NULL) {
        tg_connection_close(connection);
        free(connection->url);
        free(connection->application_name);
        free(connection);
    }
}

static void
on_notice(void *arg, const PGresult *notice)
{
    tg_connection_t *connection = arg;
    connection->n_notices++;
    const char *severity = PQresultErrorField(notice, PG_DIAG_SEVERITY_NONLOCALIZED);
    const char *message = PQresultErrorField(notice, PG_DIAG_MESSAGE_PRIMARY);
    const char *sqlstate = PQresultErrorField(notice, PG_DIAG_SQLSTATE);
    if (severity != NULL && strcmp(severity, "WARNING") == 0) {
        TG_LOG_WARNING(connection->log, "server warns", TG_S("message", message),
                       TG_S("sqlstate", sqlstate), TG_S("server", connection->name));
    } else {
        TG_LOG_DEBUG(connection->log, "server notes", TG_S("message", message),
                     TG_S("server", connection->name));
    }
}

bool
tg_connection_wait(const tg_connection_t *connection, short events, int64_t deadline_ms)
{
    for (;;) {
        int64_t left_ms = deadline_ms - tg_clock_now_ms(tg_clock_system());
        struct pollfd socket = {.fd = PQsocket(connection->pg), .events = events};
        int rc = poll(&socket, 1, left_ms > 0 ? (int)(left_ms < 60000 ? left_ms : 60000) : 0);
        if (rc != 0 && !(rc < 0 && errno == EINTR)) {
            return true; /* also for a dead socket: libpq finds the words for it */
        }
        if (left_ms <= 0) {
            return false;
        }
    }
}

/* What stands before dbname can be overridden by the URL, what stands behind cannot. */
static PGconn *
start_connecting(const tg_connection_t *connection)
{
    char user_timeout[24];
    int64_t timeout_ms = connection->connect_timeout_ms > MIN_USER_TIMEOUT_MS
                             ? connection->connect_timeout_ms
                             : MIN_USER_TIMEOUT_MS;
    (void)snprintf(user_timeout, sizeof user_timeout, "%lld", (long long)timeout_ms);
    const char *const keywords[] = {"target_session_attrs", "application_name",
                                    "keepalives",           "keepalives_idle",
                                    "keepalives_interval",  "keepalives_count",
                                    "tcp_user_timeout",     "dbname",
                                    "client_encoding",      NULL};
    const char *const values[] = {"read-write", connection->application_name,
                                  "1",          "30",
                                  "10",         "3",
                                  user_timeout, connection->url,
                                  "UTF8",       NULL};
    return PQconnectStartParams(keywords, values, 1);
}

/* Drives the login until it stands or fails or deadline_ms passes. */
static tg_status_t
finish_connecting(const tg_connection_t *connection, int64_t deadline_ms, tg_error_t *err)
{
    PostgresPollingStatusType next = PGRES_POLLING_WRITING;
    while (next != PGRES_POLLING_OK) {
        if (next == PGRES_POLLING_FAILED) {
            return tg_server_error_of_connect(connection->pg, connection->name, err);
        }
        short events = next == PGRES_POLLING_READING ? POLLIN : POLLOUT;
        if (!tg_connection_wait(connection, events, deadline_ms)) {
            return tg_error_set(err, TG_ERR_TIMEOUT,
                                "cannot connect to %s: no answer within %lld ms (is the host "
                                "right, does a firewall drop packets?)",
                                connection->name, (long long)connection->connect_timeout_ms);
        }
        next = PQconnectPoll(connection->pg);
    }
    return TG_OK;
}

static tg_status_t
connect_now(tg_connection_t *connection, tg_error_t *err)
{
    /* libpq tries the hosts of a list one after the other, and resolves names without a limit. */
    int64_t deadline_ms =
        tg_clock_now_ms(tg_clock_system()) + connection->connect_timeout_ms * connection->n_hosts;
    (void)PQsetErrorVerbosity(connection->pg, PQERRORS_VERBOSE);
    (void)PQsetNoticeReceiver(connection->pg, on_notice, connection);
    TG_TRY(finish_connecting(connection, deadline_ms, err));
    (void)PQsetErrorVerbosity(connection->pg, PQERRORS_DEFAULT);
    if (PQsetnonblocking(connection->pg, 1) != 0) {
        return tg_server_error_of_connect(connection->pg, connection->name, err);
    }
    note_name(connection, PQhost(connection->pg), PQport(connection->pg), PQdb(connection->pg),
              PQuser(connection->pg));
    return TG_OK;
}

tg_status_t
tg_connection_open(tg_connection_t *connection, tg_error_t *err)
{
    if (tg_connection_is_open(connection)) {
        return TG_OK;
    }
    tg_connection_close(connection);
    connection->pg = start_connecting(connection);
    if (connection->pg == NULL) {
        return tg_error_set(err, TG_ERR_NO_MEMORY, "no memory to connect to %s", connection->name);
    }
    tg_status_t status = PQstatus(connection->pg) == CONNECTION_BAD
                             ? tg_server_error_of_connect(connection->pg, connection->name, err)
                             : connect_now(connection, err);
    if (status != TG_OK) {
        tg_connection_close(connection);
        return status;
    }
    TG_LOG_DEBUG(connection->log, "connected", TG_S("server", connection->name),
                 TG_I("version", PQserverVersion(connection->pg)),
                 TG_I("backend", PQbackendPID(connection->pg)));
    return TG_OK;
}

void
tg_connection_close(tg_connection_t *connection)
{
    if (connection->pg != NULL) {
        PQfinish(connection->pg);
        connection->pg = NULL;
    }
    tg_canceller_release(connection->canceller);
    connection->canceller = NULL;
}

bool
tg_connection_is_open(const tg_connection_t *connection)
{
    return connection->pg != NULL && PQstatus(connection->pg) == CONNECTION_OK;
}

const char *
tg_connection_name(const tg_connection_t *connection)
{
    return connection->name;
}

int
tg_connection_server_version(const tg_connection_t *connection)
{
    return tg_connection_is_open(connection) ? PQserverVersion(connection->pg) : 0;
}

void
tg_connection_cancel(tg_connection_t *connection)
{
    if (connection->canceller != NULL && !tg_canceller_wait(connection->canceller, 0)) {
        return; /* one is on its way; two could not both be waited for */
    }
    tg_canceller_release(connection->canceller);
    connection->canceller = tg_canceller_start(connection->pg);
}

void
tg_connection_settle_cancel(tg_connection_t *connection)
{
    if (connection->canceller == NULL) {
        return;
    }
    bool done = tg_canceller_wait(connection->canceller, CANCEL_SETTLE_MS);
    tg_canceller_release(connection->canceller);
    connection->canceller = NULL;
    if (!done) {
        tg_connection_close(connection);
    }
}

const char *
tg_connection_library_version(void)
{
    static _Thread_local char text[16];
    int version = PQlibVersion();
    (void)snprintf(text, sizeof text, "%d.%d", version / 10000, version % 10000);
    return text;
}
