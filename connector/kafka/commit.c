/* Committed offsets: a hint for lag tools, and the proof that a lane is still ours. */
#include "consumer_internal.h"

#define COMMIT_TIMEOUT_MS 10000

rd_kafka_topic_partition_list_t *
tg_kafka_list_of(const tg_partition_t *partitions, size_t n_partitions)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)n_partitions);
    for (size_t i = 0; i < n_partitions; i++) {
        rd_kafka_topic_partition_list_add(list, partitions[i].topic, partitions[i].partition)
            ->offset = partitions[i].offset;
    }
    return list;
}

void
tg_consumer_commit_async(tg_consumer_t *consumer, const tg_partition_t *partitions,
                         size_t n_partitions)
{
    if (n_partitions == 0) {
        return;
    }
    rd_kafka_topic_partition_list_t *list = tg_kafka_list_of(partitions, n_partitions);
    rd_kafka_resp_err_t code = rd_kafka_commit(consumer->member, list, 1);
    rd_kafka_topic_partition_list_destroy(list);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
        TG_LOG_DEBUG(consumer->log, "offsets not committed", TG_S("error", rd_kafka_err2str(code)));
    }
}

/* The worst of the answers: fenced before anything that passes. */
static rd_kafka_resp_err_t
worst_of(rd_kafka_event_t *event)
{
    rd_kafka_resp_err_t worst = rd_kafka_event_error(event);
    const rd_kafka_topic_partition_list_t *list = rd_kafka_event_topic_partition_list(event);
    for (int i = 0; list != NULL && i < list->cnt; i++) {
        rd_kafka_resp_err_t code = list->elems[i].err;
        if (code != RD_KAFKA_RESP_ERR_NO_ERROR &&
            (worst == RD_KAFKA_RESP_ERR_NO_ERROR || tg_kafka_status(code) == TG_ERR_FENCED)) {
            worst = code;
        }
    }
    return worst;
}

static tg_status_t
commit_and_wait(tg_consumer_t *consumer, const rd_kafka_topic_partition_list_t *list,
                tg_error_t *err)
{
    rd_kafka_queue_t *answer = rd_kafka_queue_new(consumer->member);
    rd_kafka_resp_err_t code = rd_kafka_commit_queue(consumer->member, list, answer, NULL, NULL);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) {
        rd_kafka_event_t *event = rd_kafka_queue_poll(answer, COMMIT_TIMEOUT_MS);
        code = event != NULL ? worst_of(event) : RD_KAFKA_RESP_ERR__TIMED_OUT;
        if (event != NULL) {
            rd_kafka_event_destroy(event);
        }
    }
    /* An answer that comes later finds the queue gone. */
    rd_kafka_queue_destroy(answer);
    return code == RD_KAFKA_RESP_ERR_NO_ERROR
               ? TG_OK
               : tg_kafka_error_set(err, code, "committing offsets to the group", NULL);
}

tg_status_t
tg_consumer_commit_sync(tg_consumer_t *consumer, const tg_partition_t *partitions,
                        size_t n_partitions, tg_error_t *err)
{
    if (n_partitions == 0) {
        return TG_OK;
    }
    /* A member that has been thrown out commits without a generation, and a group that is empty
     * accepts that: so ask ourselves first. */
    if (atomic_load(&consumer->failed) || rd_kafka_assignment_lost(consumer->member) != 0) {
        return tg_error_set(err, TG_ERR_FENCED, "this member has lost its place in the group");
    }
    TG_TRY(tg_assignment_holds(&consumer->assignment, partitions, n_partitions, err));
    rd_kafka_topic_partition_list_t *list = tg_kafka_list_of(partitions, n_partitions);
    tg_status_t status = commit_and_wait(consumer, list, err);
    rd_kafka_topic_partition_list_destroy(list);
    return status;
}
