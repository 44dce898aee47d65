/*
 * Named threads: what "top -H" and a debugger show is the role ("poll", "writer[1]").
 *
 * Threads:   signals are blocked in every thread that is started here; main takes them
 */
#ifndef TG_BASE_THREAD_H
#define TG_BASE_THREAD_H

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>

#include "base/error.h"

typedef struct tg_thread {
    pthread_t id;
    bool running;
} tg_thread_t;

/* name is cut to the kernel's 15 characters. main runs with arg (borrowed until _join). */
tg_status_t tg_thread_start(tg_thread_t *thread, const char *name, void *(*main)(void *arg),
                            void *arg, tg_error_t *err) TG_MUST_CHECK;

/* Around a call with which a library starts threads of its own: they must not take main's signals.
 * Faults (SIGSEGV and the like) stay open, so that a crash is reported where it happens. */
void tg_thread_block_signals(sigset_t *ret_before);
void tg_thread_restore_signals(const sigset_t *before);

/* Waits for its end; does nothing when it was never started. */
void tg_thread_join(tg_thread_t *thread);

#endif
