#include "kafka/producer.h"

#include <inttypes.h>
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/thread.h"
#include "client_internal.h"

#define POLL_MS 100

/* How long the poll thread of a closing producer goes on after it has given up on the rest:
 * librdkafka answers a purge at once. */
#define PURGE_MS 2000

struct tg_producer {
    tg_kafka_link_t link; /* first: librdkafka's opaque */
    rd_kafka_conf_t *conf;
    void (*on_delivered)(void *arg, void *ticket, const tg_error_t *error);
    void *arg;
    tg_log_t *log;
    int64_t queue_max_bytes;
    tg_thread_t thread;
    pthread_mutex_t mutex; /* of all below */
    pthread_cond_t idle;
    rd_kafka_t *rk;
    size_t n_borrowed; /* calls that use rk without the mutex */
    bool closing;
    int64_t close_until_ms;
};

static const tg_kafka_setting_t producer_settings[] = {
    {"linger.ms", "2"},
    {"delivery.timeout.ms", "30000"},
    /* The broker decides what is too large for the topic. */
    {"message.max.bytes", "100000000"},
    /* A broker refuses a batch as a whole, the small records in it too. */
    {"batch.size", "65536"},
};

static const tg_kafka_setting_t producer_fixed_settings[] = {
    {"enable.idempotence", "true"},
    {"acks", "all"},
};

/* --- delivery --- */

static void
describe_failure(const rd_kafka_message_t *message, tg_error_t *ret_error)
{
    char what[320];
    const char *topic = message->rkt != NULL ? rd_kafka_topic_name(message->rkt) : "?";
    (void)snprintf(what, sizeof what, "writing to topic %s", topic);
    (void)tg_kafka_error_set(ret_error, message->err, what, NULL);
    if (message->err == RD_KAFKA_RESP_ERR__PURGE_QUEUE ||
        message->err == RD_KAFKA_RESP_ERR__PURGE_INFLIGHT) {
        ret_error->status = TG_ERR_CANCELLED;
    }
}

static void
pass_delivery(rd_kafka_t *rk, const rd_kafka_message_t *message, void *opaque)
{
    (void)rk;
    tg_producer_t *producer = opaque;
    tg_error_t error = {.status = TG_OK};
    if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
        describe_failure(message, &error);
    }
    producer->on_delivered(producer->arg, message->_private, &error);
}

static void
log_error(rd_kafka_t *rk, void *link, rd_kafka_resp_err_t code, const char *reason)
{
    (void)rk;
    const tg_kafka_link_t *self = link;
    TG_LOG_WARNING(self->log, "producing is in trouble", TG_S("error", rd_kafka_err2name(code)),
                   TG_S("text", reason), TG_S("advice", tg_kafka_advice(code)));
}

/* --- the handle, and its replacement after a fatal error --- */

static tg_status_t
make_handle(tg_producer_t *producer, rd_kafka_t **ret_rk, tg_error_t *err)
{
    return tg_kafka_handle_new(RD_KAFKA_PRODUCER, rd_kafka_conf_dup(producer->conf), ret_rk, err);
}

/* Gives up on what is inside: each record's on_delivered is called. */
static void
purge(rd_kafka_t *rk)
{
    int64_t until_ms = tg_clock_now_ms(tg_clock_system()) + PURGE_MS;
    (void)rd_kafka_purge(rk, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
    while (rd_kafka_outq_len(rk) > 0 && tg_clock_now_ms(tg_clock_system()) < until_ms) {
        (void)rd_kafka_poll(rk, 10);
    }
}

/* An idempotent producer that lost its sequence can never write again; a new one can. */
static void
replace_handle(tg_producer_t *producer)
{
    char reason[TG_KAFKA_DETAIL_BYTES];
    rd_kafka_resp_err_t code = rd_kafka_fatal_error(producer->rk, reason, sizeof reason);
    tg_error_t err = {.status = TG_OK};
    rd_kafka_t *fresh = NULL;
    if (make_handle(producer, &fresh, &err) != TG_OK) {
        TG_LOG_WARNING(producer->log, "cannot replace a failed producer yet",
                       TG_S("error", err.text));
        return;
    }
    TG_LOG_WARNING(producer->log, "producer failed for good and is replaced",
                   TG_S("error", rd_kafka_err2name(code)), TG_S("text", reason));
    (void)pthread_mutex_lock(&producer->mutex);
    rd_kafka_t *failed = producer->rk;
    producer->rk = fresh;
    while (producer->n_borrowed > 0) {
        (void)pthread_cond_wait(&producer->idle, &producer->mutex);
    }
    (void)pthread_mutex_unlock(&producer->mutex);
    purge(failed);
    rd_kafka_destroy(failed);
}

static bool
is_closing(tg_producer_t *producer, int64_t *ret_until_ms)
{
    (void)pthread_mutex_lock(&producer->mutex);
    bool closing = producer->closing;
    *ret_until_ms = producer->close_until_ms;
    (void)pthread_mutex_unlock(&producer->mutex);
    return closing;
}

/* rk changes on this thread only, so it may be read here without the mutex. */
static void *
poll_main(void *arg)
{
    tg_producer_t *producer = arg;
    int64_t until_ms = 0;
    while (!is_closing(producer, &until_ms)) {
        (void)rd_kafka_poll(producer->rk, POLL_MS);
        if (rd_kafka_fatal_error(producer->rk, NULL, 0) != RD_KAFKA_RESP_ERR_NO_ERROR) {
            replace_handle(producer);
        }
    }
    int64_t left_ms = until_ms - tg_clock_now_ms(tg_clock_system());
    (void)rd_kafka_flush(producer->rk, left_ms < 0 ? 0 : (int)left_ms);
    purge(producer->rk);
    return NULL;
}

/* --- opening and closing --- */

static tg_status_t
configure(const tg_producer_options_t *options, rd_kafka_conf_t *conf, tg_error_t *err)
{
    int64_t kbytes = options->queue_max_bytes / 1024;
    TG_TRY(tg_kafka_conf_set_all(conf, producer_settings, TG_COUNT_OF(producer_settings), err));
    TG_TRY(tg_kafka_conf_set_int(conf, "queue.buffering.max.kbytes",
                                 kbytes < 1         ? 1
                                 : kbytes > INT_MAX ? INT_MAX
                                                    : kbytes,
                                 err));
    TG_TRY(tg_kafka_conf_set_user(conf, &options->client, err));
    return tg_kafka_conf_set_all(conf, producer_fixed_settings,
                                 TG_COUNT_OF(producer_fixed_settings), err);
}

static tg_status_t
start(tg_producer_t *producer, const tg_producer_options_t *options, tg_error_t *err)
{
    TG_TRY(tg_kafka_conf_new(&options->client, &producer->link, &producer->conf, err));
    TG_TRY(configure(options, producer->conf, err));
    rd_kafka_conf_set_dr_msg_cb(producer->conf, pass_delivery);
    TG_TRY(make_handle(producer, &producer->rk, err));
    return tg_thread_start(&producer->thread, "kafka producer", poll_main, producer, err);
}

static void
free_producer(tg_producer_t *producer)
{
    if (producer->rk != NULL) {
        rd_kafka_destroy(producer->rk);
    }
    if (producer->conf != NULL) {
        rd_kafka_conf_destroy(producer->conf);
    }
    (void)pthread_cond_destroy(&producer->idle);
    (void)pthread_mutex_destroy(&producer->mutex);
    free(producer);
}

tg_status_t
tg_producer_open(const tg_producer_options_t *options, tg_producer_t **ret_producer,
                 tg_error_t *err)
{
    tg_producer_t *producer = calloc(1, sizeof *producer);
    if (producer == NULL) {
        return tg_error_set(err, TG_ERR_NO_MEMORY, "no memory for a Kafka producer");
    }
    producer->log = options->client.log;
    producer->link =
        (tg_kafka_link_t){.log = producer->log, .role = "producer", .on_error = log_error};
    producer->on_delivered = options->on_delivered;
    producer->arg = options->arg;
    producer->queue_max_bytes = options->queue_max_bytes;
    (void)pthread_mutex_init(&producer->mutex, NULL);
    (void)pthread_cond_init(&producer->idle, NULL);
    tg_status_t status = start(producer, options, err);
    if (status != TG_OK) {
        free_producer(producer);
        return status;
    }
    *ret_producer = producer;
    return TG_OK;
}

void
tg_producer_close(tg_producer_t *producer, int64_t timeout_ms)
{
    if (producer == NULL) {
        return;
    }
    int64_t wait_ms = timeout_ms < 0 ? 0 : timeout_ms > INT_MAX ? INT_MAX : timeout_ms;
    (void)pthread_mutex_lock(&producer->mutex);
    producer->closing = true;
    producer->close_until_ms = tg_clock_now_ms(tg_clock_system()) + wait_ms;
    (void)pthread_mutex_unlock(&producer->mutex);
    tg_thread_join(&producer->thread);
    free_producer(producer);
}

/* --- sending --- */

static void
copy_header(void *arg, const char *name, tg_bytes_t value)
{
    rd_kafka_headers_t *headers = arg;
    (void)rd_kafka_header_add(headers, name, -1, value.data, (ssize_t)value.n_bytes);
}

static rd_kafka_headers_t *
headers_for(const tg_outgoing_t *record)
{
    rd_kafka_headers_t *headers = rd_kafka_headers_new(record->n_headers + 8);
    if (record->headers_of != NULL) {
        tg_message_headers_visit(record->headers_of, copy_header, headers);
    }
    for (size_t i = 0; i < record->n_headers; i++) {
        copy_header(headers, record->headers[i].name, record->headers[i].value);
    }
    return headers;
}

/* librdkafka only reads and copies; it cannot say so in its types. */
static void *
readable(const void *data)
{
    union {
        const void *read;
        void *handed;
    } both = {.read = data};

    return both.handed;
}

/* headers are taken only when it succeeds. */
static rd_kafka_resp_err_t
produce(rd_kafka_t *rk, const tg_outgoing_t *record, rd_kafka_headers_t *headers)
{
    const rd_kafka_vu_t parts[] = {
        {.vtype = RD_KAFKA_VTYPE_TOPIC, .u.cstr = record->topic},
        {.vtype = RD_KAFKA_VTYPE_MSGFLAGS, .u.i = RD_KAFKA_MSG_F_COPY},
        {.vtype = RD_KAFKA_VTYPE_VALUE,
         .u.mem = {.ptr = readable(record->value.data), .size = record->value.n_bytes}},
        {.vtype = RD_KAFKA_VTYPE_KEY,
         .u.mem = {.ptr = readable(record->key.data), .size = record->key.n_bytes}},
        {.vtype = RD_KAFKA_VTYPE_TIMESTAMP,
         .u.i64 = record->timestamp_unix_ms < 0 ? 0 : record->timestamp_unix_ms},
        {.vtype = RD_KAFKA_VTYPE_HEADERS, .u.headers = headers},
        {.vtype = RD_KAFKA_VTYPE_OPAQUE, .u.ptr = record->ticket},
    };
    rd_kafka_error_t *error = rd_kafka_produceva(rk, parts, TG_COUNT_OF(parts));
    if (error == NULL) {
        return RD_KAFKA_RESP_ERR_NO_ERROR;
    }
    rd_kafka_resp_err_t code = rd_kafka_error_code(error);
    rd_kafka_error_destroy(error);
    return code;
}

tg_status_t
tg_producer_send(tg_producer_t *producer, const tg_outgoing_t *record, tg_error_t *err)
{
    int64_t n_bytes = (int64_t)(record->key.n_bytes + record->value.n_bytes);
    if (n_bytes > producer->queue_max_bytes) {
        return tg_error_set(err, TG_ERR_TOO_LARGE,
                            "a record of %" PRId64 " bytes for topic %s is larger than the "
                            "producer's queue (%" PRId64 " bytes)",
                            n_bytes, record->topic, producer->queue_max_bytes);
    }
    rd_kafka_headers_t *headers = headers_for(record);
    (void)pthread_mutex_lock(&producer->mutex);
    rd_kafka_resp_err_t code = produce(producer->rk, record, headers);
    (void)pthread_mutex_unlock(&producer->mutex);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) {
        return TG_OK;
    }
    rd_kafka_headers_destroy(headers);
    char what[320];
    (void)snprintf(what, sizeof what, "sending to topic %s", record->topic);
    tg_status_t status = tg_kafka_error_set(err, code, what, NULL);
    if (code == RD_KAFKA_RESP_ERR__FATAL) {
        /* The handle is about to be replaced. */
        return tg_error_set(err, TG_ERR_FULL, "%s: the producer is being replaced", what);
    }
    return status;
}

/* --- topics --- */

static rd_kafka_t *
borrow(tg_producer_t *producer)
{
    (void)pthread_mutex_lock(&producer->mutex);
    producer->n_borrowed++;
    rd_kafka_t *rk = producer->rk;
    (void)pthread_mutex_unlock(&producer->mutex);
    return rk;
}

static void
give_back(tg_producer_t *producer)
{
    (void)pthread_mutex_lock(&producer->mutex);
    if (--producer->n_borrowed == 0) {
        (void)pthread_cond_broadcast(&producer->idle);
    }
    (void)pthread_mutex_unlock(&producer->mutex);
}

static tg_status_t
judge_creation(rd_kafka_event_t *event, const char *topic, int64_t timeout_ms, tg_error_t *err)
{
    char what[320];
    (void)snprintf(what, sizeof what, "creating topic %s", topic);
    if (event == NULL) {
        return tg_error_set(err, TG_ERR_TIMEOUT,
                            "%s: no answer from Kafka within %" PRId64
                            " ms; check that the brokers run",
                            what, timeout_ms);
    }

    if (rd_kafka_event_error(event) != RD_KAFKA_RESP_ERR_NO_ERROR) {
        return tg_kafka_error_set(err, rd_kafka_event_error(event), what,
                                  rd_kafka_event_error_string(event));
    }
    size_t n = 0;
    const rd_kafka_topic_result_t **results =
        rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event), &n);
    for (size_t i = 0; i < n; i++) {
        rd_kafka_resp_err_t code = rd_kafka_topic_result_error(results[i]);
        if (code != RD_KAFKA_RESP_ERR_NO_ERROR && code != RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS) {
            return tg_kafka_error_set(err, code, what,
                                      rd_kafka_topic_result_error_string(results[i]));
        }
    }
    return TG_OK;
}

static tg_status_t
create(rd_kafka_t *rk, rd_kafka_NewTopic_t *wanted, const char *topic, int64_t timeout_ms,
       tg_error_t *err)
{
    char reason[TG_KAFKA_DETAIL_BYTES];
    int wait_ms = timeout_ms < 1 ? 1 : timeout_ms > 3600000 ? 3600000 : (int)timeout_ms;
    rd_kafka_AdminOptions_t *options =
        rd_kafka_AdminOptions_new(rk, RD_KAFKA_ADMIN_OP_CREATETOPICS);
    (void)rd_kafka_AdminOptions_set_request_timeout(options, wait_ms, reason, sizeof reason);
    (void)rd_kafka_AdminOptions_set_operation_timeout(options, wait_ms, reason, sizeof reason);
    rd_kafka_queue_t *answer = rd_kafka_queue_new(rk);
    rd_kafka_CreateTopics(rk, &wanted, 1, options, answer);
    rd_kafka_event_t *event = rd_kafka_queue_poll(answer, wait_ms);
    tg_status_t status = judge_creation(event, topic, timeout_ms, err);
    if (event != NULL) {
        rd_kafka_event_destroy(event);
    }
    rd_kafka_queue_destroy(answer);
    rd_kafka_AdminOptions_destroy(options);
    return status;
}

tg_status_t
tg_producer_create_topic(tg_producer_t *producer, const char *topic, int32_t n_partitions,
                         int32_t replication_factor, int64_t timeout_ms, tg_error_t *err)
{
    char reason[TG_KAFKA_DETAIL_BYTES];
    rd_kafka_NewTopic_t *wanted =
        rd_kafka_NewTopic_new(topic, n_partitions, replication_factor, reason, sizeof reason);
    if (wanted == NULL) {
        return tg_error_set(err, TG_ERR_CONFIG, "cannot create topic %s: %s", topic, reason);
    }
    rd_kafka_t *rk = borrow(producer);
    tg_status_t status = create(rk, wanted, topic, timeout_ms, err);
    give_back(producer);
    rd_kafka_NewTopic_destroy(wanted);
    return status;
}
