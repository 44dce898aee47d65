/*
 * What a registry's JSON says: a schema with its references, or an error.
 *
 * Flow:      body of a reply -> [answer] -> resolution (schema), verdict (error)
 * Source:    Confluent GET /schemas/ids, /schemas/guids, /subjects/../versions; Apicurio
 *            /apis/registry/v2 ../references; contracts.md section 2. A missing schemaType is Avro
 * Ownership: the parts of an answer live in the arena that was given
 * Errors:    TG_ERR_INVALID (not the JSON that this API gives), TG_ERR_UNSUPPORTED (not Avro),
 *            TG_ERR_TOO_LARGE (too many references), TG_ERR_NO_MEMORY
 * Threads:   any; no state
 */
#ifndef TG_REGISTRY_ANSWER_INTERNAL_H
#define TG_REGISTRY_ANSWER_INTERNAL_H

#include "base/arena.h"
#include "base/bytes.h"
#include "base/error.h"

enum { TG_ANSWER_MAX_REFERENCES = 256 };

/* Where a referenced schema is kept. */
typedef struct tg_reference {
    const char *group;   /* Apicurio's group id; "default" where nothing else is said */
    const char *subject; /* Apicurio's artifact id */
    const char *version;
} tg_reference_t;

typedef struct tg_answer {
    const char *schema;
    const tg_reference_t *references;
    size_t n_references;
} tg_answer_t;

/* {"schema": "...", "schemaType": "AVRO", "references": [{"name", "subject", "version"}]} */
tg_status_t tg_answer_parse(tg_bytes_t body, tg_arena_t *arena, tg_answer_t *ret_answer,
                            tg_error_t *err) TG_MUST_CHECK;

/* Apicurio's own API: the body is the schema itself. Fills schema only. */
tg_status_t tg_answer_parse_native_schema(tg_bytes_t body, tg_arena_t *arena,
                                          tg_answer_t *ret_answer, tg_error_t *err) TG_MUST_CHECK;

/* [{"groupId", "artifactId", "version", "name"}]. Fills references only. */
tg_status_t tg_answer_parse_native_references(tg_bytes_t body, tg_arena_t *arena,
                                              tg_answer_t *ret_answer,
                                              tg_error_t *err) TG_MUST_CHECK;

/* An error body, made fit for one line of a message. */
typedef struct tg_answer_error {
    bool is_json; /* an object with an error_code */
    int64_t code;
    char name[64];     /* Apicurio's class of error; "" when none */
    char message[256]; /* "" when none */
} tg_answer_error_t;

/* Cannot fail: what is not there stays empty. */
void tg_answer_parse_error(tg_bytes_t body, tg_answer_error_t *ret_error);

/* A JSON array of texts; *ret_found: one of them is wanted. False: something else. */
bool tg_answer_parse_list(tg_bytes_t body, const char *wanted, bool *ret_found);

#endif
