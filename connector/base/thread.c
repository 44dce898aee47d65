#include "base/thread.h"

#include <stdio.h>
#include <string.h>

void
tg_thread_block_signals(sigset_t *ret_before)
{
    static const int FAULTS[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS};
    sigset_t blocked;
    (void)sigfillset(&blocked);
    for (size_t i = 0; i < sizeof FAULTS / sizeof FAULTS[0]; i++) {
        (void)sigdelset(&blocked, FAULTS[i]);
    }
    (void)pthread_sigmask(SIG_SETMASK, &blocked, ret_before);
}

void
tg_thread_restore_signals(const sigset_t *before)
{
    (void)pthread_sigmask(SIG_SETMASK, before, NULL);
}

tg_status_t
tg_thread_start(tg_thread_t *thread, const char *name, void *(*main)(void *arg), void *arg,
                tg_error_t *err)
{
    sigset_t before;
    tg_thread_block_signals(&before);
    int rc = pthread_create(&thread->id, NULL, main, arg);
    tg_thread_restore_signals(&before);
    if (rc != 0) {
        return tg_error_set(err, TG_ERR_NO_MEMORY, "cannot start thread %s: %s", name,
                            strerror(rc));
    }
    char short_name[16];
    (void)snprintf(short_name, sizeof short_name, "%.15s", name);
    (void)pthread_setname_np(thread->id, short_name);
    thread->running = true;
    return TG_OK;
}

void
tg_thread_join(tg_thread_t *thread)
{
    if (thread->running) {
        (void)pthread_join(thread->id, NULL);
        thread->running = false;
    }
}
