/*
 * One schema as the bytes of a file; knows no file system.
 *
 * Format:    "tidegate-schema 1 <key> <bytes of the body> <checksum of the body, hex>\n" and the
 *            body: {"schema": "...", "references": ["...", ...]}
 * Errors:    TG_ERR_INVALID (not a file for this key, or damaged), TG_ERR_NO_MEMORY, TG_ERR_FULL
 * Threads:   any; no state
 */
#ifndef TG_REGISTRY_DISK_FORMAT_INTERNAL_H
#define TG_REGISTRY_DISK_FORMAT_INTERNAL_H

#include "base/buffer.h"
#include "registry/schema_cache.h"

/* "id-12", "guid-01234567-...", "global-3": part of the file's name and of its first line. */
#define TG_DISK_NAME_BYTES 64
const char *tg_disk_format_name(const tg_schema_key_t *key, char name[TG_DISK_NAME_BYTES]);

/* Appends to file. */
tg_status_t tg_disk_format_write(const tg_schema_key_t *key, const tg_registered_schema_t *schema,
                                 tg_buffer_t *file) TG_MUST_CHECK;

/* *ret_schema is owned. */
tg_status_t tg_disk_format_read(const tg_schema_key_t *key, tg_bytes_t file,
                                tg_registered_schema_t **ret_schema) TG_MUST_CHECK;

#endif
