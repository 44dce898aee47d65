/*
 * What an HTTP reply of the registry means for the one who asked.
 *
 * Flow:      transport reply -> [verdict] -> client, probe
 * Promise:   only the API itself can say that a schema does not exist or is bad (poison): it does
 *            so in JSON with a code of its own; a 404 of some web server, a login page or a
 *            redirect is a fault of the environment, and the records wait
 * Errors:    TG_ERR_NOT_FOUND, TG_ERR_INVALID (poison); TG_ERR_PERMISSION, TG_ERR_UNAVAILABLE;
 *            TG_ERR_MISSING: a 404 that may mean either, ask whether the API is there at all
 * Threads:   any; no state
 */
#ifndef TG_REGISTRY_VERDICT_INTERNAL_H
#define TG_REGISTRY_VERDICT_INTERNAL_H

#include "transport_internal.h"

/* TG_OK: the status is 200. url is shown. */
tg_status_t tg_verdict_of(const tg_transport_reply_t *reply, const char *url,
                          tg_error_t *err) TG_MUST_CHECK;

/* TG_ERR_UNAVAILABLE: what answers at url is not the API that we need, because of what. */
tg_status_t tg_verdict_wrong_api(const tg_transport_reply_t *reply, const char *url,
                                 const char *what, tg_error_t *err);

#endif
