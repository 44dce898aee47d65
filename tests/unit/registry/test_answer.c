// links: registry base
#include <stdio.h>

#include "answer_internal.h"
#include "base/arena.h"
#include "tg_test.h"

typedef struct answer_case {
    const char *name;
    const char *body;
    tg_status_t status;
    const char *text; /* of the error, or of the schema */
    size_t n_references;
} answer_case_t;

static void
answer_of_every_shape_is_read_or_refused(void **state)
{
    (void)state;
    const answer_case_t cases[] = {
        {"only a schema", "{\"schema\":\"\\\"int\\\"\"}", TG_OK, "\"int\"", 0},
        {"all that Confluent gives",
         "{\"schema\":\"s\",\"schemaType\":\"AVRO\",\"references\":[{\"name\":\"n\",\"subject\":"
         "\"a\",\"version\":1}],\"metadata\":null,\"ruleSet\":null,\"guid\":\"g\",\"maxId\":9}",
         TG_OK, "s", 1},
        {"null type, null references", "{\"schema\":\"s\",\"schemaType\":null,\"references\":null}",
         TG_OK, "s", 0},
        {"json schema", "{\"schema\":\"s\",\"schemaType\":\"JSON\"}", TG_ERR_UNSUPPORTED, "JSON",
         0},
        {"empty", "", TG_ERR_INVALID, "not a JSON object", 0},
        {"list", "[]", TG_ERR_INVALID, "not a JSON object", 0},
        {"cut", "{\"schema\":\"s\"", TG_ERR_INVALID, "not a JSON object", 0},
        {"no schema", "{}", TG_ERR_INVALID, "no \"schema\"", 0},
        {"schema as an object", "{\"schema\":{}}", TG_ERR_INVALID, "no \"schema\"", 0},
        {"NUL in the schema", "{\"schema\":\"a\\u0000b\"}", TG_ERR_INVALID, "not a JSON object", 0},
        {"references as an object", "{\"schema\":\"s\",\"references\":{}}", TG_ERR_INVALID,
         "not a list", 0},
        {"reference without subject", "{\"schema\":\"s\",\"references\":[{\"version\":1}]}",
         TG_ERR_INVALID, "without subject or version", 0},
        {"reference without version", "{\"schema\":\"s\",\"references\":[{\"subject\":\"a\"}]}",
         TG_ERR_INVALID, "without subject or version", 0},
        {"reference as a number", "{\"schema\":\"s\",\"references\":[1]}", TG_ERR_INVALID,
         "without subject or version", 0},
    };
    for (size_t i = 0; i < TG_COUNT_OF(cases); i++) {
        tg_arena_t *arena = tg_arena_new(100000);
        tg_answer_t answer = {0};
        tg_error_t err = {0};
        tg_status_t status = tg_answer_parse(tg_bytes_of_text(cases[i].body), arena, &answer, &err);
        const char *text = status == TG_OK ? answer.schema : err.text;
        if (status != cases[i].status || strstr(text, cases[i].text) == NULL ||
            answer.n_references != cases[i].n_references) {
            fail_msg("%s: %s: %s", cases[i].name, tg_status_name(status), err.text);
        }
        tg_arena_free(arena);
    }
}

static void
answer_of_references_keeps_subject_and_version(void **state)
{
    (void)state;
    tg_arena_t *arena = tg_arena_new(100000);
    tg_answer_t answer = {0};
    tg_error_t err = {0};
    ASSERT_OK(tg_answer_parse(
        tg_bytes_of_text("{\"schema\":\"s\",\"references\":[{\"subject\":\"a\",\"version\":12},"
                         "{\"subject\":\"b\",\"version\":-1}]}"),
        arena, &answer, &err));
    assert_string_equal(answer.references[0].subject, "a");
    assert_string_equal(answer.references[0].version, "12");
    assert_string_equal(answer.references[1].version, "latest");
    ASSERT_OK(tg_answer_parse_native_references(
        tg_bytes_of_text("[{\"groupId\":\"g\",\"artifactId\":\"c\",\"version\":\"1.2\"},"
                         "{\"groupId\":null,\"artifactId\":\"d\",\"version\":\"1\"}]"),
        arena, &answer, &err));
    assert_int_equal(answer.n_references, 2);
    assert_string_equal(answer.references[0].group, "g");
    assert_string_equal(answer.references[0].subject, "c");
    assert_string_equal(answer.references[0].version, "1.2");
    assert_string_equal(answer.references[1].group, "default");
    ASSERT_FAILS(tg_answer_parse_native_references(tg_bytes_of_text("{}"), arena, &answer, &err),
                 TG_ERR_INVALID);
    tg_arena_free(arena);
}

static void
answer_with_too_many_references_is_too_large(void **state)
{
    (void)state;
    for (size_t count = TG_ANSWER_MAX_REFERENCES; count <= TG_ANSWER_MAX_REFERENCES + 1; count++) {
        char body[64 * (TG_ANSWER_MAX_REFERENCES + 2)];
        size_t n = (size_t)snprintf(body, sizeof body, "{\"schema\":\"s\",\"references\":[");
        for (size_t i = 0; i < count; i++) {
            n += (size_t)snprintf(body + n, sizeof body - n, "%s{\"subject\":\"a\",\"version\":1}",
                                  i > 0 ? "," : "");
        }
        (void)snprintf(body + n, sizeof body - n, "]}");
        tg_arena_t *arena = tg_arena_new(1000000);
        tg_answer_t answer = {0};
        tg_error_t err = {0};
        ASSERT_FAILS(tg_answer_parse(tg_bytes_of_text(body), arena, &answer, &err),
                     count > TG_ANSWER_MAX_REFERENCES ? TG_ERR_TOO_LARGE : TG_OK);
        tg_arena_free(arena);
    }
}

static void
answer_that_does_not_fit_the_arena_is_out_of_memory(void **state)
{
    (void)state;
    static char body[200000];
    (void)snprintf(body, sizeof body, "{\"schema\":\"%0150000d\"}", 0);
    tg_arena_t *arena = tg_arena_new(100000);
    tg_answer_t answer = {0};
    tg_error_t err = {0};
    ASSERT_FAILS(tg_answer_parse(tg_bytes_of_text(body), arena, &answer, &err), TG_ERR_NO_MEMORY);
    tg_arena_free(arena);
}

static void
answer_native_is_avro_only(void **state)
{
    (void)state;

    const struct {
        const char *body;
        tg_status_t status;
    } cases[] = {
        {"{\"type\":\"record\",\"name\":\"A\",\"fields\":[]}", TG_OK},
        {"\"int\"", TG_OK},
        {"[\"null\",\"int\"]", TG_OK},
        {"{\"type\":\"object\",\"properties\":{}}", TG_ERR_UNSUPPORTED},
        {"{\"$schema\":\"x\",\"type\":\"string\"}", TG_ERR_UNSUPPORTED},
        {"syntax = \"proto3\";", TG_ERR_UNSUPPORTED},
        {"5", TG_ERR_UNSUPPORTED},
        {"", TG_ERR_UNSUPPORTED},
    };

    for (size_t i = 0; i < TG_COUNT_OF(cases); i++) {
        tg_arena_t *arena = tg_arena_new(100000);
        tg_answer_t answer = {0};
        tg_error_t err = {0};
        ASSERT_FAILS(
            tg_answer_parse_native_schema(tg_bytes_of_text(cases[i].body), arena, &answer, &err),
            cases[i].status);
        if (cases[i].status == TG_OK) {
            assert_string_equal(answer.schema, cases[i].body);
        }
        tg_arena_free(arena);
    }
}

static void
answer_error_becomes_one_bounded_line(void **state)
{
    (void)state;
    char body[2000];
    tg_answer_error_t error;
    (void)snprintf(body, sizeof body,
                   "{\"error_code\":42201,\"name\":\"N\",\"message\":\"a\\nb%01000d\"}", 0);
    tg_answer_parse_error(tg_bytes_of_text(body), &error);
    assert_true(error.is_json);
    assert_int_equal(error.code, 42201);
    assert_string_equal(error.name, "N");
    assert_memory_equal(error.message, "a b000", 6);
    assert_int_equal(strlen(error.message), sizeof error.message - 1);

    const char *const others[] = {"", "<html>", "[]", "{}", "{\"error_code\":\"x\"}"};
    for (size_t i = 0; i < TG_COUNT_OF(others); i++) {
        tg_answer_parse_error(tg_bytes_of_text(others[i]), &error);
        assert_false(error.is_json);
        assert_string_equal(error.message, "");
    }
    tg_answer_parse_error(tg_bytes_of(NULL, 0), &error);
    assert_false(error.is_json);
}

static void
answer_list_is_searched(void **state)
{
    (void)state;
    bool found = false;
    assert_true(tg_answer_parse_list(tg_bytes_of_text("[\"JSON\",1,\"AVRO\"]"), "AVRO", &found));
    assert_true(found);
    assert_true(tg_answer_parse_list(tg_bytes_of_text("[]"), "AVRO", &found));
    assert_false(found);
    assert_false(tg_answer_parse_list(tg_bytes_of_text("{}"), "AVRO", &found));
    assert_false(tg_answer_parse_list(tg_bytes_of_text(""), "AVRO", &found));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answer_of_every_shape_is_read_or_refused),
        cmocka_unit_test(answer_of_references_keeps_subject_and_version),
        cmocka_unit_test(answer_with_too_many_references_is_too_large),
        cmocka_unit_test(answer_that_does_not_fit_the_arena_is_out_of_memory),
        cmocka_unit_test(answer_native_is_avro_only),
        cmocka_unit_test(answer_error_becomes_one_bounded_line),
        cmocka_unit_test(answer_list_is_searched),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
