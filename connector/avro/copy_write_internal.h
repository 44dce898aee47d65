/*
 * Big-endian stores and loads at any address: the alphabet of COPY BINARY.
 */
#ifndef TG_AVRO_COPY_WRITE_INTERNAL_H
#define TG_AVRO_COPY_WRITE_INTERNAL_H

#include <stdint.h>
#include <string.h>

static inline uint16_t
load_u16(const uint8_t *at)
{
    uint16_t value;
    memcpy(&value, at, sizeof value);
    return __builtin_bswap16(value);
}

static inline uint32_t
load_u32(const uint8_t *at)
{
    uint32_t value;
    memcpy(&value, at, sizeof value);
    return __builtin_bswap32(value);
}

/* Each _put returns where the next byte goes. */
static inline uint8_t *
put_u16(uint8_t *at, uint16_t value)
{
    value = __builtin_bswap16(value);
    memcpy(at, &value, sizeof value);
    return at + sizeof value;
}

static inline uint8_t *
put_u32(uint8_t *at, uint32_t value)
{
    value = __builtin_bswap32(value);
    memcpy(at, &value, sizeof value);
    return at + sizeof value;
}

static inline uint8_t *
put_u64(uint8_t *at, uint64_t value)
{
    value = __builtin_bswap64(value);
    memcpy(at, &value, sizeof value);
    return at + sizeof value;
}

static inline uint8_t *
put_null(uint8_t *at)
{
    return put_u32(at, UINT32_MAX);
}

static inline uint8_t *
put_bytes(uint8_t *at, const void *data, size_t n_bytes)
{
    if (n_bytes > 0) {
        memcpy(at, data, n_bytes);
    }
    return at + n_bytes;
}

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "the byte-swapping stores assume a little-endian machine"
#endif

#endif
