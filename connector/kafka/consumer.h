/*
 * The consumer group member: who owns which partition, and the queue of each.
 *
 * Flow:      broker -> [consumer] -> partition queue -> lane; [consumer] -> rebalance events ->
 * supervisor Promise:   auto.offset.reset = error always; auto commit off; cooperative-sticky; the
 * start offset of a partition is given to incremental_assign, never by a later seek; a partition's
 * queue is taken and its forwarding stopped before incremental_assign; pause is never used
 * (design.md section 3) Protocol:  on_assigned tells which partitions are ours now; none is fetched
 * yet. The supervisor claims each and calls _start_partition(offset). on_revoked: the supervisor
 * lets go of the lanes before it returns; what was started is unassigned afterwards. lost: the
 * group has given them away already. Threads:   _poll, _start_partition, _stop_partition,
 * _commit_async: the poll thread only. _commit_sync, _watermarks, _cluster_id, partition queues:
 * any thread (a queue has one owner).
 */
#ifndef TG_KAFKA_CONSUMER_H
#define TG_KAFKA_CONSUMER_H

#include <stdbool.h>

#include "base/log.h"
#include "base/wake.h"
#include "kafka/client.h"
#include "kafka/message.h"

typedef struct tg_partition {
    const char *topic; /* borrowed for the call */
    int32_t partition;
    int64_t offset; /* next_offset, where the call has one; else -1 */
} tg_partition_t;

typedef struct tg_consumer_events {
    void (*on_assigned)(void *arg, const tg_partition_t *partitions, size_t n_partitions);
    void (*on_revoked)(void *arg, const tg_partition_t *partitions, size_t n_partitions, bool lost);
    /* An error of the consumer as a whole (authentication, unknown topic, fatal); text is complete.
     */
    void (*on_error)(void *arg, const tg_error_t *error);
    void *arg;
} tg_consumer_events_t;

typedef struct tg_consumer_options {
    tg_kafka_client_options_t client;
    const char *group;       /* "connect-<sink name>" */
    const char *instance_id; /* NULL: dynamic membership */
    int64_t session_timeout_ms;
    int64_t queued_max_bytes;  /* ceiling on prefetched messages, all partitions
                                  (queued.max.messages.kbytes is  per consumer with split queues
                                  counted per partition: see consumer.c) */
    const char *const *topics; /* exact names, or regular expressions that begin with '^' */
    size_t n_topics;
    tg_consumer_events_t events;
} tg_consumer_options_t;

typedef struct tg_consumer tg_consumer_t;

/* Checks the properties, creates the client, subscribes. Does not wait for a broker. */
tg_status_t tg_consumer_open(const tg_consumer_options_t *options, tg_consumer_t **ret_consumer,
                             tg_error_t *err) TG_MUST_CHECK;

/* Leaves the group (unless static membership) and frees; on_revoked is called for what is still
 * ours. All partition queues must be closed before or in on_revoked. Bounded: at most a few
 * seconds. */
void tg_consumer_close(tg_consumer_t *consumer);

/* Serves rebalances and errors for at most timeout_ms; returns early when wake (given to _set_wake)
 * rings. */
void tg_consumer_poll(tg_consumer_t *consumer, int64_t timeout_ms);

/* Begins fetching at offset. The partition must have been assigned. */
tg_status_t tg_consumer_start_partition(tg_consumer_t *consumer, const tg_partition_t *partition,
                                        tg_error_t *err) TG_MUST_CHECK;

/* Ends fetching and drops what was prefetched; may be started again at another offset (a rewind).
 */
tg_status_t tg_consumer_stop_partition(tg_consumer_t *consumer, const tg_partition_t *partition,
                                       tg_error_t *err) TG_MUST_CHECK;

/* Commits offsets as a hint, without waiting. */
void tg_consumer_commit_async(tg_consumer_t *consumer, const tg_partition_t *partitions,
                              size_t n_partitions);

/* Commits under the current generation and waits. TG_ERR_FENCED: the group says that a partition is
 * not ours (ILLEGAL_GENERATION, UNKNOWN_MEMBER_ID, FENCED_INSTANCE_ID); TG_ERR_UNAVAILABLE,
 * TG_ERR_TIMEOUT: try again. */
tg_status_t tg_consumer_commit_sync(tg_consumer_t *consumer, const tg_partition_t *partitions,
                                    size_t n_partitions, tg_error_t *err) TG_MUST_CHECK;

/* The group's committed offset, -1 when there is none. */
tg_status_t tg_consumer_committed(tg_consumer_t *consumer, const tg_partition_t *partition,
                                  int64_t timeout_ms, int64_t *ret_offset,
                                  tg_error_t *err) TG_MUST_CHECK;

/* Asks the broker for the log's start and end (last stable offset). */
tg_status_t tg_consumer_watermarks(tg_consumer_t *consumer, const tg_partition_t *partition,
                                   int64_t timeout_ms, int64_t *ret_start, int64_t *ret_end,
                                   tg_error_t *err) TG_MUST_CHECK;

/* The end of the log as the last fetch or statistics saw it; -1: not known yet. No network. */
int64_t tg_consumer_cached_end(tg_consumer_t *consumer, const tg_partition_t *partition);

/* The cluster's id; waits for a broker at most timeout_ms. Borrowed for the consumer's life. */
tg_status_t tg_consumer_cluster_id(tg_consumer_t *consumer, int64_t timeout_ms, const char **ret_id,
                                   tg_error_t *err) TG_MUST_CHECK;

/* Rings _poll awake from another thread. */
void tg_consumer_interrupt(tg_consumer_t *consumer);

/* Reads exactly one record again, by a consumer of its own outside the group (for dead letters that
 * the database found). TG_ERR_NOT_FOUND: Kafka no longer has it. Release with tg_messages_release.
 * Any thread. */
tg_status_t tg_consumer_fetch_one(tg_consumer_t *consumer, const tg_partition_t *partition,
                                  int64_t timeout_ms, tg_message_t *ret_message,
                                  tg_error_t *err) TG_MUST_CHECK;

/* --- the queue of one partition --- */

typedef struct tg_partition_queue tg_partition_queue_t;

/* Takes the queue and stops its forwarding; wake rings when it stops being empty. Call before
 * _start_partition. wake is borrowed until _close. Any thread; afterwards one owner. */
tg_status_t tg_partition_queue_open(tg_consumer_t *consumer, const tg_partition_t *partition,
                                    tg_wake_t *wake, tg_partition_queue_t **ret_queue,
                                    tg_error_t *err) TG_MUST_CHECK;
void tg_partition_queue_close(tg_partition_queue_t *queue);

/* Takes up to max_messages without waiting. TG_OK with *ret_n = 0: empty. TG_ERR_MISSING_OFFSETS:
 * the broker has no such offset (messages taken before the error are still returned, the error
 * comes with the next call). Other partition errors are TG_ERR_UNAVAILABLE and passing. */
tg_status_t tg_partition_queue_consume(tg_partition_queue_t *queue, tg_message_t *messages,
                                       size_t max_messages, size_t *ret_n,
                                       tg_error_t *err) TG_MUST_CHECK;

#endif
