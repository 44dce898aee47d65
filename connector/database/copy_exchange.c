#include "database/copy_exchange.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "connection_internal.h"
#include "copy_answer.h"
#include "server_error.h"

enum {
    CHUNK_BYTES = 128 * 1024, /* one CopyData message; libpq's buffer holds one, doubled */
    GRACE_MS = 2000,          /* between the cancel request and closing */
    CANCEL_AGAIN_MS = 300,    /* a request that comes before its statement hits nothing */
    EARLY_GRACE_MS = 100      /* what a notice may need from its first byte to its last */
};

/* What of our side is under way in RUNNING and COPYING. */
typedef enum phase { PHASE_STRING, PHASE_ROLLBACK } phase_t;

struct tg_copy_exchange {
    tg_connection_t *connection;
    tg_exchange_state_t state;
    phase_t phase;
    int copy_index;  /* of the last COPY that asked for rows; -1: none yet */
    bool part;       /* the string ends inside of the transaction: see _begin_part */
    bool unsent;     /* libpq holds bytes that the socket did not take */
    bool end_unsent; /* CopyDone did not even fit into libpq's buffer */
    bool can_commit; /* the last thing the server needs for its COMMIT was given to libpq */
    bool aborting;
    bool timed_out;
    bool gave_up_early; /* ended the COPY because the server had said something */
    int64_t deadline_ms;
    int64_t timeout_ms;      /* for the message */
    int64_t cancel_again_ms; /* when a cancel request shall be made again; 0: none was made */
    int64_t early_ms;        /* since when unexplained bytes are there; 0: none */
    int64_t early_notices;
    tg_copy_answer_t answer;
    bool outcome_unknown;
    int64_t mark_us; /* up to here time is accounted for */
    int64_t busy_us;
    int64_t waiting_us;
};

tg_status_t
tg_copy_exchange_new(tg_connection_t *connection, tg_copy_exchange_t **ret_exchange,
                     tg_error_t *err)
{
    tg_copy_exchange_t *exchange = calloc(1, sizeof *exchange);
    if (exchange == NULL) {
        return tg_error_set(err, TG_ERR_NO_MEMORY, "no memory for a copy exchange");
    }
    exchange->connection = connection;
    exchange->copy_index = -1;
    *ret_exchange = exchange;
    return TG_OK;
}

static bool
is_under_way(const tg_copy_exchange_t *exchange)
{
    return exchange->state == TG_EXCHANGE_RUNNING || exchange->state == TG_EXCHANGE_COPYING;
}

void
tg_copy_exchange_free(tg_copy_exchange_t *exchange)
{
    if (exchange == NULL) {
        return;
    }
    if (is_under_way(exchange)) {
        tg_connection_close(exchange->connection);
    }
    tg_copy_answer_reset(&exchange->answer);
    free(exchange);
}

static int64_t
now_ms(void)
{
    return tg_clock_now_ms(tg_clock_system());
}

/* Books the time since the last look on who was waiting for whom. */
static void
account(tg_copy_exchange_t *exchange)
{
    int64_t now_us = tg_clock_now_us(tg_clock_system());
    if (exchange->state == TG_EXCHANGE_COPYING && !exchange->unsent) {
        exchange->waiting_us += now_us - exchange->mark_us;
    } else if (is_under_way(exchange)) {
        exchange->busy_us += now_us - exchange->mark_us;
    }
    exchange->mark_us = now_us;
}

/* Ends in FAILED or DONE. */
static void
conclude(tg_copy_exchange_t *exchange, tg_exchange_state_t state)
{
    account(exchange);
    tg_connection_settle_cancel(exchange->connection);
    /* A standby stays one until the next failover: the next _open looks for the primary. */
    if (state == TG_EXCHANGE_FAILED && strcmp(exchange->answer.error.sqlstate, "25006") == 0) {
        tg_connection_close(exchange->connection);
    }
    exchange->state = state;
}

/* The failure is the answer to our own CopyFail or cancel request: says why we made it. */
static void
explain_echo(tg_copy_exchange_t *exchange)
{
    tg_error_t *error = &exchange->answer.error;
    if (exchange->aborting) {
        (void)tg_error_set(error, TG_ERR_CANCELLED, "the batch was taken back");
    } else if (exchange->timed_out) {
        (void)tg_error_set(error, TG_ERR_TIMEOUT,
                           "%s did not finish the batch within %lld ms; cancelled",
                           exchange->connection->name, (long long)exchange->timeout_ms);
    } else if (exchange->gave_up_early) {
        (void)tg_error_set(error, TG_ERR_UNAVAILABLE, "%s sent something unexpected during COPY",
                           exchange->connection->name);
    } else {
        return; /* somebody else's cancel, or statement_timeout */
    }
    exchange->answer.failed_row = 0;
}

static void
on_failure(tg_copy_exchange_t *exchange, const PGresult *result)
{
    bool first = !exchange->answer.failed;
    tg_copy_answer_note_failure(&exchange->answer, exchange->connection->pg, result);
    if (first && strcmp(exchange->answer.error.sqlstate, "57014") == 0) {
        explain_echo(exchange);
    }
}

/* Closes and fails. A COMMIT may have been carried out if the server had all that it needed, unless
 * it has refused: then that is the error, else the loss is. */
static void
give_up(tg_copy_exchange_t *exchange)
{
    exchange->outcome_unknown =
        exchange->can_commit && !exchange->unsent && !exchange->answer.refused;
    if (exchange->outcome_unknown) {
        exchange->answer.error.status = TG_ERR_LOST;
    }
    tg_connection_close(exchange->connection);
    conclude(exchange, TG_EXCHANGE_FAILED);
}

/* The connection is gone. */
static void
lose(tg_copy_exchange_t *exchange)
{
    if (!exchange->answer.failed) {
        (void)tg_server_error_of_loss(exchange->connection->pg, &exchange->answer.error);
    }
    exchange->answer.error.status = TG_ERR_LOST;
    give_up(exchange);
}

static void
flush(tg_copy_exchange_t *exchange)
{
    /* After a failure to write libpq throws the rest away and waits for the server's last words. */
    exchange->unsent = PQflush(exchange->connection->pg) > 0;
}

/* reason NULL: CopyDone, else CopyFail. */
static void
end_copy(tg_copy_exchange_t *exchange, const char *reason)
{
    account(exchange);
    int rc = PQputCopyEnd(exchange->connection->pg, reason);
    exchange->end_unsent = rc == 0 && reason == NULL;
    if (exchange->end_unsent) {
        return; /* _pump tries again */
    }
    if (rc <= 0 && PQstatus(exchange->connection->pg) == CONNECTION_OK) {
        lose(exchange); /* no memory: libpq still waits for data, nothing else can be said to it */
        return;
    }
    exchange->state = TG_EXCHANGE_RUNNING;
    exchange->can_commit = reason == NULL && !exchange->part;
    flush(exchange);
}

static void
on_copy_in(tg_copy_exchange_t *exchange)
{
    account(exchange);
    exchange->copy_index++;
    exchange->state = TG_EXCHANGE_COPYING;
    exchange->can_commit = false;
    exchange->early_ms = 0;
    if (exchange->aborting) {
        end_copy(exchange, "taken back");
    }
}

static void
on_result(tg_copy_exchange_t *exchange, PGresult *result)
{
    switch (PQresultStatus(result)) {
    case PGRES_COPY_IN:
        on_copy_in(exchange);
        break;
    case PGRES_COMMAND_OK:
        tg_copy_answer_note_command(&exchange->answer, result);
        break;
    case PGRES_TUPLES_OK:
        tg_copy_answer_take_rows(&exchange->answer, result);
        return;
    case PGRES_EMPTY_QUERY:
        break;
    case PGRES_COPY_OUT:
    case PGRES_COPY_BOTH:
    case PGRES_SINGLE_TUPLE:
    case PGRES_PIPELINE_SYNC:
    case PGRES_PIPELINE_ABORTED:
        exchange->answer.failed = true;
        (void)tg_error_set(&exchange->answer.error, TG_ERR_INTERNAL, "unexpected answer %s",
                           PQresStatus(PQresultStatus(result)));
        tg_connection_close(exchange->connection);
        conclude(exchange, TG_EXCHANGE_FAILED);
        break;
    case PGRES_BAD_RESPONSE:
    case PGRES_NONFATAL_ERROR:
    case PGRES_FATAL_ERROR:
    default:
        on_failure(exchange, result);
        break;
    }
    PQclear(result);
}

static void
begin_rollback(tg_copy_exchange_t *exchange)
{
    exchange->phase = PHASE_ROLLBACK;
    exchange->can_commit = false;
    exchange->state = TG_EXCHANGE_RUNNING;
    tg_connection_settle_cancel(exchange->connection);
    if (exchange->connection->pg == NULL ||
        PQsendQuery(exchange->connection->pg, "ROLLBACK") != 1) {
        tg_connection_close(exchange->connection);
        conclude(exchange, TG_EXCHANGE_FAILED);
        return;
    }
    exchange->deadline_ms = now_ms() + GRACE_MS;
    exchange->timed_out = true; /* no second cancel: the next deadline closes */
    flush(exchange);
}

/* All results of the string, or of our ROLLBACK, are there. */
static void
on_end(tg_copy_exchange_t *exchange)
{
    PGTransactionStatusType transaction = PQtransactionStatus(exchange->connection->pg);
    if (PQstatus(exchange->connection->pg) != CONNECTION_OK) {
        lose(exchange);
        return;
    }
    if (exchange->phase == PHASE_ROLLBACK) {
        if (transaction != PQTRANS_IDLE) {
            tg_connection_close(exchange->connection);
        }
        conclude(exchange, TG_EXCHANGE_FAILED);
        return;
    }
    if (!exchange->answer.failed &&
        (exchange->part ? transaction == PQTRANS_INTRANS
                        : exchange->answer.committed && transaction == PQTRANS_IDLE)) {
        conclude(exchange, TG_EXCHANGE_DONE);
        return;
    }
    if (exchange->answer.failed && exchange->part && transaction == PQTRANS_INERROR) {
        conclude(exchange, TG_EXCHANGE_FAILED); /* the caller rolls back to its savepoint */
        return;
    }
    if (!exchange->answer.failed) {
        exchange->answer.failed = true;
        (void)tg_error_set(&exchange->answer.error, TG_ERR_INTERNAL,
                           "the statements ended without a COMMIT that the server confirmed");
    }
    if (transaction != PQTRANS_IDLE) {
        begin_rollback(exchange);
    } else {
        conclude(exchange, TG_EXCHANGE_FAILED);
    }
}

/* Takes the results that are there. */
static void
drive(tg_copy_exchange_t *exchange)
{
    while (exchange->state == TG_EXCHANGE_RUNNING && PQisBusy(exchange->connection->pg) == 0) {
        PGresult *result = PQgetResult(exchange->connection->pg);
        if (result != NULL) {
            on_result(exchange, result);
        } else {
            on_end(exchange);
        }
    }
}

static void
read_input(tg_copy_exchange_t *exchange)
{
    struct pollfd socket = {.fd = PQsocket(exchange->connection->pg), .events = POLLIN};
    if (poll(&socket, 1, 0) <= 0) {
        return;
    }
    int64_t notices = exchange->connection->n_notices;
    bool readable = PQconsumeInput(exchange->connection->pg) == 1;
    PGnotify *notify = PQnotifies(exchange->connection->pg);
    PQfreemem(notify); /* nobody listens; it only must not pile up */
    if (exchange->state == TG_EXCHANGE_COPYING) {
        if (!readable) {
            end_copy(exchange, "the connection broke"); /* libpq then gives the last words */
        } else if (exchange->early_ms == 0) {
            exchange->early_ms = now_ms();
            exchange->early_notices = notices;
        }
    }
}

/*
 * libpq does not look at an ErrorResponse while it takes COPY data, and the server throws the data
 * away after one. Bytes that came and are no notice are such an error: CopyFail then changes
 * nothing for the server, and lets libpq read on.
 */
static void
heed_early_answer(tg_copy_exchange_t *exchange)
{
    if (exchange->state != TG_EXCHANGE_COPYING || exchange->early_ms == 0) {
        return;
    }
    if (exchange->early_notices != exchange->connection->n_notices) {
        exchange->early_ms = 0;
    } else if (now_ms() - exchange->early_ms > EARLY_GRACE_MS) {
        exchange->gave_up_early = true;
        end_copy(exchange, "the server has answered already");
    }
}

static void
cancel(tg_copy_exchange_t *exchange)
{
    tg_connection_cancel(exchange->connection);
    exchange->cancel_again_ms = now_ms() + CANCEL_AGAIN_MS;
}

static void
cancel_again_when_due(tg_copy_exchange_t *exchange)
{
    if (exchange->state == TG_EXCHANGE_RUNNING && exchange->phase == PHASE_STRING &&
        exchange->cancel_again_ms != 0 && now_ms() >= exchange->cancel_again_ms) {
        cancel(exchange);
    }
}

static void
heed_deadline(tg_copy_exchange_t *exchange)
{
    if (!is_under_way(exchange) || now_ms() < exchange->deadline_ms) {
        return;
    }
    if (exchange->timed_out) {
        if (!exchange->answer.failed) {
            (void)tg_error_set(&exchange->answer.error, TG_ERR_TIMEOUT,
                               "%s did not finish the batch within %lld ms nor answer the cancel "
                               "request; connection closed",
                               exchange->connection->name, (long long)exchange->timeout_ms);
        }
        give_up(exchange);
        return;
    }
    exchange->timed_out = true;
    exchange->deadline_ms = now_ms() + GRACE_MS;
    if (exchange->state == TG_EXCHANGE_COPYING) {
        end_copy(exchange, "deadline");
    }
    if (is_under_way(exchange)) {
        cancel(exchange);
    }
}

static tg_status_t
begin(tg_copy_exchange_t *exchange, const char *sql, int64_t deadline_ms, bool part,
      tg_error_t *err)
{
    if (is_under_way(exchange)) {
        return tg_error_set(err, TG_ERR_INTERNAL, "a copy exchange is already under way");
    }
    tg_connection_t *connection = exchange->connection;
    if (!tg_connection_is_open(connection)) {
        return tg_error_set(err, TG_ERR_LOST, "not connected to %s", connection->name);
    }
    if (PQsendQuery(connection->pg, sql) != 1) {
        tg_status_t status = tg_server_error_of_loss(connection->pg, err);
        tg_connection_close(connection);
        return status;
    }
    tg_copy_answer_reset(&exchange->answer);
    *exchange = (tg_copy_exchange_t){.connection = connection,
                                     .state = TG_EXCHANGE_RUNNING,
                                     .copy_index = -1,
                                     .part = part,
                                     .can_commit = !part,
                                     .deadline_ms = deadline_ms,
                                     .timeout_ms = deadline_ms - now_ms(),
                                     .mark_us = tg_clock_now_us(tg_clock_system()),
                                     .busy_us = exchange->busy_us,
                                     .waiting_us = exchange->waiting_us};
    flush(exchange);
    return TG_OK;
}

tg_status_t
tg_copy_exchange_begin(tg_copy_exchange_t *exchange, const char *sql, int64_t deadline_ms,
                       tg_error_t *err)
{
    return begin(exchange, sql, deadline_ms, false, err);
}

tg_status_t
tg_copy_exchange_begin_part(tg_copy_exchange_t *exchange, const char *sql, int64_t deadline_ms,
                            tg_error_t *err)
{
    return begin(exchange, sql, deadline_ms, true, err);
}

tg_exchange_state_t
tg_copy_exchange_pump(tg_copy_exchange_t *exchange)
{
    if (!is_under_way(exchange)) {
        return exchange->state;
    }
    account(exchange);
    if (exchange->end_unsent) {
        end_copy(exchange, NULL);
    }
    flush(exchange);
    read_input(exchange);
    drive(exchange);
    heed_early_answer(exchange);
    drive(exchange);
    cancel_again_when_due(exchange);
    heed_deadline(exchange);
    drive(exchange);
    return exchange->state;
}

tg_exchange_state_t
tg_copy_exchange_state(const tg_copy_exchange_t *exchange)
{
    return exchange->state;
}

int
tg_copy_exchange_copy_index(const tg_copy_exchange_t *exchange)
{
    return exchange->copy_index;
}

static tg_status_t
refuse(const tg_copy_exchange_t *exchange, const char *what, tg_error_t *err)
{
    return tg_error_set(err, TG_ERR_INTERNAL, "%s in state %d: no COPY asks for rows", what,
                        (int)exchange->state);
}

/* What _put and _copy_done say of an exchange that a step of theirs has ended. */
static tg_status_t
outcome(const tg_copy_exchange_t *exchange, tg_error_t *err)
{
    if (exchange->state != TG_EXCHANGE_FAILED) {
        return TG_OK;
    }
    if (err != NULL) {
        *err = exchange->answer.error;
    }
    return exchange->answer.error.status;
}

tg_status_t
tg_copy_exchange_put(tg_copy_exchange_t *exchange, tg_bytes_t bytes, size_t *ret_taken,
                     tg_error_t *err)
{
    if (exchange->state != TG_EXCHANGE_COPYING || exchange->end_unsent) {
        return refuse(exchange, "put", err);
    }
    account(exchange);
    size_t taken = 0;
    int rc = 1;
    flush(exchange);
    while (rc == 1 && !exchange->unsent && taken < bytes.n_bytes) {
        size_t left = bytes.n_bytes - taken;
        size_t n = left < CHUNK_BYTES ? left : CHUNK_BYTES;
        rc = PQputCopyData(exchange->connection->pg, (const char *)bytes.data + taken, (int)n);
        taken += rc == 1 ? n : 0;
        flush(exchange);
    }
    if (rc < 0) {
        end_copy(exchange, "the connection broke");
    }
    heed_early_answer(exchange);
    drive(exchange);
    TG_TRY(outcome(exchange, err));
    *ret_taken = taken;
    return TG_OK;
}

tg_status_t
tg_copy_exchange_copy_done(tg_copy_exchange_t *exchange, tg_error_t *err)
{
    if (exchange->state != TG_EXCHANGE_COPYING || exchange->end_unsent) {
        return refuse(exchange, "copy_done", err);
    }
    account(exchange);
    end_copy(exchange, NULL);
    drive(exchange);
    return outcome(exchange, err);
}

void
tg_copy_exchange_abort(tg_copy_exchange_t *exchange)
{
    if (!is_under_way(exchange) || exchange->aborting || exchange->phase == PHASE_ROLLBACK) {
        return;
    }
    exchange->aborting = true;
    if (exchange->state == TG_EXCHANGE_COPYING && !exchange->end_unsent) {
        end_copy(exchange, "taken back");
        drive(exchange);
    } else {
        cancel(exchange);
    }
}

const tg_error_t *
tg_copy_exchange_error(const tg_copy_exchange_t *exchange)
{
    return &exchange->answer.error;
}

bool
tg_copy_exchange_outcome_unknown(const tg_copy_exchange_t *exchange)
{
    return exchange->outcome_unknown;
}

int64_t
tg_copy_exchange_failed_row(const tg_copy_exchange_t *exchange)
{
    return exchange->answer.failed_row;
}

int
tg_copy_exchange_failed_copy(const tg_copy_exchange_t *exchange)
{
    return exchange->answer.failed_copy;
}

const tg_result_t *
tg_copy_exchange_rows(const tg_copy_exchange_t *exchange, int n)
{
    return n >= 0 && n < exchange->answer.n_rows ? exchange->answer.rows[n] : NULL;
}

int
tg_copy_exchange_fd(const tg_copy_exchange_t *exchange)
{
    return exchange->connection->pg != NULL ? PQsocket(exchange->connection->pg) : -1;
}

short
tg_copy_exchange_events(const tg_copy_exchange_t *exchange)
{
    return exchange->unsent || exchange->end_unsent ? POLLIN | POLLOUT : POLLIN;
}

int64_t
tg_copy_exchange_server_busy_us(const tg_copy_exchange_t *exchange)
{
    return exchange->busy_us;
}

int64_t
tg_copy_exchange_server_waiting_us(const tg_copy_exchange_t *exchange)
{
    return exchange->waiting_us;
}
