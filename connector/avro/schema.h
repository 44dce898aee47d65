/*
 * A writer schema as a model of our own: what avro-c drops (logical types, defaults, aliases,
 * properties) is kept.
 *
 * Flow:      schema text -> [schema] -> derive (table) and decode plan (row)
 * Promise:   the schema is valid Avro (avro-c has seen it, unless it is recursive); named types are
 *            resolved, also across references and in recursion; depth, nodes and text have ceilings
 * Source:    Apache Avro specification 1.11/1.12, "Schema Declaration", "Logical Types", "Aliases"
 * Ownership: _new gives shared (refcount: _ref/_unref), immutable
 * Errors:    TG_ERR_INVALID, TG_ERR_TOO_LARGE (poison), TG_ERR_NO_MEMORY
 * Threads:   any, once made
 */
#ifndef TG_AVRO_SCHEMA_H
#define TG_AVRO_SCHEMA_H

#include "base/bytes.h"
#include "base/error.h"

typedef struct tg_schema tg_schema_t;

/* references: complete schema texts of named types used by text, each after those it needs; may be
 * NULL, 0. */
tg_status_t tg_schema_new(const char *text, const char *const *references, size_t n_references,
                          tg_schema_t **ret_schema, tg_error_t *err) TG_MUST_CHECK;
tg_schema_t *tg_schema_ref(tg_schema_t *schema);
void tg_schema_unref(tg_schema_t *schema);
TG_DEFINE_FREEP(tg_schema_t, tg_schema_unref)

/* The full name of the top-level record ("com.acme.Reading"); "" when the top level has no name. */
const char *tg_schema_name(const tg_schema_t *schema);

/* A string property of the top-level record such as "tidegate.time"; NULL: none. */
const char *tg_schema_property(const tg_schema_t *schema, const char *name);

#endif
