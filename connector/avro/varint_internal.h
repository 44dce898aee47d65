/*
 * Reading Avro's integers: zigzag varints, eight bytes at a time where there are eight.
 */
#ifndef TG_AVRO_VARINT_INTERNAL_H
#define TG_AVRO_VARINT_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/error.h"

enum { MAX_VARINT_BYTES = 10 };

/* Gathers the low seven bits of eight bytes into 56. pext: the processor has a fast instruction. */
static inline uint64_t
varint_gather(uint64_t bits, bool pext)
{
#ifdef __x86_64__
    if (pext) {
        uint64_t result;
        __asm__("pext %2, %1, %0" : "=r"(result) : "r"(bits), "r"(UINT64_C(0x7f7f7f7f7f7f7f7f)));
        return result;
    }
#else
    (void)pext;
#endif
    bits &= UINT64_C(0x7f7f7f7f7f7f7f7f);
    bits = (bits & UINT64_C(0x007f007f007f007f)) | ((bits & UINT64_C(0x7f007f007f007f00)) >> 1);
    bits = (bits & UINT64_C(0x00003fff00003fff)) | ((bits & UINT64_C(0x3fff00003fff0000)) >> 2);
    return (bits & UINT64_C(0x000000000fffffff)) | ((bits & UINT64_C(0x0fffffff00000000)) >> 4);
}

/* Byte by byte. NULL: cut off, or longer than ten bytes or 64 bits. */
static inline const uint8_t *
varint_read_bytewise(const uint8_t *at, const uint8_t *end, uint64_t *ret_value)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < MAX_VARINT_BYTES && at < end; i++) {
        uint64_t byte = *at++;
        if (i == MAX_VARINT_BYTES - 1 && byte > 1) {
            return NULL;
        }
        value |= (byte & 0x7f) << (7 * i);
        if (byte < 0x80) {
            *ret_value = value;
            return at;
        }
    }
    return NULL;
}

/* Eight bytes at once. NULL: there are not as many, or the number is longer. */
static inline const uint8_t *
varint_read_word(const uint8_t *at, const uint8_t *end, bool pext, uint64_t *ret_value)
{
    uint64_t bits;
    if (__builtin_expect(end - at < (ptrdiff_t)sizeof bits, 0)) {
        return NULL;
    }
    memcpy(&bits, at, sizeof bits);
    uint64_t stops = ~bits & UINT64_C(0x8080808080808080);
    if (__builtin_expect(stops == 0, 0)) {
        return NULL;
    }
    /* stops ^ (stops - 1) is all ones up to the first byte without its high bit */
    *ret_value = varint_gather(bits & (stops ^ (stops - 1)), pext);
    return at + (((unsigned)__builtin_ctzll(stops) + 1) >> 3);
}

static inline const uint8_t *
varint_read(const uint8_t *at, const uint8_t *end, uint64_t *ret_value)
{
    const uint8_t *next = varint_read_word(at, end, false, ret_value);
    return next != NULL ? next : varint_read_bytewise(at, end, ret_value);
}

/* For lengths and branches, which mostly fit into one byte. */
static inline const uint8_t *
varint_read_short(const uint8_t *at, const uint8_t *end, uint64_t *ret_value)
{
    if (__builtin_expect(at < end && *at < 0x80, 1)) {
        *ret_value = *at;
        return at + 1;
    }
    return varint_read_bytewise(at, end, ret_value);
}

static inline int64_t
zigzag(uint64_t value)
{
    return (int64_t)((value >> 1) ^ (0 - (value & 1)));
}

/* Why a read gave NULL. */
static inline tg_status_t
varint_fault(const uint8_t *at, const uint8_t *end)
{
    return end - at >= MAX_VARINT_BYTES ? TG_ERR_INVALID : TG_ERR_TRUNCATED;
}

#endif
