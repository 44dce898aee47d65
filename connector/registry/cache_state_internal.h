/*
 * What the schema cache's two sides share: those who look up, and the fetcher that asks.
 *
 * Flow:      lookup -> ASKED -> fetcher -> READY, REFUSED or FAILED -> rings
 * Threads:   mutex guards everything below it in the struct; _settle and _check_room want it held,
 *            _warn_of_disk wants it free. Nobody holds it while waiting for disk or network
 */
#ifndef TG_REGISTRY_CACHE_STATE_INTERNAL_H
#define TG_REGISTRY_CACHE_STATE_INTERNAL_H

#include <pthread.h>

#include "base/retry.h"
#include "base/thread.h"
#include "client_internal.h"
#include "directory_internal.h"
#include "disk_cache_internal.h"
#include "entry_table_internal.h"

enum {
    TG_CACHE_RETRY_MIN_MS = 200,
    TG_CACHE_RETRY_MAX_MS = 30000,
};

struct tg_schema_cache {
    tg_registry_options_t options; /* numbers, clock and log only: its texts were _open's */
    tg_schema_directory_t *directory;
    tg_disk_cache_t *disk;
    tg_registry_client_t *client; /* the worker's; NULL: directory only */
    tg_registry_client_t *probe;  /* the prober's, so that it does not wait for the worker */
    pthread_mutex_t probe_mutex;
    tg_thread_t worker;

    pthread_mutex_t mutex; /* all below */
    pthread_cond_t work;   /* something to do for the worker */
    bool locks_made;
    bool stopping;
    tg_entry_table_t table;
    tg_retry_t outage;       /* no URL answers at all; n_failures > 0 while it lasts */
    tg_error_t outage_cause; /* the last try's */
    int64_t n_schema_bytes;
    tg_schema_cache_stats_t stats;
};

/* FAILED: may the registry be asked again? */
bool tg_cache_state_is_due(const tg_schema_cache_t *cache, const tg_entry_t *entry, int64_t now_ms);

/* Notes why an entry has no schema. */
void tg_cache_state_set_cause(tg_entry_t *entry, const tg_error_t *cause);

/* TG_ERR_FULL when this schema would be too much for memory. */
tg_status_t tg_cache_state_check_room(const tg_schema_cache_t *cache,
                                      const tg_registered_schema_t *schema,
                                      tg_error_t *err) TG_MUST_CHECK;

/* The entry gets its schema (taken), and its waiters ring. */
void tg_cache_state_settle_ready(tg_schema_cache_t *cache, tg_entry_t *entry,
                                 tg_registered_schema_t *schema);

/* The registry said no (believed until expires_ms), and the waiters ring. */
void tg_cache_state_settle_refused(tg_schema_cache_t *cache, tg_entry_t *entry,
                                   const tg_error_t *cause);

/* No answer for now, and the waiters ring. by_outage: no registry answers at all. */
void tg_cache_state_settle_failed(tg_schema_cache_t *cache, tg_entry_t *entry,
                                  const tg_error_t *cause, bool by_outage);

/* Counts and logs that the cache directory failed. */
void tg_cache_state_warn_of_disk(tg_schema_cache_t *cache, const tg_error_t *cause);

/* The main of the fetcher's thread; arg is the cache. */
void *tg_fetcher_main(void *arg);

#endif
