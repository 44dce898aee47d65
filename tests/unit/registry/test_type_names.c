// links: registry base
#include <stdio.h>

#include "base/arena.h"
#include "tg_test.h"
#include "type_names_internal.h"

/* The names of a list, with a space behind each. */
static const char *
text_of(const tg_name_list_t *list, char *text, size_t n_bytes)
{
    text[0] = '\0';
    for (size_t i = 0; i < list->count; i++) {
        size_t n = strlen(text);
        (void)snprintf(text + n, n_bytes - n, "%s ", list->names[i]);
    }
    return text;
}

static tg_status_t
find(const char *schema, tg_arena_t *arena, tg_type_names_t *names, tg_error_t *err)
{
    return tg_type_names_find(schema, arena, names, err);
}

static void
type_names_follow_the_namespaces_of_avro(void **state)
{
    (void)state;

    const struct {
        const char *name;
        const char *schema;
        const char *defined;
        const char *used;
    } cases[] = {
        {"primitive", "\"int\"", "", ""},
        {"a type of elsewhere", "\"com.acme.A\"", "", "com.acme.A "},
        {"no namespace",
         "{\"type\":\"record\",\"name\":\"A\",\"fields\":[{\"name\":\"f\",\"type\":\"B\"}]}", "A ",
         "B "},
        {"namespace attribute",
         "{\"type\":\"record\",\"name\":\"A\",\"namespace\":\"n.m\",\"fields\":[{\"name\":\"f\","
         "\"type\":\"B\"},{\"name\":\"g\",\"type\":\"x.C\"}]}",
         "n.m.A ", "n.m.B x.C "},
        {"dotted name carries its own",
         "{\"type\":\"record\",\"name\":\"n.A\",\"namespace\":\"other\",\"fields\":[{\"name\":"
         "\"f\",\"type\":\"B\"}]}",
         "n.A ", "n.B "},
        {"inner types inherit",
         "{\"type\":\"record\",\"name\":\"n.A\",\"fields\":[{\"name\":\"e\",\"type\":{\"type\":"
         "\"enum\",\"name\":\"E\",\"symbols\":[\"X\"]}},{\"name\":\"f\",\"type\":\"E\"},{\"name\":"
         "\"g\",\"type\":{\"type\":\"fixed\",\"name\":\"F\",\"namespace\":\"\",\"size\":4}}]}",
         "n.A n.E F ", ""},
        {"arrays, maps, unions",
         "[\"null\",{\"type\":\"array\",\"items\":\"a.A\"},{\"type\":\"map\",\"values\":[\"null\","
         "\"b.B\"]}]",
         "", "a.A b.B "},
        {"logical types and wrapped types",
         "{\"type\":{\"type\":\"int\",\"logicalType\":\"date\"}}", "", ""},
        {"recursion",
         "{\"type\":\"record\",\"name\":\"A\",\"fields\":[{\"name\":\"f\",\"type\":["
         "\"null\",\"A\"]}]}",
         "A ", ""},
        {"named once however often used",
         "[\"null\",{\"type\":\"array\",\"items\":\"A\"},{\"type\":\"map\",\"values\":\"A\"}]", "",
         "A "},
    };

    for (size_t i = 0; i < TG_COUNT_OF(cases); i++) {
        static tg_type_names_t names;
        tg_arena_t *arena = tg_arena_new(100000);
        char text[256];
        tg_error_t err = {0};
        ASSERT_OK(find(cases[i].schema, arena, &names, &err));
        if (strcmp(text_of(&names.defined, text, sizeof text), cases[i].defined) != 0) {
            fail_msg("%s: defines %s", cases[i].name, text);
        }
        if (strcmp(text_of(&names.used, text, sizeof text), cases[i].used) != 0) {
            fail_msg("%s: uses %s", cases[i].name, text);
        }
        tg_arena_free(arena);
    }
}

static void
type_names_of_what_is_no_schema_are_refused(void **state)
{
    (void)state;

    const struct {
        const char *schema;
        const char *text;
    } cases[] = {
        {"", "not JSON"},
        {"{\n\"type\":", "line 2"},
        {"5", "neither"},
        {"{}", "no \"type\""},
        {"{\"type\":\"record\"}", "no name"},
        {"{\"type\":\"array\"}", "no \"items\""},
        {"{\"type\":\"map\"}", "no \"values\""},
        {"[null]", "neither"},
    };

    for (size_t i = 0; i < TG_COUNT_OF(cases); i++) {
        static tg_type_names_t names;
        tg_arena_t *arena = tg_arena_new(100000);
        tg_error_t err = {0};
        ASSERT_FAILS(find(cases[i].schema, arena, &names, &err), TG_ERR_INVALID);
        assert_non_null(strstr(err.text, cases[i].text));
        tg_arena_free(arena);
    }
}

static void
type_names_nested_without_end_are_too_large(void **state)
{
    (void)state;
    static tg_type_names_t names;
    char schema[2000] = "";
    for (int i = 0; i < 100; i++) {
        (void)strncat(schema, "[", sizeof schema - strlen(schema) - 1);
    }
    (void)strncat(schema, "\"int\"", sizeof schema - strlen(schema) - 1);
    for (int i = 0; i < 100; i++) {
        (void)strncat(schema, "]", sizeof schema - strlen(schema) - 1);
    }
    tg_arena_t *arena = tg_arena_new(100000);
    tg_error_t err = {0};
    ASSERT_FAILS(find(schema, arena, &names, &err), TG_ERR_TOO_LARGE);
    tg_arena_free(arena);
}

static void
type_names_beyond_their_number_are_too_large(void **state)
{
    (void)state;
    static tg_type_names_t names;
    static char schema[16 * (TG_TYPE_NAMES_MAX + 2)];
    for (int extra = 0; extra < 2; extra++) {
        size_t n = (size_t)snprintf(schema, sizeof schema, "[\"null\"");
        for (int i = 0; i < TG_TYPE_NAMES_MAX + extra; i++) {
            n += (size_t)snprintf(schema + n, sizeof schema - n, ",\"N%d\"", i);
        }
        (void)snprintf(schema + n, sizeof schema - n, "]");
        tg_arena_t *arena = tg_arena_new(1000000);
        tg_error_t err = {0};
        ASSERT_FAILS(find(schema, arena, &names, &err), extra == 0 ? TG_OK : TG_ERR_TOO_LARGE);
        tg_arena_free(arena);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(type_names_follow_the_namespaces_of_avro),
        cmocka_unit_test(type_names_of_what_is_no_schema_are_refused),
        cmocka_unit_test(type_names_nested_without_end_are_too_large),
        cmocka_unit_test(type_names_beyond_their_number_are_too_large),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
