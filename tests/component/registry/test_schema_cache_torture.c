// links: registry base
// libs: openssl
// wrap: malloc calloc realloc reallocarray strdup
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/wake.h"
#include "registry/schema_cache.h"
#include "scripted_registry.h"
#include "tg_test.h"
#include "tg_torture.h"

enum { PATIENCE_MS = 20000, RETRY_MAX_MS = 30000, MAX_ALLOCATIONS = 2000 };

static const scripted_answer_t ANSWERS[] = {
    {"/schemas/ids/1?fetchMaxId=false", 200, NULL, NULL,
     "{\"schema\":\"top\",\"references\":[{\"subject\":\"s\",\"version\":1}]}"},
    {"/subjects/s/versions/1?deleted=true", 200, NULL, NULL, "{\"schema\":\"base\"}"},
    {.path = NULL}};

/* Looks up until there is an answer; whatever memory refused, it comes in the end. */
static void
look_up(tg_schema_cache_t *cache, tg_manual_clock_t *clock, tg_wake_t *wake)
{
    const tg_schema_key_t key = {.kind = TG_SCHEMA_KEY_ID, .id = 1};
    const tg_registered_schema_t *schema = NULL;
    tg_error_t err = {0};
    tg_status_t status = tg_schema_cache_lookup(cache, &key, wake, &schema, &err);
    for (int i = 0; i < 10 && status != TG_OK; i++) {
        if (status == TG_ERR_NO_MEMORY || status == TG_ERR_UNAVAILABLE) {
            tg_manual_clock_advance(clock, (int64_t)RETRY_MAX_MS * 1000);
        } else {
            assert_int_equal(status, TG_ERR_AGAIN);
            struct pollfd fd = {.fd = wake->fd, .events = POLLIN};
            assert_int_equal(poll(&fd, 1, PATIENCE_MS), 1);
            tg_wake_drain(wake);
        }
        status = tg_schema_cache_lookup(cache, &key, wake, &schema, &err);
        if (status == TG_ERR_UNAVAILABLE || status == TG_ERR_NO_MEMORY) {
            struct pollfd fd = {.fd = wake->fd, .events = POLLIN};
            (void)poll(&fd, 1, 50);
        }
    }
    ASSERT_OK(status);
    assert_string_equal(schema->text, "top");
    assert_string_equal(schema->references[0], "base");
}

static void
schema_cache_without_memory_at_any_moment_recovers(void **state)
{
    (void)state;
    scripted_registry_t *registry = __real_calloc(1, sizeof *registry);
    tg_manual_clock_t clock;
    tg_wake_t wake;
    tg_error_t err = {0};
    char url[64];
    tg_manual_clock_init(&clock, 1000000);
    ASSERT_OK(tg_wake_open(&wake, &err));
    bool struck = true;
    long n = 1;
    for (; struck && n < MAX_ALLOCATIONS; n++) {
        if (n % 64 == 1) {
            if (n > 1) {
                scripted_stop(registry);
            }
            scripted_start(registry, ANSWERS);
            (void)snprintf(url, sizeof url, "http://127.0.0.1:%d", registry->port);
        }
        const char *const urls[] = {url};
        char disk[] = "/tmp/tg-torture-XXXXXX";
        assert_non_null(mkdtemp(disk));
        const tg_registry_options_t options = {.urls = urls,
                                               .n_urls = 1,
                                               .max_entries = 10,
                                               .max_schema_bytes = 4096,
                                               .cache_directory = disk,
                                               .clock = &clock.clock};
        tg_schema_cache_t *cache = NULL;
        atomic_store(&torture_countdown, n);
        tg_status_t status = tg_schema_cache_open(&options, &cache, &err);
        if (status == TG_OK) {
            look_up(cache, &clock, &wake);
        } else {
            assert_int_equal(status, TG_ERR_NO_MEMORY);
            assert_null(cache);
        }
        tg_schema_cache_close(cache);
        struck = atomic_exchange(&torture_countdown, 0) <= 0;
        char command[128];
        (void)snprintf(command, sizeof command, "rm -rf %s", disk);
        assert_int_equal(system(command), 0);
    }
    assert_true(n > 10);
    assert_true(n < MAX_ALLOCATIONS);
    scripted_stop(registry);
    tg_wake_close(&wake);
    free(registry);
}

int
main(void)
{
    (void)setenv("no_proxy", "*", 1); /* nothing here is for the proxy of this machine */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(schema_cache_without_memory_at_any_moment_recovers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
