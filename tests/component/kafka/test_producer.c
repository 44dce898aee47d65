// links: kafka base
// libs: rdkafka
/* Against the mock cluster; what it cannot do (topics) against a real one named by TG_TEST_KAFKA.
 */
#include <stdatomic.h>
#include <unistd.h>

#include "kafka/producer.h"
#include "kafka_mock.h"

#define TOPIC "dead-letters"
#define ROOM  1000

typedef struct delivery {
    atomic_int n; /* times on_delivered came for it */
    _Atomic int status;
} delivery_t;

typedef struct outbox {
    delivery_t deliveries[ROOM];
    atomic_int n_delivered;
    pthread_t thread; /* all on one */
    char text[TG_ERROR_TEXT_BYTES];
} outbox_t;

static outbox_t outbox;

static void
note_delivery(void *arg, void *ticket, const tg_error_t *error)
{
    delivery_t *delivery = ticket;
    assert_ptr_equal(arg, &outbox);
    atomic_store(&delivery->status, (int)error->status);
    if (error->status != TG_OK) {
        (void)snprintf(outbox.text, sizeof outbox.text, "%s", error->text);
    }
    atomic_fetch_add(&delivery->n, 1);
    atomic_fetch_add(&outbox.n_delivered, 1);
}

static tg_producer_t *
open_producer(const char *bootstrap_servers, int64_t queue_max_bytes, const char *timeout_ms)
{
    const tg_kafka_property_t properties[] = {{"delivery.timeout.ms", timeout_ms}};
    const tg_producer_options_t options = {
        .client = {.bootstrap_servers = bootstrap_servers,
                   .client_id = "tidegate-test",
                   .properties = properties,
                   .n_properties = 1},
        .queue_max_bytes = queue_max_bytes,
        .on_delivered = note_delivery,
        .arg = &outbox,
    };
    tg_error_t err = {.status = TG_OK};
    tg_producer_t *producer = NULL;
    memset(&outbox, 0, sizeof outbox);
    ASSERT_OK(tg_producer_open(&options, &producer, &err));
    return producer;
}

static tg_status_t
send_number(tg_producer_t *producer, int i, tg_error_t *err)
{
    char value[32];
    int n_bytes = snprintf(value, sizeof value, "%d", i);
    const tg_outgoing_t record = {.topic = TOPIC,
                                  .value = tg_bytes_of(value, (size_t)n_bytes),
                                  .timestamp_unix_ms = -1,
                                  .ticket = &outbox.deliveries[i]};
    return tg_producer_send(producer, &record, err);
}

static void
assert_each_once(int from, int to, tg_status_t status)
{
    for (int i = from; i < to; i++) {
        assert_int_equal(atomic_load(&outbox.deliveries[i].n), 1);
        assert_int_equal(atomic_load(&outbox.deliveries[i].status), (int)status);
    }
}

static void
producer_acknowledges_each_record_once(void **state)
{
    mock_t *mock = *state;
    mock_topic(mock, TOPIC, 1);
    tg_error_t err = {.status = TG_OK};
    tg_producer_t *producer = open_producer(mock->bootstrap_servers, 1 << 20, "10000");
    for (int i = 0; i < 500; i++) {
        ASSERT_OK(send_number(producer, i, &err));
    }
    WAIT_FOR(atomic_load(&outbox.n_delivered) == 500);
    assert_each_once(0, 500, TG_OK);
    tg_producer_close(producer, 1000);
    assert_int_equal(atomic_load(&outbox.n_delivered), 500);
}

/* --- byte for byte --- */

typedef struct seen_headers {
    int n;
    char names[8][64];
    char values[8][64];
} seen_headers_t;

static void
note_header(void *arg, const char *name, tg_bytes_t value)
{
    seen_headers_t *seen = arg;
    (void)snprintf(seen->names[seen->n], 64, "%s", name);
    (void)snprintf(seen->values[seen->n], 64, "%.*s", (int)value.n_bytes,
                   value.data == NULL ? "(null)" : (const char *)value.data);
    if (value.data == NULL) {
        (void)snprintf(seen->values[seen->n], 64, "(null)");
    }
    seen->n++;
}

static void
producer_copies_a_record_byte_for_byte_with_its_headers_and_appends_ours(void **state)
{
    static const struct {
        const char *name;
        tg_bytes_t key;
        tg_bytes_t value;
    } cases[] = {
        {"both", {(const uint8_t *)"k\0y", 3}, {(const uint8_t *)"v\0\xff", 3}},
        {"no key", {NULL, 0}, {(const uint8_t *)"v", 1}},
        {"tombstone", {(const uint8_t *)"k", 1}, {NULL, 0}},
        {"empty value", {(const uint8_t *)"k", 1}, {(const uint8_t *)"", 0}},
        {"empty key", {(const uint8_t *)"", 0}, {(const uint8_t *)"v", 1}},
    };

    mock_t *mock = *state;
    mock_topic(mock, "source", 1);
    mock_topic(mock, TOPIC, 1);
    tg_error_t err = {.status = TG_OK};
    tg_producer_t *producer = open_producer(mock->bootstrap_servers, 1 << 20, "10000");
    member_t member;
    member_open(&member, mock->bootstrap_servers, TOPIC);
    static const tg_header_t first_headers[] = {{"trace", {(const uint8_t *)"a", 1}},
                                                {"trace", {(const uint8_t *)"b", 1}},
                                                {"none", {NULL, 0}}};
    static const tg_header_t more_headers[] = {
        {"__connect.errors.topic", {(const uint8_t *)"s", 1}}};
    for (size_t i = 0; i < TG_COUNT_OF(cases); i++) {
        const tg_outgoing_t source = {.topic = "source",
                                      .key = cases[i].key,
                                      .value = cases[i].value,
                                      .timestamp_unix_ms = 1234567890123,
                                      .headers = first_headers,
                                      .n_headers = 3,
                                      .ticket = &outbox.deliveries[2 * i]};
        ASSERT_OK(tg_producer_send(producer, &source, &err));
        WAIT_FOR(atomic_load(&outbox.deliveries[2 * i].n) == 1);
        tg_message_t message;
        const tg_partition_t at = {.topic = "source", .partition = 0, .offset = (int64_t)i};
        ASSERT_OK(tg_consumer_fetch_one(member.consumer, &at, PATIENCE_MS, &message, &err));
        const tg_outgoing_t copy = {.topic = TOPIC,
                                    .key = message.key,
                                    .value = message.value,
                                    .timestamp_unix_ms = message.timestamp_unix_ms,
                                    .headers_of = &message,
                                    .headers = more_headers,
                                    .n_headers = 1,
                                    .ticket = &outbox.deliveries[2 * i + 1]};
        ASSERT_OK(tg_producer_send(producer, &copy, &err));
        tg_messages_release(&message, 1);
        assert_null(message.handle);
        WAIT_FOR(atomic_load(&outbox.deliveries[2 * i + 1].n) == 1);

        const tg_partition_t there = {.topic = TOPIC, .partition = 0, .offset = (int64_t)i};
        ASSERT_OK(tg_consumer_fetch_one(member.consumer, &there, PATIENCE_MS, &message, &err));
        if (!tg_bytes_equal(message.key, cases[i].key) ||
            !tg_bytes_equal(message.value, cases[i].value) ||
            (message.key.data == NULL) != (cases[i].key.data == NULL) ||
            (message.value.data == NULL) != (cases[i].value.data == NULL)) {
            fail_msg("%s: not the same bytes", cases[i].name);
        }
        assert_int_equal(message.timestamp_unix_ms, 1234567890123);
        assert_int_equal(message.timestamp_kind, TG_TIMESTAMP_CREATE);
        seen_headers_t seen = {0};
        tg_message_headers_visit(&message, note_header, &seen);
        assert_int_equal(seen.n, 4);
        assert_string_equal(seen.names[0], "trace");
        assert_string_equal(seen.values[0], "a");
        assert_string_equal(seen.values[1], "b");
        assert_string_equal(seen.values[2], "(null)");
        assert_string_equal(seen.names[3], "__connect.errors.topic");
        tg_bytes_t last;
        assert_true(tg_message_header(&message, "trace", &last));
        assert_true(tg_bytes_equal(last, tg_bytes_of("b", 1)));
        assert_false(tg_message_header(&message, "absent", &last));
        tg_messages_release(&message, 1);
    }
    member_close(&member);
    tg_producer_close(producer, 1000);
}

/* --- limits --- */

static void
producer_when_the_broker_finds_a_record_too_large_says_so(void **state)
{
    mock_t *mock = *state;
    mock_topic(mock, TOPIC, 1);
    tg_error_t err = {.status = TG_OK};
    tg_producer_t *producer = open_producer(mock->bootstrap_servers, 1 << 20, "10000");
    ASSERT_OK(send_number(producer, 0, &err));
    WAIT_FOR(atomic_load(&outbox.n_delivered) == 1);
    rd_kafka_mock_push_request_errors(mock->cluster, 0 /* Produce */, 1,
                                      RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE);
    ASSERT_OK(send_number(producer, 1, &err));
    WAIT_FOR(atomic_load(&outbox.n_delivered) == 2);
    assert_each_once(1, 2, TG_ERR_TOO_LARGE);
    /* The sequence of the idempotent producer survives that. */
    ASSERT_OK(send_number(producer, 2, &err));
    WAIT_FOR(atomic_load(&outbox.n_delivered) == 3);
    assert_each_once(2, 3, TG_OK);
    tg_producer_close(producer, 1000);
}

static void
producer_when_its_queue_is_full_pushes_back_and_a_record_beyond_it_is_too_large(void **state)
{
    (void)state;
    tg_error_t err = {.status = TG_OK};
    tg_producer_t *producer = open_producer("127.0.0.1:1", 64 * 1024, "30000");
    static const uint8_t block[64 * 1024 + 1];
    tg_outgoing_t record = {.topic = TOPIC,
                            .value = tg_bytes_of(block, sizeof block),
                            .timestamp_unix_ms = -1,
                            .ticket = &outbox.deliveries[0]};
    ASSERT_FAILS(tg_producer_send(producer, &record, &err), TG_ERR_TOO_LARGE);
    record.value.n_bytes = 1024;
    int n_sent = 0;
    tg_status_t status = TG_OK;
    while (n_sent < 200 && status == TG_OK) {
        record.ticket = &outbox.deliveries[n_sent];
        status = tg_producer_send(producer, &record, &err);
        n_sent += status == TG_OK ? 1 : 0;
    }
    assert_int_equal(status, TG_ERR_FULL);
    assert_in_range(n_sent, 50, 64);
    assert_int_equal(tg_status_reaction(status), TG_REACTION_RETRY);
    int64_t before_ms = tg_clock_now_ms(tg_clock_system());
    tg_producer_close(producer, 200);
    assert_true(tg_clock_now_ms(tg_clock_system()) - before_ms < 5000);
    /* What was given up on is told, too. */
    assert_int_equal(atomic_load(&outbox.n_delivered), n_sent);
    assert_each_once(0, n_sent, TG_ERR_CANCELLED);
}

static void
producer_when_no_broker_answers_in_time_fails_the_record(void **state)
{
    (void)state;
    tg_error_t err = {.status = TG_OK};
    tg_producer_t *producer = open_producer("127.0.0.1:1", 64 * 1024, "500");
    ASSERT_OK(send_number(producer, 0, &err));
    WAIT_FOR(atomic_load(&outbox.n_delivered) == 1);
    assert_each_once(0, 1, TG_ERR_TIMEOUT);
    assert_non_null(strstr(outbox.text, TOPIC));
    tg_producer_close(producer, 100);
}

static void
producer_after_a_fatal_error_writes_again(void **state)
{
    mock_t *mock = *state;
    mock_topic(mock, TOPIC, 1);
    tg_error_t err = {.status = TG_OK};
    tg_producer_t *producer = open_producer(mock->bootstrap_servers, 1 << 20, "10000");
    ASSERT_OK(send_number(producer, 0, &err));
    WAIT_FOR(atomic_load(&outbox.n_delivered) == 1);
    /* OUT_OF_ORDER_SEQUENCE_NUMBER for the oldest record in flight is beyond repair. */
    rd_kafka_mock_push_request_errors(mock->cluster, 0 /* Produce */, 1,
                                      RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER);
    ASSERT_OK(send_number(producer, 1, &err));
    WAIT_FOR(atomic_load(&outbox.n_delivered) == 2);
    assert_int_not_equal(atomic_load(&outbox.deliveries[1].status), TG_OK);
    int i = 2;
    WAIT_FOR(send_number(producer, i, &err) == TG_OK);
    WAIT_FOR(atomic_load(&outbox.n_delivered) == 3);
    assert_each_once(2, 3, TG_OK);
    tg_producer_close(producer, 1000);
}

/* --- topics --- */

static void
producer_creates_a_topic_once_and_is_content_when_it_exists(void **state)
{
    (void)state;
    const char *real = getenv("TG_TEST_KAFKA");
    if (real == NULL) {
        skip(); /* the mock cluster of 2.0.2 has no admin requests */
    }
    tg_error_t err = {.status = TG_OK};
    char topic[64];
    (void)snprintf(topic, sizeof topic, "created-%d", (int)getpid());
    tg_producer_t *producer = open_producer(real, 1 << 20, "10000");
    ASSERT_OK(tg_producer_create_topic(producer, topic, 3, -1, 10000, &err));
    ASSERT_OK(tg_producer_create_topic(producer, topic, 3, 1, 10000, &err));
    ASSERT_FAILS(tg_producer_create_topic(producer, "no/name", 1, 1, 10000, &err), TG_ERR_CONFIG);
    ASSERT_FAILS(tg_producer_create_topic(producer, "too-many-copies", 1, 9, 10000, &err),
                 TG_ERR_CONFIG);
    const tg_kafka_client_options_t client = {.bootstrap_servers = real, .client_id = "tidegate"};
    char pattern[80];
    (void)snprintf(pattern, sizeof pattern, "^%s$", topic);
    const char *const topics[] = {topic, "surely-not-there", pattern};
    tg_kafka_topic_info_t infos[3];
    int n_brokers = 0;
    WAIT_FOR(tg_kafka_probe(&client, topics, 3, 10000, infos, &n_brokers, &err) == TG_OK &&
             infos[0].exists);
    assert_int_equal(n_brokers, 1);
    assert_int_equal(infos[0].n_partitions, 3);
    assert_false(infos[1].exists);
    assert_true(infos[2].exists);
    assert_int_equal(infos[2].n_partitions, 3);
    tg_producer_close(producer, 1000);
}

static void
producer_when_no_broker_answers_gives_up_creating_a_topic_in_time(void **state)
{
    (void)state;
    tg_error_t err = {.status = TG_OK};
    tg_producer_t *producer = open_producer("127.0.0.1:1", 1 << 20, "10000");
    tg_status_t status = tg_producer_create_topic(producer, TOPIC, 1, 1, 300, &err);
    assert_int_equal(tg_status_reaction(status), TG_REACTION_RETRY);
    assert_non_null(strstr(err.text, TOPIC));
    tg_producer_close(producer, 100);
}

/* --- the probe --- */

static void
probe_tells_brokers_and_partitions(void **state)
{
    mock_t *mock = *state;
    mock_topic(mock, "alpha", 2);
    mock_topic(mock, "alps", 3);
    const tg_kafka_client_options_t client = {.bootstrap_servers = mock->bootstrap_servers};
    const char *const topics[] = {"alpha", "^al", "^b"};
    tg_kafka_topic_info_t infos[3];
    int n_brokers = 0;
    tg_error_t err = {.status = TG_OK};
    ASSERT_OK(tg_kafka_probe(&client, topics, 3, PATIENCE_MS, infos, &n_brokers, &err));
    assert_int_equal(n_brokers, 1);
    assert_true(infos[0].exists);
    assert_int_equal(infos[0].n_partitions, 2);
    assert_true(infos[1].exists);
    assert_int_equal(infos[1].n_partitions, 5);
    assert_false(infos[2].exists);
    const char *const wrong[] = {"^("};
    ASSERT_FAILS(tg_kafka_probe(&client, wrong, 1, PATIENCE_MS, infos, &n_brokers, &err),
                 TG_ERR_CONFIG);
}

static void
probe_when_no_broker_answers_says_why_in_time(void **state)
{
    (void)state;
    const tg_kafka_client_options_t client = {.bootstrap_servers = "127.0.0.1:1"};
    const char *const topics[] = {"alpha"};
    tg_kafka_topic_info_t info = {.n_partitions = -7};
    int n_brokers = -7;
    tg_error_t err = {.status = TG_OK};
    int64_t before_ms = tg_clock_now_ms(tg_clock_system());
    ASSERT_FAILS(tg_kafka_probe(&client, topics, 1, 1500, &info, &n_brokers, &err),
                 TG_ERR_UNAVAILABLE);
    assert_true(tg_clock_now_ms(tg_clock_system()) - before_ms < 5000);
    assert_non_null(strstr(err.text, "Connection refused"));
    assert_int_equal(info.n_partitions, -7);
    assert_int_equal(n_brokers, -7);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, mock_setup, mock_teardown)
        T(producer_acknowledges_each_record_once),
        T(producer_copies_a_record_byte_for_byte_with_its_headers_and_appends_ours),
        T(producer_when_the_broker_finds_a_record_too_large_says_so),
        cmocka_unit_test(
            producer_when_its_queue_is_full_pushes_back_and_a_record_beyond_it_is_too_large),
        cmocka_unit_test(producer_when_no_broker_answers_in_time_fails_the_record),
        T(producer_after_a_fatal_error_writes_again),
        cmocka_unit_test(producer_creates_a_topic_once_and_is_content_when_it_exists),
        cmocka_unit_test(producer_when_no_broker_answers_gives_up_creating_a_topic_in_time),
        T(probe_tells_brokers_and_partitions),
        cmocka_unit_test(probe_when_no_broker_answers_says_why_in_time),
#undef T
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
