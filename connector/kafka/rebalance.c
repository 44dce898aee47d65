/* From what the group says to what is fetched, and by whom. */
#include <stdlib.h>

#include "consumer_internal.h"

/* A fetcher's sizes hold for at least so many partitions, and for half as many again as came
 * first. */
#define EXPECTED_MIN 8

/* --- the fetcher --- */

tg_fetcher_t *
tg_consumer_fetcher(tg_consumer_t *consumer, tg_error_t *err)
{
    if (consumer->fetcher == NULL) {
        size_t n = consumer->assignment.n_entries;
        consumer->n_expected = n + n / 2 > EXPECTED_MIN ? n + n / 2 : EXPECTED_MIN;
        if (tg_fetcher_open(consumer->fetcher_conf, consumer->queued_max_bytes,
                            consumer->n_expected, &consumer->fetcher, err) != TG_OK) {
            return NULL;
        }
    }
    return consumer->fetcher;
}

/* Connects while the lanes are being claimed. */
static void
prepare_fetcher(tg_consumer_t *consumer)
{
    tg_error_t err = {.status = TG_OK};
    (void)pthread_mutex_lock(&consumer->assignment.mutex);
    tg_fetcher_t *fetcher = tg_consumer_fetcher(consumer, &err);
    (void)pthread_mutex_unlock(&consumer->assignment.mutex);
    if (fetcher == NULL) {
        consumer->on.on_error(consumer->on.arg, &err);
        return;
    }
    if (consumer->assignment.n_entries > consumer->n_expected) {
        TG_LOG_WARNING(consumer->log,
                       "more partitions than the prefetch memory was divided for; restart to "
                       "divide it anew",
                       TG_I("partitions", consumer->assignment.n_entries),
                       TG_I("divided_for", consumer->n_expected));
    }
    for (size_t i = 0; i < consumer->assignment.n_entries; i++) {
        tg_fetcher_announce(fetcher, consumer->assignment.entries[i].topic);
    }
}

static void
stop_fetching(tg_consumer_t *consumer, tg_assigned_t *entry)
{
    if (entry->started == NULL) {
        return;
    }
    tg_fetcher_stop(consumer->fetcher, entry->started, entry->partition);
    entry->started = NULL;
    (void)pthread_mutex_lock(&consumer->assignment.mutex);
    if (entry->queue != NULL) {
        tg_partition_queue_forget(entry->queue);
    }
    (void)pthread_mutex_unlock(&consumer->assignment.mutex);
}

tg_status_t
tg_consumer_start_partition(tg_consumer_t *consumer, const tg_partition_t *partition,
                            tg_error_t *err)
{
    tg_assigned_t *entry =
        tg_assignment_find(&consumer->assignment, partition->topic, partition->partition);
    if (entry == NULL) {
        return tg_error_set(err, TG_ERR_FENCED, "%s[%d] is not assigned to this member",
                            partition->topic, partition->partition);
    }
    stop_fetching(consumer, entry);
    (void)pthread_mutex_lock(&consumer->assignment.mutex);
    tg_status_t status =
        entry->queue == NULL
            ? tg_error_set(err, TG_ERR_INTERNAL, "no queue is open for %s[%d]", partition->topic,
                           partition->partition)
            : tg_fetcher_start(consumer->fetcher, partition,
                               tg_partition_queue_handle(entry->queue), &entry->started, err);
    (void)pthread_mutex_unlock(&consumer->assignment.mutex);
    return status;
}

tg_status_t
tg_consumer_stop_partition(tg_consumer_t *consumer, const tg_partition_t *partition,
                           tg_error_t *err)
{
    tg_assigned_t *entry =
        tg_assignment_find(&consumer->assignment, partition->topic, partition->partition);
    if (entry == NULL) {
        return tg_error_set(err, TG_ERR_FENCED, "%s[%d] is not assigned to this member",
                            partition->topic, partition->partition);
    }
    stop_fetching(consumer, entry);
    return TG_OK;
}

/* --- rebalances --- */

/* The member never fetches, so it always assigns and unassigns nothing; that tells the group code
 * of librdkafka that we are done. What we own in the eyes of the group it knows by itself. */
static void
acknowledge(tg_consumer_t *consumer, bool assigned)
{
    rd_kafka_topic_partition_list_t *none = rd_kafka_topic_partition_list_new(1);
    rd_kafka_error_t *error = assigned ? rd_kafka_incremental_assign(consumer->member, none)
                                       : rd_kafka_incremental_unassign(consumer->member, none);
    rd_kafka_topic_partition_list_destroy(none);
    if (error != NULL) {
        TG_LOG_WARNING(consumer->log, "rebalance not acknowledged",
                       TG_S("error", rd_kafka_error_string(error)));
        rd_kafka_error_destroy(error);
        (void)rd_kafka_assign(consumer->member, NULL);
    }
}

/* Views into list; NULL: no memory. */
static tg_partition_t *
views_of(const rd_kafka_topic_partition_list_t *list)
{
    tg_partition_t *partitions = calloc((size_t)list->cnt + 1, sizeof *partitions);
    for (int i = 0; partitions != NULL && i < list->cnt; i++) {
        partitions[i] = (tg_partition_t){
            .topic = list->elems[i].topic, .partition = list->elems[i].partition, .offset = -1};
    }
    return partitions;
}

static void
take_over(tg_consumer_t *consumer, const tg_partition_t *partitions, size_t n_partitions)
{
    tg_error_t err = {.status = TG_OK};
    for (size_t i = 0; i < n_partitions; i++) {
        if (tg_assignment_add(&consumer->assignment, partitions[i].topic, partitions[i].partition,
                              &err) != TG_OK) {
            consumer->on.on_error(consumer->on.arg, &err);
            return;
        }
    }
    if (n_partitions > 0) {
        prepare_fetcher(consumer);
    }
    /* One that has joined and got nothing hears of it too: that is no fault. */
    if (n_partitions > 0 || consumer->assignment.n_entries == 0) {
        consumer->on.on_assigned(consumer->on.arg, partitions, n_partitions);
    }
}

void
tg_rebalance_assigned(tg_consumer_t *consumer, const rd_kafka_topic_partition_list_t *list)
{
    acknowledge(consumer, true);
    consumer->was_assigned = true;
    if (consumer->closing) {
        return;
    }
    tg_partition_t *partitions = views_of(list);
    if (partitions == NULL) {
        const tg_error_t err = {.status = TG_ERR_NO_MEMORY, .text = "no memory for a rebalance"};
        consumer->on.on_error(consumer->on.arg, &err);
        return;
    }
    take_over(consumer, partitions, (size_t)list->cnt);
    free(partitions);
}

/* Moves what we have taken over to the front; the rest came while closing. */
static size_t
keep_ours(tg_consumer_t *consumer, tg_partition_t *partitions, size_t n_partitions)
{
    size_t n_ours = 0;
    for (size_t i = 0; i < n_partitions; i++) {
        if (tg_assignment_find(&consumer->assignment, partitions[i].topic,
                               partitions[i].partition) != NULL) {
            partitions[n_ours++] = partitions[i];
        }
    }
    return n_ours;
}

static void
let_go(tg_consumer_t *consumer, const tg_partition_t *partitions, size_t n_partitions, bool lost)
{
    if (n_partitions > 0) {
        consumer->on.on_revoked(consumer->on.arg, partitions, n_partitions, lost);
    }
    for (size_t i = 0; i < n_partitions; i++) {
        tg_assigned_t *entry =
            tg_assignment_find(&consumer->assignment, partitions[i].topic, partitions[i].partition);
        if (entry != NULL) {
            stop_fetching(consumer, entry);
            tg_assignment_remove(&consumer->assignment, partitions[i].topic,
                                 partitions[i].partition);
        }
    }
}

void
tg_rebalance_revoked(tg_consumer_t *consumer, const rd_kafka_topic_partition_list_t *list)
{
    bool lost = rd_kafka_assignment_lost(consumer->member) != 0;
    tg_partition_t *partitions = views_of(list);
    if (partitions == NULL) {
        const tg_error_t err = {.status = TG_ERR_NO_MEMORY, .text = "no memory for a rebalance"};
        consumer->on.on_error(consumer->on.arg, &err);
    } else {
        let_go(consumer, partitions, keep_ours(consumer, partitions, (size_t)list->cnt), lost);
        free(partitions);
    }
    acknowledge(consumer, false);
}

void
tg_rebalance_let_go_of_all(tg_consumer_t *consumer)
{
    size_t n = consumer->assignment.n_entries;
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)n);
    for (size_t i = 0; i < n; i++) {
        rd_kafka_topic_partition_list_add(list, consumer->assignment.entries[i].topic,
                                          consumer->assignment.entries[i].partition);
    }
    tg_partition_t *partitions = views_of(list);
    if (partitions != NULL) {
        let_go(consumer, partitions, n, true);
        free(partitions);
    }
    rd_kafka_topic_partition_list_destroy(list);
}
