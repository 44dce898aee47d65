// links: kafka base
// libs: rdkafka
#include <stdatomic.h>

#include "kafka_mock.h"

#define TOPIC "numbers"

/* --- rebalances --- */

static void
consumer_when_a_second_member_joins_gives_it_partitions_that_it_has_not_even_started(void **state)
{
    mock_t *mock = *state;
    mock_topic(mock, TOPIC, 4);
    member_t first;
    member_t second;
    member_open(&first, mock->bootstrap_servers, TOPIC);
    WAIT_FOR(member_polled(&first) && first.n_owned == 4);
    member_start(&first, TOPIC, 0, 0, NULL); /* the others stay unstarted */

    member_open(&second, mock->bootstrap_servers, TOPIC);
    WAIT_FOR(member_polled(&first) && member_polled(&second) && second.n_owned == 2);
    assert_int_equal(first.n_owned, 2);
    for (int32_t p = 0; p < 4; p++) {
        assert_true((member_find(&first, TOPIC, p) != NULL) !=
                    (member_find(&second, TOPIC, p) != NULL));
    }
    member_close(&second);
    WAIT_FOR(member_polled(&first) && first.n_owned == 4);
    assert_int_equal(first.n_lost + second.n_lost, 0);
    member_close(&first);
}

typedef struct lane {
    tg_partition_queue_t *queue;
    int64_t next;
    int64_t end;
    int64_t n_faults; /* cmocka's assertions work on its own thread only */
    atomic_bool stop;
    atomic_bool done;
} lane_t;

static void *
run_lane(void *arg)
{
    lane_t *lane = arg;
    tg_message_t messages[37];
    while (lane->next < lane->end && !atomic_load(&lane->stop)) {
        size_t n = 0;
        tg_error_t err = {.status = TG_OK};
        tg_status_t status = tg_partition_queue_consume(lane->queue, messages, 37, &n, &err);
        lane->n_faults += status != TG_OK ? 1 : 0;
        for (size_t i = 0; i < n; i++) {
            lane->n_faults += messages[i].offset != lane->next++ ? 1 : 0;
        }
        tg_messages_release(messages, n);
    }
    atomic_store(&lane->done, true);
    return NULL;
}

/* With librdkafka 2.0.2, a rebalance throws away what a batch call of another thread has in hand
 * ("known issues" of 2.0.0): records would be missing here if the group member fetched. */
static void
consumer_while_members_come_and_go_skips_and_repeats_nothing_of_what_it_keeps(void **state)
{
    mock_t *mock = *state;
    mock_topic(mock, TOPIC, 2);
    const int64_t n_records = 60000;
    mock_fill(mock, TOPIC, 0, 0, n_records);
    mock_fill(mock, TOPIC, 1, 0, n_records);
    member_t first;
    member_open(&first, mock->bootstrap_servers, TOPIC);
    WAIT_FOR(member_polled(&first) && first.n_owned == 2);

    /* Whichever partition is revoked loses its lane; the other one's must run on undisturbed. */
    int n_joins = 0;
    lane_t lane = {.end = n_records};
    pthread_t thread;
    member_t probe;
    member_open(&probe, mock->bootstrap_servers, TOPIC);
    WAIT_FOR(member_polled(&first) && member_polled(&probe) && probe.n_owned == 1);
    int32_t kept = first.owned[0].partition;
    member_start(&first, TOPIC, kept, 0, NULL);
    const owned_t *mine = member_find(&first, TOPIC, kept);
    lane.queue = mine != NULL ? mine->queue : NULL;
    assert_non_null(lane.queue);
    assert_int_equal(pthread_create(&thread, NULL, run_lane, &lane), 0);
    while (!atomic_load(&lane.done) || n_joins < 2) {
        member_close(&probe);
        WAIT_FOR(member_polled(&first) && first.n_owned == 2);
        member_open(&probe, mock->bootstrap_servers, TOPIC);
        WAIT_FOR(member_polled(&first) && member_polled(&probe) && probe.n_owned == 1);
        n_joins++;
        if (member_find(&first, TOPIC, kept) == NULL) {
            break;
        }
    }
    atomic_store(&lane.stop, true);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(lane.n_faults, 0);
    assert_true(lane.next > 0);
    member_close(&probe);
    member_close(&first);
}

static void
consumer_when_the_group_forgets_it_says_lost_and_joins_again(void **state)
{
    mock_t *mock = *state;
    mock_topic(mock, TOPIC, 1);
    mock_fill(mock, TOPIC, 0, 0, 5);
    member_t member;
    member_open(&member, mock->bootstrap_servers, TOPIC);
    WAIT_FOR(member_polled(&member) && member.n_owned == 1);
    member_start(&member, TOPIC, 0, 0, NULL);
    member.commits_on_revoke = true;
    rd_kafka_mock_push_request_errors(mock->cluster, 12 /* Heartbeat */, 1,
                                      RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID);
    WAIT_FOR(member_polled(&member) && member.n_lost == 1);
    assert_int_equal(member.commit_status, TG_ERR_FENCED);
    member.commits_on_revoke = false;
    WAIT_FOR(member_polled(&member) && member.n_owned == 1);
    int64_t next = 2;
    member_start(&member, TOPIC, 0, next, NULL);
    WAIT_FOR(member_polled(&member) &&
             (take_in_order(member_find(&member, TOPIC, 0)->queue, 100, &next), next == 5));
    member_close(&member);
}

static void
consumer_when_it_leaves_may_commit_in_on_revoked(void **state)
{
    mock_t *mock = *state;
    mock_topic(mock, TOPIC, 1);
    member_t member;
    member_open(&member, mock->bootstrap_servers, TOPIC);
    WAIT_FOR(member_polled(&member) && member.n_owned == 1);
    member.commits_on_revoke = true;
    member.commit_status = TG_ERR_INTERNAL;
    member_close(&member);
    assert_int_equal(member.commit_status, TG_OK);
    assert_int_equal(member.n_lost, 0);
}

static void
consumer_with_an_instance_id_comes_back_to_its_partitions_and_disturbs_nobody(void **state)
{
    mock_t *mock = *state;
    mock_topic(mock, TOPIC, 4);
    member_t first;
    member_t second;
    member_open_as(&first, mock->bootstrap_servers, TOPIC, "first");
    member_open_as(&second, mock->bootstrap_servers, TOPIC, "second");
    WAIT_FOR(member_polled(&first) && member_polled(&second) && first.n_owned == 2 &&
             second.n_owned == 2);
    int32_t mine[2] = {first.owned[0].partition, first.owned[1].partition};
    int n_assignments = second.n_assignments;
    int n_revocations = second.n_revocations;
    member_close(&first);
    member_open_as(&first, mock->bootstrap_servers, TOPIC, "first");
    WAIT_FOR(member_polled(&first) && member_polled(&second) && first.n_owned == 2);
    for (int i = 0; i < 2; i++) {
        assert_non_null(member_find(&first, TOPIC, mine[i]));
    }
    assert_int_equal(second.n_assignments, n_assignments);
    assert_int_equal(second.n_revocations, n_revocations);
    member_close(&second);
    member_close(&first);
}

/* librdkafka 2.0.2 aborts, or waits for ever, when a member is destroyed at the wrong moment of a
 * join (its issues 4381 and 4527). */
static void
consumer_closed_at_any_moment_of_a_join_comes_to_an_end(void **state)
{
    static const int64_t moments_ms[] = {0, 3, 10, 40, 300};
    mock_t *mock = *state;
    mock_topic(mock, TOPIC, 1);
    for (size_t i = 0; i < TG_COUNT_OF(moments_ms); i++) {
        member_t member;
        member_open(&member, mock->bootstrap_servers, TOPIC);
        int64_t until_ms = tg_clock_now_ms(tg_clock_system()) + moments_ms[i];
        while (tg_clock_now_ms(tg_clock_system()) < until_ms) {
            tg_consumer_poll(member.consumer, 1);
        }
        int64_t before_ms = tg_clock_now_ms(tg_clock_system());
        member_close(&member);
        assert_true(tg_clock_now_ms(tg_clock_system()) - before_ms < 8000);
    }
}

static void
consumer_that_gets_no_partition_closes_in_time(void **state)
{
    mock_t *mock = *state;
    mock_topic(mock, TOPIC, 1);
    member_t first;
    member_t spare;
    member_open(&first, mock->bootstrap_servers, TOPIC);
    WAIT_FOR(member_polled(&first) && first.n_owned == 1);
    member_open(&spare, mock->bootstrap_servers, TOPIC);
    int64_t until_ms = tg_clock_now_ms(tg_clock_system()) + 4500;
    while (tg_clock_now_ms(tg_clock_system()) < until_ms) {
        tg_consumer_poll(first.consumer, 10); /* the spare one never sees its empty assignment */
    }
    int64_t before_ms = tg_clock_now_ms(tg_clock_system());
    member_close(&spare);
    member_close(&first);
    assert_true(tg_clock_now_ms(tg_clock_system()) - before_ms < 8000);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, mock_setup, mock_teardown)
        T(consumer_when_a_second_member_joins_gives_it_partitions_that_it_has_not_even_started),
        T(consumer_while_members_come_and_go_skips_and_repeats_nothing_of_what_it_keeps),
        T(consumer_when_the_group_forgets_it_says_lost_and_joins_again),
        T(consumer_when_it_leaves_may_commit_in_on_revoked),
        T(consumer_with_an_instance_id_comes_back_to_its_partitions_and_disturbs_nobody),
        T(consumer_closed_at_any_moment_of_a_join_comes_to_an_end),
        T(consumer_that_gets_no_partition_closes_in_time),
#undef T
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
