#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <curl/curl.h>

#include "base_url_internal.h"
#include "transport_internal.h"

enum {
    MAX_REQUEST_BYTES = 64 * 1024, /* URL and path */
    POLL_MS = 60 * 1000,           /* libcurl wakes for its own time-outs, _stop for itself */
    MAX_CONNECT_MS = 5000,
    CONTENT_TYPE_BYTES = 128,
    HTTP_OK = 200,
};

struct tg_transport {
    CURL *easy;
    CURLM *multi;
    struct curl_slist *headers;
    tg_base_url_t urls[TG_TRANSPORT_MAX_URLS];
    size_t n_urls;
    bool own_credentials; /* those of the options win over those of a URL */
    bool global_init;
    atomic_bool stopped;
    /* the request at hand */
    tg_buffer_t url;
    tg_buffer_t body;
    tg_status_t refusal; /* why the body was not taken */
    char content_type[CONTENT_TYPE_BYTES];
    char *redirect;
    char cause[CURL_ERROR_SIZE];
};

static tg_status_t
out_of_memory(tg_error_t *err)
{
    return tg_error_set(err, TG_ERR_NO_MEMORY, "no memory for a request to the schema registry");
}

/* An error page may be cut, a schema may not. */
static size_t
on_body(char *data, size_t size, size_t count, void *arg)
{
    tg_transport_t *transport = arg;
    size_t n_bytes = size * count;
    tg_status_t status = tg_buffer_append(&transport->body, data, n_bytes);
    if (status == TG_OK) {
        return n_bytes;
    }
    long http_status = 0;
    (void)curl_easy_getinfo(transport->easy, CURLINFO_RESPONSE_CODE, &http_status);
    if (http_status != HTTP_OK) {
        return n_bytes;
    }
    transport->refusal = status;
    return 0;
}

/* Fixed for the life of the handle; the protocols' option changed its form in 7.85. */
static bool
set_bounds(tg_transport_t *transport)
{
    CURL *easy = transport->easy;
    bool ok = true;
#if LIBCURL_VERSION_NUM >= 0x075500
    ok = ok && curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK;
#else
    ok = ok && curl_easy_setopt(easy, CURLOPT_PROTOCOLS,
                                (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS)) == CURLE_OK;
#endif
    ok = ok && curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK;
    ok = ok && curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L) == CURLE_OK;
    ok = ok && curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L) == CURLE_OK;
    ok = ok && curl_easy_setopt(easy, CURLOPT_USERAGENT, "tidegate") == CURLE_OK;
    ok = ok && curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transport->cause) == CURLE_OK;
    ok = ok && curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body) == CURLE_OK;
    ok = ok && curl_easy_setopt(easy, CURLOPT_WRITEDATA, transport) == CURLE_OK;
    return ok;
}

static bool
set_headers(tg_transport_t *transport)
{
    static const char *const HEADERS[] = {
        "Content-Type: application/vnd.schemaregistry.v1+json",
        "Accept: application/vnd.schemaregistry.v1+json, application/json;q=0.9, */*;q=0.1",
    };
    for (size_t i = 0; i < TG_COUNT_OF(HEADERS); i++) {
        struct curl_slist *longer = curl_slist_append(transport->headers, HEADERS[i]);
        if (longer == NULL) {
            return false;
        }
        transport->headers = longer;
    }
    return curl_easy_setopt(transport->easy, CURLOPT_HTTPHEADER, transport->headers) == CURLE_OK;
}

static bool
set_text(CURL *easy, CURLoption option, const char *text)
{
    return text == NULL || curl_easy_setopt(easy, option, text) == CURLE_OK;
}

/* verify_host = false trusts every name that a trusted certificate says; never every certificate.
 */
static bool
set_tls(CURL *easy, const tg_registry_options_t *options)
{
    bool ok = curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L) == CURLE_OK;
    ok = ok &&
         curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, options->verify_host ? 2L : 0L) == CURLE_OK;
    ok =
        ok && curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2) == CURLE_OK;
    return ok && set_text(easy, CURLOPT_CAINFO, options->ca_file) &&
           set_text(easy, CURLOPT_SSLCERT, options->client_certificate_file) &&
           set_text(easy, CURLOPT_SSLKEY, options->client_key_file);
}

static bool
set_credentials(tg_transport_t *transport, const tg_registry_options_t *options)
{
    CURL *easy = transport->easy;
    transport->own_credentials = options->username != NULL || options->bearer_token != NULL;
    if (options->bearer_token != NULL) {
        return curl_easy_setopt(easy, CURLOPT_HTTPAUTH, (long)CURLAUTH_BEARER) == CURLE_OK &&
               set_text(easy, CURLOPT_XOAUTH2_BEARER, options->bearer_token);
    }
    return curl_easy_setopt(easy, CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC) == CURLE_OK &&
           set_text(easy, CURLOPT_USERNAME, options->username) &&
           set_text(easy, CURLOPT_PASSWORD, options->password);
}

static tg_status_t
check_file(const char *key, const char *path, tg_error_t *err)
{
    if (path != NULL && access(path, R_OK) != 0) {
        return tg_error_set(err, TG_ERR_CONFIG, "registry.%s: cannot read the file %s", key, path);
    }
    return TG_OK;
}

/* A line end inside a token would smuggle headers of its own into the request. */
static tg_status_t
check_options(const tg_registry_options_t *options, tg_error_t *err)
{
    if (options->bearer_token != NULL && options->username != NULL) {
        return tg_error_set(err, TG_ERR_CONFIG,
                            "registry.bearer_token and registry.username exclude each other");
    }
    for (const char *c = options->bearer_token; c != NULL && *c != '\0'; c++) {
        if (*c <= ' ' || *c == '\x7f') {
            return tg_error_set(err, TG_ERR_CONFIG,
                                "registry.bearer_token has a space or a control character in it "
                                "(a line end that came with its file?)");
        }
    }
    if (options->n_urls > TG_TRANSPORT_MAX_URLS) {
        return tg_error_set(err, TG_ERR_CONFIG, "registry.urls has %zu entries; %d are possible",
                            options->n_urls, TG_TRANSPORT_MAX_URLS);
    }
    TG_TRY(check_file("ca_file", options->ca_file, err));
    TG_TRY(check_file("certificate_file", options->client_certificate_file, err));
    return check_file("key_file", options->client_key_file, err);
}

static tg_status_t
open_handles(tg_transport_t *transport, const tg_registry_options_t *options, tg_error_t *err)
{
    /* Counted inside libcurl, and safe from any thread since 7.84. */
    transport->global_init = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
    if (transport->global_init) {
        transport->easy = curl_easy_init();
        transport->multi = curl_multi_init();
    }
    if (transport->easy == NULL || transport->multi == NULL) {
        return out_of_memory(err);
    }
    if (!set_bounds(transport) || !set_headers(transport) || !set_credentials(transport, options) ||
        !set_tls(transport->easy, options)) {
        return tg_error_set(err, TG_ERR_CONFIG,
                            "libcurl %s cannot do what the registry needs (HTTP and TLS 1.2)",
                            curl_version());
    }
    return TG_OK;
}

tg_status_t
tg_transport_open(const tg_registry_options_t *options, tg_transport_t **ret_transport,
                  tg_error_t *err)
{
    TG_TRY(check_options(options, err));
    TG_CLEANUP(tg_transport_closep) tg_transport_t *transport = calloc(1, sizeof *transport);
    if (transport == NULL) {
        return out_of_memory(err);
    }
    tg_buffer_init(&transport->url, MAX_REQUEST_BYTES);
    tg_buffer_init(&transport->body, (size_t)options->max_schema_bytes);
    for (size_t i = 0; i < options->n_urls; i++) {
        TG_TRY(tg_base_url_init(&transport->urls[i], options->urls[i], i + 1, err));
        transport->n_urls++;
    }
    TG_TRY(open_handles(transport, options, err));
    *ret_transport = TG_STEAL(transport);
    return TG_OK;
}

void
tg_transport_close(tg_transport_t *transport)
{
    if (transport == NULL) {
        return;
    }
    curl_easy_cleanup(transport->easy);
    if (transport->multi != NULL) {
        (void)curl_multi_cleanup(transport->multi);
    }
    curl_slist_free_all(transport->headers);
    for (size_t i = 0; i < transport->n_urls; i++) {
        tg_base_url_done(&transport->urls[i]);
    }
    tg_buffer_done(&transport->url);
    tg_buffer_done(&transport->body);
    free(transport->redirect);
    if (transport->global_init) {
        curl_global_cleanup();
    }
    free(transport);
}

void
tg_transport_stop(tg_transport_t *transport)
{
    atomic_store(&transport->stopped, true);
    (void)curl_multi_wakeup(transport->multi);
}

size_t
tg_transport_n_urls(const tg_transport_t *transport)
{
    return transport->n_urls;
}

const char *
tg_transport_url(const tg_transport_t *transport, size_t i_url)
{
    return transport->urls[i_url].text;
}

/* Through the multi interface, because only that can be interrupted at once. */
static CURLcode
perform(tg_transport_t *transport)
{
    if (curl_multi_add_handle(transport->multi, transport->easy) != CURLM_OK) {
        return CURLE_OUT_OF_MEMORY;
    }
    CURLcode code = CURLE_ABORTED_BY_CALLBACK;
    int n_running = 1;
    while (n_running > 0 && !atomic_load(&transport->stopped)) {
        if (curl_multi_perform(transport->multi, &n_running) != CURLM_OK ||
            (n_running > 0 &&
             curl_multi_poll(transport->multi, NULL, 0, POLL_MS, NULL) != CURLM_OK)) {
            code = CURLE_OUT_OF_MEMORY;
            break;
        }
    }
    int n_messages = 0;
    const CURLMsg *message = curl_multi_info_read(transport->multi, &n_messages);
    if (message != NULL && message->msg == CURLMSG_DONE) {
        code = message->data.result;
    }
    (void)curl_multi_remove_handle(transport->multi, transport->easy);
    return code;
}

/* What the user can do about a failure below HTTP. */
static const char *
advice(CURLcode code)
{
    static const struct {
        CURLcode code;
        const char *text;
    } ADVICE[] = {
        {CURLE_COULDNT_RESOLVE_HOST, "; is the host's name right?"},
        {CURLE_COULDNT_CONNECT, "; is the registry running, and is this its port?"},
        {CURLE_SSL_CONNECT_ERROR, "; does this port speak https? if not, write http://"},
        {CURLE_PEER_FAILED_VERIFICATION,
         "; name the certificate authority in registry.ca_file, or set registry.verify_host = "
         "false if only the name in the certificate is wrong"},
        {CURLE_SSL_CERTPROBLEM, "; look at registry.certificate_file and registry.key_file"},
        {CURLE_SSL_CACERT_BADFILE, "; look at registry.ca_file"},
        {CURLE_UNSUPPORTED_PROTOCOL, "; is this the registry's port, and is it https perhaps?"},
        {CURLE_GOT_NOTHING, "; is this the registry's port, and is it https perhaps?"},
    };

    for (size_t i = 0; i < TG_COUNT_OF(ADVICE); i++) {
        if (ADVICE[i].code == code) {
            return ADVICE[i].text;
        }
    }
    return "";
}

static tg_status_t
explain(const tg_transport_t *transport, size_t i_url, CURLcode code, tg_error_t *err)
{
    const char *url = tg_transport_url(transport, i_url);
    if (atomic_load(&transport->stopped)) {
        return tg_error_set(err, TG_ERR_CANCELLED, "the request to %s was stopped", url);
    }
    if (transport->refusal == TG_ERR_FULL) {
        return tg_error_set(err, TG_ERR_TOO_LARGE,
                            "%s answers more than the %zu bytes that registry.max_schema_bytes "
                            "allows",
                            url, transport->body.max_bytes);
    }
    if (transport->refusal == TG_ERR_NO_MEMORY || code == CURLE_OUT_OF_MEMORY) {
        return out_of_memory(err);
    }
    const char *cause = transport->cause[0] != '\0' ? transport->cause : curl_easy_strerror(code);
    return tg_error_set(err, TG_ERR_UNAVAILABLE, "%s: %s%s", url, cause, advice(code));
}

static void
take_reply(tg_transport_t *transport, tg_transport_reply_t *ret_reply)
{
    long http_status = 0;
    char *content_type = NULL;
    char *redirect = NULL;
    (void)curl_easy_getinfo(transport->easy, CURLINFO_RESPONSE_CODE, &http_status);
    (void)curl_easy_getinfo(transport->easy, CURLINFO_CONTENT_TYPE, &content_type);
    (void)curl_easy_getinfo(transport->easy, CURLINFO_REDIRECT_URL, &redirect);
    (void)snprintf(transport->content_type, sizeof transport->content_type, "%s",
                   content_type != NULL ? content_type : "");
    free(transport->redirect);
    transport->redirect = redirect != NULL ? tg_base_url_shown(redirect) : NULL;
    *ret_reply = (tg_transport_reply_t){
        .http_status = (int)http_status,
        .body = tg_buffer_view(&transport->body),
        .content_type = transport->content_type,
        .redirect = transport->redirect != NULL ? transport->redirect : "",
    };
}

static bool
set_request(tg_transport_t *transport, size_t i_url, const char *path, int64_t timeout_ms)
{
    const tg_base_url_t *base = &transport->urls[i_url];
    tg_buffer_reset(&transport->url);
    if (tg_buffer_append_text(&transport->url, base->text) != TG_OK ||
        tg_buffer_append_text(&transport->url, path) != TG_OK) {
        return false;
    }
    const char *text = tg_buffer_text(&transport->url);
    long limit_ms = timeout_ms > INT_MAX ? INT_MAX : (long)timeout_ms;
    long connect_ms = limit_ms < MAX_CONNECT_MS ? limit_ms : MAX_CONNECT_MS;
    CURL *easy = transport->easy;
    bool ok = text != NULL && curl_easy_setopt(easy, CURLOPT_URL, text) == CURLE_OK &&
              curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, limit_ms) == CURLE_OK &&
              curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, connect_ms) == CURLE_OK;
    if (ok && !transport->own_credentials) {
        /* NULL takes those of another URL away again. */
        ok = curl_easy_setopt(easy, CURLOPT_USERNAME, base->username) == CURLE_OK &&
             curl_easy_setopt(easy, CURLOPT_PASSWORD, base->password) == CURLE_OK;
    }
    return ok;
}

tg_status_t
tg_transport_get(tg_transport_t *transport, size_t i_url, const char *path, int64_t timeout_ms,
                 tg_transport_reply_t *ret_reply, tg_error_t *err)
{
    tg_buffer_reset(&transport->body);
    transport->refusal = TG_OK;
    transport->cause[0] = '\0';
    if (!set_request(transport, i_url, path, timeout_ms)) {
        return out_of_memory(err);
    }
    CURLcode code = perform(transport);
    if (code != CURLE_OK) {
        return explain(transport, i_url, code, err);
    }
    take_reply(transport, ret_reply);
    return TG_OK;
}

tg_status_t
tg_transport_encode(tg_buffer_t *path, const char *text)
{
    char *encoded = curl_easy_escape(NULL, text, 0);
    tg_status_t status = encoded != NULL ? tg_buffer_append_text(path, encoded) : TG_ERR_NO_MEMORY;
    curl_free(encoded);
    return status;
}
