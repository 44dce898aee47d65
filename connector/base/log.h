/*
 * Structured log: a fixed message, facts as fields, the object always named.
 *
 *   TG_LOG_INFO(log, "batch committed", TG_S("topic", topic), TG_I("rows", n));
 *
 *   text  2026-11-24T11:02:03.123Z info    sink: batch committed topic=sensors rows=500
 *   json  {"time":"...","level":"info","room":"sink","message":"batch committed","topic":...}
 *
 * Promise:   one line per event, written whole, at most 4096 bytes; what does not fit is cut, and
 *            the line says "cut"; repeats of the same call site are rate-limited (burst 20, then
 *            one a second; the next line says how many were "suppressed"); never payloads or
 *            secrets
 * Style:     lower case, no full stop; only a thread's main logs an error, all others return it
 * Threads:   any
 */
#ifndef TG_BASE_LOG_H
#define TG_BASE_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/error.h"

typedef enum tg_log_level {
    TG_LOG_LEVEL_DEBUG,
    TG_LOG_LEVEL_INFO,
    TG_LOG_LEVEL_WARNING,
    TG_LOG_LEVEL_ERROR,
} tg_log_level_t;

typedef enum tg_log_format { TG_LOG_FORMAT_TEXT, TG_LOG_FORMAT_JSON } tg_log_format_t;

typedef struct tg_log_field {
    enum { TG_LOG_FIELD_TEXT, TG_LOG_FIELD_INT, TG_LOG_FIELD_DOUBLE, TG_LOG_FIELD_BOOL } kind;

    const char *name;

    union {
        const char *text; /* NULL prints as null */
        int64_t integer;
        double number;
        bool boolean;
    } value;
} tg_log_field_t;

#define TG_S(field_name, v)                                                                        \
    ((tg_log_field_t){.kind = TG_LOG_FIELD_TEXT, .name = (field_name), .value = {.text = (v)}})
#define TG_I(field_name, v)                                                                        \
    ((tg_log_field_t){                                                                             \
        .kind = TG_LOG_FIELD_INT, .name = (field_name), .value = {.integer = (int64_t)(v)}})
#define TG_D(field_name, v)                                                                        \
    ((tg_log_field_t){.kind = TG_LOG_FIELD_DOUBLE, .name = (field_name), .value = {.number = (v)}})
#define TG_B(field_name, v)                                                                        \
    ((tg_log_field_t){.kind = TG_LOG_FIELD_BOOL, .name = (field_name), .value = {.boolean = (v)}})

typedef struct tg_log tg_log_t;

/* A log that writes to fd (borrowed). NULL: no memory. */
tg_log_t *tg_log_new(int fd, tg_log_format_t format, tg_log_level_t level);
void tg_log_free(tg_log_t *log);

/* For tests; before the first line. */
void tg_log_use_clock(tg_log_t *log, const tg_clock_t *clock);

/* May be called while others log (SIGHUP). */
void tg_log_set_level(tg_log_t *log, tg_log_level_t level);
tg_log_level_t tg_log_level(const tg_log_t *log);

/* "debug", "info", "warning", "error"; false when the text is none of them. */
bool tg_log_level_parse(const char *text, tg_log_level_t *ret_level);
const char *tg_log_level_name(tg_log_level_t level);

/* One per call site, static; holds the rate limit. */
typedef struct tg_log_site {
    const char *room;
    _Atomic int64_t paid_until_ms;
    _Atomic int64_t n_suppressed;
} tg_log_site_t;

/* Use the macros below. A NULL log is legal and writes nothing. */
void tg_log_write(tg_log_t *log, tg_log_level_t level, tg_log_site_t *site, const char *message,
                  const tg_log_field_t *fields, int n_fields);

/* The room is the folder of the source file; CMake says it per target. */
#ifndef TG_ROOM
#define TG_ROOM "tidegate"
#endif

#define TG_LOG_AT(log, level, message, ...)                                                        \
    do {                                                                                           \
        static tg_log_site_t log_site_ = {.room = TG_ROOM};                                        \
        const tg_log_field_t log_fields_[] = {TG_S("", ""), ##__VA_ARGS__};                        \
        tg_log_write((log), (level), &log_site_, (message), log_fields_ + 1,                       \
                     (int)(sizeof log_fields_ / sizeof log_fields_[0]) - 1);                       \
    } while (0)
#define TG_LOG_DEBUG(log, ...)   TG_LOG_AT(log, TG_LOG_LEVEL_DEBUG, __VA_ARGS__)
#define TG_LOG_INFO(log, ...)    TG_LOG_AT(log, TG_LOG_LEVEL_INFO, __VA_ARGS__)
#define TG_LOG_WARNING(log, ...) TG_LOG_AT(log, TG_LOG_LEVEL_WARNING, __VA_ARGS__)
#define TG_LOG_ERROR(log, ...)   TG_LOG_AT(log, TG_LOG_LEVEL_ERROR, __VA_ARGS__)

#endif
