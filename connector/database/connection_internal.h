/*
 * What the modules of the database room share about a connection. Not for other rooms.
 */
#ifndef TG_DATABASE_CONNECTION_INTERNAL_H
#define TG_DATABASE_CONNECTION_INTERNAL_H

#include <libpq-fe.h>

#include "canceller.h"
#include "database/connection.h"

struct tg_connection {
    PGconn *pg; /* NULL: closed */
    char *url;
    char *application_name;
    int64_t connect_timeout_ms;
    int64_t query_timeout_ms;
    int n_hosts;
    tg_log_t *log;
    int64_t n_notices; /* so that the exchange knows a notice from an error that came early */
    tg_canceller_t *canceller; /* the last cancel request; NULL: none was made */
    char name[256];
};

struct tg_result {
    PGresult *pg;
};

/* Waits for events on the socket until deadline_ms; false: the deadline passed. */
bool tg_connection_wait(const tg_connection_t *connection, short events, int64_t deadline_ms);

/* Asks the server to stop what it is doing, without waiting for it. May be repeated: a request that
 * comes before its statement hits nothing. */
void tg_connection_cancel(tg_connection_t *connection);

/* Call when a statement has ended: a cancel request that is still under way could hit the next
 * one, so the connection is closed then. Waits for it 50 ms at most, and only after a cancel. */
void tg_connection_settle_cancel(tg_connection_t *connection);

/* _execute within timeout_ms instead of the connection's own limit. */
tg_status_t tg_connection_execute_within(tg_connection_t *connection, const char *sql,
                                         int64_t timeout_ms, tg_error_t *err) TG_MUST_CHECK;

/* Takes pg. NULL: no memory, pg is cleared. */
tg_result_t *tg_result_of(PGresult *pg);

#endif
