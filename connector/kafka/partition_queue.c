#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "consumer_internal.h"
#include "kafka/consumer.h"
#include "message_internal.h"

#define CHUNK 256

struct tg_partition_queue {
    tg_consumer_t *consumer;
    tg_fetcher_t *fetcher;
    tg_wake_t *wake; /* may be NULL */
    rd_kafka_queue_t *handle;
    char *topic;
    int32_t partition;
    /* Raised by the poll thread at each stop; what the owner got under an older one is dropped. */
    _Atomic uint32_t generation;
    /* --- the owner's --- */
    uint32_t seen_generation;
    /* Taken from librdkafka behind an error that had to be reported first. */
    rd_kafka_message_t *held[CHUNK];
    size_t held_from;
    size_t held_to;
    /* An error after which librdkafka would go on with a gap, or not at all: kept until the next
     * start. */
    tg_error_t broken;
    /* Taken out since the fetcher was told last. */
    size_t n_drained;
    size_t drained_bytes;
};

/* --- opening and closing --- */

/* Under assignment.mutex. */
static tg_status_t
enlist(tg_consumer_t *consumer, tg_partition_queue_t *queue, tg_error_t *err)
{
    tg_assigned_t *entry =
        tg_assignment_find(&consumer->assignment, queue->topic, queue->partition);
    if (entry == NULL) {
        return tg_error_set(err, TG_ERR_FENCED, "%s[%d] is not assigned to this member",
                            queue->topic, queue->partition);
    }
    if (entry->queue != NULL) {
        return tg_error_set(err, TG_ERR_INTERNAL, "the queue of %s[%d] is open already",
                            queue->topic, queue->partition);
    }
    queue->fetcher = tg_consumer_fetcher(consumer, err);
    if (queue->fetcher == NULL) {
        return err != NULL ? err->status : TG_ERR_UNAVAILABLE;
    }
    queue->handle = rd_kafka_queue_new(tg_fetcher_handle(queue->fetcher));
    entry->queue = queue;
    return TG_OK;
}

tg_status_t
tg_partition_queue_open(tg_consumer_t *consumer, const tg_partition_t *partition, tg_wake_t *wake,
                        tg_partition_queue_t **ret_queue, tg_error_t *err)
{
    tg_error_t local;
    err = err != NULL ? err : &local;
    tg_partition_queue_t *queue = calloc(1, sizeof *queue);
    char *topic = strdup(partition->topic);
    if (queue == NULL || topic == NULL) {
        free(queue);
        free(topic);
        return tg_error_set(err, TG_ERR_NO_MEMORY, "no memory for the queue of %s[%d]",
                            partition->topic, partition->partition);
    }
    queue->consumer = consumer;
    queue->wake = wake;
    queue->topic = topic;
    queue->partition = partition->partition;

    (void)pthread_mutex_lock(&consumer->assignment.mutex);
    tg_status_t status = enlist(consumer, queue, err);
    (void)pthread_mutex_unlock(&consumer->assignment.mutex);
    if (status != TG_OK) {
        free(queue->topic);
        free(queue);
        return status;
    }
    if (wake != NULL) {
        const uint64_t one = 1; /* what an eventfd wants to be written */
        rd_kafka_queue_io_event_enable(queue->handle, wake->fd, &one, sizeof one);
    }
    *ret_queue = queue;
    return TG_OK;
}

static void
drop_held(tg_partition_queue_t *queue)
{
    while (queue->held_from < queue->held_to) {
        rd_kafka_message_destroy(queue->held[queue->held_from++]);
    }
    queue->held_from = queue->held_to = 0;
}

void
tg_partition_queue_close(tg_partition_queue_t *queue)
{
    if (queue == NULL) {
        return;
    }
    tg_assignment_t *assignment = &queue->consumer->assignment;
    (void)pthread_mutex_lock(&assignment->mutex);
    tg_assigned_t *entry = tg_assignment_find(assignment, queue->topic, queue->partition);
    if (entry != NULL && entry->queue == queue) {
        entry->queue = NULL;
    }
    (void)pthread_mutex_unlock(&assignment->mutex);

    rd_kafka_queue_io_event_enable(queue->handle, -1, NULL, 0);
    drop_held(queue);
    /* What still comes in, until the poll thread stops the fetch, is destroyed by librdkafka. */
    rd_kafka_queue_destroy(queue->handle);
    free(queue->topic);
    free(queue);
}

rd_kafka_queue_t *
tg_partition_queue_handle(tg_partition_queue_t *queue)
{
    return queue->handle;
}

/* Outdated records never come out of librdkafka's queue, but errors carry no version. */
void
tg_partition_queue_forget(tg_partition_queue_t *queue)
{
    rd_kafka_message_t *chunk[CHUNK];
    ssize_t n = 0;
    while ((n = rd_kafka_consume_batch_queue(queue->handle, 0, chunk, CHUNK)) > 0) {
        for (ssize_t i = 0; i < n; i++) {
            rd_kafka_message_destroy(chunk[i]);
        }
    }
    atomic_fetch_add(&queue->generation, 1);
}

/* --- consuming --- */

/* After these, librdkafka goes on behind the records that it could not read. */
static bool
leaves_gap(rd_kafka_resp_err_t code)
{
    return code == RD_KAFKA_RESP_ERR__BAD_MSG || code == RD_KAFKA_RESP_ERR__BAD_COMPRESSION ||
           code == RD_KAFKA_RESP_ERR__NOT_IMPLEMENTED || code == RD_KAFKA_RESP_ERR__UNDERFLOW;
}

static tg_status_t
report(tg_partition_queue_t *queue, const rd_kafka_message_t *message, tg_error_t *err)
{
    const char *reason = rd_kafka_message_errstr(message);
    tg_error_t error;
    if (leaves_gap(message->err)) {
        (void)tg_error_set(&error, TG_ERR_LOST,
                           "cannot read %s[%d] at offset %" PRId64 ": %s; it is fetched again",
                           queue->topic, queue->partition, message->offset, reason);
        queue->broken = error;
    } else if (tg_kafka_status(message->err) == TG_ERR_MISSING_OFFSETS) {
        (void)tg_error_set(&error, TG_ERR_MISSING_OFFSETS,
                           "Kafka has no offset %" PRId64 " in %s[%d]: %s", message->offset,
                           queue->topic, queue->partition, reason);
        queue->broken = error;
    } else {
        char what[320];
        (void)snprintf(what, sizeof what, "fetching %s[%d]", queue->topic, queue->partition);
        (void)tg_kafka_error_set(&error, message->err, what, reason);
        if (tg_status_reaction(error.status) != TG_REACTION_RETRY) {
            error.status = TG_ERR_UNAVAILABLE;
        }
    }
    return tg_error_set(err, error.status, "%s", error.text);
}

static void
move(rd_kafka_message_t **to, rd_kafka_message_t *const *from, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        to[i] = from[i];
    }
}

/* Moves messages into views until one is an error; what follows it is kept. Returns its status. */
static tg_status_t
take(tg_partition_queue_t *queue, rd_kafka_message_t **chunk, size_t n_chunk,
     tg_message_t *messages, size_t *n_taken, tg_error_t *err)
{
    for (size_t i = 0; i < n_chunk; i++) {
        if (chunk[i]->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
            tg_message_view(chunk[i], &messages[(*n_taken)++]);
            continue;
        }
        if (chunk[i]->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
            rd_kafka_message_destroy(chunk[i]);
            continue;
        }
        if (*n_taken > 0) {
            /* The error comes first next time. */
            move(queue->held, chunk + i, n_chunk - i);
            queue->held_to = n_chunk - i;
            return TG_OK;
        }
        tg_status_t status = report(queue, chunk[i], err);
        rd_kafka_message_destroy(chunk[i]);
        move(queue->held, chunk + i + 1, n_chunk - i - 1);
        queue->held_to = n_chunk - i - 1;
        return status;
    }
    return TG_OK;
}

/* What an earlier error left behind. */
static tg_status_t
take_held(tg_partition_queue_t *queue, tg_message_t *messages, size_t max_messages, size_t *n_taken,
          tg_error_t *err)
{
    rd_kafka_message_t *chunk[CHUNK];
    size_t n = queue->held_to - queue->held_from;
    size_t n_now = n < max_messages ? n : max_messages;
    move(chunk, queue->held + queue->held_from, n);
    queue->held_from = queue->held_to = 0;
    tg_status_t status = take(queue, chunk, n_now, messages, n_taken, err);
    move(queue->held + queue->held_to, chunk + n_now, n - n_now);
    queue->held_to += n - n_now;
    return status;
}

/* The poll thread has stopped the fetch since: messages of before are not given out any more. */
static bool
is_outdated(tg_partition_queue_t *queue)
{
    uint32_t generation = atomic_load(&queue->generation);
    if (generation == queue->seen_generation) {
        return false;
    }
    queue->seen_generation = generation;
    queue->broken.status = TG_OK;
    drop_held(queue);
    return true;
}

/* If the fetcher sleeps because the queue was full, there is room by now. */
static void
count_drained(tg_partition_queue_t *queue, const tg_message_t *messages, size_t n)
{
    queue->n_drained += n;
    for (size_t i = 0; i < n; i++) {
        queue->drained_bytes += messages[i].value.n_bytes;
    }
    if (tg_fetcher_has_room(queue->fetcher, queue->n_drained, queue->drained_bytes)) {
        queue->n_drained = 0;
        queue->drained_bytes = 0;
        tg_fetcher_nudge(queue->fetcher, queue->topic, queue->partition);
    }
}

static tg_status_t
fill(tg_partition_queue_t *queue, tg_message_t *messages, size_t max_messages, size_t *n_taken,
     tg_error_t *err)
{
    rd_kafka_message_t *chunk[CHUNK];
    while (*n_taken < max_messages && queue->held_to == 0) {
        size_t room = max_messages - *n_taken;
        size_t n_wanted = room < CHUNK ? room : CHUNK;
        ssize_t n = rd_kafka_consume_batch_queue(queue->handle, 0, chunk, n_wanted);
        if (n <= 0) {
            break;
        }
        TG_TRY(take(queue, chunk, (size_t)n, messages, n_taken, err));
        if ((size_t)n < n_wanted) {
            break;
        }
    }
    return TG_OK;
}

tg_status_t
tg_partition_queue_consume(tg_partition_queue_t *queue, tg_message_t *messages, size_t max_messages,
                           size_t *ret_n, tg_error_t *err)
{
    (void)is_outdated(queue);
    if (queue->broken.status != TG_OK) {
        return tg_error_set(err, queue->broken.status, "%s", queue->broken.text);
    }
    size_t n_taken = 0;
    tg_status_t status = TG_OK;
    if (queue->held_to > queue->held_from) {
        status = take_held(queue, messages, max_messages, &n_taken, err);
    }
    if (status == TG_OK) {
        status = fill(queue, messages, max_messages, &n_taken, err);
    }
    if (is_outdated(queue)) {
        tg_messages_release(messages, n_taken);
        n_taken = 0;
        status = TG_OK;
    }
    count_drained(queue, messages, n_taken);
    if (queue->held_to > 0 && queue->wake != NULL) {
        tg_wake_signal(queue->wake); /* librdkafka does not know of these */
    }
    if (status == TG_OK) {
        *ret_n = n_taken;
    }
    return status;
}
