#include "canceller.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>

struct tg_canceller {
    PGcancel *request;
    atomic_bool done;
    atomic_int n_holders;
};

static void
let_go(tg_canceller_t *canceller)
{
    if (atomic_fetch_sub(&canceller->n_holders, 1) == 1) {
        PQfreeCancel(canceller->request);
        free(canceller);
    }
}

static void *
deliver(void *arg)
{
    tg_canceller_t *canceller = arg;
    char why[256]; /* nobody to tell: when the request fails, the deadline closes the connection */
    (void)PQcancel(canceller->request, why, sizeof why);
    atomic_store(&canceller->done, true);
    let_go(canceller);
    return NULL;
}

/* Detached: the request may hang as long as the kernel tries to reach a dead host, and nobody
 * should have to wait for that. */
static int
start_detached(tg_canceller_t *canceller)
{
    pthread_attr_t attributes;
    if (pthread_attr_init(&attributes) != 0) {
        return -1;
    }
    sigset_t all;
    sigset_t before;
    pthread_t id;
    (void)pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    int rc = pthread_create(&id, &attributes, deliver, canceller);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    (void)pthread_attr_destroy(&attributes);
    return rc;
}

tg_canceller_t *
tg_canceller_start(PGconn *pg)
{
    tg_canceller_t *canceller = calloc(1, sizeof *canceller);
    if (canceller == NULL) {
        return NULL;
    }
    canceller->request = PQgetCancel(pg);
    atomic_init(&canceller->done, false);
    atomic_init(&canceller->n_holders, 2);
    if (canceller->request == NULL || start_detached(canceller) != 0) {
        PQfreeCancel(canceller->request);
        free(canceller);
        return NULL;
    }
    return canceller;
}

bool
tg_canceller_is_done(tg_canceller_t *canceller)
{
    return atomic_load(&canceller->done);
}

void
tg_canceller_release(tg_canceller_t *canceller)
{
    if (canceller != NULL) {
        let_go(canceller);
    }
}
