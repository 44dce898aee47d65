#include "monitoring/http.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <unistd.h>

#include <microhttpd.h>

#include "base/thread.h"
#include "health_internal.h"
#include "http_internal.h"

enum {
    MAX_BODY_BYTES = 32 * 1024 * 1024,  /* ten thousand series are about a tenth of it */
    CONNECTION_MEMORY_BYTES = 32 * 1024 /* request line and headers; beyond it 431 */
};

struct tg_http {
    struct MHD_Daemon *daemon;
    tg_http_options_t options;
    uint16_t port;
};

typedef struct answer {
    tg_buffer_t body;
    unsigned status;
    const char *content_type;
    bool lists_methods;
} answer_t;

static const char TEXT_TYPE[] = "text/plain; version=0.0.4; charset=utf-8";
static const char JSON_TYPE[] = "application/json";

/* text is ours: no quote, no backslash, nothing from the request. */
static tg_status_t
refuse(answer_t *answer, unsigned status, const char *text)
{
    answer->status = status;
    answer->content_type = JSON_TYPE;
    tg_buffer_reset(&answer->body);
    return tg_buffer_append_format(&answer->body, "{\"error_code\":%u,\"message\":\"%s\"}", status,
                                   text);
}

static tg_status_t
answer_metrics(tg_http_t *http, answer_t *answer)
{
    if (http->options.before_metrics != NULL) {
        http->options.before_metrics(http->options.arg);
    }
    answer->content_type = TEXT_TYPE;
    return tg_metrics_render(http->options.metrics, &answer->body);
}

static tg_status_t
answer_live(tg_http_t *http, answer_t *answer)
{
    bool ok = false;
    TG_TRY(tg_health_render_live(http->options.health, &answer->body, &ok));
    answer->status = ok ? MHD_HTTP_OK : MHD_HTTP_SERVICE_UNAVAILABLE;
    return TG_OK;
}

static tg_status_t
answer_ready(tg_http_t *http, answer_t *answer)
{
    bool ok = false;
    TG_TRY(tg_health_render_ready(http->options.health, &answer->body, &ok));
    answer->status = ok ? MHD_HTTP_OK : MHD_HTTP_SERVICE_UNAVAILABLE;
    return TG_OK;
}

/* As Kafka Connect has it (KIP-1017): 503 while starting, 500 when something is wrong. */
static tg_status_t
answer_health(tg_http_t *http, answer_t *answer)
{
    tg_health_verdict_t verdict = TG_HEALTH_VERDICT_UNHEALTHY;
    TG_TRY(tg_health_report(http->options.health, false, &answer->body, &verdict));
    if (verdict == TG_HEALTH_VERDICT_STARTING) {
        answer->status = MHD_HTTP_SERVICE_UNAVAILABLE;
    } else if (verdict == TG_HEALTH_VERDICT_UNHEALTHY) {
        answer->status = MHD_HTTP_INTERNAL_SERVER_ERROR;
    }
    return TG_OK;
}

static const struct {
    const char *path;
    tg_status_t (*answer)(tg_http_t *http, answer_t *answer);
} ROUTES[] = {
    {"/metrics", answer_metrics},
    {"/health", answer_health},
    {"/health/live", answer_live},
    {"/health/ready", answer_ready},
};

static tg_status_t
route(tg_http_t *http, const char *path, answer_t *answer)
{
    for (size_t i = 0; i < TG_COUNT_OF(ROUTES); i++) {
        if (strcmp(path, ROUTES[i].path) == 0) {
            return ROUTES[i].answer(http, answer);
        }
    }
    return refuse(answer, MHD_HTTP_NOT_FOUND,
                  "nothing here; there are /metrics, /health, /health/live and /health/ready");
}

static void
add_header(struct MHD_Response *response, const char *name, const char *value)
{
    /* Fails only without memory; the answer is worth more than the header. */
    (void)MHD_add_response_header(response, name, value);
}

/* Hands the body over to the library. */
static enum MHD_Result
send_answer(struct MHD_Connection *connection, answer_t *answer)
{
    size_t n_bytes = 0;
    uint8_t *data = tg_buffer_take(&answer->body, &n_bytes);
    struct MHD_Response *response =
        MHD_create_response_from_buffer(n_bytes, data, MHD_RESPMEM_MUST_FREE);
    if (response == NULL) {
        free(data);
        return MHD_NO;
    }
    add_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, answer->content_type);
    add_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
    add_header(response, "X-Content-Type-Options", "nosniff");
    add_header(response, "Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'");
    if (answer->lists_methods) {
        add_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
    }
    enum MHD_Result result = MHD_queue_response(connection, answer->status, response);
    MHD_destroy_response(response);
    return result;
}

static bool
has_body(struct MHD_Connection *connection)
{
    const char *length =
        MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_LENGTH);
    return (length != NULL && strcmp(length, "0") != 0) ||
           MHD_lookup_connection_value(connection, MHD_HEADER_KIND,
                                       MHD_HTTP_HEADER_TRANSFER_ENCODING) != NULL;
}

/* Called when the headers are there, and again when the request is complete. To answer at the first
 * call means that no body is read, and that the connection is closed afterwards. */
static enum MHD_Result
on_request(void *arg, struct MHD_Connection *connection, const char *path, const char *method,
           const char *version, const char *upload, size_t *upload_bytes, void **request_state)
{
    tg_http_t *http = arg;
    (void)version;
    (void)upload;
    *upload_bytes = 0;
    answer_t answer = {.status = MHD_HTTP_OK, .content_type = JSON_TYPE};
    tg_buffer_init(&answer.body, MAX_BODY_BYTES);
    tg_status_t status = TG_OK;
    if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0) {
        answer.lists_methods = true;
        status = refuse(&answer, MHD_HTTP_METHOD_NOT_ALLOWED, "only GET and HEAD are served here");
    } else if (has_body(connection)) {
        status = refuse(&answer, MHD_HTTP_CONTENT_TOO_LARGE, "no request body is taken here");
    } else if (*request_state == NULL) {
        *request_state = http;
        return MHD_YES;
    } else {
        status = route(http, path, &answer);
    }
    if (status != TG_OK &&
        refuse(&answer, MHD_HTTP_SERVICE_UNAVAILABLE, "out of memory; ask again later") != TG_OK) {
        tg_buffer_done(&answer.body);
        return MHD_NO;
    }
    TG_LOG_DEBUG(http->options.log, "http request answered", TG_S("method", method),
                 TG_S("path", path), TG_I("status", answer.status));
    return send_answer(connection, &answer);
}

static void TG_PRINTF(2, 0) on_library_log(void *arg, const char *format, va_list args)
{
    const tg_http_t *http = arg;
    char text[256];
    (void)vsnprintf(text, sizeof text, format, args);
    text[strcspn(text, "\n")] = '\0';
    TG_LOG_DEBUG(http->options.log, "http library", TG_S("detail", text));
}

static unsigned
at_least_one(int64_t value)
{
    return value < 1 ? 1 : value > INT32_MAX ? INT32_MAX : (unsigned)value;
}

/* Takes listen_fd when it succeeds. */
static struct MHD_Daemon *
start_daemon(tg_http_t *http, int listen_fd)
{
    sigset_t before;
    tg_thread_block_signals(&before);
    struct MHD_Daemon *daemon = MHD_start_daemon(
        MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_ERROR_LOG, 0, NULL, NULL, on_request, http,
        MHD_OPTION_EXTERNAL_LOGGER, on_library_log, http, MHD_OPTION_LISTEN_SOCKET, listen_fd,
        MHD_OPTION_CONNECTION_LIMIT, at_least_one(http->options.max_connections),
        MHD_OPTION_CONNECTION_TIMEOUT, at_least_one((http->options.idle_timeout_ms + 999) / 1000),
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY_BYTES,
        MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_END);
    tg_thread_restore_signals(&before);
    return daemon;
}

tg_status_t
tg_http_start(const tg_http_options_t *options, tg_http_t **ret_http, tg_error_t *err)
{
    tg_http_t *http = calloc(1, sizeof *http);
    if (http == NULL) {
        return tg_error_set(err, TG_ERR_NO_MEMORY, "cannot start the http endpoint: no memory");
    }
    http->options = *options;
    http->options.listen = NULL; /* borrowed for the call only */
    int fd = -1;
    tg_status_t status = tg_http_listen(options->listen, &fd, &http->port, err);
    if (status != TG_OK) {
        free(http);
        return status;
    }
    http->daemon = start_daemon(http, fd);
    if (http->daemon == NULL) {
        (void)close(fd);
        free(http);
        return tg_error_set(err, TG_ERR_NO_MEMORY,
                            "cannot start the http endpoint on %s: no memory, no thread or no "
                            "file descriptor left",
                            options->listen);
    }
    *ret_http = http;
    return TG_OK;
}

void
tg_http_stop(tg_http_t *http)
{
    if (http != NULL) {
        MHD_stop_daemon(http->daemon);
        free(http);
    }
}

uint16_t
tg_http_port(const tg_http_t *http)
{
    return http->port;
}
