/*
 * What the program is made of, for `tidegate version`.
 *
 * Threads:   any
 */
#ifndef TG_RUNTIME_VERSIONS_H
#define TG_RUNTIME_VERSIONS_H

#include <stddef.h>

typedef struct tg_version {
    const char *name;
    const char *version;
} tg_version_t;

/* The program first. Borrowed for ever. */
const tg_version_t *tg_versions(size_t *ret_n);

#endif
