/*
 * A Kafka cluster in this process, and a consumer whose events are written down.
 */
#ifndef TG_KAFKA_MOCK_H
#define TG_KAFKA_MOCK_H

#include <pthread.h>
#include <stdio.h>

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "kafka/consumer.h"
#include "tg_test.h"

#define PATIENCE_MS 20000

/* Polls a condition with a deadline. */
#define WAIT_FOR(condition)                                                                        \
    do {                                                                                           \
        int64_t until_ms_ = tg_clock_now_ms(tg_clock_system()) + PATIENCE_MS;                      \
        while (!(condition)) {                                                                     \
            if (tg_clock_now_ms(tg_clock_system()) > until_ms_) {                                  \
                fail_msg("waited in vain for %s", #condition);                                     \
            }                                                                                      \
        }                                                                                          \
    } while (0)

typedef struct mock {
    rd_kafka_t *rk; /* carries the cluster, and fills topics */
    rd_kafka_mock_cluster_t *cluster;
    const char *bootstrap_servers;
} mock_t;

static inline void
mock_open(mock_t *mock, int n_brokers)
{
    char reason[256];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    (void)rd_kafka_conf_set(conf, "linger.ms", "1", reason, sizeof reason);
    (void)rd_kafka_conf_set(conf, "log_level", "0", reason, sizeof reason);
    mock->rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, reason, sizeof reason);
    assert_non_null(mock->rk);
    mock->cluster = rd_kafka_mock_cluster_new(mock->rk, n_brokers);
    assert_non_null(mock->cluster);
    mock->bootstrap_servers = rd_kafka_mock_cluster_bootstraps(mock->cluster);
    assert_true(rd_kafka_brokers_add(mock->rk, mock->bootstrap_servers) > 0);
}

static inline void
mock_close(mock_t *mock)
{
    rd_kafka_mock_cluster_destroy(mock->cluster);
    rd_kafka_destroy(mock->rk);
}

/* For cmocka: a cluster of one broker for each test. */
static inline int
mock_setup(void **state)
{
    static mock_t mock;
    mock_open(&mock, 1);
    *state = &mock;
    return 0;
}

static inline int
mock_teardown(void **state)
{
    mock_close(*state);
    return 0;
}

static inline void
mock_topic(mock_t *mock, const char *topic, int n_partitions)
{
    assert_int_equal(rd_kafka_mock_topic_create(mock->cluster, topic, n_partitions, 1), 0);
}

/* Records whose value is their number, from first on. */
static inline bool
mock_try_fill(mock_t *mock, const char *topic, int32_t partition, int64_t first, int64_t n)
{
    for (int64_t i = first; i < first + n; i++) {
        char value[32];
        int n_bytes = snprintf(value, sizeof value, "%lld", (long long)i);
        const rd_kafka_vu_t parts[] = {
            {.vtype = RD_KAFKA_VTYPE_TOPIC, .u.cstr = topic},
            {.vtype = RD_KAFKA_VTYPE_PARTITION, .u.i32 = partition},
            {.vtype = RD_KAFKA_VTYPE_MSGFLAGS, .u.i = RD_KAFKA_MSG_F_COPY},
            {.vtype = RD_KAFKA_VTYPE_VALUE, .u.mem = {.ptr = value, .size = (size_t)n_bytes}},
        };
        rd_kafka_error_t *error = NULL;
        while ((error = rd_kafka_produceva(mock->rk, parts, TG_COUNT_OF(parts))) != NULL) {
            rd_kafka_resp_err_t code = rd_kafka_error_code(error);
            rd_kafka_error_destroy(error);
            if (code != RD_KAFKA_RESP_ERR__QUEUE_FULL) {
                return false;
            }
            (void)rd_kafka_poll(mock->rk, 1);
        }
        (void)rd_kafka_poll(mock->rk, 0);
    }
    return rd_kafka_flush(mock->rk, PATIENCE_MS) == RD_KAFKA_RESP_ERR_NO_ERROR;
}

static inline void
mock_fill(mock_t *mock, const char *topic, int32_t partition, int64_t first, int64_t n)
{
    assert_true(mock_try_fill(mock, topic, partition, first, n));
}

/* --- a member --- */

#define MEMBER_MAX 16

typedef struct owned {
    char topic[64];
    int32_t partition;
    tg_partition_queue_t *queue;
} owned_t;

typedef struct member {
    tg_consumer_t *consumer;
    owned_t owned[MEMBER_MAX];
    size_t n_owned;
    int n_assignments;
    int n_revocations;
    int n_lost;
    int n_errors;
    tg_error_t last_error;
    /* Tried in on_revoked, while the partitions are still ours. */
    bool commits_on_revoke;
    tg_status_t commit_status;
} member_t;

static inline owned_t *
member_find(member_t *member, const char *topic, int32_t partition)
{
    for (size_t i = 0; i < member->n_owned; i++) {
        if (member->owned[i].partition == partition && strcmp(member->owned[i].topic, topic) == 0) {
            return &member->owned[i];
        }
    }
    return NULL;
}

static inline void
member_assigned(void *arg, const tg_partition_t *partitions, size_t n)
{
    member_t *member = arg;
    member->n_assignments++;
    for (size_t i = 0; i < n; i++) {
        assert_null(member_find(member, partitions[i].topic, partitions[i].partition));
        owned_t *owned = &member->owned[member->n_owned++];
        *owned = (owned_t){.partition = partitions[i].partition};
        (void)snprintf(owned->topic, sizeof owned->topic, "%s", partitions[i].topic);
    }
}

static inline void
member_revoked(void *arg, const tg_partition_t *partitions, size_t n, bool lost)
{
    member_t *member = arg;
    member->n_revocations++;
    member->n_lost += lost ? 1 : 0;
    if (member->commits_on_revoke) {
        tg_partition_t hint = partitions[0];
        hint.offset = 7;
        member->commit_status = tg_consumer_commit_sync(member->consumer, &hint, 1, NULL);
    }
    for (size_t i = 0; i < n; i++) {
        owned_t *owned = member_find(member, partitions[i].topic, partitions[i].partition);
        assert_non_null(owned);
        tg_partition_queue_close(owned->queue);
        *owned = member->owned[--member->n_owned];
    }
}

static inline void
member_error(void *arg, const tg_error_t *error)
{
    member_t *member = arg;
    member->n_errors++;
    member->last_error = *error;
}

static inline void
member_open_as(member_t *member, const char *bootstrap_servers, const char *topic,
               const char *instance_id)
{
    static const tg_kafka_property_t properties[] = {{"topic.metadata.refresh.interval.ms", "500"}};
    tg_error_t err = {.status = TG_OK};
    *member = (member_t){0};
    tg_consumer_options_t options = {
        .client = {.bootstrap_servers = bootstrap_servers,
                   .client_id = "tidegate-test",
                   .properties = properties,
                   .n_properties = 1},
        .group = "connect-test",
        .instance_id = instance_id,
        .session_timeout_ms = 4000,
        .queued_max_bytes = 64 * 1024 * 1024,
        .topics = &topic,
        .n_topics = 1,
        .events = {.on_assigned = member_assigned,
                   .on_revoked = member_revoked,
                   .on_error = member_error,
                   .arg = member},
    };
    ASSERT_OK(tg_consumer_open(&options, &member->consumer, &err));
}

static inline void
member_open(member_t *member, const char *bootstrap_servers, const char *topic)
{
    member_open_as(member, bootstrap_servers, topic, NULL);
}

static inline bool
member_polled(member_t *member)
{
    tg_consumer_poll(member->consumer, 20);
    return true;
}

static inline void
member_close(member_t *member)
{
    tg_consumer_close(member->consumer);
    assert_int_equal(member->n_owned, 0);
}

static inline void
member_start(member_t *member, const char *topic, int32_t partition, int64_t offset,
             tg_wake_t *wake)
{
    tg_error_t err = {.status = TG_OK};
    const tg_partition_t at = {.topic = topic, .partition = partition, .offset = offset};
    owned_t *owned = member_find(member, topic, partition);
    assert_non_null(owned);
    if (owned->queue == NULL) {
        ASSERT_OK(tg_partition_queue_open(member->consumer, &at, wake, &owned->queue, &err));
    }
    ASSERT_OK(tg_consumer_start_partition(member->consumer, &at, &err));
}

/* One of its records' numbers; the test fails when it is no number. */
static inline int64_t
number_of(const tg_message_t *message)
{
    char text[32] = "";
    assert_true(message->value.n_bytes < sizeof text);
    memcpy(text, message->value.data, message->value.n_bytes);
    char *end = NULL;
    int64_t number = strtoll(text, &end, 10);
    assert_true(end != text && *end == '\0');
    return number;
}

/* Takes what is there; each record must carry the number expected_next, in order. Returns n. */
static inline size_t
take_in_order(tg_partition_queue_t *queue, size_t max, int64_t *expected_next)
{
    tg_message_t messages[600];
    size_t n = 0;
    tg_error_t err = {.status = TG_OK};
    ASSERT_OK(tg_partition_queue_consume(queue, messages, max < 600 ? max : 600, &n, &err));
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(messages[i].offset, *expected_next);
        assert_int_equal(number_of(&messages[i]), *expected_next);
        (*expected_next)++;
    }
    tg_messages_release(messages, n);
    return n;
}

#endif
