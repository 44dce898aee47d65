/*
 * Avro's times as PostgreSQL's, and as ISO 8601 text.
 *
 * Units:     *_pg_us microseconds since 2000-01-01; Avro counts from 1970-01-01
 * Source:    PostgreSQL src/include/datatype/timestamp.h (the limits)
 */
#ifndef TG_AVRO_TEMPORAL_INTERNAL_H
#define TG_AVRO_TEMPORAL_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "avro/pg_type.h"

enum { TG_TEMPORAL_TEXT_BYTES = 48 };

#define TEMPORAL_MIN_PG_US   INT64_C(-211813488000000000) /* 4714-11-24 BC */
#define TEMPORAL_END_PG_US   INT64_C(9223371331200000000) /* 294277-01-01 */
#define TEMPORAL_MIN_PG_DAYS INT64_C(-2451545)            /* 4714-11-24 BC */
#define TEMPORAL_END_PG_DAYS INT64_C(2145031949)          /* 5874898-01-01 */
#define TEMPORAL_DAY_US      INT64_C(86400000000)

/* false: PostgreSQL has no such time */
static inline bool
temporal_of_micros(int64_t unix_us, int64_t *ret_pg_us)
{
    *ret_pg_us = (int64_t)((uint64_t)unix_us - (uint64_t)TG_PG_EPOCH_US);
    return unix_us >= TEMPORAL_MIN_PG_US + TG_PG_EPOCH_US;
}

static inline bool
temporal_of_millis(int64_t unix_ms, int64_t *ret_pg_us)
{
    const int64_t epoch_ms = TG_PG_EPOCH_US / 1000;
    *ret_pg_us = (int64_t)(((uint64_t)unix_ms - (uint64_t)epoch_ms) * 1000);
    return unix_ms >= TEMPORAL_MIN_PG_US / 1000 + epoch_ms &&
           unix_ms < TEMPORAL_END_PG_US / 1000 + epoch_ms;
}

/* Always within PostgreSQL's range; *ret_lost when there were nanoseconds (cut towards the past).
 */
static inline int64_t
temporal_of_nanos(int64_t unix_ns, bool *ret_lost)
{
    int64_t us = unix_ns / 1000;
    int64_t rest = unix_ns % 1000;
    *ret_lost = rest != 0;
    return us - (rest < 0) - TG_PG_EPOCH_US;
}

/* "2026-11-24", "11:02:03.5", "2026-11-24T11:02:03.5" and "Z" when utc; units_per_s: 1000 for
 * milliseconds and so on. Returns the length. */
size_t tg_temporal_date_text(int64_t unix_days, char ret_text[TG_TEMPORAL_TEXT_BYTES]);
size_t tg_temporal_time_text(int64_t since_midnight, int64_t units_per_s,
                             char ret_text[TG_TEMPORAL_TEXT_BYTES]);
size_t tg_temporal_timestamp_text(int64_t since_1970, int64_t units_per_s, bool utc,
                                  char ret_text[TG_TEMPORAL_TEXT_BYTES]);

/* "P1M2DT3.004S" */
size_t tg_temporal_duration_text(uint32_t months, uint32_t days, uint32_t millis,
                                 char ret_text[TG_TEMPORAL_TEXT_BYTES]);

#endif
