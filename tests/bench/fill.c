/*
 * Fills a topic with the benchmark's rows.
 *
 *   bench_fill BOOTSTRAP TOPIC PARTITIONS SCHEMA_ID SHAPE ROWS
 *   bench_fill --schema SHAPE                              prints the Avro schema
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <librdkafka/rdkafka.h>

#include "data.h"

static void
set(rd_kafka_conf_t *conf, const char *name, const char *value)
{
    char why[256];
    if (rd_kafka_conf_set(conf, name, value, why, sizeof why) != RD_KAFKA_CONF_OK) {
        (void)fprintf(stderr, "bench_fill: %s\n", why);
        exit(1);
    }
}

static rd_kafka_t *
open_producer(const char *bootstrap)
{
    char why[256];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    set(conf, "bootstrap.servers", bootstrap);
    set(conf, "linger.ms", "50");
    set(conf, "batch.size", "1000000");
    set(conf, "batch.num.messages", "10000");
    set(conf, "queue.buffering.max.messages", "200000");
    rd_kafka_t *producer = rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof why);
    if (producer == NULL) {
        (void)fprintf(stderr, "bench_fill: %s\n", why);
        exit(1);
    }
    return producer;
}

/* Rows go round the partitions in runs of 100: neither one by one nor all in one place. */
static int32_t
partition_of(int64_t i, int32_t n_partitions)
{
    return (int32_t)(i / 100 % n_partitions);
}

static void
produce(rd_kafka_t *producer, rd_kafka_topic_t *topic, int32_t partition, const tg_buffer_t *record)
{
    while (rd_kafka_produce(topic, partition, RD_KAFKA_MSG_F_COPY, record->data, record->n_bytes,
                            NULL, 0, NULL) != 0) {
        if (rd_kafka_last_error() != RD_KAFKA_RESP_ERR__QUEUE_FULL) {
            (void)fprintf(stderr, "bench_fill: %s\n", rd_kafka_err2str(rd_kafka_last_error()));
            exit(1);
        }
        (void)rd_kafka_poll(producer, 10);
    }
}

int
main(int argc, char **argv)
{
    bench_shape_t shape;
    if (argc == 3 && strcmp(argv[1], "--schema") == 0 && bench_shape_parse(argv[2], &shape)) {
        (void)puts(bench_avro_schema(shape));
        return 0;
    }
    if (argc != 7 || !bench_shape_parse(argv[5], &shape)) {
        (void)fprintf(stderr,
                      "usage: bench_fill BOOTSTRAP TOPIC PARTITIONS SCHEMA_ID narrow|wide ROWS\n");
        return 2;
    }
    int32_t n_partitions = (int32_t)strtol(argv[3], NULL, 10);
    uint32_t schema_id = __builtin_bswap32((uint32_t)strtoul(argv[4], NULL, 10));
    int64_t n_rows = strtoll(argv[6], NULL, 10);
    rd_kafka_t *producer = open_producer(argv[1]);
    rd_kafka_topic_t *topic = rd_kafka_topic_new(producer, argv[2], NULL);
    tg_buffer_t record;
    tg_buffer_init(&record, 1 << 16);
    for (int64_t i = 0; i < n_rows; i++) {
        tg_buffer_reset(&record);
        if (tg_buffer_append(&record, "\0", 1) != TG_OK ||
            tg_buffer_append(&record, &schema_id, sizeof schema_id) != TG_OK) {
            return 1;
        }
        bench_put_avro(shape, i, bench_time_us(i), &record);
        produce(producer, topic, partition_of(i, n_partitions), &record);
    }
    (void)rd_kafka_flush(producer, 60000);
    int left = rd_kafka_outq_len(producer);
    rd_kafka_topic_destroy(topic);
    rd_kafka_destroy(producer);
    tg_buffer_done(&record);
    return left == 0 ? 0 : 1;
}
