/*
 * From produce to visible: records at a steady rate into partition 0 of a topic, and another
 * session that asks the ledger how far the sink has come. A record is visible when the ledger's
 * next_offset, which commits with the rows, is beyond it.
 *
 *   bench_latency BOOTSTRAP TOPIC SCHEMA_ID DATABASE_URL SINK RATE SECONDS
 *
 * Prints p50, p90, p99 and the maximum in milliseconds; what the asking costs (about 0.2 ms) is
 * part of them.
 */
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <libpq-fe.h>
#include <librdkafka/rdkafka.h>

#include "base/clock.h"
#include "data.h"

enum { MAX_RECORDS = 2000000 };

static int64_t produced_us[MAX_RECORDS];
static int64_t visible_us[MAX_RECORDS];
static _Atomic int64_t n_produced;
static _Atomic bool done_producing;

typedef struct {
    const char *url;
    const char *sink;
    const char *topic;
    int64_t first_offset;
} watch_t;

static int64_t
now_us(void)
{
    return tg_clock_now_us(tg_clock_system());
}

static int64_t
next_offset(PGconn *connection, const watch_t *watch)
{
    const char *parameters[] = {watch->sink, watch->topic};
    PGresult *result = PQexecParams(connection,
                                    "SELECT next_offset FROM tidegate.sink_offsets WHERE sink = $1 "
                                    "AND topic = $2 AND partition = 0",
                                    2, NULL, parameters, NULL, NULL, 0);
    if (PQresultStatus(result) != PGRES_TUPLES_OK) {
        (void)fprintf(stderr, "bench_latency: %s", PQerrorMessage(connection));
        exit(1);
    }
    int64_t offset = PQntuples(result) == 1 ? strtoll(PQgetvalue(result, 0, 0), NULL, 10) : -1;
    PQclear(result);
    return offset;
}

static void *
watch_main(void *arg)
{
    const watch_t *watch = arg;
    PGconn *connection = PQconnectdb(watch->url);
    int64_t n_seen = 0;
    while (!atomic_load(&done_producing) || n_seen < atomic_load(&n_produced)) {
        int64_t to = next_offset(connection, watch) - watch->first_offset;
        int64_t at_us = now_us();
        for (; n_seen < to && n_seen < MAX_RECORDS; n_seen++) {
            visible_us[n_seen] = at_us;
        }
    }
    PQfinish(connection);
    return NULL;
}

static int
compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a;
    int64_t y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

static void
wait_until(int64_t at_us)
{
    int64_t left_us = at_us - now_us();
    if (left_us > 0) {
        const struct timespec wait = {.tv_sec = left_us / 1000000,
                                      .tv_nsec = left_us % 1000000 * 1000};
        (void)nanosleep(&wait, NULL); /* the steady rate is what is measured */
    }
}

static void
produce_steadily(rd_kafka_t *producer, rd_kafka_topic_t *topic, uint32_t schema_id, int64_t rate,
                 int64_t n)
{
    tg_buffer_t record;
    tg_buffer_init(&record, 1 << 16);
    int64_t start_us = now_us();
    for (int64_t i = 0; i < n; i++) {
        wait_until(start_us + i * 1000000 / rate);
        tg_buffer_reset(&record);
        if (tg_buffer_append(&record, "\0", 1) != TG_OK ||
            tg_buffer_append(&record, &schema_id, sizeof schema_id) != TG_OK) {
            exit(1);
        }
        bench_put_avro(BENCH_NARROW, i, bench_time_us(i), &record);
        produced_us[i] = now_us();
        atomic_store(&n_produced, i + 1);
        if (rd_kafka_produce(topic, 0, RD_KAFKA_MSG_F_COPY, record.data, record.n_bytes, NULL, 0,
                             NULL) != 0) {
            (void)fprintf(stderr, "bench_latency: %s\n", rd_kafka_err2str(rd_kafka_last_error()));
            exit(1);
        }
        (void)rd_kafka_poll(producer, 0);
    }
    (void)rd_kafka_flush(producer, 10000);
    tg_buffer_done(&record);
}

int
main(int argc, char **argv)
{
    if (argc != 8) {
        (void)fprintf(
            stderr,
            "usage: bench_latency BOOTSTRAP TOPIC SCHEMA_ID DATABASE_URL SINK RATE SECONDS\n");
        return 2;
    }
    int64_t rate = strtoll(argv[6], NULL, 10);
    int64_t n = rate * strtoll(argv[7], NULL, 10);
    if (rate < 1 || n > MAX_RECORDS) {
        return 2;
    }
    char why[256];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    if (rd_kafka_conf_set(conf, "bootstrap.servers", argv[1], why, sizeof why) !=
            RD_KAFKA_CONF_OK ||
        /* Beyond some thousand requests a second the broker would be what is measured. */
        rd_kafka_conf_set(conf, "linger.ms", rate > 1000 ? "2" : "0", why, sizeof why) !=
            RD_KAFKA_CONF_OK) {
        return 1;
    }
    rd_kafka_t *producer = rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof why);
    rd_kafka_topic_t *topic = rd_kafka_topic_new(producer, argv[2], NULL);
    watch_t watch = {.url = argv[4], .sink = argv[5], .topic = argv[2]};
    PGconn *connection = PQconnectdb(argv[4]);
    watch.first_offset = next_offset(connection, &watch);
    PQfinish(connection);
    if (watch.first_offset < 0) {
        (void)fprintf(stderr, "bench_latency: the sink has not claimed %s yet\n", argv[2]);
        return 1;
    }
    pthread_t watcher;
    (void)pthread_create(&watcher, NULL, watch_main, &watch);
    produce_steadily(producer, topic, __builtin_bswap32((uint32_t)strtoul(argv[3], NULL, 10)), rate,
                     n);
    atomic_store(&done_producing, true);
    (void)pthread_join(watcher, NULL);
    for (int64_t i = 0; i < n; i++) {
        visible_us[i] -= produced_us[i];
    }
    qsort(visible_us, (size_t)n, sizeof visible_us[0], compare);
    (void)printf("%.2f %.2f %.2f %.2f\n", (double)visible_us[n / 2] / 1e3,
                 (double)visible_us[n * 9 / 10] / 1e3, (double)visible_us[n * 99 / 100] / 1e3,
                 (double)visible_us[n - 1] / 1e3);
    rd_kafka_topic_destroy(topic);
    rd_kafka_destroy(producer);
    return 0;
}
