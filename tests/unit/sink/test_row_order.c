// links: sink config avro database
#include "row_order.h"
#include "tg_test.h"

#define HOUR_US INT64_C(3600000000)
#define DAY_US  (24 * HOUR_US)

typedef struct {
    tg_buffer_t rows;
    tg_buffer_t deltas;
    tg_buffer_t scratch;
    size_t n_rows;
} part_t;

static void
part_init(part_t *part)
{
    part->n_rows = 0;
    tg_buffer_init(&part->rows, 1 << 20);
    tg_buffer_init(&part->deltas, 1 << 20);
    tg_buffer_init(&part->scratch, 2 << 20);
}

static void
part_done(part_t *part)
{
    tg_buffer_done(&part->rows);
    tg_buffer_done(&part->deltas);
    tg_buffer_done(&part->scratch);
}

/* A row of two columns: a text of n bytes, and a time. */
static void
put_row(part_t *part, int64_t time_pg_us, uint32_t n)
{
    uint8_t row[64] = {0, 2, 0, 0, 0, (uint8_t)n};
    memset(row + 6, 'a' + (int)n, n);
    row[6 + n + 3] = 8;
    uint64_t big = __builtin_bswap64((uint64_t)time_pg_us);
    memcpy(row + 10 + n, &big, sizeof big);
    uint32_t delta = (uint32_t)part->n_rows;
    assert_int_equal(tg_buffer_append(&part->rows, row, 18 + n), TG_OK);
    assert_int_equal(tg_buffer_append(&part->deltas, &delta, sizeof delta), TG_OK);
    part->n_rows++;
}

static void
read_row(const part_t *part, size_t *at, int64_t *ret_time_pg_us, uint32_t *ret_n)
{
    const uint8_t *row = part->rows.data + *at;
    *ret_n = row[5];
    for (uint32_t i = 0; i < *ret_n; i++) {
        assert_int_equal(row[6 + i], 'a' + *ret_n);
    }
    uint64_t big;
    memcpy(&big, row + 10 + *ret_n, sizeof big);
    *ret_time_pg_us = (int64_t)__builtin_bswap64(big);
    *at += 18 + *ret_n;
}

static void
row_order_of_rows_in_order_leaves_them_alone(void **state)
{
    (void)state;
    part_t part;
    part_init(&part);
    for (int i = 0; i < 1000; i++) {
        put_row(&part, i * HOUR_US - (i % 200 == 199 ? HOUR_US * 3 / 2 : 0), 3);
    }
    const uint8_t *before = part.rows.data;
    const tg_chunk_map_t chunks = {.time_position = 1, .chunk_interval_us = 7 * DAY_US};
    tg_row_order_facts_t facts;
    assert_int_equal(
        tg_row_order_arrange(&part.rows, &part.deltas, part.n_rows, &chunks, &part.scratch, &facts),
        TG_OK);
    assert_false(facts.sorted);
    assert_ptr_equal(part.rows.data, before);
    assert_int_equal(facts.n_descents, 5);
    assert_int_equal(part.scratch.capacity, 0);
    part_done(&part);
}

static void
row_order_of_scattered_rows_sorts_them_with_their_offsets(void **state)
{
    (void)state;
    part_t part;
    part_init(&part);
    int64_t times[1000];
    uint32_t random = 7;
    for (int i = 0; i < 1000; i++) {
        random = random * 1664525 + 1013904223;
        times[i] = (int64_t)(random >> 12) % 500 * HOUR_US - 100 * DAY_US;
        put_row(&part, times[i], (uint32_t)i % 11);
    }
    const tg_chunk_map_t chunks = {.time_position = 1, .chunk_interval_us = DAY_US};
    tg_row_order_facts_t facts;
    assert_int_equal(
        tg_row_order_arrange(&part.rows, &part.deltas, part.n_rows, &chunks, &part.scratch, &facts),
        TG_OK);
    assert_true(facts.sorted);
    bool seen[1000] = {false};
    size_t at = 0;
    int64_t time_before = INT64_MIN;
    uint32_t delta_before = 0;
    for (size_t row = 0; row < 1000; row++) {
        int64_t time_pg_us;
        uint32_t n;
        uint32_t delta;
        read_row(&part, &at, &time_pg_us, &n);
        memcpy(&delta, part.deltas.data + row * sizeof delta, sizeof delta);
        assert_true(delta < 1000 && !seen[delta]);
        seen[delta] = true;
        assert_int_equal(time_pg_us, times[delta]);
        assert_int_equal(n, delta % 11);
        assert_true(time_pg_us > time_before ||
                    (time_pg_us == time_before && delta > delta_before));
        time_before = time_pg_us;
        delta_before = delta;
    }
    assert_int_equal(at, part.rows.n_bytes);
    assert_int_equal(part.rows.max_bytes, 1 << 20);
    assert_int_equal(part.scratch.max_bytes, 2 << 20);
    part_done(&part);
}

static void
row_order_puts_rows_of_compressed_chunks_last_and_counts_them(void **state)
{
    (void)state;
    part_t part;
    part_init(&part);
    for (int i = 0; i < 400; i++) {
        put_row(&part, i % 4 == 3 ? (i % 8 == 3 ? 2 : 4) * DAY_US + i : 20 * DAY_US + i, 1);
    }
    static const tg_chunk_range_t COMPRESSED[] = {
        {0, DAY_US}, {2 * DAY_US, 3 * DAY_US}, {5 * DAY_US, 6 * DAY_US}};
    const tg_chunk_map_t chunks = {.time_position = 1,
                                   .chunk_interval_us = DAY_US,
                                   .n_compressed = 3,
                                   .compressed = COMPRESSED};
    tg_row_order_facts_t facts;
    assert_int_equal(
        tg_row_order_arrange(&part.rows, &part.deltas, part.n_rows, &chunks, &part.scratch, &facts),
        TG_OK);
    assert_true(facts.sorted);
    assert_int_equal(facts.n_late, 50); /* day 2 is compressed, day 4 is not */
    size_t at = 0;
    for (size_t row = 0; row < 400; row++) {
        int64_t time_pg_us;
        uint32_t n;
        read_row(&part, &at, &time_pg_us, &n);
        assert_int_equal(time_pg_us / DAY_US == 2, row >= 350);
    }
    part_done(&part);
}

static void
row_order_without_memory_leaves_everything_as_it_was(void **state)
{
    (void)state;
    part_t part;
    part_init(&part);
    tg_buffer_init(&part.scratch, 100);
    for (int i = 0; i < 200; i++) {
        put_row(&part, -i * DAY_US, 2);
    }
    const tg_chunk_map_t chunks = {.time_position = 1, .chunk_interval_us = DAY_US};
    tg_row_order_facts_t facts;
    assert_int_equal(
        tg_row_order_arrange(&part.rows, &part.deltas, part.n_rows, &chunks, &part.scratch, &facts),
        TG_ERR_FULL);
    size_t at = 0;
    for (int i = 0; i < 200; i++) {
        int64_t time_pg_us;
        uint32_t n;
        read_row(&part, &at, &time_pg_us, &n);
        assert_int_equal(time_pg_us, -i * DAY_US);
    }
    part_done(&part);
}

static void
row_order_takes_null_dates_and_the_ends_of_time(void **state)
{
    (void)state;
    part_t part;
    part_init(&part);
    for (int i = 0; i < 100; i++) {
        put_row(&part, i % 3 == 0 ? INT64_MAX : i % 3 == 1 ? INT64_MIN + 1 : -1, 0);
    }
    const tg_chunk_map_t chunks = {.time_position = 1, .chunk_interval_us = 1};
    tg_row_order_facts_t facts;
    assert_int_equal(
        tg_row_order_arrange(&part.rows, &part.deltas, part.n_rows, &chunks, &part.scratch, &facts),
        TG_OK);
    assert_true(facts.sorted);
    part_done(&part);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(row_order_of_rows_in_order_leaves_them_alone),
        cmocka_unit_test(row_order_of_scattered_rows_sorts_them_with_their_offsets),
        cmocka_unit_test(row_order_puts_rows_of_compressed_chunks_last_and_counts_them),
        cmocka_unit_test(row_order_without_memory_leaves_everything_as_it_was),
        cmocka_unit_test(row_order_takes_null_dates_and_the_ends_of_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
