/*
 * The entries of the schema cache by key, and the lists that are their states.
 *
 *   (new) --> LOADING --> ASKED --> FETCHING --> READY        for good
 *                |          ^          |-------> REFUSED      until expires_ms, then ASKED again
 *                '--> READY |          '-------> FAILED       until due, then ASKED again if wanted
 *                           '----------------------'
 *
 * Invariant: an entry is on exactly the list of its state; _move is the only way between them;
 *            READY never ends, because its schema is lent out; n_entries <= max_entries
 * Ceilings:  when full, the oldest REFUSED entry gives way, else the oldest FAILED one: a flood of
 *            unknown ids cannot keep a good one out
 * Threads:   under the lock of the schema cache
 */
#ifndef TG_REGISTRY_ENTRY_TABLE_INTERNAL_H
#define TG_REGISTRY_ENTRY_TABLE_INTERNAL_H

#include <sys/queue.h>

#include "base/retry.h"
#include "registry/schema_cache.h"
#include "waiters_internal.h"

typedef enum tg_entry_state {
    TG_ENTRY_LOADING,  /* the one who asked first looks on disk */
    TG_ENTRY_ASKED,    /* the worker will ask the registry */
    TG_ENTRY_FETCHING, /* the worker asks */
    TG_ENTRY_READY,
    TG_ENTRY_REFUSED, /* the registry said no: poison, believed for a while */
    TG_ENTRY_FAILED,  /* the registry could not say */
    TG_ENTRY_STATES
} tg_entry_state_t;

typedef struct tg_entry {
    TAILQ_ENTRY(tg_entry) link; /* in the list of its state */
    struct tg_entry *next_in_bucket;
    tg_schema_key_t key;
    tg_entry_state_t state;
    tg_registered_schema_t *schema; /* READY */
    tg_status_t status;             /* REFUSED, FAILED: why */
    char *cause;                    /* its text; NULL: no memory for it */
    int64_t expires_ms;             /* REFUSED */
    tg_retry_t retry;               /* FAILED: when to ask again */
    bool by_outage;                 /* FAILED: no registry answers at all; then that retry counts */
    bool wanted;                    /* FAILED: looked up since */
    tg_waiter_set_t waiters;
} tg_entry_t;

typedef TAILQ_HEAD(tg_entry_list, tg_entry) tg_entry_list_t;

typedef struct tg_entry_table {
    tg_entry_list_t lists[TG_ENTRY_STATES];
    tg_entry_t **buckets;
    size_t n_buckets; /* a power of two */
    size_t n_entries;
    size_t max_entries;
    tg_waiters_t waiters;
} tg_entry_table_t;

tg_status_t tg_entry_table_init(tg_entry_table_t *table, size_t max_entries) TG_MUST_CHECK;
void tg_entry_table_done(tg_entry_table_t *table);

/* NULL: none. */
tg_entry_t *tg_entry_table_find(const tg_entry_table_t *table, const tg_schema_key_t *key);

/* A new entry, LOADING. TG_ERR_FULL when nothing can give way; TG_ERR_NO_MEMORY. */
tg_status_t tg_entry_table_add(tg_entry_table_t *table, const tg_schema_key_t *key,
                               tg_entry_t **ret_entry) TG_MUST_CHECK;

void tg_entry_table_move(tg_entry_table_t *table, tg_entry_t *entry, tg_entry_state_t state);

#endif
