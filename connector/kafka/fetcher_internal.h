/*
 * The handle that fetches records. It is no member of the group, so that no rebalance touches it.
 *
 * Flow:      poll thread: start at an offset, stop -> [fetcher] -> partition queue
 * Promise:   when _stop returns, nothing that was fetched before can come out of the queue
 * Threads:   _start, _stop, _poll: the poll thread; _nudge: any
 */
#ifndef TG_KAFKA_FETCHER_INTERNAL_H
#define TG_KAFKA_FETCHER_INTERNAL_H

#include <librdkafka/rdkafka.h>

#include "client_internal.h"
#include "kafka/consumer.h"

typedef struct tg_fetcher tg_fetcher_t;

/* Everything but the sizes, which wait until the number of partitions is known. */
tg_status_t tg_fetcher_conf_new(const tg_kafka_client_options_t *options, tg_kafka_link_t *link,
                                rd_kafka_conf_t **ret_conf, tg_error_t *err) TG_MUST_CHECK;

/* What n_expected partitions together may prefetch is bounded by queued_max_bytes. conf is
 * borrowed for the call. */
tg_status_t tg_fetcher_open(const rd_kafka_conf_t *conf, int64_t queued_max_bytes,
                            size_t n_expected, tg_fetcher_t **ret_fetcher,
                            tg_error_t *err) TG_MUST_CHECK;

/* Everything must be stopped, all queues closed, and all messages released. */
void tg_fetcher_close(tg_fetcher_t *fetcher);

/* Makes the topic known, so that its leaders are found before the first start. */
void tg_fetcher_announce(tg_fetcher_t *fetcher, const char *topic);

/* *ret_topic goes to _stop. */
tg_status_t tg_fetcher_start(tg_fetcher_t *fetcher, const tg_partition_t *partition,
                             rd_kafka_queue_t *queue, rd_kafka_topic_t **ret_topic,
                             tg_error_t *err) TG_MUST_CHECK;
void tg_fetcher_stop(tg_fetcher_t *fetcher, rd_kafka_topic_t *topic, int32_t partition);

/* Serves its errors, without waiting. */
void tg_fetcher_poll(tg_fetcher_t *fetcher);

/* Whether a queue that was full has room again after so much was taken out of it. */
bool tg_fetcher_has_room(const tg_fetcher_t *fetcher, size_t n_records, size_t n_bytes);

/* A queue has room: makes the fetcher look again. Before librdkafka 2.2 it sleeps up to a
 * second once every queue is full, and nothing but traffic with the broker wakes it. */
void tg_fetcher_nudge(tg_fetcher_t *fetcher, const char *topic, int32_t partition);

/* -1: not known yet. */
int64_t tg_fetcher_cached_end(tg_fetcher_t *fetcher, const char *topic, int32_t partition);

rd_kafka_t *tg_fetcher_handle(tg_fetcher_t *fetcher);

#endif
