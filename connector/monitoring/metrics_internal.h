/*
 * How the registry looks inside: the table's rows, and the series that were made from them.
 *
 * Flow:      metrics_table (constant) -> metrics (registry, counting) -> metrics_render (text)
 * Threads:   rows are constant; a series' label text is fixed when it is made, its numbers are
 * atomic; the maps of tg_metrics are under its lock
 */
#ifndef TG_MONITORING_METRICS_INTERNAL_H
#define TG_MONITORING_METRICS_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/buffer.h"
#include "monitoring/metrics.h"

enum { TG_METRIC_MAX_LABELS = 4, TG_METRICS_MAX_SERIES = 10000, TG_METRICS_SLOTS = 4096 };

typedef enum tg_metric_kind {
    TG_METRIC_KIND_COUNTER,
    TG_METRIC_KIND_TOTAL, /* a counter whose total somebody else keeps (the kernel): it is set */
    TG_METRIC_KIND_GAUGE,
    TG_METRIC_KIND_HISTOGRAM
} tg_metric_kind_t;

typedef struct tg_metric_row {
    const char *name;
    const char *unit; /* for people; the name carries it too */
    const char *help;
    const char *labels[TG_METRIC_MAX_LABELS];
    const double *bounds; /* upper, ascending; +Inf is implied */
    size_t n_bounds;
    tg_metric_kind_t kind;
} tg_metric_row_t;

const tg_metric_row_t *tg_metrics_row(tg_metric_t metric);
size_t tg_metrics_row_n_labels(const tg_metric_row_t *row);

struct tg_series {
    tg_series_t *next_in_slot;
    const tg_metric_row_t *row; /* NULL: the overflow series, which counts nothing */
    char *labels;               /* as exported: a="x",b="y" */
    _Atomic bool retired;
    _Atomic int64_t count; /* counter */
    _Atomic double value;  /* gauge, total; histogram: sum */
    _Atomic int64_t buckets[];
};

struct tg_metrics {
    pthread_mutex_t lock;
    tg_buffer_t key; /* scratch of _series, so that finding one allocates nothing */
    tg_series_t *slots[TG_METRICS_SLOTS];
    tg_series_t **sorted; /* by name, then labels */
    size_t n_series;
    size_t capacity;
    _Atomic int64_t n_refused;
    int64_t started_us;
    int64_t started_unix_us;
};

/* What the process is, now; a number that cannot be had stays as it was. */
void tg_metrics_update_process(tg_metrics_t *metrics);

#endif
