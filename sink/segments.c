#include "segments.h"

#include <stdlib.h>

#include "copy_row_internal.h"

/* At least four places per segment that may be seen: probes stay short. */
enum { PLACES_PER_SEGMENT = 4, MIN_PLACES = 64 };

/* FNV-1a, 64 bits: two segments that collide count as one, which errs by a hair towards "full". */
static uint64_t
hash_bytes(uint64_t hash, const uint8_t *data, size_t n_bytes)
{
    for (size_t i = 0; i < n_bytes; i++) {
        hash = (hash ^ data[i]) * UINT64_C(0x100000001b3);
    }
    return hash;
}

/* Hashes the segment columns of the row at data and sets *ret_n_bytes to its size. Our own rows:
 * well-formed. */
static uint64_t
hash_row(const uint8_t *data, const tg_segment_columns_t *columns, size_t *ret_n_bytes)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    int n_fields = tg_copy_row_n_fields(data);
    size_t at = sizeof(uint16_t);
    for (int field = 0; field < n_fields; field++) {
        uint32_t length = tg_copy_row_read32(data + at);
        size_t n_bytes = length == UINT32_MAX ? 0 : length;
        for (size_t i = 0; i < columns->n; i++) {
            if (columns->positions[i] == field) {
                hash = hash_bytes(hash, data + at, sizeof length + n_bytes);
            }
        }
        at += sizeof length + n_bytes;
    }
    *ret_n_bytes = at;
    return hash == 0 ? 1 : hash; /* 0 marks an empty place */
}

/* True when the hash was not there. */
static bool
place(uint64_t *places, size_t n_places, uint64_t hash)
{
    size_t at = hash & (n_places - 1);
    while (places[at] != 0 && places[at] != hash) {
        at = (at + 1) & (n_places - 1);
    }
    bool is_new = places[at] == 0;
    places[at] = hash;
    return is_new;
}

bool
tg_segments_are_full(tg_bytes_t rows, size_t n_rows, const tg_segment_columns_t *columns,
                     size_t min_rows)
{
    size_t max_segments = n_rows / min_rows;
    if (columns->n == 0 || max_segments == 0) {
        return max_segments > 0;
    }
    size_t n_places = MIN_PLACES;
    while (n_places < max_segments * PLACES_PER_SEGMENT) {
        n_places *= 2;
    }
    uint64_t *places = calloc(n_places, sizeof *places);
    size_t n_segments = 0;
    size_t at = 0;
    for (size_t row = 0; places != NULL && row < n_rows && n_segments <= max_segments; row++) {
        size_t n_bytes = 0;
        uint64_t hash = hash_row(rows.data + at, columns, &n_bytes);
        n_segments += place(places, n_places, hash) ? 1 : 0;
        at += n_bytes;
    }
    bool full = places != NULL && n_segments <= max_segments;
    free(places);
    return full;
}
