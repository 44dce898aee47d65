#include "registry/schema_cache.h"

#include <stdlib.h>
#include <time.h>

#include "cache_state_internal.h"
#include "registered_schema_internal.h"

enum {
    DEFAULT_TIMEOUT_MS = 10000,
    DEFAULT_NEGATIVE_TTL_MS = 60000,
    DEFAULT_MAX_ENTRIES = 10000,
    DEFAULT_MAX_SCHEMA_BYTES = 4 * 1024 * 1024,
    DEFAULT_MAX_TOTAL_BYTES = 64 * 1024 * 1024,
};

/* ---- what an entry says ------------------------------------------------------------------ */

static tg_status_t
say_cause(const tg_entry_t *entry, tg_error_t *err)
{
    return tg_error_set(err, entry->status, "%s",
                        entry->cause != NULL ? entry->cause : "the schema registry failed");
}

static tg_status_t
say_under_way(const tg_entry_t *entry, tg_error_t *err)
{
    char text[TG_SCHEMA_KEY_TEXT_BYTES];
    return tg_error_set(err, TG_ERR_AGAIN, "%s is being asked for",
                        tg_schema_key_text(&entry->key, text, sizeof text));
}

/* @locks_required cache->mutex */
static void
ask(tg_schema_cache_t *cache, tg_entry_t *entry)
{
    tg_entry_table_move(&cache->table, entry, TG_ENTRY_ASKED);
    (void)pthread_cond_signal(&cache->work);
}

/* ---- looking up -------------------------------------------------------------------------- */

static tg_status_t
lookup_fixed(const tg_schema_cache_t *cache, const tg_schema_key_t *key,
             const tg_registered_schema_t **ret_schema, tg_error_t *err)
{
    const tg_registered_schema_t *schema =
        cache->directory != NULL ? tg_schema_directory_find(cache->directory, key) : NULL;
    if (schema == NULL) {
        char text[TG_SCHEMA_KEY_TEXT_BYTES];
        return tg_error_set(err, TG_ERR_NOT_FOUND, "%s is not in registry.directory",
                            tg_schema_key_text(key, text, sizeof text));
    }
    *ret_schema = schema;
    return TG_OK;
}

/* A new entry: from disk, or the worker is asked. The lock is given up for the disk; nobody else
 * touches an entry that is LOADING. @locks_required cache->mutex */
static void
load(tg_schema_cache_t *cache, tg_entry_t *entry)
{
    tg_registered_schema_t *schema = NULL;
    bool damaged = false;
    tg_error_t cause = {0};
    if (cache->disk != NULL) {
        (void)pthread_mutex_unlock(&cache->mutex);
        tg_status_t status =
            tg_disk_cache_load(cache->disk, &entry->key, &schema, &damaged, &cause);
        if (status != TG_OK && damaged) {
            tg_cache_state_warn_of_disk(cache, &cause);
        }
        (void)pthread_mutex_lock(&cache->mutex);
    }
    if (schema == NULL) {
        ask(cache, entry);
    } else if (tg_cache_state_check_room(cache, schema, &cause) != TG_OK) {
        tg_registered_schema_free(schema);
        tg_cache_state_settle_failed(cache, entry, &cause, false);
    } else {
        cache->stats.n_disk_hits++;
        tg_cache_state_settle_ready(cache, entry, schema);
    }
}

/* A new entry. @locks_required cache->mutex */
static tg_status_t
add(tg_schema_cache_t *cache, const tg_schema_key_t *key, tg_entry_t **ret_entry, tg_error_t *err)
{
    tg_status_t status = tg_entry_table_add(&cache->table, key, ret_entry);
    if (status == TG_ERR_FULL) {
        return tg_error_set(err, status,
                            "the schema cache holds %zu schemas, and registry.max_entries allows "
                            "no more; raise it",
                            cache->table.n_entries);
    }
    if (status != TG_OK) {
        return tg_error_set(err, status, "no memory for a schema");
    }
    tg_retry_init(&(*ret_entry)->retry, TG_CACHE_RETRY_MIN_MS, TG_CACHE_RETRY_MAX_MS,
                  (uint64_t)(uintptr_t)*ret_entry);
    load(cache, *ret_entry);
    return TG_OK;
}

/* What no answer can be had for now: is asked for again when its time has come.
 * @locks_required cache->mutex */
static tg_status_t
answer_failed(tg_schema_cache_t *cache, tg_entry_t *entry, tg_error_t *err)
{
    if (!entry->wanted ||
        tg_cache_state_is_due(cache, entry, tg_clock_now_ms(cache->options.clock))) {
        entry->wanted = true;
        (void)pthread_cond_signal(&cache->work);
    }
    return say_cause(entry, err);
}

/* @locks_required cache->mutex */
static tg_status_t
answer(tg_schema_cache_t *cache, tg_entry_t *entry, const tg_registered_schema_t **ret_schema,
       tg_error_t *err)
{
    switch (entry->state) {
    case TG_ENTRY_READY:
        cache->stats.n_hits++;
        *ret_schema = entry->schema;
        return TG_OK;
    case TG_ENTRY_REFUSED:
        if (tg_clock_now_ms(cache->options.clock) < entry->expires_ms) {
            return say_cause(entry, err);
        }
        ask(cache, entry);
        return say_under_way(entry, err);
    case TG_ENTRY_FAILED:
        return answer_failed(cache, entry, err);
    case TG_ENTRY_LOADING:
    case TG_ENTRY_ASKED:
    case TG_ENTRY_FETCHING:
    case TG_ENTRY_STATES:
        break;
    }
    return say_under_way(entry, err);
}

/* An answer that is still to come is announced. @locks_required cache->mutex */
static tg_status_t
lookup_locked(tg_schema_cache_t *cache, const tg_schema_key_t *key, tg_wake_t *wake,
              const tg_registered_schema_t **ret_schema, tg_error_t *err)
{
    tg_entry_t *entry = tg_entry_table_find(&cache->table, key);
    if (entry == NULL) {
        TG_TRY(add(cache, key, &entry, err));
    }
    tg_status_t status = answer(cache, entry, ret_schema, err);
    bool to_come = entry->state != TG_ENTRY_READY && entry->state != TG_ENTRY_REFUSED;
    if (to_come && tg_waiters_add(&cache->table.waiters, &entry->waiters, wake) != TG_OK) {
        return tg_error_set(err, TG_ERR_FULL, "more than %d threads wait for schemas",
                            TG_WAITERS_MAX);
    }
    return status;
}

tg_status_t
tg_schema_cache_lookup(tg_schema_cache_t *cache, const tg_schema_key_t *key, tg_wake_t *wake,
                       const tg_registered_schema_t **ret_schema, tg_error_t *err)
{
    if (key->kind == TG_SCHEMA_KEY_NAME || cache->client == NULL) {
        return lookup_fixed(cache, key, ret_schema, err);
    }
    (void)pthread_mutex_lock(&cache->mutex);
    tg_status_t status = lookup_locked(cache, key, wake, ret_schema, err);
    (void)pthread_mutex_unlock(&cache->mutex);
    return status;
}

void
tg_schema_cache_forget(tg_schema_cache_t *cache, const tg_wake_t *wake)
{
    (void)pthread_mutex_lock(&cache->mutex);
    int place = tg_waiters_find(&cache->table.waiters, wake);
    for (int state = 0; place >= 0 && state < TG_ENTRY_STATES; state++) {
        tg_entry_t *entry = NULL;
        TAILQ_FOREACH(entry, &cache->table.lists[state], link)
        {
            tg_waiters_remove(&cache->table.waiters, &entry->waiters, place);
        }
    }
    (void)pthread_mutex_unlock(&cache->mutex);
}

void
tg_schema_cache_stats(tg_schema_cache_t *cache, tg_schema_cache_stats_t *ret_stats)
{
    (void)pthread_mutex_lock(&cache->mutex);
    *ret_stats = cache->stats;
    ret_stats->n_entries = (int64_t)cache->table.n_entries;
    ret_stats->n_schema_bytes = cache->n_schema_bytes;
    ret_stats->available = cache->outage.n_failures == 0;
    (void)pthread_mutex_unlock(&cache->mutex);
}

/* ---- probe ------------------------------------------------------------------------------- */

tg_status_t
tg_schema_cache_probe(tg_schema_cache_t *cache, int64_t timeout_ms, tg_error_t *err)
{
    if (cache->probe == NULL) {
        return TG_OK; /* the directory was read at the start */
    }
    (void)pthread_mutex_lock(&cache->probe_mutex);
    tg_status_t status = tg_registry_client_probe(cache->probe, timeout_ms, err);
    (void)pthread_mutex_unlock(&cache->probe_mutex);
    return status;
}

/* ---- life -------------------------------------------------------------------------------- */

static int64_t
or_default(int64_t number, int64_t standard)
{
    return number > 0 ? number : standard;
}

static void
set_defaults(tg_registry_options_t *options)
{
    options->timeout_ms = or_default(options->timeout_ms, DEFAULT_TIMEOUT_MS);
    options->negative_ttl_ms = or_default(options->negative_ttl_ms, DEFAULT_NEGATIVE_TTL_MS);
    options->max_entries = or_default(options->max_entries, DEFAULT_MAX_ENTRIES);
    options->max_schema_bytes = or_default(options->max_schema_bytes, DEFAULT_MAX_SCHEMA_BYTES);
    options->max_total_bytes = or_default(options->max_total_bytes, DEFAULT_MAX_TOTAL_BYTES);
    if (options->clock == NULL) {
        options->clock = tg_clock_system();
    }
}

/* Deadlines are of the monotonic clock. */
static bool
make_locks(tg_schema_cache_t *cache)
{
    pthread_condattr_t attributes;
    if (pthread_condattr_init(&attributes) != 0) {
        return false;
    }
    bool made = pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0 &&
                pthread_cond_init(&cache->work, &attributes) == 0;
    (void)pthread_condattr_destroy(&attributes);
    if (!made) {
        return false;
    }
    /* Default attributes: these two cannot fail on Linux. */
    (void)pthread_mutex_init(&cache->mutex, NULL);
    (void)pthread_mutex_init(&cache->probe_mutex, NULL);
    cache->locks_made = true;
    return true;
}

static tg_status_t
open_registry(tg_schema_cache_t *cache, const tg_registry_options_t *options, tg_error_t *err)
{
    TG_TRY(tg_registry_client_open(options, &cache->client, err));
    TG_TRY(tg_registry_client_open(options, &cache->probe, err));
    if (options->cache_directory != NULL) {
        TG_TRY(tg_disk_cache_open(options, &cache->disk, err));
    }
    return tg_thread_start(&cache->worker, "registry", tg_fetcher_main, cache, err);
}

static tg_status_t
open_sources(tg_schema_cache_t *cache, const tg_registry_options_t *options, tg_error_t *err)
{
    if (options->directory == NULL && options->n_urls == 0) {
        return tg_error_set(err, TG_ERR_CONFIG,
                            "neither registry.url nor registry.directory says where schemas are");
    }
    if (options->directory != NULL) {
        TG_TRY(tg_schema_directory_open(options, &cache->directory, err));
        TG_LOG_INFO(options->log, "schema directory read", TG_S("directory", options->directory),
                    TG_I("schemas", tg_schema_directory_count(cache->directory)));
    }
    return options->n_urls > 0 ? open_registry(cache, options, err) : TG_OK;
}

/* What outlives _open: nothing that was borrowed, and no secret. */
static tg_registry_options_t
lasting_options(const tg_registry_options_t *options)
{
    return (tg_registry_options_t){
        .timeout_ms = options->timeout_ms,
        .negative_ttl_ms = options->negative_ttl_ms,
        .max_entries = options->max_entries,
        .max_schema_bytes = options->max_schema_bytes,
        .max_total_bytes = options->max_total_bytes,
        .clock = options->clock,
        .log = options->log,
    };
}

static tg_schema_cache_t *
new_cache(const tg_registry_options_t *options)
{
    tg_schema_cache_t *cache = calloc(1, sizeof *cache);
    if (cache == NULL) {
        return NULL;
    }
    if (!make_locks(cache) ||
        tg_entry_table_init(&cache->table, (size_t)options->max_entries) != TG_OK) {
        tg_schema_cache_close(cache);
        return NULL;
    }
    cache->options = lasting_options(options);
    tg_retry_init(&cache->outage, TG_CACHE_RETRY_MIN_MS, TG_CACHE_RETRY_MAX_MS,
                  (uint64_t)(uintptr_t)cache);
    return cache;
}

tg_status_t
tg_schema_cache_open(const tg_registry_options_t *options, tg_schema_cache_t **ret_cache,
                     tg_error_t *err)
{
    tg_registry_options_t all = *options;
    set_defaults(&all);
    TG_CLEANUP(tg_schema_cache_closep) tg_schema_cache_t *cache = new_cache(&all);
    if (cache == NULL) {
        return tg_error_set(err, TG_ERR_NO_MEMORY, "no memory for the schema cache");
    }
    TG_TRY(open_sources(cache, &all, err));
    *ret_cache = TG_STEAL(cache);
    return TG_OK;
}

void
tg_schema_cache_close(tg_schema_cache_t *cache)
{
    if (cache == NULL) {
        return;
    }
    if (cache->worker.running) {
        (void)pthread_mutex_lock(&cache->mutex);
        cache->stopping = true;
        (void)pthread_cond_signal(&cache->work);
        (void)pthread_mutex_unlock(&cache->mutex);
        tg_registry_client_stop(cache->client);
        tg_thread_join(&cache->worker);
    }
    tg_registry_client_close(cache->client);
    tg_registry_client_close(cache->probe);
    tg_disk_cache_close(cache->disk);
    tg_schema_directory_close(cache->directory);
    tg_entry_table_done(&cache->table);
    if (cache->locks_made) {
        (void)pthread_cond_destroy(&cache->work);
        (void)pthread_mutex_destroy(&cache->mutex);
        (void)pthread_mutex_destroy(&cache->probe_mutex);
    }
    free(cache);
}
