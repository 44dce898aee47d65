// libs: jansson
// wrap: malloc calloc realloc reallocarray strdup
#include <stdio.h>

#include <jansson.h>

#include "base/bytes.h"
#include "base/thread.h"
#include "monitoring/health.h"
#include "tg_test.h"
#include "tg_torture.h"

static tg_manual_clock_t hands;

static tg_health_t *
started(void)
{
    tg_manual_clock_init(&hands, 1000000);
    tg_health_t *health = tg_health_new(&hands.clock);
    assert_non_null(health);
    return health;
}

typedef tg_status_t render_t(tg_health_t *health, tg_buffer_t *out, bool *ret_ok);

/* Owned by the caller. */
static json_t *
answer_of(render_t *render, tg_health_t *health, bool expected_ok)
{
    tg_buffer_t out;
    tg_buffer_init(&out, 1 << 20);
    bool ok = !expected_ok;
    assert_int_equal(render(health, &out, &ok), TG_OK);
    json_t *json = json_loadb((const char *)out.data, out.n_bytes, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(json);
    if (ok != expected_ok) {
        fail_msg("%s", tg_buffer_text(&out));
    }
    tg_buffer_done(&out);
    return json;
}

static void
assert_status(render_t *render, tg_health_t *health, const char *status, bool ok)
{
    json_t *json = answer_of(render, health, ok);
    assert_string_equal(json_string_value(json_object_get(json, "status")), status);
    json_decref(json);
}

static void
health_without_parts_lives_and_is_not_ready(void **state)
{
    (void)state;
    tg_health_t *health = started();
    assert_status(tg_health_render_live, health, "healthy", true);
    assert_status(tg_health_render_ready, health, "starting", false);
    tg_health_free(health);
    tg_health_free(NULL);
}

static void
health_is_as_good_as_its_worst_part(void **state)
{
    (void)state;

    enum { S = TG_HEALTH_STARTING, U = TG_HEALTH_UP, G = TG_HEALTH_DEGRADED, D = TG_HEALTH_DOWN };

    /* What two parts say, one after the other (-1: nothing more). */
    static const struct {
        const char *name;
        int one[3];
        int two[3];
        const char *status;
        bool ok;
    } CASES[] = {
        {"nothing said yet", {-1}, {-1}, "starting", false},
        {"one still starting", {U, -1}, {S, -1}, "starting", false},
        {"both up", {U, -1}, {U, -1}, "healthy", true},
        {"degraded after up", {U, G, -1}, {U, -1}, "degraded", true},
        {"degraded before it ever was up", {G, -1}, {U, -1}, "starting", false},
        {"down", {U, D, -1}, {U, -1}, "unhealthy", false},
        {"down before it ever was up", {D, -1}, {S, -1}, "unhealthy", false},
        {"down wins over degraded", {U, G, -1}, {U, D, -1}, "unhealthy", false},
        {"restarting after up", {U, S, -1}, {U, -1}, "degraded", true},
        {"up again", {U, D, U}, {U, G, U}, "healthy", true},
    };

    for (size_t i = 0; i < TG_COUNT_OF(CASES); i++) {
        tg_health_t *health = started();
        tg_health_part_t *parts[] = {tg_health_add(health, "one"), tg_health_add(health, "two")};
        for (int step = 0; step < 3 && CASES[i].one[step] >= 0; step++) {
            tg_health_set(parts[0], (tg_health_state_t)CASES[i].one[step], "why");
        }
        for (int step = 0; step < 3 && CASES[i].two[step] >= 0; step++) {
            tg_health_set(parts[1], (tg_health_state_t)CASES[i].two[step], "why");
        }
        json_t *json = answer_of(tg_health_render_ready, health, CASES[i].ok);
        if (strcmp(json_string_value(json_object_get(json, "status")), CASES[i].status) != 0) {
            fail_msg("%s", CASES[i].name);
        }
        json_decref(json);
        /* Whatever the parts say of themselves, the process lives. */
        assert_status(tg_health_render_live, health, "healthy", true);
        tg_health_free(health);
    }
}

static void
health_tells_name_state_reason_and_since_when(void **state)
{
    (void)state;
    tg_health_t *health = started();
    tg_health_part_t *writer = tg_health_add(health, "sink sensors writer 0");
    tg_health_part_t *broken = tg_health_add(health, "bad\xFF");
    tg_health_set(writer, TG_HEALTH_UP, NULL);
    tg_manual_clock_advance(&hands, 5000000);
    tg_health_set(writer, TG_HEALTH_DEGRADED, "the database is away");
    tg_manual_clock_advance(&hands, 3000000);
    tg_health_set(writer, TG_HEALTH_DEGRADED, "the database \"plant\" is still away");
    tg_health_set(broken, TG_HEALTH_DEGRADED, "\xC3(");
    tg_manual_clock_advance(&hands, 4000000);
    json_t *json = answer_of(tg_health_render_ready, health, false);
    const json_t *parts = json_object_get(json, "parts");
    assert_int_equal(json_array_size(parts), 2);
    const json_t *one = json_array_get(parts, 0);
    assert_string_equal(json_string_value(json_object_get(one, "name")), "sink sensors writer 0");
    assert_string_equal(json_string_value(json_object_get(one, "state")), "degraded");
    assert_string_equal(json_string_value(json_object_get(one, "reason")),
                        "the database \"plant\" is still away");
    /* Since it became so, not since it was last said. */
    assert_int_equal(json_integer_value(json_object_get(one, "since_ms")), 7000);
    const json_t *two = json_array_get(parts, 1);
    assert_string_equal(json_string_value(json_object_get(two, "name")), "bad\xEF\xBF\xBD");
    assert_string_equal(json_string_value(json_object_get(two, "reason")), "\xEF\xBF\xBD(");
    json_decref(json);
    tg_health_set(writer, TG_HEALTH_UP, NULL);
    json = answer_of(tg_health_render_ready, health, false);
    assert_null(json_object_get(json_array_get(json_object_get(json, "parts"), 0), "reason"));
    json_decref(json);
    tg_health_free(health);
}

static void
health_thread_that_hangs_is_neither_live_nor_ready(void **state)
{
    (void)state;
    tg_health_t *health = started();
    tg_health_part_t *poll = tg_health_add(health, "sink sensors poll");
    tg_health_set(poll, TG_HEALTH_UP, NULL);
    tg_manual_clock_advance(&hands, 60000000);
    assert_status(tg_health_render_live, health, "healthy", true); /* none expected yet */
    tg_health_expect_beat(poll, 10000);
    assert_status(tg_health_render_live, health, "healthy", true);
    tg_manual_clock_advance(&hands, 10000000);
    assert_status(tg_health_render_live, health, "healthy", true);
    tg_manual_clock_advance(&hands, 1000);
    json_t *json = answer_of(tg_health_render_live, health, false);
    assert_string_equal(json_string_value(json_object_get(json, "status")), "unhealthy");
    const json_t *part = json_array_get(json_object_get(json, "parts"), 0);
    assert_string_equal(json_string_value(json_object_get(part, "state")), "down");
    assert_string_equal(json_string_value(json_object_get(part, "reason")),
                        "no sign of life for 10001 ms, 10000 ms are allowed: the thread hangs");
    json_decref(json);
    assert_status(tg_health_render_ready, health, "unhealthy", false);
    tg_health_beat(poll);
    assert_status(tg_health_render_live, health, "healthy", true);
    assert_status(tg_health_render_ready, health, "healthy", true);
    tg_manual_clock_advance(&hands, 60000000);
    tg_health_expect_beat(poll, 0); /* it may take its time now */
    tg_manual_clock_advance(&hands, 60000000);
    assert_status(tg_health_render_live, health, "healthy", true);
    tg_health_free(health);
}

static void
health_part_that_is_removed_is_forgotten(void **state)
{
    (void)state;
    tg_health_t *health = started();
    tg_health_part_t *parts[3];
    for (int i = 0; i < 3; i++) {
        char name[8];
        (void)snprintf(name, sizeof name, "part %d", i);
        parts[i] = tg_health_add(health, name);
        tg_health_set(parts[i], i == 1 ? TG_HEALTH_DOWN : TG_HEALTH_UP, "why");
    }
    assert_status(tg_health_render_ready, health, "unhealthy", false);
    tg_health_remove(health, parts[1]);
    json_t *json = answer_of(tg_health_render_ready, health, true);
    const json_t *list = json_object_get(json, "parts");
    assert_int_equal(json_array_size(list), 2);
    assert_string_equal(json_string_value(json_object_get(json_array_get(list, 1), "name")),
                        "part 2");
    json_decref(json);
    tg_health_remove(health, parts[0]);
    tg_health_remove(health, parts[2]);
    tg_health_free(health);
}

static void
health_calls_with_no_part_do_nothing(void **state)
{
    (void)state;
    tg_health_t *health = started();
    tg_health_set(NULL, TG_HEALTH_DOWN, "x");
    tg_health_expect_beat(NULL, 5);
    tg_health_beat(NULL);
    tg_health_remove(health, NULL);
    tg_health_free(health);
}

static void
health_answer_that_does_not_fit_leaves_the_buffer_alone(void **state)
{
    (void)state;
    tg_health_t *health = started();
    tg_health_set(tg_health_add(health, "one"), TG_HEALTH_UP, NULL);
    for (size_t max = 3; max < 60; max += 8) {
        tg_buffer_t out;
        tg_buffer_init(&out, max);
        assert_int_equal(tg_buffer_append_text(&out, "abc"), TG_OK);
        bool ok = false;
        assert_int_equal(tg_health_render_ready(health, &out, &ok), TG_ERR_FULL);
        assert_int_equal(tg_health_render_live(health, &out, &ok), TG_ERR_FULL);
        assert_int_equal(out.n_bytes, 3);
        tg_buffer_done(&out);
    }
    tg_health_free(health);
}

static void *
change_much(void *arg)
{
    tg_health_t *health = arg;
    for (int i = 0; i < 500; i++) {
        tg_health_part_t *part = tg_health_add(health, "lane");
        tg_health_expect_beat(part, 1000);
        tg_health_set(part, TG_HEALTH_DEGRADED, "the broker is away");
        tg_health_beat(part);
        tg_health_set(part, TG_HEALTH_UP, NULL);
        tg_health_remove(health, part);
    }
    return NULL;
}

static void
health_can_be_asked_while_many_change_it(void **state)
{
    (void)state;
    tg_health_t *health = started();
    tg_thread_t threads[3];
    tg_error_t err;
    for (int i = 0; i < 3; i++) {
        ASSERT_OK(tg_thread_start(&threads[i], "changer", change_much, health, &err));
    }
    for (int i = 0; i < 100; i++) {
        assert_status(tg_health_render_live, health, "healthy", true);
    }
    for (int i = 0; i < 3; i++) {
        tg_thread_join(&threads[i]);
    }
    tg_health_free(health);
}

/* The JSON library's allocations fail too. */
static void *
failing_malloc(size_t n)
{
    return __wrap_malloc(n);
}

static void
add_and_render(void)
{
    tg_manual_clock_init(&hands, 1000000);
    tg_health_t *health = tg_health_new(&hands.clock);
    if (health == NULL) {
        return;
    }
    tg_health_part_t *one = tg_health_add(health, "one");
    tg_health_part_t *two = tg_health_add(health, "two\xFF");
    tg_health_set(one, TG_HEALTH_UP, NULL);
    tg_health_set(two, TG_HEALTH_UP, "\xFF");
    tg_buffer_t out;
    tg_buffer_init(&out, 1 << 16);
    bool ok = false;
    tg_status_t status = tg_health_render_ready(health, &out, &ok);
    if (status == TG_OK) {
        assert_true(ok);
        assert_non_null(tg_buffer_text(&out) != NULL ? strstr((char *)out.data, "healthy") : "");
    } else {
        assert_true(status == TG_ERR_NO_MEMORY || status == TG_ERR_FULL);
        assert_int_equal(out.n_bytes, 0);
    }
    tg_buffer_done(&out);
    tg_health_free(health);
}

static void
health_survives_the_failure_of_each_allocation(void **state)
{
    (void)state;
    json_set_alloc_funcs(failing_malloc, free);
    assert_in_range(tg_torture(add_and_render), 20, 200);
    json_set_alloc_funcs(malloc, free);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(health_without_parts_lives_and_is_not_ready),
        cmocka_unit_test(health_is_as_good_as_its_worst_part),
        cmocka_unit_test(health_tells_name_state_reason_and_since_when),
        cmocka_unit_test(health_thread_that_hangs_is_neither_live_nor_ready),
        cmocka_unit_test(health_part_that_is_removed_is_forgotten),
        cmocka_unit_test(health_calls_with_no_part_do_nothing),
        cmocka_unit_test(health_answer_that_does_not_fit_leaves_the_buffer_alone),
        cmocka_unit_test(health_can_be_asked_while_many_change_it),
        cmocka_unit_test(health_survives_the_failure_of_each_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
