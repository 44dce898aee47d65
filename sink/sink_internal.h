/*
 * The sink's inside: for sink.c, and for tests that drive its poll thread by hand.
 */
#ifndef TG_SINK_SINK_INTERNAL_H
#define TG_SINK_SINK_INTERNAL_H

#include <pthread.h>

#include "base/thread.h"
#include "sink.h"
#include "writer.h"

struct tg_sink {
    tg_sink_options_t options;
    tg_writer_env_t env;
    char application_name[256];
    tg_kafka_property_t *properties;
    tg_wake_t released;
    tg_thread_t thread;
    size_t n_writers;
    tg_writer_t **writers;
    size_t n_lanes;
    size_t lanes_capacity;
    tg_lane_t **lanes; /* the poll thread changes it under lock, /metrics reads it under lock */
    pthread_mutex_t lock;
    bool is_open; /* the consumer may be asked by other threads; under lock */
    _Atomic bool stopping;
    int64_t hint_ms;
    int64_t n_hints;
    tg_health_part_t *health;
    bool is_well;      /* as health has it */
    bool is_broken;    /* a fatal error of the consumer */
    int64_t unwell_ms; /* the last error, or the start */
    tg_series_t *assigned, *revoked, *lost, *errors;
};

/* One turn of the poll thread: rebalances, starts, hints. */
void tg_sink_poll_once(tg_sink_t *sink, int64_t timeout_ms);

/* rebalance.c: events of the consumer, on the poll thread. */
void tg_sink_on_assigned(void *arg, const tg_partition_t *partitions, size_t n_partitions);
void tg_sink_on_revoked(void *arg, const tg_partition_t *partitions, size_t n_partitions,
                        bool lost);
void tg_sink_on_error(void *arg, const tg_error_t *error);

/* Hands lanes that have no writer yet to writers. */
void tg_sink_place_lanes(tg_sink_t *sink);
/* Well again when nothing was heard for a while. */
void tg_sink_note_calm(tg_sink_t *sink);
/* Commits what was written to Kafka, as a hint; wait: and waits for it. */
void tg_sink_hint(tg_sink_t *sink, bool only_revoked, bool wait);
void tg_sink_lanes_remove(tg_sink_t *sink, tg_lane_t *lane);

#endif
