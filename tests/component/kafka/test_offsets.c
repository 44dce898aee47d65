// links: kafka base
// libs: rdkafka
#include "kafka_mock.h"

#define TOPIC "numbers"

/* --- commits and lookups --- */

static void
consumer_commit_tells_a_fence_from_a_moment(void **state)
{
    static const struct {
        const char *name;
        rd_kafka_resp_err_t code;
        tg_status_t expected;
    } cases[] = {
        {"rebalancing", RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS, TG_ERR_UNAVAILABLE},
        {"illegal generation", RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION, TG_ERR_FENCED},
        {"unknown member", RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID, TG_ERR_FENCED},
        {"no access", RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED, TG_ERR_PERMISSION},
    };

    mock_t *mock = *state;
    mock_topic(mock, TOPIC, 1);
    for (size_t i = 0; i < TG_COUNT_OF(cases); i++) {
        member_t member;
        member_open(&member, mock->bootstrap_servers, TOPIC);
        WAIT_FOR(member_polled(&member) && member.n_owned == 1);
        const tg_partition_t hint = {.topic = TOPIC, .partition = 0, .offset = 40 + (int64_t)i};
        tg_error_t err = {.status = TG_OK};
        ASSERT_OK(tg_consumer_commit_sync(member.consumer, &hint, 1, &err));
        int64_t committed = -2;
        ASSERT_OK(tg_consumer_committed(member.consumer, &hint, PATIENCE_MS, &committed, &err));
        assert_int_equal(committed, 40 + (int64_t)i);
        rd_kafka_mock_push_request_errors(mock->cluster, 8 /* OffsetCommit */, 1, cases[i].code);
        tg_status_t got = tg_consumer_commit_sync(member.consumer, &hint, 1, &err);
        if (got != cases[i].expected) {
            fail_msg("%s: got %s: %s", cases[i].name, tg_status_name(got), err.text);
        }
        rd_kafka_mock_clear_request_errors(mock->cluster, 8);
        member_close(&member);
    }
}

static void
consumer_commit_of_a_foreign_partition_is_fenced_without_asking(void **state)
{
    mock_t *mock = *state;
    mock_topic(mock, TOPIC, 1);
    member_t member;
    member_open(&member, mock->bootstrap_servers, TOPIC);
    const tg_partition_t hint = {.topic = TOPIC, .partition = 0, .offset = 3};
    tg_error_t err = {.status = TG_OK};
    ASSERT_FAILS(tg_consumer_commit_sync(member.consumer, &hint, 1, &err), TG_ERR_FENCED);
    member_close(&member);
}

static void
consumer_commit_async_arrives(void **state)
{
    mock_t *mock = *state;
    mock_topic(mock, TOPIC, 1);
    member_t member;
    member_open(&member, mock->bootstrap_servers, TOPIC);
    WAIT_FOR(member_polled(&member) && member.n_owned == 1);
    const tg_partition_t hint = {.topic = TOPIC, .partition = 0, .offset = 77};
    tg_error_t err = {.status = TG_OK};
    int64_t committed = -2;
    ASSERT_OK(tg_consumer_committed(member.consumer, &hint, PATIENCE_MS, &committed, &err));
    assert_int_equal(committed, -1);
    tg_consumer_commit_async(member.consumer, &hint, 1);
    WAIT_FOR(member_polled(&member) &&
             tg_consumer_committed(member.consumer, &hint, PATIENCE_MS, &committed, &err) ==
                 TG_OK &&
             committed == 77);
    member_close(&member);
}

static void
consumer_lookups_tell_ends_and_cluster(void **state)
{
    mock_t *mock = *state;
    mock_topic(mock, TOPIC, 1);
    mock_fill(mock, TOPIC, 0, 0, 10);
    member_t member;
    member_open(&member, mock->bootstrap_servers, TOPIC);
    const tg_partition_t at = {.topic = TOPIC, .partition = 0};
    const tg_partition_t nowhere = {.topic = TOPIC, .partition = 9};
    tg_error_t err = {.status = TG_OK};
    int64_t start = -2;
    int64_t end = -2;
    const char *id = NULL;
    ASSERT_OK(tg_consumer_cluster_id(member.consumer, PATIENCE_MS, &id, &err));
    assert_true(strlen(id) > 0);
    ASSERT_OK(tg_consumer_watermarks(member.consumer, &at, PATIENCE_MS, &start, &end, &err));
    assert_int_equal(start, 0);
    assert_int_equal(end, 10);
    assert_int_not_equal(
        tg_consumer_watermarks(member.consumer, &nowhere, 2000, &start, &end, &err), TG_OK);
    assert_int_equal(tg_consumer_cached_end(member.consumer, &at), -1);
    WAIT_FOR(member_polled(&member) && member.n_owned == 1);
    member_start(&member, TOPIC, 0, 2, NULL);
    WAIT_FOR(tg_consumer_cached_end(member.consumer, &at) == 10);
    member_close(&member);
}

static void
consumer_fetch_one_gives_exactly_that_record(void **state)
{
    mock_t *mock = *state;
    mock_topic(mock, TOPIC, 1);
    mock_fill(mock, TOPIC, 0, 0, 100);
    member_t member;
    member_open(&member, mock->bootstrap_servers, TOPIC);
    tg_error_t err = {.status = TG_OK};
    tg_message_t message;
    for (int64_t offset = 99; offset >= 0; offset -= 33) {
        const tg_partition_t at = {.topic = TOPIC, .partition = 0, .offset = offset};
        ASSERT_OK(tg_consumer_fetch_one(member.consumer, &at, PATIENCE_MS, &message, &err));
        assert_int_equal(message.offset, offset);
        assert_int_equal(number_of(&message), offset);
        tg_messages_release(&message, 1);
    }
    static const int64_t gone[] = {100, 5000};
    for (size_t i = 0; i < TG_COUNT_OF(gone); i++) {
        const tg_partition_t at = {.topic = TOPIC, .partition = 0, .offset = gone[i]};
        ASSERT_FAILS(tg_consumer_fetch_one(member.consumer, &at, PATIENCE_MS, &message, &err),
                     TG_ERR_NOT_FOUND);
    }
    member_close(&member);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, mock_setup, mock_teardown)
        T(consumer_commit_tells_a_fence_from_a_moment),
        T(consumer_commit_of_a_foreign_partition_is_fenced_without_asking),
        T(consumer_commit_async_arrives),
        T(consumer_lookups_tell_ends_and_cluster),
        T(consumer_fetch_one_gives_exactly_that_record),
#undef T
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
