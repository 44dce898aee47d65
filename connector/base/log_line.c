#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/bytes.h"
#include "base/utf8.h"
#include "log_line_internal.h"

/* Kept free for ,"cut":true,"suppressed":<20 digits>} and the line end. */
enum { TAIL_BYTES = 64, MAX_NUMBER_BYTES = 32 };

static const char CUT_MARK[] = "…";

static bool
has_room(const tg_log_line_t *line, size_t n_bytes)
{
    return n_bytes <= sizeof line->bytes - TAIL_BYTES - line->n_bytes;
}

static void
put(tg_log_line_t *line, const void *data, size_t n_bytes)
{
    memcpy(line->bytes + line->n_bytes, data, n_bytes);
    line->n_bytes += n_bytes;
}

static void
put_literal(tg_log_line_t *line, const char *text)
{
    put(line, text, strlen(text));
}

/* Only for what is known to fit. */
static void TG_PRINTF(2, 3) put_format(tg_log_line_t *line, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int n =
        vsnprintf(line->bytes + line->n_bytes, sizeof line->bytes - line->n_bytes, format, args);
    va_end(args);
    line->n_bytes += n > 0 ? (size_t)n : 0;
}

/* One character as it stands in a line: controls are escaped (they could end the line, or command
 * the terminal that shows it), what is not UTF-8 is replaced. Returns the bytes of text used. */
static size_t
spell(tg_bytes_t text, char spelled[8], size_t *ret_n_bytes)
{
    uint32_t code = 0;
    size_t length = tg_utf8_step(text, &code);
    int n = 0;
    if (length == 0) {
        n = snprintf(spelled, 8, "%s", TG_UTF8_REPLACEMENT);
        length = 1;
    } else if (code < 0x20 || (code >= 0x7F && code < 0xA0)) {
        n = snprintf(spelled, 8, "\\u%04x", (unsigned)code);
    } else if (code == '"' || code == '\\') {
        n = snprintf(spelled, 8, "\\%c", (int)code);
    } else {
        n = snprintf(spelled, 8, "%.*s", (int)length, (const char *)text.data);
    }
    *ret_n_bytes = (size_t)n;
    return length;
}

/* As much of text as fits; room for a closing quote is always left. */
static void
put_spelled(tg_log_line_t *line, const char *text)
{
    tg_bytes_t rest = tg_bytes_of_text(text);
    while (rest.n_bytes > 0) {
        char spelled[8];
        size_t n_bytes = 0;
        size_t used = spell(rest, spelled, &n_bytes);
        if (!has_room(line, n_bytes + sizeof CUT_MARK)) {
            put_literal(line, CUT_MARK);
            line->cut = true;
            return;
        }
        put(line, spelled, n_bytes);
        rest = tg_bytes_of(rest.data + used, rest.n_bytes - used);
    }
}

static void
put_quoted(tg_log_line_t *line, const char *text)
{
    put_literal(line, "\"");
    put_spelled(line, text);
    put_literal(line, "\"");
}

/* One word that needs no quotes for a line to be split again. */
static bool
is_plain(const char *text)
{
    bool plain = *text != '\0';
    for (const unsigned char *c = (const unsigned char *)text; plain && *c != '\0'; c++) {
        plain = *c > ' ' && *c < 0x7F && *c != '"' && *c != '=' && *c != '\\';
    }
    return plain;
}

static void
put_text(tg_log_line_t *line, const char *text)
{
    if (text == NULL) {
        put_literal(line, "null");
    } else if (line->format == TG_LOG_FORMAT_TEXT && is_plain(text)) {
        put_spelled(line, text);
    } else {
        put_quoted(line, text);
    }
}

static void
put_value(tg_log_line_t *line, const tg_log_field_t *field)
{
    switch (field->kind) {
    case TG_LOG_FIELD_TEXT:
        put_text(line, field->value.text);
        break;
    case TG_LOG_FIELD_INT:
        put_format(line, "%" PRId64, field->value.integer);
        break;
    case TG_LOG_FIELD_DOUBLE:
        if (isfinite(field->value.number)) {
            put_format(line, "%.6g", field->value.number);
        } else {
            put_literal(line, "null");
        }
        break;
    case TG_LOG_FIELD_BOOL:
        put_literal(line, field->value.boolean ? "true" : "false");
        break;
    }
}

static void
put_name(tg_log_line_t *line, const char *name)
{
    if (line->format == TG_LOG_FORMAT_JSON) {
        put_format(line, ",\"%s\":", name);
    } else {
        put_format(line, " %s=", name);
    }
}

void
tg_log_line_put(tg_log_line_t *line, const tg_log_field_t *field)
{
    if (!has_room(line, strlen(field->name) + MAX_NUMBER_BYTES)) {
        line->cut = true;
        return;
    }
    put_name(line, field->name);
    put_value(line, field);
}

void
tg_log_line_begin(tg_log_line_t *line, tg_log_format_t format, int64_t unix_us,
                  tg_log_level_t level, const char *room, const char *message)
{
    line->format = format;
    line->cut = false;
    line->n_bytes = 0;
    time_t seconds = (time_t)(unix_us / 1000000);
    int milliseconds = (int)(unix_us / 1000 % 1000);
    struct tm utc;
    (void)gmtime_r(&seconds, &utc);
    char date[24];
    (void)strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &utc);
    if (format == TG_LOG_FORMAT_JSON) {
        put_format(line,
                   "{\"time\":\"%s.%03dZ\",\"level\":\"%s\",\"room\":\"%.32s\",\"message\":", date,
                   milliseconds, tg_log_level_name(level), room);
        put_quoted(line, message);
    } else {
        put_format(line, "%s.%03dZ %-7s %.32s: ", date, milliseconds, tg_log_level_name(level),
                   room);
        put_spelled(line, message);
    }
}

void
tg_log_line_end(tg_log_line_t *line, int64_t n_suppressed)
{
    if (line->cut) {
        put_name(line, "cut");
        put_literal(line, "true");
    }
    if (n_suppressed > 0) {
        put_name(line, "suppressed");
        put_format(line, "%" PRId64, n_suppressed);
    }
    put_literal(line, line->format == TG_LOG_FORMAT_JSON ? "}\n" : "\n");
}
