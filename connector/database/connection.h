/*
 * One libpq connection, with deadlines and SQLSTATEs turned into statuses.
 *
 * Flow:      writer, ledger, migrations, check -> [connection] -> PostgreSQL (or PgBouncer, or the
 *            embedded one)
 * Promise:   nothing relies on session state; no start-up options; every call has a deadline, after
 *            which the query is cancelled and the connection is closed if the server does not
 *            answer; TCP keepalives on; passwords never reach a text
 * Ownership: results are owned (tg_result_free)
 * Errors:    by SQLSTATE (see tg_sqlstate_status): 08, 57P0x -> UNAVAILABLE or LOST; 53 ->
 *            UNAVAILABLE; 40, 55P03 -> CONFLICT; 28, 42501 -> PERMISSION; 3D, 42P01, 42703 ->
 *            MISSING; 22, 23 -> CONSTRAINT; TG001 -> FENCED; 57014 -> TIMEOUT. A broken connection
 *            is TG_ERR_LOST and _is_open is false afterwards.
 * Threads:   one owner at a time
 */
#ifndef TG_DATABASE_CONNECTION_H
#define TG_DATABASE_CONNECTION_H

#include <stdbool.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/log.h"

typedef struct tg_connection tg_connection_t;

typedef struct tg_connection_options {
    const char *url;              /* libpq URL or key=value; secrets already resolved */
    const char *application_name; /* "tidegate <sink>" */
    int64_t connect_timeout_ms;
    int64_t query_timeout_ms; /* default deadline of _query */
    tg_log_t *log;            /* notices and warnings of the server go there */
} tg_connection_options_t;

/* Does not connect yet. options are copied. */
tg_status_t tg_connection_new(const tg_connection_options_t *options,
                              tg_connection_t **ret_connection, tg_error_t *err) TG_MUST_CHECK;
void tg_connection_free(tg_connection_t *connection);
TG_DEFINE_FREEP(tg_connection_t, tg_connection_free)

/* Connects if it is not connected (with target_session_attrs=read-write unless the URL says
 * otherwise). */
tg_status_t tg_connection_open(tg_connection_t *connection, tg_error_t *err) TG_MUST_CHECK;
void tg_connection_close(tg_connection_t *connection);
bool tg_connection_is_open(const tg_connection_t *connection);

/* "host:port/dbname as user", never a password. Borrowed. */
const char *tg_connection_name(const tg_connection_t *connection);

int tg_connection_server_version(const tg_connection_t *connection); /* 150020; 0 when closed */

typedef struct tg_result tg_result_t;

/* One statement, parameters in text format (NULL: SQL NULL), result in text format, unnamed
 * statement. */
tg_status_t tg_connection_query(tg_connection_t *connection, const char *sql,
                                const char *const *parameters, int n_parameters,
                                tg_result_t **ret_result, tg_error_t *err) TG_MUST_CHECK;

/* A string of statements by the simple protocol; results are dropped. An open transaction left by a
 * failure is rolled back before it returns. */
tg_status_t tg_connection_execute(tg_connection_t *connection, const char *sql,
                                  tg_error_t *err) TG_MUST_CHECK;

void tg_result_free(tg_result_t *result);
TG_DEFINE_FREEP(tg_result_t, tg_result_free)
int tg_result_n_rows(const tg_result_t *result);
int tg_result_n_columns(const tg_result_t *result);
/* Borrowed for the result's life; NULL: SQL NULL. */
const char *tg_result_text(const tg_result_t *result, int row, int column);
int64_t tg_result_int64(const tg_result_t *result, int row, int column); /* 0 for NULL */
bool tg_result_bool(const tg_result_t *result, int row, int column);
const char *tg_result_column_name(const tg_result_t *result, int column);

/* The reaction of the database room to a SQLSTATE, total: what is not known is taken for the
 * environment's fault (TG_ERR_UNAVAILABLE), never for the record's. */
tg_status_t tg_sqlstate_status(const char *sqlstate);

/* The error of a write whose plan no longer fits the table (a column dropped or retyped since the
 * catalogue was read): read it again and plan anew before a record is blamed. */
bool tg_sqlstate_is_stale_plan(const char *sqlstate);

/* Appends "name" or 'text' quoted for SQL. */
struct tg_buffer;
tg_status_t tg_sql_append_identifier(struct tg_buffer *sql, const char *name) TG_MUST_CHECK;
tg_status_t tg_sql_append_literal(struct tg_buffer *sql, const char *text) TG_MUST_CHECK;

/* libpq's version ("15.20"), for `tidegate version`. */
const char *tg_connection_library_version(void);

#endif
