/*
 * All that the room asks of avro-c. Its <avro/schema.h> has the name of our own front door
 * "avro/schema.h", so that the one file which speaks it is built without that door.
 */
#ifndef TG_AVRO_AVRO_C_INTERNAL_H
#define TG_AVRO_AVRO_C_INTERNAL_H

#include <stddef.h>

#include "base/error.h"

/* TG_ERR_INVALID with avro-c's own words when it does not take the schema. */
tg_status_t tg_avro_c_accepts(const char *text, size_t n_bytes, tg_error_t *err) TG_MUST_CHECK;

#endif
