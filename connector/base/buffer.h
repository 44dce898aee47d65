/*
 * A growing run of bytes with a ceiling: encoders append, senders read.
 *
 *   data ......... data + n_bytes ......... data + capacity <= max_bytes
 *     written        free, reserved           one byte more, for a NUL
 *
 * Ownership: the buffer owns its memory; tg_buffer_view is borrowed until the next append, reset or
 *            done; what is appended must not be a part of the same buffer
 * Errors:    TG_ERR_NO_MEMORY from the allocator, TG_ERR_FULL at the ceiling; the content is kept
 * Threads:   one owner at a time
 */
#ifndef TG_BASE_BUFFER_H
#define TG_BASE_BUFFER_H

#include "base/bytes.h"
#include "base/error.h"

/* Public, because encoders write into it without a call per byte; invariants as drawn above. */
typedef struct tg_buffer {
    uint8_t *data;
    size_t n_bytes;
    size_t capacity;
    size_t max_bytes;
} tg_buffer_t;

/* Embedded value; cannot fail, allocates on first use. */
void tg_buffer_init(tg_buffer_t *buffer, size_t max_bytes);
void tg_buffer_done(tg_buffer_t *buffer);

/* Makes room for n_bytes more, so that data + n_bytes may be written; does not change n_bytes. */
tg_status_t tg_buffer_reserve_slow(tg_buffer_t *buffer, size_t n_bytes) TG_MUST_CHECK;

static inline TG_MUST_CHECK tg_status_t
tg_buffer_reserve(tg_buffer_t *buffer, size_t n_bytes)
{
    if (__builtin_expect(buffer->capacity - buffer->n_bytes >= n_bytes, 1)) {
        return TG_OK;
    }
    return tg_buffer_reserve_slow(buffer, n_bytes);
}

tg_status_t tg_buffer_append(tg_buffer_t *buffer, const void *data, size_t n_bytes) TG_MUST_CHECK;
tg_status_t tg_buffer_append_text(tg_buffer_t *buffer, const char *text) TG_MUST_CHECK;
tg_status_t tg_buffer_append_format(tg_buffer_t *buffer, const char *format, ...) TG_MUST_CHECK
    TG_PRINTF(2, 3);

/* Adds a NUL behind the content (not counted) and gives it as a C string. NULL: no memory; never
 * at the ceiling. */
const char *tg_buffer_text(tg_buffer_t *buffer);

/* Forgets the content, keeps the memory. */
static inline void
tg_buffer_reset(tg_buffer_t *buffer)
{
    buffer->n_bytes = 0;
}

static inline tg_bytes_t
tg_buffer_view(const tg_buffer_t *buffer)
{
    return tg_bytes_of(buffer->data, buffer->n_bytes);
}

/* Takes the memory out; the caller owns it (free), the buffer is as after _init. NULL when nothing
 * was ever appended. */
uint8_t *tg_buffer_take(tg_buffer_t *buffer, size_t *ret_n_bytes);

#endif
