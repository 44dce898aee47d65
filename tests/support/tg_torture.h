/*
 * Torture: the first allocation fails, then the second, ... until a run needs fewer.
 *
 * A test that includes this says "// wrap: malloc calloc realloc reallocarray strdup" in its first
 * lines; only calls from our own objects are caught. Nothing in the product knows of it.
 */
#ifndef TG_TORTURE_H
#define TG_TORTURE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

static _Atomic long torture_countdown; /* 0: nothing fails */

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *old, size_t n);
void *__real_reallocarray(void *old, size_t n, size_t size);
char *__real_strdup(const char *text);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *old, size_t n);
void *__wrap_reallocarray(void *old, size_t n, size_t size);
char *__wrap_strdup(const char *text);

/* Sizes that no machine has are refused here: a sanitizer's allocator would stop the program. */
static bool
torture_strikes(size_t n_bytes)
{
    return n_bytes > (size_t)1 << 40 ||
           (atomic_load(&torture_countdown) > 0 && atomic_fetch_sub(&torture_countdown, 1) == 1);
}

void *
__wrap_malloc(size_t n)
{
    return torture_strikes(n) ? NULL : __real_malloc(n);
}

void *
__wrap_calloc(size_t n, size_t size)
{
    return torture_strikes(n) ? NULL : __real_calloc(n, size);
}

void *
__wrap_realloc(void *old, size_t n)
{
    return torture_strikes(n) ? NULL : __real_realloc(old, n);
}

void *
__wrap_reallocarray(void *old, size_t n, size_t size)
{
    return torture_strikes(n) ? NULL : __real_reallocarray(old, n, size);
}

char *
__wrap_strdup(const char *text)
{
    return torture_strikes(0) ? NULL : __real_strdup(text);
}

/* body does its work once and must survive; returns how many allocations were made to fail. */
static inline long
tg_torture(void (*body)(void))
{
    long n = 0;
    for (bool struck = true; struck; n++) {
        atomic_store(&torture_countdown, n + 1);
        body();
        struck = atomic_load(&torture_countdown) == 0;
        atomic_store(&torture_countdown, 0);
    }
    return n - 1;
}

#endif
