/*
 * How each part of the program is, in one word and one sentence.
 *
 * Flow:      runtime, lanes, writers -> [health] -> /health/live, /health/ready, status
 * Words:     UP; DEGRADED (works again by itself: a server is away, a lane backs off); DOWN (an
 *            operator must act)
 * Promise:   live is about the process (threads make progress), ready is "no part is DOWN and every
 *            required part has been UP once"; a database that is away is degraded, not dead: a
 *            restart would not help
 * Threads:   any
 */
#ifndef TG_MONITORING_HEALTH_H
#define TG_MONITORING_HEALTH_H

#include <stdbool.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/error.h"

typedef enum tg_health_state {
    TG_HEALTH_STARTING,
    TG_HEALTH_UP,
    TG_HEALTH_DEGRADED,
    TG_HEALTH_DOWN
} tg_health_state_t;

typedef struct tg_health tg_health_t;
typedef struct tg_health_part tg_health_part_t;

tg_health_t *tg_health_new(const tg_clock_t *clock);
void tg_health_free(tg_health_t *health);

/* name such as "sink sensors writer 0"; copied. NULL only when out of memory; all calls accept a
 * NULL part. */
tg_health_part_t *tg_health_add(tg_health_t *health, const char *name);
void tg_health_remove(tg_health_t *health, tg_health_part_t *part);

/* reason: why it is not UP, complete sentence, copied; NULL for UP. */
void tg_health_set(tg_health_part_t *part, tg_health_state_t state, const char *reason);

/* A thread's heartbeat: live fails when a part with a limit has not beaten for limit_ms. */
void tg_health_expect_beat(tg_health_part_t *part, int64_t limit_ms);
void tg_health_beat(tg_health_part_t *part);

/* Appends JSON
 * {"status":"healthy|starting|degraded|unhealthy","parts":[{"name","state","reason"?,"since_ms"}]};
 * says whether it answers 200. */
tg_status_t tg_health_render_live(tg_health_t *health, tg_buffer_t *out,
                                  bool *ret_ok) TG_MUST_CHECK;
tg_status_t tg_health_render_ready(tg_health_t *health, tg_buffer_t *out,
                                   bool *ret_ok) TG_MUST_CHECK;

#endif
