#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "metrics_internal.h"

static const char *const TYPES[] = {
    [TG_METRIC_KIND_COUNTER] = "counter",
    [TG_METRIC_KIND_TOTAL] = "counter",
    [TG_METRIC_KIND_GAUGE] = "gauge",
    [TG_METRIC_KIND_HISTOGRAM] = "histogram",
};

/* The shortest decimal that reads back as the same number. */
static tg_status_t
append_number(tg_buffer_t *out, double value)
{
    if (isnan(value)) {
        return tg_buffer_append_text(out, "NaN");
    }
    if (isinf(value)) {
        return tg_buffer_append_text(out, value > 0 ? "+Inf" : "-Inf");
    }
    char text[32];
    for (int digits = 15; digits <= 17; digits++) {
        (void)snprintf(text, sizeof text, "%.*g", digits, value);
        double back = strtod(text, NULL);
        if (back >= value && back <= value) {
            break;
        }
    }
    return tg_buffer_append_text(out, text);
}

static tg_status_t
append_bucket(tg_buffer_t *out, const tg_series_t *series, size_t i, int64_t n_up_to)
{
    const char *comma = *series->labels != '\0' ? "," : "";
    TG_TRY(tg_buffer_append_format(out, "%s_bucket{%s%sle=\"", series->row->name, series->labels,
                                   comma));
    TG_TRY(append_number(out, i < series->row->n_bounds ? series->row->bounds[i] : HUGE_VAL));
    return tg_buffer_append_format(out, "\"} %" PRId64 "\n", n_up_to);
}

static tg_status_t
append_histogram(tg_buffer_t *out, const tg_series_t *series)
{
    const char *name = series->row->name;
    int64_t n = 0;
    for (size_t i = 0; i <= series->row->n_bounds; i++) {
        n += atomic_load(&series->buckets[i]);
        TG_TRY(append_bucket(out, series, i, n));
    }
    const char *open = *series->labels != '\0' ? "{" : "";
    const char *close = *series->labels != '\0' ? "}" : "";
    TG_TRY(tg_buffer_append_format(out, "%s_sum%s%s%s ", name, open, series->labels, close));
    TG_TRY(append_number(out, atomic_load(&series->value)));
    /* The count is that of the buckets just read, so that they agree although others count on. */
    return tg_buffer_append_format(out, "\n%s_count%s%s%s %" PRId64 "\n", name, open,
                                   series->labels, close, n);
}

static tg_status_t
append_series(tg_buffer_t *out, const tg_series_t *series)
{
    if (series->row->kind == TG_METRIC_KIND_HISTOGRAM) {
        return append_histogram(out, series);
    }
    TG_TRY(tg_buffer_append_text(out, series->row->name));
    if (*series->labels != '\0') {
        TG_TRY(tg_buffer_append_format(out, "{%s}", series->labels));
    }
    if (series->row->kind == TG_METRIC_KIND_COUNTER) {
        return tg_buffer_append_format(out, " %" PRId64 "\n", atomic_load(&series->count));
    }
    TG_TRY(tg_buffer_append_text(out, " "));
    TG_TRY(append_number(out, atomic_load(&series->value)));
    return tg_buffer_append_text(out, "\n");
}

/* Help texts are ours: no backslash and no line end, so nothing to escape (a test looks). */
static tg_status_t
append_head(tg_buffer_t *out, const tg_metric_row_t *row)
{
    return tg_buffer_append_format(out, "# HELP %s %s\n# TYPE %s %s\n", row->name, row->help,
                                   row->name, TYPES[row->kind]);
}

static tg_status_t
append_all(tg_buffer_t *out, tg_series_t *const *sorted, size_t n_series)
{
    const char *family = "";
    for (size_t i = 0; i < n_series; i++) {
        if (atomic_load(&sorted[i]->retired)) {
            continue;
        }
        if (sorted[i]->row->name != family) {
            family = sorted[i]->row->name;
            TG_TRY(append_head(out, sorted[i]->row));
        }
        TG_TRY(append_series(out, sorted[i]));
    }
    return TG_OK;
}

tg_status_t
tg_metrics_render(tg_metrics_t *metrics, tg_buffer_t *out)
{
    tg_metrics_update_process(metrics);
    /* Series live as long as metrics: with a copy of the list, whoever needs a new series does not
     * wait until ten thousand lines are written. */
    (void)pthread_mutex_lock(&metrics->lock);
    size_t n_series = metrics->n_series;
    tg_series_t **sorted = calloc(n_series + 1, sizeof(tg_series_t *));
    if (sorted != NULL && n_series > 0) {
        memcpy(sorted, metrics->sorted, n_series * sizeof(tg_series_t *));
    }
    (void)pthread_mutex_unlock(&metrics->lock);
    if (sorted == NULL) {
        return TG_ERR_NO_MEMORY;
    }
    tg_status_t status = append_all(out, sorted, n_series);
    free(sorted);
    return status;
}

static tg_status_t
append_row(tg_buffer_t *out, const tg_metric_row_t *row)
{
    TG_TRY(tg_buffer_append_format(out, "| `%s` | %s | %s | ", row->name, TYPES[row->kind],
                                   row->unit));
    size_t n_labels = tg_metrics_row_n_labels(row);
    for (size_t i = 0; i < n_labels; i++) {
        TG_TRY(tg_buffer_append_format(out, "%s%s", i > 0 ? ", " : "", row->labels[i]));
    }
    return tg_buffer_append_format(out, " | %s |\n", row->help);
}

static tg_status_t
append_bounds(tg_buffer_t *out, const tg_metric_row_t *row)
{
    if (row->n_bounds == 0) {
        return TG_OK;
    }
    TG_TRY(tg_buffer_append_format(out, "- `%s`:", row->name));
    for (size_t i = 0; i < row->n_bounds; i++) {
        TG_TRY(tg_buffer_append_text(out, i > 0 ? ", " : " "));
        TG_TRY(append_number(out, row->bounds[i]));
    }
    return tg_buffer_append_text(out, "\n");
}

static const char REFERENCE_HEAD[] =
    "# Metrics\n\n"
    "Generated from `metrics_table.c`; a test keeps it in step. `GET /metrics` serves them in the "
    "Prometheus text format 0.0.4. A partition that moves to another instance takes its series "
    "with "
    "it.\n\n"
    "| name | type | unit | labels | meaning |\n|---|---|---|---|---|\n";

tg_status_t
tg_metrics_reference(tg_buffer_t *out)
{
    TG_TRY(tg_buffer_append_text(out, REFERENCE_HEAD));
    for (int i = 0; i < TG_METRIC_COUNT; i++) {
        TG_TRY(append_row(out, tg_metrics_row((tg_metric_t)i)));
    }
    TG_TRY(
        tg_buffer_append_text(out, "\nUpper bounds of the histograms (`+Inf` is the last):\n\n"));
    for (int i = 0; i < TG_METRIC_COUNT; i++) {
        TG_TRY(append_bounds(out, tg_metrics_row((tg_metric_t)i)));
    }
    return TG_OK;
}
