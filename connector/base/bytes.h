/*
 * A view of bytes that somebody else owns, and the cleanup helpers for what we own.
 *
 * Ownership: a tg_bytes_t is borrowed; how long it is valid is said where it is handed out
 */
#ifndef TG_BASE_BYTES_H
#define TG_BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef struct tg_bytes {
    const uint8_t *data; /* NULL means absent (a Kafka null), which is not the same as empty */
    size_t n_bytes;
} tg_bytes_t;

static inline tg_bytes_t
tg_bytes_of(const void *data, size_t n_bytes)
{
    return (tg_bytes_t){.data = data, .n_bytes = n_bytes};
}

static inline tg_bytes_t
tg_bytes_of_text(const char *text)
{
    return (tg_bytes_t){.data = (const uint8_t *)text, .n_bytes = text != NULL ? strlen(text) : 0};
}

static inline bool
tg_bytes_equal(tg_bytes_t a, tg_bytes_t b)
{
    return a.n_bytes == b.n_bytes && (a.n_bytes == 0 || memcmp(a.data, b.data, a.n_bytes) == 0);
}

/* TG_CLEANUP(tg_x_freep) tg_x_t *x = NULL; frees at the end of the scope; TG_STEAL(x) hands over.
 */
#define TG_CLEANUP(function) __attribute__((cleanup(function)))
#define TG_STEAL(pointer)                                                                          \
    __extension__({                                                                                \
        __typeof__(pointer) stolen_ = (pointer);                                                   \
        (pointer) = NULL;                                                                          \
        stolen_;                                                                                   \
    })
#define TG_DEFINE_FREEP(type, free_function)                                                       \
    static inline void free_function##p(type **pointer)                                            \
    {                                                                                              \
        free_function(*pointer);                                                                   \
        *pointer = NULL;                                                                           \
    }

#define TG_COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

#endif
