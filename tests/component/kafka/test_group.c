// links: kafka base
// libs: rdkafka
/*
 * Members of one group come and go while records arrive: each partition has one owner at any
 * moment, and each record is seen exactly once, in order. Against the mock cluster; against a real
 * one when TG_TEST_KAFKA names its bootstrap servers (TG_TEST_SECONDS: for how long).
 */
#include <stdatomic.h>
#include <time.h>
#include <unistd.h>

#include "kafka_mock.h"

#define TOPIC        "group-numbers"
#define N_PARTITIONS 6
#define N_SEATS      3

/* What the ledger in the database is to the sink. */
typedef struct ledger_row {
    pthread_mutex_t mutex;
    int owner; /* seat + 1; 0: nobody */
    int64_t next_offset;
    int64_t next_number;
} ledger_row_t;

typedef struct seat {
    int number;
    pthread_t thread;
    bool taken;
    atomic_bool leave;
    tg_consumer_t *consumer;
    tg_partition_queue_t *queues[N_PARTITIONS];
} seat_t;

typedef struct group {
    char bootstrap_servers[256];
    char topic[64];
    char name[64];
    ledger_row_t rows[N_PARTITIONS];
    seat_t seats[N_SEATS];
    atomic_int n_assigned;
    atomic_int n_lost;
    atomic_int n_faults;
    char fault[256];
    atomic_bool stop_producing;
    _Atomic int64_t n_produced[N_PARTITIONS];
} group_t;

static group_t group;

#define FAULT(...)                                                                                 \
    do {                                                                                           \
        if (atomic_fetch_add(&group.n_faults, 1) == 0) {                                           \
            (void)snprintf(group.fault, sizeof group.fault, __VA_ARGS__);                          \
        }                                                                                          \
    } while (0)

static void
claim(void *arg, const tg_partition_t *partitions, size_t n)
{
    seat_t *seat = arg;
    for (size_t i = 0; i < n; i++) {
        tg_partition_t at = partitions[i];
        ledger_row_t *row = &group.rows[at.partition];
        (void)pthread_mutex_lock(&row->mutex);
        if (row->owner != 0) {
            FAULT("%d is given to seat %d and still belongs to %d", at.partition, seat->number,
                  row->owner - 1);
        }
        row->owner = seat->number + 1;
        at.offset = row->next_offset;
        (void)pthread_mutex_unlock(&row->mutex);
        tg_error_t err = {.status = TG_OK};
        if (tg_partition_queue_open(seat->consumer, &at, NULL, &seat->queues[at.partition], &err) !=
                TG_OK ||
            tg_consumer_start_partition(seat->consumer, &at, &err) != TG_OK) {
            FAULT("%s", err.text);
        }
        atomic_fetch_add(&group.n_assigned, 1);
    }
}

static void
let_go(void *arg, const tg_partition_t *partitions, size_t n, bool lost)
{
    seat_t *seat = arg;
    if (lost) {
        atomic_fetch_add(&group.n_lost, 1);
    }
    for (size_t i = 0; i < n; i++) {
        ledger_row_t *row = &group.rows[partitions[i].partition];
        (void)pthread_mutex_lock(&row->mutex);
        if (row->owner != seat->number + 1) {
            FAULT("%d is taken from seat %d but belongs to %d", partitions[i].partition,
                  seat->number, row->owner - 1);
        }
        row->owner = 0;
        (void)pthread_mutex_unlock(&row->mutex);
        tg_partition_queue_close(seat->queues[partitions[i].partition]);
        seat->queues[partitions[i].partition] = NULL;
    }
}

static void
note_error(void *arg, const tg_error_t *error)
{
    (void)arg;
    /* The topic is not known to every broker at once. */
    if (error->status != TG_ERR_MISSING) {
        FAULT("%s", error->text);
    }
}

static bool
advance(seat_t *seat, int32_t partition)
{
    ledger_row_t *row = &group.rows[partition];
    tg_message_t messages[200];
    tg_error_t err = {.status = TG_OK};
    size_t n = 0;
    tg_status_t status =
        tg_partition_queue_consume(seat->queues[partition], messages, 200, &n, &err);
    if (status != TG_OK) {
        if (tg_status_reaction(status) != TG_REACTION_RETRY) {
            FAULT("%s", err.text);
        }
        return false;
    }
    (void)pthread_mutex_lock(&row->mutex);
    for (size_t i = 0; i < n; i++) {
        if (row->owner != seat->number + 1 || number_of(&messages[i]) != row->next_number) {
            FAULT("%d: seat %d of owner %d has number %lld, expected %lld", partition, seat->number,
                  row->owner - 1, (long long)number_of(&messages[i]), (long long)row->next_number);
        }
        row->next_number++;
        row->next_offset = messages[i].offset + 1;
    }
    (void)pthread_mutex_unlock(&row->mutex);
    tg_messages_release(messages, n);
    return n > 0;
}

static void *
run_member(void *arg)
{
    seat_t *seat = arg;
    const char *topic = group.topic;
    tg_error_t err = {.status = TG_OK};
    static const tg_kafka_property_t properties[] = {{"topic.metadata.refresh.interval.ms", "500"}};
    const tg_consumer_options_t options = {
        .client = {.bootstrap_servers = group.bootstrap_servers,
                   .client_id = "tidegate-test",
                   .properties = properties,
                   .n_properties = 1},
        .group = group.name,
        .session_timeout_ms = 4000,
        .queued_max_bytes = 32 * 1024 * 1024,
        .topics = &topic,
        .n_topics = 1,
        .events = {claim, let_go, note_error, seat},
    };
    if (tg_consumer_open(&options, &seat->consumer, &err) != TG_OK) {
        FAULT("%s", err.text);
        return NULL;
    }
    while (!atomic_load(&seat->leave)) {
        bool busy = false;
        for (int32_t p = 0; p < N_PARTITIONS; p++) {
            busy = (seat->queues[p] != NULL && advance(seat, p)) || busy;
        }
        tg_consumer_poll(seat->consumer, busy ? 0 : 5);
    }
    tg_consumer_close(seat->consumer);
    return NULL;
}

static void *
run_producer(void *arg)
{
    mock_t *mock = arg;
    for (int64_t i = 0; !atomic_load(&group.stop_producing); i++) {
        for (int32_t p = 0; p < N_PARTITIONS; p++) {
            if (!mock_try_fill(mock, group.topic, p, i * 20, 20)) {
                FAULT("cannot produce to partition %d", p);
                return NULL;
            }
            atomic_store(&group.n_produced[p], (i + 1) * 20);
        }
    }
    return NULL;
}

static void
sit(seat_t *seat)
{
    atomic_store(&seat->leave, false);
    assert_int_equal(pthread_create(&seat->thread, NULL, run_member, seat), 0);
    seat->taken = true;
}

static void
stand(seat_t *seat)
{
    atomic_store(&seat->leave, true);
    assert_int_equal(pthread_join(seat->thread, NULL), 0);
    seat->taken = false;
}

static bool
all_seen(void)
{
    bool all = true;
    for (int32_t p = 0; p < N_PARTITIONS; p++) {
        (void)pthread_mutex_lock(&group.rows[p].mutex);
        all = all && group.rows[p].next_number == atomic_load(&group.n_produced[p]);
        (void)pthread_mutex_unlock(&group.rows[p].mutex);
    }
    const struct timespec moment = {.tv_nsec = 10000000};
    (void)nanosleep(&moment, NULL);
    return all || atomic_load(&group.n_faults) > 0;
}

static void
wait_ms(int64_t ms)
{
    const struct timespec moment = {.tv_sec = ms / 1000, .tv_nsec = (ms % 1000) * 1000000};
    (void)nanosleep(&moment, NULL);
}

static void
open_cluster(mock_t *mock, const char *real)
{
    mock_open(mock, real == NULL ? 2 : 1);
    (void)snprintf(group.bootstrap_servers, sizeof group.bootstrap_servers, "%s",
                   real != NULL ? real : mock->bootstrap_servers);
    (void)snprintf(group.topic, sizeof group.topic, TOPIC "-%d", (int)getpid());
    (void)snprintf(group.name, sizeof group.name, "connect-%s", group.topic);
    if (real == NULL) {
        mock_topic(mock, group.topic, N_PARTITIONS);
        return;
    }
    rd_kafka_mock_cluster_destroy(mock->cluster);
    rd_kafka_destroy(mock->rk);
    char reason[256];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    (void)rd_kafka_conf_set(conf, "bootstrap.servers", real, reason, sizeof reason);
    (void)rd_kafka_conf_set(conf, "linger.ms", "1", reason, sizeof reason);
    mock->rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, reason, sizeof reason);
    mock->cluster = NULL;
    rd_kafka_NewTopic_t *topic =
        rd_kafka_NewTopic_new(group.topic, N_PARTITIONS, 1, reason, sizeof reason);
    rd_kafka_queue_t *answer = rd_kafka_queue_new(mock->rk);
    rd_kafka_CreateTopics(mock->rk, &topic, 1, NULL, answer);
    rd_kafka_event_t *event = rd_kafka_queue_poll(answer, PATIENCE_MS);
    assert_non_null(event);
    rd_kafka_event_destroy(event);
    rd_kafka_queue_destroy(answer);
    rd_kafka_NewTopic_destroy(topic);
}

static void
consumer_group_while_members_come_and_go_sees_each_record_once_and_in_order(void **state)
{
    (void)state;
    const char *real = getenv("TG_TEST_KAFKA");
    const char *seconds = getenv("TG_TEST_SECONDS");
    int64_t run_ms = (seconds != NULL ? strtoll(seconds, NULL, 10) : 15) * 1000;
    mock_t mock;
    open_cluster(&mock, real);
    for (int i = 0; i < N_PARTITIONS; i++) {
        (void)pthread_mutex_init(&group.rows[i].mutex, NULL);
    }
    for (int i = 0; i < N_SEATS; i++) {
        group.seats[i].number = i;
    }
    pthread_t producer;
    assert_int_equal(pthread_create(&producer, NULL, run_producer, &mock), 0);
    sit(&group.seats[0]);

    unsigned random = 4711;
    int n_changes = 0;
    int64_t until_ms = tg_clock_now_ms(tg_clock_system()) + run_ms;
    while (tg_clock_now_ms(tg_clock_system()) < until_ms && atomic_load(&group.n_faults) == 0) {
        random = random * 1103515245U + 12345U;
        wait_ms((random >> 8) % (real != NULL ? 400 : 2500));
        seat_t *seat = &group.seats[(random >> 20) % N_SEATS];
        if (seat->taken) {
            stand(seat);
        } else {
            sit(seat);
        }
        n_changes++;
    }
    if (!group.seats[0].taken) {
        sit(&group.seats[0]);
    }
    atomic_store(&group.stop_producing, true);
    assert_int_equal(pthread_join(producer, NULL), 0);
    WAIT_FOR(all_seen());
    for (int i = 0; i < N_SEATS; i++) {
        if (group.seats[i].taken) {
            stand(&group.seats[i]);
        }
    }
    print_message("%d changes of membership, %d assignments, %lld records per partition\n",
                  n_changes, atomic_load(&group.n_assigned),
                  (long long)atomic_load(&group.n_produced[0]));
    if (atomic_load(&group.n_faults) > 0) {
        fail_msg("%s", group.fault);
    }
    assert_int_equal(atomic_load(&group.n_lost), 0);
    if (mock.cluster != NULL) {
        mock_close(&mock);
    } else {
        rd_kafka_destroy(mock.rk);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            consumer_group_while_members_come_and_go_sees_each_record_once_and_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
