/*
 * The parts of a consumer, for the files of this room that share it.
 *
 *   member   a group member that never fetches: rebalances, commits, lookups
 *   fetcher  a handle outside the group that fetches what the member was given
 *   reader   a handle that reads single records again
 */
#ifndef TG_KAFKA_CONSUMER_INTERNAL_H
#define TG_KAFKA_CONSUMER_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include <librdkafka/rdkafka.h>

#include "assignment_internal.h"
#include "client_internal.h"
#include "fetcher_internal.h"
#include "reader_internal.h"

struct tg_consumer {
    tg_kafka_link_t *member_link; /* outlives the consumer when the member does */
    tg_kafka_link_t fetcher_link;
    rd_kafka_t *member;
    rd_kafka_queue_t *events; /* of the member */
    tg_consumer_events_t on;
    tg_log_t *log;
    tg_assignment_t assignment;
    int64_t queued_max_bytes;
    rd_kafka_conf_t *fetcher_conf; /* without sizes */
    /* Made at the first assignment; assignment.mutex while it is made, constant afterwards. */
    tg_fetcher_t *fetcher;
    size_t n_expected; /* partitions that the fetcher's sizes are made for */
    tg_reader_t *reader;
    pthread_mutex_t cluster_id_mutex;
    char *cluster_id;   /* rd_kafka_mem_free */
    atomic_bool failed; /* a fatal error: the member is out of the group for good */
    bool is_static;     /* has an instance_id: does not leave the group when it closes */
    bool was_assigned;  /* poll thread: at least once, if only nothing */
    bool closing;       /* what is assigned now is not taken over any more */
    char last_trouble[TG_KAFKA_DETAIL_BYTES]; /* poll thread: why a broker cannot be reached */
};

/* A list with the offsets that the partitions carry. */
rd_kafka_topic_partition_list_t *tg_kafka_list_of(const tg_partition_t *partitions,
                                                  size_t n_partitions);

/* Called with assignment.mutex held; NULL with err filled when it cannot be made. */
tg_fetcher_t *tg_consumer_fetcher(tg_consumer_t *consumer, tg_error_t *err);

/* --- rebalance.c, for the poll thread --- */

void tg_rebalance_assigned(tg_consumer_t *consumer, const rd_kafka_topic_partition_list_t *list);
void tg_rebalance_revoked(tg_consumer_t *consumer, const rd_kafka_topic_partition_list_t *list);

/* When the group will not say it any more. */
void tg_rebalance_let_go_of_all(tg_consumer_t *consumer);

/* --- partition_queue.c, for the poll thread --- */

rd_kafka_queue_t *tg_partition_queue_handle(tg_partition_queue_t *queue);

/* After the fetch was stopped: what is inside belongs to the past. */
void tg_partition_queue_forget(tg_partition_queue_t *queue);

#endif
