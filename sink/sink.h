/*
 * One sink: a consumer group member whose partitions become lanes of writers.
 *
 * Flow:      kafka consumer -> [sink: poll thread] -> lanes -> writers -> PostgreSQL
 * Promise:   exactly once (design.md sections 1 and 3); the poll thread never waits for the
 *            database, but for one thing: on revocation it gives the writers revoke_timeout_ms to
 *            finish what is in flight
 * Threads:   _open, _stop, _reload: main; one poll thread and the writers are its own
 */
#ifndef TG_SINK_SINK_H
#define TG_SINK_SINK_H

#include "base/clock.h"
#include "config/config.h"
#include "monitoring/health.h"
#include "monitoring/metrics.h"
#include "registry/schema_cache.h"

typedef struct tg_sink tg_sink_t;

/* Everything is borrowed for the sink's life. */
typedef struct tg_sink_options {
    const tg_config_t *config;
    const tg_sink_config_t *sink;
    tg_schema_cache_t *schemas;
    tg_metrics_t *metrics;
    tg_health_t *health;
    const tg_clock_t *clock;
    tg_log_t *log;
} tg_sink_options_t;

/* Checks what can be checked without a network and starts the threads; brokers and database may
 * come later. */
tg_status_t tg_sink_start(const tg_sink_options_t *options, tg_sink_t **ret_sink,
                          tg_error_t *err) TG_MUST_CHECK;

/* Asks it to read no more, to write what it has, and to leave; does not wait. */
void tg_sink_stop(tg_sink_t *sink);

/* Waits until it has left and frees it; timeout_ms bounds the draining that _stop began. */
void tg_sink_join(tg_sink_t *sink);

/* Takes over what can be reloaded (batch limits). */
void tg_sink_reload(tg_sink_t *sink, const tg_sink_config_t *config);

/* Brings the gauges up to date; for /metrics. */
void tg_sink_refresh_metrics(tg_sink_t *sink);

#endif
