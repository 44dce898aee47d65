#include "base/utf8.h"
#include "tg_test.h"

static void
utf8_step_gives_length_and_code_point_or_nothing(void **state)
{
    (void)state;

    static const struct {
        const char *name;
        const char *text;
        size_t length;
        uint32_t code;
    } CASES[] = {
        {"ascii", "a", 1, 'a'},
        {"delete", "\x7F", 1, 0x7F},
        {"first of two", "\xC2\x80", 2, 0x80},
        {"last of two", "\xDF\xBF", 2, 0x7FF},
        {"first of three", "\xE0\xA0\x80", 3, 0x800},
        {"before the surrogates", "\xED\x9F\xBF", 3, 0xD7FF},
        {"after the surrogates", "\xEE\x80\x80", 3, 0xE000},
        {"last of three", "\xEF\xBF\xBF", 3, 0xFFFF},
        {"first of four", "\xF0\x90\x80\x80", 4, 0x10000},
        {"last of all", "\xF4\x8F\xBF\xBF", 4, 0x10FFFF},
        {"empty", "", 0, 0},
        {"continuation alone", "\x80", 0, 0},
        {"overlong slash", "\xC0\xAF", 0, 0},
        {"overlong two", "\xC1\xBF", 0, 0},
        {"overlong three", "\xE0\x9F\xBF", 0, 0},
        {"overlong four", "\xF0\x8F\xBF\xBF", 0, 0},
        {"first surrogate", "\xED\xA0\x80", 0, 0},
        {"last surrogate", "\xED\xBF\xBF", 0, 0},
        {"above the last", "\xF4\x90\x80\x80", 0, 0},
        {"never a start", "\xF5\x80\x80\x80", 0, 0},
        {"never at all", "\xFF", 0, 0},
        {"cut after one", "\xE2", 0, 0},
        {"cut after two", "\xE2\x82", 0, 0},
        {"cut after three", "\xF0\x90\x80", 0, 0},
        {"second is a letter", "\xC3(", 0, 0},
        {"third is a letter", "\xE2\x82(", 0, 0},
        {"fourth is a letter", "\xF0\x90\x80(", 0, 0},
    };

    for (size_t i = 0; i < TG_COUNT_OF(CASES); i++) {
        uint32_t code = 0;
        size_t length = tg_utf8_step(tg_bytes_of_text(CASES[i].text), &code);
        if (length != CASES[i].length || code != CASES[i].code) {
            fail_msg("%s: length %zu, code %x", CASES[i].name, length, code);
        }
        assert_int_equal(tg_utf8_is_valid(tg_bytes_of_text(CASES[i].text)),
                         CASES[i].length > 0 || *CASES[i].text == '\0');
    }
}

static void
utf8_every_code_point_survives_a_round(void **state)
{
    (void)state;
    for (uint32_t code = 0x80; code <= 0x10FFFF; code += code < 0x11000 ? 1 : 257) {
        uint8_t text[4];
        size_t n = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
        for (size_t i = n - 1; i > 0; i--) {
            text[i] = (uint8_t)(0x80U | ((code >> (6 * (n - 1 - i))) & 0x3FU));
        }
        text[0] = (uint8_t)(((0xF0U << (4 - n)) & 0xFFU) | (code >> (6 * (n - 1))));
        uint32_t got = 0;
        bool is_surrogate = code >= 0xD800 && code <= 0xDFFF;
        assert_int_equal(tg_utf8_step(tg_bytes_of(text, n), &got), is_surrogate ? 0 : n);
        assert_int_equal(got, is_surrogate ? 0 : code);
    }
}

static void
utf8_text_is_valid_only_as_a_whole(void **state)
{
    (void)state;
    assert_true(tg_utf8_is_valid(tg_bytes_of("H\xC3\xB6he\0 \xE2\x82\xAC", 10)));
    assert_false(tg_utf8_is_valid(tg_bytes_of("H\xC3\xB6he \xE2\x82", 8)));
    assert_true(tg_utf8_is_valid(tg_bytes_of(NULL, 0)));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(utf8_step_gives_length_and_code_point_or_nothing),
        cmocka_unit_test(utf8_every_code_point_survives_a_round),
        cmocka_unit_test(utf8_text_is_valid_only_as_a_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
