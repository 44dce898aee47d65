#include "data.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

enum { N_SERIES = 1000, N_HOSTS = 500, LATE_ONE_IN = 200, N_DOUBLES = 10, NULL_ONE_IN = 10 };

#define START_US    INT64_C(1767225600000000) /* 2026-01-01 */
#define PG_EPOCH_US INT64_C(946684800000000)  /* 2000-01-01 */
#define STEP_US     INT64_C(10000)
#define HOUR_US     INT64_C(3600000000)
#define WIDE_DOUBLES                                                                               \
    "{\"name\":\"usage_user\",\"type\":\"double\"},{\"name\":\"usage_system\",\"type\":"           \
    "\"double\"},"                                                                                 \
    "{\"name\":\"usage_idle\",\"type\":\"double\"},{\"name\":\"usage_nice\",\"type\":\"double\"}," \
    "{\"name\":\"usage_iowait\",\"type\":\"double\"},{\"name\":\"usage_irq\",\"type\":\"double\"}" \
    ","                                                                                            \
    "{\"name\":\"usage_softirq\",\"type\":\"double\"},{\"name\":\"usage_steal\",\"type\":"         \
    "\"double\"},"                                                                                 \
    "{\"name\":\"usage_guest\",\"type\":\"double\"},{\"name\":\"usage_guest_nice\",\"type\":"      \
    "\"double\"}"

static const char *const REGIONS[] = {"eu-central-1", "us-east-1", "ap-south-1"};
static const char *const SYSTEMS[] = {"Debian12", "Ubuntu24.04", "Alpine3.20"};
static const char *const STATES[] = {"OK", "WARNING", "CRITICAL"};

bool
bench_shape_parse(const char *text, bench_shape_t *ret_shape)
{
    *ret_shape = strcmp(text, "wide") == 0 ? BENCH_WIDE : BENCH_NARROW;
    return strcmp(text, "wide") == 0 || strcmp(text, "narrow") == 0;
}

const char *
bench_avro_schema(bench_shape_t shape)
{
    return shape == BENCH_NARROW
               ? "{\"type\":\"record\",\"name\":\"Narrow\",\"fields\":["
                 "{\"name\":\"time\",\"type\":{\"type\":\"long\",\"logicalType\":\"timestamp-"
                 "micros\"}},"
                 "{\"name\":\"series_id\",\"type\":\"int\"},{\"name\":\"v\",\"type\":\"double\"}]}"
               : "{\"type\":\"record\",\"name\":\"Cpu\",\"fields\":["
                 "{\"name\":\"time\",\"type\":{\"type\":\"long\",\"logicalType\":\"timestamp-"
                 "micros\"}},"
                 "{\"name\":\"host\",\"type\":\"string\"},{\"name\":\"region\",\"type\":\"string\"}"
                 ","
                 "{\"name\":\"datacenter\",\"type\":\"string\"},{\"name\":\"os\",\"type\":"
                 "\"string\"}," WIDE_DOUBLES
                 ",{\"name\":\"temperature\",\"type\":[\"null\",\"double\"],\"default\":null},"
                 "{\"name\":\"state\",\"type\":{\"type\":\"enum\",\"name\":\"State\",\"symbols\":"
                 "[\"OK\",\"WARNING\",\"CRITICAL\"]}},"
                 "{\"name\":\"cost\",\"type\":{\"type\":\"bytes\",\"logicalType\":\"decimal\","
                 "\"precision\":10,"
                 "\"scale\":2}}]}";
}

int64_t
bench_time_us(int64_t i)
{
    return START_US + i * STEP_US - (i % LATE_ONE_IN == LATE_ONE_IN - 1 ? HOUR_US : 0);
}

/* --- Avro --- */

static void
put(tg_buffer_t *out, const void *data, size_t n_bytes)
{
    if (tg_buffer_append(out, data, n_bytes) != TG_OK) {
        (void)fprintf(stderr, "bench: no memory\n");
        abort();
    }
}

static void
put_long(tg_buffer_t *out, int64_t value)
{
    uint64_t bits = ((uint64_t)value << 1) ^ (uint64_t)(value >> 63);
    uint8_t bytes[10];
    size_t n = 0;
    for (; bits >= 0x80; bits >>= 7) {
        bytes[n++] = (uint8_t)(bits | 0x80);
    }
    bytes[n++] = (uint8_t)bits;
    put(out, bytes, n);
}

static void
put_text(tg_buffer_t *out, const char *text)
{
    put_long(out, (int64_t)strlen(text));
    put(out, text, strlen(text));
}

static double
double_of(int64_t i, int column)
{
    return (double)((i * 31 + column * 17) % 10000) / 100.0;
}

static int32_t
cents_of(int64_t i)
{
    return (int32_t)(i % 1000000) - 1000;
}

typedef struct {
    char host[24];
    char datacenter[32];
    const char *region;
    const char *os;
} tags_t;

static void
tags_of(int64_t i, tags_t *ret_tags)
{
    int host = (int)(i % N_HOSTS);
    ret_tags->region = REGIONS[host % 3];
    ret_tags->os = SYSTEMS[host % 3];
    (void)snprintf(ret_tags->host, sizeof ret_tags->host, "host_%d", host);
    (void)snprintf(ret_tags->datacenter, sizeof ret_tags->datacenter, "%s%c", ret_tags->region,
                   'a' + host % 2);
}

static void
put_wide_avro(int64_t i, tg_buffer_t *out)
{
    tags_t tags;
    tags_of(i, &tags);
    put_text(out, tags.host);
    put_text(out, tags.region);
    put_text(out, tags.datacenter);
    put_text(out, tags.os);
    for (int c = 0; c < N_DOUBLES; c++) {
        double value = double_of(i, c);
        put(out, &value, sizeof value); /* little-endian machines only, as Avro is */
    }
    if (i % NULL_ONE_IN == 0) {
        put_long(out, 0);
    } else {
        double value = double_of(i, N_DOUBLES);
        put_long(out, 1);
        put(out, &value, sizeof value);
    }
    put_long(out, i % 3);
    uint32_t cents = __builtin_bswap32((uint32_t)cents_of(i));
    put_long(out, sizeof cents);
    put(out, &cents, sizeof cents);
}

void
bench_put_avro(bench_shape_t shape, int64_t i, int64_t time_us, tg_buffer_t *out)
{
    put_long(out, time_us);
    if (shape == BENCH_NARROW) {
        double value = double_of(i, 0);
        put_long(out, i % N_SERIES);
        put(out, &value, sizeof value);
    } else {
        put_wide_avro(i, out);
    }
}

/* --- COPY BINARY --- */

static void
put16(tg_buffer_t *out, uint16_t value)
{
    value = __builtin_bswap16(value);
    put(out, &value, sizeof value);
}

static void
put32(tg_buffer_t *out, uint32_t value)
{
    value = __builtin_bswap32(value);
    put(out, &value, sizeof value);
}

static void
put64(tg_buffer_t *out, uint64_t value)
{
    value = __builtin_bswap64(value);
    put32(out, sizeof value);
    put(out, &value, sizeof value);
}

static void
put_float8(tg_buffer_t *out, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    put64(out, bits);
}

static void
put_copy_text(tg_buffer_t *out, const char *text)
{
    put32(out, (uint32_t)strlen(text));
    put(out, text, strlen(text));
}

/* numeric with two decimals: groups of four digits, weight of the first group, sign, scale. */
static void
put_cents(tg_buffer_t *out, int32_t cents)
{
    uint32_t magnitude = (uint32_t)(cents < 0 ? -cents : cents);
    uint16_t digits[3] = {(uint16_t)(magnitude / 1000000), (uint16_t)(magnitude / 100 % 10000),
                          (uint16_t)(magnitude % 100 * 100)};
    size_t first = digits[0] != 0 ? 0 : digits[1] != 0 ? 1 : 2;
    size_t last = digits[2] != 0 ? 3 : digits[1] != 0 ? 2 : digits[0] != 0 ? 1 : first;
    uint16_t n = (uint16_t)(magnitude == 0 ? 0 : last - first);
    put32(out, 8U + 2U * n);
    put16(out, n);
    put16(out, (uint16_t)(n == 0 ? 0 : 1 - (int)first));
    put16(out, cents < 0 ? 0x4000 : 0);
    put16(out, 2);
    for (size_t d = first; d < first + n; d++) {
        put16(out, digits[d]);
    }
}

void
bench_put_copy(bench_shape_t shape, int64_t i, tg_buffer_t *out)
{
    put16(out, shape == BENCH_NARROW ? 3 : 18);
    put64(out, (uint64_t)(bench_time_us(i) - PG_EPOCH_US));
    if (shape == BENCH_NARROW) {
        put32(out, sizeof(uint32_t));
        put32(out, (uint32_t)(i % N_SERIES));
        put_float8(out, double_of(i, 0));
        return;
    }
    tags_t tags;
    tags_of(i, &tags);
    put_copy_text(out, tags.host);
    put_copy_text(out, tags.region);
    put_copy_text(out, tags.datacenter);
    put_copy_text(out, tags.os);
    for (int c = 0; c < N_DOUBLES; c++) {
        put_float8(out, double_of(i, c));
    }
    if (i % NULL_ONE_IN == 0) {
        put32(out, UINT32_MAX);
    } else {
        put_float8(out, double_of(i, N_DOUBLES));
    }
    put_copy_text(out, STATES[i % 3]);
    put_cents(out, cents_of(i));
}
