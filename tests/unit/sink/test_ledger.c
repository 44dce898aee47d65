// links: sink database base
/*
 * What is asked of the ledger, word for word, and what is made of its answers.
 */
#include <stdio.h>

#include "ledger.h"
#include "tg_test.h"

struct tg_result {
    int n_rows;
    int64_t cells[4][3];
};

static tg_result_t the_answer;
static tg_status_t answer_status;
static char asked[4096];
static char parameters_given[2][64];

tg_status_t
tg_connection_query(tg_connection_t *connection, const char *sql, const char *const *parameters,
                    int n_parameters, tg_result_t **ret_result, tg_error_t *err)
{
    (void)connection;
    assert_int_equal(n_parameters, 2);
    (void)snprintf(asked, sizeof asked, "%s", sql);
    (void)snprintf(parameters_given[0], sizeof parameters_given[0], "%s", parameters[0]);
    (void)snprintf(parameters_given[1], sizeof parameters_given[1], "%s", parameters[1]);
    if (answer_status != TG_OK) {
        return tg_error_set(err, answer_status, "no");
    }
    *ret_result = &the_answer;
    return TG_OK;
}

void
tg_result_free(tg_result_t *result)
{
    (void)result;
}

int
tg_result_n_rows(const tg_result_t *result)
{
    return result->n_rows;
}

int64_t
tg_result_int64(const tg_result_t *result, int row, int column)
{
    return result->cells[row][column];
}

/* In the same file of the room as the others; nobody asks. */
const char *
tg_result_text(const tg_result_t *result, int row, int column)
{
    (void)result;
    (void)row;
    (void)column;
    return "";
}

static const tg_ledger_t LEDGER = {.cluster_id = "o'hara", .sink = "sensors"};

static void
entries_fill(tg_ledger_entry_t *entries)
{
    entries[0] = (tg_ledger_entry_t){.topic = "it's", .partition = 3, .next_offset = 7};
    entries[1] = (tg_ledger_entry_t){.topic = "b", .partition = 0, .next_offset = -1};
    (void)snprintf(entries[0].token, TG_TOKEN_TEXT_BYTES, "aaaaaaaa-0000-4000-8000-000000000000");
    (void)snprintf(entries[1].token, TG_TOKEN_TEXT_BYTES, "bbbbbbbb-0000-4000-8000-000000000000");
}

static void
ledger_tokens_are_random_uuids(void **state)
{
    (void)state;
    char a[TG_TOKEN_TEXT_BYTES];
    char b[TG_TOKEN_TEXT_BYTES];
    tg_ledger_token_new(a);
    tg_ledger_token_new(b);
    assert_int_equal(strlen(a), 36);
    assert_string_not_equal(a, b);
    assert_int_equal(a[14], '4');
    assert_non_null(strchr("89ab", a[19]));
    assert_int_equal(strspn(a, "0123456789abcdef-"), 36);
}

static void
ledger_read_tells_which_lanes_have_no_row(void **state)
{
    (void)state;
    tg_error_t err = {0};
    tg_ledger_entry_t entries[2];
    entries_fill(entries);
    the_answer = (tg_result_t){.n_rows = 1, .cells = {{0, 42}}};
    ASSERT_OK(tg_ledger_read(&LEDGER, NULL, entries, 2, &err));
    assert_int_equal(entries[0].next_offset, 42);
    assert_int_equal(entries[1].next_offset, -1);
    assert_string_equal(parameters_given[0], "o'hara");
    assert_string_equal(parameters_given[1], "sensors");
    assert_non_null(strstr(asked, "('it''s', 3, 'aaaaaaaa-0000-4000-8000-000000000000'::uuid"));
    assert_non_null(strstr(asked, "o.cluster_id = $1 AND o.sink = $2"));
    assert_null(strstr(asked, "claim"));
}

static void
ledger_claim_takes_answers_by_their_position(void **state)
{
    (void)state;
    tg_error_t err = {0};
    tg_ledger_entry_t entries[2];
    entries_fill(entries);
    the_answer = (tg_result_t){.n_rows = 2, .cells = {{1, 10, 5}, {0, 20, 6}}};
    ASSERT_OK(tg_ledger_claim(&LEDGER, NULL, entries, 2, &err));
    assert_int_equal(entries[1].next_offset, 10);
    assert_int_equal(entries[1].epoch, 5);
    assert_int_equal(entries[0].next_offset, 20);
    assert_int_equal(entries[0].epoch, 6);
    /* one order for all instances, so that they cannot deadlock; synchronous, whatever the role */
    assert_non_null(strstr(asked, "ORDER BY topic, partition"));
    assert_non_null(strstr(asked, "tidegate.claim($1, $2, v.topic"));
    assert_non_null(strstr(asked, "set_config('synchronous_commit', 'on', true)"));
}

static void
ledger_claim_with_an_answer_too_few_is_an_error_and_changes_nothing(void **state)
{
    (void)state;
    tg_error_t err = {0};
    tg_ledger_entry_t entries[2];
    entries_fill(entries);
    the_answer = (tg_result_t){.n_rows = 1, .cells = {{1, 10, 5}}};
    ASSERT_FAILS(tg_ledger_claim(&LEDGER, NULL, entries, 2, &err), TG_ERR_INTERNAL);
    assert_int_equal(entries[1].next_offset, -1);
}

static void
ledger_trouble_leaves_the_entries_alone(void **state)
{
    (void)state;
    tg_error_t err = {0};
    tg_ledger_entry_t entries[2];
    entries_fill(entries);
    answer_status = TG_ERR_LOST;
    ASSERT_FAILS(tg_ledger_read(&LEDGER, NULL, entries, 2, &err), TG_ERR_LOST);
    ASSERT_FAILS(tg_ledger_claim(&LEDGER, NULL, entries, 2, &err), TG_ERR_LOST);
    answer_status = TG_OK;
    assert_int_equal(entries[0].next_offset, 7);
}

static void
ledger_advance_is_one_quoted_statement(void **state)
{
    (void)state;
    tg_ledger_entry_t entries[2];
    entries_fill(entries);
    tg_buffer_t sql;
    tg_buffer_init(&sql, 4096);
    assert_int_equal(tg_ledger_append_advance(&LEDGER, &entries[0], 19, 11, 1, &sql), TG_OK);
    assert_string_equal(tg_buffer_text(&sql),
                        "SELECT tidegate.advance('o''hara', 'sensors', 'it''s', 3, "
                        "'aaaaaaaa-0000-4000-8000-000000000000', 7, 19, 11, 1); ");
    tg_buffer_done(&sql);
    tg_buffer_init(&sql, 20);
    assert_int_equal(tg_ledger_append_advance(&LEDGER, &entries[0], 19, 11, 1, &sql), TG_ERR_FULL);
    tg_buffer_done(&sql);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ledger_tokens_are_random_uuids),
        cmocka_unit_test(ledger_read_tells_which_lanes_have_no_row),
        cmocka_unit_test(ledger_claim_takes_answers_by_their_position),
        cmocka_unit_test(ledger_claim_with_an_answer_too_few_is_an_error_and_changes_nothing),
        cmocka_unit_test(ledger_trouble_leaves_the_entries_alone),
        cmocka_unit_test(ledger_advance_is_one_quoted_statement),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
