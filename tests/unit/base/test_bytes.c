#include "base/bytes.h"
#include "tg_test.h"

static void
bytes_of_nothing_are_absent_and_of_empty_text_are_not(void **state)
{
    (void)state;
    assert_null(tg_bytes_of_text(NULL).data);
    assert_int_equal(tg_bytes_of_text(NULL).n_bytes, 0);
    assert_non_null(tg_bytes_of_text("").data);
    assert_int_equal(tg_bytes_of_text("abc").n_bytes, 3);
}

static void
bytes_are_equal_by_length_and_content(void **state)
{
    (void)state;
    assert_true(tg_bytes_equal(tg_bytes_of("a\0b", 3), tg_bytes_of("a\0b", 3)));
    assert_false(tg_bytes_equal(tg_bytes_of("a\0b", 3), tg_bytes_of("a\0c", 3)));
    assert_false(tg_bytes_equal(tg_bytes_of("ab", 2), tg_bytes_of("abc", 3)));
    assert_true(tg_bytes_equal(tg_bytes_of(NULL, 0), tg_bytes_of("", 0)));
}

static int n_freed;

static void
thing_free(int *thing)
{
    n_freed += thing != NULL ? 1 : 0;
}
TG_DEFINE_FREEP(int, thing_free)

static int *
keeps_or_steals(int *value, bool steal)
{
    TG_CLEANUP(thing_freep) int *thing = value;
    return steal ? TG_STEAL(thing) : NULL;
}

static void
bytes_cleanup_frees_what_was_not_stolen(void **state)
{
    (void)state;
    int value = 1;
    n_freed = 0;
    assert_null(keeps_or_steals(&value, false));
    assert_int_equal(n_freed, 1);
    assert_ptr_equal(keeps_or_steals(&value, true), &value);
    assert_int_equal(n_freed, 1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_of_nothing_are_absent_and_of_empty_text_are_not),
        cmocka_unit_test(bytes_are_equal_by_length_and_content),
        cmocka_unit_test(bytes_cleanup_frees_what_was_not_stolen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
