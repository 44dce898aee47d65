// links: avro base
#include "avro/copy_format.h"
#include "avro/pg_type.h"
#include "tg_test.h"

static void
copy_format_when_nothing_is_between_header_and_trailer_has_the_documented_bytes(void **state)
{
    (void)state;
    tg_buffer_t out;
    tg_buffer_init(&out, 64);
    assert_int_equal(tg_copy_put_header(&out), TG_OK);
    assert_int_equal(out.n_bytes, TG_COPY_HEADER_BYTES);
    assert_int_equal(tg_copy_put_trailer(&out), TG_OK);
    assert_memory_equal(out.data, "PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0\xff\xff", 21);
    assert_int_equal(out.n_bytes, 21);
    tg_buffer_done(&out);
}

static void
copy_format_when_the_buffer_is_full_says_so(void **state)
{
    (void)state;
    tg_buffer_t out;
    tg_buffer_init(&out, 18);
    assert_int_equal(tg_copy_put_header(&out), TG_ERR_FULL);
    assert_int_equal(out.n_bytes, 0);
    tg_buffer_done(&out);
}

static void
copy_format_row_bytes_ends_where_the_row_ends(void **state)
{
    (void)state;

    static const struct {
        const char *name;
        const char *bytes;
        size_t n_bytes;
        size_t row_bytes;
    } cases[] = {
        {"empty", "", 0, 0},
        {"half a count", "\0", 1, 0},
        {"trailer", "\xff\xff", 2, 0},
        {"no fields", "\0\0zz", 4, 2},
        {"null, then a byte", "\0\2\xff\xff\xff\xff\0\0\0\1x", 11, 11},
        {"another row behind", "\0\1\0\0\0\1x\0\1\0\0\0\0", 13, 7},
        {"field cut off", "\0\1\0\0\0\2x", 7, 0},
        {"length cut off", "\0\1\0\0\0", 5, 0},
        {"negative length", "\0\1\xff\xff\xff\xfe", 6, 0},
        {"huge length", "\0\1\x7f\xff\xff\xffx", 7, 0},
    };

    for (size_t i = 0; i < TG_COUNT_OF(cases); i++) {
        size_t got = tg_copy_row_bytes(tg_bytes_of(cases[i].bytes, cases[i].n_bytes));
        if (got != cases[i].row_bytes) {
            fail_msg("%s: %zu", cases[i].name, got);
        }
    }
}

static void
pg_type_knows_names_elements_and_arrays(void **state)
{
    (void)state;
    assert_string_equal(tg_pg_type_name(TG_PG_TIMESTAMPTZ), "timestamp with time zone");
    assert_string_equal(tg_pg_type_name(TG_PG_FLOAT8_ARRAY), "double precision[]");
    assert_null(tg_pg_type_name(0));
    assert_null(tg_pg_type_name(99999));
    assert_int_equal(tg_pg_type_element(TG_PG_TEXT_ARRAY), TG_PG_TEXT);
    assert_int_equal(tg_pg_type_element(TG_PG_TEXT), 0);
    assert_int_equal(tg_pg_type_element(0), 0);
    assert_int_equal(tg_pg_type_array(TG_PG_NUMERIC), TG_PG_NUMERIC_ARRAY);
    assert_int_equal(tg_pg_type_array(TG_PG_INET), 0);
    assert_int_equal(tg_pg_type_array(99999), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            copy_format_when_nothing_is_between_header_and_trailer_has_the_documented_bytes),
        cmocka_unit_test(copy_format_when_the_buffer_is_full_says_so),
        cmocka_unit_test(copy_format_row_bytes_ends_where_the_row_ends),
        cmocka_unit_test(pg_type_knows_names_elements_and_arrays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
