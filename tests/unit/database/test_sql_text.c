// links: database base
#include "base/buffer.h"
#include "database/connection.h"
#include "tg_test.h"

typedef struct quoting_case {
    const char *text;
    const char *identifier;
    const char *literal;
} quoting_case_t;

static const quoting_case_t CASES[] = {
    {"", "\"\"", "''"},
    {"plain", "\"plain\"", "'plain'"},
    {"My-Topic.x", "\"My-Topic.x\"", "'My-Topic.x'"},
    {"a\"b", "\"a\"\"b\"", "'a\"b'"},
    {"\"\"", "\"\"\"\"\"\"", "'\"\"'"},
    {"it's", "\"it's\"", "'it''s'"},
    {"'; DROP TABLE x; --", "\"'; DROP TABLE x; --\"", "'''; DROP TABLE x; --'"},
    {"a\\b", "\"a\\b\"", " E'a\\\\b'"},
    {"\\'", "\"\\'\"", " E'\\\\'''"},
    {"gr\xc3\xbc\xc3\x9f", "\"gr\xc3\xbc\xc3\x9f\"", "'gr\xc3\xbc\xc3\x9f'"},
};

static void
sql_text_quotes_identifiers_and_literals(void **state)
{
    (void)state;
    for (size_t i = 0; i < TG_COUNT_OF(CASES); i++) {
        tg_buffer_t sql;
        tg_buffer_init(&sql, 1024);
        assert_int_equal(tg_sql_append_identifier(&sql, CASES[i].text), TG_OK);
        assert_string_equal(tg_buffer_text(&sql), CASES[i].identifier);
        tg_buffer_reset(&sql);
        assert_int_equal(tg_sql_append_literal(&sql, CASES[i].text), TG_OK);
        assert_string_equal(tg_buffer_text(&sql), CASES[i].literal);
        tg_buffer_done(&sql);
    }
}

static void
sql_text_at_the_ceiling_of_its_buffer_says_full(void **state)
{
    (void)state;
    for (size_t max = 0; max < 8; max++) {
        tg_buffer_t sql;
        tg_buffer_init(&sql, max);
        assert_int_equal(tg_sql_append_literal(&sql, "it's\\"), TG_ERR_FULL);
        tg_buffer_reset(&sql);
        assert_int_equal(tg_sql_append_identifier(&sql, "\"\"\"\""), TG_ERR_FULL);
        tg_buffer_done(&sql);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sql_text_quotes_identifiers_and_literals),
        cmocka_unit_test(sql_text_at_the_ceiling_of_its_buffer_says_full),
    };
    return cmocka_run_group_tests_name("sql_text", tests, NULL, NULL);
}
