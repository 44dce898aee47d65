#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fault.h"
#include "tg_test.h"

#ifdef TG_FAULTS
/* Passes the point n times in a child; says how the child ended (0: by itself). */
static int
signal_after(const char *wanted, int n)
{
    pid_t child = fork();
    if (child == 0) {
        if (wanted != NULL) {
            (void)setenv("TIDEGATE_FAULT", wanted, 1);
        } else {
            (void)unsetenv("TIDEGATE_FAULT");
        }
        for (int i = 0; i < n; i++) {
            TG_FAULT("writer.before_commit");
            TG_FAULT("writer.before");
        }
        _exit(0);
    }
    int ended = 0;
    assert_int_equal(waitpid(child, &ended, 0), child);
    return WIFSIGNALED(ended) ? WTERMSIG(ended) : 0;
}

static void
fault_kills_at_the_passage_asked_for_and_nowhere_else(void **state)
{
    (void)state;
    assert_int_equal(signal_after("writer.before_commit=kill:3", 2), 0);
    assert_int_equal(signal_after("writer.before_commit=kill:3", 3), SIGKILL);
    assert_int_equal(signal_after("writer.before=kill:1", 1), SIGKILL);
    assert_int_equal(signal_after("writer.before_commits=kill:1", 5), 0);
    assert_int_equal(signal_after("writer.befor=kill:1", 5), 0);
    assert_int_equal(signal_after("writer.before_commit=kill:x", 5), 0);
    assert_int_equal(signal_after("writer.before_commit", 5), 0);
    assert_int_equal(signal_after(NULL, 5), 0);
}

static void
fault_points_passed_without_being_asked_for_do_nothing(void **state)
{
    (void)state;
    (void)unsetenv("TIDEGATE_FAULT");
    TG_FAULT("writer.before_commit");
    (void)setenv("TIDEGATE_FAULT", "writer.before_commit=kill:1000", 1);
    TG_FAULT("writer.before_commit");
    TG_FAULT("lane.revoked");
    (void)unsetenv("TIDEGATE_FAULT");
}
#else
static void
fault_points_are_nothing_when_they_are_off(void **state)
{
    (void)state;
    TG_FAULT("writer.before_commit");
}
#endif

int
main(void)
{
    const struct CMUnitTest tests[] = {
#ifdef TG_FAULTS
        cmocka_unit_test(fault_kills_at_the_passage_asked_for_and_nowhere_else),
        cmocka_unit_test(fault_points_passed_without_being_asked_for_do_nothing),
#else
        cmocka_unit_test(fault_points_are_nothing_when_they_are_off),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
