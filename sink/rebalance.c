/*
 * Who owns which partition: assignments become lanes of writers, revocations give them back; hints
 * tell Kafka how far we are.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "sink_internal.h"

enum { CALM_MS = 30000, CLUSTER_ID_TIMEOUT_MS = 2000 };

/* --- lanes --- */

static tg_lane_t *
lane_find(const tg_sink_t *sink, const char *topic, int32_t partition)
{
    for (size_t i = 0; i < sink->n_lanes; i++) {
        if (sink->lanes[i]->partition == partition && strcmp(sink->lanes[i]->topic, topic) == 0) {
            return sink->lanes[i];
        }
    }
    return NULL;
}

/* The writer with the fewest lanes: partitions are spread evenly, and none is moved that is at
 * home. */
static int
choose_writer(const tg_sink_t *sink)
{
    size_t best = 0;
    size_t best_lanes = SIZE_MAX;
    for (size_t w = 0; w < sink->n_writers; w++) {
        size_t n = 0;
        for (size_t i = 0; i < sink->n_lanes; i++) {
            n += sink->lanes[i]->writer == (int)w ? 1 : 0;
        }
        if (n < best_lanes) {
            best = w;
            best_lanes = n;
        }
    }
    return (int)best;
}

static tg_status_t
lanes_append(tg_sink_t *sink, tg_lane_t *lane)
{
    (void)pthread_mutex_lock(&sink->lock);
    tg_status_t status = TG_OK;
    if (sink->n_lanes == sink->lanes_capacity) {
        size_t capacity = sink->lanes_capacity == 0 ? 16 : sink->lanes_capacity * 2;
        tg_lane_t **lanes = realloc((void *)sink->lanes, capacity * sizeof(tg_lane_t *));
        if (lanes != NULL) {
            sink->lanes = lanes;
            sink->lanes_capacity = capacity;
        } else {
            status = TG_ERR_NO_MEMORY;
        }
    }
    if (status == TG_OK) {
        sink->lanes[sink->n_lanes++] = lane;
    }
    (void)pthread_mutex_unlock(&sink->lock);
    return status;
}

void
tg_sink_lanes_remove(tg_sink_t *sink, tg_lane_t *lane)
{
    (void)pthread_mutex_lock(&sink->lock);
    for (size_t i = 0; i < sink->n_lanes; i++) {
        if (sink->lanes[i] == lane) {
            sink->lanes[i] = sink->lanes[--sink->n_lanes];
            break;
        }
    }
    (void)pthread_mutex_unlock(&sink->lock);
    tg_series_retire(lane->lag_records);
    tg_series_retire(lane->lag_seconds);
    tg_lane_unref(lane);
}

static void
open_lag_series(tg_sink_t *sink, tg_lane_t *lane)
{
    char partition[16];
    (void)snprintf(partition, sizeof partition, "%" PRId32, lane->partition);
    lane->lag_records = TG_SERIES(sink->options.metrics, TG_METRIC_SINK_LAG_RECORDS,
                                  sink->options.sink->name, lane->topic, partition);
    lane->lag_seconds = TG_SERIES(sink->options.metrics, TG_METRIC_SINK_LAG_SECONDS,
                                  sink->options.sink->name, lane->topic, partition);
}

/* Hands lanes to writers once the cluster is known: its id is part of the ledger's key. */
void
tg_sink_place_lanes(tg_sink_t *sink)
{
    bool any = false;
    for (size_t i = 0; i < sink->n_lanes; i++) {
        any = any || sink->lanes[i]->writer < 0;
    }
    if (!any) {
        return;
    }
    tg_error_t why;
    if (sink->env.cluster_id == NULL &&
        tg_consumer_cluster_id(sink->env.consumer, CLUSTER_ID_TIMEOUT_MS, &sink->env.cluster_id,
                               &why) != TG_OK) {
        TG_LOG_WARNING(sink->options.log, "cluster id not known yet", TG_S("error", why.text));
        return;
    }
    for (size_t i = 0; i < sink->n_lanes; i++) {
        tg_lane_t *lane = sink->lanes[i];
        if (lane->writer < 0) {
            int writer = choose_writer(sink);
            if (tg_writer_post(sink->writers[writer], TG_OP_ADD, tg_lane_ref(lane), -1, 0, false) ==
                TG_OK) {
                lane->writer = writer;
            }
        }
    }
}

/* --- rebalances --- */

static void
note_well(tg_sink_t *sink)
{
    if (!sink->is_broken) {
        sink->is_well = true;
        tg_health_set(sink->health, TG_HEALTH_UP, NULL);
    }
}

/* A consumer says that something is wrong, and never that it is over: no word for a while, and a
 * broker that has told who it is, are. A member that gets no partition is well too. */
void
tg_sink_note_calm(tg_sink_t *sink)
{
    int64_t now_ms = tg_clock_now_ms(sink->options.clock);
    const char *cluster_id = NULL;
    tg_error_t ignored;
    if (sink->is_well || now_ms - sink->unwell_ms < CALM_MS) {
        return;
    }
    sink->unwell_ms = now_ms; /* asks again later */
    if (tg_consumer_cluster_id(sink->env.consumer, 0, &cluster_id, &ignored) == TG_OK) {
        note_well(sink);
    }
}

void
tg_sink_on_assigned(void *arg, const tg_partition_t *partitions, size_t n_partitions)
{
    tg_sink_t *sink = arg;
    tg_series_add(sink->assigned, 1);
    for (size_t i = 0; i < n_partitions; i++) {
        tg_lane_t *lane = NULL;
        tg_error_t why = {.status = TG_OK};
        if (lane_find(sink, partitions[i].topic, partitions[i].partition) != NULL) {
            continue;
        }
        tg_status_t status = tg_lane_new(partitions[i].topic, partitions[i].partition, &lane, &why);
        if (status == TG_OK) {
            lane->writer = -1;
            open_lag_series(sink, lane);
            status = lanes_append(sink, lane);
        }
        if (status != TG_OK) {
            tg_lane_unref(lane);
            TG_LOG_ERROR(sink->options.log, "partition not taken",
                         TG_S("topic", partitions[i].topic),
                         TG_I("partition", partitions[i].partition), TG_S("error", why.text));
        }
    }
    if (n_partitions > 0 || !sink->is_well) {
        TG_LOG_INFO(sink->options.log, "partitions assigned",
                    TG_S("sink", sink->options.sink->name), TG_I("partitions", n_partitions));
    }
    note_well(sink);
    tg_sink_place_lanes(sink);
}

/* What was written, as a hint for lag tools; the ledger is the truth. */
static size_t
collect_hints(tg_sink_t *sink, tg_partition_t *partitions, bool only_revoked)
{
    size_t n = 0;
    for (size_t i = 0; i < sink->n_lanes; i++) {
        tg_lane_t *lane = sink->lanes[i];
        int64_t written = atomic_load(&lane->written_offset);
        if (written >= 0 && written != lane->hinted_offset && (!only_revoked || lane->revoked)) {
            partitions[n++] = (tg_partition_t){
                .topic = lane->topic, .partition = lane->partition, .offset = written};
            lane->hinted_offset = written;
        }
    }
    return n;
}

void
tg_sink_hint(tg_sink_t *sink, bool only_revoked, bool wait)
{
    if (sink->n_lanes == 0) {
        return;
    }
    tg_partition_t *partitions = calloc(sink->n_lanes, sizeof *partitions);
    size_t n = partitions != NULL ? collect_hints(sink, partitions, only_revoked) : 0;
    if (n > 0 && wait) {
        tg_error_t ignored;
        TG_IGNORE(
            tg_consumer_commit_sync(sink->env.consumer, partitions, n, &ignored)); /* only a hint */
    } else if (n > 0) {
        tg_consumer_commit_async(sink->env.consumer, partitions, n);
    }
    free(partitions);
}

static bool
all_released(const tg_sink_t *sink)
{
    for (size_t i = 0; i < sink->n_lanes; i++) {
        if (sink->lanes[i]->revoked && !atomic_load(&sink->lanes[i]->released)) {
            return false;
        }
    }
    return true;
}

/* Gives the writers a moment to finish what is in flight. After it the ledger's fence takes care of
 * what is not finished. */
static void
wait_released(tg_sink_t *sink)
{
    int64_t deadline_ms =
        tg_clock_now_ms(sink->options.clock) + sink->options.sink->revoke_timeout_ms;
    while (!all_released(sink)) {
        int64_t left_ms = deadline_ms - tg_clock_now_ms(sink->options.clock);
        if (left_ms <= 0) {
            TG_LOG_WARNING(sink->options.log,
                           "writers did not let go of revoked partitions in time",
                           TG_S("sink", sink->options.sink->name));
            return;
        }
        (void)tg_wake_wait(&sink->released, -1, 0, left_ms);
    }
}

static void
revoke_one(tg_sink_t *sink, tg_lane_t *lane)
{
    lane->revoked = true;
    if (lane->writer < 0 || tg_writer_post(sink->writers[lane->writer], TG_OP_REMOVE,
                                           tg_lane_ref(lane), -1, 0, false) != TG_OK) {
        atomic_store(&lane->released, true);
    }
}

void
tg_sink_on_revoked(void *arg, const tg_partition_t *partitions, size_t n_partitions, bool lost)
{
    tg_sink_t *sink = arg;
    tg_series_add(lost ? sink->lost : sink->revoked, 1);
    for (size_t i = 0; i < n_partitions; i++) {
        tg_lane_t *lane = lane_find(sink, partitions[i].topic, partitions[i].partition);
        if (lane != NULL) {
            revoke_one(sink, lane);
        }
    }
    wait_released(sink);
    if (!lost) {
        tg_sink_hint(sink, true, true);
    }
    for (size_t i = sink->n_lanes; i-- > 0;) {
        if (sink->lanes[i]->revoked) {
            tg_sink_lanes_remove(sink, sink->lanes[i]);
        }
    }
    TG_LOG_INFO(sink->options.log, lost ? "partitions lost" : "partitions revoked",
                TG_S("sink", sink->options.sink->name), TG_I("partitions", n_partitions));
}

void
tg_sink_on_error(void *arg, const tg_error_t *error)
{
    tg_sink_t *sink = arg;
    tg_series_add(sink->errors, 1);
    sink->is_well = false;
    sink->is_broken = sink->is_broken || tg_status_reaction(error->status) == TG_REACTION_FATAL;
    sink->unwell_ms = tg_clock_now_ms(sink->options.clock);
    tg_health_set(sink->health, sink->is_broken ? TG_HEALTH_DOWN : TG_HEALTH_DEGRADED, error->text);
    TG_LOG_WARNING(sink->options.log, "kafka consumer", TG_S("sink", sink->options.sink->name),
                   TG_S("error", error->text));
}
