/*
 * The schema cache: a schema is there some time after it was asked for; the registry comes and
 * goes.
 */
#include "sim_registry.h"

#include <stdlib.h>

#include "registry/schema_cache.h"

enum { N_IDS = 10 };

#define FIELD(name)    "{\"name\": \"" name "\", \"type\": \"long\"}"
#define RECORD(fields) "{\"type\": \"record\", \"name\": \"r\", \"fields\": [" fields "]}"

static const char *const TEXTS[N_IDS] = {
    [1] = RECORD(FIELD("id") ", " FIELD("a")),
    [2] = RECORD(FIELD("id") ", " FIELD("a") ", " FIELD("b")),
    [3] = RECORD(FIELD("id") ", " FIELD("c")),
    [4] = RECORD("{\"name\": \"id\", \"type\": \"string\"}"),
};

typedef struct {
    bool is_there;
    bool is_asked;
    int64_t due_ms;
    tg_wake_t *waiters[4];
    size_t n_waiters;
    tg_registered_schema_t schema;
} entry_t;

static entry_t the_entries[N_IDS];

struct tg_schema_cache {
    int unused;
};

tg_schema_cache_t *
sim_registry_cache(void)
{
    static struct tg_schema_cache cache;
    return &cache;
}

void
sim_registry_open(void)
{
    for (int i = 0; i < N_IDS; i++) {
        the_entries[i] = (entry_t){.schema = {.text = TEXTS[i]}};
    }
}

static void
answer(entry_t *entry, bool is_there)
{
    entry->is_there = is_there;
    entry->is_asked = false;
    for (size_t i = 0; i < entry->n_waiters; i++) {
        tg_wake_signal(entry->waiters[i]);
    }
    entry->n_waiters = 0;
    sim_happened();
}

void
sim_registry_settle(void)
{
    for (int i = 0; i < N_IDS; i++) {
        if (the_entries[i].is_asked && the_entries[i].due_ms <= sim_now_ms()) {
            answer(&the_entries[i], true);
        }
    }
}

int64_t
sim_registry_due_ms(void)
{
    int64_t due_ms = INT64_MAX;
    for (int i = 0; i < N_IDS; i++) {
        if (the_entries[i].is_asked && the_entries[i].due_ms < due_ms) {
            due_ms = the_entries[i].due_ms;
        }
    }
    return due_ms;
}

static void
wait_for(entry_t *entry, tg_wake_t *wake)
{
    for (size_t i = 0; i < entry->n_waiters; i++) {
        if (entry->waiters[i] == wake) {
            return;
        }
    }
    if (entry->n_waiters == TG_COUNT_OF(entry->waiters)) {
        sim_fail("more doorbells than writers wait for a schema");
    }
    entry->waiters[entry->n_waiters++] = wake;
}

tg_status_t
tg_schema_cache_lookup(tg_schema_cache_t *cache, const tg_schema_key_t *key, tg_wake_t *wake,
                       const tg_registered_schema_t **ret_schema, tg_error_t *err)
{
    (void)cache;
    entry_t *entry = &the_entries[key->id];
    if (entry->is_there && TEXTS[key->id] == NULL) {
        return tg_error_set(err, TG_ERR_NOT_FOUND, "no schema has this id");
    }
    if (entry->is_there) {
        *ret_schema = &entry->schema;
        return TG_OK;
    }
    if (sim_chance(sim_world()->faults.registry)) {
        return tg_error_set(err, TG_ERR_UNAVAILABLE, "the registry is away");
    }
    if (!entry->is_asked) {
        entry->is_asked = true;
        entry->due_ms = sim_now_ms() + 1 + sim_below(200);
        sim_happened();
    }
    wait_for(entry, wake);
    return tg_error_set(err, TG_ERR_AGAIN, "asked");
}

void
tg_schema_cache_forget(tg_schema_cache_t *cache, const tg_wake_t *wake)
{
    (void)cache;
    for (int i = 0; i < N_IDS; i++) {
        entry_t *entry = &the_entries[i];
        for (size_t k = entry->n_waiters; k-- > 0;) {
            if (entry->waiters[k] == wake) {
                entry->waiters[k] = entry->waiters[--entry->n_waiters];
            }
        }
    }
}
