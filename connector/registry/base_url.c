#include <stdlib.h>

#include <curl/curl.h>

#include "base_url_internal.h"

enum { MAX_URL_BYTES = 4096 };

/* Takes everything out that must not be shown. */
static bool
strip(CURLU *url)
{
    static const CURLUPart HIDDEN[] = {CURLUPART_USER, CURLUPART_PASSWORD, CURLUPART_OPTIONS,
                                       CURLUPART_QUERY, CURLUPART_FRAGMENT};
    for (size_t i = 0; i < TG_COUNT_OF(HIDDEN); i++) {
        if (curl_url_set(url, HIDDEN[i], NULL, 0) != CURLUE_OK) {
            return false;
        }
    }
    return true;
}

/* A part as memory of ours; NULL when the URL has none or memory is out. */
static char *
copy_part(CURLU *url, CURLUPart part, unsigned flags)
{
    char *text = NULL;
    char *copy = NULL;
    if (curl_url_get(url, part, &text, flags) == CURLUE_OK) {
        copy = strdup(text);
    }
    curl_free(text);
    return copy;
}

static bool
has_part(CURLU *url, CURLUPart part)
{
    char *text = NULL;
    bool has = curl_url_get(url, part, &text, 0) == CURLUE_OK;
    curl_free(text);
    return has;
}

static bool
is_http(CURLU *url)
{
    char *scheme = NULL;
    bool http = curl_url_get(url, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
                (strcmp(scheme, "http") == 0 || strcmp(scheme, "https") == 0);
    curl_free(scheme);
    return http;
}

static tg_status_t
check(CURLU *url, const char *written, size_t number, tg_error_t *err)
{
    if (strlen(written) > MAX_URL_BYTES) {
        return tg_error_set(err, TG_ERR_CONFIG, "registry.url: URL %zu is longer than %d bytes",
                            number, MAX_URL_BYTES);
    }
    CURLUcode code = curl_url_set(url, CURLUPART_URL, written, CURLU_NON_SUPPORT_SCHEME);
    if (code != CURLUE_OK) {
        return tg_error_set(err, TG_ERR_CONFIG,
                            "registry.url: URL %zu is not one such as http://host:8081: %s", number,
                            curl_url_strerror(code));
    }
    if (!is_http(url)) {
        return tg_error_set(err, TG_ERR_CONFIG,
                            "registry.url: URL %zu begins with neither http:// nor https://",
                            number);
    }
    if (has_part(url, CURLUPART_QUERY) || has_part(url, CURLUPART_FRAGMENT)) {
        return tg_error_set(err, TG_ERR_CONFIG,
                            "registry.url: URL %zu has a query or a fragment ('?' or '#'); give "
                            "the base of the API only",
                            number);
    }
    return TG_OK;
}

static void
cut_slashes(char *text)
{
    size_t n = strlen(text);
    while (n > 0 && text[n - 1] == '/') {
        text[--n] = '\0';
    }
}

static tg_status_t
take_parts(CURLU *parsed, tg_base_url_t *ret_url, tg_error_t *err)
{
    tg_base_url_t url = {0};
    bool with_user = has_part(parsed, CURLUPART_USER);
    if (with_user) {
        url.username = copy_part(parsed, CURLUPART_USER, CURLU_URLDECODE);
        url.password = copy_part(parsed, CURLUPART_PASSWORD, CURLU_URLDECODE);
    }
    if (strip(parsed)) {
        url.text = copy_part(parsed, CURLUPART_URL, 0);
    }
    if (url.text == NULL || (with_user && url.username == NULL)) {
        tg_base_url_done(&url);
        return tg_error_set(err, TG_ERR_NO_MEMORY, "no memory for a registry URL");
    }
    cut_slashes(url.text);
    *ret_url = url;
    return TG_OK;
}

tg_status_t
tg_base_url_init(tg_base_url_t *url, const char *written, size_t number, tg_error_t *err)
{
    CURLU *parsed = curl_url();
    if (parsed == NULL) {
        return tg_error_set(err, TG_ERR_NO_MEMORY, "no memory for a registry URL");
    }
    tg_status_t status = check(parsed, written, number, err);
    if (status == TG_OK) {
        status = take_parts(parsed, url, err);
    }
    curl_url_cleanup(parsed);
    return status;
}

void
tg_base_url_done(tg_base_url_t *url)
{
    free(url->text);
    free(url->username);
    if (url->password != NULL) {
        explicit_bzero(url->password, strlen(url->password));
    }
    free(url->password);
    *url = (tg_base_url_t){0};
}

char *
tg_base_url_shown(const char *written)
{
    CURLU *url = curl_url();
    char *shown = NULL;
    if (url != NULL &&
        curl_url_set(url, CURLUPART_URL, written, CURLU_NON_SUPPORT_SCHEME) == CURLUE_OK &&
        strip(url)) {
        shown = copy_part(url, CURLUPART_URL, 0);
    }
    curl_url_cleanup(url);
    return shown;
}
