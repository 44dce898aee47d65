#include <inttypes.h>
#include <stdio.h>
#include <strings.h>

#include "answer_internal.h"
#include "verdict_internal.h"

static bool
is_html(const tg_transport_reply_t *reply)
{
    return strncasecmp(reply->content_type, "text/html", 9) == 0 ||
           (reply->body.n_bytes > 0 && reply->body.data[0] == '<');
}

static tg_status_t
wrong_api(tg_status_t status, const tg_transport_reply_t *reply, const char *url, const char *what,
          tg_error_t *err)
{
    return tg_error_set(err, status,
                        "%s %s%s: is this the registry's Confluent-compatible API? for Apicurio "
                        "the URL ends in /apis/ccompat/v7",
                        url, what, is_html(reply) ? " (HTML instead of JSON)" : "");
}

tg_status_t
tg_verdict_wrong_api(const tg_transport_reply_t *reply, const char *url, const char *what,
                     tg_error_t *err)
{
    return wrong_api(TG_ERR_UNAVAILABLE, reply, url, what, err);
}

/* "404 (40403: Schema not found)", as far as the reply says so. */
static void
write_words(const tg_transport_reply_t *reply, const tg_answer_error_t *error, char *text,
            size_t n_bytes)
{
    if (error->is_json) {
        (void)snprintf(text, n_bytes, "%d (%" PRId64 ": %s)", reply->http_status, error->code,
                       error->message);
    } else {
        (void)snprintf(text, n_bytes, "%d", reply->http_status);
    }
}

/* Confluent's codes are the HTTP status and two digits (40403). Apicurio's own API repeats the bare
 * status for everything, and says in the name what is missing: "ArtifactNotFoundException"; just
 * "NotFoundException" is its word for a path that it does not serve. */
static bool
says_not_found(const tg_answer_error_t *error)
{
    const char *end = strstr(error->name, "NotFoundException");
    return (error->code >= 40400 && error->code <= 40499) || (end != NULL && end != error->name);
}

static tg_status_t
of_client_error(const tg_transport_reply_t *reply, const tg_answer_error_t *error, const char *url,
                const char *words, tg_error_t *err)
{
    char what[512];
    (void)snprintf(what, sizeof what, "answers %s", words);
    switch (reply->http_status) {
    case 401:
        return tg_error_set(err, TG_ERR_PERMISSION,
                            "%s answers %s: the registry wants a login; look at registry.username, "
                            "registry.password and registry.bearer_token",
                            url, words);
    case 403:
        return tg_error_set(err, TG_ERR_PERMISSION,
                            "%s answers %s: the registry's login may not read schemas; grant it "
                            "read access to the subjects",
                            url, words);
    case 404:
        if (error->is_json && says_not_found(error)) {
            return tg_error_set(err, TG_ERR_NOT_FOUND, "%s answers %s", url, words);
        }
        return wrong_api(TG_ERR_MISSING, reply, url, what, err);
    case 405:
    case 406:
    case 415:
        return tg_verdict_wrong_api(reply, url, what, err);
    case 408:
    case 429:
        return tg_error_set(err, TG_ERR_UNAVAILABLE, "%s answers %s: it is overloaded", url, words);
    default:
        break;
    }
    return error->is_json ? tg_error_set(err, TG_ERR_INVALID, "%s answers %s", url, words)
                          : tg_verdict_wrong_api(reply, url, what, err);
}

tg_status_t
tg_verdict_of(const tg_transport_reply_t *reply, const char *url, tg_error_t *err)
{
    if (reply->http_status == 200) {
        return TG_OK;
    }
    tg_answer_error_t error;
    char words[400];
    tg_answer_parse_error(reply->body, &error);
    write_words(reply, &error, words, sizeof words);
    if (reply->http_status >= 500) {
        return tg_error_set(err, TG_ERR_UNAVAILABLE, "%s answers %s", url, words);
    }
    if (reply->http_status >= 400) {
        return of_client_error(reply, &error, url, words, err);
    }
    if (reply->redirect[0] != '\0') {
        return tg_error_set(err, TG_ERR_UNAVAILABLE,
                            "%s answers %s with a redirect to %s, which is not followed; give the "
                            "final URL in registry.url",
                            url, words, reply->redirect);
    }
    return tg_verdict_wrong_api(reply, url, "answers without a schema", err);
}
