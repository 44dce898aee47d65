#include "base/log.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log_line_internal.h"

enum { BURST = 20, COST_MS = 1000 };

struct tg_log {
    int fd;
    tg_log_format_t format;
    const tg_clock_t *clock;
    _Atomic int level;
};

static const char *const LEVELS[] = {"debug", "info", "warning", "error"};

tg_log_t *
tg_log_new(int fd, tg_log_format_t format, tg_log_level_t level)
{
    tg_log_t *log = calloc(1, sizeof *log);
    if (log != NULL) {
        log->fd = fd;
        log->format = format;
        log->clock = tg_clock_system();
        atomic_init(&log->level, (int)level);
    }
    return log;
}

void
tg_log_free(tg_log_t *log)
{
    free(log);
}

void
tg_log_use_clock(tg_log_t *log, const tg_clock_t *clock)
{
    log->clock = clock;
}

void
tg_log_set_level(tg_log_t *log, tg_log_level_t level)
{
    atomic_store(&log->level, (int)level);
}

tg_log_level_t
tg_log_level(const tg_log_t *log)
{
    return (tg_log_level_t)atomic_load(&log->level);
}

bool
tg_log_level_parse(const char *text, tg_log_level_t *ret_level)
{
    for (int i = 0; i <= (int)TG_LOG_LEVEL_ERROR; i++) {
        if (strcmp(text, LEVELS[i]) == 0) {
            *ret_level = (tg_log_level_t)i;
            return true;
        }
    }
    return false;
}

const char *
tg_log_level_name(tg_log_level_t level)
{
    return LEVELS[level];
}

/* Says whether this line may be written. Each line costs a second, and a site may be BURST seconds
 * ahead of the clock (the generic cell rate algorithm): one number, so that threads cannot tear it.
 */
static bool
site_admits(tg_log_site_t *site, int64_t now_ms)
{
    int64_t paid_until_ms = atomic_load(&site->paid_until_ms);
    for (;;) {
        int64_t then_ms = (paid_until_ms > now_ms ? paid_until_ms : now_ms) + COST_MS;
        if (then_ms - now_ms > (int64_t)BURST * COST_MS) {
            return false;
        }
        if (atomic_compare_exchange_weak(&site->paid_until_ms, &paid_until_ms, then_ms)) {
            return true;
        }
    }
}

/* False when not even a part could be written. */
static bool
write_whole(int fd, const char *bytes, size_t n_bytes)
{
    size_t n_written = 0;
    while (n_written < n_bytes) {
        ssize_t n = write(fd, bytes + n_written, n_bytes - n_written);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            break;
        }
        n_written += (size_t)n;
    }
    return n_written > 0;
}

static void
write_line(tg_log_t *log, tg_log_level_t level, tg_log_site_t *site, const char *message,
           const tg_log_field_t *fields, int n_fields)
{
    if (!site_admits(site, tg_clock_now_ms(log->clock))) {
        atomic_fetch_add(&site->n_suppressed, 1);
        return;
    }
    int64_t n_suppressed = atomic_exchange(&site->n_suppressed, 0);
    tg_log_line_t line;
    tg_log_line_begin(&line, log->format, log->clock->now_unix_us(log->clock), level, site->room,
                      message);
    for (int i = 0; i < n_fields; i++) {
        tg_log_line_put(&line, &fields[i]);
    }
    tg_log_line_end(&line, n_suppressed);
    /* A log that cannot be written must not stop the pipeline: there is nobody to tell, but the
     * next line that gets through says how many did not. */
    if (!write_whole(log->fd, line.bytes, line.n_bytes)) {
        atomic_fetch_add(&site->n_suppressed, n_suppressed + 1);
    }
}

void
tg_log_write(tg_log_t *log, tg_log_level_t level, tg_log_site_t *site, const char *message,
             const tg_log_field_t *fields, int n_fields)
{
    if (log == NULL || (int)level < atomic_load(&log->level)) {
        return;
    }
    int saved_errno = errno; /* who logs before looking at errno is not punished */
    write_line(log, level, site, message, fields, n_fields);
    errno = saved_errno;
}
