#include "sink.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/thread.h"
#include "sink_internal.h"
#include "writer.h"

enum {
    CONTROL_CAPACITY = 65536,
    POLL_MS = 500,
    HINT_MS = 5000,
    HINT_ALL_EVERY = 12, /* a hint that got lost would else wait for the next record */
    DEAD_LETTERS_TIMEOUT_MS = 5000,
    BEAT_LIMIT_MS = 120000
};

/* --- starting partitions --- */

static void
start_lane(tg_sink_t *sink, tg_lane_t *lane, int64_t offset, uint64_t start_number)
{
    const tg_partition_t partition = {
        .topic = lane->topic, .partition = lane->partition, .offset = offset};
    tg_error_t why;
    tg_status_t status = TG_OK;
    if (lane->fetching) {
        status = tg_consumer_stop_partition(sink->env.consumer, &partition, &why);
        lane->fetching = false;
    }
    if (status == TG_OK) {
        status = tg_consumer_start_partition(sink->env.consumer, &partition, &why);
        lane->fetching = status == TG_OK;
    }
    if (status != TG_OK) {
        TG_LOG_WARNING(sink->options.log, "partition not started", TG_S("topic", lane->topic),
                       TG_I("partition", lane->partition), TG_S("error", why.text));
    }
    TG_IGNORE(tg_writer_post(sink->writers[lane->writer], TG_OP_STARTED, tg_lane_ref(lane), offset,
                             start_number,
                             status != TG_OK)); /* a stuck writer claims again by itself */
}

static void
serve_control(tg_sink_t *sink)
{
    void *item = NULL;
    while (tg_queue_pop(sink->env.control, 0, &item) == TG_OK) {
        tg_op_t *op = item;
        if (!op->lane->revoked && op->lane->writer >= 0) {
            start_lane(sink, op->lane, op->offset, op->start_number);
        }
        tg_lane_unref(op->lane);
        free(op);
    }
}

/* --- the poll thread --- */

static void
hint_again(tg_sink_t *sink)
{
    for (size_t i = 0; i < sink->n_lanes; i++) {
        sink->lanes[i]->hinted_offset = -1;
    }
}

void
tg_sink_poll_once(tg_sink_t *sink, int64_t timeout_ms)
{
    tg_consumer_poll(sink->env.consumer, timeout_ms);
    serve_control(sink);
    tg_sink_place_lanes(sink);
    tg_health_beat(sink->health);
    tg_sink_note_calm(sink);
    int64_t now_ms = tg_clock_now_ms(sink->options.clock);
    if (now_ms - sink->hint_ms >= HINT_MS) {
        sink->hint_ms = now_ms;
        if (++sink->n_hints % HINT_ALL_EVERY == 0) {
            hint_again(sink);
        }
        tg_sink_hint(sink, false, false);
    }
}

static bool
all_drained(const tg_sink_t *sink)
{
    for (size_t i = 0; i < sink->n_writers; i++) {
        if (!tg_writer_has_drained(sink->writers[i])) {
            return false;
        }
    }
    return true;
}

static void
drain(tg_sink_t *sink)
{
    int64_t deadline_ms =
        tg_clock_now_ms(sink->options.clock) + sink->options.config->shutdown_timeout_ms;
    for (size_t i = 0; i < sink->n_writers; i++) {
        TG_IGNORE(tg_writer_post(sink->writers[i], TG_OP_DRAIN, NULL, 0, 0,
                                 false)); /* the deadline covers it */
    }
    while (!all_drained(sink) && tg_clock_now_ms(sink->options.clock) < deadline_ms) {
        (void)tg_wake_wait(&sink->released, -1, 0, 50);
        tg_consumer_poll(sink->env.consumer, 0);
    }
    TG_LOG_INFO(sink->options.log, all_drained(sink) ? "sink drained" : "sink not drained in time",
                TG_S("sink", sink->options.sink->name));
}

static void *
poll_main(void *arg)
{
    tg_sink_t *sink = arg;
    while (!atomic_load(&sink->stopping)) {
        tg_sink_poll_once(sink, POLL_MS);
    }
    drain(sink);
    tg_sink_hint(sink, false, true);
    /* Writers leave before the consumer goes: they hold its queues. */
    for (size_t i = 0; i < sink->n_writers; i++) {
        tg_writer_stop(sink->writers[i]);
    }
    for (size_t i = 0; i < sink->n_lanes; i++) {
        sink->lanes[i]->writer = -1;
    }
    (void)pthread_mutex_lock(&sink->lock);
    sink->is_open = false;
    (void)pthread_mutex_unlock(&sink->lock);
    tg_consumer_close(sink->env.consumer);
    sink->env.consumer = NULL;
    return NULL;
}

/* --- life --- */

static void
sink_free(tg_sink_t *sink)
{
    while (sink->n_lanes > 0) {
        tg_sink_lanes_remove(sink, sink->lanes[0]);
    }
    free((void *)sink->lanes);
    tg_dead_letters_close(sink->env.dead_letters, DEAD_LETTERS_TIMEOUT_MS);
    for (size_t i = 0; i < sink->n_writers; i++) {
        tg_writer_free(sink->writers[i]);
    }
    free((void *)sink->writers);
    if (sink->env.control != NULL) {
        void *item = NULL;
        while (tg_queue_pop(sink->env.control, 0, &item) == TG_OK) {
            tg_lane_unref(((tg_op_t *)item)->lane);
            free(item);
        }
        tg_queue_free(sink->env.control);
    }
    tg_router_free(sink->env.router);
    tg_health_remove(sink->options.health, sink->health);
    tg_wake_close(&sink->released);
    (void)pthread_mutex_destroy(&sink->lock);
    free(sink->properties);
    free(sink);
}

static tg_status_t
fill_env(tg_sink_t *sink, tg_error_t *err)
{
    const tg_config_t *config = sink->options.config;
    tg_writer_env_t *env = &sink->env;
    env->sink = sink->options.sink;
    (void)snprintf(sink->application_name, sizeof sink->application_name, "tidegate %s",
                   sink->options.sink->name);
    env->database = (tg_connection_options_t){
        .url = config->database.url,
        .application_name = sink->application_name,
        .connect_timeout_ms = config->database.connect_timeout_ms,
        .query_timeout_ms = config->database.statement_timeout_ms,
        .log = sink->options.log,
    };
    env->statement_timeout_ms = config->database.statement_timeout_ms;
    env->lock_timeout_ms = config->database.lock_timeout_ms;
    env->schemas = sink->options.schemas;
    env->metrics = sink->options.metrics;
    env->health = sink->options.health;
    env->clock = sink->options.clock;
    env->log = sink->options.log;
    env->released = &sink->released;
    tg_sink_reload(sink, sink->options.sink);
    TG_TRY(tg_wake_open(&sink->released, err));
    env->control = tg_queue_new(CONTROL_CAPACITY, NULL);
    sink->writers = calloc((size_t)sink->options.sink->writers, sizeof(tg_writer_t *));
    if (env->control == NULL || sink->writers == NULL) {
        return tg_error_set(err, TG_ERR_NO_MEMORY, "no memory for sink %s",
                            sink->options.sink->name);
    }
    return tg_router_new(sink->options.sink, &env->router, err);
}

static tg_status_t
open_clients(tg_sink_t *sink, tg_error_t *err)
{
    const tg_config_t *config = sink->options.config;
    const tg_sink_config_t *sink_config = sink->options.sink;
    sink->properties = calloc(config->kafka.n_properties + 1, sizeof *sink->properties);
    if (sink->properties == NULL) {
        return tg_error_set(err, TG_ERR_NO_MEMORY, "no memory for sink %s", sink_config->name);
    }
    for (size_t i = 0; i < config->kafka.n_properties; i++) {
        sink->properties[i] = (tg_kafka_property_t){.name = config->kafka.properties[i].name,
                                                    .value = config->kafka.properties[i].value};
    }
    const tg_kafka_client_options_t client = {.bootstrap_servers = config->kafka.bootstrap_servers,
                                              .client_id = sink_config->group,
                                              .properties = sink->properties,
                                              .n_properties = config->kafka.n_properties,
                                              .log = sink->options.log};
    const tg_dead_letters_options_t letters = {.sink = sink_config,
                                               .client = client,
                                               .clock = sink->options.clock,
                                               .metrics = sink->options.metrics,
                                               .log = sink->options.log};
    TG_TRY(tg_dead_letters_open(&letters, &sink->env.dead_letters, err));
    const tg_consumer_options_t consumer = {.client = client,
                                            .group = sink_config->group,
                                            .instance_id = sink_config->instance_id,
                                            .session_timeout_ms = sink_config->session_timeout_ms,
                                            .queued_max_bytes = sink_config->memory.fetch_bytes,
                                            .topics = sink_config->topics.items,
                                            .n_topics = sink_config->topics.n_items,
                                            .events = {.on_assigned = tg_sink_on_assigned,
                                                       .on_revoked = tg_sink_on_revoked,
                                                       .on_error = tg_sink_on_error,
                                                       .arg = sink}};
    return tg_consumer_open(&consumer, &sink->env.consumer, err);
}

static tg_status_t
start_threads(tg_sink_t *sink, tg_error_t *err)
{
    for (int64_t i = 0; i < sink->options.sink->writers; i++) {
        TG_TRY(tg_writer_start(&sink->env, (int)i, &sink->writers[i], err));
        sink->n_writers++;
    }
    return tg_thread_start(&sink->thread, "poll", poll_main, sink, err);
}

tg_status_t
tg_sink_start(const tg_sink_options_t *options, tg_sink_t **ret_sink, tg_error_t *err)
{
    tg_sink_t *sink = calloc(1, sizeof *sink);
    if (sink == NULL) {
        return tg_error_set(err, TG_ERR_NO_MEMORY, "no memory for sink %s", options->sink->name);
    }
    sink->options = *options;
    sink->released.fd = -1;
    (void)pthread_mutex_init(&sink->lock, NULL);
    const char *name = options->sink->name;
    sink->assigned = TG_SERIES(options->metrics, TG_METRIC_SINK_REBALANCES_TOTAL, name, "assigned");
    sink->revoked = TG_SERIES(options->metrics, TG_METRIC_SINK_REBALANCES_TOTAL, name, "revoked");
    sink->lost = TG_SERIES(options->metrics, TG_METRIC_SINK_REBALANCES_TOTAL, name, "lost");
    sink->errors = TG_SERIES(options->metrics, TG_METRIC_KAFKA_ERRORS_TOTAL, name);
    char part[256];
    (void)snprintf(part, sizeof part, "sink %s", name);
    sink->health = tg_health_add(options->health, part);
    sink->unwell_ms = tg_clock_now_ms(options->clock);
    tg_health_expect_beat(sink->health, BEAT_LIMIT_MS);
    tg_status_t status = fill_env(sink, err);
    if (status == TG_OK) {
        status = open_clients(sink, err);
    }
    sink->is_open = status == TG_OK;
    if (status == TG_OK) {
        status = start_threads(sink, err);
    }
    if (status != TG_OK) {
        for (size_t i = 0; i < sink->n_writers; i++) {
            tg_writer_stop(sink->writers[i]);
        }
        if (sink->env.consumer != NULL) {
            tg_consumer_close(sink->env.consumer);
        }
        sink_free(sink);
        return tg_error_wrap(err, status, "starting sink %s", name);
    }
    *ret_sink = sink;
    return TG_OK;
}

void
tg_sink_stop(tg_sink_t *sink)
{
    atomic_store(&sink->stopping, true);
    /* It may be leaving already: the consumer is there as long as is_open says so. */
    (void)pthread_mutex_lock(&sink->lock);
    if (sink->is_open) {
        tg_consumer_interrupt(sink->env.consumer);
    }
    (void)pthread_mutex_unlock(&sink->lock);
}

void
tg_sink_join(tg_sink_t *sink)
{
    if (sink != NULL) {
        tg_thread_join(&sink->thread);
        sink_free(sink);
    }
}

void
tg_sink_reload(tg_sink_t *sink, const tg_sink_config_t *config)
{
    atomic_store(&sink->env.max_rows, config->batch.max_rows);
    atomic_store(&sink->env.max_bytes, config->batch.max_bytes);
    atomic_store(&sink->env.linger_ms, config->batch.linger_ms);
}

static void
refresh_lane(tg_sink_t *sink, tg_lane_t *lane)
{
    const tg_partition_t partition = {
        .topic = lane->topic, .partition = lane->partition, .offset = -1};
    int64_t end = sink->is_open ? tg_consumer_cached_end(sink->env.consumer, &partition) : -1;
    int64_t written = atomic_load(&lane->written_offset);
    if (end < 0 || written < 0) {
        return;
    }
    int64_t lag = end > written ? end - written : 0;
    int64_t now_unix_ms = tg_clock_now_unix_ms(sink->options.clock);
    if (lag == 0) {
        lane->lagging_offset = -1;
    } else if (written != lane->lagging_offset) {
        lane->lagging_offset = written;
        lane->lagging_unix_ms = now_unix_ms;
    }
    /* Of what is not read yet nobody knows the age: at least as long as we have seen it wait. */
    int64_t since_ms = atomic_load(&lane->pending_unix_ms);
    if (since_ms == INT64_MAX) {
        since_ms = lane->lagging_unix_ms;
    }
    int64_t age_ms = lag > 0 ? now_unix_ms - since_ms : 0;
    tg_series_set(lane->lag_records, (double)lag);
    tg_series_set(lane->lag_seconds, age_ms > 0 ? (double)age_ms / 1e3 : 0);
}

void
tg_sink_refresh_metrics(tg_sink_t *sink)
{
    (void)pthread_mutex_lock(&sink->lock);
    for (size_t i = 0; i < sink->n_lanes; i++) {
        refresh_lane(sink, sink->lanes[i]);
    }
    (void)pthread_mutex_unlock(&sink->lock);
}
