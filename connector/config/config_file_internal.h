/*
 * Reads one small text file whole.
 *
 * Errors:    TG_ERR_IO (the text has path and cause), TG_ERR_TOO_LARGE (beyond the buffer's
 *            ceiling), TG_ERR_INVALID (a NUL byte), TG_ERR_NO_MEMORY
 */
#ifndef TG_CONFIG_FILE_INTERNAL_H
#define TG_CONFIG_FILE_INTERNAL_H

#include "base/buffer.h"

typedef enum tg_config_file_kind {
    TG_CONFIG_FILE_REGULAR, /* never waits */
    TG_CONFIG_FILE_STREAM   /* a pipe will do too; waits for its writer */
} tg_config_file_kind_t;

/* Appends the content. */
tg_status_t tg_config_file_read(const char *path, tg_config_file_kind_t kind, tg_buffer_t *out,
                                tg_error_t *err) TG_MUST_CHECK;

#endif
