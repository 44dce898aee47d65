#include "base/thread.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

tg_status_t
tg_thread_start(tg_thread_t *thread, const char *name, void *(*main)(void *arg), void *arg,
                tg_error_t *err)
{
    sigset_t all;
    sigset_t before;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    int rc = pthread_create(&thread->id, NULL, main, arg);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
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
