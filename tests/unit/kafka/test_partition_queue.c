// links: kafka base
// libs: rdkafka
/*
 * The queue of one partition, with librdkafka's side scripted by link seam: what a batch call gives
 * out, and that each message is given back exactly once.
 */
#include <stdatomic.h>

#include "consumer_internal.h"
#include "tg_test.h"

#define SCRIPT_MAX 4096

/* --- the script --- */

static struct {
    rd_kafka_message_t messages[SCRIPT_MAX];
    int n_destroyed[SCRIPT_MAX];
    size_t n_messages;
    size_t next; /* the first that is not given out yet */
    void (*between)(void);
} script;

ssize_t
rd_kafka_consume_batch_queue(rd_kafka_queue_t *queue, int timeout_ms, rd_kafka_message_t **messages,
                             size_t max_messages)
{
    size_t n = 0;
    (void)queue;
    assert_int_equal(timeout_ms, 0);
    while (n < max_messages && script.next < script.n_messages) {
        messages[n++] = &script.messages[script.next++];
    }
    if (script.between != NULL) {
        script.between();
    }
    return (ssize_t)n;
}

void
rd_kafka_message_destroy(rd_kafka_message_t *message)
{
    script.n_destroyed[message - script.messages]++;
}

int64_t
rd_kafka_message_timestamp(const rd_kafka_message_t *message, rd_kafka_timestamp_type_t *type)
{
    *type = RD_KAFKA_TIMESTAMP_LOG_APPEND_TIME;
    return 1000 + message->offset;
}

static void
add(int64_t offset, rd_kafka_resp_err_t code)
{
    static char reason[] = "scripted";
    script.messages[script.n_messages++] = (rd_kafka_message_t){
        .offset = offset, .err = code, .payload = reason, .len = sizeof reason - 1};
}

static void
assert_all_given_back(void)
{
    assert_int_equal(script.next, script.n_messages);
    for (size_t i = 0; i < script.n_messages; i++) {
        assert_int_equal(script.n_destroyed[i], 1);
    }
}

/* --- a consumer that owns one partition --- */

typedef struct bench {
    tg_consumer_t consumer;
    tg_kafka_link_t link;
    tg_partition_queue_t *queue;
} bench_t;

static int
open_bench(void **state)
{
    static bench_t bench;
    tg_error_t err = {.status = TG_OK};
    const tg_kafka_client_options_t client = {.bootstrap_servers = "127.0.0.1:1"};
    const tg_partition_t at = {.topic = "t", .partition = 3};
    memset(&script, 0, sizeof script);
    memset(&bench, 0, sizeof bench);
    tg_assignment_init(&bench.consumer.assignment);
    ASSERT_OK(tg_fetcher_conf_new(&client, &bench.link, &bench.consumer.fetcher_conf, &err));
    ASSERT_OK(
        tg_fetcher_open(bench.consumer.fetcher_conf, 1 << 24, 4, &bench.consumer.fetcher, &err));
    ASSERT_OK(tg_assignment_add(&bench.consumer.assignment, "t", 3, &err));
    ASSERT_OK(tg_partition_queue_open(&bench.consumer, &at, NULL, &bench.queue, &err));
    tg_partition_queue_t *second = NULL;
    ASSERT_FAILS(tg_partition_queue_open(&bench.consumer, &at, NULL, &second, &err),
                 TG_ERR_INTERNAL);
    *state = &bench;
    return 0;
}

static int
close_bench(void **state)
{
    bench_t *bench = *state;
    script.between = NULL;
    tg_partition_queue_close(bench->queue);
    assert_all_given_back();
    tg_fetcher_close(bench->consumer.fetcher);
    rd_kafka_conf_destroy(bench->consumer.fetcher_conf);
    tg_assignment_done(&bench->consumer.assignment);
    return 0;
}

/* --- tests --- */

static void
partition_queue_when_it_is_empty_gives_none(void **state)
{
    bench_t *bench = *state;
    tg_message_t messages[4];
    size_t n = 99;
    tg_error_t err = {.status = TG_OK};
    ASSERT_OK(tg_partition_queue_consume(bench->queue, messages, 4, &n, &err));
    assert_int_equal(n, 0);
}

static void
partition_queue_gives_views_with_time_and_kind(void **state)
{
    bench_t *bench = *state;
    add(7, RD_KAFKA_RESP_ERR_NO_ERROR);
    tg_message_t message;
    size_t n = 0;
    tg_error_t err = {.status = TG_OK};
    ASSERT_OK(tg_partition_queue_consume(bench->queue, &message, 1, &n, &err));
    assert_int_equal(n, 1);
    assert_int_equal(message.offset, 7);
    assert_null(message.key.data);
    assert_memory_equal(message.value.data, "scripted", 8);
    assert_int_equal(message.timestamp_unix_ms, 1007);
    assert_int_equal(message.timestamp_kind, TG_TIMESTAMP_LOG_APPEND);
    tg_messages_release(&message, 1);
    tg_messages_release(&message, 1); /* the second time does nothing */
}

/* Any mixture of records, ends and passing errors comes out complete and in order, each error at
 * its place, whatever the sizes of the calls. */
static void
partition_queue_gives_each_record_and_error_once_and_in_order(void **state)
{
    bench_t *bench = *state;
    unsigned random = 99;
    for (int64_t offset = 0; offset < 4000; offset++) {
        random = random * 1103515245U + 12345U;
        unsigned die = (random >> 16) % 100;
        add(offset, die < 3   ? RD_KAFKA_RESP_ERR_INVALID_MSG
                    : die < 5 ? RD_KAFKA_RESP_ERR__PARTITION_EOF
                              : RD_KAFKA_RESP_ERR_NO_ERROR);
    }
    tg_message_t messages[700];
    size_t i = 0;
    while (i < script.n_messages) {
        random = random * 1103515245U + 12345U;
        size_t n = 0;
        tg_error_t err = {.status = TG_OK};
        tg_status_t status =
            tg_partition_queue_consume(bench->queue, messages, 1 + (random >> 16) % 700, &n, &err);
        while (i < script.n_messages &&
               script.messages[i].err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
            i++;
        }
        if (status != TG_OK) {
            assert_int_equal(status, TG_ERR_UNAVAILABLE);
            assert_int_equal(script.messages[i++].err, RD_KAFKA_RESP_ERR_INVALID_MSG);
            continue;
        }
        for (size_t k = 0; k < n; k++) {
            while (script.messages[i].err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
                i++;
            }
            assert_int_equal(script.messages[i].err, RD_KAFKA_RESP_ERR_NO_ERROR);
            assert_int_equal(messages[k].offset, script.messages[i++].offset);
        }
        tg_messages_release(messages, n);
    }
}

static void
partition_queue_after_an_unreadable_record_gives_nothing_until_it_is_started_again(void **state)
{
    static const struct {
        rd_kafka_resp_err_t code;
        tg_status_t expected;
        tg_reaction_t reaction;
    } cases[] = {
        {RD_KAFKA_RESP_ERR__BAD_MSG, TG_ERR_LOST, TG_REACTION_ABORT},
        {RD_KAFKA_RESP_ERR__BAD_COMPRESSION, TG_ERR_LOST, TG_REACTION_ABORT},
        {RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET, TG_ERR_MISSING_OFFSETS, TG_REACTION_FATAL},
        {RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE, TG_ERR_MISSING_OFFSETS, TG_REACTION_FATAL},
    };

    bench_t *bench = *state;
    for (size_t i = 0; i < TG_COUNT_OF(cases); i++) {
        tg_message_t messages[10];
        size_t n = 0;
        tg_error_t err = {.status = TG_OK};
        add(40, RD_KAFKA_RESP_ERR_NO_ERROR);
        add(41, cases[i].code);
        add(42, RD_KAFKA_RESP_ERR_NO_ERROR); /* behind the gap: must never come out */
        ASSERT_OK(tg_partition_queue_consume(bench->queue, messages, 10, &n, &err));
        assert_int_equal(n, 1);
        assert_int_equal(messages[0].offset, 40);
        tg_messages_release(messages, n);
        for (int again = 0; again < 3; again++) {
            ASSERT_FAILS(tg_partition_queue_consume(bench->queue, messages, 10, &n, &err),
                         cases[i].expected);
            assert_int_equal(tg_status_reaction(err.status), cases[i].reaction);
            assert_non_null(strstr(err.text, "t[3]"));
            assert_non_null(strstr(err.text, "41"));
        }
        tg_partition_queue_forget(bench->queue); /* what a stop does */
        add(41, RD_KAFKA_RESP_ERR_NO_ERROR);
        ASSERT_OK(tg_partition_queue_consume(bench->queue, messages, 10, &n, &err));
        assert_int_equal(n, 1);
        assert_int_equal(messages[0].offset, 41);
        tg_messages_release(messages, n);
    }
}

static void
partition_queue_when_stopped_drops_what_is_left_inside(void **state)
{
    bench_t *bench = *state;
    tg_message_t messages[10];
    size_t n = 0;
    tg_error_t err = {.status = TG_OK};
    add(1, RD_KAFKA_RESP_ERR_NO_ERROR);
    add(2, RD_KAFKA_RESP_ERR_INVALID_MSG); /* held back, with what follows */
    add(3, RD_KAFKA_RESP_ERR_NO_ERROR);
    ASSERT_OK(tg_partition_queue_consume(bench->queue, messages, 10, &n, &err));
    assert_int_equal(n, 1);
    tg_messages_release(messages, n);
    add(4, RD_KAFKA_RESP_ERR_NO_ERROR);
    tg_partition_queue_forget(bench->queue);
    ASSERT_OK(tg_partition_queue_consume(bench->queue, messages, 10, &n, &err));
    assert_int_equal(n, 0);
}

static bench_t *stopped_bench;

static void
stop_between(void)
{
    script.between = NULL;
    tg_partition_queue_forget(stopped_bench->queue);
}

static void
partition_queue_when_stopped_during_the_call_gives_nothing(void **state)
{
    stopped_bench = *state;
    tg_message_t messages[10];
    size_t n = 99;
    tg_error_t err = {.status = TG_OK};
    add(1, RD_KAFKA_RESP_ERR_NO_ERROR);
    add(2, RD_KAFKA_RESP_ERR_NO_ERROR);
    script.between = stop_between;
    ASSERT_OK(tg_partition_queue_consume(stopped_bench->queue, messages, 10, &n, &err));
    assert_int_equal(n, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, open_bench, close_bench)
        T(partition_queue_when_it_is_empty_gives_none),
        T(partition_queue_gives_views_with_time_and_kind),
        T(partition_queue_gives_each_record_and_error_once_and_in_order),
        T(partition_queue_after_an_unreadable_record_gives_nothing_until_it_is_started_again),
        T(partition_queue_when_stopped_drops_what_is_left_inside),
        T(partition_queue_when_stopped_during_the_call_gives_nothing),
#undef T
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
