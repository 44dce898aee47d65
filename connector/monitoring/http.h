/*
 * The HTTP endpoint: /metrics, /health, /health/live, /health/ready (libmicrohttpd).
 *
 * Promise:   loopback unless told otherwise; limits on connections, header and body sizes and idle
 *            time; GET and HEAD only so far; errors are JSON {"error_code","message"}
 * Threads:   one of libmicrohttpd's own; _start and _stop: main
 */
#ifndef TG_MONITORING_HTTP_H
#define TG_MONITORING_HTTP_H

#include "base/log.h"
#include "monitoring/health.h"
#include "monitoring/metrics.h"

typedef struct tg_http_options {
    const char *listen; /* "127.0.0.1:8083", "[::1]:8083"; port 0: any */
    int64_t max_connections;
    int64_t idle_timeout_ms;
    tg_metrics_t *metrics;
    tg_health_t *health;
    tg_log_t *log;
    /* Called before each exposition, so that gauges are fresh; may be NULL. */
    void (*before_metrics)(void *arg);
    void *arg;
} tg_http_options_t;

typedef struct tg_http tg_http_t;

tg_status_t tg_http_start(const tg_http_options_t *options, tg_http_t **ret_http,
                          tg_error_t *err) TG_MUST_CHECK;
void tg_http_stop(tg_http_t *http);
uint16_t tg_http_port(const tg_http_t *http);

#endif
