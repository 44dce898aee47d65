/*
 * One line of the log while it is put together: on the stack, so that "out of memory" can be told.
 *
 * Promise:   whatever the fields hold, the line is one line, valid UTF-8, valid JSON when JSON is
 * asked for, and not longer than PIPE_BUF, so that the kernel writes it whole without a lock of
 * ours
 */
#ifndef TG_BASE_LOG_LINE_INTERNAL_H
#define TG_BASE_LOG_LINE_INTERNAL_H

#include <limits.h>
#include <stddef.h>

#include "base/log.h"

typedef struct tg_log_line {
    tg_log_format_t format;
    bool cut; /* something did not fit */
    size_t n_bytes;
    char bytes[PIPE_BUF];
} tg_log_line_t;

void tg_log_line_begin(tg_log_line_t *line, tg_log_format_t format, int64_t unix_us,
                       tg_log_level_t level, const char *room, const char *message);
void tg_log_line_put(tg_log_line_t *line, const tg_log_field_t *field);
void tg_log_line_end(tg_log_line_t *line, int64_t n_suppressed);

#endif
