/*
 * `tidegate check`: tries everything that a configuration names, and says of each how it is and
 * why.
 *
 * Flow:      config -> [check] -> findings (broker, topics, registry, database, privileges,
 *            versions)
 * Promise:   changes nothing; every finding names its object, its cause and what to do; never a
 *            secret
 * Threads:   main
 */
#ifndef TG_RUNTIME_CHECK_H
#define TG_RUNTIME_CHECK_H

#include "config/config.h"

typedef enum tg_finding_kind {
    TG_FINDING_OK,
    TG_FINDING_WARNING,
    TG_FINDING_FAILED
} tg_finding_kind_t;

const char *tg_finding_kind_name(tg_finding_kind_t kind);

/* subject such as "kafka", "topic sensors"; text is a sentence; both borrowed for the call. */
typedef void tg_finding_visit_t(void *arg, tg_finding_kind_t kind, const char *subject,
                                const char *text);

/* Returns the number of failed findings. */
size_t tg_check_run(const tg_config_t *config, tg_log_t *log, tg_finding_visit_t *visit, void *arg);

#endif
