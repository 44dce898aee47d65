/*
 * Records that can never be written, kept byte for byte on the dead-letter topic with the reason in
 * headers.
 *
 * Flow:      lane (decode, map) or bisect (server) -> [dead letter] -> producer -> topic; the batch
 *            counts what is pending
 * Promise:   a batch is not flushed before every dead letter of its own is acknowledged; one that
 *            the broker finds too large is kept in tidegate.dead_letters, with a reference record
 *            on the topic
 * Source:    Kafka Connect's DeadLetterQueueReporter: key, value and headers as they were, and
 *            __connect.errors.* headers (contracts.md section 2); ours are
 *            __tidegate.errors.sqlstate, .table, .stored_id
 * Errors:    TG_ERR_FULL, TG_ERR_UNAVAILABLE (try again), TG_ERR_CANCELLED (tolerance is none: stop
 *            the lane)
 * Threads:   _send: writers; acknowledgements come on the producer's thread and only touch atomics
 *            of the batch
 */
#ifndef TG_SINK_DEAD_LETTER_H
#define TG_SINK_DEAD_LETTER_H

#include "base/clock.h"
#include "base/log.h"
#include "base/wake.h"
#include "batch.h"
#include "config/config.h"
#include "database/connection.h"
#include "kafka/producer.h"
#include "monitoring/metrics.h"

/* Connect's names, because the tools that read dead letters know them. */
typedef enum tg_stage {
    TG_STAGE_VALUE_CONVERTER, /* framing, schema, decode */
    TG_STAGE_TRANSFORMATION,  /* routing, mapping */
    TG_STAGE_TASK_PUT         /* the database */
} tg_stage_t;

typedef struct tg_dead_letters tg_dead_letters_t;

typedef struct tg_dead_letters_options {
    const tg_sink_config_t *sink;
    tg_kafka_client_options_t client;
    const tg_clock_t *clock;
    tg_metrics_t *metrics;
    tg_log_t *log;
} tg_dead_letters_options_t;

/* Without a dead-letter topic in the configuration it only counts and logs. */
tg_status_t tg_dead_letters_open(const tg_dead_letters_options_t *options,
                                 tg_dead_letters_t **ret_letters, tg_error_t *err) TG_MUST_CHECK;
void tg_dead_letters_close(tg_dead_letters_t *letters, int64_t timeout_ms);

/* Who is told when an acknowledgement arrives. */
typedef struct tg_dead_letter_origin {
    const char *topic;
    int32_t partition;
    int writer;        /* task id in the headers */
    const char *table; /* NULL: not known yet */
    tg_wake_t *wake;
} tg_dead_letter_origin_t;

/* Takes message (copied) for the reason given. TG_OK: it is under way and counted in batch, or
 * dropped and counted where no topic is configured. */
tg_status_t tg_dead_letters_send(tg_dead_letters_t *letters, const tg_dead_letter_origin_t *origin,
                                 const tg_message_t *message, tg_stage_t stage,
                                 const tg_error_t *reason, tg_batch_t *batch,
                                 tg_error_t *err) TG_MUST_CHECK;

/* Stores those that the broker refused for their size; call when the connection is idle. Any writer
 * may do it for all. */
tg_status_t tg_dead_letters_store_refused(tg_dead_letters_t *letters, const char *cluster_id,
                                          tg_connection_t *connection,
                                          tg_error_t *err) TG_MUST_CHECK;
bool tg_dead_letters_has_refused(tg_dead_letters_t *letters);

#endif
