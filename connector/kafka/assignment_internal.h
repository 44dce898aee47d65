/*
 * What the group has given to this member, and where each partition's records go.
 *
 * Ownership: an entry owns its topic name and its topic handle; the queue is borrowed from the lane
 * Threads:   any, under the mutex; entries are added and removed by the poll thread only, so the
 *            poll thread may look at them without it
 */
#ifndef TG_KAFKA_ASSIGNMENT_INTERNAL_H
#define TG_KAFKA_ASSIGNMENT_INTERNAL_H

#include <pthread.h>

#include <librdkafka/rdkafka.h>

#include "kafka/consumer.h"

typedef struct tg_assigned {
    char *topic;
    int32_t partition;
    tg_partition_queue_t *queue; /* NULL: no lane has opened it */
    rd_kafka_topic_t *started;   /* of the fetcher; NULL: not being fetched */
} tg_assigned_t;

typedef struct tg_assignment {
    pthread_mutex_t mutex;
    tg_assigned_t *entries;
    size_t n_entries;
    size_t capacity;
} tg_assignment_t;

void tg_assignment_init(tg_assignment_t *assignment);
void tg_assignment_done(tg_assignment_t *assignment);

/* Adding what is there already does nothing. */
tg_status_t tg_assignment_add(tg_assignment_t *assignment, const char *topic, int32_t partition,
                              tg_error_t *err) TG_MUST_CHECK;
void tg_assignment_remove(tg_assignment_t *assignment, const char *topic, int32_t partition);

/* NULL: not ours. Under the mutex, or by the poll thread. */
tg_assigned_t *tg_assignment_find(tg_assignment_t *assignment, const char *topic,
                                  int32_t partition);

/* TG_ERR_FENCED names the first of these that is not ours. */
tg_status_t tg_assignment_holds(tg_assignment_t *assignment, const tg_partition_t *partitions,
                                size_t n_partitions, tg_error_t *err) TG_MUST_CHECK;

#endif
