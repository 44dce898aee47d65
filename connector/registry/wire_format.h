/*
 * Which writer schema a record names, and where its Avro body begins.
 *
 * Flow:      record -> [wire format] -> schema key + body -> schema cache
 * Source:    Confluent SchemaId (V0: 0x00, int32 big-endian id; V1: 0x01, 16-byte GUID; header
 *            __value_schema_id / __key_schema_id holds either, payload then un-prefixed); Apicurio
 *            headers apicurio.value.contentId / .globalId (8-byte big-endian), payload un-prefixed
 * Promise:   a header wins over a prefix; a header without value counts as absent; what a header
 *            holds behind its id is ignored (as Confluent's readers do)
 * Errors:    TG_ERR_TRUNCATED, TG_ERR_INVALID (unknown magic byte, negative id),
 *            TG_ERR_UNSUPPORTED (a JSON body): poison
 * Threads:   any; no state
 */
#ifndef TG_REGISTRY_WIRE_FORMAT_H
#define TG_REGISTRY_WIRE_FORMAT_H

#include <stdbool.h>

#include "base/bytes.h"
#include "base/error.h"

typedef enum tg_schema_key_kind {
    TG_SCHEMA_KEY_ID,        /* Confluent id (Apicurio's content id on its compatible API) */
    TG_SCHEMA_KEY_GUID,      /* Confluent GUID */
    TG_SCHEMA_KEY_GLOBAL_ID, /* Apicurio global id */
    TG_SCHEMA_KEY_NAME, /* a fixed schema of the schema directory, by file name without .avsc */
} tg_schema_key_kind_t;

typedef struct tg_schema_key {
    tg_schema_key_kind_t kind;
    int64_t id;       /* _ID, _GLOBAL_ID */
    uint8_t guid[16]; /* _GUID */
    const char *name; /* _NAME; borrowed */
} tg_schema_key_t;

/* How to look up a header of the record at hand: the last one of that name; false: none. */
typedef struct tg_header_lookup {
    bool (*find)(const void *arg, const char *name, tg_bytes_t *ret_value);
    const void *arg;
} tg_header_lookup_t;

/* value must not be absent (a tombstone has no schema). is_key: look at key headers instead of
 * value headers. headers may be NULL: none. *ret_body is a part of value. */
tg_status_t tg_wire_format_parse(tg_bytes_t value, bool is_key, const tg_header_lookup_t *headers,
                                 tg_schema_key_t *ret_key, tg_bytes_t *ret_body,
                                 tg_error_t *err) TG_MUST_CHECK;

/* Enough for the text of every id and GUID; longer names are cut. */
#define TG_SCHEMA_KEY_TEXT_BYTES 96

/* "schema id 12", "schema 01234567-89ab-...", for messages. Returns text. */
const char *tg_schema_key_text(const tg_schema_key_t *key, char *text, size_t n_bytes);

/* The GUID as the registry writes it: 01234567-89ab-cdef-0123-456789abcdef. */
#define TG_GUID_TEXT_BYTES 37
const char *tg_schema_key_guid_text(const uint8_t guid[16], char text[TG_GUID_TEXT_BYTES]);

bool tg_schema_key_equal(const tg_schema_key_t *a, const tg_schema_key_t *b);

#endif
