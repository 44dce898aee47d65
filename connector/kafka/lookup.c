/* What can be asked about a partition and the cluster, from any thread. */
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>

#include "consumer_internal.h"
#include "kafka/consumer.h"

static int
timeout_of(int64_t timeout_ms)
{
    if (timeout_ms < 0) {
        return 0;
    }
    return timeout_ms > INT_MAX ? INT_MAX : (int)timeout_ms;
}

static tg_status_t
refuse(tg_error_t *err, rd_kafka_resp_err_t code, const char *doing,
       const tg_partition_t *partition)
{
    char what[360];
    (void)snprintf(what, sizeof what, "%s of %s[%d]", doing, partition->topic,
                   partition->partition);
    return tg_kafka_error_set(err, code, what, NULL);
}

tg_status_t
tg_consumer_committed(tg_consumer_t *consumer, const tg_partition_t *partition, int64_t timeout_ms,
                      int64_t *ret_offset, tg_error_t *err)
{
    rd_kafka_topic_partition_list_t *list = tg_kafka_list_of(partition, 1);
    rd_kafka_resp_err_t code = rd_kafka_committed(consumer->member, list, timeout_of(timeout_ms));
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) {
        code = list->elems[0].err;
    }
    int64_t offset = list->elems[0].offset;
    rd_kafka_topic_partition_list_destroy(list);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
        return refuse(err, code, "asking for the committed offset", partition);
    }
    *ret_offset = offset >= 0 ? offset : -1;
    return TG_OK;
}

/* rd_kafka_query_watermark_offsets() of 2.0.2 heeds no time-out; this one does, and with
 * isolation.level = read_committed the end is the last stable offset. */
static rd_kafka_resp_err_t
ask(tg_consumer_t *consumer, const tg_partition_t *partition, int64_t which, int64_t timeout_ms,
    int64_t *ret_offset)
{
    rd_kafka_topic_partition_list_t *list = tg_kafka_list_of(partition, 1);
    list->elems[0].offset = which;
    rd_kafka_resp_err_t code =
        rd_kafka_offsets_for_times(consumer->member, list, timeout_of(timeout_ms));
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) {
        code = list->elems[0].err;
    }
    *ret_offset = list->elems[0].offset;
    rd_kafka_topic_partition_list_destroy(list);
    return code;
}

tg_status_t
tg_consumer_watermarks(tg_consumer_t *consumer, const tg_partition_t *partition, int64_t timeout_ms,
                       int64_t *ret_start, int64_t *ret_end, tg_error_t *err)
{
    int64_t start = 0;
    int64_t end = 0;
    rd_kafka_resp_err_t code =
        ask(consumer, partition, RD_KAFKA_OFFSET_BEGINNING, timeout_ms / 2, &start);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) {
        code = ask(consumer, partition, RD_KAFKA_OFFSET_END, timeout_ms / 2, &end);
    }
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
        return refuse(err, code, "asking for the first and last offset", partition);
    }
    *ret_start = start;
    *ret_end = end;
    return TG_OK;
}

int64_t
tg_consumer_cached_end(tg_consumer_t *consumer, const tg_partition_t *partition)
{
    int64_t end = -1;
    (void)pthread_mutex_lock(&consumer->assignment.mutex);
    if (consumer->fetcher != NULL &&
        tg_assignment_find(&consumer->assignment, partition->topic, partition->partition) != NULL) {
        end = tg_fetcher_cached_end(consumer->fetcher, partition->topic, partition->partition);
    }
    (void)pthread_mutex_unlock(&consumer->assignment.mutex);
    return end;
}

tg_status_t
tg_consumer_cluster_id(tg_consumer_t *consumer, int64_t timeout_ms, const char **ret_id,
                       tg_error_t *err)
{
    (void)pthread_mutex_lock(&consumer->cluster_id_mutex);
    if (consumer->cluster_id == NULL) {
        consumer->cluster_id = rd_kafka_clusterid(consumer->member, timeout_of(timeout_ms));
    }
    const char *id = consumer->cluster_id;
    (void)pthread_mutex_unlock(&consumer->cluster_id_mutex);
    if (id == NULL) {
        return tg_error_set(err, TG_ERR_TIMEOUT,
                            "no broker has told the cluster's id within %" PRId64
                            " ms; check kafka.bootstrap_servers and that the brokers run",
                            timeout_ms);
    }
    *ret_id = id;
    return TG_OK;
}

tg_status_t
tg_consumer_fetch_one(tg_consumer_t *consumer, const tg_partition_t *partition, int64_t timeout_ms,
                      tg_message_t *ret_message, tg_error_t *err)
{
    return tg_reader_fetch(consumer->reader, partition, timeout_ms, ret_message, err);
}
