/*
 * One HTTP GET at a time, to one of the registry's URLs; knows libcurl, and nothing of schemas.
 *
 * Flow:      client -> [transport] -> registry
 * Promise:   http and https only, no redirects followed, an answer never larger than its ceiling;
 *            credentials go to the configured URLs only and appear in no text
 * Ownership: what a reply points to is borrowed until the next _get
 * Errors:    TG_ERR_UNAVAILABLE (no answer came; the text says why), TG_ERR_TOO_LARGE,
 *            TG_ERR_CANCELLED (_stop), TG_ERR_NO_MEMORY; TG_ERR_CONFIG from _open
 * Threads:   one owner; _stop from any
 */
#ifndef TG_REGISTRY_TRANSPORT_INTERNAL_H
#define TG_REGISTRY_TRANSPORT_INTERNAL_H

#include "base/buffer.h"
#include "registry/schema_cache.h"

enum { TG_TRANSPORT_MAX_URLS = 16 };

typedef struct tg_transport tg_transport_t;

typedef struct tg_transport_reply {
    int http_status;
    tg_bytes_t body;          /* cut at the ceiling unless http_status is 200 */
    const char *content_type; /* "" when none was said */
    const char *redirect;     /* where a 3xx points to, without credentials; "" when nowhere */
} tg_transport_reply_t;

tg_status_t tg_transport_open(const tg_registry_options_t *options, tg_transport_t **ret_transport,
                              tg_error_t *err) TG_MUST_CHECK;
void tg_transport_close(tg_transport_t *transport);
TG_DEFINE_FREEP(tg_transport_t, tg_transport_close)

/* The _get under way, and all later ones, end with TG_ERR_CANCELLED. */
void tg_transport_stop(tg_transport_t *transport);

size_t tg_transport_n_urls(const tg_transport_t *transport);
const char *tg_transport_url(const tg_transport_t *transport, size_t i_url);

/* path begins with "/" and is encoded already. TG_OK: an answer came, whatever its status. */
tg_status_t tg_transport_get(tg_transport_t *transport, size_t i_url, const char *path,
                             int64_t timeout_ms, tg_transport_reply_t *ret_reply,
                             tg_error_t *err) TG_MUST_CHECK;

/* Appends text with everything percent-encoded that RFC 3986 does not leave alone. */
tg_status_t tg_transport_encode(tg_buffer_t *path, const char *text) TG_MUST_CHECK;

#endif
