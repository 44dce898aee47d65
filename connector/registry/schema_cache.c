#include "registry/schema_cache.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "base/thread.h"
#include "client_internal.h"
#include "directory_internal.h"
#include "disk_cache_internal.h"
#include "entry_table_internal.h"
#include "registered_schema_internal.h"

enum {
    RETRY_MIN_MS = 200,
    RETRY_MAX_MS = 30000,
    DEFAULT_TIMEOUT_MS = 10000,
    DEFAULT_NEGATIVE_TTL_MS = 60000,
    DEFAULT_MAX_ENTRIES = 10000,
    DEFAULT_MAX_SCHEMA_BYTES = 4 * 1024 * 1024,
    DEFAULT_MAX_TOTAL_BYTES = 64 * 1024 * 1024,
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

/* ---- what an entry says ------------------------------------------------------------------ */

static bool
is_due(const tg_schema_cache_t *cache, const tg_entry_t *entry, int64_t now_ms)
{
    return tg_retry_is_due(entry->by_outage ? &cache->outage : &entry->retry, now_ms);
}

/* A cause is of the registry; said of an entry, it names the schema. */
static void
set_cause(tg_entry_t *entry, const tg_error_t *cause)
{
    char text[TG_SCHEMA_KEY_TEXT_BYTES];
    tg_error_t named = *cause;
    TG_IGNORE(tg_error_wrap(&named, cause->status, "%s", /* for its text */
                            tg_schema_key_text(&entry->key, text, sizeof text)));
    free(entry->cause);
    entry->status = cause->status;
    entry->cause = strdup(named.text);
}

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
settle_ready(tg_schema_cache_t *cache, tg_entry_t *entry, tg_registered_schema_t *schema)
{
    entry->schema = schema;
    cache->n_schema_bytes += (int64_t)tg_registered_schema_bytes(schema);
    tg_entry_table_move(&cache->table, entry, TG_ENTRY_READY);
    tg_waiters_ring(&cache->table.waiters, &entry->waiters);
}

/* @locks_required cache->mutex */
static void
settle_failed(tg_schema_cache_t *cache, tg_entry_t *entry, const tg_error_t *cause, bool by_outage)
{
    set_cause(entry, cause);
    entry->by_outage = by_outage;
    entry->wanted = false;
    tg_entry_table_move(&cache->table, entry, TG_ENTRY_FAILED);
    tg_waiters_ring(&cache->table.waiters, &entry->waiters);
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

/* A ceiling on bytes that holds for disk and registry alike. @locks_required cache->mutex */
static tg_status_t
check_room(const tg_schema_cache_t *cache, const tg_registered_schema_t *schema, tg_error_t *err)
{
    if (cache->n_schema_bytes + (int64_t)tg_registered_schema_bytes(schema) <=
        cache->options.max_total_bytes) {
        return TG_OK;
    }
    return tg_error_set(err, TG_ERR_FULL,
                        "the schemas in memory take %lld bytes, and registry.max_total_bytes "
                        "allows no more; raise it",
                        (long long)cache->n_schema_bytes);
}

static void
warn_of_disk(tg_schema_cache_t *cache, const tg_error_t *cause)
{
    TG_LOG_WARNING(cache->options.log, "the cache directory is of no help",
                   TG_S("cause", cause->text));
    (void)pthread_mutex_lock(&cache->mutex);
    cache->stats.n_disk_errors++;
    (void)pthread_mutex_unlock(&cache->mutex);
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
            warn_of_disk(cache, &cause);
        }
        (void)pthread_mutex_lock(&cache->mutex);
    }
    if (schema == NULL) {
        ask(cache, entry);
    } else if (check_room(cache, schema, &cause) != TG_OK) {
        tg_registered_schema_free(schema);
        settle_failed(cache, entry, &cause, false);
    } else {
        cache->stats.n_disk_hits++;
        settle_ready(cache, entry, schema);
    }
}

/* The entry of a key, made when there is none. @locks_required cache->mutex */
static tg_status_t
find_or_add(tg_schema_cache_t *cache, const tg_schema_key_t *key, tg_entry_t **ret_entry,
            tg_error_t *err)
{
    tg_entry_t *entry = tg_entry_table_find(&cache->table, key);
    if (entry == NULL) {
        tg_status_t status = tg_entry_table_add(&cache->table, key, &entry);
        if (status == TG_ERR_FULL) {
            return tg_error_set(err, status,
                                "the schema cache holds %zu schemas, and registry.max_entries "
                                "allows no more; raise it",
                                cache->table.n_entries);
        }
        if (status != TG_OK) {
            return tg_error_set(err, status, "no memory for a schema");
        }
        tg_retry_init(&entry->retry, RETRY_MIN_MS, RETRY_MAX_MS, (uint64_t)(uintptr_t)entry);
        load(cache, entry);
    }
    *ret_entry = entry;
    return TG_OK;
}

/* What no answer can be had for now: is asked for again when its time has come.
 * @locks_required cache->mutex */
static tg_status_t
answer_failed(tg_schema_cache_t *cache, tg_entry_t *entry, tg_error_t *err)
{
    if (!entry->wanted || is_due(cache, entry, tg_clock_now_ms(cache->options.clock))) {
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
    tg_entry_t *entry = NULL;
    TG_TRY(find_or_add(cache, key, &entry, err));
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

/* ---- the worker -------------------------------------------------------------------------- */

/* The next failed entry whose time has come; else *ret_wait_ms says when one comes (negative:
 * never). @locks_required cache->mutex */
static tg_entry_t *
find_due(const tg_schema_cache_t *cache, int64_t now_ms, int64_t *ret_wait_ms)
{
    tg_entry_t *entry = NULL;
    *ret_wait_ms = -1;
    TAILQ_FOREACH(entry, &cache->table.lists[TG_ENTRY_FAILED], link)
    {
        if (!entry->wanted) {
            continue;
        }
        if (is_due(cache, entry, now_ms)) {
            return entry;
        }
        int64_t wait_ms =
            (entry->by_outage ? cache->outage.next_ms : entry->retry.next_ms) - now_ms;
        if (*ret_wait_ms < 0 || wait_ms < *ret_wait_ms) {
            *ret_wait_ms = wait_ms;
        }
    }
    return NULL;
}

/* While no registry answers, asking it for one more schema only costs another time-out: all who ask
 * are told at once. @locks_required cache->mutex */
static void
fail_asked(tg_schema_cache_t *cache)
{
    tg_entry_t *entry = NULL;
    while ((entry = TAILQ_FIRST(&cache->table.lists[TG_ENTRY_ASKED])) != NULL) {
        settle_failed(cache, entry, &cache->outage_cause, true);
    }
}

/* @locks_required cache->mutex */
static void
wait_for_work(tg_schema_cache_t *cache, int64_t wait_ms)
{
    if (wait_ms < 0) {
        (void)pthread_cond_wait(&cache->work, &cache->mutex);
        return;
    }
    struct timespec until;
    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += (time_t)(wait_ms / 1000);
    until.tv_nsec += (long)(wait_ms % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    (void)pthread_cond_timedwait(&cache->work, &cache->mutex, &until);
}

/* Something to fetch, or NULL after a wait. @locks_required cache->mutex */
static tg_entry_t *
next_entry(tg_schema_cache_t *cache)
{
    int64_t now_ms = tg_clock_now_ms(cache->options.clock);
    int64_t wait_ms = 0;
    if (cache->outage.n_failures > 0 && !tg_retry_is_due(&cache->outage, now_ms)) {
        fail_asked(cache);
    }
    tg_entry_t *entry = find_due(cache, now_ms, &wait_ms);
    if (entry == NULL) {
        entry = TAILQ_FIRST(&cache->table.lists[TG_ENTRY_ASKED]);
    }
    if (entry == NULL) {
        wait_for_work(cache, wait_ms);
    }
    return entry;
}

/* @locks_required cache->mutex */
static void
note_reached(tg_schema_cache_t *cache)
{
    if (cache->outage.n_failures > 0) {
        TG_LOG_INFO(cache->options.log, "the schema registry answers again",
                    TG_S("url", tg_registry_client_url(cache->client)));
        tg_retry_reset(&cache->outage);
    }
}

/* @locks_required cache->mutex */
static void
note_failure(tg_schema_cache_t *cache, tg_entry_t *entry, const tg_error_t *cause, bool reached)
{
    int64_t now_ms = tg_clock_now_ms(cache->options.clock);
    int64_t delay_ms = tg_retry_failed(reached ? &entry->retry : &cache->outage, now_ms);
    char text[TG_SCHEMA_KEY_TEXT_BYTES];
    TG_LOG_WARNING(cache->options.log, "cannot get a schema from the registry",
                   TG_S("schema", tg_schema_key_text(&entry->key, text, sizeof text)),
                   TG_S("cause", cause->text), TG_I("retry_ms", delay_ms));
    cache->stats.n_failed++;
    settle_failed(cache, entry, cause, !reached);
    if (!reached) {
        cache->outage_cause = *cause;
        fail_asked(cache);
    }
}

/* What the registry said, or that it did not. schema: taken. @locks_required cache->mutex */
static void
settle(tg_schema_cache_t *cache, tg_entry_t *entry, tg_registered_schema_t *schema,
       const tg_error_t *cause, bool reached)
{
    if (reached) {
        note_reached(cache);
    }
    if (schema != NULL) {
        tg_retry_reset(&entry->retry);
        cache->stats.n_fetched++;
        settle_ready(cache, entry, schema);
    } else if (tg_status_reaction(cause->status) == TG_REACTION_POISON) {
        set_cause(entry, cause);
        tg_retry_reset(&entry->retry);
        entry->expires_ms = tg_clock_now_ms(cache->options.clock) + cache->options.negative_ttl_ms;
        cache->stats.n_refused++;
        tg_entry_table_move(&cache->table, entry, TG_ENTRY_REFUSED);
        tg_waiters_ring(&cache->table.waiters, &entry->waiters);
    } else {
        note_failure(cache, entry, cause, reached);
    }
}

static void
store(tg_schema_cache_t *cache, const tg_schema_key_t *key, const tg_registered_schema_t *schema)
{
    char text[TG_SCHEMA_KEY_TEXT_BYTES];
    tg_error_t cause = {0};
    TG_LOG_INFO(cache->options.log, "schema fetched",
                TG_S("schema", tg_schema_key_text(key, text, sizeof text)),
                TG_S("url", tg_registry_client_url(cache->client)),
                TG_I("bytes", tg_registered_schema_bytes(schema)),
                TG_I("references", schema->n_references));
    if (cache->disk != NULL && tg_disk_cache_store(cache->disk, key, schema, &cause) != TG_OK) {
        warn_of_disk(cache, &cause);
    }
}

/* One schema, from the registry to its entry. @locks_required cache->mutex (given up meanwhile) */
static void
fetch(tg_schema_cache_t *cache, tg_entry_t *entry)
{
    tg_registered_schema_t *schema = NULL;
    bool reached = false;
    tg_error_t cause = {0};
    const tg_schema_key_t key = entry->key;
    tg_entry_table_move(&cache->table, entry, TG_ENTRY_FETCHING);
    (void)pthread_mutex_unlock(&cache->mutex);
    if (tg_registry_client_fetch(cache->client, &key, &schema, &reached, &cause) == TG_OK) {
        store(cache, &key, schema);
    }
    (void)pthread_mutex_lock(&cache->mutex);
    if (cache->stopping) {
        tg_registered_schema_free(schema);
        return;
    }
    if (schema != NULL && check_room(cache, schema, &cause) != TG_OK) {
        tg_registered_schema_free(TG_STEAL(schema));
    }
    settle(cache, entry, schema, &cause, reached);
}

static void *
work(void *arg)
{
    tg_schema_cache_t *cache = arg;
    (void)pthread_mutex_lock(&cache->mutex);
    while (!cache->stopping) {
        tg_entry_t *entry = next_entry(cache);
        if (entry != NULL && !cache->stopping) {
            fetch(cache, entry);
        }
    }
    (void)pthread_mutex_unlock(&cache->mutex);
    return NULL;
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
    return tg_thread_start(&cache->worker, "registry", work, cache, err);
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

tg_status_t
tg_schema_cache_open(const tg_registry_options_t *options, tg_schema_cache_t **ret_cache,
                     tg_error_t *err)
{
    tg_registry_options_t all = *options;
    set_defaults(&all);
    TG_CLEANUP(tg_schema_cache_closep) tg_schema_cache_t *cache = calloc(1, sizeof *cache);
    if (cache == NULL || !make_locks(cache) ||
        tg_entry_table_init(&cache->table, (size_t)all.max_entries) != TG_OK) {
        return tg_error_set(err, TG_ERR_NO_MEMORY, "no memory for the schema cache");
    }
    cache->options = lasting_options(&all);
    tg_retry_init(&cache->outage, RETRY_MIN_MS, RETRY_MAX_MS, (uint64_t)(uintptr_t)cache);
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
