#include <string.h>

#include "base/buffer.h"
#include "database/connection.h"

/* Appends text with each character of `doubled` written twice. */
static tg_status_t
append_doubling(tg_buffer_t *sql, const char *text, const char *doubled)
{
    while (*text != '\0') {
        size_t n = strcspn(text, doubled);
        TG_TRY(tg_buffer_append(sql, text, n));
        text += n;
        if (*text != '\0') {
            TG_TRY(tg_buffer_append(sql, text, 1));
            TG_TRY(tg_buffer_append(sql, text, 1));
            text++;
        }
    }
    return TG_OK;
}

tg_status_t
tg_sql_append_identifier(tg_buffer_t *sql, const char *name)
{
    TG_TRY(tg_buffer_append_text(sql, "\""));
    TG_TRY(append_doubling(sql, name, "\""));
    return tg_buffer_append_text(sql, "\"");
}

tg_status_t
tg_sql_append_literal(tg_buffer_t *sql, const char *text)
{
    /* With E'' a backslash means the same whatever standard_conforming_strings says. */
    TG_TRY(tg_buffer_append_text(sql, strchr(text, '\\') != NULL ? " E'" : "'"));
    TG_TRY(append_doubling(sql, text, "'\\"));
    return tg_buffer_append_text(sql, "'");
}
