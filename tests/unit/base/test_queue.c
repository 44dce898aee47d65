// wrap: malloc calloc realloc reallocarray strdup
#include <poll.h>

#include "base/clock.h"
#include "base/queue.h"
#include "base/thread.h"
#include "tg_test.h"
#include "tg_torture.h"

static void *
as_item(uintptr_t number)
{
    return (void *)number; // NOLINT(performance-no-int-to-ptr): a number is item enough
}

static void
queue_gives_back_in_order_across_its_end(void **state)
{
    (void)state;
    tg_queue_t *queue = tg_queue_new(3, NULL);
    uintptr_t next_in = 1;
    uintptr_t next_out = 1;
    for (int round = 0; round < 10; round++) {
        for (int i = 0; i < 2; i++) {
            assert_int_equal(tg_queue_push(queue, as_item(next_in++)), TG_OK);
        }
        assert_int_equal(tg_queue_length(queue), 2);
        for (int i = 0; i < 2; i++) {
            void *item = NULL;
            assert_int_equal(tg_queue_pop(queue, 0, &item), TG_OK);
            assert_ptr_equal(item, as_item(next_out++));
        }
    }
    tg_queue_free(queue);
}

static void
queue_that_is_full_refuses_and_one_that_is_empty_has_nothing(void **state)
{
    (void)state;
    tg_queue_t *queue = tg_queue_new(2, NULL);
    void *item = as_item(77);
    assert_int_equal(tg_queue_pop(queue, 0, &item), TG_ERR_TIMEOUT);
    assert_int_equal(tg_queue_pop(queue, 5, &item), TG_ERR_TIMEOUT);
    assert_ptr_equal(item, as_item(77));
    assert_int_equal(tg_queue_push(queue, as_item(1)), TG_OK);
    assert_int_equal(tg_queue_push(queue, as_item(2)), TG_OK);
    assert_int_equal(tg_queue_push(queue, as_item(3)), TG_ERR_FULL);
    assert_int_equal(tg_queue_push_wait(queue, as_item(3), 5), TG_ERR_TIMEOUT);
    assert_int_equal(tg_queue_length(queue), 2);
    tg_queue_free(queue);
    tg_queue_free(NULL);
}

static void
queue_waits_as_long_as_it_was_told(void **state)
{
    (void)state;
    tg_queue_t *queue = tg_queue_new(1, NULL);
    void *item = NULL;
    int64_t start_us = tg_clock_now_us(tg_clock_system());
    assert_int_equal(tg_queue_pop(queue, 30, &item), TG_ERR_TIMEOUT);
    assert_true(tg_clock_now_us(tg_clock_system()) - start_us >= 30000);
    /* Deadlines on both sides of a full second, and one that no clock reaches. */
    static const int64_t TIMEOUTS[] = {1, 500, 999, 1000, 1999, INT64_MAX};
    for (size_t i = 0; i < TG_COUNT_OF(TIMEOUTS); i++) {
        assert_int_equal(tg_queue_push_wait(queue, as_item(1), TIMEOUTS[i]), TG_OK);
        assert_int_equal(tg_queue_pop(queue, TIMEOUTS[i], &item), TG_OK);
    }
    tg_queue_free(queue);
}

static void
queue_that_is_closed_gives_what_is_left_then_says_so(void **state)
{
    (void)state;
    tg_queue_t *queue = tg_queue_new(2, NULL);
    assert_int_equal(tg_queue_push(queue, as_item(1)), TG_OK);
    tg_queue_close(queue);
    assert_int_equal(tg_queue_push(queue, as_item(2)), TG_ERR_CANCELLED);
    void *item = NULL;
    assert_int_equal(tg_queue_pop(queue, -1, &item), TG_OK);
    assert_ptr_equal(item, as_item(1));
    assert_int_equal(tg_queue_pop(queue, -1, &item), TG_ERR_CANCELLED);
    tg_queue_free(queue);
}

static void
queue_impossible_capacities_make_no_queue(void **state)
{
    (void)state;
    assert_null(tg_queue_new(SIZE_MAX, NULL));
    assert_null(tg_queue_new(SIZE_MAX / 8, NULL));
    tg_queue_t *queue = tg_queue_new(0, NULL);
    assert_int_equal(tg_queue_push(queue, as_item(1)), TG_ERR_FULL);
    tg_queue_free(queue);
}

static void
queue_rings_its_bell_for_each_push_and_at_the_end(void **state)
{
    (void)state;
    tg_wake_t wake;
    tg_error_t err;
    ASSERT_OK(tg_wake_open(&wake, &err));
    struct pollfd fd = {.fd = wake.fd, .events = POLLIN};
    tg_queue_t *queue = tg_queue_new(1, &wake);
    assert_int_equal(tg_queue_push(queue, as_item(1)), TG_OK);
    assert_int_equal(poll(&fd, 1, 0), 1);
    tg_wake_drain(&wake);
    assert_int_equal(tg_queue_push(queue, as_item(2)), TG_ERR_FULL);
    assert_int_equal(poll(&fd, 1, 0), 0);
    tg_queue_close(queue);
    assert_int_equal(poll(&fd, 1, 0), 1);
    tg_queue_free(queue);
    tg_wake_close(&wake);
}

static void *
pop_one(void *arg)
{
    void *item = NULL;
    return tg_queue_pop(arg, 20000, &item) == TG_OK ? item : NULL;
}

static void
queue_push_that_waits_goes_on_when_somebody_pops(void **state)
{
    (void)state;
    tg_queue_t *queue = tg_queue_new(1, NULL);
    assert_int_equal(tg_queue_push(queue, as_item(1)), TG_OK);
    tg_thread_t thread;
    tg_error_t err;
    ASSERT_OK(tg_thread_start(&thread, "popper", pop_one, queue, &err));
    assert_int_equal(tg_queue_push_wait(queue, as_item(2), -1), TG_OK);
    tg_thread_join(&thread);
    assert_int_equal(tg_queue_length(queue), 1);
    tg_queue_free(queue);
}

enum { N_ROUNDS = 5000, SLOW_MS = 2000 };

/* One side of a queue of one place, where each waits for the other all the time. A wait that only
 * its deadline ends was not woken. */
typedef struct side {
    tg_queue_t *queue;
    bool pushes;
    int n_slow;
} side_t;

static void *
take_turns(void *arg)
{
    side_t *side = arg;
    for (int i = 0; i < N_ROUNDS && side->n_slow == 0; i++) {
        void *item = NULL;
        int64_t start_ms = tg_clock_now_ms(tg_clock_system());
        tg_status_t status = side->pushes
                                 ? tg_queue_push_wait(side->queue, as_item(1), 10 * SLOW_MS)
                                 : tg_queue_pop(side->queue, 10 * SLOW_MS, &item);
        bool slow = tg_clock_now_ms(tg_clock_system()) - start_ms > 9 * SLOW_MS;
        side->n_slow += status != TG_OK || slow ? 1 : 0;
    }
    return NULL;
}

static void
queue_wakes_who_waits_on_either_side(void **state)
{
    (void)state;
    side_t push = {.queue = tg_queue_new(1, NULL), .pushes = true};
    side_t pop = {.queue = push.queue};
    tg_thread_t pusher;
    tg_error_t err;
    ASSERT_OK(tg_thread_start(&pusher, "pusher", take_turns, &push, &err));
    (void)take_turns(&pop);
    tg_thread_join(&pusher);
    assert_int_equal(push.n_slow + pop.n_slow, 0);
    tg_queue_free(push.queue);
}

static void
queue_wait_across_a_full_second_ends_in_time(void **state)
{
    (void)state;
    tg_queue_t *queue = tg_queue_new(1, NULL);
    void *item = NULL;
    int64_t start_ms = tg_clock_now_ms(tg_clock_system());
    int64_t timeout_ms = 1000 - start_ms % 1000 + 1;
    assert_int_equal(tg_queue_pop(queue, timeout_ms, &item), TG_ERR_TIMEOUT);
    int64_t waited_ms = tg_clock_now_ms(tg_clock_system()) - start_ms;
    assert_in_range(waited_ms, timeout_ms, timeout_ms + 10000);
    tg_queue_free(queue);
}

static void *
push_until_refused(void *arg)
{
    while (tg_queue_push_wait(arg, as_item(1), -1) == TG_OK) {
    }
    return NULL;
}

static void *
pop_until_refused(void *arg)
{
    void *item = NULL;
    while (tg_queue_pop(arg, -1, &item) == TG_OK) {
    }
    return NULL;
}

static void
queue_close_frees_all_who_wait_for_ever(void **state)
{
    (void)state;
    tg_queue_t *full = tg_queue_new(1, NULL);
    tg_queue_t *empty = tg_queue_new(1, NULL);
    tg_thread_t threads[6];
    tg_error_t err;
    for (int i = 0; i < 6; i++) {
        ASSERT_OK(tg_thread_start(&threads[i], "waiter",
                                  i % 2 == 0 ? push_until_refused : pop_until_refused,
                                  i % 2 == 0 ? full : empty, &err));
    }
    tg_queue_close(full);
    tg_queue_close(empty);
    for (int i = 0; i < 6; i++) {
        tg_thread_join(&threads[i]);
    }
    tg_queue_free(full);
    tg_queue_free(empty);
}

enum { N_PUSHERS = 4, N_POPPERS = 4, N_EACH = 5000 };

typedef struct crowd {
    tg_queue_t *queue;
    _Atomic uint32_t next_pusher;
    _Atomic uint8_t seen[N_PUSHERS][N_EACH];
    _Atomic int n_out_of_order;
} crowd_t;

static void *
push_many(void *arg)
{
    crowd_t *crowd = arg;
    uintptr_t me = atomic_fetch_add(&crowd->next_pusher, 1);
    for (uintptr_t i = 0; i < N_EACH; i++) {
        /* Both ways of pushing, so that both meet the crowd. */
        while (i % 3 == 0
                   ? tg_queue_push(crowd->queue, as_item(1 + me * N_EACH + i)) != TG_OK
                   : tg_queue_push_wait(crowd->queue, as_item(1 + me * N_EACH + i), 1) != TG_OK) {
        }
    }
    return NULL;
}

static void *
pop_many(void *arg)
{
    crowd_t *crowd = arg;
    uintptr_t last[N_PUSHERS] = {0};
    for (;;) {
        void *item = NULL;
        tg_status_t status = tg_queue_pop(crowd->queue, 1, &item);
        if (status == TG_ERR_CANCELLED) {
            return NULL;
        }
        if (status == TG_OK) {
            uintptr_t number = (uintptr_t)item - 1;
            uintptr_t pusher = number / N_EACH;
            atomic_fetch_add(&crowd->seen[pusher][number % N_EACH], 1);
            if (number % N_EACH + 1 <= last[pusher]) {
                atomic_fetch_add(&crowd->n_out_of_order, 1);
            }
            last[pusher] = number % N_EACH + 1;
        }
    }
}

static void
queue_in_a_crowd_loses_nothing_doubles_nothing_and_keeps_order(void **state)
{
    (void)state;
    static crowd_t crowd;
    crowd.queue = tg_queue_new(8, NULL);
    tg_thread_t threads[N_PUSHERS + N_POPPERS];
    tg_error_t err;
    for (int i = 0; i < N_PUSHERS + N_POPPERS; i++) {
        ASSERT_OK(tg_thread_start(&threads[i], i < N_PUSHERS ? "pusher" : "popper",
                                  i < N_PUSHERS ? push_many : pop_many, &crowd, &err));
    }
    for (int i = 0; i < N_PUSHERS; i++) {
        tg_thread_join(&threads[i]);
    }
    tg_queue_close(crowd.queue);
    for (int i = N_PUSHERS; i < N_PUSHERS + N_POPPERS; i++) {
        tg_thread_join(&threads[i]);
    }
    for (int p = 0; p < N_PUSHERS; p++) {
        for (int i = 0; i < N_EACH; i++) {
            assert_int_equal(crowd.seen[p][i], 1);
        }
    }
    assert_int_equal(crowd.n_out_of_order, 0);
    tg_queue_free(crowd.queue);
}

static void
make_a_queue(void)
{
    tg_queue_free(tg_queue_new(4, NULL));
}

static void
queue_survives_the_failure_of_each_allocation(void **state)
{
    (void)state;
    assert_int_equal(tg_torture(make_a_queue), 1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(queue_gives_back_in_order_across_its_end),
        cmocka_unit_test(queue_that_is_full_refuses_and_one_that_is_empty_has_nothing),
        cmocka_unit_test(queue_waits_as_long_as_it_was_told),
        cmocka_unit_test(queue_that_is_closed_gives_what_is_left_then_says_so),
        cmocka_unit_test(queue_impossible_capacities_make_no_queue),
        cmocka_unit_test(queue_rings_its_bell_for_each_push_and_at_the_end),
        cmocka_unit_test(queue_push_that_waits_goes_on_when_somebody_pops),
        cmocka_unit_test(queue_wakes_who_waits_on_either_side),
        cmocka_unit_test(queue_wait_across_a_full_second_ends_in_time),
        cmocka_unit_test(queue_close_frees_all_who_wait_for_ever),
        cmocka_unit_test(queue_in_a_crowd_loses_nothing_doubles_nothing_and_keeps_order),
        cmocka_unit_test(queue_survives_the_failure_of_each_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
