// links: avro base
#include <stdio.h>

#include "avro/derive.h"
#include "avro/schema.h"
#include "avro_case.h"

static void
schema_accepts_what_the_specification_and_its_users_write(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "\"string\"",
        "{\"type\":\"bytes\"}",
        "{\"type\":{\"type\":\"string\"}}",
        "{\"type\":[\"null\",\"int\"]}",
        "[\"null\",\"int\",{\"type\":\"map\",\"values\":\"int\"}]",
        RECORD(""),
        RECORD(FIELD("a", "\"int\"") "," FIELD("b", "[\"int\",\"null\"]")),
        "{\"type\":\"error\",\"name\":\"e\",\"fields\":[]}",
        /* a letter outside ASCII, as Java takes it */
        RECORD(FIELD("temp\xc3\xa9rature", "\"double\"")),
        /* namespaces: inherited, given, in the name, none */
        "{\"type\":\"record\",\"name\":\"r\",\"namespace\":\"a.b\",\"fields\":["
        "{\"name\":\"f\",\"type\":{\"type\":\"record\",\"name\":\"s\",\"namespace\":\"\","
        "\"fields\":"
        "[]}},{\"name\":\"g\",\"type\":\"s\"},"
        "{\"name\":\"h\",\"type\":{\"type\":\"fixed\",\"name\":\"c.d.t\",\"size\":3}},"
        "{\"name\":\"i\",\"type\":\"c.d.t\"},"
        "{\"name\":\"j\",\"type\":{\"type\":\"enum\",\"name\":\"e\",\"symbols\":[\"A\"]}},"
        "{\"name\":\"k\",\"type\":\"a.b.e\"},{\"name\":\"l\",\"type\":\"e\"}]}",
        /* recursion through each of its ways */
        RECORD(FIELD("a", "[\"null\",\"r\"]") "," FIELD(
            "b", "{\"type\":\"array\",\"items\":\"r\"}") "," FIELD("c", "{\"type\":\"map\","
                                                                        "\"values\":\"r\"}")),
        "{\"type\":\"fixed\",\"name\":\"f\",\"size\":0}",
        /* nobody checks a namespace */
        "{\"type\":\"record\",\"name\":\"r\",\"namespace\":\"a\\\"b \\u0007\",\"fields\":[]}",
    };
    for (size_t i = 0; i < TG_COUNT_OF(texts); i++) {
        tg_error_t err;
        tg_schema_t *schema = NULL;
        if (tg_schema_new(texts[i], NULL, 0, &schema, &err) != TG_OK) {
            fail_msg("%s: %s", texts[i], err.text);
        }
        tg_schema_unref(schema);
    }
}

static void
schema_rejects_what_is_not_avro_and_says_why(void **state)
{
    (void)state;

    static const struct {
        const char *text;
        const char *words;
    } cases[] = {
        {"", "not JSON"},
        {"{", "not JSON"},
        {"7", "must be a name"},
        {"null", "must be a name"},
        {"\"strin\"", "\"strin\" is not defined"},
        {"{}", "without a type"},
        {"[]", "without branches"},
        {"[\"int\",\"int\"]", "\"int\" twice"},
        {"[\"null\",[\"int\"]]", "another union"},
        {"{\"type\":\"record\",\"fields\":[]}", "without a name"},
        {"{\"type\":\"record\",\"name\":\"r\"}", "has no fields"},
        {"{\"type\":\"record\",\"name\":\"r-x\",\"fields\":[]}", "is not a name"},
        {"{\"type\":\"record\",\"name\":\"int\",\"fields\":[]}", "is not a name"},
        {"{\"type\":\"record\",\"name\":\"a.1\",\"fields\":[]}", "is not a name"},
        {RECORD("{\"type\":\"int\"}"), "field without a name"},
        {RECORD("{\"name\":\"a b\",\"type\":\"int\"}"), "field without a name"},
        {RECORD("{\"name\":\"a\"}"), "r.a has no type"},
        {RECORD("3"), "field without a name"},
        {RECORD(FIELD("a", "\"int\"") "," FIELD("a", "\"int\"")), "two fields \"a\""},
        {RECORD("{\"name\":\"a\",\"type\":\"int\",\"aliases\":[3]}"), "alias"},
        {RECORD(FIELD("a", "{\"type\":\"array\"}")), "without \"items\""},
        {RECORD(FIELD("a", "{\"type\":\"map\"}")), "without \"values\""},
        {RECORD(FIELD("a", "{\"type\":\"fixed\",\"name\":\"r\",\"size\":1}")),
         "r is defined twice"},
        {"{\"type\":\"fixed\",\"name\":\"f\"}", "no valid size"},
        {"{\"type\":\"fixed\",\"name\":\"f\",\"size\":-1}", "no valid size"},
        {"{\"type\":\"enum\",\"name\":\"e\",\"symbols\":[]}", "no symbols"},
        {"{\"type\":\"enum\",\"name\":\"e\",\"symbols\":[\"A\",\"A\"]}", "there twice"},
        {"{\"type\":\"enum\",\"name\":\"e\",\"symbols\":[\"A B\"]}", "not a name"},
        {"{\"type\":\"enum\",\"name\":\"e\",\"symbols\":[4]}", "not a name"},
        {RECORD(FIELD("a", "\"r\"")), "r contains itself"},
        {RECORD(FIELD("a", "[\"r\"]")), "contains itself"},
        /* two that need each other, of which one is only met behind a union */
        {RECORD(FIELD("u", "[\"null\",{\"type\":\"record\",\"name\":\"s\",\"fields\":["
                           "{\"name\":\"a\",\"type\":\"r\"}]}]") "," FIELD("b", "\"s\"")),
         "contains itself"},
    };

    for (size_t i = 0; i < TG_COUNT_OF(cases); i++) {
        tg_error_t err = {.text = ""};
        tg_schema_t *schema = NULL;
        tg_status_t status = tg_schema_new(cases[i].text, NULL, 0, &schema, &err);
        if (status != TG_ERR_INVALID || strstr(err.text, cases[i].words) == NULL) {
            fail_msg("%s: %s: %s", cases[i].text, tg_status_name(status), err.text);
        }
        assert_null(schema);
    }
}

/* n times before, one middle, n times after */
static char *
nest(const char *before, const char *middle, const char *after, size_t n)
{
    size_t n_bytes = n * (strlen(before) + strlen(after)) + strlen(middle) + 1;
    char *text = calloc(1, n_bytes);
    size_t at = 0;
    for (size_t i = 0; i < n; i++) {
        at += (size_t)snprintf(text + at, n_bytes - at, "%s", before);
    }
    at += (size_t)snprintf(text + at, n_bytes - at, "%s", middle);
    for (size_t i = 0; i < n; i++) {
        at += (size_t)snprintf(text + at, n_bytes - at, "%s", after);
    }
    return text;
}

static void
schema_beyond_a_ceiling_is_too_large(void **state)
{
    (void)state;

    static const struct {
        const char *name;
        const char *before, *middle, *after;
        size_t n;
        tg_status_t status;
    } cases[] = {
        {"arrays, deep but allowed", "{\"type\":\"array\",\"items\":", "\"int\"", "}", 63, TG_OK},
        {"arrays, too deep", "{\"type\":\"array\",\"items\":", "\"int\"", "}", 64,
         TG_ERR_TOO_LARGE},
        {"arrays, far too deep", "{\"type\":\"array\",\"items\":", "\"int\"", "}", 1500,
         TG_ERR_TOO_LARGE},
        {"deeper than the JSON reader goes", "[", "", "]", 400000, TG_ERR_INVALID},
        {"wrappers, too deep", "{\"type\":", "\"int\"", "}", 70, TG_ERR_TOO_LARGE},
        {"too long", " ", "\"int\"", "", (1 << 20) + 1, TG_ERR_TOO_LARGE},
    };

    for (size_t i = 0; i < TG_COUNT_OF(cases); i++) {
        tg_error_t err = {.text = ""};
        tg_schema_t *schema = NULL;
        char *text = nest(cases[i].before, cases[i].middle, cases[i].after, cases[i].n);
        tg_status_t status = tg_schema_new(text, NULL, 0, &schema, &err);
        if (status != cases[i].status) {
            fail_msg("%s: %s: %s", cases[i].name, tg_status_name(status), err.text);
        }
        tg_schema_unref(schema);
        free(text);
    }
}

static void
schema_with_more_types_than_the_ceiling_is_too_large(void **state)
{
    (void)state;

    enum { N_FIELDS = 20001, FIELD_BYTES = 48 };

    tg_error_t err = {.text = ""};
    tg_schema_t *schema = NULL;
    char *text = calloc(N_FIELDS, FIELD_BYTES);
    size_t at =
        (size_t)snprintf(text, FIELD_BYTES, "{\"type\":\"record\",\"name\":\"r\",\"fields\":[");
    for (int i = 0; i < N_FIELDS; i++) {
        at += (size_t)snprintf(text + at, FIELD_BYTES, "%s{\"name\":\"f%d\",\"type\":\"int\"}",
                               i > 0 ? "," : "", i);
    }
    (void)snprintf(text + at, FIELD_BYTES, "]}");
    ASSERT_FAILS(tg_schema_new(text, NULL, 0, &schema, &err), TG_ERR_TOO_LARGE);
    assert_non_null(strstr(err.text, "more than 20000 types"));
    free(text);
}

static void
schema_references_are_resolved_across_documents(void **state)
{
    (void)state;
    tg_error_t err;
    static const char *const references[] = {
        "{\"type\":\"enum\",\"name\":\"a.Unit\",\"symbols\":[\"C\",\"F\"]}",
        "{\"type\":\"record\",\"name\":\"Place\",\"namespace\":\"a\",\"fields\":["
        "{\"name\":\"unit\",\"type\":\"Unit\"}]}",
    };
    tg_schema_t *schema = NULL;
    TG_CLEANUP(tg_derived_table_freep) tg_derived_table_t *table = NULL;
    const char *text =
        "{\"type\":\"record\",\"name\":\"b.Reading\",\"fields\":["
        "{\"name\":\"place\",\"type\":\"a.Place\"},{\"name\":\"was\",\"type\":[\"null\","
        "\"a.Place\"]}]}";
    ASSERT_OK(tg_schema_new(text, references, 2, &schema, &err));
    assert_string_equal(tg_schema_name(schema), "b.Reading");
    ASSERT_OK(tg_derive_table(schema, TG_NESTED_FLATTEN, &table, &err));
    assert_int_equal(tg_derived_table_n_columns(table), 2);
    assert_string_equal(tg_derived_table_column(table, 1)->name, "was_unit");
    tg_schema_unref(schema);
    schema = NULL;
    ASSERT_FAILS(tg_schema_new(text, references, 1, &schema, &err), TG_ERR_INVALID);
    assert_non_null(strstr(err.text, "\"a.Place\" is not defined"));
    ASSERT_FAILS(tg_schema_new(text, references + 1, 1, &schema, &err), TG_ERR_INVALID);
    assert_non_null(strstr(err.text, "reference 1: "));
}

static void
schema_with_too_long_names_or_too_many_references_is_too_large(void **state)
{
    (void)state;

    enum { N_REFERENCES = 1001, NAME_BYTES = 513 };

    tg_error_t err = {.text = ""};
    tg_schema_t *schema = NULL;
    const char *references[N_REFERENCES];
    char name[NAME_BYTES + 1];
    char text[NAME_BYTES + 100];
    for (size_t i = 0; i < N_REFERENCES; i++) {
        references[i] = "\"int\"";
    }
    ASSERT_FAILS(tg_schema_new("\"int\"", references, N_REFERENCES, &schema, &err),
                 TG_ERR_TOO_LARGE);
    ASSERT_OK(tg_schema_new("\"int\"", references, N_REFERENCES - 1, &schema, &err));
    tg_schema_unref(schema);
    schema = NULL;
    memset(name, 'n', NAME_BYTES);
    name[NAME_BYTES] = '\0';
    (void)snprintf(text, sizeof text, "{\"type\":\"record\",\"name\":\"%s\",\"fields\":[]}", name);
    ASSERT_FAILS(tg_schema_new(text, NULL, 0, &schema, &err), TG_ERR_TOO_LARGE);
    assert_non_null(strstr(err.text, "longer than 512 bytes"));
}

static void
schema_properties_of_the_record_are_kept(void **state)
{
    (void)state;
    tg_schema_t *schema =
        case_schema("{\"type\":\"record\",\"name\":\"r\",\"tidegate.time\":\"ts\",\"tidegate.n\":3,"
                    "\"doc\":\"d\",\"fields\":[]}");
    tg_schema_t *again = tg_schema_ref(schema);
    tg_schema_unref(schema);
    assert_string_equal(tg_schema_property(again, "tidegate.time"), "ts");
    assert_null(tg_schema_property(again, "tidegate.n"));
    assert_null(tg_schema_property(again, "doc"));
    assert_null(tg_schema_property(again, "none"));
    tg_schema_unref(again);
    tg_schema_unref(NULL);
    schema = case_schema("\"int\"");
    assert_string_equal(tg_schema_name(schema), "");
    assert_null(tg_schema_property(schema, "tidegate.time"));
    tg_schema_unref(schema);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(schema_accepts_what_the_specification_and_its_users_write),
        cmocka_unit_test(schema_rejects_what_is_not_avro_and_says_why),
        cmocka_unit_test(schema_beyond_a_ceiling_is_too_large),
        cmocka_unit_test(schema_with_more_types_than_the_ceiling_is_too_large),
        cmocka_unit_test(schema_references_are_resolved_across_documents),
        cmocka_unit_test(schema_with_too_long_names_or_too_many_references_is_too_large),
        cmocka_unit_test(schema_properties_of_the_record_are_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
