/*
 * Reading our own encoded rows again: an int16 field count, then per field an int32 length and its
 * bytes, big-endian.
 */
#ifndef TG_SINK_COPY_ROW_INTERNAL_H
#define TG_SINK_COPY_ROW_INTERNAL_H

#include <stdint.h>
#include <string.h>

static inline uint16_t
tg_copy_row_n_fields(const uint8_t *row)
{
    uint16_t value;
    memcpy(&value, row, sizeof value);
    return __builtin_bswap16(value);
}

/* The int32 at data as it stands in the row: a field's length (UINT32_MAX: NULL), or a four-byte
 * value. */
static inline uint32_t
tg_copy_row_read32(const uint8_t *data)
{
    uint32_t value;
    memcpy(&value, data, sizeof value);
    return __builtin_bswap32(value);
}

#endif
