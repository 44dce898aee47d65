// wrap: malloc calloc realloc reallocarray strdup
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <sys/resource.h>

#include "base/bytes.h"
#include "base/thread.h"
#include "monitoring/metrics.h"
#include "tg_test.h"
#include "tg_torture.h"

/* Series about the program itself, always there. */
enum { N_OWN = 9 };

/* The exposition as a text; owned. */
static char *
rendered(tg_metrics_t *metrics)
{
    tg_buffer_t out;
    tg_buffer_init(&out, 64 << 20);
    assert_int_equal(tg_metrics_render(metrics, &out), TG_OK);
    assert_non_null(tg_buffer_text(&out));
    return (char *)tg_buffer_take(&out, NULL);
}

static void
assert_has(const char *text, const char *part)
{
    if (strstr(text, part) == NULL) {
        fail_msg("\"%s\" is not in:\n%s", part, text);
    }
}

static void
metrics_counter_counts_and_keeps_its_series(void **state)
{
    (void)state;
    tg_metrics_t *metrics = tg_metrics_new();
    tg_series_t *rows = TG_SERIES(metrics, TG_METRIC_SINK_ROWS_WRITTEN_TOTAL, "s", "t", "0");
    tg_series_add(rows, 500);
    tg_series_add(rows, 0);
    char topic[] = "t"; /* labels are compared and copied, not borrowed */
    assert_ptr_equal(TG_SERIES(metrics, TG_METRIC_SINK_ROWS_WRITTEN_TOTAL, "s", topic, "0"), rows);
    assert_ptr_not_equal(TG_SERIES(metrics, TG_METRIC_SINK_BATCHES_TOTAL, "s", "t", "0"), rows);
    tg_series_add(rows, INT64_C(9007199254740993) - 500);
    char *text = rendered(metrics);
    /* More than a double could hold. */
    assert_has(text, "\n# TYPE tidegate_sink_rows_written_total counter\n"
                     "tidegate_sink_rows_written_total{sink=\"s\",topic=\"t\",partition=\"0\"} "
                     "9007199254740993\n");
    free(text);
    tg_metrics_free(metrics);
    tg_metrics_free(NULL);
}

static void
metrics_gauge_is_written_so_that_it_reads_back(void **state)
{
    (void)state;

    static const struct {
        double value;
        const char *text;
    } CASES[] = {
        {0, "0"},
        {-1, "-1"},
        {0.1, "0.1"},
        {1.0 / 3, "0.333333333333333"},
        {123456789012, "123456789012"},
        {1e21, "1e+21"},
        {5e-324, "4.94065645841247e-324"},
        {(double)NAN, "NaN"},
        {HUGE_VAL, "+Inf"},
        {-HUGE_VAL, "-Inf"},
    };

    for (size_t i = 0; i < TG_COUNT_OF(CASES); i++) {
        tg_metrics_t *metrics = tg_metrics_new();
        tg_series_t *lag = TG_SERIES(metrics, TG_METRIC_SINK_LAG_SECONDS, "s", "t", "1");
        tg_series_set(lag, CASES[i].value);
        char *text = rendered(metrics);
        const char *line = strstr(text, "\ntidegate_sink_lag_seconds{");
        assert_non_null(line);
        const char *value = strstr(line, "} ") + 2;
        if (strncmp(value, CASES[i].text, strlen(CASES[i].text)) != 0) {
            fail_msg("expected %s: %.40s", CASES[i].text, value);
        }
        double back = strtod(value, NULL);
        assert_true(isnan(CASES[i].value) ? isnan(back)
                                          : memcmp(&back, &CASES[i].value, sizeof back) == 0);
        free(text);
        tg_metrics_free(metrics);
    }
}

static void
metrics_gauge_can_be_moved_by_steps(void **state)
{
    (void)state;
    tg_metrics_t *metrics = tg_metrics_new();
    tg_series_t *bytes = TG_SERIES(metrics, TG_METRIC_SINK_BUFFERED_BYTES, "s", "0");
    tg_series_set(bytes, 100);
    tg_series_add(bytes, 50);
    tg_series_add(bytes, -150);
    assert_true(fabs(tg_series_value(bytes)) < 1e-9);
    tg_metrics_free(metrics);
}

static void
metrics_histogram_buckets_add_up(void **state)
{
    (void)state;
    tg_metrics_t *metrics = tg_metrics_new();
    tg_series_t *flush = TG_SERIES(metrics, TG_METRIC_SINK_FLUSH_SECONDS, "s");
    const double SEEN[] = {0, 0.001, 0.0011, 0.25, 7, 1e9, (double)NAN};
    for (size_t i = 0; i < TG_COUNT_OF(SEEN); i++) {
        tg_series_observe(flush, SEEN[i]);
    }
    assert_true(fabs(tg_series_value(flush) - 6) < 1e-9); /* NaN is not counted */
    char *text = rendered(metrics);
    assert_has(text, "\n# TYPE tidegate_sink_flush_seconds histogram\n"
                     "tidegate_sink_flush_seconds_bucket{sink=\"s\",le=\"0.001\"} 2\n"
                     "tidegate_sink_flush_seconds_bucket{sink=\"s\",le=\"0.0025\"} 3\n");
    assert_has(text, "_bucket{sink=\"s\",le=\"0.1\"} 3\n");
    assert_has(text, "_bucket{sink=\"s\",le=\"0.25\"} 4\n");
    assert_has(text, "_bucket{sink=\"s\",le=\"10\"} 5\n");
    assert_has(text, "_bucket{sink=\"s\",le=\"60\"} 5\n"
                     "tidegate_sink_flush_seconds_bucket{sink=\"s\",le=\"+Inf\"} 6\n"
                     "tidegate_sink_flush_seconds_sum{sink=\"s\"} 1000000007.2521\n"
                     "tidegate_sink_flush_seconds_count{sink=\"s\"} 6\n");
    free(text);
    tg_metrics_free(metrics);
}

static void
metrics_label_values_are_escaped_and_made_utf8(void **state)
{
    (void)state;
    tg_metrics_t *metrics = tg_metrics_new();
    tg_series_set(TG_SERIES(metrics, TG_METRIC_SINK_SCHEMAS, "a\"b\\c\nd \xC3\xB6 \xFF,{}"), 1);
    tg_series_set(TG_SERIES(metrics, TG_METRIC_SINK_SCHEMAS, (const char *)NULL), 2);
    char *text = rendered(metrics);
    assert_has(text,
               "tidegate_sink_schemas{sink=\"\"} 2\n"
               "tidegate_sink_schemas{sink=\"a\\\"b\\\\c\\nd \xC3\xB6 \xEF\xBF\xBD,{}\"} 1\n");
    free(text);
    tg_metrics_free(metrics);
}

static void
metrics_labels_that_look_alike_when_joined_stay_apart(void **state)
{
    (void)state;
    tg_metrics_t *metrics = tg_metrics_new();
    tg_series_t *one = TG_SERIES(metrics, TG_METRIC_SINK_BUFFERED_BYTES, "a\",writer=\"b", "c");
    tg_series_t *two = TG_SERIES(metrics, TG_METRIC_SINK_BUFFERED_BYTES, "a", "b\",writer=\"c");
    assert_ptr_not_equal(one, two);
    tg_metrics_free(metrics);
}

static void
metrics_exposition_is_sorted_with_one_head_for_each_family(void **state)
{
    (void)state;
    tg_metrics_t *metrics = tg_metrics_new();
    static const char *const TOPICS[] = {"m", "z", "a", "q", "b"};
    for (size_t i = 0; i < TG_COUNT_OF(TOPICS); i++) {
        tg_series_add(TG_SERIES(metrics, TG_METRIC_SINK_ROWS_WRITTEN_TOTAL, "s", TOPICS[i], "0"),
                      1);
        tg_series_add(TG_SERIES(metrics, TG_METRIC_SINK_BATCHES_TOTAL, "s", TOPICS[i], "0"), 1);
    }
    char *text = rendered(metrics);
    char before[256] = "";
    int n_heads = 0;
    char *rest = NULL;
    for (char *line = strtok_r(text, "\n", &rest); line != NULL;
         line = strtok_r(NULL, "\n", &rest)) {
        if (strncmp(line, "# TYPE ", 7) == 0) {
            n_heads++;
        } else if (*line != '#') {
            assert_true(strcmp(before, line) < 0);
            (void)snprintf(before, sizeof before, "%s", line);
        }
    }
    assert_int_equal(n_heads, 2 + N_OWN);
    free(text);
    tg_metrics_free(metrics);
}

static void
metrics_retired_series_is_not_exported_until_asked_for_again(void **state)
{
    (void)state;
    tg_metrics_t *metrics = tg_metrics_new();
    tg_series_t *claims = TG_SERIES(metrics, TG_METRIC_SINK_CLAIMS_TOTAL, "s", "t", "0");
    tg_series_add(claims, 3);
    tg_series_retire(claims);
    tg_series_add(claims, 1);
    char *text = rendered(metrics);
    assert_null(strstr(text, "tidegate_sink_claims_total"));
    free(text);
    assert_ptr_equal(TG_SERIES(metrics, TG_METRIC_SINK_CLAIMS_TOTAL, "s", "t", "0"), claims);
    text = rendered(metrics);
    assert_has(text, "partition=\"0\"} 4\n");
    free(text);
    tg_metrics_free(metrics);
}

static void
metrics_nobody_to_count_for_counts_nothing(void **state)
{
    (void)state;
    tg_series_t *series = TG_SERIES(NULL, TG_METRIC_SINK_ROWS_WRITTEN_TOTAL, "s", "t", "0");
    assert_non_null(series);
    tg_series_add(series, 5);
    tg_series_set(series, 5);
    tg_series_observe(series, 5);
    tg_series_retire(series);
    assert_true(fabs(tg_series_value(series)) < 1e-9);
}

static void
metrics_beyond_the_ceiling_are_refused_and_counted(void **state)
{
    (void)state;
    tg_metrics_t *metrics = tg_metrics_new();
    tg_series_t *overflow = TG_SERIES(NULL, TG_METRIC_SINK_SCHEMAS, "");
    char name[16];
    int n_refused = 0;
    for (int i = 0; i < 10005; i++) {
        (void)snprintf(name, sizeof name, "sink%d", i * 7919 % 100003);
        n_refused += TG_SERIES(metrics, TG_METRIC_SINK_SCHEMAS, name) == overflow ? 1 : 0;
    }
    assert_int_equal(n_refused, 5 + N_OWN);
    tg_series_t *known = TG_SERIES(metrics, TG_METRIC_SINK_SCHEMAS, "sink0");
    assert_ptr_not_equal(known, overflow);
    char *text = rendered(metrics);
    int n_lines = 0;
    for (const char *at = text; (at = strstr(at, "\ntidegate_sink_schemas{")) != NULL; at++) {
        n_lines++;
    }
    assert_int_equal(n_lines, 10000 - N_OWN);
    assert_has(text, "\ntidegate_monitoring_series 10000\n");
    assert_has(text, "\ntidegate_monitoring_series_refused_total 14\n");
    free(text);
    tg_metrics_free(metrics);
}

static void
metrics_labels_too_long_to_keep_are_refused(void **state)
{
    (void)state;
    static char longer[5000];
    memset(longer, 'x', sizeof longer - 1);
    tg_metrics_t *metrics = tg_metrics_new();
    assert_ptr_equal(TG_SERIES(metrics, TG_METRIC_SINK_SCHEMAS, longer),
                     TG_SERIES(NULL, TG_METRIC_SINK_SCHEMAS, ""));
    char *text = rendered(metrics);
    assert_has(text, "\ntidegate_monitoring_series_refused_total 1\n");
    free(text);
    tg_metrics_free(metrics);
}

static double
number_after(const char *text, const char *name)
{
    const char *line = strstr(text, name);
    assert_non_null(line);
    return strtod(line + strlen(name), NULL);
}

static void
metrics_tell_about_the_process_itself(void **state)
{
    (void)state;
    tg_metrics_t *metrics = tg_metrics_new();
    char *text = rendered(metrics);
    assert_has(text, "\ntidegate_build_info{version=\"");
    assert_true(number_after(text, "\nprocess_resident_memory_bytes ") > 100000);
    assert_true(number_after(text, "\nprocess_cpu_seconds_total ") > 0);
    assert_true(number_after(text, "\nprocess_start_time_seconds ") > 1.7e9);
    assert_true(number_after(text, "\ntidegate_uptime_seconds ") >= 0);
    double n_open = number_after(text, "\nprocess_open_fds ");
    int n_ours = 0;
    for (int fd = 0; fd < 4096; fd++) {
        n_ours += fcntl(fd, F_GETFD) >= 0 ? 1 : 0;
    }
    assert_int_equal((int)n_open, n_ours);
    free(text);
    FILE *file = fopen("/dev/null", "re");
    text = rendered(metrics);
    assert_true(fabs(number_after(text, "\nprocess_open_fds ") - n_open - 1) < 1e-9);
    assert_true(number_after(text, "\nprocess_max_fds ") > n_open);
    free(text);
    (void)fclose(file);
    tg_metrics_free(metrics);
}

static void
metrics_without_files_left_are_rendered_all_the_same(void **state)
{
    (void)state;
    tg_metrics_t *metrics = tg_metrics_new();
    struct rlimit before;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    const struct rlimit none = {.rlim_cur = 0, .rlim_max = before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    char *text = rendered(metrics);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_has(text, "\nprocess_max_fds 0\n");
    assert_true(number_after(text, "\nprocess_open_fds ") >= 3); /* as it was */
    free(text);
    tg_metrics_free(metrics);
}

static void
metrics_render_into_too_small_a_buffer_is_full(void **state)
{
    (void)state;
    tg_metrics_t *metrics = tg_metrics_new();
    char *text = rendered(metrics);
    size_t whole = strlen(text);
    free(text);
    for (size_t max = 0; max < whole - 100; max += 50) { /* numbers may get shorter */
        tg_buffer_t out;
        tg_buffer_init(&out, max);
        assert_int_equal(tg_metrics_render(metrics, &out), TG_ERR_FULL);
        tg_buffer_done(&out);
    }
    tg_metrics_free(metrics);
}

enum { N_THREADS = 4, N_EACH = 20000 };

static _Atomic bool counting;

static void *
count_many(void *arg)
{
    tg_metrics_t *metrics = arg;
    for (int i = 0; i < N_EACH; i++) {
        char partition[8];
        (void)snprintf(partition, sizeof partition, "%d", i % 50);
        tg_series_t *rows =
            TG_SERIES(metrics, TG_METRIC_SINK_ROWS_WRITTEN_TOTAL, "s", "t", partition);
        tg_series_add(rows, 1);
        tg_series_add(TG_SERIES(metrics, TG_METRIC_SINK_BUFFERED_BYTES, "s", "0"), 2);
        tg_series_observe(TG_SERIES(metrics, TG_METRIC_SINK_BATCH_ROWS, "s"), i);
        if (i % 1000 == 0) {
            tg_series_retire(rows);
        }
    }
    return NULL;
}

static void *
render_many(void *arg)
{
    while (atomic_load(&counting)) {
        char *text = rendered(arg);
        double n_batches = 0;
        const char *count = strstr(text, "\ntidegate_sink_batch_rows_count{sink=\"s\"} ");
        const char *last =
            strstr(text, "\ntidegate_sink_batch_rows_bucket{sink=\"s\",le=\"+Inf\"} ");
        if (count != NULL && last != NULL) {
            n_batches = strtod(strchr(count, '}') + 1, NULL) - strtod(strchr(last, '}') + 1, NULL);
        }
        free(text);
        if (fabs(n_batches) > 0.5) {
            return arg; /* a histogram that does not agree with itself */
        }
    }
    return NULL;
}

static void *
run_renderer(void *arg)
{
    void *const *args = arg;
    *(void **)args[1] = render_many(args[0]);
    return NULL;
}

static void *
count_one(void *arg)
{
    for (int i = 0; i < 10 * N_EACH; i++) {
        tg_series_add(arg, 1);
    }
    return NULL;
}

static void
metrics_counter_that_many_share_loses_nothing(void **state)
{
    (void)state;
    tg_metrics_t *metrics = tg_metrics_new();
    tg_series_t *series[] = {TG_SERIES(metrics, TG_METRIC_KAFKA_ERRORS_TOTAL, "s"),
                             TG_SERIES(metrics, TG_METRIC_SINK_BUFFERED_BYTES, "s", "0")};
    for (size_t s = 0; s < TG_COUNT_OF(series); s++) {
        tg_thread_t threads[N_THREADS];
        tg_error_t err;
        for (int i = 0; i < N_THREADS; i++) {
            ASSERT_OK(tg_thread_start(&threads[i], "counter", count_one, series[s], &err));
        }
        for (int i = 0; i < N_THREADS; i++) {
            tg_thread_join(&threads[i]);
        }
        assert_true(fabs(tg_series_value(series[s]) - 10.0 * N_THREADS * N_EACH) < 0.5);
    }
    tg_metrics_free(metrics);
}

static void
metrics_counted_by_many_while_rendered_lose_nothing(void **state)
{
    (void)state;
    tg_metrics_t *metrics = tg_metrics_new();
    tg_thread_t threads[N_THREADS];
    tg_thread_t renderer;
    tg_error_t err;
    void *disagreed = NULL;
    void *args[] = {metrics, &disagreed};
    atomic_store(&counting, true);
    ASSERT_OK(tg_thread_start(&renderer, "renderer", run_renderer, args, &err));
    for (int i = 0; i < N_THREADS; i++) {
        ASSERT_OK(tg_thread_start(&threads[i], "counter", count_many, metrics, &err));
    }
    for (int i = 0; i < N_THREADS; i++) {
        tg_thread_join(&threads[i]);
    }
    atomic_store(&counting, false);
    tg_thread_join(&renderer);
    assert_null(disagreed);
    double n_rows = 0;
    for (int p = 0; p < 50; p++) {
        char partition[8];
        (void)snprintf(partition, sizeof partition, "%d", p);
        n_rows += tg_series_value(
            TG_SERIES(metrics, TG_METRIC_SINK_ROWS_WRITTEN_TOTAL, "s", "t", partition));
    }
    assert_true(fabs(n_rows - N_THREADS * N_EACH) < 0.5);
    assert_true(fabs(tg_series_value(TG_SERIES(metrics, TG_METRIC_SINK_BUFFERED_BYTES, "s", "0")) -
                     2.0 * N_THREADS * N_EACH) < 0.5);
    assert_true(fabs(tg_series_value(TG_SERIES(metrics, TG_METRIC_SINK_BATCH_ROWS, "s")) -
                     N_THREADS * N_EACH) < 0.5);
    tg_metrics_free(metrics);
}

static void
make_count_and_render(void)
{
    tg_metrics_t *metrics = tg_metrics_new();
    if (metrics == NULL) {
        return;
    }
    for (int i = 0; i < 70; i++) { /* enough for the list to grow */
        char name[8];
        (void)snprintf(name, sizeof name, "%d", i);
        tg_series_set(TG_SERIES(metrics, TG_METRIC_SINK_SCHEMAS, name), i);
    }
    tg_buffer_t out;
    tg_buffer_init(&out, 1 << 20);
    tg_status_t status = tg_metrics_render(metrics, &out);
    assert_true(status == TG_OK || status == TG_ERR_NO_MEMORY);
    tg_buffer_done(&out);
    tg_metrics_free(metrics);
}

static void
metrics_survive_the_failure_of_each_allocation(void **state)
{
    (void)state;
    assert_in_range(tg_torture(make_count_and_render), 140, 300);
}

/* The reference beside the sources is what the table says. Run with TIDEGATE_WRITE_REFERENCE=1 to
 * write it anew. */
static void
metrics_reference_is_in_step_with_the_table(void **state)
{
    (void)state;
    const char *path = "../connector/monitoring/METRICS.md"; /* ctest runs us in tests/ */
    tg_buffer_t expected;
    tg_buffer_init(&expected, 1 << 20);
    assert_int_equal(tg_metrics_reference(&expected), TG_OK);
    if (getenv("TIDEGATE_WRITE_REFERENCE") != NULL) {
        FILE *file = fopen(path, "we");
        assert_non_null(file);
        assert_int_equal(fwrite(expected.data, 1, expected.n_bytes, file), expected.n_bytes);
        assert_int_equal(fclose(file), 0);
    }
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    static char found[1 << 20];
    size_t n = fread(found, 1, sizeof found - 1, file);
    (void)fclose(file);
    found[n] = '\0';
    assert_string_equal(found, tg_buffer_text(&expected));
    for (size_t max = 0; max < expected.n_bytes; max += 97) {
        tg_buffer_t small;
        tg_buffer_init(&small, max);
        assert_int_equal(tg_metrics_reference(&small), TG_ERR_FULL);
        tg_buffer_done(&small);
    }
    tg_buffer_done(&expected);
}

/* Names and texts keep the rules that promtool and people hold them to. */
static void
metrics_table_keeps_the_naming_rules(void **state)
{
    (void)state;
    tg_buffer_t reference;
    tg_buffer_init(&reference, 1 << 20);
    assert_int_equal(tg_metrics_reference(&reference), TG_OK);
    char *rest = NULL;
    int n_rows = 0;
    assert_non_null(tg_buffer_text(&reference));
    for (char *line = strtok_r((char *)reference.data, "\n", &rest); line != NULL;
         line = strtok_r(NULL, "\n", &rest)) {
        if (strncmp(line, "| `", 3) != 0) {
            continue;
        }
        n_rows++;
        char name[128];
        char type[32];
        assert_int_equal(sscanf(line, "| `%127[a-z_]` | %31[a-z]", name, type), 2);
        bool is_total = strcmp(name + strlen(name) - strlen("_total"), "_total") == 0;
        assert_int_equal(is_total, strcmp(type, "counter") == 0);
        assert_true(strncmp(name, "tidegate_", 9) == 0 || strncmp(name, "process_", 8) == 0);
        assert_null(strchr(line, '\\'));
        assert_string_equal(line + strlen(line) - 3, ". |"); /* a sentence */
    }
    assert_int_equal(n_rows, TG_METRIC_COUNT);
    tg_buffer_done(&reference);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(metrics_counter_counts_and_keeps_its_series),
        cmocka_unit_test(metrics_gauge_is_written_so_that_it_reads_back),
        cmocka_unit_test(metrics_gauge_can_be_moved_by_steps),
        cmocka_unit_test(metrics_histogram_buckets_add_up),
        cmocka_unit_test(metrics_label_values_are_escaped_and_made_utf8),
        cmocka_unit_test(metrics_labels_that_look_alike_when_joined_stay_apart),
        cmocka_unit_test(metrics_exposition_is_sorted_with_one_head_for_each_family),
        cmocka_unit_test(metrics_retired_series_is_not_exported_until_asked_for_again),
        cmocka_unit_test(metrics_nobody_to_count_for_counts_nothing),
        cmocka_unit_test(metrics_beyond_the_ceiling_are_refused_and_counted),
        cmocka_unit_test(metrics_labels_too_long_to_keep_are_refused),
        cmocka_unit_test(metrics_tell_about_the_process_itself),
        cmocka_unit_test(metrics_without_files_left_are_rendered_all_the_same),
        cmocka_unit_test(metrics_render_into_too_small_a_buffer_is_full),
        cmocka_unit_test(metrics_counter_that_many_share_loses_nothing),
        cmocka_unit_test(metrics_counted_by_many_while_rendered_lose_nothing),
        cmocka_unit_test(metrics_survive_the_failure_of_each_allocation),
        cmocka_unit_test(metrics_reference_is_in_step_with_the_table),
        cmocka_unit_test(metrics_table_keeps_the_naming_rules),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
