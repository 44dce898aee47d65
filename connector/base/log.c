#include "base/log.h"

#include <inttypes.h>
#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/clock.h"

enum { MAX_LINE_BYTES = 8192, BURST = 20, WINDOW_MS = 1000 };

struct tg_log {
    int fd;
    tg_log_format_t format;
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

/* Says whether this line may be written, and how many before it were not. */
static bool
site_admits(tg_log_site_t *site, int64_t now_ms, int32_t *ret_n_suppressed)
{
    int64_t start = atomic_load(&site->window_start_ms);
    if (now_ms - start >= WINDOW_MS &&
        atomic_compare_exchange_strong(&site->window_start_ms, &start, now_ms)) {
        /* After a burst only one line a second: the count starts one below the limit. */
        int32_t before = atomic_load(&site->n_in_window);
        atomic_store(&site->n_in_window,
                     before > BURST && now_ms - start < 10LL * WINDOW_MS ? BURST - 1 : 0);
        *ret_n_suppressed = atomic_exchange(&site->n_suppressed, 0);
    }
    if (atomic_fetch_add(&site->n_in_window, 1) >= BURST) {
        atomic_fetch_add(&site->n_suppressed, 1);
        return false;
    }
    return true;
}

static void
put_json_text(tg_buffer_t *line, const char *text)
{
    if (text == NULL) {
        TG_IGNORE(tg_buffer_append_text(line, "null"));
        return;
    }
    TG_IGNORE(tg_buffer_append_text(line, "\""));
    for (const unsigned char *c = (const unsigned char *)text; *c != '\0'; c++) {
        if (*c == '"' || *c == '\\') {
            TG_IGNORE(tg_buffer_append_format(line, "\\%c", *c));
        } else if (*c < 0x20) {
            TG_IGNORE(tg_buffer_append_format(line, "\\u%04x", (unsigned)*c));
        } else {
            TG_IGNORE(tg_buffer_append(line, c, 1));
        }
    }
    TG_IGNORE(tg_buffer_append_text(line, "\""));
}

/* Plain when it is one word, else quoted as in JSON, so that a line can be split again. */
static void
put_text(tg_buffer_t *line, tg_log_format_t format, const char *text)
{
    bool plain = format == TG_LOG_FORMAT_TEXT && text != NULL && *text != '\0';
    for (const unsigned char *c = (const unsigned char *)text; plain && *c != '\0'; c++) {
        plain = *c > ' ' && *c != '"' && *c != '=' && *c != '\\' && *c != 0x7f;
    }
    if (plain) {
        TG_IGNORE(tg_buffer_append_text(line, text));
    } else {
        put_json_text(line, text);
    }
}

static void
put_field(tg_buffer_t *line, tg_log_format_t format, const tg_log_field_t *field)
{
    if (format == TG_LOG_FORMAT_JSON) {
        TG_IGNORE(tg_buffer_append_text(line, ","));
        put_json_text(line, field->name);
        TG_IGNORE(tg_buffer_append_text(line, ":"));
    } else {
        TG_IGNORE(tg_buffer_append_format(line, " %s=", field->name));
    }
    switch (field->kind) {
    case TG_LOG_FIELD_TEXT:
        put_text(line, format, field->value.text);
        break;
    case TG_LOG_FIELD_INT:
        TG_IGNORE(tg_buffer_append_format(line, "%" PRId64, field->value.integer));
        break;
    case TG_LOG_FIELD_DOUBLE:
        if (isfinite(field->value.number)) {
            TG_IGNORE(tg_buffer_append_format(line, "%.6g", field->value.number));
        } else {
            TG_IGNORE(tg_buffer_append_text(line, "null"));
        }
        break;
    case TG_LOG_FIELD_BOOL:
        TG_IGNORE(tg_buffer_append_text(line, field->value.boolean ? "true" : "false"));
        break;
    }
}

static void
put_head(tg_buffer_t *line, tg_log_format_t format, tg_log_level_t level, const char *room,
         const char *message)
{
    int64_t unix_us = tg_clock_system()->now_unix_us(tg_clock_system());
    time_t seconds = (time_t)(unix_us / 1000000);
    struct tm utc;
    (void)gmtime_r(&seconds, &utc);
    char date[24];
    (void)strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &utc);
    int milliseconds = (int)(unix_us / 1000 % 1000);
    if (format == TG_LOG_FORMAT_JSON) {
        TG_IGNORE(tg_buffer_append_format(
            line, "{\"time\":\"%s.%03dZ\",\"level\":\"%s\",\"room\":\"%s\",\"message\":", date,
            milliseconds, LEVELS[level], room));
        put_json_text(line, message);
    } else {
        TG_IGNORE(tg_buffer_append_format(line, "%s.%03dZ %-7s %s: %s", date, milliseconds,
                                          LEVELS[level], room, message));
    }
}

void
tg_log_write(tg_log_t *log, tg_log_level_t level, tg_log_site_t *site, const char *message,
             const tg_log_field_t *fields, int n_fields)
{
    if (log == NULL || (int)level < atomic_load(&log->level)) {
        return;
    }
    int32_t n_suppressed = 0;
    if (!site_admits(site, tg_clock_now_ms(tg_clock_system()), &n_suppressed)) {
        return;
    }
    tg_buffer_t line;
    tg_buffer_init(&line, MAX_LINE_BYTES); /* a longer line loses its tail, never its end */
    put_head(&line, log->format, level, site->room, message);
    for (int i = 0; i < n_fields; i++) {
        size_t before = line.n_bytes;
        put_field(&line, log->format, &fields[i]);
        if (line.n_bytes > MAX_LINE_BYTES - 256) {
            line.n_bytes = before;
        }
    }
    if (n_suppressed > 0) {
        put_field(&line, log->format, &TG_I("suppressed", n_suppressed));
    }
    TG_IGNORE(tg_buffer_append_text(&line, log->format == TG_LOG_FORMAT_JSON ? "}\n" : "\n"));
    /* A log that cannot be written must not stop the pipeline: there is nobody to tell. */
    if (line.n_bytes > 0 && write(log->fd, line.data, line.n_bytes) < 0) {
        atomic_fetch_add(&site->n_suppressed, 1);
    }
    tg_buffer_done(&line);
}
