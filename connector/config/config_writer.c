#include <stdarg.h>
#include <stdio.h>

#include "config_writer_internal.h"

enum { MAX_FORMATTED_BYTES = 1024 };

void
tg_config_writer_bytes(tg_config_writer_t *writer, const char *data, size_t n_bytes)
{
    if (writer->status == TG_OK) {
        writer->status = tg_buffer_append(writer->out, data, n_bytes);
    }
}

void
tg_config_writer_text(tg_config_writer_t *writer, const char *text)
{
    tg_config_writer_bytes(writer, text, strlen(text));
}

void
tg_config_writer_format(tg_config_writer_t *writer, const char *format, ...)
{
    char text[MAX_FORMATTED_BYTES];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    tg_config_writer_text(writer, text);
}

static void
escaped(tg_config_writer_t *writer, char c)
{
    if (c == '"' || c == '\\') {
        tg_config_writer_format(writer, "\\%c", c);
    } else if (c == '\n') {
        tg_config_writer_text(writer, "\\n");
    } else if ((unsigned char)c < 0x20 || c == 0x7F) {
        tg_config_writer_format(writer, "\\x%02X", (unsigned)(unsigned char)c);
    } else {
        tg_config_writer_bytes(writer, &c, 1);
    }
}

void
tg_config_writer_quoted(tg_config_writer_t *writer, tg_bytes_t text)
{
    tg_config_writer_text(writer, "\"");
    for (size_t i = 0; i < text.n_bytes; i++) {
        escaped(writer, (char)text.data[i]);
    }
    tg_config_writer_text(writer, "\"");
}
