/*
 * The base URL of a registry's API: what is asked and shown, apart from the credentials in it.
 *
 * Flow:      registry.url -> [base url] -> transport
 * Promise:   text never has a user, a password, a query, a fragment or a slash at its end; an error
 *            never repeats what was written (a password may stand anywhere in it)
 * Ownership: embedded value; its texts are its own until _done
 * Errors:    TG_ERR_CONFIG, TG_ERR_NO_MEMORY
 */
#ifndef TG_REGISTRY_BASE_URL_INTERNAL_H
#define TG_REGISTRY_BASE_URL_INTERNAL_H

#include "base/bytes.h"
#include "base/error.h"

typedef struct tg_base_url {
    char *text;
    char *username; /* NULL: none */
    char *password;
} tg_base_url_t;

/* number is what the message calls it: 1 for the first. */
tg_status_t tg_base_url_init(tg_base_url_t *url, const char *written, size_t number,
                             tg_error_t *err) TG_MUST_CHECK;
void tg_base_url_done(tg_base_url_t *url);

/* Any URL as it may be shown: no credentials, query or fragment. Owned; NULL: none of that. */
char *tg_base_url_shown(const char *written);

#endif
