/*
 * Fixed schemas: the files <name>.avsc of one directory, read once.
 *
 * Flow:      registry.directory -> [directory] -> registered schemas by name
 * Promise:   each file stands for a schema, and serves the others as a reference where they use a
 *            type that it defines; all is checked at the start: unreadable JSON, a type that no
 *            file defines or that two define, files that need each other in a circle
 * Words:     a file named 12.avsc answers for schema id 12, one named like a GUID for that GUID
 * Ownership: what _find gives is borrowed for the directory's life
 * Errors:    TG_ERR_CONFIG, TG_ERR_NO_MEMORY
 * Threads:   any, once open: nothing changes
 */
#ifndef TG_REGISTRY_DIRECTORY_INTERNAL_H
#define TG_REGISTRY_DIRECTORY_INTERNAL_H

#include "registry/schema_cache.h"

typedef struct tg_schema_directory tg_schema_directory_t;

tg_status_t tg_schema_directory_open(const tg_registry_options_t *options,
                                     tg_schema_directory_t **ret_directory,
                                     tg_error_t *err) TG_MUST_CHECK;
void tg_schema_directory_close(tg_schema_directory_t *directory);
TG_DEFINE_FREEP(tg_schema_directory_t, tg_schema_directory_close)

/* NULL: no such schema. */
const tg_registered_schema_t *tg_schema_directory_find(const tg_schema_directory_t *directory,
                                                       const tg_schema_key_t *key);

size_t tg_schema_directory_count(const tg_schema_directory_t *directory);

#endif
