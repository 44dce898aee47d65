#include "monitoring/metrics.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/utf8.h"
#include "metrics_internal.h"

enum { MAX_KEY_BYTES = 4096 };

/* Where numbers go that have no place. Never written to: each call looks at row first. */
static tg_series_t overflow_series;

tg_metrics_t *
tg_metrics_new(void)
{
    tg_metrics_t *metrics = calloc(1, sizeof *metrics);
    if (metrics != NULL) {
        (void)pthread_mutex_init(&metrics->lock, NULL);
        tg_buffer_init(&metrics->key, MAX_KEY_BYTES);
        metrics->started_us = tg_clock_now_us(tg_clock_system());
        metrics->started_unix_us = tg_clock_now_unix_ms(tg_clock_system()) * 1000;
        /* Made first, so that they have their place when the ceiling is reached. */
        tg_metrics_update_process(metrics);
    }
    return metrics;
}

void
tg_metrics_free(tg_metrics_t *metrics)
{
    if (metrics == NULL) {
        return;
    }
    for (size_t i = 0; i < metrics->n_series; i++) {
        free(metrics->sorted[i]->labels);
        free(metrics->sorted[i]);
    }
    free(metrics->sorted);
    tg_buffer_done(&metrics->key);
    (void)pthread_mutex_destroy(&metrics->lock);
    free(metrics);
}

/* One character of a label's value as the text format wants it; returns the bytes used. What is not
 * UTF-8 would spoil the whole scrape. */
static size_t
escape(tg_bytes_t text, tg_bytes_t *ret_escaped)
{
    size_t length = tg_utf8_step(text, NULL);
    if (length == 0) {
        *ret_escaped = tg_bytes_of_text(TG_UTF8_REPLACEMENT);
        return 1;
    }
    switch (*text.data) {
    case '\n':
        *ret_escaped = tg_bytes_of_text("\\n");
        break;
    case '"':
        *ret_escaped = tg_bytes_of_text("\\\"");
        break;
    case '\\':
        *ret_escaped = tg_bytes_of_text("\\\\");
        break;
    default:
        *ret_escaped = tg_bytes_of(text.data, length);
        break;
    }
    return length;
}

static tg_status_t
append_label_value(tg_buffer_t *out, const char *value)
{
    tg_bytes_t rest = tg_bytes_of_text(value);
    while (rest.n_bytes > 0) {
        tg_bytes_t escaped;
        size_t used = escape(rest, &escaped);
        TG_TRY(tg_buffer_append(out, escaped.data, escaped.n_bytes));
        rest = tg_bytes_of(rest.data + used, rest.n_bytes - used);
    }
    return TG_OK;
}

static tg_status_t
append_labels(tg_buffer_t *out, const tg_metric_row_t *row, const char *const *labels,
              size_t n_labels)
{
    for (size_t i = 0; i < n_labels; i++) {
        TG_TRY(tg_buffer_append_format(out, "%s%s=\"", i > 0 ? "," : "", row->labels[i]));
        TG_TRY(append_label_value(out, labels[i]));
        TG_TRY(tg_buffer_append_text(out, "\""));
    }
    return TG_OK;
}

/* FNV-1a (Fowler, Noll, Vo); the labels come from our own configuration, not from an attacker. */
static size_t
slot_of(const tg_metric_row_t *row, const char *labels)
{
    uint64_t hash = 0xcbf29ce484222325U ^ (uintptr_t)row;
    for (const char *c = labels; *c != '\0'; c++) {
        hash = (hash ^ (uint8_t)*c) * 0x100000001b3U;
    }
    return (size_t)((hash ^ hash >> 32) % TG_METRICS_SLOTS);
}

static int
compare(const tg_series_t *a, const tg_metric_row_t *row, const char *labels)
{
    int by_name = strcmp(a->row->name, row->name);
    return by_name != 0 ? by_name : strcmp(a->labels, labels);
}

static tg_status_t
reserve_sorted(tg_metrics_t *metrics)
{
    if (metrics->n_series < metrics->capacity) {
        return TG_OK;
    }
    size_t capacity = metrics->capacity == 0 ? 64 : metrics->capacity * 2;
    tg_series_t **sorted = reallocarray(metrics->sorted, capacity, sizeof(void *));
    if (sorted == NULL) {
        return TG_ERR_NO_MEMORY;
    }
    metrics->sorted = sorted;
    metrics->capacity = capacity;
    return TG_OK;
}

static void
insert_sorted(tg_metrics_t *metrics, tg_series_t *series)
{
    size_t low = 0;
    size_t high = metrics->n_series;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare(metrics->sorted[middle], series->row, series->labels) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    memmove(&metrics->sorted[low + 1], &metrics->sorted[low],
            (metrics->n_series - low) * sizeof(void *));
    metrics->sorted[low] = series;
    metrics->n_series++;
}

/* NULL at the ceiling or without memory. */
static tg_series_t *
make_series(tg_metrics_t *metrics, const tg_metric_row_t *row, const char *labels, size_t slot)
{
    if (metrics->n_series >= TG_METRICS_MAX_SERIES || reserve_sorted(metrics) != TG_OK) {
        return NULL;
    }
    size_t n_buckets = row->kind == TG_METRIC_KIND_HISTOGRAM ? row->n_bounds + 1 : 0;
    tg_series_t *series = calloc(1, sizeof *series + n_buckets * sizeof series->buckets[0]);
    if (series == NULL) {
        return NULL;
    }
    series->labels = strdup(labels);
    if (series->labels == NULL) {
        free(series);
        return NULL;
    }
    series->row = row;
    series->next_in_slot = metrics->slots[slot];
    metrics->slots[slot] = series;
    insert_sorted(metrics, series);
    return series;
}

static tg_series_t *
find_or_make(tg_metrics_t *metrics, const tg_metric_row_t *row, const char *const *labels,
             size_t n_labels)
{
    tg_buffer_reset(&metrics->key);
    if (append_labels(&metrics->key, row, labels, n_labels) != TG_OK) {
        return NULL;
    }
    const char *key = tg_buffer_text(&metrics->key);
    if (key == NULL) {
        return NULL;
    }
    size_t slot = slot_of(row, key);
    for (tg_series_t *series = metrics->slots[slot]; series != NULL;
         series = series->next_in_slot) {
        if (series->row == row && strcmp(series->labels, key) == 0) {
            atomic_store(&series->retired, false);
            return series;
        }
    }
    return make_series(metrics, row, key, slot);
}

tg_series_t *
tg_metrics_series(tg_metrics_t *metrics, tg_metric_t metric, const char *const *labels,
                  size_t n_labels)
{
    assert(metric < TG_METRIC_COUNT);
    if (metrics == NULL) {
        return &overflow_series;
    }
    const tg_metric_row_t *row = tg_metrics_row(metric);
    assert(n_labels == tg_metrics_row_n_labels(row));
    (void)pthread_mutex_lock(&metrics->lock);
    tg_series_t *series = find_or_make(metrics, row, labels, n_labels);
    (void)pthread_mutex_unlock(&metrics->lock);
    if (series == NULL) {
        atomic_fetch_add(&metrics->n_refused, 1);
        return &overflow_series;
    }
    return series;
}

void
tg_series_retire(tg_series_t *series)
{
    if (series->row != NULL) {
        atomic_store(&series->retired, true);
    }
}

static void
add_to_value(tg_series_t *series, double by)
{
    double before = atomic_load_explicit(&series->value, memory_order_relaxed);
    while (!atomic_compare_exchange_weak_explicit(&series->value, &before, before + by,
                                                  memory_order_relaxed, memory_order_relaxed)) {
    }
}

void
tg_series_add(tg_series_t *series, int64_t n)
{
    if (series->row == NULL) {
        return;
    }
    if (series->row->kind == TG_METRIC_KIND_GAUGE) {
        add_to_value(series, (double)n);
        return;
    }
    assert(series->row->kind == TG_METRIC_KIND_COUNTER && n >= 0);
    atomic_fetch_add_explicit(&series->count, n, memory_order_relaxed);
}

void
tg_series_set(tg_series_t *series, double value)
{
    if (series->row == NULL) {
        return;
    }
    assert(series->row->kind == TG_METRIC_KIND_GAUGE || series->row->kind == TG_METRIC_KIND_TOTAL);
    atomic_store_explicit(&series->value, value, memory_order_relaxed);
}

void
tg_series_observe(tg_series_t *series, double value)
{
    /* One NaN would spoil the sum for ever. */
    if (series->row == NULL || isnan(value)) {
        return;
    }
    const tg_metric_row_t *row = series->row;
    assert(row->kind == TG_METRIC_KIND_HISTOGRAM);
    size_t i = 0;
    while (i < row->n_bounds && value > row->bounds[i]) {
        i++;
    }
    add_to_value(series, value);
    atomic_fetch_add_explicit(&series->buckets[i], 1, memory_order_relaxed);
}

double
tg_series_value(const tg_series_t *series)
{
    if (series->row == NULL) {
        return 0;
    }
    switch (series->row->kind) {
    case TG_METRIC_KIND_COUNTER:
        return (double)atomic_load(&series->count);
    case TG_METRIC_KIND_HISTOGRAM: {
        int64_t n = 0;
        for (size_t i = 0; i <= series->row->n_bounds; i++) {
            n += atomic_load(&series->buckets[i]);
        }
        return (double)n;
    }
    case TG_METRIC_KIND_TOTAL:
    case TG_METRIC_KIND_GAUGE:
        break;
    }
    return atomic_load(&series->value);
}
