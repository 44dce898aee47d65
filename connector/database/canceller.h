/*
 * A cancel request on its way: PQcancel blocks, so it runs on a thread of its own.
 *
 * Ownership: shared by the caller and the thread; whoever lets go last frees it
 * Threads:   _start, _is_done and _release: the connection's owner
 */
#ifndef TG_DATABASE_CANCELLER_H
#define TG_DATABASE_CANCELLER_H

#include <stdbool.h>

#include <libpq-fe.h>

typedef struct tg_canceller tg_canceller_t;

/* NULL: no memory or no thread; then the deadline's second part closes the connection. */
tg_canceller_t *tg_canceller_start(PGconn *pg);

/* The request was delivered, or has failed. */
bool tg_canceller_is_done(tg_canceller_t *canceller);
void tg_canceller_release(tg_canceller_t *canceller);

#endif
