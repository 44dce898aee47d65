/*
 * The frame of PostgreSQL's COPY BINARY format: what stands around the rows, and where one ends.
 *
 *   header (19 bytes) | row | row | ... | trailer (2 bytes)
 *   row: int16 field count, then per field int32 length (-1: NULL) and the bytes; big-endian
 *
 * Source:    PostgreSQL documentation, COPY, "Binary Format"
 * Errors:    of tg_buffer_append
 * Threads:   any
 */
#ifndef TG_AVRO_COPY_FORMAT_H
#define TG_AVRO_COPY_FORMAT_H

#include "base/buffer.h"

enum { TG_COPY_HEADER_BYTES = 19, TG_COPY_TRAILER_BYTES = 2 };

tg_status_t tg_copy_put_header(tg_buffer_t *out) TG_MUST_CHECK;
tg_status_t tg_copy_put_trailer(tg_buffer_t *out) TG_MUST_CHECK;

/* Size of the first row in rows (which starts at a row, not at the header), so that a run of rows
 * can be split; 0: empty, the trailer, or not one whole well-formed row. */
size_t tg_copy_row_bytes(tg_bytes_t rows);

#endif
