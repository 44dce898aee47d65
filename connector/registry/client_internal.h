/*
 * Asks the registry for one schema with its references: which path, which URL, what it means.
 *
 * Flow:      schema key -> [client] -> registered schema
 * Promise:   the URLs are tried in turn, beginning with the one that answered last; a URL that does
 *            not know a schema does not keep the others from being asked; references are resolved
 *            from the same URL as the schema
 * Source:    Confluent GET /schemas/ids/{id}, /schemas/guids/{guid}, /subjects/{s}/versions/{v};
 *            Apicurio's global ids: /apis/registry/v2 beside /apis/ccompat/vN (2.x and 3.x have it)
 * Errors:    as said in schema_cache.h, without TG_ERR_AGAIN; TG_ERR_CANCELLED after _stop
 * Threads:   one owner; _stop from any
 */
#ifndef TG_REGISTRY_CLIENT_INTERNAL_H
#define TG_REGISTRY_CLIENT_INTERNAL_H

#include "registry/schema_cache.h"

typedef struct tg_registry_client tg_registry_client_t;

tg_status_t tg_registry_client_open(const tg_registry_options_t *options,
                                    tg_registry_client_t **ret_client,
                                    tg_error_t *err) TG_MUST_CHECK;
void tg_registry_client_close(tg_registry_client_t *client);
TG_DEFINE_FREEP(tg_registry_client_t, tg_registry_client_close)

void tg_registry_client_stop(tg_registry_client_t *client);

/* *ret_schema is owned. *ret_reached: some URL gave an HTTP answer, good or bad (also set on
 * failure: it says whether asking for another schema makes sense now). */
tg_status_t tg_registry_client_fetch(tg_registry_client_t *client, const tg_schema_key_t *key,
                                     tg_registered_schema_t **ret_schema, bool *ret_reached,
                                     tg_error_t *err) TG_MUST_CHECK;

/* Asks each URL for its schema types; the first failure is the result when no URL is right. */
tg_status_t tg_registry_client_probe(tg_registry_client_t *client, int64_t timeout_ms,
                                     tg_error_t *err) TG_MUST_CHECK;

/* The URL that answered last. */
const char *tg_registry_client_url(const tg_registry_client_t *client);

#endif
