/*
 * The fields of a schema as columns could name them: records opened up, "a_b" for b inside a.
 *
 * Flow:      schema -> [flatten] -> derive (columns to make) and plan (columns to match)
 * Ownership: everything in the arena given; borrows the schema
 * Errors:    TG_ERR_TOO_LARGE (nested reuse of named types multiplies fields), TG_ERR_NO_MEMORY
 */
#ifndef TG_AVRO_FLATTEN_INTERNAL_H
#define TG_AVRO_FLATTEN_INTERNAL_H

#include "schema_internal.h"

/* One field, before the fields inside it (pre-order); its own subtree ends before end. */
typedef struct tg_path {
    const char *name;        /* "a_b" */
    const char *dotted;      /* "a.b", for messages */
    tg_names_t aliases;      /* of every field on the way, combined */
    const tg_node_t *node;   /* as declared, so [null, record] too */
    const tg_node_t *record; /* what its children belong to; NULL: a leaf */
    const tg_field_t *field; /* NULL: the top level itself */
    bool nullable;           /* itself or something around it */
    size_t end;
} tg_path_t;

/* A top level that is no record gives one path, "value". A record inside itself is a leaf. */
tg_status_t tg_flatten(const tg_schema_t *schema, tg_arena_t *arena, tg_path_t **ret_paths,
                       size_t *ret_n_paths, tg_error_t *err) TG_MUST_CHECK;

#endif
