/*
 * The consumer group member: who owns which partition, and the queue of each.
 *
 * Flow:      group -> [consumer] -> rebalance events -> supervisor
 *            broker -> [consumer] -> partition queue -> lane
 * Promise:   auto.offset.reset = error always; auto commit off; cooperative-sticky; the member
 *            never fetches: a second handle outside the group does, so that no rebalance disturbs
 *            a lane that stays (README.md)
 * Protocol:  on_assigned tells which partitions are ours now; none is fetched yet, for as long as
 *            the supervisor likes. It opens the queue of each and calls _start_partition(offset),
 *            again whenever a lane rewinds. on_revoked: the supervisor lets go of the lanes and
 *            closes their queues before it returns; commits are still good in there, unless lost:
 *            then the group has given them away already.
 * Memory:    what is prefetched stays below queued_max_bytes for up to one and a half times the
 *            partitions of the first assignment (at least 8); 32 MiB are enough for a million
 *            narrow records a second
 * Threads:   _poll, _start_partition, _stop_partition, _close: the poll thread only; all others,
 *            and partition queues: any thread (a queue has one owner)
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
    /* New partitions; n_partitions 0: joined, and there was none left for this member. */
    void (*on_assigned)(void *arg, const tg_partition_t *partitions, size_t n_partitions);
    void (*on_revoked)(void *arg, const tg_partition_t *partitions, size_t n_partitions, bool lost);
    /* An error of the consumer as a whole (authentication, unknown topic, no broker); its text is
     * complete. With a fatal reaction the consumer is to be closed; others pass by themselves. */
    void (*on_error)(void *arg, const tg_error_t *error);
    void *arg;
} tg_consumer_events_t;

typedef struct tg_consumer_options {
    tg_kafka_client_options_t client;
    const char *group;       /* "connect-<sink name>" */
    const char *instance_id; /* NULL: dynamic membership */
    int64_t session_timeout_ms;
    int64_t queued_max_bytes;  /* ceiling on prefetched records, all partitions together */
    const char *const *topics; /* exact names, or regular expressions that begin with '^' */
    size_t n_topics;
    tg_consumer_events_t events;
} tg_consumer_options_t;

typedef struct tg_consumer tg_consumer_t;

/* Checks the properties, creates the client, subscribes. Does not wait for a broker. */
tg_status_t tg_consumer_open(const tg_consumer_options_t *options, tg_consumer_t **ret_consumer,
                             tg_error_t *err) TG_MUST_CHECK;

/* Leaves the group (unless static membership) and frees; on_revoked is called for what is still
 * ours. All partition queues must be closed before or in on_revoked, and all messages released.
 * Bounded: usually 50 ms, at most about six seconds. */
void tg_consumer_close(tg_consumer_t *consumer);

/* Serves rebalances and errors; returns after the first ones, after timeout_ms, or when _interrupt
 * is called. */
void tg_consumer_poll(tg_consumer_t *consumer, int64_t timeout_ms);

/* Begins fetching at offset, and forgets what was fetched before: so it also rewinds.
 * TG_ERR_FENCED: not assigned. The queue must be open. Takes no round trip. */
tg_status_t tg_consumer_start_partition(tg_consumer_t *consumer, const tg_partition_t *partition,
                                        tg_error_t *err) TG_MUST_CHECK;

/* Ends fetching and drops what was prefetched: when it returns, the queue is empty and stays so. */
tg_status_t tg_consumer_stop_partition(tg_consumer_t *consumer, const tg_partition_t *partition,
                                       tg_error_t *err) TG_MUST_CHECK;

/* Commits offsets as a hint, without waiting. */
void tg_consumer_commit_async(tg_consumer_t *consumer, const tg_partition_t *partitions,
                              size_t n_partitions);

/* Commits under the current generation and waits, at most ten seconds. TG_ERR_FENCED: the group
 * says that a partition is not ours (ILLEGAL_GENERATION, UNKNOWN_MEMBER_ID, FENCED_INSTANCE_ID);
 * TG_ERR_UNAVAILABLE, TG_ERR_TIMEOUT: try again. */
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

/* The end of the log (high watermark) as the last fetch saw it; -1: not known yet. No network. */
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

/* Takes up to max_messages without waiting. *ret_n = 0: empty; wake rings only when it stops being
 * empty, so go on until then before you wait. An error comes alone, behind the messages before it.
 * TG_ERR_MISSING_OFFSETS: the broker has no such offset (ask _watermarks, and start again if it
 * has); TG_ERR_LOST: records arrived damaged. Both stay until the partition is started again.
 * Others have reaction retry and pass by themselves. */
tg_status_t tg_partition_queue_consume(tg_partition_queue_t *queue, tg_message_t *messages,
                                       size_t max_messages, size_t *ret_n,
                                       tg_error_t *err) TG_MUST_CHECK;

#endif
