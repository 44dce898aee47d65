/*
 * Threads that do not run, and doorbells that nobody waits at: the scheduler decides who makes a
 * turn (sim_world.c).
 */
#include "sim_thread.h"

#include <sys/random.h>

#include "base/thread.h"

enum { MAX_THREADS = 16, MAX_BELLS = 64 };

static struct {
    tg_thread_t *thread;
    void *(*main)(void *arg);
    void *arg;
} the_threads[MAX_THREADS];

static bool the_rung[MAX_BELLS];
static bool the_is_used[MAX_BELLS];

tg_status_t
tg_thread_start(tg_thread_t *thread, const char *name, void *(*main)(void *arg), void *arg,
                tg_error_t *err)
{
    (void)name;
    (void)err;
    for (size_t i = 0; i < MAX_THREADS; i++) {
        if (the_threads[i].thread == NULL) {
            the_threads[i].thread = thread;
            the_threads[i].main = main;
            the_threads[i].arg = arg;
            thread->running = true;
            return TG_OK;
        }
    }
    sim_fail("too many threads");
}

void
tg_thread_join(tg_thread_t *thread)
{
    for (size_t i = 0; i < MAX_THREADS; i++) {
        if (the_threads[i].thread == thread) {
            the_threads[i].thread = NULL;
            (void)the_threads[i].main(
                the_threads[i].arg); /* it was told to leave, and does so now */
            thread->running = false;
            return;
        }
    }
}

tg_status_t
tg_wake_open(tg_wake_t *wake, tg_error_t *err)
{
    (void)err;
    for (int i = 0; i < MAX_BELLS; i++) {
        if (!the_is_used[i]) {
            the_is_used[i] = true;
            the_rung[i] = false;
            wake->fd = i;
            return TG_OK;
        }
    }
    sim_fail("too many doorbells");
}

void
tg_wake_close(tg_wake_t *wake)
{
    if (wake->fd >= 0) {
        the_is_used[wake->fd] = false;
        wake->fd = -1;
    }
}

void
tg_wake_signal(tg_wake_t *wake)
{
    if (wake->fd < 0 || !the_is_used[wake->fd]) {
        sim_fail("a doorbell is rung that is closed");
    }
    the_rung[wake->fd] = true;
}

void
tg_wake_drain(tg_wake_t *wake)
{
    the_rung[wake->fd] = false;
}

bool
sim_bell_has_rung(const tg_wake_t *wake)
{
    return the_rung[wake->fd];
}

short
tg_wake_wait(tg_wake_t *wake, int other_fd, short other_events, int64_t timeout_ms)
{
    bool had_rung = the_rung[wake->fd];
    the_rung[wake->fd] = false;
    sim_waits(wake, other_fd >= 0, had_rung ? 0 : timeout_ms);
    if (other_fd < 0) {
        return 0;
    }
    return other_events;
}

/* Tokens, and the jitter of backoffs, are of the seed too. */
ssize_t
getrandom(void *data, size_t n_bytes, unsigned int flags) /* NOLINT: glibc's names are reserved */
{
    (void)flags;
    for (size_t i = 0; i < n_bytes; i++) {
        ((uint8_t *)data)[i] = (uint8_t)sim_below(256);
    }
    return (ssize_t)n_bytes;
}
