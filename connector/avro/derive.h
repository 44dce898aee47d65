/*
 * The columns that a schema asks for: what a table would have that holds its records.
 *
 * Flow:      schema -> [derive] -> column proposals -> table plan (CREATE TABLE, ADD COLUMN)
 * Source:    decimal -> numeric(p,s), uuid -> uuid, date -> date, time-* -> time, timestamp-* ->
 *            timestamptz, local-timestamp-* -> timestamp, duration -> interval, enum -> text,
 *            bytes/fixed -> bytea, map -> jsonb, array of a scalar -> its array type, other array
 *            -> jsonb, record -> flattened "a_b" (or jsonb; a record inside itself always),
 *            [null, X] -> X nullable, general union -> jsonb
 * Errors:    TG_ERR_UNSUPPORTED (two fields for one column, a name beyond 63 bytes, more than
 *            1600 columns), TG_ERR_TOO_LARGE, TG_ERR_NO_MEMORY
 * Threads:   any
 */
#ifndef TG_AVRO_DERIVE_H
#define TG_AVRO_DERIVE_H

#include <stdbool.h>

#include "avro/schema.h"

typedef enum tg_nested_mode {
    TG_NESTED_FLATTEN, /* record field a.b becomes column a_b */
    TG_NESTED_JSONB,   /* record field a becomes one jsonb column */
} tg_nested_mode_t;

typedef struct tg_derived_column {
    const char *name;           /* "a_b" */
    const char *const *aliases; /* of the field, flattened the same way */
    size_t n_aliases;
    const char *type_sql; /* "numeric(10,2)", "timestamp with time zone", "double precision[]" */
    bool nullable;
    bool is_time;    /* timestamp, date or long that can be a time dimension */
    const char *doc; /* NULL: none */
} tg_derived_column_t;

typedef struct tg_derived_table tg_derived_table_t;

/* A top level that is no record (bytes, a primitive, a union) gives the one column "value". */
tg_status_t tg_derive_table(const tg_schema_t *schema, tg_nested_mode_t nested,
                            tg_derived_table_t **ret_table, tg_error_t *err) TG_MUST_CHECK;
void tg_derived_table_free(tg_derived_table_t *table);
TG_DEFINE_FREEP(tg_derived_table_t, tg_derived_table_free)

size_t tg_derived_table_n_columns(const tg_derived_table_t *table);
/* Borrowed for the table's life. */
const tg_derived_column_t *tg_derived_table_column(const tg_derived_table_t *table, size_t index);

#endif
