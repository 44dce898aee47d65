// links: sink config avro database
#include "batch.h"
#include "tg_test.h"

static const tg_copy_target_t TARGET_A = {.copy_sql = "COPY a", .table_name = "a", .version = 1};
static const tg_copy_target_t TARGET_B = {.copy_sql = "COPY b", .table_name = "b", .version = 1};

/* One row with one column of n bytes, all of them mark. */
static size_t
put_row(tg_batch_part_t *part, uint8_t mark, uint32_t n)
{
    uint8_t head[6] = {0, 1, (uint8_t)(n >> 24), (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n};
    assert_int_equal(tg_buffer_append(&part->rows, head, sizeof head), TG_OK);
    for (uint32_t i = 0; i < n; i++) {
        assert_int_equal(tg_buffer_append(&part->rows, &mark, 1), TG_OK);
    }
    return sizeof head + n;
}

static void
add(tg_batch_t *batch, const tg_copy_target_t *target, int64_t offset, uint8_t mark, uint32_t n)
{
    tg_batch_part_t *part = NULL;
    assert_int_equal(tg_batch_part(batch, target, &part), TG_OK);
    size_t n_bytes = put_row(part, mark, n);
    assert_int_equal(tg_batch_row_added(batch, part, offset, n_bytes), TG_OK);
    tg_batch_covered(batch, offset, offset * 10);
}

static void
batch_knows_which_offset_each_row_came_from(void **state)
{
    (void)state;
    tg_batch_t *batch = tg_batch_new(1 << 20);
    tg_batch_reset(batch, 1000, 0);
    add(batch, &TARGET_A, 1000, 1, 4);
    tg_batch_covered(batch, 1003, -1); /* a dead letter, after a hole in the offsets */
    add(batch, &TARGET_B, 1007, 2, 8);
    add(batch, &TARGET_A, 1900, 3, 0);
    assert_int_equal(batch->n_parts, 2);
    assert_int_equal(batch->n_rows, 3);
    assert_int_equal(batch->n_records, 4);
    assert_int_equal(batch->next_offset, 1901);
    assert_int_equal(tg_batch_row_offset(batch, &batch->parts[0], 0), 1000);
    assert_int_equal(tg_batch_row_offset(batch, &batch->parts[0], 1), 1900);
    assert_int_equal(tg_batch_row_offset(batch, &batch->parts[1], 0), 1007);
    assert_int_equal(batch->oldest_unix_ms, 10000);
    assert_int_equal(batch->newest_unix_ms, 19000);
    tg_batch_free(batch);
}

static void
batch_that_only_covers_offsets_is_not_empty(void **state)
{
    (void)state;
    tg_batch_t *batch = tg_batch_new(1 << 20);
    tg_batch_reset(batch, 5, 0);
    assert_true(tg_batch_is_empty(batch));
    tg_batch_covered(batch, 5, -1);
    assert_false(tg_batch_is_empty(batch));
    assert_int_equal(batch->n_rows, 0);
    tg_batch_free(batch);
}

static void
batch_remove_rows_takes_out_exactly_those(void **state)
{
    (void)state;
    for (unsigned mask = 0; mask < 32; mask++) {
        tg_batch_t *batch = tg_batch_new(1 << 20);
        tg_batch_reset(batch, 0, 0);
        size_t removed[5];
        size_t n_removed = 0;
        for (uint8_t i = 0; i < 5; i++) {
            add(batch, &TARGET_A, i * 100, i, i * 3U);
            if ((mask & (1U << i)) != 0) {
                removed[n_removed++] = i;
            }
        }
        tg_batch_part_t *part = &batch->parts[0];
        assert_int_equal(tg_batch_part_remove_rows(batch, part, removed, n_removed), TG_OK);
        assert_int_equal(part->n_rows, 5 - n_removed);
        assert_int_equal(batch->n_rows, 5 - n_removed);
        assert_int_equal(batch->n_bytes, part->rows.n_bytes);
        size_t row = 0;
        size_t at = 0;
        for (uint8_t i = 0; i < 5; i++) {
            if ((mask & (1U << i)) != 0) {
                continue;
            }
            assert_int_equal(tg_batch_row_offset(batch, part, row), i * 100);
            assert_int_equal(part->rows.data[at + 5], i * 3);
            for (uint32_t b = 0; b < i * 3U; b++) {
                assert_int_equal(part->rows.data[at + 6 + b], i);
            }
            at += 6 + i * 3U;
            row++;
        }
        assert_int_equal(part->rows.n_bytes, at);
        tg_batch_free(batch);
    }
}

static void
batch_with_too_many_targets_says_full(void **state)
{
    (void)state;
    static tg_copy_target_t targets[TG_BATCH_MAX_PARTS + 1];
    tg_batch_t *batch = tg_batch_new(1 << 20);
    tg_batch_reset(batch, 0, 0);
    tg_batch_part_t *part = NULL;
    for (size_t i = 0; i < TG_BATCH_MAX_PARTS; i++) {
        assert_int_equal(tg_batch_part(batch, &targets[i], &part), TG_OK);
    }
    assert_int_equal(tg_batch_part(batch, &targets[TG_BATCH_MAX_PARTS], &part), TG_ERR_FULL);
    assert_int_equal(tg_batch_part(batch, &targets[0], &part), TG_OK);
    tg_batch_free(batch);
}

static void
batch_when_reset_forgets_rows_and_keeps_nothing_of_before(void **state)
{
    (void)state;
    tg_batch_t *batch = tg_batch_new(1 << 20);
    tg_batch_reset(batch, 0, 0);
    add(batch, &TARGET_A, 0, 1, 4);
    add(batch, &TARGET_B, 1, 1, 4);
    atomic_store(&batch->dead_letter_failed, true);
    tg_batch_reset(batch, 77, 5);
    assert_true(tg_batch_is_empty(batch));
    assert_int_equal(batch->first_offset, 77);
    assert_int_equal(batch->n_parts, 0);
    assert_int_equal(batch->n_bytes, 0);
    assert_false(atomic_load(&batch->dead_letter_failed));
    add(batch, &TARGET_B, 80, 9, 2);
    assert_int_equal(batch->n_parts, 1);
    assert_int_equal(batch->parts[0].n_rows, 1);
    assert_int_equal(tg_batch_row_offset(batch, &batch->parts[0], 0), 80);
    tg_batch_free(batch);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(batch_knows_which_offset_each_row_came_from),
        cmocka_unit_test(batch_that_only_covers_offsets_is_not_empty),
        cmocka_unit_test(batch_remove_rows_takes_out_exactly_those),
        cmocka_unit_test(batch_with_too_many_targets_says_full),
        cmocka_unit_test(batch_when_reset_forgets_rows_and_keeps_nothing_of_before),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
