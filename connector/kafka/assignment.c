#include <stdlib.h>
#include <string.h>

#include "assignment_internal.h"

void
tg_assignment_init(tg_assignment_t *assignment)
{
    *assignment = (tg_assignment_t){0};
    (void)pthread_mutex_init(&assignment->mutex, NULL);
}

void
tg_assignment_done(tg_assignment_t *assignment)
{
    for (size_t i = 0; i < assignment->n_entries; i++) {
        free(assignment->entries[i].topic);
    }
    free(assignment->entries);
    (void)pthread_mutex_destroy(&assignment->mutex);
}

tg_assigned_t *
tg_assignment_find(tg_assignment_t *assignment, const char *topic, int32_t partition)
{
    for (size_t i = 0; i < assignment->n_entries; i++) {
        tg_assigned_t *entry = &assignment->entries[i];
        if (entry->partition == partition && strcmp(entry->topic, topic) == 0) {
            return entry;
        }
    }
    return NULL;
}

/* Room for one more. */
static bool
grow(tg_assignment_t *assignment)
{
    if (assignment->n_entries < assignment->capacity) {
        return true;
    }
    size_t capacity = assignment->capacity == 0 ? 16 : 2 * assignment->capacity;
    tg_assigned_t *entries = reallocarray(assignment->entries, capacity, sizeof *entries);
    if (entries == NULL) {
        return false;
    }
    assignment->entries = entries;
    assignment->capacity = capacity;
    return true;
}

tg_status_t
tg_assignment_add(tg_assignment_t *assignment, const char *topic, int32_t partition,
                  tg_error_t *err)
{
    char *copy = strdup(topic);
    (void)pthread_mutex_lock(&assignment->mutex);
    bool added = copy != NULL && grow(assignment);
    if (added && tg_assignment_find(assignment, topic, partition) == NULL) {
        assignment->entries[assignment->n_entries++] =
            (tg_assigned_t){.topic = copy, .partition = partition};
        copy = NULL;
    }
    (void)pthread_mutex_unlock(&assignment->mutex);
    free(copy);
    return added ? TG_OK
                 : tg_error_set(err, TG_ERR_NO_MEMORY, "no memory to take over %s[%d]", topic,
                                partition);
}

void
tg_assignment_remove(tg_assignment_t *assignment, const char *topic, int32_t partition)
{
    (void)pthread_mutex_lock(&assignment->mutex);
    tg_assigned_t *entry = tg_assignment_find(assignment, topic, partition);
    if (entry != NULL) {
        free(entry->topic);
        *entry = assignment->entries[--assignment->n_entries];
    }
    (void)pthread_mutex_unlock(&assignment->mutex);
}

tg_status_t
tg_assignment_holds(tg_assignment_t *assignment, const tg_partition_t *partitions,
                    size_t n_partitions, tg_error_t *err)
{
    tg_status_t status = TG_OK;
    (void)pthread_mutex_lock(&assignment->mutex);
    for (size_t i = 0; i < n_partitions && status == TG_OK; i++) {
        const tg_partition_t *p = &partitions[i];
        if (tg_assignment_find(assignment, p->topic, p->partition) == NULL) {
            status =
                tg_error_set(err, TG_ERR_FENCED, "the group has given %s[%d] to another member",
                             p->topic, p->partition);
        }
    }
    (void)pthread_mutex_unlock(&assignment->mutex);
    return status;
}
