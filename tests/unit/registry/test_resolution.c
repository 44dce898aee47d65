// links: registry base
#include <stdio.h>

#include "base/arena.h"
#include "registered_schema_internal.h"
#include "resolution_internal.h"
#include "tg_test.h"

enum { MAX_BYTES = 100000 };

/* A registry of one letter per subject: what each needs. */
typedef struct subject {
    const char *name;
    const char *needs; /* one letter each */
    const char *text;  /* NULL: the name */
} subject_t;

typedef struct book {
    const subject_t *subjects;
    size_t count;
    size_t n_fetched;
} book_t;

static tg_status_t
refer(tg_arena_t *arena, const char *needs, tg_answer_t *answer)
{
    size_t count = strlen(needs);
    tg_reference_t *references = tg_arena_calloc(arena, count + 1, sizeof *references);
    assert_non_null(references);
    for (size_t i = 0; i < count; i++) {
        references[i] = (tg_reference_t){
            .group = "default", .subject = tg_arena_strndup(arena, needs + i, 1), .version = "1"};
    }
    answer->references = references;
    answer->n_references = count;
    return TG_OK;
}

static tg_status_t
fetch(void *arg, const tg_reference_t *reference, tg_arena_t *arena, tg_answer_t *ret_answer,
      tg_error_t *err)
{
    book_t *book = arg;
    book->n_fetched++;
    for (size_t i = 0; i < book->count; i++) {
        const subject_t *subject = &book->subjects[i];
        if (strcmp(subject->name, reference->subject) == 0) {
            ret_answer->schema = subject->text != NULL ? subject->text : subject->name;
            return refer(arena, subject->needs, ret_answer);
        }
    }
    return tg_error_set(err, TG_ERR_NOT_FOUND, "not known");
}

/* The texts of the result in their order, as one text. */
static tg_status_t
resolve(book_t *book, const char *needs, size_t max_bytes, char *ret_order, size_t n_order,
        tg_error_t *err)
{
    const tg_reference_source_t source = {.fetch = fetch, .arg = book};
    tg_arena_t *arena = tg_arena_new(1000000);
    tg_answer_t root = {.schema = "root"};
    tg_registered_schema_t *schema = NULL;
    TG_TRY(refer(arena, needs, &root));
    tg_status_t status = tg_resolution_run(&source, &root, arena, max_bytes, &schema, err);
    if (status == TG_OK) {
        assert_string_equal(schema->text, "root");
        ret_order[0] = '\0';
        for (size_t i = 0; i < schema->n_references; i++) {
            size_t n = strlen(ret_order);
            (void)snprintf(ret_order + n, n_order - n, "%s", schema->references[i]);
        }
    } else {
        assert_null(schema);
    }
    tg_registered_schema_free(schema);
    tg_arena_free(arena);
    return status;
}

static void
resolution_puts_each_schema_after_what_it_needs(void **state)
{
    (void)state;
    const subject_t chain[] = {{"a", "b", NULL}, {"b", "c", NULL}, {"c", "", NULL}};
    const subject_t diamond[] = {
        {"a", "bc", NULL}, {"b", "d", NULL}, {"c", "d", NULL}, {"d", "", NULL}};
    const subject_t twins[] = {{"a", "", "same"}, {"b", "", "same"}};

    const struct {
        const char *name;
        const subject_t *subjects;
        size_t count;
        const char *needs;
        const char *order;
        size_t n_fetched;
    } cases[] = {
        {"none", chain, 3, "", "", 0},
        {"chain", chain, 3, "a", "cba", 3},
        {"chain named from its end", chain, 3, "cba", "cba", 3},
        {"chain named from its start", chain, 3, "abc", "cba", 3},
        {"diamond", diamond, 4, "a", "dbca", 4},
        {"twice", diamond, 4, "dd", "d", 1},
        {"the same text under two subjects", twins, 2, "ab", "same", 2},
    };

    for (size_t i = 0; i < TG_COUNT_OF(cases); i++) {
        book_t book = {.subjects = cases[i].subjects, .count = cases[i].count};
        char order[64];
        tg_error_t err = {0};
        ASSERT_OK(resolve(&book, cases[i].needs, MAX_BYTES, order, sizeof order, &err));
        if (strcmp(order, cases[i].order) != 0 || book.n_fetched != cases[i].n_fetched) {
            fail_msg("%s: got %s with %zu", cases[i].name, order, book.n_fetched);
        }
    }
}

static void
resolution_of_a_circle_is_refused(void **state)
{
    (void)state;
    const subject_t circle[] = {{"a", "b", NULL}, {"b", "c", NULL}, {"c", "a", NULL}};
    const subject_t self[] = {{"a", "a", NULL}};

    const struct {
        const subject_t *subjects;
        size_t count;
    } cases[] = {{circle, 3}, {self, 1}};

    for (size_t i = 0; i < TG_COUNT_OF(cases); i++) {
        book_t book = {.subjects = cases[i].subjects, .count = cases[i].count};
        char order[64];
        tg_error_t err = {0};
        ASSERT_FAILS(resolve(&book, "a", MAX_BYTES, order, sizeof order, &err), TG_ERR_INVALID);
        assert_non_null(strstr(err.text, "circle"));
        assert_non_null(strstr(err.text, "\"a\" version 1"));
    }
}

static void
resolution_of_an_unknown_reference_says_the_way_to_it(void **state)
{
    (void)state;
    const subject_t subjects[] = {{"a", "x", NULL}};
    book_t book = {.subjects = subjects, .count = 1};
    char order[64];
    tg_error_t err = {0};
    ASSERT_FAILS(resolve(&book, "a", MAX_BYTES, order, sizeof order, &err), TG_ERR_NOT_FOUND);
    assert_string_equal(err.text, "its reference to subject \"a\" version 1: its reference to "
                                  "subject \"x\" version 1: not known");
}

static void
resolution_beyond_the_byte_ceiling_is_too_large(void **state)
{
    (void)state;
    const subject_t subjects[] = {{"a", "", "0123456789"}};
    char order[64];
    for (size_t max_bytes = 0; max_bytes < 30; max_bytes++) {
        book_t book = {.subjects = subjects, .count = 1};
        tg_error_t err = {0};
        ASSERT_FAILS(resolve(&book, "a", max_bytes, order, sizeof order, &err),
                     max_bytes >= sizeof "root" + sizeof "0123456789" ? TG_OK : TG_ERR_TOO_LARGE);
    }
}

/* Every subject needs n_needs new ones. */
typedef struct jungle {
    size_t n_needs;
    size_t n_subjects;
} jungle_t;

static tg_status_t
grow(tg_arena_t *arena, jungle_t *jungle, tg_answer_t *ret_answer)
{
    tg_reference_t *references = tg_arena_calloc(arena, jungle->n_needs, sizeof *references);
    char name[32];
    assert_non_null(references);
    for (size_t i = 0; i < jungle->n_needs; i++) {
        (void)snprintf(name, sizeof name, "s%zu", jungle->n_subjects++);
        references[i] = (tg_reference_t){
            .group = "default", .subject = tg_arena_strdup(arena, name), .version = "1"};
    }
    ret_answer->references = references;
    ret_answer->n_references = jungle->n_needs;
    return TG_OK;
}

static tg_status_t
fetch_new(void *arg, const tg_reference_t *reference, tg_arena_t *arena, tg_answer_t *ret_answer,
          tg_error_t *err)
{
    (void)err;
    ret_answer->schema = reference->subject;
    return grow(arena, arg, ret_answer);
}

static void
resolution_without_an_end_is_stopped_by_a_ceiling(void **state)
{
    (void)state;
    const size_t widths[] = {1, 2, 16, 200};
    for (size_t i = 0; i < TG_COUNT_OF(widths); i++) {
        jungle_t jungle = {.n_needs = widths[i]};
        const tg_reference_source_t source = {.fetch = fetch_new, .arg = &jungle};
        tg_arena_t *arena = tg_arena_new(10000000);
        tg_answer_t root = {.schema = "root"};
        tg_registered_schema_t *schema = NULL;
        tg_error_t err = {0};
        TG_IGNORE(grow(arena, &jungle, &root)); /* always works */
        ASSERT_FAILS(tg_resolution_run(&source, &root, arena, MAX_BYTES, &schema, &err),
                     TG_ERR_TOO_LARGE);
        tg_arena_free(arena);
    }
}

/* The last of as many as there may be needs one more. */
static tg_status_t
fetch_one_more(void *arg, const tg_reference_t *reference, tg_arena_t *arena,
               tg_answer_t *ret_answer, tg_error_t *err)
{
    (void)err;
    ret_answer->schema = reference->subject;
    return strcmp(reference->subject, "s255") == 0 ? grow(arena, arg, ret_answer) : TG_OK;
}

static void
resolution_of_one_schema_too_many_is_too_large(void **state)
{
    (void)state;
    jungle_t jungle = {.n_needs = TG_ANSWER_MAX_REFERENCES};
    const tg_reference_source_t source = {.fetch = fetch_one_more, .arg = &jungle};
    tg_arena_t *arena = tg_arena_new(1000000);
    tg_answer_t root = {.schema = "root"};
    tg_registered_schema_t *schema = NULL;
    tg_error_t err = {0};
    TG_IGNORE(grow(arena, &jungle, &root)); /* always works */
    jungle.n_needs = 1;
    ASSERT_FAILS(tg_resolution_run(&source, &root, arena, MAX_BYTES, &schema, &err),
                 TG_ERR_TOO_LARGE);
    assert_non_null(strstr(err.text, "more than 256"));
    tg_arena_free(arena);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(resolution_puts_each_schema_after_what_it_needs),
        cmocka_unit_test(resolution_of_a_circle_is_refused),
        cmocka_unit_test(resolution_of_an_unknown_reference_says_the_way_to_it),
        cmocka_unit_test(resolution_beyond_the_byte_ceiling_is_too_large),
        cmocka_unit_test(resolution_without_an_end_is_stopped_by_a_ceiling),
        cmocka_unit_test(resolution_of_one_schema_too_many_is_too_large),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
