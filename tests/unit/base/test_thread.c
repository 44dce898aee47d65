// wrap: pthread_create
#include <errno.h>
#include <signal.h>

#include "base/bytes.h"
#include "base/thread.h"
#include "tg_test.h"

static int create_fails_with;

int __real_pthread_create(pthread_t *id, const pthread_attr_t *attr, void *(*main)(void *),
                          void *arg);
int __wrap_pthread_create(pthread_t *id, const pthread_attr_t *attr, void *(*main)(void *),
                          void *arg);

int
__wrap_pthread_create(pthread_t *id, const pthread_attr_t *attr, void *(*main)(void *), void *arg)
{
    return create_fails_with != 0 ? create_fails_with : __real_pthread_create(id, attr, main, arg);
}

static void *
store_signal_mask(void *arg)
{
    (void)pthread_sigmask(SIG_SETMASK, NULL, arg);
    return NULL;
}

static void
thread_takes_no_signal_but_faults(void **state)
{
    (void)state;
    sigset_t before;
    (void)pthread_sigmask(SIG_SETMASK, NULL, &before);
    sigset_t inside;
    tg_thread_t thread;
    tg_error_t err;
    ASSERT_OK(tg_thread_start(&thread, "mask", store_signal_mask, &inside, &err));
    tg_thread_join(&thread);
    static const int BLOCKED[] = {SIGTERM, SIGINT, SIGHUP, SIGPIPE, SIGCHLD, SIGUSR1};
    static const int OPEN[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
    for (size_t i = 0; i < TG_COUNT_OF(BLOCKED); i++) {
        assert_int_equal(sigismember(&inside, BLOCKED[i]), 1);
    }
    for (size_t i = 0; i < TG_COUNT_OF(OPEN); i++) {
        assert_int_equal(sigismember(&inside, OPEN[i]), 0);
    }
    sigset_t after;
    (void)pthread_sigmask(SIG_SETMASK, NULL, &after);
    assert_int_equal(sigismember(&after, SIGTERM), sigismember(&before, SIGTERM));
    assert_int_equal(sigismember(&after, SIGTERM), 0);
}

static void *
wait_for_gate(void *arg)
{
    pthread_mutex_t *gate = arg;
    (void)pthread_mutex_lock(gate);
    (void)pthread_mutex_unlock(gate);
    return NULL;
}

static void
thread_carries_its_name_cut_to_fifteen(void **state)
{
    (void)state;
    pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
    (void)pthread_mutex_lock(&gate);
    tg_thread_t thread;
    tg_error_t err;
    ASSERT_OK(tg_thread_start(&thread, "writer[1] of sensors", wait_for_gate, &gate, &err));
    char name[16];
    assert_int_equal(pthread_getname_np(thread.id, name, sizeof name), 0);
    assert_string_equal(name, "writer[1] of se");
    (void)pthread_mutex_unlock(&gate);
    tg_thread_join(&thread);
}

static void
thread_that_never_started_can_be_joined(void **state)
{
    (void)state;
    tg_thread_t thread = {.running = false};
    tg_thread_join(&thread);
    tg_error_t err;
    sigset_t mask;
    ASSERT_OK(tg_thread_start(&thread, "x", store_signal_mask, &mask, &err));
    tg_thread_join(&thread);
    tg_thread_join(&thread);
}

static void
thread_that_cannot_start_is_an_error_that_names_it(void **state)
{
    (void)state;
    tg_thread_t thread = {.running = false};
    tg_error_t err;
    create_fails_with = EAGAIN;
    tg_status_t status = tg_thread_start(&thread, "poll", store_signal_mask, NULL, &err);
    create_fails_with = 0;
    assert_int_equal(status, TG_ERR_NO_MEMORY);
    assert_non_null(strstr(err.text, "cannot start thread poll"));
    assert_false(thread.running);
    sigset_t after;
    (void)pthread_sigmask(SIG_SETMASK, NULL, &after);
    assert_int_equal(sigismember(&after, SIGTERM), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(thread_takes_no_signal_but_faults),
        cmocka_unit_test(thread_carries_its_name_cut_to_fifteen),
        cmocka_unit_test(thread_that_never_started_can_be_joined),
        cmocka_unit_test(thread_that_cannot_start_is_an_error_that_names_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
