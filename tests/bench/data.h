/*
 * The benchmark's rows: the same numbers give the same row everywhere, as Avro body and as COPY
 * BINARY tuple.
 *
 *   narrow  time (microseconds), series_id int, v double
 *   wide    like the cpu table of the TSBS benchmark: time, host, region, datacenter, os, ten
 * doubles, a nullable double, an enum, a decimal(10,2)
 *
 * One row in 200 is late by an hour.
 */
#ifndef TG_BENCH_DATA_H
#define TG_BENCH_DATA_H

#include <stdbool.h>

#include "base/buffer.h"

typedef enum bench_shape { BENCH_NARROW, BENCH_WIDE } bench_shape_t;

/* False when the text is neither "narrow" nor "wide". */
bool bench_shape_parse(const char *text, bench_shape_t *ret_shape);

const char *bench_avro_schema(bench_shape_t shape);

/* Microseconds since 1970 of row i. */
int64_t bench_time_us(int64_t i);

/* Appends the body of row i, with time_us as its time; aborts without memory, as a benchmark may.
 */
void bench_put_avro(bench_shape_t shape, int64_t i, int64_t time_us, tg_buffer_t *out);

/* Appends row i as one COPY BINARY tuple. */
void bench_put_copy(bench_shape_t shape, int64_t i, tg_buffer_t *out);

#endif
