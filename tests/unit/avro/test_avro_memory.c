// links: avro base
// wrap: malloc calloc realloc tg_arena_alloc tg_arena_calloc tg_arena_strdup tg_arena_strndup
/*
 * No memory, at every place where some is asked for: it is said as such, nothing is lost and
 * nothing crashes, and the next try works.
 */
#include <stdlib.h>

#include "avro/derive.h"
#include "avro_case.h"
#include "base/arena.h"

// NOLINTBEGIN(bugprone-reserved-identifier): the linker's names
void *__real_malloc(size_t n_bytes);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *pointer, size_t n_bytes);
void *__real_tg_arena_alloc(tg_arena_t *arena, size_t n_bytes);
void *__real_tg_arena_calloc(tg_arena_t *arena, size_t count, size_t size);
char *__real_tg_arena_strdup(tg_arena_t *arena, const char *text);
char *__real_tg_arena_strndup(tg_arena_t *arena, const char *text, size_t n_bytes);
void *__wrap_malloc(size_t n_bytes);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *pointer, size_t n_bytes);
void *__wrap_tg_arena_alloc(tg_arena_t *arena, size_t n_bytes);
void *__wrap_tg_arena_calloc(tg_arena_t *arena, size_t count, size_t size);
char *__wrap_tg_arena_strdup(tg_arena_t *arena, const char *text);
char *__wrap_tg_arena_strndup(tg_arena_t *arena, const char *text, size_t n_bytes);
// NOLINTEND(bugprone-reserved-identifier)

/* Allocations until one fails; 0: none does. */
static int n_until_failure;

static bool
fails(void)
{
    return n_until_failure > 0 && --n_until_failure == 0;
}

void *
__wrap_malloc(size_t n_bytes)
{
    return fails() ? NULL : __real_malloc(n_bytes);
}

void *
__wrap_calloc(size_t count, size_t size)
{
    return fails() ? NULL : __real_calloc(count, size);
}

void *
__wrap_realloc(void *pointer, size_t n_bytes)
{
    return fails() ? NULL : __real_realloc(pointer, n_bytes);
}

void *
__wrap_tg_arena_alloc(tg_arena_t *arena, size_t n_bytes)
{
    return fails() ? NULL : __real_tg_arena_alloc(arena, n_bytes);
}

void *
__wrap_tg_arena_calloc(tg_arena_t *arena, size_t count, size_t size)
{
    return fails() ? NULL : __real_tg_arena_calloc(arena, count, size);
}

char *
__wrap_tg_arena_strdup(tg_arena_t *arena, const char *text)
{
    return fails() ? NULL : __real_tg_arena_strdup(arena, text);
}

char *
__wrap_tg_arena_strndup(tg_arena_t *arena, const char *text, size_t n_bytes)
{
    return fails() ? NULL : __real_tg_arena_strndup(arena, text, n_bytes);
}

static const char schema_text[] = RECORD(
    "{\"name\":\"t\",\"aliases\":[\"old\"],\"doc\":\"d\",\"default\":0,\"x.y\":\"z\","
    "\"type\":" LOGICAL("long", "timestamp-micros") "}," FIELD(
        "u",
        "[\"null\",\"int\","
        "\"double\"]") "," FIELD("e",
                                 "{\"type\":\"enum\",\"name\":\"e\",\"symbols\":[\"A\"]"
                                 "}") "," FIELD("a", "{\"type\":\"array\",\"items\":"
                                                     "\"string\"}") "," FIELD("n", "[\"null\",{"
                                                                                   "\"type\":"
                                                                                   "\"record\","
                                                                                   "\"name\":"
                                                                                   "\"s\","
                                                                                   "\"fields\":[{"
                                                                                   "\"name\":"
                                                                                   "\"b\","
                                                                                   "\"type\":"
                                                                                   "\"bytes\"}]}"
                                                                                   "]"));

static const tg_plan_column_t columns[] = {
    COLUMN("n_b", TG_PG_JSONB),    COLUMN("t", TG_PG_TIMESTAMPTZ), COLUMN("none", TG_PG_INT4),
    COLUMN("a", TG_PG_TEXT_ARRAY), COLUMN("u", TG_PG_FLOAT8),      COLUMN("e", TG_PG_TEXT),
};

static tg_status_t
everything(tg_error_t *err)
{
    TG_CLEANUP(tg_schema_unrefp) tg_schema_t *schema = NULL;
    TG_CLEANUP(tg_derived_table_freep) tg_derived_table_t *table = NULL;
    TG_CLEANUP(tg_decode_plan_freep) tg_decode_plan_t *plan = NULL;
    tg_decode_options_t options = {.max_depth = 8};
    size_t order[6];
    uint8_t body[64];
    tg_buffer_t out;
    TG_TRY(tg_schema_new(schema_text, NULL, 0, &schema, err));
    TG_TRY(tg_derive_table(schema, TG_NESTED_FLATTEN, &table, err));
    TG_TRY(tg_decode_plan_preferred_order(schema, columns, 6, order, err));
    TG_TRY(tg_decode_plan_new(schema, columns, 6, &options, &plan, err));
    tg_buffer_init(&out, 1 << 16);
    size_t n = case_hex("02 02 04 00 02 02 78 00 02 04 ffff", body);
    tg_status_t status = tg_decode_plan_decode(plan, tg_bytes_of(body, n), &out, err);
    tg_buffer_done(&out);
    return status;
}

static void
avro_without_memory_says_so_at_every_place(void **state)
{
    (void)state;
    tg_error_t err = {.text = ""};
    int n_failed = 0;
    ASSERT_OK(everything(&err));
    for (int n = 1;; n++) {
        n_until_failure = n;
        tg_status_t status = everything(&err);
        bool was_reached = n_until_failure == 0;
        n_until_failure = 0;
        if (!was_reached) {
            assert_int_equal(status, TG_OK);
            break;
        }
        if (status != TG_ERR_NO_MEMORY) {
            fail_msg("allocation %d: %s: %s", n, tg_status_name(status), err.text);
        }
        n_failed++;
    }
    assert_true(n_failed > 10);
    ASSERT_OK(everything(&err));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(avro_without_memory_says_so_at_every_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
