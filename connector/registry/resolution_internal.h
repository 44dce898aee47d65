/*
 * From a schema to all schemas that it needs, each after those that it needs itself.
 *
 * Flow:      answer -> [resolution] -> registered schema
 * Promise:   depth-first; a reference that is needed twice is fetched and listed once; cycles are
 *            refused; depth, number and bytes have ceilings
 * Errors:    TG_ERR_INVALID (cycle), TG_ERR_TOO_LARGE (a ceiling), TG_ERR_NO_MEMORY, and what the
 *            source says, with the reference's name in front
 * Threads:   any; no state
 */
#ifndef TG_REGISTRY_RESOLUTION_INTERNAL_H
#define TG_REGISTRY_RESOLUTION_INTERNAL_H

#include "answer_internal.h"
#include "registry/schema_cache.h"

enum { TG_RESOLUTION_MAX_DEPTH = 16 };

/* Where references come from: the client, or a table in a test. */
typedef struct tg_reference_source {
    tg_status_t (*fetch)(void *arg, const tg_reference_t *reference, tg_arena_t *arena,
                         tg_answer_t *ret_answer, tg_error_t *err);
    void *arg;
} tg_reference_source_t;

/* *ret_schema is owned (tg_registered_schema_free). */
tg_status_t tg_resolution_run(const tg_reference_source_t *source, const tg_answer_t *root,
                              tg_arena_t *arena, size_t max_bytes,
                              tg_registered_schema_t **ret_schema, tg_error_t *err) TG_MUST_CHECK;

#endif
