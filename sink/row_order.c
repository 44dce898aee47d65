#include "row_order.h"

#include <stdlib.h>

#include "copy_row_internal.h"

/* More switches between chunks than one row in SWITCH_SHARE, or more steps back in time than one in
 * DESCENT_SHARE, is disorder that costs the server more than sorting costs us. */
enum { SWITCH_SHARE = 20, DESCENT_SHARE = 5, MIN_ROWS = 64 };

/* Microseconds from 1970-01-01, where TimescaleDB aligns chunks, to 2000-01-01. */
#define PG_EPOCH_US INT64_C(946684800000000)

#define DAY_US INT64_C(86400000000)

typedef struct {
    int64_t time_pg_us;
    uint32_t start;
    uint32_t n_bytes;
    uint32_t delta;
    uint32_t row; /* its place before, so that equal times stay in order */
    bool late;
} entry_t;

static int64_t
read_time(const uint8_t *data, uint32_t length)
{
    if (length == sizeof(int64_t)) {
        uint64_t value;
        memcpy(&value, data, sizeof value);
        return (int64_t)__builtin_bswap64(value);
    }
    /* A date; NULL and anything else sorts first. */
    return length == sizeof(int32_t) ? (int64_t)(int32_t)tg_copy_row_read32(data) * DAY_US
                                     : INT64_MIN;
}

/* Size and time of the row at data. Our own rows: well-formed. */
static size_t
scan_row(const uint8_t *data, int time_position, int64_t *ret_time_pg_us)
{
    int n_fields = tg_copy_row_n_fields(data);
    size_t at = 2;
    for (int field = 0; field < n_fields; field++) {
        uint32_t length = tg_copy_row_read32(data + at);
        size_t n_bytes = length == UINT32_MAX ? 0 : length;
        if (field == time_position) {
            *ret_time_pg_us = read_time(data + at + sizeof length, length);
        }
        at += sizeof length + n_bytes;
    }
    return at;
}

static int64_t
chunk_of(int64_t time_pg_us, int64_t interval_us)
{
    if (time_pg_us > INT64_MAX - PG_EPOCH_US || time_pg_us == INT64_MIN) {
        return INT64_MAX;
    }
    int64_t unix_us = time_pg_us + PG_EPOCH_US;
    int64_t chunk = unix_us / interval_us;
    return unix_us % interval_us < 0 ? chunk - 1 : chunk;
}

static bool
is_late(int64_t time_pg_us, const tg_chunk_map_t *chunks)
{
    size_t low = 0;
    size_t high = chunks->n_compressed;
    if (high == 0 || time_pg_us >= chunks->compressed[high - 1].end_pg_us) {
        return false; /* nearly every row */
    }
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (time_pg_us >= chunks->compressed[middle].end_pg_us) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < chunks->n_compressed && time_pg_us >= chunks->compressed[low].start_pg_us;
}

static void
look(const tg_buffer_t *rows, size_t n_rows, const tg_chunk_map_t *chunks,
     tg_row_order_facts_t *ret_facts)
{
    tg_row_order_facts_t facts = {0};
    int64_t time_before = INT64_MIN;
    int64_t chunk_before = 0;
    size_t at = 0;
    for (size_t row = 0; row < n_rows; row++) {
        int64_t time_pg_us = INT64_MIN;
        at += scan_row(rows->data + at, chunks->time_position, &time_pg_us);
        int64_t chunk = chunk_of(time_pg_us, chunks->chunk_interval_us);
        if (row > 0) {
            facts.n_descents += time_pg_us < time_before ? 1 : 0;
            facts.n_chunk_switches += chunk != chunk_before ? 1 : 0;
        }
        facts.n_late += is_late(time_pg_us, chunks) ? 1 : 0;
        time_before = time_pg_us;
        chunk_before = chunk;
    }
    *ret_facts = facts;
}

static int
compare_entries(const void *left, const void *right)
{
    const entry_t *a = left;
    const entry_t *b = right;
    if (a->late != b->late) {
        return a->late ? 1 : -1;
    }
    if (a->time_pg_us != b->time_pg_us) {
        return a->time_pg_us < b->time_pg_us ? -1 : 1;
    }
    return a->row < b->row ? -1 : a->row > b->row;
}

static tg_status_t
sort_rows(tg_buffer_t *rows, tg_buffer_t *deltas, size_t n_rows, const tg_chunk_map_t *chunks,
          tg_buffer_t *scratch)
{
    tg_buffer_reset(scratch);
    TG_TRY(tg_buffer_reserve(scratch, rows->n_bytes));
    entry_t *entries = calloc(n_rows, sizeof *entries);
    if (entries == NULL) {
        return TG_ERR_NO_MEMORY;
    }
    size_t at = 0;
    for (size_t row = 0; row < n_rows; row++) {
        entry_t *entry = &entries[row];
        size_t n_bytes = scan_row(rows->data + at, chunks->time_position, &entry->time_pg_us);
        entry->start = (uint32_t)at;
        entry->n_bytes = (uint32_t)n_bytes;
        entry->row = (uint32_t)row;
        entry->late = is_late(entry->time_pg_us, chunks);
        memcpy(&entry->delta, deltas->data + row * sizeof entry->delta, sizeof entry->delta);
        at += n_bytes;
    }
    qsort(entries, n_rows, sizeof *entries, compare_entries);
    for (size_t row = 0; row < n_rows; row++) {
        const entry_t *entry = &entries[row];
        memcpy(scratch->data + scratch->n_bytes, rows->data + entry->start, entry->n_bytes);
        scratch->n_bytes += entry->n_bytes;
        memcpy(deltas->data + row * sizeof entry->delta, &entry->delta, sizeof entry->delta);
    }
    free(entries);
    /* The sorted copy becomes the part's, the part's memory becomes the scratch. */
    const tg_buffer_t sorted = *scratch;
    *scratch = *rows;
    *rows = sorted;
    size_t max_bytes = scratch->max_bytes;
    scratch->max_bytes = rows->max_bytes;
    rows->max_bytes = max_bytes;
    return TG_OK;
}

tg_status_t
tg_row_order_arrange(tg_buffer_t *rows, tg_buffer_t *deltas, size_t n_rows,
                     const tg_chunk_map_t *chunks, tg_buffer_t *scratch,
                     tg_row_order_facts_t *ret_facts)
{
    tg_row_order_facts_t facts = {0};
    if (chunks->time_position >= 0 && chunks->chunk_interval_us > 0 && n_rows > 1) {
        look(rows, n_rows, chunks, &facts);
        bool disordered = n_rows >= MIN_ROWS && (facts.n_chunk_switches > n_rows / SWITCH_SHARE ||
                                                 facts.n_descents > n_rows / DESCENT_SHARE);
        if (disordered && rows->n_bytes <= UINT32_MAX) {
            TG_TRY(sort_rows(rows, deltas, n_rows, chunks, scratch));
            facts.sorted = true;
        }
    }
    *ret_facts = facts;
    return TG_OK;
}
