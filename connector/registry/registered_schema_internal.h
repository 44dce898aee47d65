/*
 * A schema text with its references, in one piece of memory that one free gives back.
 *
 * Ownership: _new gives owned
 */
#ifndef TG_REGISTRY_REGISTERED_SCHEMA_INTERNAL_H
#define TG_REGISTRY_REGISTERED_SCHEMA_INTERNAL_H

#include "registry/schema_cache.h"

/* Copies the texts. NULL: no memory. */
tg_registered_schema_t *tg_registered_schema_new(const char *text, const char *const *references,
                                                 size_t n_references);
void tg_registered_schema_free(tg_registered_schema_t *schema);
TG_DEFINE_FREEP(tg_registered_schema_t, tg_registered_schema_free)

/* All memory that it takes. */
size_t tg_registered_schema_bytes(const tg_registered_schema_t *schema);

#endif
