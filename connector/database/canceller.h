/*
 * A cancel request on its way: PQcancel blocks, so it runs on a thread of its own.
 *
 * Ownership: shared by the caller and the thread; whoever lets go last frees it
 * Threads:   _start, _wait and _release: the connection's owner
 */
#ifndef TG_DATABASE_CANCELLER_H
#define TG_DATABASE_CANCELLER_H

#include <stdbool.h>
#include <stdint.h>

#include <libpq-fe.h>

typedef struct tg_canceller tg_canceller_t;

/* NULL: no memory or no thread; then the deadline's second part closes the connection. */
tg_canceller_t *tg_canceller_start(PGconn *pg);

/* Waits until the request was delivered or has failed. False: not yet. */
bool tg_canceller_wait(tg_canceller_t *canceller, int64_t timeout_ms);
void tg_canceller_release(tg_canceller_t *canceller);

#endif
