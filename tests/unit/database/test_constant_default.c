// links: database base
#include "constant_default.h"
#include "tg_test.h"

typedef struct default_case {
    const char *expression; /* as pg_get_expr writes it */
    const char *value;      /* NULL: not a constant */
} default_case_t;

static const default_case_t CASES[] = {
    {"'abc'::text", "abc"},
    {"''::text", ""},
    {"'a''b'::character varying(10)", "a'b"},
    {"'a''b\\c'::text", "a'b\\c"},
    {"E'a\\\\b'::text", "a\\b"},
    {"'x'::\"My.Schema\".\"mood\"", "x"},
    {"'{1,2}'::integer[]", "{1,2}"},
    {"'1'::text::character varying", "1"},
    {"0", "0"},
    {"-7", "-7"},
    {"'-7'::integer", "-7"},
    {"1.5e-10", "1.5e-10"},
    {"'1.50'::numeric(10,2)", "1.50"},
    {"true", "true"},
    {"false", "false"},
    {"NULL::text", NULL},
    {"NULL", NULL},
    {"now()", NULL},
    {"CURRENT_TIMESTAMP", NULL},
    {"nextval('a_seq'::regclass)", NULL},
    {"('a'::text || 'b'::text)", NULL},
    {"'a'::text || 'b'::text", NULL},
    {"1 + 1", NULL},
    {"'now'::text AT TIME ZONE 'utc'", NULL},
    {"'a'::text;", NULL},
    {"'a'", "a"},
    {"'a", NULL},
    {"'a''", NULL},
    {"E'a\\", NULL},
    {"ARRAY[1, 2]", NULL},
    {"B'101'::\"bit\"", NULL},
    {"-", NULL},
    {"", NULL},
};

static void
constant_default_is_found_only_in_one_literal_with_casts(void **state)
{
    (void)state;
    tg_arena_t *arena = tg_arena_new(1 << 16);
    for (size_t i = 0; i < TG_COUNT_OF(CASES); i++) {
        const char *got = tg_constant_default(CASES[i].expression, arena);
        const char *want = CASES[i].value;
        if ((got == NULL) != (want == NULL) || (got != NULL && strcmp(got, want) != 0)) {
            fail_msg("%s: %s", CASES[i].expression, got != NULL ? got : "none");
        }
    }
    tg_arena_free(arena);
}

static void
constant_default_without_memory_is_none(void **state)
{
    (void)state;
    tg_arena_t *arena = tg_arena_new(4);
    assert_null(tg_constant_default("'abcdefgh'::text", arena));
    tg_arena_free(arena);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(constant_default_is_found_only_in_one_literal_with_casts),
        cmocka_unit_test(constant_default_without_memory_is_none),
    };
    return cmocka_run_group_tests_name("constant_default", tests, NULL, NULL);
}
