#include <stdlib.h>

#include "cache_state_internal.h"
#include "registered_schema_internal.h"

bool
tg_cache_state_is_due(const tg_schema_cache_t *cache, const tg_entry_t *entry, int64_t now_ms)
{
    return tg_retry_is_due(entry->by_outage ? &cache->outage : &entry->retry, now_ms);
}

/* A cause is of the registry; said of an entry, it names the schema. */
void
tg_cache_state_set_cause(tg_entry_t *entry, const tg_error_t *cause)
{
    char text[TG_SCHEMA_KEY_TEXT_BYTES];
    tg_error_t named = *cause;
    TG_IGNORE(tg_error_wrap(&named, cause->status, "%s", /* for its text */
                            tg_schema_key_text(&entry->key, text, sizeof text)));
    free(entry->cause);
    entry->status = cause->status;
    entry->cause = strdup(named.text);
}

/* A ceiling on bytes that holds for disk and registry alike. */
tg_status_t
tg_cache_state_check_room(const tg_schema_cache_t *cache, const tg_registered_schema_t *schema,
                          tg_error_t *err)
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

void
tg_cache_state_settle_ready(tg_schema_cache_t *cache, tg_entry_t *entry,
                            tg_registered_schema_t *schema)
{
    entry->schema = schema;
    cache->n_schema_bytes += (int64_t)tg_registered_schema_bytes(schema);
    tg_entry_table_move(&cache->table, entry, TG_ENTRY_READY);
    tg_waiters_ring(&cache->table.waiters, &entry->waiters);
}

void
tg_cache_state_settle_failed(tg_schema_cache_t *cache, tg_entry_t *entry, const tg_error_t *cause,
                             bool by_outage)
{
    tg_cache_state_set_cause(entry, cause);
    entry->by_outage = by_outage;
    entry->wanted = false;
    tg_entry_table_move(&cache->table, entry, TG_ENTRY_FAILED);
    tg_waiters_ring(&cache->table.waiters, &entry->waiters);
}

void
tg_cache_state_settle_refused(tg_schema_cache_t *cache, tg_entry_t *entry, const tg_error_t *cause)
{
    tg_cache_state_set_cause(entry, cause);
    tg_retry_reset(&entry->retry);
    entry->expires_ms = tg_clock_now_ms(cache->options.clock) + cache->options.negative_ttl_ms;
    tg_entry_table_move(&cache->table, entry, TG_ENTRY_REFUSED);
    tg_waiters_ring(&cache->table.waiters, &entry->waiters);
}

void
tg_cache_state_warn_of_disk(tg_schema_cache_t *cache, const tg_error_t *cause)
{
    TG_LOG_WARNING(cache->options.log, "the cache directory is of no help",
                   TG_S("cause", cause->text));
    (void)pthread_mutex_lock(&cache->mutex);
    cache->stats.n_disk_errors++;
    (void)pthread_mutex_unlock(&cache->mutex);
}
