// libs: libcurl jansson
// wrap: malloc calloc realloc reallocarray strdup bind
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <strings.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <curl/curl.h>
#include <jansson.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/thread.h"
#include "monitoring/http.h"
#include "tg_test.h"
#include "tg_torture.h"

/* One endpoint for each test, on a port of its own. */
typedef struct bench {
    tg_metrics_t *metrics;
    tg_health_t *health;
    tg_http_t *http;
    tg_log_t *log;
    int log_fd;
    _Atomic int n_asked; /* before_metrics */
} bench_t;

static bench_t bench;

static void
before_metrics(void *arg)
{
    bench_t *self = arg;
    self->n_asked++;
    tg_series_set(TG_SERIES(self->metrics, TG_METRIC_SINK_SCHEMAS, "s"), self->n_asked);
}

static tg_http_options_t
options_for(const char *listen)
{
    return (tg_http_options_t){.listen = listen,
                               .max_connections = 8,
                               .idle_timeout_ms = 60000,
                               .metrics = bench.metrics,
                               .health = bench.health,
                               .log = bench.log,
                               .before_metrics = before_metrics,
                               .arg = &bench};
}

static int
set_up(void **state)
{
    (void)state;
    bench.n_asked = 0;
    bench.metrics = tg_metrics_new();
    bench.health = tg_health_new(tg_clock_system());
    bench.log_fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
    bench.log = tg_log_new(bench.log_fd, TG_LOG_FORMAT_JSON, TG_LOG_LEVEL_DEBUG);
    tg_http_options_t options = options_for("127.0.0.1:0");
    tg_error_t err;
    ASSERT_OK(tg_http_start(&options, &bench.http, &err));
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    tg_http_stop(bench.http);
    tg_health_free(bench.health);
    tg_metrics_free(bench.metrics);
    tg_log_free(bench.log);
    (void)close(bench.log_fd);
    return 0;
}

/* What came back, headers lower case. */
typedef struct reply {
    long status;
    size_t n_body;
    size_t n_headers;
    char body[1 << 20];
    char headers[4096];
} reply_t;

static size_t
take_body(char *data, size_t size, size_t n, void *arg)
{
    reply_t *reply = arg;
    assert_true(reply->n_body + size * n < sizeof reply->body);
    memcpy(reply->body + reply->n_body, data, size * n);
    reply->n_body += size * n;
    reply->body[reply->n_body] = '\0';
    return size * n;
}

static size_t
take_header(char *data, size_t size, size_t n, void *arg)
{
    reply_t *reply = arg;
    assert_true(reply->n_headers + size * n < sizeof reply->headers);
    memcpy(reply->headers + reply->n_headers, data, size * n);
    reply->n_headers += size * n;
    reply->headers[reply->n_headers] = '\0';
    return size * n;
}

static const reply_t *
ask_at(const char *base, const char *method, const char *path)
{
    static reply_t reply;
    reply.n_body = 0;
    reply.n_headers = 0;
    reply.body[0] = '\0';
    reply.headers[0] = '\0';
    char url[256];
    (void)snprintf(url, sizeof url, "http://%s:%u%s", base, (unsigned)tg_http_port(bench.http),
                   path);
    CURL *curl = curl_easy_init();
    (void)curl_easy_setopt(curl, CURLOPT_URL, url);
    (void)curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
    (void)curl_easy_setopt(curl, CURLOPT_NOBODY, strcmp(method, "HEAD") == 0 ? 1L : 0L);
    (void)curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L);
    (void)curl_easy_setopt(curl, CURLOPT_PROXY, "");
    (void)curl_easy_setopt(curl, CURLOPT_TIMEOUT, 20L);
    (void)curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEDATA, &reply);
    (void)curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, take_header);
    (void)curl_easy_setopt(curl, CURLOPT_HEADERDATA, &reply);
    CURLcode code = curl_easy_perform(curl);
    if (code != CURLE_OK) {
        fail_msg("%s %s: %s", method, url, curl_easy_strerror(code));
    }
    (void)curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &reply.status);
    curl_easy_cleanup(curl);
    return &reply;
}

static const reply_t *
ask(const char *method, const char *path)
{
    return ask_at("127.0.0.1", method, path);
}

static void
assert_has(const char *text, const char *part)
{
    if (strcasestr(text, part) == NULL) {
        fail_msg("\"%s\" is not in:\n%s", part, text);
    }
}

static void
http_metrics_are_served_as_prometheus_wants_them(void **state)
{
    (void)state;
    tg_series_add(TG_SERIES(bench.metrics, TG_METRIC_SINK_ROWS_WRITTEN_TOTAL, "s", "t", "0"), 7);
    const reply_t *reply = ask("GET", "/metrics");
    assert_int_equal(reply->status, 200);
    assert_has(reply->headers, "\r\ncontent-type: text/plain; version=0.0.4; charset=utf-8\r\n");
    assert_has(reply->headers, "\r\nx-content-type-options: nosniff\r\n");
    assert_has(reply->headers, "\r\ncache-control: no-store\r\n");
    assert_has(reply->headers, "\r\ncontent-security-policy: default-src 'none'");
    assert_has(reply->body, "tidegate_sink_rows_written_total{sink=\"s\",topic=\"t\","
                            "partition=\"0\"} 7\n");
    /* Gauges are made fresh before each answer. */
    assert_has(reply->body, "tidegate_sink_schemas{sink=\"s\"} 1\n");
    assert_has(ask("GET", "/metrics?x=y")->body, "tidegate_sink_schemas{sink=\"s\"} 2\n");
}

static void
http_health_says_with_its_status_how_it_is(void **state)
{
    (void)state;

    static const struct {
        int state;
        long health;
        long ready;
        const char *status;
    } CASES[] = {
        {-1, 503, 503, "starting"},
        {TG_HEALTH_UP, 200, 200, "healthy"},
        {TG_HEALTH_DEGRADED, 200, 200, "degraded"},
        {TG_HEALTH_DOWN, 500, 503, "unhealthy"},
        {TG_HEALTH_UP, 200, 200, "healthy"},
    };

    tg_health_part_t *part = tg_health_add(bench.health, "sink sensors writer 0");
    for (size_t i = 0; i < TG_COUNT_OF(CASES); i++) {
        if (CASES[i].state >= 0) {
            tg_health_set(part, (tg_health_state_t)CASES[i].state, "say \"why\"");
        }
        assert_int_equal(ask("GET", "/health")->status, CASES[i].health);
        assert_int_equal(ask("GET", "/health/live")->status, 200);
        const reply_t *reply = ask("GET", "/health/ready");
        assert_int_equal(reply->status, CASES[i].ready);
        assert_has(reply->headers, "\r\ncontent-type: application/json\r\n");
        json_t *json = json_loadb(reply->body, reply->n_body, 0, NULL);
        assert_string_equal(json_string_value(json_object_get(json, "status")), CASES[i].status);
        json_decref(json);
    }
    tg_health_expect_beat(part, 1);
    int64_t start_ms = tg_clock_now_ms(tg_clock_system());
    while (ask("GET", "/health/live")->status != 503) {
        assert_true(tg_clock_now_ms(tg_clock_system()) - start_ms < 20000);
    }
    assert_int_equal(ask("GET", "/health/ready")->status, 503);
}

static void
http_head_has_the_headers_and_no_body(void **state)
{
    (void)state;
    const reply_t *reply = ask("HEAD", "/metrics");
    assert_int_equal(reply->status, 200);
    assert_int_equal(reply->n_body, 0);
    assert_has(reply->headers, "\r\ncontent-type: text/plain; version=0.0.4; charset=utf-8\r\n");
    assert_null(strcasestr(reply->headers, "\r\ncontent-length: 0\r\n"));
}

static void
http_what_is_not_there_is_a_404_in_json(void **state)
{
    (void)state;
    static const char *const PATHS[] = {"/",           "/metrics/",          "/Metrics",
                                        "/health/x",   "/../etc/passwd",     "/%00/metrics",
                                        "/%22%5c%0ax", "/metrics%00/health", "//metrics"};
    for (size_t i = 0; i < TG_COUNT_OF(PATHS); i++) {
        const reply_t *reply = ask("GET", PATHS[i]);
        if (strstr(PATHS[i], "metrics%00") == NULL) { /* the library ends a path at a NUL */
            assert_int_equal(reply->status, 404);
            assert_has(reply->headers, "\r\ncontent-type: application/json\r\n");
            json_t *json = json_loadb(reply->body, reply->n_body, 0, NULL);
            assert_int_equal(json_integer_value(json_object_get(json, "error_code")), 404);
            assert_has(json_string_value(json_object_get(json, "message")), "/health/ready");
            json_decref(json);
        }
    }
}

static void
http_other_methods_are_a_405_that_names_those_allowed(void **state)
{
    (void)state;
    static const char *const METHODS[] = {"POST", "PUT", "DELETE", "PATCH", "OPTIONS", "BREW"};
    for (size_t i = 0; i < TG_COUNT_OF(METHODS); i++) {
        const reply_t *reply = ask(METHODS[i], "/metrics");
        assert_int_equal(reply->status, 405);
        assert_has(reply->headers, "\r\nallow: GET, HEAD\r\n");
        json_t *json = json_loadb(reply->body, reply->n_body, 0, NULL);
        assert_int_equal(json_integer_value(json_object_get(json, "error_code")), 405);
        json_decref(json);
    }
}

static int
connected(void)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);

    union {
        struct sockaddr any;
        struct sockaddr_in v4;
    } to = {.v4 = {.sin_family = AF_INET, .sin_port = htons(tg_http_port(bench.http))}};

    to.v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(connect(fd, &to.any, sizeof to.v4), 0);
    return fd;
}

static void
send_text(int fd, const char *text)
{
    size_t n = strlen(text);
    while (n > 0) {
        ssize_t sent = send(fd, text, n, MSG_NOSIGNAL);
        if (sent <= 0) {
            return; /* the other side has heard enough */
        }
        text += sent;
        n -= (size_t)sent;
    }
}

/* All that comes until the other side closes; false when it has not after timeout_ms. */
static bool
receive_all(int fd, char *into, size_t max, int timeout_ms)
{
    size_t n = 0;
    int64_t deadline_ms = tg_clock_now_ms(tg_clock_system()) + timeout_ms;
    for (;;) {
        struct pollfd at = {.fd = fd, .events = POLLIN};
        int64_t left_ms = deadline_ms - tg_clock_now_ms(tg_clock_system());
        if (left_ms <= 0 || poll(&at, 1, (int)left_ms) <= 0) {
            return false;
        }
        ssize_t got = recv(fd, into + n, max - 1 - n, 0);
        if (got <= 0) {
            into[n] = '\0';
            return true;
        }
        n += (size_t)got;
        assert_true(n < max - 1);
    }
}

static void
http_hostile_requests_are_refused_and_others_served(void **state)
{
    (void)state;
    static char longer[70000];
    memset(longer, 'a', sizeof longer - 1);
    static char request[3 * sizeof longer];

    static const struct {
        const char *name;
        const char *before;
        bool with_longer;
        const char *after;
        const char *answer; /* start of it; "" when closing at once is fine too */
    } CASES[] = {
        {"garbage", "\x16\x03\x01\x02\r\n\r\n", false, "", ""},
        {"no version", "GET /metrics\r\n\r\n", false, "", ""},
        {"endless path", "GET /", true, " HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 4"},
        {"endless header", "GET /metrics HTTP/1.1\r\nHost: x\r\nX-Long: ", true, "\r\n\r\n",
         "HTTP/1.1 4"},
        {"no host", "GET /metrics HTTP/1.1\r\n\r\n", false, "", "HTTP/1.1 400"},
        {"body with a GET", "GET /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 70000\r\n\r\n",
         true, "", "HTTP/1.1 413"},
        {"chunked with a GET",
         "GET /metrics HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n", false,
         "5\r\nhello\r\n0\r\n\r\n", "HTTP/1.1 413"},
        {"endless body announced",
         "POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n", true, "",
         "HTTP/1.1 405"},
        {"length that is none", "GET /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
         false, "", "HTTP/1.1 4"},
    };

    static char answer[1 << 20];
    for (size_t i = 0; i < TG_COUNT_OF(CASES); i++) {
        int fd = connected();
        (void)snprintf(request, sizeof request, "%s%s%s", CASES[i].before,
                       CASES[i].with_longer ? longer : "", CASES[i].after);
        send_text(fd, request);
        (void)shutdown(fd, SHUT_WR);
        if (!receive_all(fd, answer, sizeof answer, 20000)) {
            fail_msg("%s: no answer", CASES[i].name);
        }
        bool reset = *answer == '\0'; /* what we still sent may turn the answer into a reset */
        if (!reset && strncmp(answer, CASES[i].answer, strlen(CASES[i].answer)) != 0) {
            fail_msg("%s: %.100s", CASES[i].name, answer);
        }
        assert_true(!reset || CASES[i].with_longer || *CASES[i].answer == '\0');
        (void)close(fd);
        assert_int_equal(ask("GET", "/health/live")->status, 200);
    }
}

static void
http_slow_clients_do_not_hold_up_others(void **state)
{
    (void)state;
    int slow[5];
    for (size_t i = 0; i < TG_COUNT_OF(slow); i++) {
        slow[i] = connected();
        send_text(slow[i], "GET /metrics HTTP/1.1\r\nHos"); /* and then nothing */
    }
    for (int i = 0; i < 20; i++) {
        assert_int_equal(ask("GET", "/health/live")->status, 200);
    }
    /* One of them wakes up after all. */
    static char answer[1 << 20];
    send_text(slow[0], "t: x\r\nConnection: close\r\n\r\n");
    assert_true(receive_all(slow[0], answer, sizeof answer, 20000));
    assert_memory_equal(answer, "HTTP/1.1 200 ", 13);
    for (size_t i = 0; i < TG_COUNT_OF(slow); i++) {
        (void)close(slow[i]);
    }
}

static void
http_idle_connections_are_closed(void **state)
{
    (void)state;
    tg_http_options_t options = options_for("127.0.0.1:0");
    options.max_connections = 2;
    options.idle_timeout_ms = 1000;
    tg_http_t *usual = bench.http;
    tg_error_t err;
    ASSERT_OK(tg_http_start(&options, &bench.http, &err));
    int fds[6];
    for (size_t i = 0; i < TG_COUNT_OF(fds); i++) {
        fds[i] = connected();
        send_text(fds[i], "GET /metrics HTTP/1.1\r\n");
    }
    char answer[4096];
    for (size_t i = 0; i < TG_COUNT_OF(fds); i++) {
        assert_true(receive_all(fds[i], answer, sizeof answer, 20000));
        (void)close(fds[i]);
    }
    assert_int_equal(ask("GET", "/health/live")->status, 200);
    tg_http_stop(bench.http);
    bench.http = usual;
}

static void
http_connection_beyond_the_limit_waits_until_one_is_free(void **state)
{
    (void)state;
    tg_http_options_t options = options_for("127.0.0.1:0");
    options.max_connections = 2;
    tg_http_t *usual = bench.http;
    tg_error_t err;
    ASSERT_OK(tg_http_start(&options, &bench.http, &err));
    int held[2];
    for (size_t i = 0; i < TG_COUNT_OF(held); i++) {
        held[i] = connected();
        send_text(held[i], "GET /metrics HTTP/1.1\r\n");
    }
    int waiting = connected();
    send_text(waiting, "GET /health/live HTTP/1.0\r\n\r\n");
    struct pollfd at = {.fd = waiting, .events = POLLIN};
    assert_int_equal(poll(&at, 1, 300), 0);
    (void)close(held[0]);
    char answer[4096];
    assert_true(receive_all(waiting, answer, sizeof answer, 20000));
    assert_memory_equal(answer, "HTTP/1.1 200 ", 13);
    (void)close(waiting);
    (void)close(held[1]);
    tg_http_stop(bench.http);
    bench.http = usual;
}

static void
http_connection_serves_one_scrape_after_the_other(void **state)
{
    (void)state;
    int fd = connected();
    for (int i = 0; i < 3; i++) {
        send_text(fd, "GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n");
        char answer[4096];
        size_t n = 0;
        do {
            ssize_t got = recv(fd, answer + n, sizeof answer - 1 - n, 0);
            assert_true(got > 0);
            n += (size_t)got;
            answer[n] = '\0';
        } while (strstr(answer, "\"parts\":[]}") == NULL);
        assert_memory_equal(answer, "HTTP/1.1 200 ", 13);
    }
    (void)close(fd);
}

static void
http_address_that_cannot_work_is_an_error_that_helps(void **state)
{
    (void)state;
    char taken[64];
    (void)snprintf(taken, sizeof taken, "127.0.0.1:%u", (unsigned)tg_http_port(bench.http));

    const struct {
        const char *listen;
        const char *says;
    } CASES[] = {
        {"", "there is no port"},
        {"127.0.0.1", "there is no port"},
        {"127.0.0.1:", "the port is not a number"},
        {"127.0.0.1:http", "the port is not a number"},
        {"127.0.0.1:65536", "the port is not a number"},
        {"127.0.0.1:-1", "the port is not a number"},
        {"127.0.0.1:080808", "the port is not a number"},
        {":8083", "there is no host"},
        {"[]:8083", "there is no host"},
        {"::1:8083", "goes in brackets"},
        {"fe80::1", "goes in brackets"},
        {"[::1]8083", "the port is not a number"},
        {"no such host.invalid:8083", "no address for host \"no such host.invalid\""},
        {"192.0.2.1:8083", "this machine has no such address"},
        {taken, "another program listens there already"},
    };

    for (size_t i = 0; i < TG_COUNT_OF(CASES); i++) {
        tg_http_options_t options = options_for(CASES[i].listen);
        tg_http_t *http = NULL;
        tg_error_t err;
        ASSERT_FAILS(tg_http_start(&options, &http, &err), TG_ERR_CONFIG);
        assert_null(http);
        assert_has(err.text, CASES[i].says);
        assert_has(err.text, CASES[i].listen);
        assert_has(err.text, "http.listen");
    }
    static char longer[400];
    memset(longer, 'h', sizeof longer - 1);
    memcpy(longer + sizeof longer - 4, ":80", 4);
    tg_http_options_t options = options_for(longer);
    tg_http_t *http = NULL;
    tg_error_t err;
    ASSERT_FAILS(tg_http_start(&options, &http, &err), TG_ERR_CONFIG);
    assert_has(err.text, "the host is too long");
}

static int bind_fails_with;

int __real_bind(int fd, const struct sockaddr *address, socklen_t n_bytes);
int __wrap_bind(int fd, const struct sockaddr *address, socklen_t n_bytes);

int
__wrap_bind(int fd, const struct sockaddr *address, socklen_t n_bytes)
{
    if (bind_fails_with != 0) {
        errno = bind_fails_with;
        return -1;
    }
    return __real_bind(fd, address, n_bytes);
}

static void
http_port_that_needs_a_privilege_is_an_error_that_helps(void **state)
{
    (void)state;
    tg_http_options_t options = options_for("127.0.0.1:80");
    tg_http_t *http = NULL;
    tg_error_t err;
    bind_fails_with = EACCES;
    tg_status_t status = tg_http_start(&options, &http, &err);
    bind_fails_with = 0;
    assert_int_equal(status, TG_ERR_CONFIG);
    assert_has(err.text, "http.listen 127.0.0.1:80: not permitted; ports below 1024");
}

/* Allows n_more descriptors and tries to start. */
static tg_status_t
start_with_descriptors(rlim_t n_more, tg_error_t *err)
{
    tg_http_options_t options = options_for("127.0.0.1:0");
    tg_http_t *http = NULL;
    int lowest = open("/dev/null", O_RDONLY | O_CLOEXEC);
    (void)close(lowest);
    struct rlimit before;
    (void)getrlimit(RLIMIT_NOFILE, &before);
    const struct rlimit few = {.rlim_cur = (rlim_t)lowest + n_more, .rlim_max = before.rlim_max};
    (void)setrlimit(RLIMIT_NOFILE, &few);
    tg_status_t status = tg_http_start(&options, &http, err);
    (void)setrlimit(RLIMIT_NOFILE, &before);
    int after = open("/dev/null", O_RDONLY | O_CLOEXEC);
    (void)close(after);
    assert_true(status == TG_OK || after == lowest); /* nothing is left open */
    tg_http_stop(http);
    return status;
}

static void
http_without_descriptors_left_is_an_error_and_leaks_none(void **state)
{
    (void)state;
    tg_error_t err;
    assert_int_equal(start_with_descriptors(0, &err), TG_ERR_IO);
    assert_has(err.text, "Too many open files");
    int n_failed = 0;
    rlim_t n_more = 1;
    while (start_with_descriptors(n_more, &err) != TG_OK) {
        assert_int_equal(err.status, TG_ERR_NO_MEMORY);
        assert_has(err.text, "cannot start the http endpoint on 127.0.0.1:0");
        n_failed++;
        assert_true(++n_more < 10);
    }
    assert_true(n_failed > 0);
}

static void
start_and_stop(void)
{
    tg_http_options_t options = options_for("127.0.0.1:0");
    tg_http_t *http = NULL;
    tg_error_t err;
    if (tg_http_start(&options, &http, &err) != TG_OK) {
        assert_int_equal(err.status, TG_ERR_NO_MEMORY);
        assert_null(http);
    }
    tg_http_stop(http);
}

static void
http_survives_the_failure_of_each_allocation(void **state)
{
    (void)state;
    assert_in_range(tg_torture(start_and_stop), 1, 10);
    tg_health_set(tg_health_add(bench.health, "part"), TG_HEALTH_UP, NULL);
    static const char *const PATHS[] = {"/metrics", "/health", "/nothing"};
    for (size_t i = 0; i < TG_COUNT_OF(PATHS); i++) {
        int n_answered = 0;
        for (long n = 1; n < 40; n++) {
            atomic_store(&torture_countdown, n);
            int fd = connected();
            char request[64];
            (void)snprintf(request, sizeof request, "GET %s HTTP/1.0\r\n\r\n", PATHS[i]);
            send_text(fd, request);
            static char answer[1 << 20];
            assert_true(receive_all(fd, answer, sizeof answer, 20000));
            atomic_store(&torture_countdown, 0);
            (void)close(fd);
            /* Served, refused for want of memory, or hung up on: never garbage. */
            bool served = strncmp(answer, "HTTP/1.", 7) == 0;
            assert_true(served || *answer == '\0');
            n_answered += served ? 1 : 0;
        }
        assert_true(n_answered >= 30);
        assert_int_equal(ask("GET", "/health/live")->status, 200);
    }
}

static void
http_listens_where_it_is_told(void **state)
{
    (void)state;

    static const struct {
        const char *listen;
        const char *base;
    } CASES[] = {
        {"localhost:0", "localhost"},
        {"0.0.0.0:0", "127.0.0.1"},
        {"[::1]:0", "[::1]"},
        {"[::]:0", "127.0.0.1"},
    };

    int probe = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in6 loopback = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    bool has_ipv6 = probe >= 0 && bind(probe, (struct sockaddr *)&loopback, sizeof loopback) == 0;
    (void)close(probe);
    tg_http_t *usual = bench.http;
    for (size_t i = 0; i < TG_COUNT_OF(CASES); i++) {
        if (CASES[i].listen[0] == '[' && !has_ipv6) {
            continue;
        }
        tg_http_options_t options = options_for(CASES[i].listen);
        tg_error_t err;
        ASSERT_OK(tg_http_start(&options, &bench.http, &err));
        assert_int_not_equal(tg_http_port(bench.http), 0);
        assert_int_equal(ask_at(CASES[i].base, "GET", "/health/live")->status, 200);
        tg_http_stop(bench.http);
    }
    bench.http = usual;
}

static void
http_port_can_be_used_again_at_once(void **state)
{
    (void)state;
    char listen[64];
    (void)snprintf(listen, sizeof listen, "127.0.0.1:%u", (unsigned)tg_http_port(bench.http));
    assert_int_equal(ask("GET", "/health/live")->status, 200);
    int open_still = connected();
    tg_http_stop(bench.http);
    tg_http_options_t options = options_for(listen);
    tg_error_t err;
    ASSERT_OK(tg_http_start(&options, &bench.http, &err));
    assert_int_equal(ask("GET", "/health/live")->status, 200);
    (void)close(open_still);
    tg_http_stop(NULL);
}

static _Atomic bool busy;

static void *
keep_busy(void *arg)
{
    (void)arg;
    for (int i = 0; atomic_load(&busy); i++) {
        char partition[8];
        (void)snprintf(partition, sizeof partition, "%d", i % 200);
        tg_series_t *rows =
            TG_SERIES(bench.metrics, TG_METRIC_SINK_ROWS_WRITTEN_TOTAL, "s", "t", partition);
        tg_series_add(rows, 1);
        tg_series_observe(TG_SERIES(bench.metrics, TG_METRIC_SINK_FLUSH_SECONDS, "s"), 0.01);
        tg_health_part_t *part = tg_health_add(bench.health, "lane");
        tg_health_set(part, TG_HEALTH_UP, NULL);
        tg_health_remove(bench.health, part);
    }
    return NULL;
}

static void
http_answers_while_the_program_is_busy(void **state)
{
    (void)state;
    tg_thread_t threads[2];
    tg_error_t err;
    atomic_store(&busy, true);
    for (size_t i = 0; i < TG_COUNT_OF(threads); i++) {
        ASSERT_OK(tg_thread_start(&threads[i], "busy", keep_busy, NULL, &err));
    }
    for (int i = 0; i < 50; i++) {
        assert_int_equal(ask("GET", "/metrics")->status, 200);
        assert_int_equal(ask("GET", "/health/live")->status, 200);
    }
    atomic_store(&busy, false);
    for (size_t i = 0; i < TG_COUNT_OF(threads); i++) {
        tg_thread_join(&threads[i]);
    }
}

static _Atomic bool signalled;

static void
on_signal(int number)
{
    (void)number;
    /* Signals are main's: the endpoint's thread has blocked them. */
    atomic_store(&signalled, true);
}

static void
http_thread_takes_no_signals(void **state)
{
    (void)state;
    struct sigaction action = {.sa_handler = on_signal};
    struct sigaction before;
    (void)sigaction(SIGUSR1, &action, &before);
    sigset_t usr1;
    (void)sigemptyset(&usr1);
    (void)sigaddset(&usr1, SIGUSR1);
    (void)pthread_sigmask(SIG_BLOCK, &usr1, NULL);
    (void)kill(getpid(), SIGUSR1);
    assert_int_equal(ask("GET", "/health/live")->status, 200);
    assert_false(atomic_load(&signalled));
    (void)pthread_sigmask(SIG_UNBLOCK, &usr1, NULL);
    assert_true(atomic_load(&signalled));
    (void)sigaction(SIGUSR1, &before, NULL);
}

#define HTTP_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        HTTP_TEST(http_metrics_are_served_as_prometheus_wants_them),
        HTTP_TEST(http_health_says_with_its_status_how_it_is),
        HTTP_TEST(http_head_has_the_headers_and_no_body),
        HTTP_TEST(http_what_is_not_there_is_a_404_in_json),
        HTTP_TEST(http_other_methods_are_a_405_that_names_those_allowed),
        HTTP_TEST(http_hostile_requests_are_refused_and_others_served),
        HTTP_TEST(http_slow_clients_do_not_hold_up_others),
        HTTP_TEST(http_idle_connections_are_closed),
        HTTP_TEST(http_connection_beyond_the_limit_waits_until_one_is_free),
        HTTP_TEST(http_connection_serves_one_scrape_after_the_other),
        HTTP_TEST(http_address_that_cannot_work_is_an_error_that_helps),
        HTTP_TEST(http_port_that_needs_a_privilege_is_an_error_that_helps),
        HTTP_TEST(http_without_descriptors_left_is_an_error_and_leaks_none),
        HTTP_TEST(http_survives_the_failure_of_each_allocation),
        HTTP_TEST(http_listens_where_it_is_told),
        HTTP_TEST(http_port_can_be_used_again_at_once),
        HTTP_TEST(http_answers_while_the_program_is_busy),
        HTTP_TEST(http_thread_takes_no_signals),
    };
    (void)curl_global_init(CURL_GLOBAL_DEFAULT);
    int rc = cmocka_run_group_tests(tests, NULL, NULL);
    curl_global_cleanup();
    return rc;
}
