/*
 * What one record costs: the decode plan (Avro to COPY bytes) against avro-c's generic reader (Avro
 * to a value that nobody has encoded yet).
 *
 *   bench_decode [plan|generic [narrow|wide]]      only one of the two, for callgrind
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "avro/decode_plan.h"
#include "avro/pg_type.h"
#include "avro_oracle.h"

enum { N_RECORDS = 2000, N_ROUNDS = 500, N_REPEATS = 7, MAX_BODY = 512, MAX_COLUMNS = 24 };

typedef struct body {
    uint8_t bytes[MAX_BODY];
    size_t n_bytes;
} body_t;

typedef struct data_set {
    const char *name;
    const char *schema;
    void (*encode)(body_t *body, uint32_t i);
    double wanted_ratio;
    size_t n_columns;
    tg_plan_column_t columns[MAX_COLUMNS];
} data_set_t;

static void
put_long(body_t *body, int64_t value)
{
    uint64_t bits = ((uint64_t)value << 1) ^ (uint64_t)(value >> 63);
    for (; bits >= 0x80; bits >>= 7) {
        body->bytes[body->n_bytes++] = (uint8_t)(bits | 0x80);
    }
    body->bytes[body->n_bytes++] = (uint8_t)bits;
}

static void
put_double(body_t *body, double value)
{
    memcpy(body->bytes + body->n_bytes, &value, sizeof value);
    body->n_bytes += sizeof value;
}

static void
put_text(body_t *body, const char *text)
{
    size_t n = strlen(text);
    put_long(body, (int64_t)n);
    memcpy(body->bytes + body->n_bytes, text, n);
    body->n_bytes += n;
}

#define START_US INT64_C(1767225600000000)

static void
encode_narrow(body_t *body, uint32_t i)
{
    put_long(body, START_US + (int64_t)i * 1000003);
    put_long(body, (int64_t)(i * 2654435761U % 10000));
    put_double(body, (double)i / 7);
}

static void
encode_wide(body_t *body, uint32_t i)
{
    static const char *const regions[] = {"us-east-1", "eu-central-1", "ap-northeast-1"};
    char text[32];
    put_long(body, START_US + (int64_t)i * 1000003);
    (void)snprintf(text, sizeof text, "host_%u", i * 2654435761U % 4000);
    put_text(body, text);
    put_text(body, regions[i % 3]);
    (void)snprintf(text, sizeof text, "%s%c", regions[i % 3], (char)('a' + i % 2));
    put_text(body, text);
    put_text(body, i % 2 == 0 ? "Ubuntu16.10" : "Ubuntu15.10");
    for (uint32_t k = 0; k < 10; k++) {
        put_double(body, (double)(i * (k + 1) % 1000) / 10);
    }
    put_long(body, i % 4 == 0 ? 0 : 1);
    if (i % 4 != 0) {
        put_double(body, (double)i / 3);
    }
    put_long(body, i % 3);
    put_long(body, 3);
    body->bytes[body->n_bytes++] = (uint8_t)(i % 2 == 0 ? 0x01 : 0xfe);
    body->bytes[body->n_bytes++] = (uint8_t)(i >> 8);
    body->bytes[body->n_bytes++] = (uint8_t)i;
}

#define COLUMN(column_name, oid)                                                                   \
    {                                                                                              \
        .name = (column_name), .type_oid = (oid), .type_modifier = -1                              \
    }
#define DOUBLE_FIELD(field) "{\"name\":\"" field "\",\"type\":\"double\"},"

static const data_set_t data_sets[] = {
    {.name = "narrow",
     .schema =
         "{\"type\":\"record\",\"name\":\"narrow\",\"fields\":["
         "{\"name\":\"time\",\"type\":{\"type\":\"long\",\"logicalType\":\"timestamp-micros\"}},"
         "{\"name\":\"series\",\"type\":\"int\"},{\"name\":\"value\",\"type\":\"double\"}]}",
     .encode = encode_narrow,
     .wanted_ratio = 10,
     .n_columns = 3,
     .columns = {COLUMN("time", TG_PG_TIMESTAMPTZ), COLUMN("series", TG_PG_INT4),
                 COLUMN("value", TG_PG_FLOAT8)}},
    {.name = "wide",
     .schema =
         "{\"type\":\"record\",\"name\":\"cpu\",\"fields\":["
         "{\"name\":\"time\",\"type\":{\"type\":\"long\",\"logicalType\":\"timestamp-micros\"}},"
         "{\"name\":\"host\",\"type\":\"string\"},{\"name\":\"region\",\"type\":\"string\"},"
         "{\"name\":\"datacenter\",\"type\":\"string\"},{\"name\":\"os\",\"type\":\"string\"}"
         "," DOUBLE_FIELD("d0") DOUBLE_FIELD("d1") DOUBLE_FIELD("d2") DOUBLE_FIELD("d3")
             DOUBLE_FIELD("d4") DOUBLE_FIELD("d5") DOUBLE_FIELD("d6") DOUBLE_FIELD("d7")
                 DOUBLE_FIELD("d8")
                     DOUBLE_FIELD("d9") "{\"name\":\"steal\",\"type\":[\"null\",\"double\"]},"
                                        "{\"name\":\"state\",\"type\":{\"type\":\"enum\",\"name\":"
                                        "\"state\",\"symbols\":"
                                        "[\"IDLE\",\"BUSY\",\"DRAINING\"]}},"
                                        "{\"name\":\"cost\",\"type\":{\"type\":\"bytes\","
                                        "\"logicalType\":\"decimal\","
                                        "\"precision\":12,\"scale\":4}}]}",
     .encode = encode_wide,
     .wanted_ratio = 5,
     .n_columns = 18,
     .columns = {COLUMN("time", TG_PG_TIMESTAMPTZ), COLUMN("host", TG_PG_TEXT),
                 COLUMN("region", TG_PG_TEXT), COLUMN("datacenter", TG_PG_TEXT),
                 COLUMN("os", TG_PG_TEXT), COLUMN("d0", TG_PG_FLOAT8), COLUMN("d1", TG_PG_FLOAT8),
                 COLUMN("d2", TG_PG_FLOAT8), COLUMN("d3", TG_PG_FLOAT8), COLUMN("d4", TG_PG_FLOAT8),
                 COLUMN("d5", TG_PG_FLOAT8), COLUMN("d6", TG_PG_FLOAT8), COLUMN("d7", TG_PG_FLOAT8),
                 COLUMN("d8", TG_PG_FLOAT8), COLUMN("d9", TG_PG_FLOAT8),
                 COLUMN("steal", TG_PG_FLOAT8), COLUMN("state", TG_PG_TEXT),
                 COLUMN("cost", TG_PG_NUMERIC)}},
};

static double
now_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

/* Best of the repeats: the rest is what else the machine did. */
static double
measure_generic(avro_oracle_t *oracle, const body_t *bodies, int n_rounds, int n_repeats)
{
    double best = 1e300;
    for (int repeat = 0; repeat < n_repeats; repeat++) {
        double start = now_ns();
        for (int round = 0; round < n_rounds; round++) {
            for (int i = 0; i < N_RECORDS; i++) {
                if (!avro_oracle_read(oracle, bodies[i].bytes, bodies[i].n_bytes)) {
                    return -1;
                }
            }
        }
        double ns = (now_ns() - start) / N_RECORDS / n_rounds;
        best = ns < best ? ns : best;
    }
    return best;
}

static double
measure_plan(tg_decode_plan_t *plan, const body_t *bodies, int n_rounds, int n_repeats,
             tg_error_t *err)
{
    tg_buffer_t out;
    tg_buffer_init(&out, 16 << 20);
    double best = 1e300;
    for (int repeat = 0; repeat < n_repeats; repeat++) {
        double start = now_ns();
        for (int round = 0; round < n_rounds; round++) {
            tg_buffer_reset(&out);
            for (int i = 0; i < N_RECORDS; i++) {
                tg_bytes_t body = tg_bytes_of(bodies[i].bytes, bodies[i].n_bytes);
                if (tg_decode_plan_decode(plan, body, &out, err) != TG_OK) {
                    tg_buffer_done(&out);
                    return -1;
                }
            }
        }
        double ns = (now_ns() - start) / N_RECORDS / n_rounds;
        best = ns < best ? ns : best;
    }
    tg_buffer_done(&out);
    return best;
}

static tg_status_t
run_set(const data_set_t *set, body_t *bodies, const char *only, tg_error_t *err)
{
    TG_CLEANUP(tg_schema_unrefp) tg_schema_t *schema = NULL;
    TG_CLEANUP(tg_decode_plan_freep) tg_decode_plan_t *plan = NULL;
    tg_decode_options_t options = {.nul_policy = TG_TEXT_NUL_REJECT};
    TG_TRY(tg_schema_new(set->schema, NULL, 0, &schema, err));
    TG_TRY(tg_decode_plan_new(schema, set->columns, set->n_columns, &options, &plan, err));
    size_t n_bytes = 0;
    for (uint32_t i = 0; i < N_RECORDS; i++) {
        bodies[i].n_bytes = 0;
        set->encode(&bodies[i], i);
        n_bytes += bodies[i].n_bytes;
    }
    int n_rounds = only != NULL ? 20 : N_ROUNDS;
    int n_repeats = only != NULL ? 1 : N_REPEATS;
    avro_oracle_t *oracle = avro_oracle_new(set->schema);
    double generic = 0;
    double plain = 0;
    if (only == NULL || strcmp(only, "generic") == 0) {
        generic = measure_generic(oracle, bodies, n_rounds, n_repeats);
    }
    if (only == NULL || strcmp(only, "plan") == 0) {
        plain = measure_plan(plan, bodies, n_rounds, n_repeats, err);
    }
    avro_oracle_free(oracle);
    if (generic < 0 || plain < 0) {
        return tg_error_set(err, TG_ERR_INTERNAL, "%s: a record was rejected", set->name);
    }
    printf("%-8s %5.1f bytes  avro-c %7.1f ns  plan %6.1f ns", set->name,
           (double)n_bytes / N_RECORDS, generic, plain);
    if (only == NULL) {
        printf("  ratio %5.1f (wanted %.0f)", generic / plain, set->wanted_ratio);
    }
    printf("\n");
    return TG_OK;
}

int
main(int argc, char **argv)
{
    tg_error_t err = {.status = TG_OK};
    body_t *bodies = calloc(N_RECORDS, sizeof *bodies);
    if (bodies == NULL) {
        return 1;
    }
    for (size_t i = 0; i < TG_COUNT_OF(data_sets); i++) {
        if (argc > 2 && strcmp(argv[2], data_sets[i].name) != 0) {
            continue;
        }
        if (run_set(&data_sets[i], bodies, argc > 1 ? argv[1] : NULL, &err) != TG_OK) {
            (void)fprintf(stderr, "%s\n", err.text);
            free(bodies);
            return 1;
        }
    }
    free(bodies);
    return 0;
}
