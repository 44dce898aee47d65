/*
 * Numbers that the program tells about itself; lock-free where they are counted.
 *
 * Flow:      every room -> [metrics] -> /metrics (Prometheus text format 0.0.4)
 * Promise:   names and help come from one table (metrics_table.c), from which the reference is
 *            generated; a series is made once (_series takes a lock) and counted with atomics
 *            afterwards; the number of series has a ceiling
 * Threads:   any
 */
#ifndef TG_MONITORING_METRICS_H
#define TG_MONITORING_METRICS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"

typedef struct tg_metrics tg_metrics_t;
typedef struct tg_series tg_series_t;

/* The index of metrics_table.c. */
typedef enum tg_metric {
    TG_METRIC_BUILD_INFO,
    TG_METRIC_UPTIME_SECONDS,
    TG_METRIC_SINK_RECORDS_READ_TOTAL,  /* sink, topic, partition */
    TG_METRIC_SINK_ROWS_WRITTEN_TOTAL,  /* sink, topic, partition */
    TG_METRIC_SINK_BATCHES_TOTAL,       /* sink, topic, partition */
    TG_METRIC_SINK_BYTES_WRITTEN_TOTAL, /* sink, topic, partition: COPY bytes */
    TG_METRIC_SINK_DEAD_LETTERS_TOTAL,  /* sink, stage */
    TG_METRIC_SINK_TOMBSTONES_TOTAL,    /* sink, topic, partition: skipped null values */
    TG_METRIC_SINK_REDELIVERED_TOTAL,   /* sink, topic, partition: dropped, below next_offset */
    TG_METRIC_SINK_RETRIES_TOTAL,       /* sink, reason */
    TG_METRIC_SINK_FENCED_TOTAL,        /* sink, topic, partition */
    TG_METRIC_SINK_CLAIMS_TOTAL,        /* sink, topic, partition */
    TG_METRIC_SINK_REBALANCES_TOTAL,    /* sink, kind: assigned, revoked, lost */
    TG_METRIC_SINK_NEXT_OFFSET,         /* sink, topic, partition */
    TG_METRIC_SINK_LAG_RECORDS,         /* sink, topic, partition */
    TG_METRIC_SINK_LAG_SECONDS, /* sink, topic, partition: age of the oldest record not written; 0
                                   caught up */
    TG_METRIC_SINK_LANE_STATE,  /* sink, topic, partition, state: 1 for the current state */
    TG_METRIC_SINK_BUFFERED_BYTES,  /* sink, writer */
    TG_METRIC_SINK_FLUSH_SECONDS,   /* sink: histogram, begin to commit */
    TG_METRIC_SINK_LATENCY_SECONDS, /* sink: histogram, record timestamp to commit, oldest of each
                                       batch */
    TG_METRIC_SINK_BATCH_ROWS,      /* sink: histogram */
    TG_METRIC_SINK_SERVER_WAITING_RATIO,  /* sink, writer: share of time in which the server waits
                                             for us */
    TG_METRIC_SINK_SCHEMAS,               /* sink: writer schemas with a plan */
    TG_METRIC_SINK_TRUNCATED_NANOS_TOTAL, /* sink */
    TG_METRIC_SINK_DIRECT_COMPRESS_ROWS_TOTAL, /* sink, direct: on, off */
    TG_METRIC_SINK_LATE_ROWS_TOTAL,            /* sink, table */
    TG_METRIC_SINK_SORTED_BATCHES_TOTAL,       /* sink */
    TG_METRIC_SINK_COMPRESSED_BATCH_ROWS,      /* sink, table */
    TG_METRIC_DATABASE_CONNECTED,              /* sink, writer */
    TG_METRIC_DATABASE_RECONNECTS_TOTAL,       /* sink */
    TG_METRIC_KAFKA_ERRORS_TOTAL,              /* sink */
    TG_METRIC_REGISTRY_REQUESTS_TOTAL,         /* outcome */
    TG_METRIC_PROCESS_RESIDENT_MEMORY_BYTES,
    TG_METRIC_PROCESS_CPU_SECONDS_TOTAL,
    TG_METRIC_PROCESS_START_TIME_SECONDS,
    TG_METRIC_PROCESS_OPEN_FDS,
    TG_METRIC_PROCESS_MAX_FDS,
    TG_METRIC_MONITORING_SERIES,
    TG_METRIC_MONITORING_SERIES_REFUSED_TOTAL,
    TG_METRIC_COUNT
} tg_metric_t;

tg_metrics_t *tg_metrics_new(void);
void tg_metrics_free(tg_metrics_t *metrics);

/* The series with these label values, in the order of the table, made on first use; labels are
 * copied. Never NULL: at the ceiling (or without memory) it is a shared overflow series that is not
 * exported. Borrowed for the life of metrics. metrics NULL gives the overflow series too, so that
 * tests need none. */
tg_series_t *tg_metrics_series(tg_metrics_t *metrics, tg_metric_t metric, const char *const *labels,
                               size_t n_labels);
#define TG_SERIES(metrics, metric, ...)                                                            \
    tg_metrics_series((metrics), (metric), (const char *const[]){__VA_ARGS__},                     \
                      sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *))

/* Takes a series out of the exposition (a lane that went away); it stays valid memory. Asking for
 * it again brings it back, with its count: a counter never goes backwards. */
void tg_series_retire(tg_series_t *series);

void tg_series_add(tg_series_t *series, int64_t n);        /* counter (n >= 0), gauge */
void tg_series_set(tg_series_t *series, double value);     /* gauge */
void tg_series_observe(tg_series_t *series, double value); /* histogram */
/* For tests and status; of a histogram, how many were observed. */
double tg_series_value(const tg_series_t *series);

/* Appends the exposition, sorted. What is about the process (memory, CPU, files) is read now. */
tg_status_t tg_metrics_render(tg_metrics_t *metrics, tg_buffer_t *out) TG_MUST_CHECK;

/* Appends the reference in Markdown, generated from the table. */
tg_status_t tg_metrics_reference(tg_buffer_t *out) TG_MUST_CHECK;

#endif
