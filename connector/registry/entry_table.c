#include <stdlib.h>

#include "entry_table_internal.h"
#include "hash_internal.h"
#include "registered_schema_internal.h"

enum { MAX_BUCKETS = 4096 };

static size_t
bucket_of(const tg_entry_table_t *table, const tg_schema_key_t *key)
{
    uint64_t hash = tg_hash_bytes(TG_HASH_START, &key->kind, sizeof key->kind);
    hash = key->kind == TG_SCHEMA_KEY_GUID ? tg_hash_bytes(hash, key->guid, sizeof key->guid)
                                           : tg_hash_bytes(hash, &key->id, sizeof key->id);
    return (size_t)hash & (table->n_buckets - 1);
}

tg_status_t
tg_entry_table_init(tg_entry_table_t *table, size_t max_entries)
{
    size_t n_buckets = 16;
    while (n_buckets < max_entries && n_buckets < MAX_BUCKETS) {
        n_buckets *= 2;
    }
    *table = (tg_entry_table_t){.n_buckets = n_buckets, .max_entries = max_entries};
    for (int i = 0; i < TG_ENTRY_STATES; i++) {
        TAILQ_INIT(&table->lists[i]);
    }
    table->buckets = calloc(n_buckets, sizeof(tg_entry_t *));
    return table->buckets != NULL ? TG_OK : TG_ERR_NO_MEMORY;
}

static void
free_entry(tg_entry_t *entry)
{
    tg_registered_schema_free(entry->schema);
    free(entry->cause);
    free(entry);
}

void
tg_entry_table_done(tg_entry_table_t *table)
{
    for (size_t i = 0; table->buckets != NULL && i < table->n_buckets; i++) {
        while (table->buckets[i] != NULL) {
            tg_entry_t *entry = table->buckets[i];
            table->buckets[i] = entry->next_in_bucket;
            free_entry(entry);
        }
    }
    free(table->buckets);
    table->buckets = NULL;
}

tg_entry_t *
tg_entry_table_find(const tg_entry_table_t *table, const tg_schema_key_t *key)
{
    tg_entry_t *entry = table->buckets[bucket_of(table, key)];
    while (entry != NULL && !tg_schema_key_equal(&entry->key, key)) {
        entry = entry->next_in_bucket;
    }
    return entry;
}

void
tg_entry_table_move(tg_entry_table_t *table, tg_entry_t *entry, tg_entry_state_t state)
{
    TAILQ_REMOVE(&table->lists[entry->state], entry, link);
    entry->state = state;
    TAILQ_INSERT_TAIL(&table->lists[state], entry, link);
}

static void
remove_entry(tg_entry_table_t *table, tg_entry_t *entry)
{
    tg_entry_t **at = &table->buckets[bucket_of(table, &entry->key)];
    while (*at != entry) {
        at = &(*at)->next_in_bucket;
    }
    *at = entry->next_in_bucket;
    TAILQ_REMOVE(&table->lists[entry->state], entry, link);
    table->n_entries--;
    /* They ask again, and it begins anew. */
    tg_waiters_ring(&table->waiters, &entry->waiters);
    free_entry(entry);
}

static bool
make_room(tg_entry_table_t *table)
{
    if (table->n_entries < table->max_entries) {
        return true;
    }
    tg_entry_t *oldest = TAILQ_FIRST(&table->lists[TG_ENTRY_REFUSED]);
    if (oldest == NULL) {
        oldest = TAILQ_FIRST(&table->lists[TG_ENTRY_FAILED]);
    }
    if (oldest == NULL) {
        return false;
    }
    remove_entry(table, oldest);
    return true;
}

tg_status_t
tg_entry_table_add(tg_entry_table_t *table, const tg_schema_key_t *key, tg_entry_t **ret_entry)
{
    if (!make_room(table)) {
        return TG_ERR_FULL;
    }
    tg_entry_t *entry = calloc(1, sizeof *entry);
    if (entry == NULL) {
        return TG_ERR_NO_MEMORY;
    }
    entry->key = *key;
    entry->key.name = NULL;
    entry->state = TG_ENTRY_LOADING;
    size_t bucket = bucket_of(table, key);
    entry->next_in_bucket = table->buckets[bucket];
    table->buckets[bucket] = entry;
    TAILQ_INSERT_TAIL(&table->lists[TG_ENTRY_LOADING], entry, link);
    table->n_entries++;
    *ret_entry = entry;
    return TG_OK;
}
