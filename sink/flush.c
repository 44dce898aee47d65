/*
 * One batch into the database: one string, one round trip (design.md section 3, "Flush").
 *
 *   BEGIN; SET LOCAL ...; SELECT tidegate.advance(...); COPY t FROM STDIN (FORMAT binary); ...;
 * COMMIT
 *
 * synchronous_commit = off is safe here and nowhere else: rows and ledger share the transaction, so
 * that a crash of the server takes both back together, and Kafka replays the rest.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "avro/copy_format.h"
#include "writer_internal.h"

enum {
    STAGE_HEADER,
    STAGE_ROWS,
    STAGE_TRAILER,
    STAGE_DONE,
    DEADLINE_SLACK_MS = 5000,
    MAX_ATTEMPTS_LOGGED = 3
};

/* A transaction that the server is left with (our machine died) must not hold its locks for ever.
 */
enum { IDLE_TIMEOUT_MS = 60000 };

/* Compressing a COPY on the way in pays when its segments fill the columnstore's batches. */
static bool
compresses(const tg_batch_part_t *part)
{
    return part->target->direct_compress == TG_DIRECT_COMPRESS_ON ||
           (part->target->direct_compress == TG_DIRECT_COMPRESS_AUTO &&
            tg_segments_are_full(tg_buffer_view(&part->rows), part->n_rows, &part->target->segments,
                                 TG_SEGMENTS_WORTHWHILE_ROWS));
}

/* The setting exists only where the server can, which the target knows. */
static tg_status_t
append_copy(tg_batch_part_t *part, tg_buffer_t *sql)
{
    part->compressed = false;
    if (part->target->direct_compress != TG_DIRECT_COMPRESS_OFF) {
        part->compressed = compresses(part);
        TG_TRY(tg_buffer_append_format(sql,
                                       "SET LOCAL timescaledb.enable_direct_compress_copy = %s; ",
                                       part->compressed ? "on" : "off"));
    }
    TG_TRY(tg_buffer_append_text(sql, part->target->copy_sql));
    return tg_buffer_append_text(sql, "; ");
}

/* Once per batch: puts rows that are scattered over chunks in order, counts those that are late. */
static void
arrange(tg_writer_t *writer, tg_batch_part_t *part)
{
    if (part->arranged) {
        return;
    }
    part->arranged = true;
    tg_chunk_map_t chunks = {.time_position = part->target->time_position,
                             .chunk_interval_us = part->target->chunk_interval_us};
    tg_chunk_watch_find(writer->chunk_watch, part->target->table_oid, &chunks);
    writer->scratch.max_bytes = part->rows.max_bytes;
    tg_row_order_facts_t facts = {0};
    if (tg_row_order_arrange(&part->rows, &part->row_deltas, part->n_rows, &chunks,
                             &writer->scratch, &facts) == TG_OK) {
        part->n_late = facts.n_late;
        tg_series_add(writer->sorted_batches, facts.sorted ? 1 : 0);
    }
}

static tg_status_t
flush_sql(tg_writer_t *writer, const tg_lane_t *lane, tg_batch_t *batch, tg_buffer_t *sql)
{
    const tg_ledger_t ledger = {.cluster_id = writer->env->cluster_id,
                                .sink = writer->env->sink->name};
    tg_buffer_reset(sql);
    TG_TRY(tg_buffer_append_format(
        sql,
        "BEGIN; SET LOCAL synchronous_commit = off; SET LOCAL statement_timeout = %" PRId64
        "; SET LOCAL lock_timeout = %" PRId64
        "; SET LOCAL idle_in_transaction_session_timeout = %d; ",
        writer->env->statement_timeout_ms, writer->env->lock_timeout_ms, IDLE_TIMEOUT_MS));
    TG_TRY(tg_ledger_append_advance(&ledger, &lane->entry, batch->next_offset,
                                    (int64_t)batch->n_rows, batch->n_dead_letters, sql));
    for (size_t i = 0; i < batch->n_parts; i++) {
        if (batch->parts[i].n_rows > 0) {
            arrange(writer, &batch->parts[i]);
            TG_TRY(append_copy(&batch->parts[i], sql));
        }
    }
    return tg_buffer_append_text(sql, "COMMIT");
}

/* The part that COPY number index writes: parts that lost all their rows have no COPY. */
static tg_batch_part_t *
part_of_copy(tg_batch_t *batch, int index)
{
    for (size_t i = 0; i < batch->n_parts; i++) {
        if (batch->parts[i].n_rows > 0 && index-- == 0) {
            return &batch->parts[i];
        }
    }
    return NULL;
}

/* --- which batch --- */

static bool
batch_is_ready(const tg_writer_t *writer, const tg_lane_t *lane, const tg_batch_t *batch,
               int64_t now_us)
{
    if (atomic_load(&batch->n_pending_dead_letters) > 0 ||
        atomic_load(&batch->dead_letter_failed)) {
        return false;
    }
    int64_t linger_ms = atomic_load(&writer->env->linger_ms);
    bool is_open = batch == lane->open;
    return !is_open || writer->draining || linger_ms == 0 ||
           now_us - batch->opened_us >= linger_ms * 1000;
}

static tg_batch_t *
candidate(const tg_lane_t *lane)
{
    if (lane->first_sealed != NULL) {
        return lane->first_sealed;
    }
    return lane->open != NULL && !tg_batch_is_empty(lane->open) ? lane->open : NULL;
}

bool
tg_writer_flush_is_owed(const tg_lane_t *lane)
{
    const tg_batch_t *batch = candidate(lane);
    if (batch == NULL || lane->releasing) {
        return false;
    }
    /* A stopped lane writes what is before the record that stopped it, once. */
    return tg_lane_state(lane) == TG_LANE_RUNNING ||
           (tg_lane_state(lane) == TG_LANE_STOPPED && batch->n_attempts == 0);
}

/* A dead letter that nobody has acknowledged: its record must be read again. */
static bool
has_lost_letter(tg_writer_t *writer, tg_lane_t *lane)
{
    const tg_batch_t *batch = candidate(lane);
    if (!atomic_load(&batch->dead_letter_failed) ||
        atomic_load(&batch->n_pending_dead_letters) > 0) {
        return false;
    }
    tg_error_t why;
    TG_IGNORE(tg_error_set(&why, TG_ERR_UNAVAILABLE,
                           "a dead letter of %s[%" PRId32 "] was not acknowledged; its records are "
                           "read again",
                           lane->topic, lane->partition));
    tg_writer_lane_rewind(writer, lane);
    tg_writer_lane_refused(writer, lane, &why);
    return true;
}

static tg_lane_t *
choose_lane(tg_writer_t *writer)
{
    int64_t now_us = tg_clock_now_us(writer->env->clock);
    for (size_t i = 0; i < writer->n_lanes; i++) {
        size_t at = (writer->next_lane + i) % writer->n_lanes;
        tg_lane_t *lane = writer->lanes[at];
        if (!tg_writer_flush_is_owed(lane) || !tg_retry_is_due(&lane->retry, now_us / 1000) ||
            has_lost_letter(writer, lane)) {
            continue;
        }
        if (batch_is_ready(writer, lane, candidate(lane), now_us)) {
            writer->next_lane = (at + 1) % writer->n_lanes;
            return lane;
        }
    }
    return NULL;
}

int64_t
tg_writer_flush_due_ms(const tg_writer_t *writer)
{
    int64_t linger_ms = atomic_load(&writer->env->linger_ms);
    int64_t due_ms = INT64_MAX;
    if (linger_ms == 0 || writer->flight.lane != NULL ||
        !tg_connection_is_open(writer->connection)) {
        return due_ms; /* it is not the clock that we wait for */
    }
    int64_t now_ms = tg_clock_now_ms(writer->env->clock);
    for (size_t i = 0; i < writer->n_lanes; i++) {
        const tg_lane_t *lane = writer->lanes[i];
        if (!tg_writer_flush_is_owed(lane) || candidate(lane) != lane->open ||
            !tg_retry_is_due(&lane->retry, now_ms) ||
            atomic_load(&lane->open->n_pending_dead_letters) > 0) {
            continue;
        }
        int64_t open_ms = lane->open->opened_us / 1000 + linger_ms + 1;
        due_ms = open_ms < due_ms ? open_ms : due_ms;
    }
    return due_ms;
}

bool
tg_writer_flush_begin(tg_writer_t *writer)
{
    if (writer->flight.lane != NULL || !tg_connection_is_open(writer->connection)) {
        return false;
    }
    tg_lane_t *lane = choose_lane(writer);
    if (lane == NULL) {
        return false;
    }
    tg_batch_t *batch = tg_lane_next_batch(lane);
    tg_error_t why;
    if (batch->first_offset != lane->entry.next_offset) {
        TG_IGNORE(tg_error_set(&why, TG_ERR_INTERNAL,
                               "a batch of %s[%" PRId32 "] begins at %" PRId64
                               ", but the lane stands at %" PRId64 "; reading again",
                               lane->topic, lane->partition, batch->first_offset,
                               lane->entry.next_offset));
        tg_writer_lane_rewind(writer, lane);
        tg_writer_lane_refused(writer, lane, &why);
        return false;
    }
    tg_status_t status = flush_sql(writer, lane, batch, &writer->sql);
    const char *text = status == TG_OK ? tg_buffer_text(&writer->sql) : NULL;
    if (text == NULL) {
        TG_IGNORE(tg_error_set(&why, TG_ERR_NO_MEMORY, "no memory for the statement of a flush"));
        tg_writer_lane_failed(writer, lane, &why);
        return false;
    }
    TG_FAULT("writer.before_flush");
    int64_t now_us = tg_clock_now_us(writer->env->clock);
    int64_t deadline_ms = now_us / 1000 + writer->env->statement_timeout_ms + DEADLINE_SLACK_MS;
    batch->n_attempts++;
    status = tg_copy_exchange_begin(writer->exchange, text, deadline_ms, &why);
    if (status != TG_OK) {
        tg_writer_connection_lost(writer, &why);
        return false;
    }
    lane->in_flight = true;
    writer->flight = (tg_flight_t){.lane = lane,
                                   .batch = batch,
                                   .began_us = now_us,
                                   .deadline_ms = deadline_ms,
                                   .copy_index = -1};
    tg_writer_flush_pump(writer);
    return true;
}

/* --- the COPY streams --- */

static tg_bytes_t
stage_bytes(tg_writer_t *writer, const tg_batch_part_t *part)
{
    switch (writer->flight.stage) {
    case STAGE_HEADER:
        return tg_bytes_of(writer->frame.data, TG_COPY_HEADER_BYTES);
    case STAGE_ROWS:
        return tg_buffer_view(&part->rows);
    default:
        return tg_bytes_of(writer->frame.data + TG_COPY_HEADER_BYTES, TG_COPY_TRAILER_BYTES);
    }
}

/* Gives the server as much of the COPY at hand as it takes. */
static tg_status_t
feed(tg_writer_t *writer, tg_error_t *err)
{
    tg_flight_t *flight = &writer->flight;
    int index = tg_copy_exchange_copy_index(writer->exchange);
    if (index != flight->copy_index) {
        flight->copy_index = index;
        flight->stage = STAGE_HEADER;
        flight->n_sent = 0;
    }
    const tg_batch_part_t *part = part_of_copy(flight->batch, index);
    if (part == NULL) {
        return tg_error_set(err, TG_ERR_INTERNAL,
                            "the server asks for COPY number %d of a batch without it", index);
    }
    while (flight->stage < STAGE_DONE) {
        tg_bytes_t bytes = stage_bytes(writer, part);
        size_t taken = 0;
        TG_TRY(tg_copy_exchange_put(
            writer->exchange,
            tg_bytes_of(bytes.data + flight->n_sent, bytes.n_bytes - flight->n_sent), &taken, err));
        flight->n_sent += taken;
        if (flight->n_sent < bytes.n_bytes ||
            tg_copy_exchange_state(writer->exchange) != TG_EXCHANGE_COPYING) {
            return TG_OK; /* the socket is full, or the server has refused already */
        }
        flight->n_sent = 0;
        flight->stage++;
    }
    TG_FAULT("writer.before_commit");
    return tg_copy_exchange_copy_done(writer->exchange, err);
}

/* --- the end --- */

static void
count_parts(const tg_writer_t *writer, const tg_batch_t *batch)
{
    for (size_t i = 0; i < batch->n_parts; i++) {
        const tg_batch_part_t *part = &batch->parts[i];
        if (part->n_late > 0) {
            tg_series_add(TG_SERIES(writer->env->metrics, TG_METRIC_SINK_LATE_ROWS_TOTAL,
                                    writer->env->sink->name, part->target->table_name),
                          (int64_t)part->n_late);
        }
        if (part->target->direct_compress != TG_DIRECT_COMPRESS_OFF) {
            tg_series_add(part->compressed ? writer->direct_rows : writer->rowstore_rows,
                          (int64_t)part->n_rows);
        }
    }
}

static void
committed(tg_writer_t *writer)
{
    TG_FAULT("writer.after_commit");
    tg_lane_t *lane = writer->flight.lane;
    tg_batch_t *batch = tg_lane_take_batch(lane);
    int64_t now_us = tg_clock_now_us(writer->env->clock);
    lane->in_flight = false;
    lane->entry.next_offset = batch->next_offset;
    lane->seen_ms = now_us / 1000;
    atomic_store(&lane->written_offset, batch->next_offset);
    if (batch->newest_unix_ms >= 0) {
        atomic_store(&lane->written_unix_ms, batch->newest_unix_ms);
    }
    count_parts(writer, batch);
    tg_series_add(lane->series.rows, (int64_t)batch->n_rows);
    tg_series_add(lane->series.batches, 1);
    tg_series_add(lane->series.bytes, (int64_t)batch->n_bytes);
    tg_series_set(lane->series.next_offset, (double)batch->next_offset);
    tg_series_observe(writer->flush_seconds, (double)(now_us - writer->flight.began_us) / 1e6);
    tg_series_observe(writer->batch_rows, (double)batch->n_rows);
    if (batch->oldest_unix_ms != INT64_MAX) {
        int64_t age_ms = tg_clock_now_unix_ms(writer->env->clock) - batch->oldest_unix_ms;
        tg_series_observe(writer->latency_seconds, age_ms > 0 ? (double)age_ms / 1e3 : 0);
    }
    writer->flight.lane = NULL;
    lane->usual_bytes = tg_batch_buffered_bytes(batch);
    lane->replanned = false;
    tg_writer_batch_free(writer, batch);
    tg_writer_lane_note_pending(lane);
    if (tg_lane_state(lane) == TG_LANE_RUNNING) {
        tg_writer_lane_progressed(lane);
    }
    TG_LOG_DEBUG(writer->env->log, "batch committed", TG_S("sink", writer->env->sink->name),
                 TG_S("topic", lane->topic), TG_I("partition", lane->partition),
                 TG_I("next_offset", lane->entry.next_offset));
}

/* tolerance is none: what is before the culprit is written, the rest is read again when somebody
 * has corrected the cause. */
static void
stop_before_culprit(tg_writer_t *writer, tg_lane_t *lane, const tg_error_t *why)
{
    tg_batch_t *good = tg_lane_take_batch(lane);
    int64_t culprit = good->next_offset;
    bool is_empty = tg_batch_is_empty(good);
    if (is_empty) {
        tg_writer_batch_free(writer, good);
    }
    tg_writer_lane_rewind(writer, lane);
    if (!is_empty) {
        lane->open = good;
        tg_lane_seal(lane);
    }
    lane->position = culprit;
    tg_writer_lane_stop(writer, lane, why);
}

/* The server found fault with a row: take the culprits out, then the batch is written again. */
static void
bisect(tg_writer_t *writer, tg_lane_t *lane, tg_batch_t *batch, const tg_error_t *why)
{
    TG_LOG_WARNING(writer->env->log, "the server rejects rows of a batch, looking for them",
                   TG_S("sink", writer->env->sink->name), TG_S("topic", lane->topic),
                   TG_I("partition", lane->partition), TG_I("first_offset", batch->first_offset),
                   TG_I("rows", batch->n_rows), TG_S("sqlstate", why->sqlstate),
                   TG_S("error", why->text));
    tg_error_t failure;
    tg_status_t status = tg_writer_bisect(writer, lane, batch, &failure);
    if (status == TG_OK) {
        return;
    }
    if (status == TG_ERR_CANCELLED) {
        stop_before_culprit(writer, lane, &failure);
    } else if (!tg_connection_is_open(writer->connection)) {
        tg_writer_connection_lost(writer, &failure);
    } else if (tg_status_reaction(status) == TG_REACTION_FATAL) {
        tg_writer_lane_rewind(writer, lane);
        tg_writer_lane_stop(writer, lane, &failure);
    } else {
        tg_writer_lane_refused(writer, lane, &failure);
    }
}

/* The table has changed under us: read it again, and the records too. What can be a record's fault
 * gets one such chance before the record is looked for. */
static bool
is_stale(const tg_lane_t *lane, const tg_error_t *why)
{
    return tg_sqlstate_is_stale_plan(why->sqlstate) &&
           (!lane->replanned || tg_status_reaction(why->status) != TG_REACTION_POISON);
}

static void
rejected(tg_writer_t *writer, tg_lane_t *lane, tg_batch_t *batch, const tg_error_t *why)
{
    if (is_stale(lane, why)) {
        lane->replanned = true;
        tg_bindings_invalidate(writer->bindings);
        tg_writer_lane_rewind(writer, lane);
        tg_writer_lane_refused(writer, lane, why);
        return;
    }
    switch (tg_status_reaction(why->status)) {
    case TG_REACTION_POISON:
        bisect(writer, lane, batch, why);
        break;
    case TG_REACTION_ABORT:
        tg_series_add(lane->series.fenced, 1);
        tg_writer_lane_rewind(writer, lane);
        tg_writer_lane_failed(writer, lane, why);
        break;
    case TG_REACTION_RETRY:
        /* rolled back for certain: the same batch again */
        tg_writer_lane_refused(writer, lane, why);
        break;
    case TG_REACTION_NONE:
    case TG_REACTION_FATAL:
    default:
        tg_writer_lane_rewind(writer, lane);
        tg_writer_lane_stop(writer, lane, why);
        break;
    }
}

static void
failed(tg_writer_t *writer)
{
    tg_lane_t *lane = writer->flight.lane;
    tg_batch_t *batch = writer->flight.batch;
    tg_error_t why = *tg_copy_exchange_error(writer->exchange);
    bool unknown = tg_copy_exchange_outcome_unknown(writer->exchange);
    lane->in_flight = false;
    writer->flight.lane = NULL;
    TG_IGNORE(tg_error_wrap(
        &why, why.status, "writing offsets %" PRId64 " to %" PRId64 " of %s[%" PRId32 "]%s",
        batch->first_offset, batch->next_offset - 1, lane->topic, lane->partition,
        unknown ? " (outcome unknown, the ledger will tell)" : ""));
    if (!tg_connection_is_open(writer->connection)) {
        tg_writer_connection_lost(writer, &why);
        return;
    }
    rejected(writer, lane, batch, &why);
}

void
tg_writer_flush_pump(tg_writer_t *writer)
{
    if (writer->flight.lane == NULL) {
        return;
    }
    for (;;) {
        tg_exchange_state_t state = tg_copy_exchange_pump(writer->exchange);
        if (state == TG_EXCHANGE_DONE) {
            committed(writer);
            return;
        }
        if (state == TG_EXCHANGE_FAILED) {
            failed(writer);
            return;
        }
        if (state != TG_EXCHANGE_COPYING) {
            return;
        }
        tg_error_t why;
        if (feed(writer, &why) != TG_OK) {
            if (tg_copy_exchange_state(writer->exchange) == TG_EXCHANGE_FAILED) {
                continue; /* the server has refused */
            }
            TG_LOG_ERROR(writer->env->log, "COPY stream broke", TG_S("error", why.text));
            tg_copy_exchange_abort(writer->exchange);
            continue;
        }
        if (writer->flight.stage < STAGE_DONE) {
            return; /* the socket is full: come back when it is not */
        }
    }
}
