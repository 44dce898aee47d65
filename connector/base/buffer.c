#include "base/buffer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { FIRST_CAPACITY = 256 };

void
tg_buffer_init(tg_buffer_t *buffer, size_t max_bytes)
{
    *buffer = (tg_buffer_t){.max_bytes = max_bytes};
}

void
tg_buffer_done(tg_buffer_t *buffer)
{
    free(buffer->data);
    tg_buffer_init(buffer, buffer->max_bytes);
}

tg_status_t
tg_buffer_reserve_slow(tg_buffer_t *buffer, size_t n_bytes)
{
    if (n_bytes > buffer->max_bytes - buffer->n_bytes) {
        return TG_ERR_FULL;
    }
    size_t needed = buffer->n_bytes + n_bytes;
    if (needed <= buffer->capacity && buffer->data != NULL) {
        return TG_OK;
    }
    size_t capacity = buffer->capacity < FIRST_CAPACITY ? FIRST_CAPACITY : buffer->capacity;
    while (capacity < needed) {
        capacity = capacity > buffer->max_bytes / 2 ? buffer->max_bytes : capacity * 2;
    }
    if (capacity > buffer->max_bytes) {
        capacity = buffer->max_bytes;
    }
    /* One byte behind the capacity is always there, so that a NUL never needs room. */
    uint8_t *data = capacity < SIZE_MAX ? realloc(buffer->data, capacity + 1) : NULL;
    if (data == NULL) {
        return TG_ERR_NO_MEMORY;
    }
    buffer->data = data;
    buffer->capacity = capacity;
    return TG_OK;
}

tg_status_t
tg_buffer_append(tg_buffer_t *buffer, const void *data, size_t n_bytes)
{
    TG_TRY(tg_buffer_reserve(buffer, n_bytes));
    if (n_bytes > 0) {
        memcpy(buffer->data + buffer->n_bytes, data, n_bytes);
        buffer->n_bytes += n_bytes;
    }
    return TG_OK;
}

tg_status_t
tg_buffer_append_text(tg_buffer_t *buffer, const char *text)
{
    return tg_buffer_append(buffer, text, strlen(text));
}

tg_status_t
tg_buffer_append_format(tg_buffer_t *buffer, const char *format, ...)
{
    size_t room = buffer->capacity - buffer->n_bytes;
    char *end = buffer->data != NULL ? (char *)buffer->data + buffer->n_bytes : NULL;
    va_list args;
    va_start(args, format);
    int n = vsnprintf(end, end != NULL ? room + 1 : 0, format, args);
    va_end(args);
    if (n < 0) {
        return TG_ERR_INTERNAL;
    }
    if ((size_t)n > room || end == NULL) {
        TG_TRY(tg_buffer_reserve_slow(buffer, (size_t)n));
        va_start(args, format);
        (void)vsnprintf((char *)buffer->data + buffer->n_bytes, (size_t)n + 1, format, args);
        va_end(args);
    }
    buffer->n_bytes += (size_t)n;
    return TG_OK;
}

const char *
tg_buffer_text(tg_buffer_t *buffer)
{
    if (buffer->data == NULL && tg_buffer_reserve_slow(buffer, 0) != TG_OK) {
        return NULL;
    }
    buffer->data[buffer->n_bytes] = '\0';
    return (const char *)buffer->data;
}

uint8_t *
tg_buffer_take(tg_buffer_t *buffer, size_t *ret_n_bytes)
{
    uint8_t *data = buffer->data;
    if (ret_n_bytes != NULL) {
        *ret_n_bytes = buffer->n_bytes;
    }
    tg_buffer_init(buffer, buffer->max_bytes);
    return data;
}
