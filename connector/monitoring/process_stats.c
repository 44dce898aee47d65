#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "metrics_internal.h"

static void
set(tg_metrics_t *metrics, tg_metric_t metric, double value)
{
    tg_series_set(tg_metrics_series(metrics, metric, NULL, 0), value);
}

static void
update_memory(tg_metrics_t *metrics)
{
    FILE *file = fopen("/proc/self/statm", "re");
    if (file == NULL) {
        return;
    }
    char line[256];
    if (fgets(line, sizeof line, file) != NULL) {
        char *after_size = NULL;
        (void)strtol(line, &after_size, 10);
        long pages = strtol(after_size, NULL, 10);
        set(metrics, TG_METRIC_PROCESS_RESIDENT_MEMORY_BYTES,
            (double)pages * (double)sysconf(_SC_PAGESIZE));
    }
    (void)fclose(file);
}

static void
update_files(tg_metrics_t *metrics)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        set(metrics, TG_METRIC_PROCESS_MAX_FDS, (double)limit.rlim_cur);
    }
    DIR *directory = opendir("/proc/self/fd");
    if (directory == NULL) {
        return;
    }
    int n = 0;
    while (readdir(directory) != NULL) {
        n++;
    }
    (void)closedir(directory);
    /* Not counted: "." and "..", and the one that reads the directory. */
    set(metrics, TG_METRIC_PROCESS_OPEN_FDS, n - 3);
}

static double
seconds(const struct timeval *time)
{
    return (double)time->tv_sec + (double)time->tv_usec / 1e6;
}

void
tg_metrics_update_process(tg_metrics_t *metrics)
{
    tg_series_set(TG_SERIES(metrics, TG_METRIC_BUILD_INFO, TG_VERSION), 1);
    int64_t up_us = tg_clock_now_us(tg_clock_system()) - metrics->started_us;
    set(metrics, TG_METRIC_UPTIME_SECONDS, (double)up_us / 1e6);
    set(metrics, TG_METRIC_PROCESS_START_TIME_SECONDS, (double)metrics->started_unix_us / 1e6);
    struct rusage usage;
    if (getrusage(RUSAGE_SELF, &usage) == 0) {
        set(metrics, TG_METRIC_PROCESS_CPU_SECONDS_TOTAL,
            seconds(&usage.ru_utime) + seconds(&usage.ru_stime));
    }
    update_memory(metrics);
    update_files(metrics);
    set(metrics, TG_METRIC_MONITORING_SERIES_REFUSED_TOTAL,
        (double)atomic_load(&metrics->n_refused));
    (void)pthread_mutex_lock(&metrics->lock);
    double n_series = (double)metrics->n_series;
    (void)pthread_mutex_unlock(&metrics->lock);
    set(metrics, TG_METRIC_MONITORING_SERIES, n_series);
}
