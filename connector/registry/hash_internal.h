/*
 * FNV-1a, 64 bits: tells torn files and registries apart. Nothing here defends against an attacker
 * who can write the cache directory: it is ours alone (mode 0700).
 *
 * Source:    Fowler, Noll, Vo; offset basis and prime of the 64-bit variant
 */
#ifndef TG_REGISTRY_HASH_INTERNAL_H
#define TG_REGISTRY_HASH_INTERNAL_H

#include <stddef.h>
#include <stdint.h>

#define TG_HASH_START UINT64_C(0xcbf29ce484222325)

/* Continues from hash, so that several pieces make one. */
static inline uint64_t
tg_hash_bytes(uint64_t hash, const void *data, size_t n_bytes)
{
    const uint8_t *bytes = data;
    for (size_t i = 0; i < n_bytes; i++) {
        hash = (hash ^ bytes[i]) * UINT64_C(0x100000001b3);
    }
    return hash;
}

#endif
