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
    MAX_VALUE_DEPTH = 64
};

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
        tg_writer_lane_add(writer, op->lane);
        return; /* the reference is the writer's now */
    case TG_OP_STARTED:
        if (owns(writer, op->lane)) {
            tg_writer_lane_started(writer, op->lane, op);
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
            tg_writer_lane_release(writer, lane);
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
    tg_writer_claim_again(writer);
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
        if (!tg_connection_is_open(writer->connection)) {
            tg_writer_connection_lost(writer, &why);
        }
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
    if (tg_connection_is_open(writer->connection) && !writer->draining) {
        tg_writer_verify(writer);
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
    if (writer->n_lanes == 0) {
        tg_health_set(writer->health, TG_HEALTH_UP, NULL); /* nothing to do is well */
    }
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
            lane->must_start || !tg_retry_is_due(&lane->decoding, now_ms) ||
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
        busy = tg_writer_flush_is_owed(lane);
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

/* A retry that is due already waits for something else: for the connection, for a bell. */
static int64_t
retry_ms(const tg_retry_t *retry, int64_t now_ms)
{
    return retry->n_failures > 0 && retry->next_ms > now_ms ? retry->next_ms : INT64_MAX;
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
        const tg_lane_t *lane = writer->lanes[i];
        until_ms = earlier(until_ms, retry_ms(&lane->retry, now_ms));
        until_ms = earlier(until_ms, retry_ms(&lane->decoding, now_ms));
    }
    until_ms = earlier(until_ms, tg_writer_flush_due_ms(writer));
    return until_ms > now_ms ? until_ms - now_ms : 0;
}

static void
wait_for_work(tg_writer_t *writer)
{
    bool in_flight = writer->flight.lane != NULL;
    int fd = in_flight ? tg_copy_exchange_fd(writer->exchange) : -1;
    short events = 0;
    if (in_flight) {
        events = tg_copy_exchange_events(writer->exchange);
    }
    (void)tg_wake_wait(&writer->wake, fd, events, wait_ms(writer));
    /* Queues ring the same bell as everything else: look at all of them. An empty one costs a lock
     * and a check. */
    for (size_t i = 0; i < writer->n_lanes; i++) {
        writer->lanes[i]->maybe_more = true;
    }
}

void
tg_writer_step(tg_writer_t *writer)
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
    if (!more && !can_flush && !atomic_load(&writer->stopping)) {
        wait_for_work(writer);
    }
}

static void *
run(void *arg)
{
    tg_writer_t *writer = arg;
    while (!atomic_load(&writer->stopping)) {
        tg_writer_step(writer);
    }
    if (writer->flight.lane != NULL) { /* the ledger will tell what became of it */
        writer->flight.lane->in_flight = false;
        writer->flight.lane = NULL;
        tg_connection_close(writer->connection);
    }
    while (writer->n_lanes > 0) {
        tg_writer_lane_release(writer, writer->lanes[0]);
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
    tg_chunk_watch_free(writer->chunk_watch);
    tg_buffer_done(&writer->scratch);
    tg_buffer_done(&writer->frame);
    tg_buffer_done(&writer->sql);
    if (writer->env->schemas != NULL) {
        tg_schema_cache_forget(writer->env->schemas, &writer->wake);
    }
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
    writer->sorted_batches = TG_SERIES(metrics, TG_METRIC_SINK_SORTED_BATCHES_TOTAL, sink);
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
    writer->chunk_watch = tg_chunk_watch_new();
    if (writer->ops == NULL || writer->chunk_watch == NULL ||
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
    tg_buffer_init(&writer->scratch, 0); /* its ceiling is that of the part it sorts */
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
    atomic_store(&writer->stopping, true);
    tg_wake_signal(&writer->wake);
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
