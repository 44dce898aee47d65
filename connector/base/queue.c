#include "base/queue.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

struct tg_queue {
    pthread_mutex_t lock;
    pthread_cond_t not_empty;
    pthread_cond_t not_full;
    tg_wake_t *wake;
    bool closed;
    size_t capacity;
    size_t head; /* index of the oldest */
    size_t length;
    void *items[];
};

tg_queue_t *
tg_queue_new(size_t capacity, tg_wake_t *wake)
{
    if (capacity > (SIZE_MAX - sizeof(tg_queue_t)) / sizeof(void *)) {
        return NULL;
    }
    tg_queue_t *queue = calloc(1, sizeof *queue + capacity * sizeof queue->items[0]);
    if (queue == NULL) {
        return NULL;
    }
    pthread_condattr_t monotonic;
    (void)pthread_condattr_init(&monotonic);
    (void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    (void)pthread_mutex_init(&queue->lock, NULL);
    (void)pthread_cond_init(&queue->not_empty, &monotonic);
    (void)pthread_cond_init(&queue->not_full, &monotonic);
    (void)pthread_condattr_destroy(&monotonic);
    queue->capacity = capacity;
    queue->wake = wake;
    return queue;
}

void
tg_queue_free(tg_queue_t *queue)
{
    if (queue == NULL) {
        return;
    }
    (void)pthread_cond_destroy(&queue->not_full);
    (void)pthread_cond_destroy(&queue->not_empty);
    (void)pthread_mutex_destroy(&queue->lock);
    free(queue);
}

static struct timespec
deadline_after(int64_t timeout_ms)
{
    struct timespec at;
    (void)clock_gettime(CLOCK_MONOTONIC, &at);
    at.tv_sec += timeout_ms / 1000;
    at.tv_nsec += timeout_ms % 1000 * 1000000;
    if (at.tv_nsec >= 1000000000) {
        at.tv_sec++;
        at.tv_nsec -= 1000000000;
    }
    return at;
}

/* One wait; false when the deadline has passed. */
static bool
wait_once(pthread_cond_t *condition, pthread_mutex_t *lock, int64_t timeout_ms,
          const struct timespec *deadline)
{
    if (timeout_ms == 0) {
        return false;
    }
    if (timeout_ms < 0) {
        return pthread_cond_wait(condition, lock) == 0;
    }
    return pthread_cond_timedwait(condition, lock, deadline) != ETIMEDOUT;
}

tg_status_t
tg_queue_push_wait(tg_queue_t *queue, void *item, int64_t timeout_ms)
{
    struct timespec deadline = deadline_after(timeout_ms > 0 ? timeout_ms : 0);
    tg_status_t status = TG_OK;
    (void)pthread_mutex_lock(&queue->lock);
    while (!queue->closed && queue->length == queue->capacity && status == TG_OK) {
        if (!wait_once(&queue->not_full, &queue->lock, timeout_ms, &deadline)) {
            status = timeout_ms == 0 ? TG_ERR_FULL : TG_ERR_TIMEOUT;
        }
    }
    if (queue->closed) {
        status = TG_ERR_CANCELLED;
    } else if (queue->length < queue->capacity) {
        status = TG_OK; /* room that came in the last moment of the wait is still taken */
        queue->items[(queue->head + queue->length) % queue->capacity] = item;
        queue->length++;
        (void)pthread_cond_signal(&queue->not_empty);
    }
    (void)pthread_mutex_unlock(&queue->lock);
    if (status == TG_OK && queue->wake != NULL) {
        tg_wake_signal(queue->wake);
    }
    return status;
}

tg_status_t
tg_queue_push(tg_queue_t *queue, void *item)
{
    return tg_queue_push_wait(queue, item, 0);
}

tg_status_t
tg_queue_pop(tg_queue_t *queue, int64_t timeout_ms, void **ret_item)
{
    struct timespec deadline = deadline_after(timeout_ms > 0 ? timeout_ms : 0);
    tg_status_t status = TG_OK;
    (void)pthread_mutex_lock(&queue->lock);
    while (queue->length == 0 && status == TG_OK) {
        if (queue->closed) {
            status = TG_ERR_CANCELLED;
        } else if (!wait_once(&queue->not_empty, &queue->lock, timeout_ms, &deadline)) {
            status = TG_ERR_TIMEOUT;
        }
    }
    /* An item that came in the last moment of the wait is still delivered. */
    if (queue->length > 0) {
        status = TG_OK;
        *ret_item = queue->items[queue->head];
        queue->head = (queue->head + 1) % queue->capacity;
        queue->length--;
        (void)pthread_cond_signal(&queue->not_full);
    }
    (void)pthread_mutex_unlock(&queue->lock);
    return status;
}

void
tg_queue_close(tg_queue_t *queue)
{
    (void)pthread_mutex_lock(&queue->lock);
    queue->closed = true;
    (void)pthread_cond_broadcast(&queue->not_empty);
    (void)pthread_cond_broadcast(&queue->not_full);
    (void)pthread_mutex_unlock(&queue->lock);
    if (queue->wake != NULL) {
        tg_wake_signal(queue->wake);
    }
}

size_t
tg_queue_length(tg_queue_t *queue)
{
    (void)pthread_mutex_lock(&queue->lock);
    size_t length = queue->length;
    (void)pthread_mutex_unlock(&queue->lock);
    return length;
}
