#include <errno.h>
#include <poll.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/thread.h"
#include "base/wake.h"
#include "tg_test.h"

static tg_wake_t
opened(void)
{
    tg_wake_t wake;
    tg_error_t err;
    ASSERT_OK(tg_wake_open(&wake, &err));
    return wake;
}

static bool
rings(const tg_wake_t *wake)
{
    struct pollfd fd = {.fd = wake->fd, .events = POLLIN};
    return poll(&fd, 1, 0) == 1;
}

static void
wake_many_rings_count_as_one_and_are_drained_by_the_wait(void **state)
{
    (void)state;
    tg_wake_t wake = opened();
    assert_false(rings(&wake));
    for (int i = 0; i < 5; i++) {
        tg_wake_signal(&wake);
    }
    assert_true(rings(&wake));
    assert_int_equal(tg_wake_wait(&wake, -1, 0, 10000), 0);
    assert_false(rings(&wake));
    tg_wake_signal(&wake);
    tg_wake_drain(&wake);
    tg_wake_drain(&wake);
    assert_false(rings(&wake));
    tg_wake_close(&wake);
    tg_wake_close(&wake);
}

static void
wake_wait_tells_what_the_other_descriptor_has(void **state)
{
    (void)state;
    tg_wake_t wake = opened();
    int pipe_fds[2];
    assert_int_equal(pipe(pipe_fds), 0);
    assert_int_equal(tg_wake_wait(&wake, pipe_fds[0], POLLIN, 0), 0);
    assert_int_equal(write(pipe_fds[1], "x", 1), 1);
    assert_int_equal(tg_wake_wait(&wake, pipe_fds[0], POLLIN, 10000), POLLIN);
    assert_int_equal(tg_wake_wait(&wake, pipe_fds[1], POLLOUT, -1), POLLOUT);
    /* A ring and the other at once: both are taken. */
    tg_wake_signal(&wake);
    assert_int_equal(tg_wake_wait(&wake, pipe_fds[0], POLLIN, INT64_MAX), POLLIN);
    assert_false(rings(&wake));
    (void)close(pipe_fds[1]);
    char byte;
    assert_int_equal(read(pipe_fds[0], &byte, 1), 1);
    assert_true((tg_wake_wait(&wake, pipe_fds[0], POLLIN, 10000) & POLLHUP) != 0);
    (void)close(pipe_fds[0]);
    tg_wake_close(&wake);
}

static void
wake_signal_of_a_full_counter_rings_and_leaves_errno_alone(void **state)
{
    (void)state;
    tg_wake_t wake = opened();
    const uint64_t full = UINT64_MAX - 1;
    assert_int_equal(write(wake.fd, &full, sizeof full), sizeof full);
    errno = ERANGE;
    tg_wake_signal(&wake);
    assert_int_equal(errno, ERANGE);
    assert_true(rings(&wake));
    tg_wake_close(&wake);
}

static void *
ring(void *arg)
{
    tg_wake_signal(arg);
    return NULL;
}

static void
wake_ring_of_another_thread_ends_a_wait_for_ever(void **state)
{
    (void)state;
    tg_wake_t wake = opened();
    tg_thread_t thread;
    tg_error_t err;
    ASSERT_OK(tg_thread_start(&thread, "ringer", ring, &wake, &err));
    assert_int_equal(tg_wake_wait(&wake, -1, 0, -1), 0);
    tg_thread_join(&thread);
    tg_wake_close(&wake);
}

static void
wake_without_descriptors_left_says_what_to_do(void **state)
{
    (void)state;
    struct rlimit before;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    struct rlimit none = {.rlim_cur = 0, .rlim_max = before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    tg_wake_t wake;
    tg_error_t err;
    tg_status_t status = tg_wake_open(&wake, &err);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_int_equal(status, TG_ERR_IO);
    assert_non_null(strstr(err.text, "raise the limit on open files"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wake_many_rings_count_as_one_and_are_drained_by_the_wait),
        cmocka_unit_test(wake_wait_tells_what_the_other_descriptor_has),
        cmocka_unit_test(wake_signal_of_a_full_counter_rings_and_leaves_errno_alone),
        cmocka_unit_test(wake_ring_of_another_thread_ends_a_wait_for_ever),
        cmocka_unit_test(wake_without_descriptors_left_says_what_to_do),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
