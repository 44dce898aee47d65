// links: kafka base
// libs: rdkafka
#include <time.h>

#include "kafka_mock.h"

#define TOPIC "numbers"

/* --- assignment and start --- */

static void
consumer_when_partitions_are_assigned_gives_records_from_the_start_offset_on(void **state)
{
    mock_t *mock = *state;
    mock_topic(mock, TOPIC, 2);
    mock_fill(mock, TOPIC, 0, 0, 1000);
    member_t member;
    member_open(&member, mock->bootstrap_servers, TOPIC);
    WAIT_FOR(member_polled(&member) && member.n_owned == 2);

    int64_t next = 250;
    member_start(&member, TOPIC, 0, next, NULL);
    WAIT_FOR(member_polled(&member) &&
             (take_in_order(member_find(&member, TOPIC, 0)->queue, 100, &next), next == 1000));
    assert_int_equal(member.n_errors, 0);
    member_close(&member);
    assert_int_equal(member.n_lost, 0);
}

static void
consumer_when_a_partition_is_started_late_kept_it_meanwhile(void **state)
{
    mock_t *mock = *state;
    mock_topic(mock, TOPIC, 1);
    mock_fill(mock, TOPIC, 0, 0, 10);
    member_t member;
    member_open(&member, mock->bootstrap_servers, TOPIC);
    WAIT_FOR(member_polled(&member) && member.n_owned == 1);

    /* Longer than the session: heartbeats go on though nothing is fetched. */
    int64_t until_ms = tg_clock_now_ms(tg_clock_system()) + 5000;
    while (tg_clock_now_ms(tg_clock_system()) < until_ms) {
        tg_consumer_poll(member.consumer, 100);
    }
    assert_int_equal(member.n_revocations, 0);
    int64_t next = 0;
    member_start(&member, TOPIC, 0, next, NULL);
    WAIT_FOR(member_polled(&member) &&
             (take_in_order(member_find(&member, TOPIC, 0)->queue, 100, &next), next == 10));
    member_close(&member);
}

static void
consumer_when_a_partition_is_not_assigned_refuses_to_start_it(void **state)
{
    mock_t *mock = *state;
    mock_topic(mock, TOPIC, 1);
    member_t member;
    member_open(&member, mock->bootstrap_servers, TOPIC);
    const tg_partition_t foreign = {.topic = TOPIC, .partition = 0, .offset = 0};
    tg_error_t err = {.status = TG_OK};
    tg_partition_queue_t *queue = NULL;
    ASSERT_FAILS(tg_consumer_start_partition(member.consumer, &foreign, &err), TG_ERR_FENCED);
    ASSERT_FAILS(tg_consumer_stop_partition(member.consumer, &foreign, &err), TG_ERR_FENCED);
    ASSERT_FAILS(tg_partition_queue_open(member.consumer, &foreign, NULL, &queue, &err),
                 TG_ERR_FENCED);
    member_close(&member);
}

static void
consumer_when_records_arrive_rings_the_wake_of_the_lane(void **state)
{
    mock_t *mock = *state;
    mock_topic(mock, TOPIC, 1);
    member_t member;
    member_open(&member, mock->bootstrap_servers, TOPIC);
    WAIT_FOR(member_polled(&member) && member.n_owned == 1);
    tg_wake_t wake;
    tg_error_t err = {.status = TG_OK};
    ASSERT_OK(tg_wake_open(&wake, &err));
    member_start(&member, TOPIC, 0, 0, &wake);
    int64_t next = 0;
    for (int round = 0; round < 5; round++) {
        mock_fill(mock, TOPIC, 0, round, 1);
        /* No poll: only the wake tells. The start itself may ring too. */
        while (next == round) {
            (void)tg_wake_wait(&wake, -1, 0, PATIENCE_MS);
            (void)take_in_order(member_find(&member, TOPIC, 0)->queue, 100, &next);
        }
    }
    member_close(&member);
    tg_wake_close(&wake);
}

/* --- rewinding --- */

static void
consumer_when_rewound_never_gives_a_record_from_before(void **state)
{
    mock_t *mock = *state;
    mock_topic(mock, TOPIC, 1);
    const int64_t n_records = 20000;
    mock_fill(mock, TOPIC, 0, 0, n_records);
    member_t member;
    member_open(&member, mock->bootstrap_servers, TOPIC);
    WAIT_FOR(member_polled(&member) && member.n_owned == 1);

    unsigned random = 12345;
    for (int round = 0; round < 200; round++) {
        random = random * 1103515245U + 12345U;
        int64_t next = (int64_t)((random >> 8) % (unsigned)(n_records - 700));
        member_start(&member, TOPIC, 0, next, NULL); /* stops what runs */
        size_t wanted = round % 3 == 0 ? 1 : (random >> 4) % 600;
        size_t n = 0;
        /* Sometimes nothing is taken, so that rewinds meet requests under way. */
        WAIT_FOR((n += take_in_order(member_find(&member, TOPIC, 0)->queue, 150, &next)) >= wanted);
    }
    member_close(&member);
}

static void
consumer_when_stopped_gives_nothing_more(void **state)
{
    mock_t *mock = *state;
    mock_topic(mock, TOPIC, 1);
    mock_fill(mock, TOPIC, 0, 0, 1000);
    member_t member;
    member_open(&member, mock->bootstrap_servers, TOPIC);
    WAIT_FOR(member_polled(&member) && member.n_owned == 1);
    int64_t next = 0;
    member_start(&member, TOPIC, 0, next, NULL);
    tg_partition_queue_t *queue = member_find(&member, TOPIC, 0)->queue;
    WAIT_FOR(take_in_order(queue, 10, &next) > 0);
    const tg_partition_t at = {.topic = TOPIC, .partition = 0};
    tg_error_t err = {.status = TG_OK};
    ASSERT_OK(tg_consumer_stop_partition(member.consumer, &at, &err));
    mock_fill(mock, TOPIC, 0, 1000, 100);
    for (int i = 0; i < 20; i++) {
        assert_int_equal(take_in_order(queue, 100, &next), 0);
        tg_consumer_poll(member.consumer, 20);
    }
    member_start(&member, TOPIC, 0, next, NULL);
    WAIT_FOR((take_in_order(queue, 600, &next), next == 1100));
    member_close(&member);
}

/* --- errors of a partition --- */

static void
consumer_when_the_offset_is_gone_says_so_until_it_is_started_elsewhere(void **state)
{
    mock_t *mock = *state;
    mock_topic(mock, TOPIC, 1);
    mock_fill(mock, TOPIC, 0, 0, 10);
    member_t member;
    member_open(&member, mock->bootstrap_servers, TOPIC);
    WAIT_FOR(member_polled(&member) && member.n_owned == 1);
    member_start(&member, TOPIC, 0, 5000, NULL);
    tg_partition_queue_t *queue = member_find(&member, TOPIC, 0)->queue;
    tg_message_t messages[10];
    size_t n = 0;
    tg_error_t err = {.status = TG_OK};
    tg_status_t status = TG_OK;
    WAIT_FOR(member_polled(&member) &&
             (status = tg_partition_queue_consume(queue, messages, 10, &n, &err)) != TG_OK);
    assert_int_equal(status, TG_ERR_MISSING_OFFSETS);
    assert_non_null(strstr(err.text, "5000"));
    assert_non_null(strstr(err.text, TOPIC "[0]"));
    ASSERT_FAILS(tg_partition_queue_consume(queue, messages, 10, &n, &err), TG_ERR_MISSING_OFFSETS);
    int64_t next = 3;
    member_start(&member, TOPIC, 0, next, NULL);
    WAIT_FOR(member_polled(&member) && (take_in_order(queue, 10, &next), next == 10));
    member_close(&member);
}

static void
consumer_when_a_fetch_fails_for_a_moment_reports_it_and_goes_on(void **state)
{
    mock_t *mock = *state;
    mock_topic(mock, TOPIC, 1);
    mock_fill(mock, TOPIC, 0, 0, 10);
    member_t member;
    member_open(&member, mock->bootstrap_servers, TOPIC);
    WAIT_FOR(member_polled(&member) && member.n_owned == 1);
    rd_kafka_mock_push_request_errors(mock->cluster, 1 /* Fetch */, 2,
                                      RD_KAFKA_RESP_ERR_INVALID_MSG,
                                      RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED);
    member_start(&member, TOPIC, 0, 0, NULL);
    tg_partition_queue_t *queue = member_find(&member, TOPIC, 0)->queue;
    tg_message_t messages[10];
    size_t n_seen = 0;
    int n_unavailable = 0;
    int n_permission = 0;
    tg_error_t err = {.status = TG_OK};
    int64_t until_ms = tg_clock_now_ms(tg_clock_system()) + PATIENCE_MS;
    while (n_seen < 10) {
        assert_true(tg_clock_now_ms(tg_clock_system()) < until_ms);
        size_t n = 0;
        tg_status_t status = tg_partition_queue_consume(queue, messages, 10, &n, &err);
        n_unavailable += status == TG_ERR_UNAVAILABLE ? 1 : 0;
        n_permission += status == TG_ERR_PERMISSION ? 1 : 0;
        for (size_t i = 0; i < n; i++) {
            assert_int_equal(messages[i].offset, (int64_t)n_seen++);
        }
        tg_messages_release(messages, n);
    }
    assert_int_equal(n_unavailable, 1);
    assert_int_equal(n_permission, 1);
    member_close(&member);
}

/* --- the consumer as a whole --- */

static void *
interrupt_later(void *arg)
{
    const struct timespec moment = {.tv_nsec = 100000000};
    (void)nanosleep(&moment, NULL);
    tg_consumer_interrupt(arg);
    return NULL;
}

static void
consumer_interrupt_ends_a_long_poll_at_once(void **state)
{
    mock_t *mock = *state;
    mock_topic(mock, TOPIC, 1);
    member_t member;
    member_open(&member, mock->bootstrap_servers, TOPIC);
    WAIT_FOR(member_polled(&member) && member.n_owned == 1);
    int64_t before_ms = tg_clock_now_ms(tg_clock_system());
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, interrupt_later, member.consumer), 0);
    tg_consumer_poll(member.consumer, 15000);
    assert_true(tg_clock_now_ms(tg_clock_system()) - before_ms < 5000);
    assert_int_equal(pthread_join(thread, NULL), 0);
    /* One that comes before the poll counts too. */
    tg_consumer_interrupt(member.consumer);
    before_ms = tg_clock_now_ms(tg_clock_system());
    tg_consumer_poll(member.consumer, 15000);
    assert_true(tg_clock_now_ms(tg_clock_system()) - before_ms < 5000);
    member_close(&member);
}

static void
consumer_when_the_topic_is_missing_says_so(void **state)
{
    mock_t *mock = *state;
    rd_kafka_mock_topic_set_error(mock->cluster, "no-such-topic",
                                  RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART);
    member_t member;
    member_open(&member, mock->bootstrap_servers, "no-such-topic");
    WAIT_FOR(member_polled(&member) && member.n_errors > 0);
    assert_int_equal(member.last_error.status, TG_ERR_MISSING);
    assert_non_null(strstr(member.last_error.text, "no-such-topic"));
    member_close(&member);
}

static void
consumer_when_no_broker_answers_says_where_it_looked_and_closes_in_time(void **state)
{
    (void)state;
    member_t member;
    member_open(&member, "127.0.0.1:1", TOPIC);
    WAIT_FOR(member_polled(&member) && member.n_errors > 0);
    assert_int_equal(member.last_error.status, TG_ERR_UNAVAILABLE);
    assert_non_null(strstr(member.last_error.text, "127.0.0.1:1"));
    assert_non_null(strstr(member.last_error.text, "bootstrap_servers"));
    const char *id = NULL;
    tg_error_t err = {.status = TG_OK};
    ASSERT_FAILS(tg_consumer_cluster_id(member.consumer, 100, &id, &err), TG_ERR_TIMEOUT);
    int64_t before_ms = tg_clock_now_ms(tg_clock_system());
    member_close(&member);
    assert_true(tg_clock_now_ms(tg_clock_system()) - before_ms < 8000);
}

static void
consumer_when_the_brokers_die_under_load_closes_in_time(void **state)
{
    mock_t *mock = *state;
    mock_topic(mock, TOPIC, 2);
    mock_fill(mock, TOPIC, 0, 0, 5000);
    member_t member;
    member_open(&member, mock->bootstrap_servers, TOPIC);
    WAIT_FOR(member_polled(&member) && member.n_owned == 2);
    int64_t next = 0;
    member_start(&member, TOPIC, 0, 0, NULL);
    member_start(&member, TOPIC, 1, 0, NULL);
    WAIT_FOR(take_in_order(member_find(&member, TOPIC, 0)->queue, 10, &next) > 0);
    assert_int_equal(rd_kafka_mock_broker_set_down(mock->cluster, 1), 0);
    WAIT_FOR(member_polled(&member) && member.n_errors > 0);
    const tg_partition_t hint = {.topic = TOPIC, .partition = 0, .offset = next};
    tg_error_t err = {.status = TG_OK};
    tg_status_t status = tg_consumer_commit_sync(member.consumer, &hint, 1, &err);
    assert_int_equal(tg_status_reaction(status), TG_REACTION_RETRY);
    int64_t before_ms = tg_clock_now_ms(tg_clock_system());
    member_close(&member);
    assert_true(tg_clock_now_ms(tg_clock_system()) - before_ms < 8000);
    assert_int_equal(rd_kafka_mock_broker_set_up(mock->cluster, 1), 0);
}

static void
consumer_when_the_brokers_come_back_goes_on_where_it_was(void **state)
{
    mock_t *mock = *state;
    mock_topic(mock, TOPIC, 1);
    mock_fill(mock, TOPIC, 0, 0, 100);
    member_t member;
    member_open(&member, mock->bootstrap_servers, TOPIC);
    WAIT_FOR(member_polled(&member) && member.n_owned == 1);
    int64_t next = 0;
    member_start(&member, TOPIC, 0, 0, NULL);
    tg_partition_queue_t *queue = member_find(&member, TOPIC, 0)->queue;
    WAIT_FOR((take_in_order(queue, 10, &next), next == 100));
    assert_int_equal(rd_kafka_mock_broker_set_down(mock->cluster, 1), 0);
    WAIT_FOR(member_polled(&member) && member.n_errors > 0);
    assert_int_equal(rd_kafka_mock_broker_set_up(mock->cluster, 1), 0);
    mock_fill(mock, TOPIC, 0, 100, 100);
    WAIT_FOR(member_polled(&member) && member.n_owned == 1 &&
             (take_in_order(queue, 10, &next), next == 200));
    member_close(&member);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, mock_setup, mock_teardown)
        T(consumer_when_partitions_are_assigned_gives_records_from_the_start_offset_on),
        T(consumer_when_a_partition_is_started_late_kept_it_meanwhile),
        T(consumer_when_a_partition_is_not_assigned_refuses_to_start_it),
        T(consumer_when_records_arrive_rings_the_wake_of_the_lane),
        T(consumer_when_rewound_never_gives_a_record_from_before),
        T(consumer_when_stopped_gives_nothing_more),
        T(consumer_when_the_offset_is_gone_says_so_until_it_is_started_elsewhere),
        T(consumer_when_a_fetch_fails_for_a_moment_reports_it_and_goes_on),
        T(consumer_interrupt_ends_a_long_poll_at_once),
        T(consumer_when_the_topic_is_missing_says_so),
        cmocka_unit_test(consumer_when_no_broker_answers_says_where_it_looked_and_closes_in_time),
        T(consumer_when_the_brokers_die_under_load_closes_in_time),
        T(consumer_when_the_brokers_come_back_goes_on_where_it_was),
#undef T
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
