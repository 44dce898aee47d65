#include "base/arena.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>

/* Under AddressSanitizer what is not handed out is poisoned, so that a use after _reset, and most
 * overruns, are seen as they would be with malloc. */
#if defined(__SANITIZE_ADDRESS__)
#define WITH_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WITH_ASAN 1
#endif
#endif
#ifdef WITH_ASAN
#ifndef __clang__
/* The function takes a const pointer, from which gcc concludes that the memory is read. */
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include <sanitizer/asan_interface.h>
#define POISON(data, n_bytes)   __asan_poison_memory_region((data), (n_bytes))
#define UNPOISON(data, n_bytes) __asan_unpoison_memory_region((data), (n_bytes))
#else
#define POISON(data, n_bytes)   ((void)(data))
#define UNPOISON(data, n_bytes) ((void)(data))
#endif

enum { FIRST_BLOCK_BYTES = 4096 };

typedef struct tg_arena_block tg_arena_block_t;

struct tg_arena_block {
    tg_arena_block_t *older;
    size_t capacity;
    size_t used;
    alignas(max_align_t) uint8_t data[];
};

struct tg_arena {
    tg_arena_block_t *newest;
    size_t used_bytes;
    size_t max_bytes;
};

tg_arena_t *
tg_arena_new(size_t max_bytes)
{
    tg_arena_t *arena = calloc(1, sizeof *arena);
    if (arena != NULL) {
        arena->max_bytes = max_bytes;
    }
    return arena;
}

void
tg_arena_free(tg_arena_t *arena)
{
    if (arena == NULL) {
        return;
    }
    while (arena->newest != NULL) {
        tg_arena_block_t *older = arena->newest->older;
        free(arena->newest);
        arena->newest = older;
    }
    free(arena);
}

static tg_arena_block_t *
block_add(tg_arena_t *arena, size_t n_bytes)
{
    size_t left = arena->max_bytes - arena->used_bytes;
    size_t capacity = FIRST_BLOCK_BYTES;
    if (arena->newest != NULL) {
        capacity = arena->newest->capacity > left / 2 ? left : arena->newest->capacity * 2;
    }
    if (capacity < n_bytes) {
        capacity = n_bytes;
    }
    if (capacity > SIZE_MAX - sizeof(tg_arena_block_t)) {
        return NULL;
    }
    tg_arena_block_t *block = malloc(sizeof *block + capacity);
    if (block != NULL) {
        block->older = arena->newest;
        block->capacity = capacity;
        block->used = 0;
        POISON(block->data, capacity);
        arena->newest = block;
    }
    return block;
}

void *
tg_arena_alloc(tg_arena_t *arena, size_t n_bytes)
{
    const size_t align = alignof(max_align_t);
    if (n_bytes > SIZE_MAX - (align - 1)) {
        return NULL;
    }
    size_t rounded = (n_bytes + align - 1) / align * align;
    if (rounded > arena->max_bytes - arena->used_bytes) {
        return NULL;
    }
    tg_arena_block_t *block = arena->newest;
    if (block == NULL || block->capacity - block->used < rounded) {
        block = block_add(arena, rounded);
        if (block == NULL) {
            return NULL;
        }
    }
    void *result = block->data + block->used;
    UNPOISON(result, n_bytes);
    block->used += rounded;
    arena->used_bytes += rounded;
    return result;
}

void *
tg_arena_calloc(tg_arena_t *arena, size_t count, size_t size)
{
    if (size != 0 && count > SIZE_MAX / size) {
        return NULL;
    }
    void *result = tg_arena_alloc(arena, count * size);
    if (result != NULL) {
        memset(result, 0, count * size);
    }
    return result;
}

char *
tg_arena_strndup(tg_arena_t *arena, const char *text, size_t n_bytes)
{
    if (n_bytes == SIZE_MAX) {
        return NULL;
    }
    char *copy = tg_arena_alloc(arena, n_bytes + 1);
    if (copy != NULL) {
        if (n_bytes > 0) {
            memcpy(copy, text, n_bytes);
        }
        copy[n_bytes] = '\0';
    }
    return copy;
}

char *
tg_arena_strdup(tg_arena_t *arena, const char *text)
{
    return tg_arena_strndup(arena, text, strlen(text));
}

void
tg_arena_reset(tg_arena_t *arena)
{
    while (arena->newest != NULL && arena->newest->older != NULL) {
        tg_arena_block_t *older = arena->newest->older;
        free(arena->newest);
        arena->newest = older;
    }
    if (arena->newest != NULL) {
        arena->newest->used = 0;
        POISON(arena->newest->data, arena->newest->capacity);
    }
    arena->used_bytes = 0;
}

size_t
tg_arena_used_bytes(const tg_arena_t *arena)
{
    return arena->used_bytes;
}
