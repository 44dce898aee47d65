#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "message_internal.h"
#include "reader_internal.h"

struct tg_reader {
    tg_kafka_link_t link;
    pthread_mutex_t mutex;
    rd_kafka_conf_t *conf; /* NULL once the handle is made of it */
    rd_kafka_t *rk;
};

static const tg_kafka_setting_t reader_settings[] = {
    {"enable.auto.commit", "false"},       {"enable.auto.offset.store", "false"},
    {"auto.offset.reset", "error"},        {"enable.partition.eof", "true"},
    {"isolation.level", "read_committed"}, {"check.crcs", "true"},
    {"queued.min.messages", "1"},          {"fetch.wait.max.ms", "100"},
    {"fetch.message.max.bytes", "65536"},
};

tg_status_t
tg_reader_open(const tg_kafka_client_options_t *options, tg_reader_t **ret_reader, tg_error_t *err)
{
    tg_reader_t *reader = calloc(1, sizeof *reader);
    if (reader == NULL) {
        return tg_error_set(err, TG_ERR_NO_MEMORY, "no memory for the reading Kafka client");
    }
    reader->link = (tg_kafka_link_t){.log = options->log, .role = "reader"};
    tg_status_t status = tg_kafka_conf_new(options, &reader->link, &reader->conf, err);
    if (status == TG_OK) {
        status = tg_kafka_conf_set_user(reader->conf, options, err);
    }
    if (status == TG_OK) {
        status =
            tg_kafka_conf_set_all(reader->conf, reader_settings, TG_COUNT_OF(reader_settings), err);
    }
    if (status != TG_OK) {
        if (reader->conf != NULL) {
            rd_kafka_conf_destroy(reader->conf);
        }
        free(reader);
        return status;
    }
    (void)pthread_mutex_init(&reader->mutex, NULL);
    *ret_reader = reader;
    return TG_OK;
}

void
tg_reader_close(tg_reader_t *reader)
{
    if (reader == NULL) {
        return;
    }
    if (reader->conf != NULL) {
        rd_kafka_conf_destroy(reader->conf);
    }
    if (reader->rk != NULL) {
        rd_kafka_destroy(reader->rk);
    }
    (void)pthread_mutex_destroy(&reader->mutex);
    free(reader);
}

static tg_status_t
ensure_handle(tg_reader_t *reader, tg_error_t *err)
{
    if (reader->rk != NULL) {
        (void)rd_kafka_poll(reader->rk, 0);
        return TG_OK;
    }
    rd_kafka_conf_t *conf = rd_kafka_conf_dup(reader->conf);
    return tg_kafka_handle_new(RD_KAFKA_CONSUMER, conf, &reader->rk, err);
}

static tg_status_t
not_found(const tg_partition_t *partition, tg_error_t *err)
{
    return tg_error_set(err, TG_ERR_NOT_FOUND,
                        "Kafka no longer has the record at %s[%d] offset %" PRId64,
                        partition->topic, partition->partition, partition->offset);
}

/* The first message decides: it is the record, or one behind it, or the end, or an error. */
static tg_status_t
judge(const tg_partition_t *partition, rd_kafka_message_t *message, tg_message_t *ret_message,
      tg_error_t *err)
{
    tg_status_t status = TG_OK;
    if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF ||
        tg_kafka_status(message->err) == TG_ERR_MISSING_OFFSETS ||
        (message->err == RD_KAFKA_RESP_ERR_NO_ERROR && message->offset != partition->offset)) {
        status = not_found(partition, err);
    } else if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
        char what[320];
        (void)snprintf(what, sizeof what, "reading %s[%d] again", partition->topic,
                       partition->partition);
        status = tg_kafka_error_set(err, message->err, what, rd_kafka_message_errstr(message));
    }
    if (status != TG_OK) {
        rd_kafka_message_destroy(message);
        return status;
    }
    tg_message_view(message, ret_message);
    return TG_OK;
}

/* Errors that pass are waited out. */
static rd_kafka_message_t *
wait_for_message(rd_kafka_queue_t *queue, int64_t timeout_ms)
{
    int64_t until_ms = tg_clock_now_ms(tg_clock_system()) + timeout_ms;
    int64_t left_ms = timeout_ms;
    while (left_ms >= 0) {
        rd_kafka_message_t *message = rd_kafka_consume_queue(queue, (int)left_ms);
        left_ms = until_ms - tg_clock_now_ms(tg_clock_system());
        if (message == NULL) {
            continue;
        }
        if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR ||
            message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF ||
            tg_kafka_status(message->err) != TG_ERR_UNAVAILABLE) {
            return message;
        }
        rd_kafka_message_destroy(message);
    }
    return NULL;
}

static tg_status_t
fetch(tg_reader_t *reader, const tg_partition_t *partition, int64_t timeout_ms,
      tg_message_t *ret_message, tg_error_t *err)
{
    TG_TRY(ensure_handle(reader, err));
    rd_kafka_topic_t *topic = rd_kafka_topic_new(reader->rk, partition->topic, NULL);
    if (topic == NULL) {
        return tg_kafka_error_set(err, rd_kafka_last_error(), "reading a record again", NULL);
    }
    rd_kafka_queue_t *queue = rd_kafka_queue_new(reader->rk);
    tg_status_t status = TG_OK;
    if (rd_kafka_consume_start_queue(topic, partition->partition, partition->offset, queue) != 0) {
        status = not_found(partition, err);
    } else {
        rd_kafka_message_t *message = wait_for_message(queue, timeout_ms);
        status = message != NULL
                     ? judge(partition, message, ret_message, err)
                     : tg_error_set(err, TG_ERR_TIMEOUT,
                                    "no answer from Kafka to reading %s[%d] offset %" PRId64
                                    " again within %" PRId64 " ms",
                                    partition->topic, partition->partition, partition->offset,
                                    timeout_ms);
        (void)rd_kafka_consume_stop(topic, partition->partition);
    }
    rd_kafka_queue_destroy(queue);
    rd_kafka_topic_destroy(topic);
    return status;
}

tg_status_t
tg_reader_fetch(tg_reader_t *reader, const tg_partition_t *partition, int64_t timeout_ms,
                tg_message_t *ret_message, tg_error_t *err)
{
    (void)pthread_mutex_lock(&reader->mutex);
    tg_status_t status = fetch(reader, partition, timeout_ms, ret_message, err);
    (void)pthread_mutex_unlock(&reader->mutex);
    return status;
}
