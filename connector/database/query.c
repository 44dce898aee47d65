#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "connection_internal.h"
#include "server_error.h"

enum { CANCEL_GRACE_MS = 2000, ROLLBACK_TIMEOUT_MS = 5000 };

/* One statement (or string of them) on its way, and what has come of it. */
typedef struct exchange {
    tg_connection_t *connection;
    int64_t timeout_ms;
    int64_t deadline_ms;
    bool cancelled;
    tg_status_t status; /* of the first failure */
    tg_error_t error;
    PGresult *tuples; /* the last result with rows; NULL: none. Owned */
} exchange_t;

/* Moves bytes both ways until a result can be taken without blocking. False: the deadline. */
static bool
wait_for_result(const exchange_t *exchange)
{
    PGconn *pg = exchange->connection->pg;
    for (;;) {
        int unsent =
            PQflush(pg); /* a failure to send shows when the server's last words are read */
        if (PQisBusy(pg) == 0) {
            return true;
        }
        short events = unsent > 0 ? POLLIN | POLLOUT : POLLIN;
        if (!tg_connection_wait(exchange->connection, events, exchange->deadline_ms)) {
            return false;
        }
        (void)PQconsumeInput(pg); /* a failure makes PQisBusy false and PQgetResult tell of it */
    }
}

/* The first deadline cancels, the second gives up. False: given up. */
static bool
wait_or_cancel(exchange_t *exchange)
{
    if (wait_for_result(exchange)) {
        return true;
    }
    exchange->cancelled = true;
    tg_connection_cancel(exchange->connection);
    exchange->deadline_ms = tg_clock_now_ms(tg_clock_system()) + CANCEL_GRACE_MS;
    return wait_for_result(exchange);
}

static tg_status_t
timed_out(exchange_t *exchange, const char *what)
{
    return tg_error_set(&exchange->error, TG_ERR_TIMEOUT, "no answer from %s within %lld ms, %s",
                        exchange->connection->name, (long long)exchange->timeout_ms, what);
}

static void
note_failure(exchange_t *exchange, const PGresult *result)
{
    if (exchange->status != TG_OK) {
        return; /* what follows the first failure only repeats it */
    }
    const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    exchange->status =
        exchange->cancelled && sqlstate != NULL && strcmp(sqlstate, "57014") == 0
            ? timed_out(exchange, "cancelled")
            : tg_server_error_of_result(exchange->connection->pg, result, &exchange->error);
}

/* Takes result. False: the conversation cannot go on. */
static bool
take_result(exchange_t *exchange, PGresult *result)
{
    bool goes_on = true;
    switch (PQresultStatus(result)) {
    case PGRES_TUPLES_OK:
        PQclear(exchange->tuples);
        exchange->tuples = result;
        return true;
    case PGRES_COMMAND_OK:
    case PGRES_EMPTY_QUERY:
        break;
    case PGRES_COPY_IN:
        exchange->status = tg_error_set(&exchange->error, TG_ERR_INTERNAL,
                                        "COPY FROM STDIN needs a copy exchange");
        (void)PQputCopyEnd(exchange->connection->pg, "no data follow");
        break;
    case PGRES_COPY_OUT:
    case PGRES_COPY_BOTH:
    case PGRES_SINGLE_TUPLE:
    case PGRES_PIPELINE_SYNC:
    case PGRES_PIPELINE_ABORTED:
        exchange->status = tg_error_set(&exchange->error, TG_ERR_INTERNAL,
                                        "unexpected answer %s (COPY TO is not for this call)",
                                        PQresStatus(PQresultStatus(result)));
        goes_on = false;
        break;
    case PGRES_BAD_RESPONSE:
    case PGRES_NONFATAL_ERROR:
    case PGRES_FATAL_ERROR:
    default:
        note_failure(exchange, result);
        break;
    }
    PQclear(result);
    return goes_on;
}

static void
take_results(exchange_t *exchange)
{
    for (;;) {
        if (!wait_or_cancel(exchange)) {
            exchange->status = timed_out(exchange, "connection closed");
            tg_connection_close(exchange->connection);
            return;
        }
        PGresult *result = PQgetResult(exchange->connection->pg);
        if (result == NULL) {
            return;
        }
        if (!take_result(exchange, result)) {
            tg_connection_close(exchange->connection);
            return;
        }
    }
}

static exchange_t
exchange_of(tg_connection_t *connection, int64_t timeout_ms)
{
    return (exchange_t){.connection = connection,
                        .timeout_ms = timeout_ms,
                        .deadline_ms = tg_clock_now_ms(tg_clock_system()) + timeout_ms};
}

static void
roll_back(tg_connection_t *connection)
{
    exchange_t exchange = exchange_of(connection, ROLLBACK_TIMEOUT_MS);
    if (PQsendQuery(connection->pg, "ROLLBACK") == 1) {
        take_results(&exchange);
    }
    PQclear(exchange.tuples);
    tg_connection_settle_cancel(connection);
    if (connection->pg != NULL && PQtransactionStatus(connection->pg) != PQTRANS_IDLE) {
        tg_connection_close(connection);
    }
}

/* Leaves the connection idle, in the transaction that the caller has begun, or closed. */
static void
clean_up(const exchange_t *exchange)
{
    tg_connection_t *connection = exchange->connection;
    tg_connection_settle_cancel(connection);
    if (connection->pg == NULL) {
        return;
    }
    /* A standby stays one until the next failover: the next _open looks for the primary. */
    if (PQstatus(connection->pg) != CONNECTION_OK ||
        strcmp(exchange->error.sqlstate, "25006") == 0) {
        tg_connection_close(connection);
        return;
    }
    if (exchange->status != TG_OK && PQtransactionStatus(connection->pg) != PQTRANS_IDLE) {
        roll_back(connection);
    }
}

static tg_status_t
give_result(exchange_t *exchange, tg_result_t **ret_result, tg_error_t *err)
{
    if (exchange->tuples == NULL) {
        exchange->tuples = PQmakeEmptyPGresult(NULL, PGRES_COMMAND_OK);
    }
    tg_result_t *result = exchange->tuples != NULL ? tg_result_of(exchange->tuples) : NULL;
    if (result == NULL) {
        return tg_error_set(err, TG_ERR_NO_MEMORY, "no memory for a result");
    }
    *ret_result = result;
    return TG_OK;
}

static tg_status_t
finish(exchange_t *exchange, bool sent, tg_result_t **ret_result, tg_error_t *err)
{
    tg_connection_t *connection = exchange->connection;
    if (sent) {
        take_results(exchange);
    } else {
        exchange->status = tg_server_error_of_loss(connection->pg, &exchange->error);
        tg_connection_close(connection);
    }
    if (exchange->status != TG_OK && connection->pg != NULL && !tg_connection_is_open(connection)) {
        exchange->status = TG_ERR_LOST; /* the server said why, and left */
        exchange->error.status = TG_ERR_LOST;
    }
    clean_up(exchange);
    if (exchange->status == TG_OK && ret_result != NULL) {
        return give_result(exchange, ret_result, err);
    }
    PQclear(exchange->tuples);
    if (exchange->status != TG_OK && err != NULL) {
        *err = exchange->error;
    }
    return exchange->status;
}

static tg_status_t
check_open(const tg_connection_t *connection, tg_error_t *err)
{
    return tg_connection_is_open(connection)
               ? TG_OK
               : tg_error_set(err, TG_ERR_LOST, "not connected to %s", connection->name);
}

tg_status_t
tg_connection_query(tg_connection_t *connection, const char *sql, const char *const *parameters,
                    int n_parameters, tg_result_t **ret_result, tg_error_t *err)
{
    TG_TRY(check_open(connection, err));
    exchange_t exchange = exchange_of(connection, connection->query_timeout_ms);
    bool sent =
        PQsendQueryParams(connection->pg, sql, n_parameters, NULL, parameters, NULL, NULL, 0) == 1;
    return finish(&exchange, sent, ret_result, err);
}

tg_status_t
tg_connection_execute_within(tg_connection_t *connection, const char *sql, int64_t timeout_ms,
                             tg_error_t *err)
{
    TG_TRY(check_open(connection, err));
    exchange_t exchange = exchange_of(connection, timeout_ms);
    return finish(&exchange, PQsendQuery(connection->pg, sql) == 1, NULL, err);
}

tg_status_t
tg_connection_execute(tg_connection_t *connection, const char *sql, tg_error_t *err)
{
    return tg_connection_execute_within(connection, sql, connection->query_timeout_ms, err);
}
