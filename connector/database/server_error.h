/*
 * What the server said went wrong, as a status and a text without payloads.
 *
 * Texts:     the first line of the message, the names the server gives (table, column,
 *            constraint), hint and place; values of rows are left out
 */
#ifndef TG_DATABASE_SERVER_ERROR_H
#define TG_DATABASE_SERVER_ERROR_H

#include <libpq-fe.h>

#include "database/connection.h"

/* Of a failed result. A connection that is broken makes it TG_ERR_LOST, whatever was said. */
tg_status_t tg_server_error_of_result(PGconn *pg, const PGresult *result, tg_error_t *err);

/* Of a connection that broke without a result. */
tg_status_t tg_server_error_of_loss(PGconn *pg, tg_error_t *err);

/* Of an attempt to connect that failed; pg was set to PQERRORS_VERBOSE, which is the only way to
 * learn the SQLSTATE of a refused login. */
tg_status_t tg_server_error_of_connect(PGconn *pg, const char *name, tg_error_t *err);

/* The row that a COPY failed on by its CONTEXT ("COPY t, line 7"), 1-based; 0: not said. */
int64_t tg_server_error_row(const PGresult *result);

#endif
