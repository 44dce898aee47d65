/*
 * Which rows of a batch does the server reject? Found in one transaction that is always rolled
 * back, a savepoint per part of the rows; the batch without them is then written by the ordinary
 * flush.
 *
 * A COPY that fails with "COPY t, line n" names the culprit: rows before it are sent again to
 * stand, the one named is tried alone (servers have been seen that name another), and the search
 * goes on behind it: 3 k + 1 round trips and about 2 N rows for k culprits among N rows. Without a
 * line (triggers, foreign keys) the range is halved: k log N. Constraints are made immediate, so
 * that a deferred one shows at its row and not at COMMIT.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "avro/copy_format.h"
#include "writer_internal.h"

enum { FETCH_TIMEOUT_MS = 10000 };

/* The search through one part. Row i begins at starts[i]; starts[n_rows] is the end. */
typedef struct {
    tg_writer_t *writer;
    tg_lane_t *lane;
    tg_batch_t *batch;
    tg_batch_part_t *part;
    int64_t stopped_at; /* the record that must not be dead-lettered; -1: none */
    size_t *starts;
    size_t *culprits; /* ascending */
    size_t n_culprits;
} search_t;

static tg_status_t
index_rows(search_t *search, tg_error_t *err)
{
    const tg_batch_part_t *part = search->part;
    search->starts = calloc(part->n_rows + 1, sizeof search->starts[0]);
    search->culprits = calloc(part->n_rows, sizeof search->culprits[0]);
    if (search->starts == NULL || search->culprits == NULL) {
        return tg_error_set(err, TG_ERR_NO_MEMORY, "no memory to look for rejected rows");
    }
    size_t at = 0;
    for (size_t row = 0; row < part->n_rows; row++) {
        size_t n = tg_copy_row_bytes(tg_bytes_of(part->rows.data + at, part->rows.n_bytes - at));
        if (n == 0) {
            return tg_error_set(err, TG_ERR_INTERNAL, "an encoded row does not parse");
        }
        search->starts[row] = at;
        at += n;
    }
    search->starts[part->n_rows] = at;
    return TG_OK;
}

enum { N_STAGES = 3 };

/* One COPY that is fed: header, rows, trailer. */
typedef struct {
    tg_bytes_t stages[N_STAGES];
    size_t stage;
    size_t n_sent;
} feed_t;

/* Gives the server as much as it takes now. */
static tg_status_t
feed_some(tg_writer_t *writer, feed_t *feed, tg_error_t *err)
{
    while (feed->stage < N_STAGES &&
           tg_copy_exchange_state(writer->exchange) == TG_EXCHANGE_COPYING) {
        tg_bytes_t bytes = feed->stages[feed->stage];
        size_t taken = 0;
        TG_TRY(tg_copy_exchange_put(
            writer->exchange, tg_bytes_of(bytes.data + feed->n_sent, bytes.n_bytes - feed->n_sent),
            &taken, err));
        feed->n_sent += taken;
        if (feed->n_sent < bytes.n_bytes) {
            return TG_OK;
        }
        feed->n_sent = 0;
        feed->stage++;
        if (feed->stage == N_STAGES &&
            tg_copy_exchange_state(writer->exchange) == TG_EXCHANGE_COPYING) {
            TG_TRY(tg_copy_exchange_copy_done(writer->exchange, err));
        }
    }
    return TG_OK;
}

/* Runs one string inside of the transaction and waits; bytes feed its COPY, if it has one. */
static tg_status_t
run(tg_writer_t *writer, const char *sql, tg_bytes_t rows, tg_error_t *err)
{
    int64_t deadline_ms = tg_clock_now_ms(writer->env->clock) + writer->env->statement_timeout_ms;
    TG_TRY(tg_copy_exchange_begin_part(writer->exchange, sql, deadline_ms, err));
    feed_t feed = {
        .stages = {tg_bytes_of(writer->frame.data, TG_COPY_HEADER_BYTES), rows,
                   tg_bytes_of(writer->frame.data + TG_COPY_HEADER_BYTES, TG_COPY_TRAILER_BYTES)}};
    for (;;) {
        tg_exchange_state_t state = tg_copy_exchange_pump(writer->exchange);
        if (state == TG_EXCHANGE_DONE) {
            return TG_OK;
        }
        if (state == TG_EXCHANGE_FAILED) {
            if (err != NULL) {
                *err = *tg_copy_exchange_error(writer->exchange);
            }
            return tg_copy_exchange_error(writer->exchange)->status;
        }
        TG_TRY(feed_some(writer, &feed, err));
        state = tg_copy_exchange_state(writer->exchange);
        if (state == TG_EXCHANGE_DONE || state == TG_EXCHANGE_FAILED) {
            continue; /* the answer came with what was sent: no bell will ring for it */
        }
        tg_health_beat(writer->health);
        (void)tg_wake_wait(&writer->wake, tg_copy_exchange_fd(writer->exchange),
                           tg_copy_exchange_events(writer->exchange), 1000);
    }
}

static tg_status_t
run_text(tg_writer_t *writer, const char *sql, tg_error_t *err)
{
    return run(writer, sql, tg_bytes_of(NULL, 0), err);
}

/* Tries rows [from, to). TG_OK: good, and kept in the transaction. A poison status: *ret_line is
 * the culprit's index from `from`, or -1 when the server did not say. */
static tg_status_t
try_rows(search_t *search, size_t from, size_t to, int64_t *ret_line, tg_error_t *err)
{
    tg_writer_t *writer = search->writer;
    tg_buffer_reset(&writer->sql);
    TG_TRY(tg_buffer_append_format(&writer->sql,
                                   "SAVEPOINT tidegate; %s; RELEASE SAVEPOINT tidegate",
                                   search->part->target->copy_sql));
    const char *sql = tg_buffer_text(&writer->sql);
    if (sql == NULL) {
        return tg_error_set(err, TG_ERR_NO_MEMORY, "no memory to look for rejected rows");
    }
    tg_bytes_t rows = tg_bytes_of(search->part->rows.data + search->starts[from],
                                  search->starts[to] - search->starts[from]);
    tg_error_t why;
    tg_status_t status = run(writer, sql, rows, &why);
    if (status == TG_OK) {
        return TG_OK;
    }
    int64_t line = tg_copy_exchange_failed_row(writer->exchange);
    if (err != NULL) {
        *err = why;
    }
    if (tg_status_reaction(status) == TG_REACTION_POISON) {
        *ret_line = line >= 1 && (size_t)line <= to - from ? line - 1 : -1;
        TG_TRY(run_text(writer, "ROLLBACK TO SAVEPOINT tidegate; RELEASE SAVEPOINT tidegate", err));
    }
    return status;
}

/* The record is read again from Kafka: its bytes are not kept once it is encoded. */
static tg_status_t
bury(search_t *search, size_t row, const tg_error_t *reason, tg_error_t *err)
{
    tg_writer_t *writer = search->writer;
    tg_lane_t *lane = search->lane;
    int64_t offset = tg_batch_row_offset(search->batch, search->part, row);
    const tg_partition_t partition = {
        .topic = lane->topic, .partition = lane->partition, .offset = offset};
    tg_message_t message = {.offset = offset, .timestamp_unix_ms = -1};
    if (writer->env->sink->errors.dead_letter_topic != NULL) {
        tg_status_t status = tg_consumer_fetch_one(writer->env->consumer, &partition,
                                                   FETCH_TIMEOUT_MS, &message, err);
        if (status != TG_OK && status != TG_ERR_NOT_FOUND) {
            return tg_error_wrap(err, status,
                                 "reading offset %" PRId64 " again for its dead letter", offset);
        }
    }
    const tg_dead_letter_origin_t origin = {.topic = lane->topic,
                                            .partition = lane->partition,
                                            .writer = writer->index,
                                            .table = search->part->target->table_name,
                                            .wake = &writer->wake};
    tg_status_t status = tg_dead_letters_send(writer->env->dead_letters, &origin, &message,
                                              TG_STAGE_TASK_PUT, reason, search->batch, err);
    if (message.handle != NULL) {
        tg_messages_release(&message, 1);
    }
    if (status == TG_ERR_CANCELLED) {
        search->stopped_at = offset;
    }
    TG_TRY(status);
    search->culprits[search->n_culprits++] = row;
    return TG_OK;
}

/* Rows [from, to) hold at least none and at most all culprits. */
static tg_status_t
search_rows(search_t *search, size_t from, size_t to, tg_error_t *err)
{
    while (from < to) {
        int64_t line = -1;
        tg_error_t reason = {.status = TG_OK};
        tg_status_t status = try_rows(search, from, to, &line, &reason);
        if (status == TG_OK) {
            return TG_OK;
        }
        if (tg_status_reaction(status) != TG_REACTION_POISON) {
            *err = reason;
            return status;
        }
        if (tg_sqlstate_is_stale_plan(reason.sqlstate) && !search->lane->replanned) {
            return tg_error_set(err, TG_ERR_CONFLICT,
                                "table %s has changed while its rejected rows were looked for: %s",
                                search->part->target->table_name, reason.text);
        }
        if (atomic_load(&search->writer->stopping)) {
            return tg_error_set(err, TG_ERR_UNAVAILABLE, "leaving");
        }
        if (to - from == 1) {
            return bury(search, from, &reason, err);
        }
        size_t split = line > 0    ? from + (size_t)line
                       : line == 0 ? from + 1
                                   : from + (to - from) / 2;
        TG_TRY(search_rows(search, from, split, err)); /* line given: good, or the culprit alone */
        from = split;
    }
    return TG_OK;
}

static tg_status_t
search_part(tg_writer_t *writer, tg_lane_t *lane, tg_batch_t *batch, tg_batch_part_t *part,
            size_t *ret_n_culprits, tg_error_t *err)
{
    search_t search = {
        .writer = writer, .lane = lane, .batch = batch, .part = part, .stopped_at = -1};
    tg_status_t status = index_rows(&search, err);
    if (status == TG_OK) {
        status = search_rows(&search, 0, part->n_rows, err);
    }
    size_t before = tg_batch_buffered_bytes(batch);
    tg_status_t removed = TG_OK;
    if (search.n_culprits > 0) {
        removed = tg_batch_part_remove_rows(batch, part, search.culprits, search.n_culprits);
    }
    if (search.stopped_at >= 0 && removed == TG_OK) {
        removed = tg_batch_cut(batch, search.stopped_at);
    }
    writer->buffered_bytes -= before - tg_batch_buffered_bytes(batch);
    if (removed != TG_OK) {
        status = tg_error_set(err, removed, "rejected rows cannot be taken out of their batch");
    }
    *ret_n_culprits += search.n_culprits;
    free(search.culprits);
    free(search.starts);
    return status;
}

tg_status_t
tg_writer_bisect(tg_writer_t *writer, tg_lane_t *lane, tg_batch_t *batch, tg_error_t *err)
{
    tg_buffer_reset(&writer->sql);
    TG_TRY(tg_buffer_append_format(
        &writer->sql,
        "BEGIN; SET LOCAL statement_timeout = %" PRId64 "; SET LOCAL lock_timeout = %" PRId64
        "; SET CONSTRAINTS ALL IMMEDIATE",
        writer->env->statement_timeout_ms, writer->env->lock_timeout_ms));
    const char *sql = tg_buffer_text(&writer->sql);
    if (sql == NULL) {
        return tg_error_set(err, TG_ERR_NO_MEMORY, "no memory to look for rejected rows");
    }
    tg_status_t status = run_text(writer, sql, err);
    size_t n_culprits = 0;
    for (size_t i = 0; status == TG_OK && i < batch->n_parts; i++) {
        if (batch->parts[i].n_rows > 0) {
            status = search_part(writer, lane, batch, &batch->parts[i], &n_culprits, err);
        }
    }
    if (tg_connection_is_open(writer->connection)) {
        tg_error_t ignored;
        TG_IGNORE(tg_connection_execute(writer->connection, "ROLLBACK",
                                        &ignored)); /* nothing was to stay */
    }
    if (status == TG_OK && n_culprits == 0) {
        /* The fault did not show again (a race with another session, a lock): write it as it is,
         * after a while. */
        return tg_error_set(err, TG_ERR_CONFLICT,
                            "no row of the batch is rejected on its own; trying it again");
    }
    if (n_culprits > 0) {
        TG_LOG_WARNING(writer->env->log, "rejected rows found",
                       TG_S("sink", writer->env->sink->name), TG_S("topic", lane->topic),
                       TG_I("partition", lane->partition), TG_I("rejected", n_culprits),
                       TG_I("kept", batch->n_rows));
    }
    return status;
}
