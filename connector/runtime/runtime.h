/*
 * The daemon: everything that a configuration names, wired together, until a signal says otherwise.
 *
 * Flow:      config -> [runtime] -> schema cache, metrics, health, http endpoint, sinks
 * Signals:   SIGTERM, SIGINT: read no more, write what is encoded, leave (bounded by
 *            shutdown_timeout_ms); again: leave at once. SIGHUP: load the configuration again and
 *            take over what is reloadable; the rest is said by name.
 * Threads:   main only; blocks those signals in the whole process
 */
#ifndef TG_RUNTIME_RUNTIME_H
#define TG_RUNTIME_RUNTIME_H

#include "config/config.h"

typedef struct tg_runtime_options {
    const char *config_path; /* for SIGHUP */
    char *const *environment;
    const tg_config_t *config; /* borrowed */
    tg_log_t *log;             /* borrowed */
} tg_runtime_options_t;

/* Blocks until it has left. TG_OK: drained. TG_ERR_TIMEOUT: not drained in time, TG_ERR_CANCELLED:
 * a second signal; in both cases threads still run and the process must leave with _exit. Other
 * statuses: it could not start. */
tg_status_t tg_runtime_run(const tg_runtime_options_t *options, tg_error_t *err) TG_MUST_CHECK;

#endif
