/*
 * Schemas on disk, so that a restart needs no registry.
 *
 * Flow:      schema cache -> [disk cache] -> <cache_directory>/<hash of the URLs>/id-12.schema
 * Promise:   a file is there whole or not at all (temporary name, fsync, rename); what is torn or
 *            foreign is not believed (magic, key, length, checksum) and fetched again; files are
 *            0600 in a directory of 0700; number and size of files have ceilings; several processes
 *            may share a directory
 * Format:    one line "tidegate-schema 1 <key> <bytes> <checksum>", then {"schema", "references"}
 * Errors:    TG_ERR_NOT_FOUND (nothing that can be believed), TG_ERR_IO, TG_ERR_FULL,
 *            TG_ERR_NO_MEMORY; TG_ERR_CONFIG from _open
 * Threads:   any: no state changes but the file system and one counter
 */
#ifndef TG_REGISTRY_DISK_CACHE_INTERNAL_H
#define TG_REGISTRY_DISK_CACHE_INTERNAL_H

#include "registry/schema_cache.h"

typedef struct tg_disk_cache tg_disk_cache_t;

/* Makes the directories; their parent must be there. */
tg_status_t tg_disk_cache_open(const tg_registry_options_t *options, tg_disk_cache_t **ret_cache,
                               tg_error_t *err) TG_MUST_CHECK;
void tg_disk_cache_close(tg_disk_cache_t *cache);
TG_DEFINE_FREEP(tg_disk_cache_t, tg_disk_cache_close)

/* *ret_schema is owned. *ret_damaged: there was a file, but not one to believe. */
tg_status_t tg_disk_cache_load(tg_disk_cache_t *cache, const tg_schema_key_t *key,
                               tg_registered_schema_t **ret_schema, bool *ret_damaged,
                               tg_error_t *err) TG_MUST_CHECK;

tg_status_t tg_disk_cache_store(tg_disk_cache_t *cache, const tg_schema_key_t *key,
                                const tg_registered_schema_t *schema,
                                tg_error_t *err) TG_MUST_CHECK;

#endif
