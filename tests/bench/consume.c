/*
 * The other limit: librdkafka consuming a pre-filled topic and doing nothing.
 *
 *   bench_consume BOOTSTRAP TOPIC PARTITIONS ROWS
 *
 * Prints rows per second, from the first record to the last.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <librdkafka/rdkafka.h>

#include "base/clock.h"

enum { BATCH = 1000, TIMEOUT_MS = 10000 };

int
main(int argc, char **argv)
{
    if (argc != 5) {
        (void)fprintf(stderr, "usage: bench_consume BOOTSTRAP TOPIC PARTITIONS ROWS\n");
        return 2;
    }
    char why[256];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    if (rd_kafka_conf_set(conf, "bootstrap.servers", argv[1], why, sizeof why) !=
            RD_KAFKA_CONF_OK ||
        rd_kafka_conf_set(conf, "group.id", "bench-consume", why, sizeof why) != RD_KAFKA_CONF_OK ||
        rd_kafka_conf_set(conf, "queued.min.messages", "1000000", why, sizeof why) !=
            RD_KAFKA_CONF_OK) {
        return 1;
    }
    rd_kafka_t *consumer = rd_kafka_new(RD_KAFKA_CONSUMER, conf, why, sizeof why);
    rd_kafka_topic_t *topic = rd_kafka_topic_new(consumer, argv[2], NULL);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(consumer);
    for (int32_t p = 0; p < (int32_t)strtol(argv[3], NULL, 10); p++) {
        (void)rd_kafka_consume_start_queue(topic, p, RD_KAFKA_OFFSET_BEGINNING, queue);
    }
    int64_t n_rows = strtoll(argv[4], NULL, 10);
    int64_t n = 0;
    int64_t start_us = 0;
    static rd_kafka_message_t *messages[BATCH];
    while (n < n_rows) {
        ssize_t got = rd_kafka_consume_batch_queue(
            queue, TIMEOUT_MS, messages, n_rows - n < BATCH ? (size_t)(n_rows - n) : BATCH);
        if (got <= 0) {
            (void)fprintf(stderr, "bench_consume: only %lld records\n", (long long)n);
            return 1;
        }
        start_us = start_us == 0 ? tg_clock_now_us(tg_clock_system()) : start_us;
        n += got;
        for (ssize_t i = 0; i < got; i++) {
            rd_kafka_message_destroy(messages[i]);
        }
    }
    (void)printf("%.0f\n",
                 (double)n * 1e6 / (double)(tg_clock_now_us(tg_clock_system()) - start_us));
    for (int32_t p = 0; p < (int32_t)strtol(argv[3], NULL, 10); p++) {
        (void)rd_kafka_consume_stop(topic, p); /* without it the client would wait for ever below */
    }
    rd_kafka_queue_destroy(queue);
    rd_kafka_topic_destroy(topic);
    rd_kafka_destroy(consumer);
    return 0;
}
