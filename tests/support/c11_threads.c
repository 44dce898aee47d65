/*
 * For ThreadSanitizer only: C11's threads, by pthreads.
 *
 * librdkafka uses <threads.h>, which glibc implements inside itself, where ThreadSanitizer sees
 * neither the threads nor what orders them. A function of the program wins over the one in a shared
 * library, so librdkafka is made to call these, and through them what the sanitizer does see.
 */
#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>

#include <threads.h>

#define VISIBLE __attribute__((visibility("default")))

static int
answer_of(int code)
{
    switch (code) {
    case 0:
        return thrd_success;
    case ETIMEDOUT:
        return thrd_timedout;
    case EBUSY:
        return thrd_busy;
    case ENOMEM:
        return thrd_nomem;
    default:
        return thrd_error;
    }
}

/* What librdkafka does with memory is its own affair: it counts references by instructions that the
 * sanitizer cannot see. What it orders by locks still counts, and
 * so does all code of ours. The locks' own memory is librdkafka's too. */
VISIBLE const char *
__tsan_default_suppressions(void); // NOLINT(bugprone-reserved-identifier,cert-*)

const char *
__tsan_default_suppressions(void) // NOLINT(bugprone-reserved-identifier,cert-*)
{
    return "called_from_lib:librdkafka.so\n"
           "race:^mtx_\n"
           "race:^cnd_\n";
}

/* glibc's types hold pthread's. */
static pthread_mutex_t *
mutex_of(mtx_t *mutex)
{
    return (pthread_mutex_t *)(void *)mutex;
}

static pthread_cond_t *
condition_of(cnd_t *condition)
{
    return (pthread_cond_t *)(void *)condition;
}

typedef struct start {
    thrd_start_t main;
    void *arg;
} start_t;

static void *
run(void *arg)
{
    start_t start = *(start_t *)arg;
    free(arg);
    return (void *)(intptr_t)start.main(start.arg);
}

VISIBLE int
thrd_create(thrd_t *thread, thrd_start_t thread_main, void *arg)
{
    start_t *start = malloc(sizeof *start);
    if (start == NULL) {
        return thrd_nomem;
    }
    *start = (start_t){.main = thread_main, .arg = arg};
    int code = pthread_create(thread, NULL, run, start);
    if (code != 0) {
        free(start);
    }
    return answer_of(code);
}

VISIBLE int
thrd_join(thrd_t thread, int *ret_result)
{
    void *result = NULL;
    int code = pthread_join(thread, &result);
    if (ret_result != NULL) {
        *ret_result = (int)(intptr_t)result;
    }
    return answer_of(code);
}

VISIBLE int
mtx_init(mtx_t *mutex, int type)
{
    pthread_mutexattr_t attributes;
    (void)pthread_mutexattr_init(&attributes);
    (void)pthread_mutexattr_settype(
        &attributes, (type & mtx_recursive) != 0 ? PTHREAD_MUTEX_RECURSIVE : PTHREAD_MUTEX_NORMAL);
    int code = pthread_mutex_init(mutex_of(mutex), &attributes);
    (void)pthread_mutexattr_destroy(&attributes);
    return answer_of(code);
}

VISIBLE void
mtx_destroy(mtx_t *mutex)
{
    (void)pthread_mutex_destroy(mutex_of(mutex));
}

VISIBLE int
mtx_lock(mtx_t *mutex)
{
    return answer_of(pthread_mutex_lock(mutex_of(mutex)));
}

VISIBLE int
mtx_unlock(mtx_t *mutex)
{
    return answer_of(pthread_mutex_unlock(mutex_of(mutex)));
}

VISIBLE int
cnd_init(cnd_t *condition)
{
    return answer_of(pthread_cond_init(condition_of(condition), NULL));
}

VISIBLE void
cnd_destroy(cnd_t *condition)
{
    (void)pthread_cond_destroy(condition_of(condition));
}

VISIBLE int
cnd_signal(cnd_t *condition)
{
    return answer_of(pthread_cond_signal(condition_of(condition)));
}

VISIBLE int
cnd_broadcast(cnd_t *condition)
{
    return answer_of(pthread_cond_broadcast(condition_of(condition)));
}

VISIBLE int
cnd_wait(cnd_t *condition, mtx_t *mutex)
{
    return answer_of(pthread_cond_wait(condition_of(condition), mutex_of(mutex)));
}

VISIBLE int
cnd_timedwait(cnd_t *condition, mtx_t *mutex, const struct timespec *until)
{
    return answer_of(pthread_cond_timedwait(condition_of(condition), mutex_of(mutex), until));
}

VISIBLE void
call_once(once_flag *flag, void (*function)(void))
{
    (void)pthread_once((pthread_once_t *)(void *)flag, function);
}
