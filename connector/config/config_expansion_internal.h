/*
 * ${env:NAME} and ${file:/path} inside a value.
 *
 * Promise:   what comes out is not expanded again; ${topic} and the like stay as they are
 * Limits:    64 KiB per file and per value
 * Errors:    TG_ERR_CONFIG (the text names the variable or the file, never a content),
 *            TG_ERR_NO_MEMORY
 */
#ifndef TG_CONFIG_EXPANSION_INTERNAL_H
#define TG_CONFIG_EXPANSION_INTERNAL_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/error.h"

typedef struct tg_config_expanded {
    const char *text; /* in the arena */
    bool changed;     /* something came from outside: do not repeat the value in a message */
} tg_config_expanded_t;

tg_status_t tg_config_expansion_apply(const char *text, char *const *environment, tg_arena_t *arena,
                                      tg_config_expanded_t *ret_expanded,
                                      tg_error_t *err) TG_MUST_CHECK;

/* The value of a variable; NULL: it is not set. */
const char *tg_config_expansion_variable(char *const *environment, const char *name, size_t n_name);

#endif
