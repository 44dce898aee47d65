/*
 * One answer about the whole program, for the three addresses that ask.
 */
#ifndef TG_MONITORING_HEALTH_INTERNAL_H
#define TG_MONITORING_HEALTH_INTERNAL_H

#include "monitoring/health.h"

typedef enum tg_health_verdict {
    TG_HEALTH_VERDICT_HEALTHY,
    TG_HEALTH_VERDICT_DEGRADED,
    TG_HEALTH_VERDICT_STARTING,
    TG_HEALTH_VERDICT_UNHEALTHY
} tg_health_verdict_t;

tg_status_t tg_health_report(tg_health_t *health, bool only_beats, tg_buffer_t *out,
                             tg_health_verdict_t *ret_verdict) TG_MUST_CHECK;

#endif
