/*
 * Connections: the ledger's queries, and the exchange that writes.
 *
 * An exchange takes a drawn number of steps; at each of them the connection may break, with the
 * transaction left to the server (sim_database_orphan) or never having reached it.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "database/copy_exchange.h"
#include "sim_database.h"

enum { MAX_CONNECTIONS = 8, MAX_COPIES = 8, COPY_HEADER_BYTES = 19, COPY_TRAILER_BYTES = 2 };

struct tg_connection {
    bool is_open;
    bool is_broken; /* and nobody has noticed yet */
    tg_copy_exchange_t *exchange;
};

/* One COPY of the string: its columns in order, as indexes of id, a, b, c. */
typedef struct {
    int columns[4];
    size_t n_columns;
    tg_buffer_t bytes;
} copy_t;

struct tg_copy_exchange {
    tg_connection_t *connection;
    tg_exchange_state_t state;
    bool part;
    bool in_transaction; /* of a search: between its parts */
    bool is_aborted;     /* the search's transaction, until it rolls back to its savepoint */
    int n_slow;          /* turns until the server answers */
    bool has_advanced;
    bool is_doomed; /* the server has refused, its text is still on the way */
    sim_transaction_t transaction;
    size_t n_copies, copy_index;
    copy_t copies[MAX_COPIES];
    bool copy_ended;
    tg_error_t error;
    bool outcome_unknown;
    int64_t failed_row;
    int64_t deadline_ms;
};

struct tg_result {
    int n_rows;
    int64_t cells[256][3];
    char text[32];
};

static tg_connection_t *the_connections[MAX_CONNECTIONS];

/* --- connections --- */

tg_status_t
tg_connection_new(const tg_connection_options_t *options, tg_connection_t **ret_connection,
                  tg_error_t *err)
{
    (void)options;
    (void)err;
    tg_connection_t *connection = calloc(1, sizeof *connection);
    for (size_t i = 0; i < MAX_CONNECTIONS; i++) {
        if (the_connections[i] == NULL) {
            the_connections[i] = connection;
            break;
        }
    }
    *ret_connection = connection;
    return TG_OK;
}

void
tg_connection_free(tg_connection_t *connection)
{
    for (size_t i = 0; i < MAX_CONNECTIONS; i++) {
        the_connections[i] = the_connections[i] == connection ? NULL : the_connections[i];
    }
    free(connection);
}

bool
tg_connection_is_open(const tg_connection_t *connection)
{
    return connection->is_open;
}

const char *
tg_connection_name(const tg_connection_t *connection)
{
    (void)connection;
    return "simulated";
}

tg_status_t
tg_connection_open(tg_connection_t *connection, tg_error_t *err)
{
    sim_happened();
    if (sim_world()->is_dead || sim_chance(sim_world()->faults.connect)) {
        return tg_error_set(err, TG_ERR_UNAVAILABLE, "connection refused");
    }
    connection->is_open = true;
    connection->is_broken = false;
    return TG_OK;
}

static bool
is_under_way(const tg_copy_exchange_t *exchange)
{
    return exchange->state == TG_EXCHANGE_RUNNING || exchange->state == TG_EXCHANGE_COPYING;
}

static bool take_rows(tg_copy_exchange_t *exchange);

/* What the server has of the transaction is its own now. */
static void
let_server_decide(tg_copy_exchange_t *exchange)
{
    if (exchange->copy_ended && !exchange->is_doomed) {
        exchange->copy_index++;
    }
    bool complete =
        !exchange->part && !exchange->is_doomed && exchange->copy_index == exchange->n_copies;
    exchange->outcome_unknown = complete;
    if (complete && exchange->copy_ended) {
        exchange->copy_index--;
        complete = take_rows(exchange);
    }
    if (complete && !exchange->connection->is_broken) {
        exchange->transaction.holds_row = exchange->has_advanced;
        sim_database_orphan(&exchange->transaction);
    } else {
        sim_transaction_clear(&exchange->transaction);
    }
}

void
tg_connection_close(tg_connection_t *connection)
{
    connection->is_open = false;
    if (connection->exchange != NULL) {
        connection->exchange->in_transaction = false;
        if (is_under_way(connection->exchange)) {
            let_server_decide(connection->exchange);
            connection->exchange->state = TG_EXCHANGE_FAILED;
        }
    }
}

static tg_status_t
lose(tg_connection_t *connection, tg_error_t *err)
{
    sim_world()->n_lost++;
    sim_trace("connection lost");
    sim_happened();
    tg_connection_close(connection);
    return tg_error_set(err, TG_ERR_LOST, "the connection broke");
}

void
sim_connections_break(void)
{
    for (size_t i = 0; i < MAX_CONNECTIONS; i++) {
        if (the_connections[i] != NULL && the_connections[i]->is_open) {
            the_connections[i]->is_broken = true;
        }
    }
}

static bool
breaks(const tg_connection_t *connection)
{
    return sim_world()->is_dead || connection->is_broken || sim_chance(sim_world()->faults.lose);
}

/* What may happen to any question. */
tg_status_t
sim_connection_trouble(tg_connection_t *connection, tg_error_t *err)
{
    sim_happened();
    if (!connection->is_open) {
        return tg_error_set(err, TG_ERR_LOST, "not connected");
    }
    if (breaks(connection)) {
        return lose(connection, err);
    }
    if (sim_chance(sim_world()->faults.refuse)) {
        return tg_error_set(err, TG_ERR_TIMEOUT, "took too long");
    }
    return TG_OK;
}

bool
sim_connections_lock(int lane)
{
    for (size_t i = 0; i < MAX_CONNECTIONS; i++) {
        const tg_copy_exchange_t *exchange =
            the_connections[i] != NULL ? the_connections[i]->exchange : NULL;
        if (exchange != NULL && is_under_way(exchange) && exchange->has_advanced &&
            !the_connections[i]->is_broken && exchange->transaction.lane == lane) {
            return true;
        }
    }
    return false;
}

/* --- queries --- */

void
tg_result_free(tg_result_t *result)
{
    free(result);
}

int
tg_result_n_rows(const tg_result_t *result)
{
    return result->n_rows;
}

int64_t
tg_result_int64(const tg_result_t *result, int row, int column)
{
    return result->cells[row][column];
}

const char *
tg_result_text(const tg_result_t *result, int row, int column)
{
    (void)row;
    (void)column;
    return result->text;
}

/* The VALUES list of the ledger's questions: ('t0', 1, 'token'::uuid, 7::bigint, 0). */
static bool
ask_ledger(const char *sql, bool claims, tg_result_t *result)
{
    const char *at = strstr(sql, "VALUES ");
    while (at != NULL && (at = strchr(at, '(')) != NULL) {
        char topic[8];
        char token[TG_TOKEN_TEXT_BYTES];
        int32_t partition = 0;
        int64_t start = 0;
        int64_t position = 0;
        /* NOLINTNEXTLINE(cert-err34-c): our own numbers */
        if (sscanf(at, "('%7[^']', %" SCNd32 ", '%36[^']'::uuid, %" SCNd64 "::bigint, %" SCNd64 ")",
                   topic, &partition, token, &start, &position) != 5) {
            break;
        }
        int lane = sim_lane_of(topic, partition);
        int64_t *cells = result->cells[result->n_rows];
        cells[0] = position;
        if (claims && sim_connections_lock(lane)) {
            return false;
        }
        if (claims) {
            sim_kafka_check_claim(lane);
            sim_ledger_claim(lane, token, start, &cells[1], &cells[2]);
            result->n_rows++;
        } else if (sim_ledger_has(lane, &cells[1])) {
            result->n_rows++;
        }
        at++;
    }
    return true;
}

static void
store_letter(const char *const *parameters)
{
    int lane = sim_lane_of(parameters[2], (int32_t)strtol(parameters[3], NULL, 10));
    sim_record_t *record = sim_kafka_at(lane, strtoll(parameters[4], NULL, 10));
    bool is_gone = record != NULL && record->offset < sim_kafka_log_start(lane);
    if (record == NULL ||
        (parameters[9] == NULL ? !is_gone : strlen(parameters[9]) != 2 + 2 * record->n_bytes)) {
        sim_fail("a stored dead letter of lane %d has other bytes", lane);
    }
    record->is_buried = true;
    sim_database_made_durable();
}

tg_status_t
tg_connection_query(tg_connection_t *connection, const char *sql, const char *const *parameters,
                    int n_parameters, tg_result_t **ret_result, tg_error_t *err)
{
    (void)n_parameters;
    if (connection->exchange != NULL && is_under_way(connection->exchange)) {
        sim_fail("a question while a flush is under way");
    }
    TG_TRY(sim_connection_trouble(connection, err));
    tg_result_t *result = calloc(1, sizeof *result);
    (void)snprintf(result->text, sizeof result->text, "1");
    if (strstr(sql, "tidegate.dead_letters") != NULL) {
        store_letter(parameters);
    } else if (!ask_ledger(sql, strstr(sql, "tidegate.claim(") != NULL, result)) {
        free(result);
        return tg_error_set(err, TG_ERR_TIMEOUT, "waited too long for the ledger's row");
    }
    if (sim_chance(sim_world()->faults.lose)) { /* done, but nobody hears of it */
        free(result);
        return lose(connection, err);
    }
    *ret_result = result;
    return TG_OK;
}

tg_status_t
tg_connection_execute(tg_connection_t *connection, const char *sql, tg_error_t *err)
{
    if (strcmp(sql, "ROLLBACK") != 0) {
        sim_fail("unexpected statement: %s", sql);
    }
    if (connection->exchange != NULL) {
        connection->exchange->in_transaction = false;
        connection->exchange->is_aborted = false;
    }
    return breaks(connection) ? lose(connection, err) : TG_OK;
}

/* --- the exchange --- */

tg_status_t
tg_copy_exchange_new(tg_connection_t *connection, tg_copy_exchange_t **ret_exchange,
                     tg_error_t *err)
{
    (void)err;
    tg_copy_exchange_t *exchange = calloc(1, sizeof *exchange);
    exchange->connection = connection;
    exchange->transaction.lane = -1;
    connection->exchange = exchange;
    for (size_t i = 0; i < MAX_COPIES; i++) {
        tg_buffer_init(&exchange->copies[i].bytes, 64 << 20);
    }
    *ret_exchange = exchange;
    return TG_OK;
}

void
tg_copy_exchange_free(tg_copy_exchange_t *exchange)
{
    if (exchange == NULL) {
        return;
    }
    tg_connection_close(exchange->connection);
    exchange->connection->exchange = NULL;
    sim_transaction_clear(&exchange->transaction);
    for (size_t i = 0; i < MAX_COPIES; i++) {
        tg_buffer_done(&exchange->copies[i].bytes);
    }
    free(exchange);
}

static void
parse_copies(tg_copy_exchange_t *exchange, const char *sql)
{
    exchange->n_copies = 0;
    for (const char *at = sql; (at = strstr(at, "COPY ")) != NULL;) {
        copy_t *copy = &exchange->copies[exchange->n_copies++];
        tg_buffer_reset(&copy->bytes);
        copy->n_columns = 0;
        at = strchr(at, '(');
        const char *end = strchr(at, ')');
        for (const char *name = at; (name = strchr(name, '"')) != NULL && name < end;) {
            copy->columns[copy->n_columns++] = name[1] == 'i' ? 0 : name[1] - 'a' + 1;
            name = strchr(name + 1, '"') + 1;
        }
        at = end;
    }
}

static void
parse_advance(tg_copy_exchange_t *exchange, const char *sql)
{
    const char *at = strstr(sql, "tidegate.advance(");
    char topic[8];
    int32_t partition = 0;
    sim_transaction_t *t = &exchange->transaction;
    sim_transaction_clear(t);
    if (at == NULL || strncmp(sql, "BEGIN; SET LOCAL synchronous_commit = off; ", 43) != 0 ||
        strcmp(sql + strlen(sql) - 6, "COMMIT") != 0 ||
        /* NOLINTNEXTLINE(cert-err34-c): our own numbers */
        sscanf(at,
               "tidegate.advance('it''s a cluster', 'sim', '%7[^']', %" SCNd32 ", '%36[^']', "
               "%" SCNd64 ", %" SCNd64 ", %" SCNd64 ", %" SCNd64 ")",
               topic, &partition, t->token, &t->from, &t->to, &t->n_rows_said,
               &t->n_letters_said) != 7) {
        sim_fail("not a flush: %s", sql);
    }
    t->lane = sim_lane_of(topic, partition);
}

static tg_status_t
begin(tg_copy_exchange_t *exchange, const char *sql, int64_t deadline_ms, bool part,
      tg_error_t *err)
{
    if (is_under_way(exchange)) {
        sim_fail("a second exchange");
    }
    if (!exchange->connection->is_open) {
        return tg_error_set(err, TG_ERR_LOST, "not connected");
    }
    if (sim_world()->is_dead) {
        return lose(exchange->connection, err);
    }
    if (part && !exchange->in_transaction && strncmp(sql, "BEGIN", 5) != 0) {
        sim_fail("a part outside of a transaction: %s", sql);
    }
    exchange->part = part;
    exchange->state = TG_EXCHANGE_RUNNING;
    exchange->copy_index = 0;
    exchange->copy_ended = false;
    exchange->has_advanced = false;
    exchange->is_doomed = false;
    exchange->outcome_unknown = false;
    exchange->failed_row = 0;
    exchange->deadline_ms = deadline_ms;
    exchange->n_slow = (int)sim_below(sim_chance(sim_world()->faults.slow) ? 400 : 4);
    parse_copies(exchange, sql);
    if (!part) {
        parse_advance(exchange, sql);
    } else if (strstr(sql, "ROLLBACK TO") != NULL) {
        exchange->is_aborted = false;
    } else if (exchange->is_aborted) {
        sim_fail("a statement in an aborted transaction: %s", sql);
    }
    sim_world()->n_bisects += part ? 1 : 0;
    sim_trace("%s", sql);
    sim_happened();
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
    tg_status_t status = begin(exchange, sql, deadline_ms, true, err);
    exchange->in_transaction = exchange->in_transaction || status == TG_OK;
    return status;
}

/* Says why, rolls back; the connection stays. */
static void
fail(tg_copy_exchange_t *exchange, const char *sqlstate, const char *text)
{
    sim_trace("refused: %s %s", sqlstate, text);
    (void)tg_error_set(&exchange->error, tg_sqlstate_status(sqlstate), "%s", text);
    tg_error_set_sqlstate(&exchange->error, sqlstate);
    exchange->state = TG_EXCHANGE_FAILED;
    exchange->is_aborted = exchange->part;
    sim_transaction_clear(&exchange->transaction);
    sim_happened();
}

static int64_t
big_endian(const uint8_t *data, size_t n_bytes)
{
    uint64_t value = 0;
    for (size_t i = 0; i < n_bytes; i++) {
        value = value << 8 | data[i];
    }
    return (int64_t)value;
}

/* Takes the rows of the COPY at hand into the transaction. False: one was rejected. */
static bool
take_rows(tg_copy_exchange_t *exchange)
{
    const copy_t *copy = &exchange->copies[exchange->copy_index];
    const uint8_t *at = copy->bytes.data + COPY_HEADER_BYTES;
    const uint8_t *end = copy->bytes.data + copy->bytes.n_bytes - COPY_TRAILER_BYTES;
    sim_transaction_t *t = &exchange->transaction;
    for (int64_t line = 1; at < end; line++) {
        sim_row_t row = {.value = {INT64_MIN, INT64_MIN, INT64_MIN}};
        if (big_endian(at, 2) != (int64_t)copy->n_columns) {
            sim_fail("a row has %" PRId64 " fields, its COPY %zu", big_endian(at, 2),
                     copy->n_columns);
        }
        at += 2;
        for (size_t i = 0; i < copy->n_columns; i++) {
            int64_t n_bytes = big_endian(at, 4);
            at += 4;
            if (n_bytes == 8) {
                int64_t value = big_endian(at, 8);
                *(copy->columns[i] == 0 ? &row.id : &row.value[copy->columns[i] - 1]) = value;
                at += 8;
            } else if (n_bytes != UINT32_MAX) {
                sim_fail("a field has %" PRId64 " bytes", n_bytes);
            }
        }
        if (row.value[0] == -1 || row.value[0] == -2) {
            exchange->failed_row = row.value[0] == -1 ? line : 0;
            fail(exchange, "23514", "the row violates a check");
            return false;
        }
        if (!exchange->part) {
            t->rows = realloc(t->rows, (t->n_rows + 1) * sizeof t->rows[0]);
            t->rows[t->n_rows++] = row;
        }
    }
    return true;
}

static bool
columns_are_there(const copy_t *copy)
{
    for (size_t i = 0; i < copy->n_columns; i++) {
        if ((sim_table_columns() & (1 << copy->columns[i])) == 0) {
            return false;
        }
    }
    return true;
}

static void
draw_refusal(tg_copy_exchange_t *exchange)
{
    static const char *const STATES[] = {"40P01", "53100", "42501", "55P03", "57014"};
    size_t which = (size_t)sim_below(TG_COUNT_OF(STATES));
    fail(exchange, STATES[which], "drawn");
}

/* One step of the server. */
static void
serve(tg_copy_exchange_t *exchange)
{
    if (exchange->is_doomed) {
        draw_refusal(exchange);
        return;
    }
    if (!exchange->part && exchange->transaction.lane == sim_world()->banned_lane) {
        fail(exchange, "42501", "permission denied");
        return;
    }
    if (!exchange->part && !exchange->has_advanced) {
        if (!sim_ledger_would_advance(&exchange->transaction)) {
            sim_world()->n_fenced++;
            fail(exchange, "TG001", "fenced");
            return;
        }
        exchange->has_advanced = true;
    }
    if (exchange->copy_ended) {
        exchange->copy_ended = false;
        if (!take_rows(exchange)) {
            return;
        }
        exchange->copy_index++;
    }
    if (exchange->copy_index < exchange->n_copies) {
        if (!columns_are_there(&exchange->copies[exchange->copy_index])) {
            fail(exchange, "42703", "column does not exist");
            return;
        }
        exchange->state = TG_EXCHANGE_COPYING;
        return;
    }
    if (!exchange->part) {
        sim_database_commit(&exchange->transaction);
        sim_transaction_clear(&exchange->transaction);
    }
    exchange->state = TG_EXCHANGE_DONE;
}

tg_exchange_state_t
tg_copy_exchange_pump(tg_copy_exchange_t *exchange)
{
    if (!is_under_way(exchange)) {
        return exchange->state;
    }
    if (breaks(exchange->connection)) {
        tg_error_t error;
        TG_IGNORE(lose(exchange->connection, &error));
        exchange->error = error;
        return exchange->state;
    }
    if (sim_now_ms() > exchange->deadline_ms) {
        fail(exchange, "57014", "did not finish in time");
        return exchange->state;
    }
    if (sim_chance(sim_world()->faults.refuse)) {
        draw_refusal(exchange);
        return exchange->state;
    }
    if (exchange->state == TG_EXCHANGE_RUNNING) {
        if (exchange->n_slow > 0) {
            exchange->n_slow--;
        } else {
            serve(exchange);
            sim_happened();
        }
    }
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
    return (int)exchange->copy_index;
}

tg_status_t
tg_copy_exchange_put(tg_copy_exchange_t *exchange, tg_bytes_t bytes, size_t *ret_taken,
                     tg_error_t *err)
{
    if (exchange->state != TG_EXCHANGE_COPYING) {
        sim_fail("put while no COPY asks for rows");
    }
    if (sim_chance(sim_world()->faults.refuse)) { /* an error in the midst of the rows */
        draw_refusal(exchange);
        *err = exchange->error;
        return err->status;
    }
    if (sim_chance(sim_world()->faults.refuse)) { /* the same, but its text is still on its way */
        exchange->state = TG_EXCHANGE_RUNNING;
        exchange->is_doomed = true;
        *ret_taken = bytes.n_bytes;
        return TG_OK;
    }
    size_t taken = sim_chance(200) ? (size_t)sim_below((int64_t)bytes.n_bytes + 1) : bytes.n_bytes;
    TG_TRY(tg_buffer_append(&exchange->copies[exchange->copy_index].bytes, bytes.data, taken));
    *ret_taken = taken;
    sim_happened();
    return TG_OK;
}

tg_status_t
tg_copy_exchange_copy_done(tg_copy_exchange_t *exchange, tg_error_t *err)
{
    (void)err;
    if (exchange->state != TG_EXCHANGE_COPYING) {
        sim_fail("copy_done while no COPY asks for rows");
    }
    exchange->copy_ended = true;
    exchange->state = TG_EXCHANGE_RUNNING;
    exchange->n_slow = (int)sim_below(3);
    sim_happened();
    return TG_OK;
}

void
tg_copy_exchange_abort(tg_copy_exchange_t *exchange)
{
    (void)exchange;
    sim_fail("the writer breaks its own COPY off");
}

const tg_error_t *
tg_copy_exchange_error(const tg_copy_exchange_t *exchange)
{
    return &exchange->error;
}

bool
tg_copy_exchange_outcome_unknown(const tg_copy_exchange_t *exchange)
{
    return exchange->outcome_unknown;
}

int64_t
tg_copy_exchange_failed_row(const tg_copy_exchange_t *exchange)
{
    return exchange->failed_row;
}

int
tg_copy_exchange_fd(const tg_copy_exchange_t *exchange)
{
    return exchange->connection->is_open ? 1000 : -1;
}

short
tg_copy_exchange_events(const tg_copy_exchange_t *exchange)
{
    (void)exchange;
    return 1;
}

int64_t
tg_copy_exchange_server_busy_us(const tg_copy_exchange_t *exchange)
{
    (void)exchange;
    return 0;
}

int64_t
tg_copy_exchange_server_waiting_us(const tg_copy_exchange_t *exchange)
{
    (void)exchange;
    return 0;
}
