#include <stddef.h>

#include "waiters_internal.h"

int
tg_waiters_find(const tg_waiters_t *waiters, const tg_wake_t *wake)
{
    for (int i = 0; i < TG_WAITERS_MAX; i++) {
        if (waiters->n_sets[i] > 0 && waiters->wakes[i] == wake) {
            return i;
        }
    }
    return -1;
}

static int
find_free(const tg_waiters_t *waiters)
{
    for (int i = 0; i < TG_WAITERS_MAX; i++) {
        if (waiters->n_sets[i] == 0) {
            return i;
        }
    }
    return -1;
}

tg_status_t
tg_waiters_add(tg_waiters_t *waiters, tg_waiter_set_t *set, tg_wake_t *wake)
{
    if (wake == NULL) {
        return TG_OK;
    }
    int place = tg_waiters_find(waiters, wake);
    if (place < 0) {
        place = find_free(waiters);
    }
    if (place < 0) {
        return TG_ERR_FULL;
    }
    tg_waiter_set_t bit = UINT64_C(1) << place;
    if ((*set & bit) == 0) {
        *set |= bit;
        waiters->wakes[place] = wake;
        waiters->n_sets[place]++;
    }
    return TG_OK;
}

void
tg_waiters_remove(tg_waiters_t *waiters, tg_waiter_set_t *set, int place)
{
    tg_waiter_set_t bit = UINT64_C(1) << place;
    if ((*set & bit) != 0) {
        *set &= ~bit;
        waiters->n_sets[place]--;
    }
}

void
tg_waiters_ring(tg_waiters_t *waiters, tg_waiter_set_t *set)
{
    for (int i = 0; i < TG_WAITERS_MAX && *set != 0; i++) {
        if ((*set & UINT64_C(1) << i) != 0) {
            tg_wake_signal(waiters->wakes[i]);
            tg_waiters_remove(waiters, set, i);
        }
    }
}
