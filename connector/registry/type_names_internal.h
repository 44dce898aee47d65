/*
 * Which named types an Avro schema defines, and which it uses without defining them.
 *
 * Flow:      schema JSON -> [type names] -> directory
 * Source:    Avro specification, "Names": a name without a dot belongs to the namespace around it;
 *            the attribute "namespace" sets it; a dotted name carries its own
 * Ownership: the names live in the arena that was given
 * Errors:    TG_ERR_INVALID (no schema), TG_ERR_TOO_LARGE (depth or number), TG_ERR_NO_MEMORY
 * Threads:   any; no state
 */
#ifndef TG_REGISTRY_TYPE_NAMES_INTERNAL_H
#define TG_REGISTRY_TYPE_NAMES_INTERNAL_H

#include "base/arena.h"
#include "base/bytes.h"
#include "base/error.h"

enum { TG_TYPE_NAMES_MAX = 1024 };

typedef struct tg_name_list {
    const char *names[TG_TYPE_NAMES_MAX]; /* full names, each once */
    size_t count;
} tg_name_list_t;

typedef struct tg_type_names {
    tg_name_list_t defined;
    tg_name_list_t used; /* not defined in the same schema */
} tg_type_names_t;

/* Fills *ret_names (large: not for the stack of a small thread). */
tg_status_t tg_type_names_find(const char *schema, tg_arena_t *arena, tg_type_names_t *ret_names,
                               tg_error_t *err) TG_MUST_CHECK;

bool tg_name_list_has(const tg_name_list_t *list, const char *name);

#endif
