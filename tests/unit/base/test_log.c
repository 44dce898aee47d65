// links: base
// libs: jansson
// wrap: write
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include <jansson.h>

#include "base/bytes.h"
#include "base/log.h"
#include "base/thread.h"
#include "tg_test.h"

/* How the kernel behaves: at most max_write bytes at a time, and interrupted n_interrupts times. */
static size_t max_write = SIZE_MAX;
static int n_interrupts;

ssize_t __real_write(int fd, const void *data, size_t n_bytes);
ssize_t __wrap_write(int fd, const void *data, size_t n_bytes);

ssize_t
__wrap_write(int fd, const void *data, size_t n_bytes)
{
    if (n_interrupts > 0) {
        n_interrupts--;
        errno = EINTR;
        return -1;
    }
    return __real_write(fd, data, n_bytes < max_write ? n_bytes : max_write);
}

/* A log that writes into memory, by a clock that we turn. */
typedef struct bench {
    tg_manual_clock_t clock;
    tg_log_t *log;
    int fd;
    char text[1 << 20];
} bench_t;

static bench_t bench;

static void
set_up(tg_log_format_t format)
{
    tg_manual_clock_init(&bench.clock, 1763982123456789);
    bench.fd = memfd_create("log", MFD_CLOEXEC);
    assert_true(bench.fd >= 0);
    bench.log = tg_log_new(bench.fd, format, TG_LOG_LEVEL_INFO);
    assert_non_null(bench.log);
    tg_log_use_clock(bench.log, &bench.clock.clock);
}

static void
tear_down(void)
{
    tg_log_free(bench.log);
    (void)close(bench.fd);
}

/* All that was written since the last call. */
static const char *
written(void)
{
    ssize_t n = pread(bench.fd, bench.text, sizeof bench.text - 1, 0);
    assert_true(n >= 0);
    bench.text[n] = '\0';
    assert_int_equal(ftruncate(bench.fd, 0), 0);
    (void)lseek(bench.fd, 0, SEEK_SET);
    return bench.text;
}

static json_t *
written_json(void)
{
    const char *text = written();
    size_t n = strlen(text);
    assert_true(n > 0 && n <= 4096);
    assert_int_equal(text[n - 1], '\n');
    assert_null(memchr(text, '\n', n - 1));
    json_error_t error;
    json_t *json = json_loads(text, JSON_REJECT_DUPLICATES, &error);
    if (json == NULL) {
        fail_msg("not JSON: %s in %.300s...%s", error.text, text, n > 100 ? text + n - 100 : "");
    }
    return json;
}

static const char *
text_of(const json_t *json, const char *name)
{
    return json_string_value(json_object_get(json, name));
}

static void
log_text_line_has_time_level_room_message_and_fields(void **state)
{
    (void)state;
    set_up(TG_LOG_FORMAT_TEXT);
    TG_LOG_INFO(bench.log, "batch committed", TG_S("topic", "sensors"), TG_I("partition", 3),
                TG_D("seconds", 0.25), TG_B("last", true));
    assert_string_equal(written(), "2025-11-24T11:02:03.456Z info    tidegate: batch committed "
                                   "topic=sensors partition=3 seconds=0.25 last=true\n");
    TG_LOG_ERROR(bench.log, "stopped");
    assert_string_equal(written(), "2025-11-24T11:02:03.456Z error   tidegate: stopped\n");
    tear_down();
}

static void
log_text_values_that_are_not_one_word_are_quoted(void **state)
{
    (void)state;

    static const struct {
        const char *value;
        const char *expected;
    } CASES[] = {
        {"word", "word"},
        {"", "\"\""},
        {"two words", "\"two words\""},
        {"a=b", "\"a=b\""},
        {"say \"hi\"", "\"say \\\"hi\\\"\""},
        {"back\\slash", "\"back\\\\slash\""},
        {"line\nfeed", "\"line\\u000afeed\""},
        {"\x1b[31mred", "\"\\u001b[31mred\""},
        {"\xC2\x9B"
         "31m",
         "\"\\u009b31m\""},
        {"H\xC3\xB6he", "\"H\xC3\xB6he\""},
        {"bad\xFF", "\"bad\xEF\xBF\xBD\""},
        {NULL, "null"},
    };

    for (size_t i = 0; i < TG_COUNT_OF(CASES); i++) {
        set_up(TG_LOG_FORMAT_TEXT);
        tg_log_site_t site = {.room = "r"};
        tg_log_field_t field = TG_S("v", CASES[i].value);
        tg_log_write(bench.log, TG_LOG_LEVEL_INFO, &site, "m", &field, 1);
        char expected[128];
        (void)snprintf(expected, sizeof expected, "2025-11-24T11:02:03.456Z info    r: m v=%s\n",
                       CASES[i].expected);
        assert_string_equal(written(), expected);
        tear_down();
    }
}

static void
log_json_line_reads_back_as_what_was_said(void **state)
{
    (void)state;
    set_up(TG_LOG_FORMAT_JSON);
    TG_LOG_WARNING(bench.log, "say \"what\"", TG_S("text", "a\"b\\c\nd\x01\x7F H\xC3\xB6he"),
                   TG_S("none", NULL), TG_I("least", INT64_MIN), TG_D("pi", 3.14159),
                   TG_D("nan", (double)NAN), TG_D("inf", HUGE_VAL), TG_D("big", -1e300),
                   TG_B("no", false), TG_S("bad", "\xC3("));
    json_t *json = written_json();
    assert_string_equal(text_of(json, "time"), "2025-11-24T11:02:03.456Z");
    assert_string_equal(text_of(json, "level"), "warning");
    assert_string_equal(text_of(json, "room"), "tidegate");
    assert_string_equal(text_of(json, "message"), "say \"what\"");
    assert_string_equal(text_of(json, "text"), "a\"b\\c\nd\x01\x7F H\xC3\xB6he");
    assert_true(json_is_null(json_object_get(json, "none")));
    assert_int_equal(json_integer_value(json_object_get(json, "least")), INT64_MIN);
    assert_true(fabs(json_real_value(json_object_get(json, "pi")) - 3.14159) < 1e-9);
    assert_true(json_is_null(json_object_get(json, "nan")));
    assert_true(json_is_null(json_object_get(json, "inf")));
    assert_true(json_is_false(json_object_get(json, "no")));
    assert_string_equal(text_of(json, "bad"), "\xEF\xBF\xBD(");
    assert_null(json_object_get(json, "cut"));
    json_decref(json);
    tear_down();
}

static void
log_json_line_stays_valid_however_long_its_fields(void **state)
{
    (void)state;
    static const char *const UNITS[] = {
        "x", "\n", "\"", "\xC3\xB6", "\xE2\x82\xAC", "\xFF", "\xF0\x9F\x8C\x8A"};
    static char value[4 * 4200 + 1];
    for (size_t u = 0; u < TG_COUNT_OF(UNITS); u++) {
        size_t unit = strlen(UNITS[u]);
        for (size_t n = 600; n<4200; n += n> 3800 ? 1 : 300) {
            set_up(TG_LOG_FORMAT_JSON);
            for (size_t i = 0; i < n; i++) {
                memcpy(value + i * unit, UNITS[u], unit);
            }
            value[n * unit] = '\0';
            tg_log_site_t site = {.room = "sink"};
            const tg_log_field_t fields[] = {TG_I("before", 1), TG_S("long", value),
                                             TG_I("after", 2), TG_S("end", "z")};
            site.n_suppressed = INT64_MAX;
            tg_log_write(bench.log, TG_LOG_LEVEL_ERROR, &site, "long", fields, 4);
            json_t *json = written_json();
            assert_int_equal(json_integer_value(json_object_get(json, "before")), 1);
            assert_true(json_integer_value(json_object_get(json, "suppressed")) == INT64_MAX);
            bool whole =
                json_object_get(json, "end") != NULL && strcmp(text_of(json, "long"), value) == 0;
            /* Either all is there, or the line says that it is not. */
            assert_true(*UNITS[u] == '\xFF' ||
                        whole == !json_is_true(json_object_get(json, "cut")));
            assert_true(strlen(text_of(json, "long")) >= 600);
            json_decref(json);
            tear_down();
        }
    }
}

static void
log_message_and_name_that_are_too_long_do_not_break_the_line(void **state)
{
    (void)state;
    static char longer[10000];
    memset(longer, 'm', sizeof longer - 1);
    for (int format = 0; format <= (int)TG_LOG_FORMAT_JSON; format++) {
        set_up((tg_log_format_t)format);
        tg_log_site_t site = {.room = longer};
        const tg_log_field_t fields[] = {TG_I(longer, 1), TG_S("v", longer)};
        tg_log_write(bench.log, TG_LOG_LEVEL_ERROR, &site, longer, fields, 2);
        if (format == (int)TG_LOG_FORMAT_JSON) {
            json_t *json = written_json();
            assert_true(json_is_true(json_object_get(json, "cut")));
            json_decref(json);
        } else {
            const char *text = written();
            assert_string_equal(text + strlen(text) - 10, " cut=true\n");
            assert_in_range(strlen(text), 3900, 4096);
        }
        tear_down();
    }
}

static void
log_value_that_is_cut_says_so_even_as_the_last(void **state)
{
    (void)state;
    static char longer[5000];
    memset(longer, 'v', sizeof longer - 1);
    set_up(TG_LOG_FORMAT_JSON);
    TG_LOG_INFO(bench.log, "m", TG_S("error", longer));
    json_t *json = written_json();
    assert_true(json_is_true(json_object_get(json, "cut")));
    const char *value = text_of(json, "error");
    assert_string_equal(value + strlen(value) - 4, "v\xE2\x80\xA6");
    assert_true(strlen(value) > 3900);
    json_decref(json);
    tear_down();
}

static void
log_level_below_the_threshold_writes_nothing(void **state)
{
    (void)state;
    set_up(TG_LOG_FORMAT_TEXT);
    TG_LOG_DEBUG(bench.log, "hidden");
    assert_string_equal(written(), "");
    tg_log_set_level(bench.log, TG_LOG_LEVEL_DEBUG);
    assert_int_equal(tg_log_level(bench.log), TG_LOG_LEVEL_DEBUG);
    TG_LOG_DEBUG(bench.log, "shown");
    assert_string_not_equal(written(), "");
    TG_LOG_ERROR(NULL, "nobody listens");
    tear_down();
}

static void
log_level_names_parse_back(void **state)
{
    (void)state;
    for (int i = 0; i <= (int)TG_LOG_LEVEL_ERROR; i++) {
        tg_log_level_t level = TG_LOG_LEVEL_INFO;
        assert_true(tg_log_level_parse(tg_log_level_name((tg_log_level_t)i), &level));
        assert_int_equal(level, i);
    }
    tg_log_level_t level = TG_LOG_LEVEL_ERROR;
    assert_false(tg_log_level_parse("warn", &level));
    assert_false(tg_log_level_parse("", &level));
    assert_false(tg_log_level_parse("INFO", &level));
    assert_int_equal(level, TG_LOG_LEVEL_ERROR);
}

static int
n_lines(const char *text)
{
    int n = 0;
    for (; *text != '\0'; text++) {
        n += *text == '\n' ? 1 : 0;
    }
    return n;
}

static int
say(tg_log_site_t *site, int n)
{
    for (int i = 0; i < n; i++) {
        tg_log_write(bench.log, TG_LOG_LEVEL_INFO, site, "again", NULL, 0);
    }
    return n_lines(written());
}

static void
log_repeats_are_limited_to_a_burst_and_one_a_second(void **state)
{
    (void)state;
    set_up(TG_LOG_FORMAT_TEXT);
    tg_log_site_t site = {.room = "r"};
    assert_int_equal(say(&site, 100), 20);
    tg_manual_clock_advance(&bench.clock, 999000);
    assert_int_equal(say(&site, 10), 0);
    tg_manual_clock_advance(&bench.clock, 1000);
    assert_int_equal(say(&site, 1), 1);
    assert_non_null(strstr(bench.text, "again suppressed=90\n"));
    assert_int_equal(say(&site, 5), 0);
    for (int second = 0; second < 5; second++) {
        tg_manual_clock_advance(&bench.clock, 1000000);
        assert_int_equal(say(&site, 10), 1);
        assert_non_null(strstr(bench.text, second == 0 ? "suppressed=5\n" : "suppressed=9\n"));
    }
    /* Quiet for twenty seconds: the burst is earned again. */
    tg_manual_clock_advance(&bench.clock, 20000000);
    assert_int_equal(say(&site, 100), 20);
    tear_down();
}

static void
log_sites_do_not_share_their_limit(void **state)
{
    (void)state;
    set_up(TG_LOG_FORMAT_TEXT);
    tg_log_site_t one = {.room = "r"};
    tg_log_site_t two = {.room = "r"};
    assert_int_equal(say(&one, 30), 20);
    assert_int_equal(say(&two, 5), 5);
    tear_down();
}

enum { N_THREADS = 4, N_EACH = 2000 };

static tg_log_site_t crowded = {.room = "r"};

static void *
say_many(void *arg)
{
    (void)arg;
    for (int i = 0; i < N_EACH; i++) {
        tg_log_write(bench.log, TG_LOG_LEVEL_INFO, &crowded, "again",
                     &(tg_log_field_t){.name = "n", .kind = TG_LOG_FIELD_INT}, 1);
        if (i % 100 == 0) {
            tg_manual_clock_advance(&bench.clock, 1000000);
        }
    }
    return NULL;
}

static void
log_in_a_crowd_every_line_is_written_or_counted(void **state)
{
    (void)state;
    set_up(TG_LOG_FORMAT_TEXT);
    /* Appending, as a service manager's pipe would: lines of several threads do not overwrite. */
    assert_int_equal(fcntl(bench.fd, F_SETFL, O_APPEND), 0);
    tg_thread_t threads[N_THREADS];
    tg_error_t err;
    for (int i = 0; i < N_THREADS; i++) {
        ASSERT_OK(tg_thread_start(&threads[i], "talker", say_many, NULL, &err));
    }
    for (int i = 0; i < N_THREADS; i++) {
        tg_thread_join(&threads[i]);
    }
    const char *text = written();
    int64_t n = n_lines(text);
    /* 20 at once, and one for each of the 80 seconds that went by. */
    assert_in_range(n, 20, 20 + 80);
    assert_true(n >= 80);
    for (const char *at = text; (at = strstr(at, "suppressed=")) != NULL; at++) {
        n += strtol(at + strlen("suppressed="), NULL, 10);
    }
    assert_int_equal(n + crowded.n_suppressed, N_THREADS * N_EACH);
    tear_down();
}

static void
log_lines_that_could_not_be_written_are_counted(void **state)
{
    (void)state;
    set_up(TG_LOG_FORMAT_TEXT);
    tg_log_t *closed = tg_log_new(-1, TG_LOG_FORMAT_TEXT, TG_LOG_LEVEL_INFO);
    tg_log_site_t site = {.room = "r"};
    errno = ERANGE;
    tg_log_write(closed, TG_LOG_LEVEL_INFO, &site, "lost", NULL, 0);
    assert_int_equal(errno, ERANGE);
    tg_log_write(closed, TG_LOG_LEVEL_INFO, &site, "lost", NULL, 0);
    assert_int_equal(site.n_suppressed, 2);
    assert_int_equal(say(&site, 1), 1);
    assert_non_null(strstr(bench.text, "suppressed=2\n"));
    tg_log_free(closed);
    tear_down();
}

static void
log_line_is_whole_although_the_kernel_takes_it_in_pieces(void **state)
{
    (void)state;
    set_up(TG_LOG_FORMAT_TEXT);
    tg_log_site_t site = {.room = "r"};
    max_write = 7;
    n_interrupts = 3;
    tg_log_write(bench.log, TG_LOG_LEVEL_INFO, &site, "in pieces", NULL, 0);
    max_write = SIZE_MAX;
    assert_string_equal(written(), "2025-11-24T11:02:03.456Z info    r: in pieces\n");
    assert_int_equal(site.n_suppressed, 0);
    assert_int_equal(n_interrupts, 0);
    tear_down();
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(log_text_line_has_time_level_room_message_and_fields),
        cmocka_unit_test(log_text_values_that_are_not_one_word_are_quoted),
        cmocka_unit_test(log_json_line_reads_back_as_what_was_said),
        cmocka_unit_test(log_json_line_stays_valid_however_long_its_fields),
        cmocka_unit_test(log_message_and_name_that_are_too_long_do_not_break_the_line),
        cmocka_unit_test(log_value_that_is_cut_says_so_even_as_the_last),
        cmocka_unit_test(log_level_below_the_threshold_writes_nothing),
        cmocka_unit_test(log_level_names_parse_back),
        cmocka_unit_test(log_repeats_are_limited_to_a_burst_and_one_a_second),
        cmocka_unit_test(log_sites_do_not_share_their_limit),
        cmocka_unit_test(log_in_a_crowd_every_line_is_written_or_counted),
        cmocka_unit_test(log_line_is_whole_although_the_kernel_takes_it_in_pieces),
        cmocka_unit_test(log_lines_that_could_not_be_written_are_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
