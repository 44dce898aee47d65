#include <time.h>

#include "cache_state_internal.h"
#include "registered_schema_internal.h"

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
        if (tg_cache_state_is_due(cache, entry, now_ms)) {
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
        tg_cache_state_settle_failed(cache, entry, &cache->outage_cause, true);
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
    tg_cache_state_settle_failed(cache, entry, cause, !reached);
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
        tg_cache_state_settle_ready(cache, entry, schema);
    } else if (tg_status_reaction(cause->status) == TG_REACTION_POISON) {
        cache->stats.n_refused++;
        tg_cache_state_settle_refused(cache, entry, cause);
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
        tg_cache_state_warn_of_disk(cache, &cause);
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
    if (schema != NULL && tg_cache_state_check_room(cache, schema, &cause) != TG_OK) {
        tg_registered_schema_free(TG_STEAL(schema));
    }
    settle(cache, entry, schema, &cause, reached);
}

void *
tg_fetcher_main(void *arg)
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
