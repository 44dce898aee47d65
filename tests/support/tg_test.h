/*
 * The one way to include cmocka: its 1.1.5 header is not self-contained.
 */
#ifndef TG_TEST_H
#define TG_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h> // NOLINT(llvm-include-order): needs all of the above

/* Fails the test with the error's own text: "assert_int_equal" alone would show a number. */
#define ASSERT_OK(expr)                                                                            \
    do {                                                                                           \
        if ((expr) != TG_OK) {                                                                     \
            fail_msg("%s: %s", #expr, err.text);                                                   \
        }                                                                                          \
    } while (0)

#define ASSERT_FAILS(expr, expected)                                                               \
    do {                                                                                           \
        tg_status_t got_ = (expr);                                                                 \
        if (got_ != (expected)) {                                                                  \
            fail_msg("%s: got %s, expected %s", #expr, tg_status_name(got_),                       \
                     tg_status_name(expected));                                                    \
        }                                                                                          \
    } while (0)

#endif
