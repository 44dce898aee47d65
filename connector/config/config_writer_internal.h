/*
 * Text that grows; after the first failure nothing more is added, and the status says why.
 *
 * Ownership: the buffer is borrowed
 */
#ifndef TG_CONFIG_WRITER_INTERNAL_H
#define TG_CONFIG_WRITER_INTERNAL_H

#include "base/buffer.h"

typedef struct tg_config_writer {
    tg_buffer_t *out;
    tg_status_t status;
} tg_config_writer_t;

void tg_config_writer_bytes(tg_config_writer_t *writer, const char *data, size_t n_bytes);
void tg_config_writer_text(tg_config_writer_t *writer, const char *text);
void tg_config_writer_format(tg_config_writer_t *writer, const char *format, ...) TG_PRINTF(2, 3);

/* In quotes, with libconfig's escapes; control characters as \xHH. */
void tg_config_writer_quoted(tg_config_writer_t *writer, tg_bytes_t text);

#endif
