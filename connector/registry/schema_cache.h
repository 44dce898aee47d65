/*
 * Writer schemas by key: memory first, then disk, then the registry; never waits for the network.
 *
 * Flow:      schema key -> [schema cache] -> schema text with its references
 * Promise:   a schema once seen is never asked for again (ids are immutable), also after a restart
 * when a cache directory is configured; an id that the registry does not know is remembered as such
 * for a while (negative cache); a registry that is down delays only records of schemas never seen;
 *            memory, entries and file sizes have ceilings
 * Threads:   any; a thread of its own speaks HTTP. wake (per lookup) is rung when the answer is
 * there. Errors:    TG_ERR_AGAIN (under way), TG_ERR_UNAVAILABLE / TG_ERR_PERMISSION (the
 * registry's fault: retry later, the text names URL and cause), TG_ERR_NOT_FOUND /
 * TG_ERR_UNSUPPORTED / TG_ERR_INVALID (poison)
 */
#ifndef TG_REGISTRY_SCHEMA_CACHE_H
#define TG_REGISTRY_SCHEMA_CACHE_H

#include "base/clock.h"
#include "base/log.h"
#include "base/wake.h"
#include "registry/wire_format.h"

typedef struct tg_registry_options {
    const char *const *urls; /* tried in turn; NULL with directory */
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
    int64_t timeout_ms;      /* one request */
    int64_t negative_ttl_ms; /* how long "unknown id" is believed */
    int64_t max_entries;
    int64_t max_schema_bytes;
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
void tg_schema_cache_close(tg_schema_cache_t *cache);

/* TG_OK: *ret_schema is borrowed for the cache's life. TG_ERR_AGAIN: asked; wake (borrowed, may be
 * NULL) rings when the answer, good or bad, is there: call again. An unavailable registry is asked
 * again with backoff while somebody keeps calling. */
tg_status_t tg_schema_cache_lookup(tg_schema_cache_t *cache, const tg_schema_key_t *key,
                                   tg_wake_t *wake, const tg_registered_schema_t **ret_schema,
                                   tg_error_t *err) TG_MUST_CHECK;

/* For `tidegate check`: asks the registry for its list of types; waits. */
tg_status_t tg_schema_cache_probe(tg_schema_cache_t *cache, int64_t timeout_ms,
                                  tg_error_t *err) TG_MUST_CHECK;

#endif
