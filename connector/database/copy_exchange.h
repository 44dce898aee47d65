/*
 * One round trip that writes: a simple-query string with any number of COPY ... FROM STDIN (FORMAT
 * binary) in it, and the bytes for each; driven without blocking, so that the writer decodes while
 * the server digests.
 *
 * IDLE --begin--> RUNNING --(COPY n asks)--> COPYING --(_copy_done)--> RUNNING --(all results)-->
 * DONE | FAILED
 *
 * Flow:      writer -> [copy exchange] -> server
 * Promise:   _pump never blocks and never allocates per row; what was given is in libpq's buffer or
 *            the socket when it returns TG_OK with *ret_progress; success is said only after the
 *            string's COMMIT was confirmed and the server is idle; on failure the transaction is
 *            rolled back and the connection idle again or closed. Servers that ask for COPY data
 *            before they report the statements in front of it (the embedded one) work.
 * Errors:    as connection.h; a connection lost after the last byte went out is TG_ERR_LOST with
 *            _outcome_unknown true. A CONTEXT "COPY t, line 7" is given by _failed_row (1-based; 0:
 *            not said).
 * Threads:   the owner of the connection
 */
#ifndef TG_DATABASE_COPY_EXCHANGE_H
#define TG_DATABASE_COPY_EXCHANGE_H

#include "database/connection.h"

typedef enum tg_exchange_state {
    TG_EXCHANGE_IDLE,
    TG_EXCHANGE_RUNNING, /* waiting for the server */
    TG_EXCHANGE_COPYING, /* the server takes rows for COPY number _copy_index */
    TG_EXCHANGE_DONE,    /* committed */
    TG_EXCHANGE_FAILED   /* rolled back, or lost */
} tg_exchange_state_t;

typedef struct tg_copy_exchange tg_copy_exchange_t;

tg_status_t tg_copy_exchange_new(tg_connection_t *connection, tg_copy_exchange_t **ret_exchange,
                                 tg_error_t *err) TG_MUST_CHECK;
/* The connection is borrowed and outlives the exchange. Freed while RUNNING, it closes it. */
void tg_copy_exchange_free(tg_copy_exchange_t *exchange);
TG_DEFINE_FREEP(tg_copy_exchange_t, tg_copy_exchange_free)

/* Sends the string. The exchange must be IDLE, DONE or FAILED, the connection open. deadline_ms:
 * tg_clock_system milliseconds after which _pump gives up (cancel, then close). */
tg_status_t tg_copy_exchange_begin(tg_copy_exchange_t *exchange, const char *sql,
                                   int64_t deadline_ms, tg_error_t *err) TG_MUST_CHECK;

/* As _begin, for a string that ends inside of a transaction (a search with savepoints): DONE means
 * that all of it worked and the transaction is open; FAILED leaves it open and aborted (nothing is
 * rolled back), for ROLLBACK TO SAVEPOINT by the next part. A transaction that is open is ended
 * with tg_connection_execute("ROLLBACK"). */
tg_status_t tg_copy_exchange_begin_part(tg_copy_exchange_t *exchange, const char *sql,
                                        int64_t deadline_ms, tg_error_t *err) TG_MUST_CHECK;

/* Moves bytes and results as far as they go without blocking. After it, look at _state. */
tg_exchange_state_t tg_copy_exchange_pump(tg_copy_exchange_t *exchange);

tg_exchange_state_t tg_copy_exchange_state(const tg_copy_exchange_t *exchange);
int tg_copy_exchange_copy_index(const tg_copy_exchange_t *exchange); /* 0-based, in COPYING */

/* In COPYING: gives bytes of the COPY stream (header, rows, trailer are the caller's). Takes a
 * prefix, as much as fits without blocking and without growing libpq's buffer past its ceiling;
 * *ret_taken may be 0: wait for the socket. */
tg_status_t tg_copy_exchange_put(tg_copy_exchange_t *exchange, tg_bytes_t bytes, size_t *ret_taken,
                                 tg_error_t *err) TG_MUST_CHECK;

/* In COPYING: all bytes of this COPY were put. */
tg_status_t tg_copy_exchange_copy_done(tg_copy_exchange_t *exchange, tg_error_t *err) TG_MUST_CHECK;

/* In RUNNING or COPYING: fail the transaction on purpose. The echo of our own abort (57014) is
 * TG_ERR_CANCELLED. */
void tg_copy_exchange_abort(tg_copy_exchange_t *exchange);

/* In FAILED: why. Borrowed. */
const tg_error_t *tg_copy_exchange_error(const tg_copy_exchange_t *exchange);
bool tg_copy_exchange_outcome_unknown(const tg_copy_exchange_t *exchange);
int64_t tg_copy_exchange_failed_row(const tg_copy_exchange_t *exchange);

/* In FAILED with _failed_row > 0: the number of the COPY, 0-based, in which the row is. A server
 * that answers late (the embedded one) reports a failed COPY when _copy_index is past it. */
int tg_copy_exchange_failed_copy(const tg_copy_exchange_t *exchange);

/* The tuples of result number n of the string (0-based over statements that return rows); NULL:
 * none. Borrowed until the next _begin. */
const tg_result_t *tg_copy_exchange_rows(const tg_copy_exchange_t *exchange, int n);

/* For poll(2): the socket (-1: closed) and what to wait for (POLLIN, POLLOUT). */
int tg_copy_exchange_fd(const tg_copy_exchange_t *exchange);
short tg_copy_exchange_events(const tg_copy_exchange_t *exchange);

/* Microseconds in which the server had everything and we waited for it, and in which it waited for
 * us, since _new. */
int64_t tg_copy_exchange_server_busy_us(const tg_copy_exchange_t *exchange);
int64_t tg_copy_exchange_server_waiting_us(const tg_copy_exchange_t *exchange);

#endif
