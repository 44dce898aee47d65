/*
 * What avro-c makes of a schema and a body: the oracle for raw values, and the one to be faster
 * than.
 *
 * Ownership: _new gives owned; json_t values are owned by the caller; encoded bytes are borrowed
 * until the next _encode
 */
#ifndef TG_AVRO_ORACLE_H
#define TG_AVRO_ORACLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

typedef struct avro_oracle avro_oracle_t;

/* NULL: avro-c does not take the schema. */
avro_oracle_t *avro_oracle_new(const char *schema_text);
void avro_oracle_free(avro_oracle_t *oracle);

/* Decodes a body with the generic reader into a value that is used again and again. */
bool avro_oracle_read(avro_oracle_t *oracle, const uint8_t *body, size_t n_bytes);

/* Fills the value at random (xorshift state, never 0) and encodes it with the generic writer. */
bool avro_oracle_encode_random(avro_oracle_t *oracle, uint64_t *random, const uint8_t **ret_body,
                               size_t *ret_n_bytes);

/* Field i of the value last read or made up, as our JSON writer should show it: bytes and fixed in
 * base64, NaN and infinities as words, unions as their value, or {"branch": value} where two
 * branches look alike. */
json_t *avro_oracle_field(avro_oracle_t *oracle, size_t index);

/* What avro-c says of its last failure. */
const char *avro_oracle_error(void);

/* xorshift64* */
uint64_t avro_oracle_random(uint64_t *random);

#endif
