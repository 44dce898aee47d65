#include "canceller.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/wake.h"

struct tg_canceller {
    PGcancel *request;
    tg_wake_t done;
    atomic_int n_holders;
};

static void
let_go(tg_canceller_t *canceller)
{
    if (atomic_fetch_sub(&canceller->n_holders, 1) == 1) {
        PQfreeCancel(canceller->request);
        tg_wake_close(&canceller->done);
        free(canceller);
    }
}

static void *
deliver(void *arg)
{
    tg_canceller_t *canceller = arg;
    char why[256]; /* nobody to tell: when the request fails, the deadline closes the connection */
    (void)PQcancel(canceller->request, why, sizeof why);
    tg_wake_signal(&canceller->done);
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
    if (tg_wake_open(&canceller->done, NULL) != TG_OK) {
        free(canceller);
        return NULL;
    }
    canceller->request = PQgetCancel(pg);
    atomic_init(&canceller->n_holders, 1);
    if (canceller->request == NULL) {
        let_go(canceller);
        return NULL;
    }
    atomic_store(&canceller->n_holders, 2);
    if (start_detached(canceller) != 0) {
        atomic_store(&canceller->n_holders, 1);
        let_go(canceller);
        return NULL;
    }
    return canceller;
}

bool
tg_canceller_wait(tg_canceller_t *canceller, int64_t timeout_ms)
{
    struct pollfd bell = {.fd = canceller->done.fd, .events = POLLIN};
    return poll(&bell, 1, (int)timeout_ms) > 0;
}

void
tg_canceller_release(tg_canceller_t *canceller)
{
    if (canceller != NULL) {
        let_go(canceller);
    }
}
