#include "base/bytes.h"
#include "base/retry.h"
#include "tg_test.h"

static void
retry_delays_double_up_to_the_ceiling_and_jitter_in_the_upper_half(void **state)
{
    (void)state;
    static const int64_t CEILINGS[] = {100, 200, 400, 800, 1000, 1000, 1000};
    for (uint64_t seed = 0; seed < 200; seed++) {
        tg_retry_t retry;
        tg_retry_init(&retry, 100, 1000, seed);
        for (size_t i = 0; i < TG_COUNT_OF(CEILINGS); i++) {
            int64_t delay = tg_retry_failed(&retry, 5000);
            assert_in_range(delay, CEILINGS[i] / 2, CEILINGS[i]);
            assert_false(tg_retry_is_due(&retry, 5000 + delay - 1));
            assert_true(tg_retry_is_due(&retry, 5000 + delay));
        }
    }
}

static void
retry_instances_with_other_seeds_spread_over_the_whole_range(void **state)
{
    (void)state;
    int n_of[51] = {0};
    for (uint64_t seed = 0; seed < 5100; seed++) {
        tg_retry_t retry;
        tg_retry_init(&retry, 100, 1000, seed);
        n_of[tg_retry_failed(&retry, 0) - 50]++;
    }
    for (size_t i = 0; i < TG_COUNT_OF(n_of); i++) {
        assert_in_range(n_of[i], 50, 170); /* 100 expected */
    }
}

static void
retry_after_success_starts_small_again_and_is_due(void **state)
{
    (void)state;
    tg_retry_t retry;
    tg_retry_init(&retry, 10, 100000, 1);
    assert_true(tg_retry_is_due(&retry, 0));
    for (int i = 0; i < 12; i++) {
        (void)tg_retry_failed(&retry, 1000);
    }
    assert_int_equal(retry.n_failures, 12);
    tg_retry_reset(&retry);
    assert_true(tg_retry_is_due(&retry, 0));
    assert_in_range(tg_retry_failed(&retry, 0), 5, 10);
}

static void
retry_odd_limits_neither_overflow_nor_spin(void **state)
{
    (void)state;

    static const struct {
        int64_t min_ms;
        int64_t max_ms;
        int64_t low;
        int64_t high;
    } CASES[] = {
        {0, 1000, 0, 0},
        {0, 0, 0, 0},
        {5000, 100, 50, 100},
        {1, 1, 0, 1},
        {1, INT64_MAX, INT64_MAX / 4, INT64_MAX},
        {INT64_MAX / 2 + 10, INT64_MAX, INT64_MAX / 4, INT64_MAX},
    };

    for (size_t i = 0; i < TG_COUNT_OF(CASES); i++) {
        tg_retry_t retry;
        tg_retry_init(&retry, CASES[i].min_ms, CASES[i].max_ms, 3);
        retry.n_failures = UINT32_MAX;
        int64_t delay = tg_retry_failed(&retry, 0);
        assert_true(delay >= CASES[i].low && delay <= CASES[i].high);
        assert_int_equal(retry.n_failures, UINT32_MAX);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(retry_delays_double_up_to_the_ceiling_and_jitter_in_the_upper_half),
        cmocka_unit_test(retry_instances_with_other_seeds_spread_over_the_whole_range),
        cmocka_unit_test(retry_after_success_starts_small_again_and_is_due),
        cmocka_unit_test(retry_odd_limits_neither_overflow_nor_spin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
