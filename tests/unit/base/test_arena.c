// wrap: malloc calloc realloc reallocarray strdup
#include <stdalign.h>

#include "base/arena.h"
#include "tg_test.h"
#include "tg_torture.h"

static void
arena_pieces_are_aligned_apart_and_keep_their_bytes(void **state)
{
    (void)state;
    tg_arena_t *arena = tg_arena_new(1 << 20);
    assert_non_null(arena);
    uint8_t *pieces[300];
    for (size_t i = 0; i < TG_COUNT_OF(pieces); i++) {
        pieces[i] = tg_arena_alloc(arena, i);
        assert_non_null(pieces[i]);
        assert_int_equal((uintptr_t)pieces[i] % alignof(max_align_t), 0);
        memset(pieces[i], (int)(i & 0xFF), i);
    }
    for (size_t i = 0; i < TG_COUNT_OF(pieces); i++) {
        for (size_t b = 0; b < i; b++) {
            assert_int_equal(pieces[i][b], i & 0xFF);
        }
    }
    tg_arena_free(arena);
}

static void
arena_at_its_ceiling_refuses_and_stays_usable(void **state)
{
    (void)state;
    tg_arena_t *arena = tg_arena_new(4096);
    assert_null(tg_arena_alloc(arena, 4097));
    assert_non_null(tg_arena_alloc(arena, 4096));
    assert_int_equal(tg_arena_used_bytes(arena), 4096);
    assert_null(tg_arena_alloc(arena, 1));
    assert_non_null(tg_arena_alloc(arena, 0));
    tg_arena_reset(arena);
    assert_int_equal(tg_arena_used_bytes(arena), 0);
    assert_non_null(tg_arena_alloc(arena, 4080));
    assert_non_null(tg_arena_alloc(arena, 16));
    assert_null(tg_arena_alloc(arena, 1));
    tg_arena_free(arena);
}

static void
arena_sizes_that_would_overflow_are_refused(void **state)
{
    (void)state;
    tg_arena_t *arena = tg_arena_new(SIZE_MAX);
    assert_null(tg_arena_alloc(arena, SIZE_MAX));
    assert_null(tg_arena_alloc(arena, SIZE_MAX - 15));
    assert_null(tg_arena_alloc(arena, SIZE_MAX - 31));
    assert_null(tg_arena_alloc(arena, SIZE_MAX - 64));
    assert_null(tg_arena_calloc(arena, SIZE_MAX / 2, 3));
    assert_null(tg_arena_calloc(arena, SIZE_MAX, SIZE_MAX));
    assert_null(tg_arena_strndup(arena, "x", SIZE_MAX));
    assert_non_null(tg_arena_alloc(arena, 10));
    tg_arena_free(arena);
}

static void
arena_takes_no_more_memory_than_its_ceiling_allows(void **state)
{
    (void)state;
    /* A block that doubled past what may still be handed out would be wasted. */
    tg_arena_t *arena = tg_arena_new(64 << 20);
    assert_non_null(tg_arena_alloc(arena, 63 << 20));
    for (int i = 0; i < 64; i++) {
        assert_non_null(tg_arena_alloc(arena, 16 << 10));
    }
    assert_null(tg_arena_alloc(arena, 1));
    tg_arena_free(arena);
}

static void
arena_calloc_gives_zeros_even_from_used_memory(void **state)
{
    (void)state;
    tg_arena_t *arena = tg_arena_new(4096);
    void *dirty = tg_arena_alloc(arena, 256);
    memset(dirty, 0xA5, 256);
    tg_arena_reset(arena);
    const uint8_t *clean = tg_arena_calloc(arena, 16, 16);
    assert_ptr_equal(clean, dirty);
    for (int i = 0; i < 256; i++) {
        assert_int_equal(clean[i], 0);
    }
    assert_non_null(tg_arena_calloc(arena, 7, 0));
    tg_arena_free(arena);
}

static void
arena_copies_of_text_end_with_nul(void **state)
{
    (void)state;
    tg_arena_t *arena = tg_arena_new(1024);
    assert_string_equal(tg_arena_strdup(arena, "sensors"), "sensors");
    assert_string_equal(tg_arena_strndup(arena, "sensors", 3), "sen");
    assert_string_equal(tg_arena_strndup(arena, NULL, 0), "");
    tg_arena_free(arena);
}

static void
arena_reset_keeps_one_block_only(void **state)
{
    (void)state;
    tg_arena_t *arena = tg_arena_new(1 << 20);
    void *first = tg_arena_alloc(arena, 16);
    for (int i = 0; i < 100; i++) {
        assert_non_null(tg_arena_alloc(arena, 4000));
    }
    tg_arena_reset(arena);
    assert_ptr_equal(tg_arena_alloc(arena, 16), first);
    tg_arena_reset(arena);
    tg_arena_free(arena);
    tg_arena_free(NULL);
}

static void
fill_an_arena(void)
{
    TG_CLEANUP(tg_arena_freep) tg_arena_t *arena = tg_arena_new(1 << 16);
    if (arena == NULL) {
        return;
    }
    int n_refused = 0;
    for (int i = 0; i < 8; i++) {
        n_refused += tg_arena_alloc(arena, 3000) == NULL ? 1 : 0;
        n_refused += tg_arena_calloc(arena, 2, 8) == NULL ? 1 : 0;
        n_refused += tg_arena_strdup(arena, "text") == NULL ? 1 : 0;
    }
    /* One failure must not spoil what comes after it. */
    assert_in_range(n_refused, 0, 1);
}

static void
arena_survives_the_failure_of_each_allocation(void **state)
{
    (void)state;
    assert_in_range(tg_torture(fill_an_arena), 4, 20);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arena_pieces_are_aligned_apart_and_keep_their_bytes),
        cmocka_unit_test(arena_at_its_ceiling_refuses_and_stays_usable),
        cmocka_unit_test(arena_sizes_that_would_overflow_are_refused),
        cmocka_unit_test(arena_takes_no_more_memory_than_its_ceiling_allows),
        cmocka_unit_test(arena_calloc_gives_zeros_even_from_used_memory),
        cmocka_unit_test(arena_copies_of_text_end_with_nul),
        cmocka_unit_test(arena_reset_keeps_one_block_only),
        cmocka_unit_test(arena_survives_the_failure_of_each_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
