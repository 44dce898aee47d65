// links: registry base
#include "base/bytes.h"
#include "base/error.h"
#include "registry/wire_format.h"
#include "tg_test.h"

#define GUID_BYTES_LIST                                                                            \
    0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef, 0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77

typedef struct header {
    const char *name;
    tg_bytes_t value;
} header_t;

typedef struct headers {
    header_t list[4];
    size_t count;
} headers_t;

#define BYTES(...)                                                                                 \
    ((tg_bytes_t){.data = (const uint8_t[]){__VA_ARGS__},                                          \
                  .n_bytes = sizeof((const uint8_t[]){__VA_ARGS__})})

/* As the kafka room does: the last header of a name. */
static bool
find(const void *arg, const char *name, tg_bytes_t *ret_value)
{
    const headers_t *headers = arg;
    for (size_t i = headers->count; i > 0; i--) {
        if (strcmp(headers->list[i - 1].name, name) == 0) {
            *ret_value = headers->list[i - 1].value;
            return true;
        }
    }
    return false;
}

static tg_status_t
parse(tg_bytes_t value, bool is_key, const headers_t *headers, tg_schema_key_t *ret_key,
      tg_bytes_t *ret_body, tg_error_t *err)
{
    tg_header_lookup_t lookup = {.find = find, .arg = headers};
    return tg_wire_format_parse(value, is_key, headers != NULL ? &lookup : NULL, ret_key, ret_body,
                                err);
}

typedef struct good_case {
    const char *name;
    tg_bytes_t value;
    bool is_key;
    headers_t headers;
    const char *text;
    size_t body_at;
} good_case_t;

static void
wire_format_of_every_form_gives_key_and_body(void **state)
{
    (void)state;
    const good_case_t cases[] = {
        {"id", BYTES(0, 0, 0, 1, 2, 9, 9), false, {.count = 0}, "schema id 258", 5},
        {"largest id",
         BYTES(0, 0x7f, 0xff, 0xff, 0xff),
         false,
         {.count = 0},
         "schema id 2147483647",
         5},
        {"guid",
         BYTES(1, GUID_BYTES_LIST, 7),
         false,
         {.count = 0},
         "schema 01234567-89ab-cdef-0011-223344556677",
         17},
        {"header with id",
         BYTES(0, 0, 0, 0, 1),
         false,
         {.list = {{"__value_schema_id", BYTES(0, 0, 0, 0, 77)}}, .count = 1},
         "schema id 77",
         0},
        {"header with guid",
         BYTES(5),
         false,
         {.list = {{"__value_schema_id", BYTES(1, GUID_BYTES_LIST)}}, .count = 1},
         "schema 01234567-89ab-cdef-0011-223344556677",
         0},
        {"the last header of a name",
         BYTES(5),
         false,
         {.list = {{"__value_schema_id", BYTES(0, 0, 0, 0, 1)},
                   {"__value_schema_id", BYTES(0, 0, 0, 0, 2)}},
          .count = 2},
         "schema id 2",
         0},
        {"key header for a key",
         BYTES(5),
         true,
         {.list = {{"__value_schema_id", BYTES(0, 0, 0, 0, 1)},
                   {"__key_schema_id", BYTES(0, 0, 0, 0, 2)}},
          .count = 2},
         "schema id 2",
         0},
        {"value header says nothing about a key",
         BYTES(0, 0, 0, 0, 3, 8),
         true,
         {.list = {{"__value_schema_id", BYTES(0, 0, 0, 0, 1)}}, .count = 1},
         "schema id 3",
         5},
        {"header without value",
         BYTES(0, 0, 0, 0, 3, 8),
         false,
         {.list = {{"__value_schema_id", {.data = NULL}}}, .count = 1},
         "schema id 3",
         5},
        {"more behind the id in a header",
         BYTES(8),
         false,
         {.list = {{"__value_schema_id", BYTES(0, 0, 0, 0, 1, 0)}}, .count = 1},
         "schema id 1",
         0},
        {"apicurio content id",
         BYTES(8),
         false,
         {.list = {{"apicurio.value.contentId", BYTES(0, 0, 0, 1, 0, 0, 0, 4)}}, .count = 1},
         "schema id 4294967300",
         0},
        {"apicurio global id",
         BYTES(8),
         false,
         {.list = {{"apicurio.value.globalId", BYTES(0, 0, 0, 0, 0, 0, 0, 4)},
                   {"apicurio.value.encoding", BYTES('B', 'I', 'N', 'A', 'R', 'Y')}},
          .count = 2},
         "schema global id 4",
         0},
        {"apicurio content id wins over global id",
         BYTES(8),
         true,
         {.list = {{"apicurio.key.globalId", BYTES(0, 0, 0, 0, 0, 0, 0, 4)},
                   {"apicurio.key.contentId", BYTES(0, 0, 0, 0, 0, 0, 0, 5)}},
          .count = 2},
         "schema id 5",
         0},
        {"empty body behind a header",
         {.data = (const uint8_t *)"", .n_bytes = 0},
         false,
         {.list = {{"__value_schema_id", BYTES(0, 0, 0, 0, 1)}}, .count = 1},
         "schema id 1",
         0},
    };
    for (size_t i = 0; i < TG_COUNT_OF(cases); i++) {
        const good_case_t *c = &cases[i];
        tg_schema_key_t key = {0};
        tg_bytes_t body = {0};
        tg_error_t err = {0};
        char text[TG_SCHEMA_KEY_TEXT_BYTES];
        if (parse(c->value, c->is_key, &c->headers, &key, &body, &err) != TG_OK) {
            fail_msg("%s: %s", c->name, err.text);
        }
        if (strcmp(tg_schema_key_text(&key, text, sizeof text), c->text) != 0) {
            fail_msg("%s: got %s, expected %s", c->name, text, c->text);
        }
        if (body.data != c->value.data + c->body_at ||
            body.n_bytes != c->value.n_bytes - c->body_at) {
            fail_msg("%s: body at the wrong place", c->name);
        }
    }
}

static void
wire_format_of_every_truncated_prefix_is_truncated(void **state)
{
    (void)state;
    const tg_bytes_t whole[] = {BYTES(0, 0, 0, 0, 1), BYTES(1, GUID_BYTES_LIST)};
    for (size_t w = 0; w < TG_COUNT_OF(whole); w++) {
        for (size_t n = 0; n < whole[w].n_bytes; n++) {
            /* A copy of just that size, so that a read beyond it is seen. */
            uint8_t *copy = malloc(n + (n == 0));
            assert_non_null(copy);
            memcpy(copy, whole[w].data, n);
            tg_schema_key_t key = {.id = 4711};
            tg_bytes_t body = {0};
            tg_error_t err = {0};
            ASSERT_FAILS(parse(tg_bytes_of(copy, n), false, NULL, &key, &body, &err),
                         TG_ERR_TRUNCATED);
            assert_int_equal(key.id, 4711);
            assert_null(body.data);

            headers_t headers = {.list = {{"__value_schema_id", tg_bytes_of(copy, n)}}, .count = 1};
            ASSERT_FAILS(parse(BYTES(1), false, &headers, &key, &body, &err), TG_ERR_TRUNCATED);
            free(copy);
        }
    }
}

static void
wire_format_of_every_truncated_long_header_is_truncated(void **state)
{
    (void)state;
    const uint8_t zeros[8] = {0};
    for (size_t n = 0; n < sizeof zeros; n++) {
        headers_t headers = {.list = {{"apicurio.value.globalId", tg_bytes_of(zeros, n)}},
                             .count = 1};
        tg_schema_key_t key;
        tg_bytes_t body;
        tg_error_t err = {0};
        ASSERT_FAILS(parse(BYTES(1), false, &headers, &key, &body, &err), TG_ERR_TRUNCATED);
    }
}

typedef struct bad_case {
    const char *name;
    tg_bytes_t value;
    headers_t headers;
    tg_status_t status;
    const char *text; /* somewhere in the message */
} bad_case_t;

static void
wire_format_of_hostile_input_is_poison_with_a_reason(void **state)
{
    (void)state;
    const bad_case_t cases[] = {
        {"json text", BYTES('{', '}', ' ', ' ', ' '), {.count = 0}, TG_ERR_INVALID, "0x7b"},
        {"magic 2", BYTES(2, 0, 0, 0, 1), {.count = 0}, TG_ERR_INVALID, "0x02"},
        {"negative id", BYTES(0, 0xff, 0xff, 0xff, 0xff), {.count = 0}, TG_ERR_INVALID, "-1"},
        {"tombstone", {.data = NULL}, {.count = 0}, TG_ERR_INVALID, "no value"},
        {"header magic",
         BYTES(0, 0, 0, 0, 1),
         {.list = {{"__value_schema_id", BYTES(9)}}, .count = 1},
         TG_ERR_INVALID,
         "header"},
        {"long id of 9 bytes",
         BYTES(1),
         {.list = {{"apicurio.value.contentId", BYTES(0, 0, 0, 0, 0, 0, 0, 0, 1)}}, .count = 1},
         TG_ERR_INVALID,
         "9 bytes"},
        {"negative long id",
         BYTES(1),
         {.list = {{"apicurio.value.globalId", BYTES(0x80, 0, 0, 0, 0, 0, 0, 0)}}, .count = 1},
         TG_ERR_INVALID,
         "-9223372036854775808"},
        {"json encoding",
         BYTES('{', '}'),
         {.list = {{"apicurio.value.globalId", BYTES(0, 0, 0, 0, 0, 0, 0, 1)},
                   {"apicurio.value.encoding", BYTES('J', 'S', 'O', 'N')}},
          .count = 2},
         TG_ERR_UNSUPPORTED,
         "BINARY"},
    };
    for (size_t i = 0; i < TG_COUNT_OF(cases); i++) {
        const bad_case_t *c = &cases[i];
        tg_schema_key_t key = {0};
        tg_bytes_t body = {0};
        tg_error_t err = {0};
        tg_status_t status = parse(c->value, false, &c->headers, &key, &body, &err);
        if (status != c->status || strstr(err.text, c->text) == NULL) {
            fail_msg("%s: %s: %s", c->name, tg_status_name(status), err.text);
        }
        assert_int_equal(tg_status_reaction(status), TG_REACTION_POISON);
    }
}

static void
schema_key_text_that_does_not_fit_is_cut(void **state)
{
    (void)state;
    char text[12];
    tg_schema_key_t key = {.kind = TG_SCHEMA_KEY_NAME, .name = "a_rather_long_name"};
    assert_string_equal(tg_schema_key_text(&key, text, sizeof text), "schema \"a_r");
}

static void
schema_keys_are_equal_only_within_their_kind(void **state)
{
    (void)state;
    const tg_schema_key_t keys[] = {
        {.kind = TG_SCHEMA_KEY_ID, .id = 1},        {.kind = TG_SCHEMA_KEY_ID, .id = 2},
        {.kind = TG_SCHEMA_KEY_GLOBAL_ID, .id = 1}, {.kind = TG_SCHEMA_KEY_GUID, .guid = {1}},
        {.kind = TG_SCHEMA_KEY_GUID, .guid = {2}},  {.kind = TG_SCHEMA_KEY_NAME, .name = "a"},
        {.kind = TG_SCHEMA_KEY_NAME, .name = "b"},
    };
    for (size_t i = 0; i < TG_COUNT_OF(keys); i++) {
        for (size_t j = 0; j < TG_COUNT_OF(keys); j++) {
            assert_int_equal(tg_schema_key_equal(&keys[i], &keys[j]), i == j);
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wire_format_of_every_form_gives_key_and_body),
        cmocka_unit_test(wire_format_of_every_truncated_prefix_is_truncated),
        cmocka_unit_test(wire_format_of_every_truncated_long_header_is_truncated),
        cmocka_unit_test(wire_format_of_hostile_input_is_poison_with_a_reason),
        cmocka_unit_test(schema_key_text_that_does_not_fit_is_cut),
        cmocka_unit_test(schema_keys_are_equal_only_within_their_kind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
