// wrap: malloc calloc realloc reallocarray strdup
#include <wchar.h>

#include "base/buffer.h"
#include "tg_test.h"
#include "tg_torture.h"

static void
buffer_appends_grow_and_keep_what_is_there(void **state)
{
    (void)state;
    tg_buffer_t buffer;
    tg_buffer_init(&buffer, 1 << 20);
    for (uint32_t i = 0; i < 10000; i++) {
        assert_int_equal(tg_buffer_append(&buffer, &i, sizeof i), TG_OK);
    }
    assert_int_equal(buffer.n_bytes, 40000);
    for (uint32_t i = 0; i < 10000; i++) {
        uint32_t got;
        memcpy(&got, buffer.data + i * sizeof got, sizeof got);
        assert_int_equal(got, i);
    }
    assert_true(buffer.capacity <= buffer.max_bytes);
    tg_buffer_reset(&buffer);
    assert_int_equal(buffer.n_bytes, 0);
    assert_non_null(buffer.data);
    tg_buffer_done(&buffer);
    assert_null(buffer.data);
    assert_int_equal(buffer.max_bytes, 1 << 20);
}

static void
buffer_can_be_filled_to_its_ceiling_and_not_beyond(void **state)
{
    (void)state;
    static const size_t CEILINGS[] = {0, 1, 100, 255, 256, 257, 1000, 4096};
    for (size_t i = 0; i < TG_COUNT_OF(CEILINGS); i++) {
        size_t max = CEILINGS[i];
        tg_buffer_t buffer;
        tg_buffer_init(&buffer, max);
        for (size_t n = 0; n < max; n++) {
            assert_int_equal(tg_buffer_append(&buffer, "x", 1), TG_OK);
        }
        assert_int_equal(tg_buffer_append(&buffer, "x", 1), TG_ERR_FULL);
        assert_int_equal(tg_buffer_append_format(&buffer, "%d", 1), TG_ERR_FULL);
        assert_int_equal(tg_buffer_append(&buffer, NULL, 0), TG_OK);
        assert_int_equal(tg_buffer_append_format(&buffer, "%s", ""), TG_OK);
        assert_int_equal(buffer.n_bytes, max);
        assert_true(buffer.capacity <= max);
        assert_int_equal(strlen(tg_buffer_text(&buffer)), max);
        tg_buffer_done(&buffer);
    }
}

static void
buffer_sizes_that_would_overflow_are_refused(void **state)
{
    (void)state;
    tg_buffer_t buffer;
    tg_buffer_init(&buffer, SIZE_MAX);
    assert_int_equal(tg_buffer_append_text(&buffer, "abc"), TG_OK);
    assert_int_equal(tg_buffer_reserve(&buffer, SIZE_MAX), TG_ERR_FULL);
    assert_int_equal(tg_buffer_reserve(&buffer, SIZE_MAX - 3), TG_ERR_NO_MEMORY);
    assert_string_equal(tg_buffer_text(&buffer), "abc");
    tg_buffer_done(&buffer);
    tg_buffer_init(&buffer, 10);
    assert_int_equal(tg_buffer_reserve(&buffer, SIZE_MAX), TG_ERR_FULL);
    tg_buffer_done(&buffer);
}

static void
buffer_reserve_makes_room_without_content(void **state)
{
    (void)state;
    tg_buffer_t buffer;
    tg_buffer_init(&buffer, 1000);
    assert_int_equal(tg_buffer_reserve(&buffer, 700), TG_OK);
    assert_int_equal(buffer.n_bytes, 0);
    memset(buffer.data, 'y', 700);
    buffer.n_bytes = 700;
    assert_int_equal(tg_buffer_reserve(&buffer, 301), TG_ERR_FULL);
    assert_int_equal(tg_buffer_reserve(&buffer, 300), TG_OK);
    assert_int_equal(tg_buffer_view(&buffer).n_bytes, 700);
    assert_int_equal(tg_buffer_view(&buffer).data[699], 'y');
    tg_buffer_done(&buffer);
}

static void
buffer_format_fits_exactly_or_grows(void **state)
{
    (void)state;
    tg_buffer_t buffer;
    tg_buffer_init(&buffer, 2000);
    for (int n = 0; n < 300; n++) {
        tg_buffer_reset(&buffer);
        assert_int_equal(tg_buffer_append_format(&buffer, "%0*d|", n, 7), TG_OK);
        assert_int_equal(buffer.n_bytes, (n > 0 ? n : 1) + 1);
        assert_int_equal(buffer.data[buffer.n_bytes - 1], '|');
        assert_int_equal(buffer.data[buffer.n_bytes - 2], '7');
    }
    tg_buffer_done(&buffer);
    tg_buffer_init(&buffer, 5);
    assert_int_equal(tg_buffer_append_format(&buffer, "%s", "12345"), TG_OK);
    assert_int_equal(tg_buffer_append_format(&buffer, "%s", "6"), TG_ERR_FULL);
    assert_string_equal(tg_buffer_text(&buffer), "12345");
    tg_buffer_done(&buffer);
}

static void
buffer_text_that_cannot_be_formatted_is_an_error(void **state)
{
    (void)state;
    tg_buffer_t buffer;
    tg_buffer_init(&buffer, 100);
    const wchar_t impossible[] = {(wchar_t)0x7FFFFFFF, 0};
    assert_int_equal(tg_buffer_append_text(&buffer, "kept"), TG_OK);
    assert_int_equal(tg_buffer_append_format(&buffer, "%ls", impossible), TG_ERR_INTERNAL);
    assert_string_equal(tg_buffer_text(&buffer), "kept");
    /* Room that is there already is not made again. */
    const uint8_t *data = buffer.data;
    assert_int_equal(tg_buffer_reserve_slow(&buffer, 96), TG_OK);
    assert_ptr_equal(buffer.data, data);
    tg_buffer_done(&buffer);
}

static void
buffer_that_is_empty_gives_an_empty_text(void **state)
{
    (void)state;
    tg_buffer_t buffer;
    tg_buffer_init(&buffer, 0);
    assert_string_equal(tg_buffer_text(&buffer), "");
    tg_buffer_done(&buffer);
}

static void
buffer_take_hands_the_memory_over(void **state)
{
    (void)state;
    tg_buffer_t buffer;
    tg_buffer_init(&buffer, 100);
    assert_null(tg_buffer_take(&buffer, NULL));
    assert_int_equal(tg_buffer_append_text(&buffer, "mine"), TG_OK);
    size_t n_bytes = 0;
    uint8_t *data = tg_buffer_take(&buffer, &n_bytes);
    assert_int_equal(n_bytes, 4);
    assert_memory_equal(data, "mine", 4);
    assert_null(buffer.data);
    assert_int_equal(buffer.n_bytes, 0);
    assert_int_equal(buffer.max_bytes, 100);
    free(data);
}

static void
fill_a_buffer(void)
{
    tg_buffer_t buffer;
    tg_buffer_init(&buffer, 10000);
    size_t expected = 0;
    for (int i = 0; i < 50; i++) {
        tg_status_t status = tg_buffer_append_format(&buffer, "%0100d", i);
        assert_true(status == TG_OK || status == TG_ERR_NO_MEMORY);
        expected += status == TG_OK ? 100 : 0;
        assert_int_equal(buffer.n_bytes, expected);
    }
    const char *text = tg_buffer_text(&buffer);
    assert_true(text == NULL || strlen(text) == expected);
    tg_buffer_done(&buffer);
    (void)tg_buffer_text(&buffer);
    tg_buffer_done(&buffer);
}

static void
buffer_survives_the_failure_of_each_allocation(void **state)
{
    (void)state;
    assert_in_range(tg_torture(fill_a_buffer), 5, 20);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(buffer_appends_grow_and_keep_what_is_there),
        cmocka_unit_test(buffer_can_be_filled_to_its_ceiling_and_not_beyond),
        cmocka_unit_test(buffer_sizes_that_would_overflow_are_refused),
        cmocka_unit_test(buffer_reserve_makes_room_without_content),
        cmocka_unit_test(buffer_format_fits_exactly_or_grows),
        cmocka_unit_test(buffer_text_that_cannot_be_formatted_is_an_error),
        cmocka_unit_test(buffer_that_is_empty_gives_an_empty_text),
        cmocka_unit_test(buffer_take_hands_the_memory_over),
        cmocka_unit_test(buffer_survives_the_failure_of_each_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
