#include <time.h>

#include "base/clock.h"
#include "tg_test.h"

static void
clock_system_reads_both_hands_of_the_system(void **state)
{
    (void)state;
    const tg_clock_t *clock = tg_clock_system();
    int64_t before_us = tg_clock_now_us(clock);
    assert_true(tg_clock_now_us(clock) >= before_us);
    assert_true(before_us > 0);
    int64_t unix_s = (int64_t)time(NULL);
    int64_t ours_s = tg_clock_now_unix_ms(clock) / 1000;
    assert_in_range(ours_s - unix_s + 2, 0, 4);
    assert_in_range(tg_clock_now_ms(clock) - before_us / 1000, 0, 60000);
}

static void
clock_manual_moves_only_when_turned(void **state)
{
    (void)state;
    tg_manual_clock_t manual;
    tg_manual_clock_init(&manual, 5000000);
    assert_int_equal(tg_clock_now_us(&manual.clock), 5000000);
    assert_int_equal(tg_clock_now_ms(&manual.clock), 5000);
    assert_int_equal(tg_clock_now_unix_ms(&manual.clock), 5000);
    tg_manual_clock_advance(&manual, 1500);
    assert_int_equal(tg_clock_now_us(&manual.clock), 5001500);
    assert_int_equal(tg_clock_now_ms(&manual.clock), 5001);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clock_system_reads_both_hands_of_the_system),
        cmocka_unit_test(clock_manual_moves_only_when_turned),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
