/*
 * The hot path: Avro bytes to COPY BINARY bytes, by a flat array of steps, without a value tree.
 *
 * Flow:      writer schema + columns -> _new (once); record body -> _decode (each) -> row in a
 *            tg_buffer_t
 * Promise:   no allocation per record; the output is exactly one COPY BINARY tuple (int16 field
 *            count, then int32 length and bytes per column, in the order of the columns given), or
 *            nothing: on failure the buffer is as it was. Hostile input is rejected without a
 *            crash, an overflow or unbounded memory or time.
 * Matching:  a column takes the field of its name, then of one of its aliases, then a field that
 *            has the column's name among the field's own aliases; a field feeds one column. A
 *            column without a field gets its constant default (already a binary value), else NULL;
 *            fields without a column are skipped. Nested records match "a_b" unless a column "a"
 *            of type json, jsonb or text takes the record whole.
 * Source:    Avro specification "Binary Encoding"; PostgreSQL's COPY BINARY format and the types'
 *            _recv functions. The conversions are the table in plan_convert.c and the README.
 * Errors:    _new: TG_ERR_MISMATCH (schema and columns do not fit; names field, Avro type, column,
 *            PostgreSQL type and what would fit), TG_ERR_UNSUPPORTED, TG_ERR_TOO_LARGE.
 *            _decode: TG_ERR_TRUNCATED, TG_ERR_TRAILING, TG_ERR_INVALID, TG_ERR_OUT_OF_RANGE,
 *            TG_ERR_TOO_LARGE (all poison; the text names the column, never a value), TG_ERR_FULL
 *            (the row fits an empty buffer, but not this one), TG_ERR_NO_MEMORY
 * Threads:   a plan belongs to one writer (it has scratch space)
 */
#ifndef TG_AVRO_DECODE_PLAN_H
#define TG_AVRO_DECODE_PLAN_H

#include <stdbool.h>

#include "avro/schema.h"
#include "base/buffer.h"

/* The column as the table has it. Type OIDs are PostgreSQL's fixed ones (pg_type.dat); enums and
 * domains are passed by their binary base: an enum as text, a domain as its base type. */
typedef struct tg_plan_column {
    const char *name;
    const char *const *aliases;
    size_t n_aliases;
    uint32_t type_oid;
    int32_t
        type_modifier; /* -1: none; numeric precision and scale, varchar length, time precision */
    bool not_null;
    const tg_bytes_t
        *default_value; /* binary value for a field that the schema lacks; NULL: NULL */
} tg_plan_column_t;

typedef enum tg_text_nul_policy {
    TG_TEXT_NUL_REJECT, /* U+0000 in text poisons the record (PostgreSQL cannot store it) */
    TG_TEXT_NUL_STRIP,
} tg_text_nul_policy_t;

typedef struct tg_decode_options {
    tg_text_nul_policy_t nul_policy;
    size_t max_row_bytes; /* ceiling on one encoded row; 0: 64 MiB */
    int max_depth;        /* ceiling on nesting in values (recursive schemas); 0: 64, at most 512 */
} tg_decode_options_t;

typedef struct tg_decode_plan tg_decode_plan_t;

tg_status_t tg_decode_plan_new(tg_schema_t *schema, const tg_plan_column_t *columns,
                               size_t n_columns, const tg_decode_options_t *options,
                               tg_decode_plan_t **ret_plan, tg_error_t *err) TG_MUST_CHECK;
void tg_decode_plan_free(tg_decode_plan_t *plan);
TG_DEFINE_FREEP(tg_decode_plan_t, tg_decode_plan_free)

/* Appends one row to out. ret_time_pg_us (may be NULL): the value of the column set by _watch_time,
 * for freshness and chunk grouping. */
tg_status_t tg_decode_plan_decode(tg_decode_plan_t *plan, tg_bytes_t body, tg_buffer_t *out,
                                  tg_error_t *err) TG_MUST_CHECK;

/* Notes which column is the time column (index into columns); -1: none. */
void tg_decode_plan_watch_time(tg_decode_plan_t *plan, int column);

/* Of the last row decoded: microseconds since 2000-01-01 (dates are scaled); INT64_MIN: NULL or not
 * a time. */
int64_t tg_decode_plan_last_time_pg_us(const tg_decode_plan_t *plan);

/* Values that lost precision on the way (nanoseconds to microseconds), since _new. */
uint64_t tg_decode_plan_n_truncated_nanos(const tg_decode_plan_t *plan);

/* The order of columns that lets this schema be written without reordering: schema order first,
 * then the rest. order[i] is an index into columns. For the table plan, which chooses the COPY
 * column list. */
tg_status_t tg_decode_plan_preferred_order(tg_schema_t *schema, const tg_plan_column_t *columns,
                                           size_t n_columns, size_t *ret_order,
                                           tg_error_t *err) TG_MUST_CHECK;

/* Which columns this schema has a field for (ret_matched[i] for columns[i]), by the same matching
 * as _new, and without looking at types. For the table plan: columns that no schema fills are left
 * out of the COPY, so that server-side defaults work. */
tg_status_t tg_decode_plan_match(tg_schema_t *schema, const tg_plan_column_t *columns,
                                 size_t n_columns, bool *ret_matched,
                                 tg_error_t *err) TG_MUST_CHECK;

#endif
