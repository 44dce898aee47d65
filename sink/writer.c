#include "writer.h"

#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#include "avro/copy_format.h"
#include "writer_internal.h"

enum {
    MAX_OPS = 65536,
    OP_TIMEOUT_MS = 5000,
    MAX_SQL_BYTES = 1 << 20,
    RECONNECT_MIN_MS = 50,
    RECONNECT_MAX_MS = 5000,
    IDLE_WAIT_MS = 500,
    STATS_MS = 1000,
    REFUSED_RETRY_MS = 1000,
    BEAT_LIMIT_MS = 180000,
    IDLE_BATCHES_MAX = 64,
    MAX_VALUE_DEPTH = 64
};

/* --- batches --- */

tg_batch_t *
tg_writer_batch_new(tg_writer_t *writer, int64_t first_offset)
{
    /* One whose dead letters are still under way is referred to by the producer: it rests until
     * they are settled. */
    tg_batch_t **link = &writer->idle_batches;
    while (*link != NULL && atomic_load(&(*link)->n_pending_dead_letters) > 0) {
        link = &(*link)->next;
    }
    tg_batch_t *batch = *link;
    if (batch != NULL) {
        *link = batch->next;
    } else {
        /* A row may begin below max_bytes and end above it: the ceiling leaves room for one of the
         * largest. */
        batch = tg_batch_new((size_t)(atomic_load(&writer->env->max_bytes) +
                                      2 * writer->env->sink->errors.max_record_bytes));
    }
    if (batch != NULL) {
        tg_batch_reset(batch, first_offset, tg_clock_now_us(writer->env->clock));
    }
    return batch;
}

void
tg_writer_batch_free(tg_writer_t *writer, tg_batch_t *batch)
{
    writer->buffered_bytes -= batch->n_bytes + batch->n_rows * sizeof(uint32_t);
    size_t n_idle = 0;
    for (const tg_batch_t *b = writer->idle_batches; b != NULL; b = b->next) {
        n_idle++;
    }
    if (n_idle >= IDLE_BATCHES_MAX && atomic_load(&batch->n_pending_dead_letters) == 0) {
        tg_batch_free(batch);
        return;
    }
    batch->next = writer->idle_batches;
    writer->idle_batches = batch;
}

/* --- lanes --- */

void
tg_writer_lane_set_state(tg_writer_t *writer, tg_lane_t *lane, tg_lane_state_t state)
{
    tg_lane_state_t before = tg_lane_state(lane);
    if (before == state) {
        return;
    }
    char partition[16];
    (void)snprintf(partition, sizeof partition, "%" PRId32, lane->partition);
    const char *sink = writer->env->sink->name;
    tg_series_set(TG_SERIES(writer->env->metrics, TG_METRIC_SINK_LANE_STATE, sink, lane->topic,
                            partition, tg_lane_state_name(before)),
                  0);
    tg_series_set(TG_SERIES(writer->env->metrics, TG_METRIC_SINK_LANE_STATE, sink, lane->topic,
                            partition, tg_lane_state_name(state)),
                  1);
    atomic_store(&lane->state, (int)state);
}

void
tg_writer_lane_failed(tg_writer_t *writer, tg_lane_t *lane, const tg_error_t *why)
{
    int64_t delay_ms = tg_retry_failed(&lane->retry, tg_clock_now_ms(writer->env->clock));
    lane->trouble = *why;
    tg_health_set(lane->health, TG_HEALTH_DEGRADED, why->text);
    tg_series_add(TG_SERIES(writer->env->metrics, TG_METRIC_SINK_RETRIES_TOTAL,
                            writer->env->sink->name, tg_status_name(why->status)),
                  1);
    TG_LOG_WARNING(writer->env->log, "lane backs off", TG_S("sink", writer->env->sink->name),
                   TG_S("topic", lane->topic), TG_I("partition", lane->partition),
                   TG_I("retry_ms", delay_ms), TG_S("error", why->text));
}

void
tg_writer_lane_recovered(tg_lane_t *lane)
{
    if (lane->trouble.status != TG_OK || lane->retry.n_failures > 0) {
        lane->trouble.status = TG_OK;
        tg_retry_reset(&lane->retry);
    }
    tg_health_set(lane->health, TG_HEALTH_UP, NULL);
}

void
tg_writer_lane_rewind(tg_writer_t *writer, tg_lane_t *lane)
{
    tg_lane_drop_pending(lane);
    while (lane->first_sealed != NULL) {
        tg_writer_batch_free(writer, tg_lane_take_batch(lane));
    }
    if (lane->open != NULL) {
        tg_writer_batch_free(writer, lane->open);
        lane->open = NULL;
    }
    lane->in_flight = false;
    lane->position = -1;
    lane->wants_admit = false;
    lane->has_key = false;
    lane->binding = NULL;
    tg_writer_lane_note_pending(lane);
    if (tg_lane_state(lane) != TG_LANE_RELEASED) {
        tg_writer_lane_set_state(writer, lane, TG_LANE_CLAIMING);
    }
}

void
tg_writer_lane_stop(tg_writer_t *writer, tg_lane_t *lane, const tg_error_t *why)
{
    lane->trouble = *why;
    (void)tg_retry_failed(&lane->retry, tg_clock_now_ms(writer->env->clock));
    lane->retry.next_ms = tg_clock_now_ms(writer->env->clock) + TG_STOPPED_RECHECK_MS;
    tg_health_set(lane->health, TG_HEALTH_DOWN, why->text);
    TG_LOG_ERROR(writer->env->log, "lane stopped", TG_S("sink", writer->env->sink->name),
                 TG_S("topic", lane->topic), TG_I("partition", lane->partition),
                 TG_S("error", why->text));
    tg_writer_lane_set_state(writer, lane, TG_LANE_STOPPED);
}

void
tg_writer_lane_note_pending(tg_lane_t *lane)
{
    const tg_batch_t *oldest = lane->first_sealed != NULL ? lane->first_sealed : lane->open;
    atomic_store(&lane->pending_unix_ms, oldest != NULL ? oldest->oldest_unix_ms : INT64_MAX);
}

void
tg_writer_connection_lost(tg_writer_t *writer, const tg_error_t *why)
{
    tg_connection_close(writer->connection);
    if (writer->flight.lane != NULL) {
        writer->flight.lane->in_flight = false;
        writer->flight.lane = NULL;
    }
    int64_t delay_ms = tg_retry_failed(&writer->reconnect, tg_clock_now_ms(writer->env->clock));
    tg_series_set(writer->connected, 0);
    tg_health_set(writer->health, TG_HEALTH_DEGRADED, why->text);
    TG_LOG_WARNING(writer->env->log, "database connection lost",
                   TG_S("sink", writer->env->sink->name), TG_S("writer", writer->name),
                   TG_I("retry_ms", delay_ms), TG_S("error", why->text));
    for (size_t i = 0; i < writer->n_lanes; i++) {
        tg_lane_t *lane = writer->lanes[i];
        if (tg_lane_state(lane) == TG_LANE_RUNNING || tg_lane_state(lane) == TG_LANE_STARTING) {
            if (tg_lane_state(lane) == TG_LANE_STARTING) {
                lane->position = -1; /* the fetch that was asked for is not ours any more */
            }
            tg_writer_lane_set_state(writer, lane, TG_LANE_CLAIMING);
        }
    }
}

static void
lane_series_open(tg_writer_t *writer, tg_lane_t *lane)
{
    tg_metrics_t *metrics = writer->env->metrics;
    const char *sink = writer->env->sink->name;
    char partition[16];
    (void)snprintf(partition, sizeof partition, "%" PRId32, lane->partition);
#define LANE_SERIES(metric) TG_SERIES(metrics, metric, sink, lane->topic, partition)
    lane->series = (tg_lane_series_t){
        .records = LANE_SERIES(TG_METRIC_SINK_RECORDS_READ_TOTAL),
        .rows = LANE_SERIES(TG_METRIC_SINK_ROWS_WRITTEN_TOTAL),
        .batches = LANE_SERIES(TG_METRIC_SINK_BATCHES_TOTAL),
        .bytes = LANE_SERIES(TG_METRIC_SINK_BYTES_WRITTEN_TOTAL),
        .tombstones = LANE_SERIES(TG_METRIC_SINK_TOMBSTONES_TOTAL),
        .redelivered = LANE_SERIES(TG_METRIC_SINK_REDELIVERED_TOTAL),
        .fenced = LANE_SERIES(TG_METRIC_SINK_FENCED_TOTAL),
        .claims = LANE_SERIES(TG_METRIC_SINK_CLAIMS_TOTAL),
        .next_offset = LANE_SERIES(TG_METRIC_SINK_NEXT_OFFSET),
    };
#undef LANE_SERIES
}

static void
lane_add(tg_writer_t *writer, tg_lane_t *lane)
{
    const tg_partition_t partition = {
        .topic = lane->topic, .partition = lane->partition, .offset = -1};
    tg_error_t why;
    tg_status_t status = tg_partition_queue_open(writer->env->consumer, &partition, &writer->wake,
                                                 &lane->queue, &why);
    if (status != TG_OK || writer->n_lanes == TG_WRITER_MAX_LANES) {
        TG_LOG_ERROR(writer->env->log, "partition cannot be read", TG_S("topic", lane->topic),
                     TG_I("partition", lane->partition),
                     TG_S("error", status != TG_OK ? why.text
                                                   : "a writer has too many lanes, raise writers"));
        atomic_store(&lane->released, true);
        tg_lane_unref(lane);
        return;
    }
    lane_series_open(writer, lane);
    char name[320];
    (void)snprintf(name, sizeof name, "sink %s lane %s[%" PRId32 "]", writer->env->sink->name,
                   lane->topic, lane->partition);
    lane->health = tg_health_add(writer->env->health, name);
    writer->lanes[writer->n_lanes++] = lane;
}

/* Lets go of the lane: everything that is not written is somebody else's now. */
static void
lane_release(tg_writer_t *writer, tg_lane_t *lane)
{
    tg_writer_lane_set_state(writer, lane, TG_LANE_RELEASED);
    tg_writer_lane_rewind(writer, lane);
    tg_partition_queue_close(lane->queue);
    lane->queue = NULL;
    tg_health_remove(writer->env->health, lane->health);
    lane->health = NULL;
    for (size_t i = 0; i < writer->n_lanes; i++) {
        if (writer->lanes[i] == lane) {
            writer->lanes[i] = writer->lanes[--writer->n_lanes];
            break;
        }
    }
    writer->next_lane = 0;
    atomic_store(&lane->released, true);
    tg_wake_signal(writer->env->released);
    tg_lane_unref(lane);
}

static void
lane_started(tg_writer_t *writer, tg_lane_t *lane, const tg_op_t *op)
{
    if (tg_lane_state(lane) != TG_LANE_STARTING || op->start_number != lane->start_number) {
        return; /* the answer to a question that is no longer asked */
    }
    if (op->failed) {
        tg_error_t why;
        TG_IGNORE(
            tg_error_set(&why, TG_ERR_UNAVAILABLE, "reading the partition could not be started"));
        tg_writer_lane_set_state(writer, lane, TG_LANE_CLAIMING);
        tg_writer_lane_failed(writer, lane, &why);
        return;
    }
    lane->position = op->offset;
    lane->maybe_more = true;
    tg_writer_lane_set_state(writer, lane, TG_LANE_RUNNING);
    tg_writer_lane_recovered(lane);
}

static bool
owns(const tg_writer_t *writer, const tg_lane_t *lane)
{
    for (size_t i = 0; i < writer->n_lanes; i++) {
        if (writer->lanes[i] == lane) {
            return true;
        }
    }
    return false;
}

/* --- ops --- */

static void
serve_op(tg_writer_t *writer, const tg_op_t *op)
{
    switch (op->kind) {
    case TG_OP_ADD:
        lane_add(writer, op->lane);
        return; /* the reference is the writer's now */
    case TG_OP_STARTED:
        if (owns(writer, op->lane)) {
            lane_started(writer, op->lane, op);
        }
        break;
    case TG_OP_REMOVE:
        if (owns(writer, op->lane)) {
            op->lane->releasing = true;
        }
        break;
    case TG_OP_DRAIN:
        writer->draining = true;
        break;
    case TG_OP_STOP:
        writer->stopping = true;
        break;
    case TG_OP_START:
        break; /* goes the other way */
    }
    tg_lane_unref(op->lane);
}

static void
serve_ops(tg_writer_t *writer)
{
    void *item = NULL;
    while (tg_queue_pop(writer->ops, 0, &item) == TG_OK) {
        serve_op(writer, item);
        free(item);
    }
    for (size_t i = writer->n_lanes; i-- > 0;) {
        tg_lane_t *lane = writer->lanes[i];
        if (lane->releasing && !lane->in_flight) {
            lane_release(writer, lane);
        }
    }
}

tg_status_t
tg_writer_post(tg_writer_t *writer, tg_op_kind_t kind, tg_lane_t *lane, int64_t offset,
               uint64_t start_number, bool failed)
{
    tg_op_t *op = calloc(1, sizeof *op);
    if (op == NULL) {
        tg_lane_unref(lane);
        return TG_ERR_NO_MEMORY;
    }
    *op = (tg_op_t){.kind = kind,
                    .lane = lane,
                    .offset = offset,
                    .start_number = start_number,
                    .failed = failed};
    tg_status_t status = tg_queue_push_wait(writer->ops, op, OP_TIMEOUT_MS);
    if (status != TG_OK) {
        tg_lane_unref(lane);
        free(op);
    }
    return status;
}

/* --- connection --- */

static void
connect_if_due(tg_writer_t *writer)
{
    int64_t now_ms = tg_clock_now_ms(writer->env->clock);
    if (tg_connection_is_open(writer->connection) || writer->n_lanes == 0 ||
        !tg_retry_is_due(&writer->reconnect, now_ms)) {
        return;
    }
    tg_error_t why;
    tg_status_t status = tg_connection_open(writer->connection, &why);
    if (status != TG_OK) {
        tg_writer_connection_lost(writer, &why);
        return;
    }
    tg_retry_reset(&writer->reconnect);
    tg_series_set(writer->connected, 1);
    if (writer->was_connected) {
        tg_series_add(writer->reconnects, 1);
    }
    writer->was_connected = true;
    tg_health_set(writer->health, TG_HEALTH_UP, NULL);
    TG_LOG_INFO(writer->env->log, "database connected", TG_S("sink", writer->env->sink->name),
                TG_S("writer", writer->name),
                TG_S("database", tg_connection_name(writer->connection)));
}

static void
store_refused(tg_writer_t *writer)
{
    int64_t now_ms = tg_clock_now_ms(writer->env->clock);
    if (now_ms < writer->refused_retry_ms ||
        !tg_dead_letters_has_refused(writer->env->dead_letters)) {
        return;
    }
    tg_error_t why;
    if (tg_dead_letters_store_refused(writer->env->dead_letters, writer->env->cluster_id,
                                      writer->connection, &why) != TG_OK) {
        writer->refused_retry_ms = now_ms + REFUSED_RETRY_MS;
        TG_LOG_WARNING(writer->env->log, "dead letters wait", TG_S("error", why.text));
    }
}

/* What needs the connection for itself, in order: claims, catalogue, refused dead letters, then the
 * next batch. */
static void
use_connection(tg_writer_t *writer)
{
    connect_if_due(writer);
    if (writer->flight.lane != NULL) {
        return;
    }
    if (tg_connection_is_open(writer->connection)) {
        tg_writer_claim(writer);
    }
    if (tg_connection_is_open(writer->connection)) {
        tg_writer_admit(writer);
    }
    if (tg_connection_is_open(writer->connection)) {
        store_refused(writer);
    }
    if (tg_connection_is_open(writer->connection)) {
        tg_writer_look_at_columnstore(writer);
    }
    (void)tg_writer_flush_begin(writer);
}

/* --- the loop --- */

static void
note_stats(tg_writer_t *writer)
{
    int64_t now_ms = tg_clock_now_ms(writer->env->clock);
    tg_health_beat(writer->health);
    if (now_ms - writer->stats_ms < STATS_MS) {
        return;
    }
    writer->stats_ms = now_ms;
    tg_series_set(writer->buffered, (double)writer->buffered_bytes);
    int64_t busy = tg_copy_exchange_server_busy_us(writer->exchange);
    int64_t waiting = tg_copy_exchange_server_waiting_us(writer->exchange);
    int64_t busy_now = busy - writer->stats_busy_us;
    int64_t waiting_now = waiting - writer->stats_waiting_us;
    if (busy_now + waiting_now > 0) {
        tg_series_set(writer->waiting_ratio,
                      (double)waiting_now / (double)(busy_now + waiting_now));
    }
    writer->stats_busy_us = busy;
    writer->stats_waiting_us = waiting;
}

/* One quantum of every lane that can go on; true when there is more to do at once. */
static bool
decode_all(tg_writer_t *writer)
{
    bool more = false;
    int64_t now_ms = tg_clock_now_ms(writer->env->clock);
    for (size_t i = 0; i < writer->n_lanes && !writer->draining; i++) {
        tg_lane_t *lane = writer->lanes[i];
        if (tg_lane_state(lane) != TG_LANE_RUNNING || lane->releasing || lane->wants_admit ||
            !tg_retry_is_due(&lane->retry, now_ms) ||
            (lane->next_pending == lane->n_pending && !lane->maybe_more)) {
            continue;
        }
        more = tg_writer_decode(writer, lane) || more;
        tg_writer_flush_pump(writer);
    }
    return more;
}

static void
note_drained(tg_writer_t *writer)
{
    bool busy = writer->flight.lane != NULL;
    for (size_t i = 0; i < writer->n_lanes && !busy; i++) {
        const tg_lane_t *lane = writer->lanes[i];
        busy =
            tg_lane_state(lane) == TG_LANE_RUNNING &&
            (lane->first_sealed != NULL || (lane->open != NULL && !tg_batch_is_empty(lane->open)));
    }
    if (!busy && !atomic_load(&writer->drained)) {
        atomic_store(&writer->drained, true);
        tg_wake_signal(writer->env->released);
    }
}

static int64_t
earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* How long nothing can happen by itself. */
static int64_t
wait_ms(const tg_writer_t *writer)
{
    int64_t now_ms = tg_clock_now_ms(writer->env->clock);
    int64_t until_ms = now_ms + IDLE_WAIT_MS;
    if (!tg_connection_is_open(writer->connection) && writer->n_lanes > 0) {
        until_ms = earlier(until_ms, writer->reconnect.next_ms);
    }
    for (size_t i = 0; i < writer->n_lanes; i++) {
        if (writer->lanes[i]->retry.n_failures > 0) {
            until_ms = earlier(until_ms, writer->lanes[i]->retry.next_ms > now_ms
                                             ? writer->lanes[i]->retry.next_ms
                                             : until_ms);
        }
    }
    until_ms = earlier(until_ms, tg_writer_flush_due_ms(writer));
    return until_ms > now_ms ? until_ms - now_ms : 0;
}

static void
wait_for_work(tg_writer_t *writer)
{
    bool in_flight = writer->flight.lane != NULL;
    int fd = in_flight ? tg_copy_exchange_fd(writer->exchange) : -1;
    short events = in_flight ? tg_copy_exchange_events(writer->exchange) : 0;
    (void)tg_wake_wait(&writer->wake, fd, events, wait_ms(writer));
    /* Queues ring the same bell as everything else: look at all of them. An empty one costs a lock
     * and a check. */
    for (size_t i = 0; i < writer->n_lanes; i++) {
        writer->lanes[i]->maybe_more = true;
    }
}

static void
step(tg_writer_t *writer)
{
    serve_ops(writer);
    tg_writer_flush_pump(writer);
    use_connection(writer);
    bool more = decode_all(writer);
    note_stats(writer);
    if (writer->draining) {
        note_drained(writer);
    }
    bool can_flush = writer->flight.lane == NULL && tg_writer_flush_begin(writer);
    if (!more && !can_flush && !writer->stopping) {
        wait_for_work(writer);
    }
}

static void *
run(void *arg)
{
    tg_writer_t *writer = arg;
    while (!writer->stopping) {
        step(writer);
    }
    while (writer->n_lanes > 0) {
        lane_release(writer, writer->lanes[0]);
    }
    return NULL;
}

/* --- life --- */

void
tg_writer_free(tg_writer_t *writer)
{
    if (writer == NULL) {
        return;
    }
    tg_copy_exchange_free(writer->exchange);
    tg_connection_free(writer->connection);
    tg_bindings_free(writer->bindings);
    while (writer->idle_batches != NULL) {
        tg_batch_t *batch = writer->idle_batches;
        writer->idle_batches = batch->next;
        tg_batch_free(batch);
    }
    if (writer->ops != NULL) {
        void *item = NULL;
        while (tg_queue_pop(writer->ops, 0, &item) == TG_OK) {
            tg_lane_unref(((tg_op_t *)item)->lane);
            free(item);
        }
        tg_queue_free(writer->ops);
    }
    tg_health_remove(writer->env->health, writer->health);
    tg_buffer_done(&writer->frame);
    tg_buffer_done(&writer->sql);
    tg_wake_close(&writer->wake);
    free((void *)writer->lanes);
    free(writer);
}

static void
series_open(tg_writer_t *writer)
{
    tg_metrics_t *metrics = writer->env->metrics;
    const char *sink = writer->env->sink->name;
    char index[16];
    (void)snprintf(index, sizeof index, "%d", writer->index);
    writer->connected = TG_SERIES(metrics, TG_METRIC_DATABASE_CONNECTED, sink, index);
    writer->buffered = TG_SERIES(metrics, TG_METRIC_SINK_BUFFERED_BYTES, sink, index);
    writer->waiting_ratio = TG_SERIES(metrics, TG_METRIC_SINK_SERVER_WAITING_RATIO, sink, index);
    writer->reconnects = TG_SERIES(metrics, TG_METRIC_DATABASE_RECONNECTS_TOTAL, sink);
    writer->flush_seconds = TG_SERIES(metrics, TG_METRIC_SINK_FLUSH_SECONDS, sink);
    writer->batch_rows = TG_SERIES(metrics, TG_METRIC_SINK_BATCH_ROWS, sink);
    writer->latency_seconds = TG_SERIES(metrics, TG_METRIC_SINK_LATENCY_SECONDS, sink);
    writer->schemas = TG_SERIES(metrics, TG_METRIC_SINK_SCHEMAS, sink);
    writer->direct_rows = TG_SERIES(metrics, TG_METRIC_SINK_DIRECT_COMPRESS_ROWS_TOTAL, sink, "on");
    writer->rowstore_rows =
        TG_SERIES(metrics, TG_METRIC_SINK_DIRECT_COMPRESS_ROWS_TOTAL, sink, "off");
    writer->truncated = TG_SERIES(metrics, TG_METRIC_SINK_TRUNCATED_NANOS_TOTAL, sink);
}

static tg_status_t
writer_open(tg_writer_t *writer, tg_error_t *err)
{
    TG_TRY(tg_wake_open(&writer->wake, err));
    writer->ops = tg_queue_new(MAX_OPS, &writer->wake);
    writer->lanes = calloc(TG_WRITER_MAX_LANES, sizeof(tg_lane_t *));
    if (writer->ops == NULL || writer->lanes == NULL ||
        tg_copy_put_header(&writer->frame) != TG_OK ||
        tg_copy_put_trailer(&writer->frame) != TG_OK) {
        return tg_error_set(err, TG_ERR_NO_MEMORY, "no memory for %s", writer->name);
    }
    TG_TRY(tg_connection_new(&writer->env->database, &writer->connection, err));
    TG_TRY(tg_copy_exchange_new(writer->connection, &writer->exchange, err));
    const tg_bindings_options_t bindings = {
        .schemas = writer->env->schemas,
        .decode = {.nul_policy = writer->env->sink->nul_policy == TG_NUL_STRIP ? TG_TEXT_NUL_STRIP
                                                                               : TG_TEXT_NUL_REJECT,
                   .max_row_bytes = (size_t)writer->env->sink->errors.max_record_bytes * 2,
                   .max_depth = MAX_VALUE_DEPTH},
        .clock = writer->env->clock,
        .wake = &writer->wake,
        .log = writer->env->log};
    return tg_bindings_new(&bindings, &writer->bindings, err);
}

tg_status_t
tg_writer_start(tg_writer_env_t *env, int index, tg_writer_t **ret_writer, tg_error_t *err)
{
    tg_writer_t *writer = calloc(1, sizeof *writer);
    if (writer == NULL) {
        return tg_error_set(err, TG_ERR_NO_MEMORY, "no memory for a writer");
    }
    writer->env = env;
    writer->index = index;
    writer->wake.fd = -1;
    (void)snprintf(writer->name, sizeof writer->name, "writer[%d]", index);
    tg_buffer_init(&writer->sql, MAX_SQL_BYTES);
    tg_buffer_init(&writer->frame, TG_COPY_HEADER_BYTES + TG_COPY_TRAILER_BYTES);
    writer->max_buffered_bytes = (size_t)(env->sink->memory.encoded_bytes / env->sink->writers);
    tg_retry_init(&writer->reconnect, RECONNECT_MIN_MS, RECONNECT_MAX_MS, (uint64_t)index + 1);
    series_open(writer);
    char name[320];
    (void)snprintf(name, sizeof name, "sink %s %s", env->sink->name, writer->name);
    writer->health = tg_health_add(env->health, name);
    tg_health_expect_beat(writer->health, BEAT_LIMIT_MS);
    tg_status_t status = writer_open(writer, err);
    if (status == TG_OK) {
        status = tg_thread_start(&writer->thread, writer->name, run, writer, err);
    }
    if (status != TG_OK) {
        tg_writer_free(writer);
        return status;
    }
    *ret_writer = writer;
    return TG_OK;
}

void
tg_writer_stop(tg_writer_t *writer)
{
    if (writer == NULL) {
        return;
    }
    while (tg_writer_post(writer, TG_OP_STOP, NULL, 0, 0, false) == TG_ERR_NO_MEMORY) {
        /* it must leave: there is nothing else to do but ask again */
    }
    tg_thread_join(&writer->thread);
}

tg_wake_t *
tg_writer_wake(tg_writer_t *writer)
{
    return &writer->wake;
}

bool
tg_writer_has_drained(const tg_writer_t *writer)
{
    return atomic_load(&writer->drained);
}
