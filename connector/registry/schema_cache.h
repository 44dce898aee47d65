/*
 * Writer schemas by key: memory first, then disk, then the registry; never waits for the network.
 *
 * Flow:      schema key -> [schema cache] -> schema text with its references
 * Promise:   a schema once seen is never asked for again (ids are immutable), also after a restart
 *            when a cache directory is configured; an id that the registry does not know is
 *            remembered as such for a while (negative cache); a registry that is down delays only
 *            records of schemas never seen; memory, entries and file sizes have ceilings
 * Errors:    TG_ERR_AGAIN (under way), TG_ERR_UNAVAILABLE / TG_ERR_PERMISSION (the registry's
 *            fault: retry later, the text names URL and cause), TG_ERR_FULL (a ceiling: retry, the
 *            text names it), TG_ERR_NO_MEMORY; TG_ERR_NOT_FOUND / TG_ERR_UNSUPPORTED /
 *            TG_ERR_INVALID / TG_ERR_TOO_LARGE (poison); TG_ERR_CONFIG from _open
 * Threads:   any; a thread of its own ("registry") speaks HTTP. wake (per lookup) is rung when the
 *            answer is there
 */
#ifndef TG_REGISTRY_SCHEMA_CACHE_H
#define TG_REGISTRY_SCHEMA_CACHE_H

#include "base/clock.h"
#include "base/log.h"
#include "base/wake.h"
#include "registry/wire_format.h"

/* Numbers that are 0 get a default: 10 s, 60 s, 10000 entries, 4 MiB, 64 MiB. With urls and a
 * directory, names are looked up in the directory and ids in the registry. */
typedef struct tg_registry_options {
    const char *const *urls; /* tried in turn; NULL: directory only */
    size_t n_urls;
    const char *directory;       /* fixed schemas <name>.avsc instead of a registry; NULL: none */
    const char *cache_directory; /* NULL: no disk cache */
    const char *username;        /* basic authentication; NULL: none */
    const char *password;
    const char *bearer_token;
    const char *ca_file; /* NULL: the system's */
    const char *client_certificate_file;
    const char *client_key_file;
    bool verify_host;
    int64_t timeout_ms;       /* one request */
    int64_t negative_ttl_ms;  /* how long "unknown id" is believed */
    int64_t max_entries;      /* schemas in memory, and files on disk */
    int64_t max_schema_bytes; /* one schema with its references */
    int64_t max_total_bytes;  /* all schemas in memory */
    const tg_clock_t *clock;
    tg_log_t *log;
} tg_registry_options_t;

/* One schema text; references are complete texts of the named types it uses, each after those it
 * needs itself. */
typedef struct tg_registered_schema {
    const char *text;
    const char *const *references;
    size_t n_references;
} tg_registered_schema_t;

typedef struct tg_schema_cache tg_schema_cache_t;

tg_status_t tg_schema_cache_open(const tg_registry_options_t *options,
                                 tg_schema_cache_t **ret_cache, tg_error_t *err) TG_MUST_CHECK;

/* Ends a request that is under way. No lookup may run; waiting doorbells are not rung. */
void tg_schema_cache_close(tg_schema_cache_t *cache);
TG_DEFINE_FREEP(tg_schema_cache_t, tg_schema_cache_close)

/* TG_OK: *ret_schema is borrowed for the cache's life. TG_ERR_AGAIN: asked; wake (borrowed until it
 * rings, or until _forget; may be NULL) rings when the answer, good or bad, is there: call again.
 * An unavailable registry is asked again with backoff while somebody keeps calling; wake rings
 * after the next try then. */
tg_status_t tg_schema_cache_lookup(tg_schema_cache_t *cache, const tg_schema_key_t *key,
                                   tg_wake_t *wake, const tg_registered_schema_t **ret_schema,
                                   tg_error_t *err) TG_MUST_CHECK;

/* Afterwards wake is not rung any more: for one that is closed before the cache is. */
void tg_schema_cache_forget(tg_schema_cache_t *cache, const tg_wake_t *wake);

/* For `tidegate check`: asks the registry for its list of types; waits. With several URLs one that
 * answers is enough; the others are logged. */
tg_status_t tg_schema_cache_probe(tg_schema_cache_t *cache, int64_t timeout_ms,
                                  tg_error_t *err) TG_MUST_CHECK;

/* For metrics: totals since _open, unless said otherwise. */
typedef struct tg_schema_cache_stats {
    int64_t n_hits;      /* lookups answered from memory */
    int64_t n_disk_hits; /* schemas read from the cache directory */
    int64_t n_fetched;   /* schemas got from the registry */
    int64_t n_refused;   /* answers that make a record poison (unknown id, not Avro) */
    int64_t n_failed;    /* tries without an answer: away, no permission, overloaded */
    int64_t n_disk_errors;
    int64_t n_entries;      /* now */
    int64_t n_schema_bytes; /* now */
    bool available;         /* the last try reached a registry */
} tg_schema_cache_stats_t;

void tg_schema_cache_stats(tg_schema_cache_t *cache, tg_schema_cache_stats_t *ret_stats);

#endif
