// links: kafka base
/* What is decided without any broker: properties, and errors that name them. */
#include "kafka/consumer.h"
#include "kafka/producer.h"
#include "tg_test.h"

static void
ignore_partitions(void *arg, const tg_partition_t *partitions, size_t n_partitions)
{
    (void)arg;
    (void)partitions;
    (void)n_partitions;
}

static void
ignore_revoked(void *arg, const tg_partition_t *partitions, size_t n_partitions, bool lost)
{
    ignore_partitions(arg, partitions, n_partitions);
    (void)lost;
}

static void
ignore_error(void *arg, const tg_error_t *error)
{
    (void)arg;
    (void)error;
}

static void
ignore_delivery(void *arg, void *ticket, const tg_error_t *error)
{
    (void)ticket;
    ignore_error(arg, error);
}

static tg_status_t
try_consumer(const tg_kafka_property_t *property, const char *topic, tg_error_t *err)
{
    const tg_consumer_options_t options = {
        .client = {.bootstrap_servers = "127.0.0.1:1",
                   .client_id = "tidegate-test",
                   .properties = property,
                   .n_properties = property != NULL ? 1 : 0},
        .group = "connect-test",
        .session_timeout_ms = 10000,
        .queued_max_bytes = 1 << 24,
        .topics = &topic,
        .n_topics = topic != NULL ? 1 : 0,
        .events = {ignore_partitions, ignore_revoked, ignore_error, NULL},
    };
    tg_consumer_t *consumer = NULL;
    tg_status_t status = tg_consumer_open(&options, &consumer, err);
    if (status == TG_OK) {
        tg_consumer_close(consumer);
    } else {
        assert_null(consumer);
    }
    return status;
}

static tg_status_t
try_producer(const tg_kafka_property_t *property, tg_error_t *err)
{
    const tg_producer_options_t options = {
        .client = {.bootstrap_servers = "127.0.0.1:1", .properties = property, .n_properties = 1},
        .queue_max_bytes = 1 << 20,
        .on_delivered = ignore_delivery,
    };
    tg_producer_t *producer = NULL;
    tg_status_t status = tg_producer_open(&options, &producer, err);
    if (status == TG_OK) {
        tg_producer_close(producer, 0);
    }
    return status;
}

static const struct {
    tg_kafka_property_t property;
    tg_status_t expected;
    const char *says;       /* NULL: anything */
    const char *never_says; /* NULL: nothing in particular */
} cases[] = {
    {{"compression.type", "lz4"}, TG_OK, NULL, NULL},
    {{"max.poll.interval.ms", "600000"}, TG_OK, NULL, NULL},
    {{"message.max.bytes", "20000000"}, TG_OK, NULL, NULL},
    {{"queued.min.messages", "12345"}, TG_OK, NULL, NULL},
    {{"max.partition.fetch.bytes", "2000000"}, TG_OK, NULL, NULL},
    {{"enable.auto.commit", "true"}, TG_ERR_CONFIG, "kafka.properties.enable_auto_commit", NULL},
    {{"auto.offset.reset", "latest"}, TG_ERR_CONFIG, "never be skipped", NULL},
    {{"partition.assignment.strategy", "range"}, TG_ERR_CONFIG, "cooperative", NULL},
    {{"isolation.level", "read_uncommitted"}, TG_ERR_CONFIG, "committed", NULL},
    {{"group.id", "x"}, TG_ERR_CONFIG, "connect-", NULL},
    {{"bootstrap.servers", "x"}, TG_ERR_CONFIG, "kafka.bootstrap_servers", NULL},
    {{"enable.idempotence", "false"}, TG_ERR_CONFIG, "in order", NULL},
    {{"acks", "1"}, TG_ERR_CONFIG, "replicas", NULL},
    {{"no.such.property", "1"}, TG_ERR_CONFIG, "kafka.properties.no_such_property", NULL},
    {{"fetch.wait.max.ms", "soon"}, TG_ERR_CONFIG, "kafka.properties.fetch_wait_max_ms", NULL},
    {{"security.protocol", "magic"}, TG_ERR_CONFIG, "kafka.properties.security_protocol", NULL},
    {{"sasl.oauthbearer.method", "hunter2"}, TG_ERR_CONFIG, "sasl_oauthbearer_method", "hunter2"},
    {{"sasl.password", "hunter4"}, TG_OK, NULL, "hunter4"},
};

static void
client_properties_pass_through_unless_a_protocol_rests_on_them(void **state)
{
    (void)state;
    for (size_t i = 0; i < TG_COUNT_OF(cases); i++) {
        tg_error_t err = {.status = TG_OK};
        for (int producer = 0; producer < 2; producer++) {
            tg_status_t status = producer ? try_producer(&cases[i].property, &err)
                                          : try_consumer(&cases[i].property, "topic", &err);
            if (status != cases[i].expected ||
                (cases[i].says != NULL && strstr(err.text, cases[i].says) == NULL) ||
                (cases[i].never_says != NULL && strstr(err.text, cases[i].never_says) != NULL)) {
                fail_msg("%s: %s: %s", cases[i].property.name, tg_status_name(status), err.text);
            }
        }
    }
}

static void
client_without_bootstrap_servers_is_a_configuration_error(void **state)
{
    (void)state;
    const tg_kafka_client_options_t client = {.bootstrap_servers = ""};
    tg_kafka_topic_info_t info;
    const char *const topics[] = {"x"};
    int n_brokers = 0;
    tg_error_t err = {.status = TG_OK};
    ASSERT_FAILS(tg_kafka_probe(&client, topics, 1, 100, &info, &n_brokers, &err), TG_ERR_CONFIG);
    assert_non_null(strstr(err.text, "kafka.bootstrap_servers"));
}

static void
client_says_which_librdkafka_it_stands_on(void **state)
{
    (void)state;
    assert_true(strlen(tg_kafka_library_version()) >= 5);
}

static void
consumer_refuses_topics_that_cannot_be_subscribed_to(void **state)
{
    (void)state;
    tg_error_t err = {.status = TG_OK};
    ASSERT_FAILS(try_consumer(NULL, NULL, &err), TG_ERR_CONFIG);
    ASSERT_FAILS(try_consumer(NULL, "", &err), TG_ERR_CONFIG);
    ASSERT_FAILS(try_consumer(NULL, "^(", &err), TG_ERR_CONFIG);
    ASSERT_OK(try_consumer(NULL, "^plant\\..*", &err));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(client_properties_pass_through_unless_a_protocol_rests_on_them),
        cmocka_unit_test(client_without_bootstrap_servers_is_a_configuration_error),
        cmocka_unit_test(client_says_which_librdkafka_it_stands_on),
        cmocka_unit_test(consumer_refuses_topics_that_cannot_be_subscribed_to),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
