/*
 * A doorbell for a thread that waits in poll(2): an eventfd that anybody may ring.
 *
 * Threads:   _signal: any, also a signal handler; _drain and _wait: the owner only
 */
#ifndef TG_BASE_WAKE_H
#define TG_BASE_WAKE_H

#include <stdint.h>

#include "base/error.h"

typedef struct tg_wake {
    int fd;
} tg_wake_t;

tg_status_t tg_wake_open(tg_wake_t *wake, tg_error_t *err) TG_MUST_CHECK;
void tg_wake_close(tg_wake_t *wake);

/* Rings; many rings before one look count as one. */
void tg_wake_signal(tg_wake_t *wake);

/* Forgets the rings so far; call before looking at what they announced. */
void tg_wake_drain(tg_wake_t *wake);

/* Waits for a ring on wake, or for other_fd (< 0: none) to have one of other_events (POLLIN,
 * POLLOUT), at most timeout_ms (negative: for ever). Drains the rings. Returns the events seen on
 * other_fd. */
short tg_wake_wait(tg_wake_t *wake, int other_fd, short other_events, int64_t timeout_ms);

#endif
