/*
 * The limit: the same rows, prepared beforehand in memory, by raw COPY BINARY into the same
 * hypertable.
 *
 *   bench_limit DATABASE_URL TABLE SHAPE ROWS CONNECTIONS ROWS_PER_TRANSACTION PARTITIONS
 * plain|direct
 *
 * Prints rows per second. A connection writes the rows that its share of the partitions would give
 * a writer, in the same order, so that both see the same chunks and the same lateness.
 * synchronous_commit is off, as in the sink.
 */
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include <libpq-fe.h>

#include "avro/copy_format.h"
#include "base/clock.h"
#include "data.h"

enum { MAX_CONNECTIONS = 16, CHUNK_BYTES = 128 << 10 };

typedef struct {
    const char *url;
    const char *table;
    bool direct;
    int64_t rows_per_transaction;
    tg_buffer_t rows;
    PGconn *connection;
    pthread_t thread;
} stream_t;

static void
die(PGconn *connection)
{
    (void)fprintf(stderr, "bench_limit: %s", PQerrorMessage(connection));
    exit(1);
}

static void
execute(PGconn *connection, const char *sql)
{
    PGresult *result = PQexec(connection, sql);
    if (PQresultStatus(result) != PGRES_COMMAND_OK && PQresultStatus(result) != PGRES_COPY_IN) {
        die(connection);
    }
    PQclear(result);
}

static void
put(PGconn *connection, const void *data, size_t n_bytes)
{
    const char *bytes = data;
    for (size_t at = 0; at < n_bytes; at += CHUNK_BYTES) {
        size_t n = n_bytes - at < CHUNK_BYTES ? n_bytes - at : CHUNK_BYTES;
        if (PQputCopyData(connection, bytes + at, (int)n) != 1) {
            die(connection);
        }
    }
}

static void
write_transaction(stream_t *stream, const uint8_t *rows, size_t n_bytes, const tg_buffer_t *frame)
{
    char sql[512];
    (void)snprintf(sql, sizeof sql, "COPY %s FROM STDIN (FORMAT binary)", stream->table);
    execute(stream->connection, "BEGIN");
    execute(stream->connection, "SET LOCAL synchronous_commit = off");
    if (stream->direct) {
        execute(stream->connection, "SET LOCAL timescaledb.enable_direct_compress_copy = on");
    }
    execute(stream->connection, sql);
    put(stream->connection, frame->data, TG_COPY_HEADER_BYTES);
    put(stream->connection, rows, n_bytes);
    put(stream->connection, frame->data + TG_COPY_HEADER_BYTES, TG_COPY_TRAILER_BYTES);
    if (PQputCopyEnd(stream->connection, NULL) != 1) {
        die(stream->connection);
    }
    for (PGresult *result; (result = PQgetResult(stream->connection)) != NULL;) {
        if (PQresultStatus(result) != PGRES_COMMAND_OK) {
            die(stream->connection);
        }
        PQclear(result);
    }
    execute(stream->connection, "COMMIT");
}

static void *
run(void *arg)
{
    stream_t *stream = arg;
    tg_buffer_t frame;
    tg_buffer_init(&frame, 64);
    if (tg_copy_put_header(&frame) != TG_OK || tg_copy_put_trailer(&frame) != TG_OK) {
        exit(1);
    }
    for (size_t at = 0; at < stream->rows.n_bytes;) {
        size_t end = at;
        for (int64_t i = 0; i < stream->rows_per_transaction && end < stream->rows.n_bytes; i++) {
            end +=
                tg_copy_row_bytes(tg_bytes_of(stream->rows.data + end, stream->rows.n_bytes - end));
        }
        write_transaction(stream, stream->rows.data + at, end - at, &frame);
        at = end;
    }
    tg_buffer_done(&frame);
    return NULL;
}

static void
prepare(stream_t *streams, int n_streams, bench_shape_t shape, int64_t n_rows, int32_t n_partitions)
{
    for (int s = 0; s < n_streams; s++) {
        tg_buffer_init(&streams[s].rows, SIZE_MAX / 2);
        streams[s].connection = PQconnectdb(streams[s].url);
        if (PQstatus(streams[s].connection) != CONNECTION_OK) {
            die(streams[s].connection);
        }
    }
    for (int64_t i = 0; i < n_rows; i++) {
        bench_put_copy(shape, i, &streams[i / 100 % n_partitions % n_streams].rows);
    }
}

int
main(int argc, char **argv)
{
    bench_shape_t shape;
    if (argc != 9 || !bench_shape_parse(argv[3], &shape)) {
        (void)fprintf(stderr, "usage: bench_limit URL TABLE narrow|wide ROWS CONNECTIONS "
                              "ROWS_PER_TRANSACTION PARTITIONS plain|direct\n");
        return 2;
    }
    int64_t n_rows = strtoll(argv[4], NULL, 10);
    int n_streams = (int)strtol(argv[5], NULL, 10);
    stream_t streams[MAX_CONNECTIONS] = {0};
    if (n_streams < 1 || n_streams > MAX_CONNECTIONS) {
        return 2;
    }
    for (int s = 0; s < n_streams; s++) {
        streams[s].url = argv[1];
        streams[s].table = argv[2];
        streams[s].rows_per_transaction = strtoll(argv[6], NULL, 10);
        streams[s].direct = strcmp(argv[8], "direct") == 0;
    }
    prepare(streams, n_streams, shape, n_rows, (int32_t)strtol(argv[7], NULL, 10));
    int64_t start_us = tg_clock_now_us(tg_clock_system());
    for (int s = 0; s < n_streams; s++) {
        (void)pthread_create(&streams[s].thread, NULL, run, &streams[s]);
    }
    for (int s = 0; s < n_streams; s++) {
        (void)pthread_join(streams[s].thread, NULL);
    }
    int64_t took_us = tg_clock_now_us(tg_clock_system()) - start_us;
    (void)printf("%.0f\n", (double)n_rows * 1e6 / (double)took_us);
    for (int s = 0; s < n_streams; s++) {
        PQfinish(streams[s].connection);
        tg_buffer_done(&streams[s].rows);
    }
    return 0;
}
