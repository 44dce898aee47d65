#include "base/error.h"
#include "tg_test.h"

static void
error_every_status_has_a_name_of_its_own_and_a_reaction(void **state)
{
    (void)state;
    for (int i = 0; i < TG_STATUS_COUNT; i++) {
        const char *name = tg_status_name((tg_status_t)i);
        assert_non_null(name);
        assert_string_not_equal(name, "unknown");
        for (int j = 0; j < i; j++) {
            assert_string_not_equal(name, tg_status_name((tg_status_t)j));
        }
        assert_true(i == TG_OK || tg_status_reaction((tg_status_t)i) != TG_REACTION_NONE);
    }
}

static void
error_reactions_follow_the_groups_of_the_header(void **state)
{
    (void)state;

    static const struct {
        tg_status_t first;
        tg_status_t last;
        tg_reaction_t reaction;
        const char *name;
    } GROUPS[] = {
        {TG_OK, TG_OK, TG_REACTION_NONE, "none"},
        {TG_ERR_AGAIN, TG_ERR_IO, TG_REACTION_RETRY, "retry"},
        {TG_ERR_INVALID, TG_ERR_UNROUTED, TG_REACTION_POISON, "poison"},
        {TG_ERR_FENCED, TG_ERR_LOST, TG_REACTION_ABORT, "abort"},
        {TG_ERR_CONFIG, TG_ERR_INTERNAL, TG_REACTION_FATAL, "fatal"},
    };

    int n_seen = 0;
    for (size_t i = 0; i < sizeof GROUPS / sizeof GROUPS[0]; i++) {
        assert_string_equal(tg_reaction_name(GROUPS[i].reaction), GROUPS[i].name);
        for (int s = (int)GROUPS[i].first; s <= (int)GROUPS[i].last; s++, n_seen++) {
            assert_int_equal(tg_status_reaction((tg_status_t)s), GROUPS[i].reaction);
        }
    }
    assert_int_equal(n_seen, TG_STATUS_COUNT);
}

static void
error_number_that_is_no_status_is_unknown_and_fatal(void **state)
{
    (void)state;
    volatile int number = TG_STATUS_COUNT + 7;
    assert_string_equal(tg_status_name((tg_status_t)number), "unknown");
    assert_int_equal(tg_status_reaction((tg_status_t)number), TG_REACTION_FATAL);
    assert_string_equal(tg_reaction_name((tg_reaction_t)number), "unknown");
    number = -1;
    assert_string_equal(tg_status_name((tg_status_t)number), "unknown");
    assert_string_equal(tg_reaction_name((tg_reaction_t)number), "unknown");
}

static void
error_set_fills_text_and_status_and_forgets_an_old_sqlstate(void **state)
{
    (void)state;
    tg_error_t err = {.status = TG_OK};
    tg_error_set_sqlstate(&err, "23505");
    assert_int_equal(tg_error_set(&err, TG_ERR_TIMEOUT, "no answer in %d ms", 250), TG_ERR_TIMEOUT);
    assert_int_equal(err.status, TG_ERR_TIMEOUT);
    assert_string_equal(err.text, "no answer in 250 ms");
    assert_string_equal(err.sqlstate, "");
}

static void
error_wrap_puts_newest_context_first_and_keeps_the_sqlstate(void **state)
{
    (void)state;
    tg_error_t err;
    (void)tg_error_set(&err, TG_ERR_CONSTRAINT, "duplicate key");
    tg_error_set_sqlstate(&err, "23505");
    (void)tg_error_wrap(&err, TG_ERR_CONSTRAINT, "copying %s", "readings");
    assert_int_equal(tg_error_wrap(&err, TG_ERR_LOST, "flushing sensors[%d]", 3), TG_ERR_LOST);
    assert_string_equal(err.text, "flushing sensors[3]: copying readings: duplicate key");
    assert_int_equal(err.status, TG_ERR_LOST);
    assert_string_equal(err.sqlstate, "23505");
}

static void
error_text_made_from_itself_is_not_garbled(void **state)
{
    (void)state;
    tg_error_t err;
    (void)tg_error_set(&err, TG_ERR_IO, "abcdefghijklmnopqrstuvwxyz");
    (void)tg_error_set(&err, TG_ERR_IO, "while reading: %s", err.text);
    assert_string_equal(err.text, "while reading: abcdefghijklmnopqrstuvwxyz");
    (void)tg_error_wrap(&err, TG_ERR_IO, "%s", err.text);
    assert_string_equal(err.text, "while reading: abcdefghijklmnopqrstuvwxyz: "
                                  "while reading: abcdefghijklmnopqrstuvwxyz");
}

static void
error_text_that_is_too_long_loses_its_end_only(void **state)
{
    (void)state;
    char longer[TG_ERROR_TEXT_BYTES * 2];
    memset(longer, 'x', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    tg_error_t err;
    (void)tg_error_set(&err, TG_ERR_IO, "%s", longer);
    assert_int_equal(strlen(err.text), TG_ERROR_TEXT_BYTES - 1);
    (void)tg_error_wrap(&err, TG_ERR_IO, "context");
    assert_int_equal(strlen(err.text), TG_ERROR_TEXT_BYTES - 1);
    assert_memory_equal(err.text, "context: xxx", 12);
    (void)tg_error_wrap(&err, TG_ERR_IO, "%s", longer);
    assert_int_equal(strlen(err.text), TG_ERROR_TEXT_BYTES - 1);
}

static void
error_nobody_who_wants_the_text_is_fine(void **state)
{
    (void)state;
    assert_int_equal(tg_error_set(NULL, TG_ERR_IO, "x"), TG_ERR_IO);
    assert_int_equal(tg_error_wrap(NULL, TG_ERR_IO, "x"), TG_ERR_IO);
    tg_error_set_sqlstate(NULL, "00000");
}

static void
error_sqlstate_is_cut_to_five_and_cleared_by_null(void **state)
{
    (void)state;
    tg_error_t err = {.status = TG_OK};
    tg_error_set_sqlstate(&err, "40001 and more");
    assert_string_equal(err.sqlstate, "40001");
    tg_error_set_sqlstate(&err, NULL);
    assert_string_equal(err.sqlstate, "");
}

static tg_status_t
passes(tg_status_t status, int *n_after)
{
    TG_TRY(status);
    (*n_after)++;
    return TG_OK;
}

static void
error_try_returns_what_failed_and_goes_on_otherwise(void **state)
{
    (void)state;
    int n_after = 0;
    assert_int_equal(passes(TG_ERR_FULL, &n_after), TG_ERR_FULL);
    assert_int_equal(n_after, 0);
    assert_int_equal(passes(TG_OK, &n_after), TG_OK);
    assert_int_equal(n_after, 1);
    TG_IGNORE(passes(TG_ERR_FULL, &n_after));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(error_every_status_has_a_name_of_its_own_and_a_reaction),
        cmocka_unit_test(error_reactions_follow_the_groups_of_the_header),
        cmocka_unit_test(error_number_that_is_no_status_is_unknown_and_fatal),
        cmocka_unit_test(error_set_fills_text_and_status_and_forgets_an_old_sqlstate),
        cmocka_unit_test(error_wrap_puts_newest_context_first_and_keeps_the_sqlstate),
        cmocka_unit_test(error_text_made_from_itself_is_not_garbled),
        cmocka_unit_test(error_text_that_is_too_long_loses_its_end_only),
        cmocka_unit_test(error_nobody_who_wants_the_text_is_fine),
        cmocka_unit_test(error_sqlstate_is_cut_to_five_and_cleared_by_null),
        cmocka_unit_test(error_try_returns_what_failed_and_goes_on_otherwise),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
