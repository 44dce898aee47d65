/*
 * "schema.table" as people write it in a configuration, taken apart.
 *
 * Promise:   each part means exactly what is written, no folding to lower case, so that a topic's
 *            name can be a table's; a part with a dot or a quote in it is written in double quotes
 */
#ifndef TG_DATABASE_OBJECT_NAME_H
#define TG_DATABASE_OBJECT_NAME_H

#include "base/buffer.h"
#include "base/error.h"

enum { TG_IDENTIFIER_MAX_BYTES = 63 };

typedef struct tg_object_name {
    char schema[TG_IDENTIFIER_MAX_BYTES + 1];
    char table[TG_IDENTIFIER_MAX_BYTES + 1];
} tg_object_name_t;

/* Without a schema: public. TG_ERR_CONFIG says what is wrong with the name. */
tg_status_t tg_object_name_parse(const char *text, tg_object_name_t *ret_name,
                                 tg_error_t *err) TG_MUST_CHECK;

/* Appends "schema"."table", quoted for SQL. */
tg_status_t tg_object_name_append(const tg_object_name_t *name, tg_buffer_t *sql) TG_MUST_CHECK;

#endif
