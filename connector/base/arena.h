/*
 * Memory for things that die together: allocate forward, free all at once.
 *
 * Ownership: what _alloc returns is borrowed until _reset or _free
 * Errors:    NULL when the ceiling or the allocator says no; the arena stays usable
 * Threads:   one owner at a time
 */
#ifndef TG_BASE_ARENA_H
#define TG_BASE_ARENA_H

#include <stddef.h>

#include "base/bytes.h"

typedef struct tg_arena tg_arena_t;

/* max_bytes is the ceiling on everything handed out between two resets, each piece rounded up to 16
 * bytes; what is taken from the allocator stays below about twice that. NULL: no memory. */
tg_arena_t *tg_arena_new(size_t max_bytes);
void tg_arena_free(tg_arena_t *arena);
TG_DEFINE_FREEP(tg_arena_t, tg_arena_free)

/* Aligned for any type, not zeroed. NULL at the ceiling. */
void *tg_arena_alloc(tg_arena_t *arena, size_t n_bytes);

/* The same, zeroed, with overflow of count * size caught. */
void *tg_arena_calloc(tg_arena_t *arena, size_t count, size_t size);

/* Copies n_bytes and adds a NUL. */
char *tg_arena_strndup(tg_arena_t *arena, const char *text, size_t n_bytes);
char *tg_arena_strdup(tg_arena_t *arena, const char *text);

/* Gives everything back at once; keeps the first block for the next round. */
void tg_arena_reset(tg_arena_t *arena);

size_t tg_arena_used_bytes(const tg_arena_t *arena);

#endif
