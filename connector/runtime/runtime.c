#include "runtime.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "base/thread.h"
#include "monitoring/http.h"
#include "registry_options.h"
#include "sink/sink.h"

enum { SIGNAL_WAIT_MS = 200, SHUTDOWN_SLACK_MS = 15000 };

typedef struct {
    const tg_runtime_options_t *options;
    tg_metrics_t *metrics;
    tg_health_t *health;
    tg_http_t *http;
    tg_schema_cache_t *schemas;
    size_t n_sinks;
    tg_sink_t **sinks;
    tg_thread_t leaver;
    _Atomic bool left;
} runtime_t;

static void
before_metrics(void *arg)
{
    runtime_t *runtime = arg;
    for (size_t i = 0; i < runtime->n_sinks; i++) {
        tg_sink_refresh_metrics(runtime->sinks[i]);
    }
}

static tg_status_t
start_http(runtime_t *runtime, tg_error_t *err)
{
    const tg_config_t *config = runtime->options->config;
    if (config->http.listen == NULL || config->http.listen[0] == '\0') {
        return TG_OK;
    }
    const tg_http_options_t options = {.listen = config->http.listen,
                                       .max_connections = config->http.max_connections,
                                       .idle_timeout_ms = config->http.idle_timeout_ms,
                                       .metrics = runtime->metrics,
                                       .health = runtime->health,
                                       .log = runtime->options->log,
                                       .before_metrics = before_metrics,
                                       .arg = runtime};
    return tg_http_start(&options, &runtime->http, err);
}

static tg_status_t
start_sinks(runtime_t *runtime, tg_error_t *err)
{
    const tg_config_t *config = runtime->options->config;
    for (size_t i = 0; i < config->n_sinks; i++) {
        const tg_sink_options_t options = {.config = config,
                                           .sink = &config->sinks[i],
                                           .schemas = runtime->schemas,
                                           .metrics = runtime->metrics,
                                           .health = runtime->health,
                                           .clock = tg_clock_system(),
                                           .log = runtime->options->log};
        TG_TRY(tg_sink_start(&options, &runtime->sinks[i], err));
        runtime->n_sinks++;
    }
    return TG_OK;
}

static tg_status_t
start(runtime_t *runtime, tg_error_t *err)
{
    const tg_config_t *config = runtime->options->config;
    runtime->metrics = tg_metrics_new();
    runtime->health = tg_health_new(tg_clock_system());
    runtime->sinks = calloc(config->n_sinks + 1, sizeof(tg_sink_t *));
    if (runtime->metrics == NULL || runtime->health == NULL || runtime->sinks == NULL) {
        return tg_error_set(err, TG_ERR_NO_MEMORY, "no memory to start");
    }
    const tg_registry_options_t registry = tg_registry_options_of(config, runtime->options->log);
    TG_TRY(tg_schema_cache_open(&registry, &runtime->schemas, err));
    TG_TRY(start_sinks(runtime, err));
    /* Last, so that whoever gets an answer from it talks to a program that has started. */
    return start_http(runtime, err);
}

static void
stop_sinks(runtime_t *runtime)
{
    for (size_t i = 0; i < runtime->n_sinks; i++) {
        tg_sink_stop(runtime->sinks[i]);
    }
    for (size_t i = 0; i < runtime->n_sinks; i++) {
        tg_sink_join(runtime->sinks[i]);
    }
    runtime->n_sinks = 0;
}

static void
release(runtime_t *runtime)
{
    if (runtime->http != NULL) {
        tg_http_stop(runtime->http);
    }
    stop_sinks(runtime);
    tg_schema_cache_close(runtime->schemas);
    tg_health_free(runtime->health);
    tg_metrics_free(runtime->metrics);
    free((void *)runtime->sinks);
}

static void *
leave(void *arg)
{
    runtime_t *runtime = arg;
    release(runtime);
    atomic_store(&runtime->left, true);
    return NULL;
}

/* Sinks are known by their names: their order in the file may have changed. */
static void
reload_sinks(runtime_t *runtime, const tg_config_t *config)
{
    const tg_config_t *before = runtime->options->config;
    for (size_t i = 0; i < runtime->n_sinks; i++) {
        for (size_t k = 0; k < config->n_sinks; k++) {
            if (strcmp(before->sinks[i].name, config->sinks[k].name) == 0) {
                tg_sink_reload(runtime->sinks[i], &config->sinks[k]);
            }
        }
    }
}

static void
reload(runtime_t *runtime)
{
    const tg_runtime_options_t *options = runtime->options;
    TG_CLEANUP(tg_config_freep) tg_config_t *config = NULL;
    tg_config_problems_t *problems = tg_config_problems_new();
    tg_error_t why = {.text = "no memory"};
    tg_buffer_t differences;
    tg_buffer_init(&differences, 64 << 10);
    tg_status_t status = TG_ERR_NO_MEMORY;
    if (problems != NULL) {
        status =
            tg_config_load(options->config_path, options->environment, problems, &config, &why);
    }
    size_t n_fixed = 0;
    if (status == TG_OK) {
        status = tg_config_reload_check(options->config, config, &differences, &n_fixed);
    }
    if (status != TG_OK) {
        TG_LOG_ERROR(options->log, "configuration not reloaded, the old one stays",
                     TG_S("file", options->config_path), TG_S("error", why.text));
    } else {
        tg_log_set_level(options->log, config->log.level);
        reload_sinks(runtime, config);
        if (n_fixed > 0) {
            TG_LOG_WARNING(options->log, "some changes need a restart", TG_I("keys", n_fixed),
                           TG_S("which", tg_buffer_text(&differences)));
        }
        TG_LOG_INFO(options->log, "configuration reloaded", TG_S("file", options->config_path));
    }
    tg_buffer_done(&differences);
    tg_config_problems_free(problems);
}

static sigset_t
our_signals(void)
{
    sigset_t set;
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGTERM);
    (void)sigaddset(&set, SIGINT);
    (void)sigaddset(&set, SIGHUP);
    return set;
}

static void
serve_signals_until_stop(runtime_t *runtime, const sigset_t *set)
{
    for (;;) {
        int signal = sigwaitinfo(set, NULL);
        if (signal == SIGHUP) {
            reload(runtime);
        } else if (signal == SIGTERM || signal == SIGINT) {
            TG_LOG_INFO(runtime->options->log, "leaving", TG_S("signal", strsignal(signal)));
            return;
        }
    }
}

/* Leaves on a thread of its own, so that a second signal and the deadline are seen. */
static tg_status_t
leave_bounded(runtime_t *runtime, const sigset_t *set, tg_error_t *err)
{
    if (tg_thread_start(&runtime->leaver, "leaver", leave, runtime, err) != TG_OK) {
        release(runtime); /* unbounded then, but it leaves */
        return TG_OK;
    }
    int64_t deadline_ms = tg_clock_now_ms(tg_clock_system()) +
                          runtime->options->config->shutdown_timeout_ms + SHUTDOWN_SLACK_MS;
    const struct timespec wait = {.tv_nsec = (long)SIGNAL_WAIT_MS * 1000000 / 10};
    while (!atomic_load(&runtime->left)) {
        int signal = sigtimedwait(set, NULL, &wait);
        if (signal == SIGTERM || signal == SIGINT) {
            return tg_error_set(err, TG_ERR_CANCELLED, "a second signal: leaving at once");
        }
        if (tg_clock_now_ms(tg_clock_system()) > deadline_ms) {
            return tg_error_set(
                err, TG_ERR_TIMEOUT,
                "not drained within shutdown_timeout_ms; what is not written is read again");
        }
    }
    tg_thread_join(&runtime->leaver);
    return TG_OK;
}

tg_status_t
tg_runtime_run(const tg_runtime_options_t *options, tg_error_t *err)
{
    sigset_t set = our_signals();
    (void)pthread_sigmask(SIG_BLOCK, &set, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
    /* On the heap: after a second signal its threads outlive this call. */
    runtime_t *runtime = calloc(1, sizeof *runtime);
    if (runtime == NULL) {
        return tg_error_set(err, TG_ERR_NO_MEMORY, "no memory to start");
    }
    runtime->options = options;
    tg_status_t status = start(runtime, err);
    if (status != TG_OK) {
        release(runtime);
        free(runtime);
        return status;
    }
    TG_LOG_INFO(options->log, "tidegate runs", TG_S("name", options->config->name),
                TG_I("sinks", runtime->n_sinks), TG_S("http", options->config->http.listen));
    serve_signals_until_stop(runtime, &set);
    status = leave_bounded(runtime, &set, err);
    if (status == TG_OK) {
        TG_LOG_INFO(options->log, "tidegate has left", TG_S("name", options->config->name));
        free(runtime);
    }
    return status;
}
