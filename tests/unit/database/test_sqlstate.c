// links: database base
#include "database/connection.h"
#include "tg_test.h"

typedef struct sqlstate_case {
    const char *sqlstate;
    tg_status_t status;
} sqlstate_case_t;

static const sqlstate_case_t CASES[] = {
    {"00000", TG_ERR_UNAVAILABLE}, {"08000", TG_ERR_UNAVAILABLE}, {"08006", TG_ERR_UNAVAILABLE},
    {"08007", TG_ERR_LOST},        {"08P01", TG_ERR_UNAVAILABLE}, {"0A000", TG_ERR_MISSING},
    {"21000", TG_ERR_CONSTRAINT},  {"22001", TG_ERR_CONSTRAINT},  {"22003", TG_ERR_CONSTRAINT},
    {"22008", TG_ERR_CONSTRAINT},  {"22021", TG_ERR_CONSTRAINT},  {"22P02", TG_ERR_CONSTRAINT},
    {"22P03", TG_ERR_MISMATCH},    {"22P04", TG_ERR_MISMATCH},    {"22P05", TG_ERR_CONSTRAINT},
    {"23502", TG_ERR_CONSTRAINT},  {"23503", TG_ERR_CONSTRAINT},  {"23505", TG_ERR_CONSTRAINT},
    {"23514", TG_ERR_CONSTRAINT},  {"24000", TG_ERR_CONFLICT},    {"25001", TG_ERR_CONFLICT},
    {"25006", TG_ERR_UNAVAILABLE}, {"25P02", TG_ERR_CONFLICT},    {"25P03", TG_ERR_UNAVAILABLE},
    {"25P04", TG_ERR_TIMEOUT},     {"26000", TG_ERR_CONFLICT},    {"28000", TG_ERR_PERMISSION},
    {"28P01", TG_ERR_PERMISSION},  {"2D000", TG_ERR_CONFLICT},    {"3D000", TG_ERR_MISSING},
    {"3F000", TG_ERR_MISSING},     {"40001", TG_ERR_CONFLICT},    {"40002", TG_ERR_CONSTRAINT},
    {"40003", TG_ERR_LOST},        {"40P01", TG_ERR_CONFLICT},    {"42501", TG_ERR_PERMISSION},
    {"42601", TG_ERR_INTERNAL},    {"42703", TG_ERR_MISSING},     {"42804", TG_ERR_MISMATCH},
    {"42883", TG_ERR_MISSING},     {"42P01", TG_ERR_MISSING},     {"42P10", TG_ERR_MISMATCH},
    {"44000", TG_ERR_CONSTRAINT},  {"53100", TG_ERR_UNAVAILABLE}, {"53200", TG_ERR_UNAVAILABLE},
    {"53300", TG_ERR_UNAVAILABLE}, {"53400", TG_ERR_UNAVAILABLE}, {"54000", TG_ERR_TOO_LARGE},
    {"54001", TG_ERR_TOO_LARGE},   {"55000", TG_ERR_UNAVAILABLE}, {"55006", TG_ERR_CONFLICT},
    {"55P03", TG_ERR_CONFLICT},    {"57014", TG_ERR_TIMEOUT},     {"57P01", TG_ERR_UNAVAILABLE},
    {"57P02", TG_ERR_UNAVAILABLE}, {"57P03", TG_ERR_UNAVAILABLE}, {"57P04", TG_ERR_MISSING},
    {"57P05", TG_ERR_UNAVAILABLE}, {"58030", TG_ERR_UNAVAILABLE}, {"72000", TG_ERR_CONFLICT},
    {"P0001", TG_ERR_CONSTRAINT},  {"TG001", TG_ERR_FENCED},      {"TG002", TG_ERR_CONFLICT},
    {"TS001", TG_ERR_MISSING},     {"TS101", TG_ERR_MISSING},     {"TS201", TG_ERR_UNAVAILABLE},
    {"XX000", TG_ERR_UNAVAILABLE}, {"XX001", TG_ERR_UNAVAILABLE}, {"ZZ999", TG_ERR_UNAVAILABLE},
    {"", TG_ERR_UNAVAILABLE},      {"4", TG_ERR_UNAVAILABLE},     {NULL, TG_ERR_UNAVAILABLE},
};

static void
sqlstate_of_each_class_has_one_reaction(void **state)
{
    (void)state;
    for (size_t i = 0; i < TG_COUNT_OF(CASES); i++) {
        tg_status_t got = tg_sqlstate_status(CASES[i].sqlstate);
        if (got != CASES[i].status) {
            fail_msg("%s: %s", CASES[i].sqlstate, tg_status_name(got));
        }
    }
}

/* Poison sends records to the dead-letter topic: only what a row can cause may do that. */
static void
sqlstate_of_the_environment_never_poisons(void **state)
{
    static const char *const codes[] = {
        "00000", "08001", "08003", "08004", "08006", "0A000", "25006", "28000", "28P01",
        "3D000", "3F000", "40001", "42501", "42P01", "42703", "42883", "53000", "53100",
        "53200", "53300", "53400", "55000", "55006", "55P03", "57000", "57014", "57P01",
        "57P02", "57P03", "57P04", "57P05", "58000", "58030", "58P01", "72000", "F0000",
        "HV000", "XX000", "XX001", "XX002", "QQ123"};
    (void)state;
    for (size_t i = 0; i < TG_COUNT_OF(codes); i++) {
        if (tg_status_reaction(tg_sqlstate_status(codes[i])) == TG_REACTION_POISON) {
            fail_msg("%s would poison a record", codes[i]);
        }
    }
}

static void
sqlstate_of_a_stale_plan_is_known(void **state)
{
    static const char *const stale[] = {"42703", "42P01", "22P04", "22P03", "42804", "42P10"};
    static const char *const sound[] = {"23505", "22001", "57014", "TG001", "", "42501"};
    (void)state;
    for (size_t i = 0; i < TG_COUNT_OF(stale); i++) {
        assert_true(tg_sqlstate_is_stale_plan(stale[i]));
        assert_false(tg_sqlstate_is_stale_plan(sound[i]));
    }
    assert_false(tg_sqlstate_is_stale_plan(NULL));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sqlstate_of_each_class_has_one_reaction),
        cmocka_unit_test(sqlstate_of_the_environment_never_poisons),
        cmocka_unit_test(sqlstate_of_a_stale_plan_is_known),
    };
    return cmocka_run_group_tests_name("sqlstate", tests, NULL, NULL);
}
