/*
 * A producer for dead letters (and, later, the transactional one of the source).
 *
 * Flow:      lane -> [producer] -> dead-letter topic
 * Promise:   enable.idempotence, acks=all; every record that _send took gets exactly one
 *            on_delivered; the queue inside has a ceiling (TG_ERR_FULL is back-pressure); after a
 *            fatal error the client inside is replaced, and what it held is reported as failed
 * Threads:   _send, _create_topic: any; on_delivered runs on the producer's own thread
 */
#ifndef TG_KAFKA_PRODUCER_H
#define TG_KAFKA_PRODUCER_H

#include "kafka/client.h"
#include "kafka/message.h"

typedef struct tg_header {
    const char *name;
    tg_bytes_t value; /* data NULL: null value */
} tg_header_t;

typedef struct tg_outgoing {
    const char *topic;
    tg_bytes_t key;
    tg_bytes_t value;
    int64_t timestamp_unix_ms;      /* -1: now */
    const tg_message_t *headers_of; /* its headers come first, as they are; NULL: none */
    const tg_header_t *headers;     /* appended */
    size_t n_headers;
    void *ticket; /* given back in on_delivered */
} tg_outgoing_t;

typedef struct tg_producer tg_producer_t;

typedef struct tg_producer_options {
    tg_kafka_client_options_t client;
    int64_t queue_max_bytes;
    /* status TG_OK: acknowledged; TG_ERR_TOO_LARGE: the broker or the client refuses its size; else
     * it failed for good within delivery.timeout.ms and the sender decides. error is borrowed for
     * the call. */
    void (*on_delivered)(void *arg, void *ticket, const tg_error_t *error);
    void *arg;
} tg_producer_options_t;

tg_status_t tg_producer_open(const tg_producer_options_t *options, tg_producer_t **ret_producer,
                             tg_error_t *err) TG_MUST_CHECK;

/* Waits up to timeout_ms for what is under way, then gives up on it (on_delivered is still called).
 */
void tg_producer_close(tg_producer_t *producer, int64_t timeout_ms);

/* Copies everything it needs; never waits. TG_ERR_FULL: later. TG_ERR_TOO_LARGE: never. After an
 * error there is no on_delivered. */
tg_status_t tg_producer_send(tg_producer_t *producer, const tg_outgoing_t *record,
                             tg_error_t *err) TG_MUST_CHECK;

/* Creates the topic if it does not exist (idempotent). replication_factor -1: the broker's default.
 */
tg_status_t tg_producer_create_topic(tg_producer_t *producer, const char *topic,
                                     int32_t n_partitions, int32_t replication_factor,
                                     int64_t timeout_ms, tg_error_t *err) TG_MUST_CHECK;

#endif
