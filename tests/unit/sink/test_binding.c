// links: sink avro database registry base
/*
 * Bindings against a made-up catalogue and a made-up schema cache.
 */
#include <stdio.h>

#include "binding.h"
#include "fake_table.h"

enum { SCHEMA_A = 1, SCHEMA_B, SCHEMA_MISFIT, SCHEMA_BROKEN, N_SCHEMAS };

static const char *const TEXTS[N_SCHEMAS] = {
    [SCHEMA_A] = FAKE_RECORD(FAKE_FIELD("id") "," FAKE_FIELD("a")),
    [SCHEMA_B] = FAKE_RECORD(FAKE_FIELD("id") "," FAKE_FIELD("b")),
    [SCHEMA_MISFIT] = FAKE_RECORD(FAKE_TEXT("id")),
    [SCHEMA_BROKEN] = "{\"type\": \"nothing of that kind\"}",
};

static tg_status_t registry_says;
static int n_lookups;

tg_status_t
tg_schema_cache_lookup(tg_schema_cache_t *cache, const tg_schema_key_t *key, tg_wake_t *wake,
                       const tg_registered_schema_t **ret_schema, tg_error_t *err)
{
    static tg_registered_schema_t schema;
    (void)cache;
    (void)wake;
    n_lookups++;
    if (registry_says != TG_OK) {
        return tg_error_set(err, registry_says, "so it says");
    }
    schema = (tg_registered_schema_t){.text = TEXTS[key->id]};
    *ret_schema = &schema;
    return TG_OK;
}

void
tg_schema_cache_forget(tg_schema_cache_t *cache, const tg_wake_t *wake)
{
    (void)cache;
    (void)wake;
}

typedef struct {
    tg_manual_clock_t clock;
    tg_route_config_t route;
    tg_bindings_t *bindings;
    tg_table_plan_t *table;
} scene_t;

static int
setup(void **state)
{
    static scene_t scene;
    tg_error_t err = {0};
    memset(&scene, 0, sizeof scene);
    registry_says = TG_OK;
    n_lookups = 0;
    fake_reset();
    fake_column("id", TG_PG_INT8);
    fake_column("a", TG_PG_INT8);
    fake_column("b", TG_PG_INT8);
    tg_manual_clock_init(&scene.clock, 1000000);
    const tg_bindings_options_t options = {.decode = {.max_row_bytes = 1000, .max_depth = 8},
                                           .clock = &scene.clock.clock};
    ASSERT_OK(tg_bindings_new(&options, &scene.bindings, &err));
    ASSERT_OK(
        tg_bindings_table(scene.bindings, "\"public\".\"t\"", &scene.route, &scene.table, &err));
    *state = &scene;
    return 0;
}

static int
teardown(void **state)
{
    scene_t *scene = *state;
    tg_bindings_free(scene->bindings);
    return 0;
}

static tg_status_t
find(scene_t *scene, int id, tg_binding_t **ret_binding)
{
    tg_error_t err;
    const tg_schema_key_t key = {.kind = TG_SCHEMA_KEY_ID, .id = id};
    return tg_bindings_find(scene->bindings, &key, scene->table, ret_binding, &err);
}

static tg_status_t
admit(scene_t *scene, int id)
{
    tg_error_t err;
    const tg_schema_key_t key = {.kind = TG_SCHEMA_KEY_ID, .id = id};
    return tg_bindings_admit(scene->bindings, &key, scene->table, NULL, &err);
}

/* As the writer does it. */
static const tg_binding_t *
bound(scene_t *scene, int id)
{
    tg_binding_t *binding = NULL;
    if (find(scene, id, &binding) == TG_ERR_MISSING) {
        ASSERT_FAILS(admit(scene, id), TG_OK);
        ASSERT_FAILS(find(scene, id, &binding), TG_OK);
    }
    assert_true(tg_binding_is_current(binding));
    return binding;
}

static void
binding_of_a_new_schema_waits_for_the_database_once(void **state)
{
    scene_t *scene = *state;
    tg_binding_t *binding = NULL;
    ASSERT_FAILS(find(scene, SCHEMA_A, &binding), TG_ERR_MISSING);
    ASSERT_FAILS(admit(scene, SCHEMA_A), TG_OK);
    ASSERT_FAILS(find(scene, SCHEMA_A, &binding), TG_OK);
    assert_int_equal(n_lookups, 1);
    /* another lane has asked for the same */
    int n_reads = the_fake.n_reads;
    ASSERT_FAILS(admit(scene, SCHEMA_A), TG_OK);
    assert_int_equal(the_fake.n_reads, n_reads);
    assert_int_equal(tg_bindings_n_schemas(scene->bindings), 1);
}

static void
binding_is_compiled_again_when_another_schema_makes_the_list_longer(void **state)
{
    scene_t *scene = *state;
    const tg_binding_t *a = bound(scene, SCHEMA_A);
    (void)bound(scene, SCHEMA_B);
    assert_false(tg_binding_is_current(a));
    assert_ptr_equal(bound(scene, SCHEMA_A), a);
    assert_non_null(strstr(a->target->copy_sql, "(\"id\", \"a\", \"b\")"));
}

/* The loss that this was written for: the catalogue is read again for B, the list of columns begins
 * anew, and A's own column must not silently be left out of it. */
static void
binding_keeps_its_own_columns_when_the_catalogue_is_read_again_for_another(void **state)
{
    scene_t *scene = *state;
    (void)bound(scene, SCHEMA_A);
    (void)bound(scene, SCHEMA_B);
    tg_bindings_invalidate(scene->bindings);
    assert_non_null(strstr(bound(scene, SCHEMA_B)->target->copy_sql, "\"b\""));
    assert_non_null(strstr(bound(scene, SCHEMA_A)->target->copy_sql, "\"a\""));
    assert_non_null(strstr(bound(scene, SCHEMA_B)->target->copy_sql, "\"b\""));
}

static void
binding_keeps_its_own_columns_when_another_schema_evolves_the_table(void **state)
{
    scene_t *scene = *state;
    scene->route.evolve = true;
    the_fake.n_columns = 2; /* id, a */
    (void)bound(scene, SCHEMA_A);
    assert_non_null(strstr(bound(scene, SCHEMA_B)->target->copy_sql, "\"b\""));
    assert_int_equal(the_fake.n_additions, 1);
    assert_non_null(strstr(bound(scene, SCHEMA_A)->target->copy_sql, "\"a\""));
}

static void
binding_misfit_is_remembered_and_looked_at_again_after_a_while(void **state)
{
    scene_t *scene = *state;
    tg_binding_t *binding = NULL;
    (void)bound(scene, SCHEMA_A);
    ASSERT_FAILS(find(scene, SCHEMA_MISFIT, &binding), TG_ERR_MISSING);
    ASSERT_FAILS(admit(scene, SCHEMA_MISFIT), TG_OK);
    int n_reads = the_fake.n_reads;
    tg_manual_clock_advance(&scene->clock, INT64_C(29000000));
    ASSERT_FAILS(find(scene, SCHEMA_MISFIT, &binding), TG_ERR_MISMATCH);
    assert_int_equal(the_fake.n_reads, n_reads);
    tg_manual_clock_advance(&scene->clock, INT64_C(2000000));
    ASSERT_FAILS(find(scene, SCHEMA_MISFIT, &binding), TG_ERR_MISSING);
}

static void
binding_misfit_fits_when_the_table_has_changed(void **state)
{
    scene_t *scene = *state;
    tg_binding_t *binding = NULL;
    (void)bound(scene, SCHEMA_A);
    ASSERT_FAILS(find(scene, SCHEMA_MISFIT, &binding), TG_ERR_MISSING);
    ASSERT_FAILS(admit(scene, SCHEMA_MISFIT), TG_OK);
    the_fake.columns[0].type_oid = TG_PG_TEXT;
    tg_manual_clock_advance(&scene->clock, INT64_C(31000000));
    (void)bound(scene, SCHEMA_MISFIT);
    /* whoever does not fit now says so */
    ASSERT_FAILS(find(scene, SCHEMA_A, &binding), TG_ERR_MISSING);
}

static void
binding_environment_trouble_is_asked_about_again_at_once(void **state)
{
    scene_t *scene = *state;
    tg_binding_t *binding = NULL;
    ASSERT_FAILS(find(scene, SCHEMA_A, &binding), TG_ERR_MISSING);
    the_fake.describe_status = TG_ERR_TIMEOUT;
    ASSERT_FAILS(admit(scene, SCHEMA_A), TG_ERR_TIMEOUT);
    ASSERT_FAILS(find(scene, SCHEMA_A, &binding), TG_ERR_MISSING);
    the_fake.describe_status = TG_OK;
    (void)bound(scene, SCHEMA_A);
}

static void
binding_registry_trouble_is_passed_on_and_not_remembered(void **state)
{
    scene_t *scene = *state;
    tg_binding_t *binding = NULL;
    registry_says = TG_ERR_UNAVAILABLE;
    ASSERT_FAILS(find(scene, SCHEMA_A, &binding), TG_ERR_UNAVAILABLE);
    registry_says = TG_ERR_AGAIN;
    ASSERT_FAILS(find(scene, SCHEMA_A, &binding), TG_ERR_AGAIN);
    registry_says = TG_ERR_NOT_FOUND;
    ASSERT_FAILS(find(scene, SCHEMA_A, &binding), TG_ERR_NOT_FOUND);
    registry_says = TG_OK;
    (void)bound(scene, SCHEMA_A);
}

static void
binding_schema_that_is_none_is_parsed_once(void **state)
{
    scene_t *scene = *state;
    tg_binding_t *binding = NULL;
    assert_int_equal(tg_status_reaction(find(scene, SCHEMA_BROKEN, &binding)), TG_REACTION_POISON);
    assert_int_equal(tg_status_reaction(find(scene, SCHEMA_BROKEN, &binding)), TG_REACTION_POISON);
    assert_int_equal(n_lookups, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(binding_of_a_new_schema_waits_for_the_database_once),
        TEST(binding_is_compiled_again_when_another_schema_makes_the_list_longer),
        TEST(binding_keeps_its_own_columns_when_the_catalogue_is_read_again_for_another),
        TEST(binding_keeps_its_own_columns_when_another_schema_evolves_the_table),
        TEST(binding_misfit_is_remembered_and_looked_at_again_after_a_while),
        TEST(binding_misfit_fits_when_the_table_has_changed),
        TEST(binding_environment_trouble_is_asked_about_again_at_once),
        TEST(binding_registry_trouble_is_passed_on_and_not_remembered),
        TEST(binding_schema_that_is_none_is_parsed_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
