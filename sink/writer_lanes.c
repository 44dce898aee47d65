/*
 * The lanes of a writer: how they come, change their state, get into trouble and out of it, and go.
 */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "writer_internal.h"

static tg_series_t *
state_series(const tg_writer_t *writer, const tg_lane_t *lane, tg_lane_state_t state)
{
    char partition[16];
    (void)snprintf(partition, sizeof partition, "%" PRId32, lane->partition);
    return TG_SERIES(writer->env->metrics, TG_METRIC_SINK_LANE_STATE, writer->env->sink->name,
                     lane->topic, partition, tg_lane_state_name(state));
}

void
tg_writer_lane_set_state(tg_writer_t *writer, tg_lane_t *lane, tg_lane_state_t state)
{
    tg_lane_state_t before = tg_lane_state(lane);
    if (before != state) {
        tg_series_set(state_series(writer, lane, before), 0);
        tg_series_set(state_series(writer, lane, state), 1);
        atomic_store(&lane->state, (int)state);
    }
}

/* A lane that is gone has no state and no place: counters stay, gauges would lie. */
static void
lane_series_retire(const tg_writer_t *writer, const tg_lane_t *lane)
{
    for (int state = TG_LANE_CLAIMING; state <= TG_LANE_RELEASED; state++) {
        tg_series_retire(state_series(writer, lane, (tg_lane_state_t)state));
    }
    tg_series_retire(lane->series.next_offset);
}

static void
lane_in_trouble(tg_writer_t *writer, tg_lane_t *lane, tg_retry_t *retry, const char *message,
                const tg_error_t *why)
{
    int64_t delay_ms = tg_retry_failed(retry, tg_clock_now_ms(writer->env->clock));
    if (tg_lane_state(lane) != TG_LANE_STOPPED) {
        tg_health_set(lane->health, TG_HEALTH_DEGRADED, why->text);
    }
    tg_series_add(TG_SERIES(writer->env->metrics, TG_METRIC_SINK_RETRIES_TOTAL,
                            writer->env->sink->name, tg_status_name(why->status)),
                  1);
    TG_LOG_WARNING(writer->env->log, message, TG_S("sink", writer->env->sink->name),
                   TG_S("topic", lane->topic), TG_I("partition", lane->partition),
                   TG_I("retry_ms", delay_ms), TG_S("error", why->text));
}

void
tg_writer_lane_failed(tg_writer_t *writer, tg_lane_t *lane, const tg_error_t *why)
{
    lane_in_trouble(writer, lane, &lane->retry, "lane backs off", why);
}

void
tg_writer_lane_refused(tg_writer_t *writer, tg_lane_t *lane, const tg_error_t *why)
{
    lane->blocked = true;
    tg_writer_lane_failed(writer, lane, why);
}

void
tg_writer_lane_cannot_decode(tg_writer_t *writer, tg_lane_t *lane, const tg_error_t *why)
{
    lane_in_trouble(writer, lane, &lane->decoding, "lane cannot decode its next record yet", why);
}

static void
lane_note_health(tg_lane_t *lane)
{
    if (!lane->blocked && lane->retry.n_failures == 0 && lane->decoding.n_failures == 0) {
        tg_health_set(lane->health, TG_HEALTH_UP, NULL);
    }
}

void
tg_writer_lane_holds(tg_lane_t *lane)
{
    if (lane->blocked) {
        lane->retry.next_ms = 0; /* it may try, and waits longer if that fails again */
    } else {
        tg_retry_reset(&lane->retry);
    }
    lane_note_health(lane);
}

void
tg_writer_lane_progressed(tg_lane_t *lane)
{
    lane->blocked = false;
    tg_retry_reset(&lane->retry);
    lane_note_health(lane);
}

void
tg_writer_lane_decodes(tg_lane_t *lane)
{
    if (lane->decoding.n_failures > 0) {
        tg_retry_reset(&lane->decoding);
        lane_note_health(lane);
    }
}

void
tg_writer_lane_rewind(tg_writer_t *writer, tg_lane_t *lane)
{
    assert(!lane->in_flight);
    tg_lane_drop_pending(lane);
    while (lane->first_sealed != NULL) {
        tg_writer_batch_free(writer, tg_lane_take_batch(lane));
    }
    if (lane->open != NULL) {
        tg_writer_batch_free(writer, lane->open);
        lane->open = NULL;
    }
    lane->position = -1;
    lane->must_start = true;
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
    lane->blocked = true;
    lane->recheck_ms = tg_clock_now_ms(writer->env->clock) + TG_STOPPED_RECHECK_MS;
    if (lane->first_sealed != NULL) {
        lane->first_sealed->n_attempts = 0; /* one more, see tg_writer_flush_is_owed */
    }
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

/* On another connection every lane must find out where it stands. */
void
tg_writer_claim_again(tg_writer_t *writer)
{
    for (size_t i = 0; i < writer->n_lanes; i++) {
        tg_lane_t *lane = writer->lanes[i];
        if (tg_lane_state(lane) == TG_LANE_RUNNING || tg_lane_state(lane) == TG_LANE_STARTING) {
            tg_writer_lane_set_state(writer, lane, TG_LANE_CLAIMING);
        }
    }
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
    tg_writer_claim_again(writer);
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

static bool
lanes_append(tg_writer_t *writer, tg_lane_t *lane)
{
    if (writer->n_lanes == writer->lanes_capacity) {
        size_t capacity = writer->lanes_capacity == 0 ? 16 : writer->lanes_capacity * 2;
        tg_lane_t **lanes = realloc((void *)writer->lanes, capacity * sizeof(tg_lane_t *));
        if (lanes == NULL) {
            return false;
        }
        writer->lanes = lanes;
        writer->lanes_capacity = capacity;
    }
    writer->lanes[writer->n_lanes++] = lane;
    return true;
}

void
tg_writer_lane_add(tg_writer_t *writer, tg_lane_t *lane)
{
    if (!lanes_append(writer, lane)) {
        TG_LOG_ERROR(writer->env->log, "partition cannot be taken, no memory",
                     TG_S("topic", lane->topic), TG_I("partition", lane->partition));
        atomic_store(&lane->released, true);
        tg_lane_unref(lane);
        return;
    }
    lane_series_open(writer, lane);
    tg_series_set(state_series(writer, lane, tg_lane_state(lane)), 1);
    char name[320];
    (void)snprintf(name, sizeof name, "sink %s lane %s[%" PRId32 "]", writer->env->sink->name,
                   lane->topic, lane->partition);
    lane->health = tg_health_add(writer->env->health, name);
}

/* Lets go of the lane: everything that is not written is somebody else's now. */
void
tg_writer_lane_release(tg_writer_t *writer, tg_lane_t *lane)
{
    tg_writer_lane_set_state(writer, lane, TG_LANE_RELEASED);
    tg_writer_lane_rewind(writer, lane);
    lane_series_retire(writer, lane);
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

void
tg_writer_lane_started(tg_writer_t *writer, tg_lane_t *lane, const tg_op_t *op)
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
    lane->must_start = false;
    lane->maybe_more = true;
    if (lane->missing_offset >= 0 && lane->missing_offset != op->offset) {
        lane->blocked = false; /* an operator has said where it shall go on */
        lane->missing_offset = -1;
    }
    tg_writer_lane_set_state(writer, lane, TG_LANE_RUNNING);
    tg_writer_lane_holds(lane);
}
