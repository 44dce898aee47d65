// links: registry base
// libs: openssl
#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/thread.h"
#include "base/wake.h"
#include "registry/schema_cache.h"
#include "scripted_registry.h"
#include "tg_test.h"

enum {
    PATIENCE_MS = 20000, /* never reached unless something is wrong */
    TTL_MS = 60000,
    RETRY_MAX_MS = 30000,
};

#define ID_PATH(id)  "/schemas/ids/" #id "?fetchMaxId=false"
#define SCHEMA(text) "{\"schema\":\"\\\"" text "\\\"\"}"
#define GOOD(id, text)                                                                             \
    {                                                                                              \
        ID_PATH(id), 200, NULL, NULL, SCHEMA(text)                                                 \
    }

static const scripted_answer_t FOUR_GOOD[] = {
    GOOD(1, "int"), GOOD(2, "long"), GOOD(3, "float"), GOOD(4, "double"), {.path = NULL}};
static const scripted_answer_t EMPTY[] = {{.path = NULL}};

typedef struct room {
    scripted_registry_t registry;
    char url[96];
    const char *urls[1];
    tg_registry_options_t options;
    tg_manual_clock_t clock;
    tg_schema_cache_t *cache;
    tg_wake_t wake;
} room_t;

static room_t *
prepare_room(const scripted_answer_t *answers)
{
    static room_t room;
    memset(&room, 0, sizeof room);
    scripted_start(&room.registry, answers);
    tg_manual_clock_init(&room.clock, 1000000);
    (void)snprintf(room.url, sizeof room.url, "http://user:secret@127.0.0.1:%d",
                   room.registry.port);
    room.urls[0] = room.url;
    room.options = (tg_registry_options_t){.urls = room.urls,
                                           .n_urls = 1,
                                           .timeout_ms = 5000,
                                           .negative_ttl_ms = TTL_MS,
                                           .clock = &room.clock.clock};
    tg_error_t err = {0};
    ASSERT_OK(tg_wake_open(&room.wake, &err));
    return &room;
}

static void
open_cache(room_t *room)
{
    tg_error_t err = {0};
    ASSERT_OK(tg_schema_cache_open(&room->options, &room->cache, &err));
}

static room_t *
open_room(const scripted_answer_t *answers)
{
    room_t *room = prepare_room(answers);
    open_cache(room);
    return room;
}

static void
close_room(room_t *room)
{
    tg_schema_cache_close(room->cache);
    scripted_stop(&room->registry);
    tg_wake_close(&room->wake);
}

static tg_status_t
lookup(room_t *room, int64_t id, const tg_registered_schema_t **ret_schema, tg_error_t *err)
{
    const tg_schema_key_t key = {.kind = TG_SCHEMA_KEY_ID, .id = id};
    return tg_schema_cache_lookup(room->cache, &key, &room->wake, ret_schema, err);
}

static bool
rings(tg_wake_t *wake, int64_t timeout_ms)
{
    struct pollfd fd = {.fd = wake->fd, .events = POLLIN};
    bool rang = poll(&fd, 1, (int)timeout_ms) > 0;
    tg_wake_drain(wake);
    return rang;
}

/* Looks up as a lane does: when told to, waits for the ring and asks again. */
static tg_status_t
get(room_t *room, int64_t id, const tg_registered_schema_t **ret_schema, tg_error_t *err)
{
    tg_status_t status = lookup(room, id, ret_schema, err);
    while (status == TG_ERR_AGAIN) {
        assert_true(rings(&room->wake, PATIENCE_MS));
        status = lookup(room, id, ret_schema, err);
    }
    return status;
}

static tg_schema_cache_stats_t
stats_of(room_t *room)
{
    tg_schema_cache_stats_t stats;
    tg_schema_cache_stats(room->cache, &stats);
    return stats;
}

/* ---- the ordinary way ----------------------------------------------------------------------- */

static void
schema_cache_asks_once_and_answers_from_memory(void **state)
{
    (void)state;
    room_t *room = open_room(FOUR_GOOD);
    const tg_registered_schema_t *schema = NULL;
    const tg_registered_schema_t *again = NULL;
    tg_error_t err = {0};
    ASSERT_FAILS(lookup(room, 1, &schema, &err), TG_ERR_AGAIN);
    assert_null(schema);
    ASSERT_OK(get(room, 1, &schema, &err));
    assert_string_equal(schema->text, "\"int\"");
    assert_int_equal(schema->n_references, 0);
    ASSERT_OK(lookup(room, 1, &again, &err));
    assert_ptr_equal(schema, again);
    ASSERT_OK(get(room, 2, &again, &err));
    assert_string_equal(schema->text, "\"int\""); /* what was lent stays */
    assert_int_equal(scripted_count(&room->registry), 2);
    tg_schema_cache_stats_t stats = stats_of(room);
    assert_int_equal(stats.n_fetched, 2);
    assert_int_equal(stats.n_entries, 2);
    assert_true(stats.n_hits >= 3);
    assert_true(stats.available);
    close_room(room);
}

static void
schema_cache_asked_by_many_asks_once_and_rings_each_once(void **state)
{
    (void)state;
    const scripted_answer_t hang[] = {{ID_PATH(1), -1, NULL, NULL, NULL}, {.path = NULL}};
    room_t *room = open_room(hang);
    tg_wake_t wakes[3];
    tg_error_t err = {0};
    const tg_registered_schema_t *schema = NULL;
    const tg_schema_key_t key = {.kind = TG_SCHEMA_KEY_ID, .id = 1};
    for (size_t i = 0; i < TG_COUNT_OF(wakes); i++) {
        ASSERT_OK(tg_wake_open(&wakes[i], &err));
        ASSERT_FAILS(tg_schema_cache_lookup(room->cache, &key, &wakes[i], &schema, &err),
                     TG_ERR_AGAIN);
        ASSERT_FAILS(tg_schema_cache_lookup(room->cache, &key, &wakes[i], &schema, &err),
                     TG_ERR_AGAIN);
    }
    tg_schema_cache_forget(room->cache, &wakes[2]);
    while (scripted_count(&room->registry) == 0) {
        (void)sched_yield();
    }
    /* The hanging request dies with its server; the answer is bad, but it is one. */
    scripted_stop(&room->registry);
    for (size_t i = 0; i < 2; i++) {
        uint64_t n_rings = 0;
        struct pollfd fd = {.fd = wakes[i].fd, .events = POLLIN};
        assert_int_equal(poll(&fd, 1, PATIENCE_MS), 1);
        assert_int_equal(read(wakes[i].fd, &n_rings, sizeof n_rings), sizeof n_rings);
        assert_int_equal(n_rings, 1);
    }
    assert_false(rings(&wakes[2], 0));
    assert_int_equal(room->registry.n_requests, 1);
    for (size_t i = 0; i < TG_COUNT_OF(wakes); i++) {
        tg_wake_close(&wakes[i]);
    }
    tg_schema_cache_close(room->cache);
    tg_wake_close(&room->wake);
}

static void
schema_cache_without_a_wake_answers_all_the_same(void **state)
{
    (void)state;
    room_t *room = open_room(FOUR_GOOD);
    const tg_schema_key_t key = {.kind = TG_SCHEMA_KEY_ID, .id = 1};
    const tg_registered_schema_t *schema = NULL;
    tg_error_t err = {0};
    while (tg_schema_cache_lookup(room->cache, &key, NULL, &schema, &err) == TG_ERR_AGAIN) {
        (void)sched_yield();
    }
    assert_non_null(schema);
    close_room(room);
}

/* ---- answers that are bad ------------------------------------------------------------------- */

static void
schema_cache_believes_unknown_for_a_while(void **state)
{
    (void)state;
    room_t *room = open_room(EMPTY);
    const tg_registered_schema_t *schema = NULL;
    tg_error_t err = {0};
    ASSERT_FAILS(get(room, 1, &schema, &err), TG_ERR_NOT_FOUND);
    assert_non_null(strstr(err.text, "schema id 1"));
    assert_non_null(strstr(err.text, "40403"));
    tg_manual_clock_advance(&room->clock, (int64_t)(TTL_MS - 1) * 1000);
    ASSERT_FAILS(lookup(room, 1, &schema, &err), TG_ERR_NOT_FOUND);
    assert_int_equal(scripted_count(&room->registry), 1);

    scripted_change(&room->registry, FOUR_GOOD);
    tg_manual_clock_advance(&room->clock, 1000);
    ASSERT_FAILS(lookup(room, 1, &schema, &err), TG_ERR_AGAIN);
    ASSERT_OK(get(room, 1, &schema, &err));
    assert_int_equal(scripted_count(&room->registry), 2);
    assert_int_equal(stats_of(room).n_refused, 1);
    close_room(room);
}

static void
schema_cache_of_a_registry_that_is_away_says_so_and_recovers(void **state)
{
    (void)state;
    room_t *room = open_room(FOUR_GOOD);
    const int port = room->registry.port;
    const tg_registered_schema_t *schema = NULL;
    tg_error_t err = {0};
    scripted_stop(&room->registry);
    ASSERT_FAILS(get(room, 1, &schema, &err), TG_ERR_UNAVAILABLE);
    assert_non_null(strstr(err.text, "schema id 1: http://127.0.0.1:"));
    assert_null(strstr(err.text, "secret"));
    /* It is not asked again before the time has come, also not for another schema. */
    ASSERT_FAILS(get(room, 2, &schema, &err), TG_ERR_UNAVAILABLE);
    assert_non_null(strstr(err.text, "schema id 2: http://127.0.0.1:"));
    assert_int_equal(stats_of(room).n_failed, 1);
    assert_false(stats_of(room).available);

    scripted_start_at(&room->registry, FOUR_GOOD, port, NULL);
    ASSERT_FAILS(lookup(room, 1, &schema, &err), TG_ERR_UNAVAILABLE);
    tg_wake_drain(&room->wake);
    tg_manual_clock_advance(&room->clock, (int64_t)RETRY_MAX_MS * 1000);
    ASSERT_FAILS(lookup(room, 1, &schema, &err), TG_ERR_UNAVAILABLE);
    assert_true(rings(&room->wake, PATIENCE_MS));
    ASSERT_OK(get(room, 1, &schema, &err));
    /* The outage is over for all. */
    tg_status_t status = lookup(room, 2, &schema, &err);
    while (status != TG_OK) {
        assert_true(status == TG_ERR_AGAIN || status == TG_ERR_UNAVAILABLE);
        assert_true(rings(&room->wake, PATIENCE_MS));
        status = lookup(room, 2, &schema, &err);
    }
    assert_true(stats_of(room).available);
    close_room(room);
}

/* With the real clock the worker tries again by itself: whoever waits need not call. */
static void
schema_cache_tries_again_without_being_called(void **state)
{
    (void)state;
    const scripted_answer_t broken[] = {{ID_PATH(1), 503, NULL, NULL, ""}, {.path = NULL}};
    room_t *room = prepare_room(broken);
    room->options.clock = tg_clock_system();
    open_cache(room);
    const tg_registered_schema_t *schema = NULL;
    tg_error_t err = {0};
    ASSERT_FAILS(get(room, 1, &schema, &err), TG_ERR_UNAVAILABLE);
    assert_non_null(strstr(err.text, "503"));
    scripted_change(&room->registry, FOUR_GOOD);
    tg_status_t status = TG_ERR_UNAVAILABLE;
    while (status != TG_OK) {
        assert_true(rings(&room->wake, PATIENCE_MS));
        status = lookup(room, 1, &schema, &err);
    }
    close_room(room);
}

static void
schema_cache_without_permission_keeps_the_record_waiting(void **state)
{
    (void)state;
    const scripted_answer_t closed[] = {
        {ID_PATH(1), 401, NULL, NULL, ""}, GOOD(2, "long"), {.path = NULL}};
    room_t *room = open_room(closed);
    const tg_registered_schema_t *schema = NULL;
    tg_error_t err = {0};
    ASSERT_FAILS(get(room, 1, &schema, &err), TG_ERR_PERMISSION);
    /* One schema that is not ours to read does not hold up the others. */
    ASSERT_OK(get(room, 2, &schema, &err));
    close_room(room);
}

static void
schema_cache_does_not_ask_again_what_nobody_wants(void **state)
{
    (void)state;
    const scripted_answer_t broken[] = {
        {ID_PATH(1), 503, NULL, NULL, ""}, GOOD(2, "long"), {.path = NULL}};
    room_t *room = open_room(broken);
    const tg_registered_schema_t *schema = NULL;
    tg_error_t err = {0};
    ASSERT_FAILS(lookup(room, 1, &schema, &err), TG_ERR_AGAIN);
    assert_true(rings(&room->wake, PATIENCE_MS));
    tg_manual_clock_advance(&room->clock, (int64_t)RETRY_MAX_MS * 1000);
    /* What is due goes first; so, had it been asked for again, that would be seen by now. */
    ASSERT_OK(get(room, 2, &schema, &err));
    assert_int_equal(scripted_count(&room->registry), 2);
    close_room(room);
}

static void
schema_cache_that_is_closed_does_not_wait_for_its_request(void **state)
{
    (void)state;
    const scripted_answer_t hang[] = {{ID_PATH(1), -1, NULL, NULL, NULL}, {.path = NULL}};
    room_t *room = prepare_room(hang);
    room->options.timeout_ms = 600000;
    open_cache(room);
    const tg_registered_schema_t *schema = NULL;
    tg_error_t err = {0};
    ASSERT_FAILS(lookup(room, 1, &schema, &err), TG_ERR_AGAIN);
    while (scripted_count(&room->registry) == 0) {
        (void)sched_yield();
    }
    int64_t start_ms = tg_clock_now_ms(tg_clock_system());
    close_room(room);
    assert_true(tg_clock_now_ms(tg_clock_system()) - start_ms < PATIENCE_MS);
}

/* ---- ceilings ------------------------------------------------------------------------------- */

static void
schema_cache_full_of_good_schemas_says_which_limit(void **state)
{
    (void)state;
    room_t *room = prepare_room(FOUR_GOOD);
    room->options.max_entries = 2;
    open_cache(room);
    const tg_registered_schema_t *schema = NULL;
    tg_error_t err = {0};
    ASSERT_OK(get(room, 1, &schema, &err));
    ASSERT_OK(get(room, 2, &schema, &err));
    ASSERT_FAILS(get(room, 3, &schema, &err), TG_ERR_FULL);
    assert_non_null(strstr(err.text, "registry.max_entries"));
    ASSERT_OK(get(room, 1, &schema, &err));
    close_room(room);
}

static void
schema_cache_lets_unknown_ids_give_way_to_good_ones(void **state)
{
    (void)state;
    room_t *room = prepare_room(FOUR_GOOD);
    room->options.max_entries = 3;
    open_cache(room);
    const tg_registered_schema_t *schema = NULL;
    tg_error_t err = {0};
    ASSERT_OK(get(room, 1, &schema, &err));
    for (int64_t id = 100; id < 120; id++) {
        ASSERT_FAILS(get(room, id, &schema, &err), TG_ERR_NOT_FOUND);
    }
    ASSERT_OK(get(room, 2, &schema, &err));
    ASSERT_OK(get(room, 3, &schema, &err));
    assert_int_equal(stats_of(room).n_entries, 3);
    close_room(room);
}

static void
schema_cache_lets_failed_ids_give_way_to_good_ones(void **state)
{
    (void)state;
    const scripted_answer_t broken[] = {
        {ID_PATH(1), 503, NULL, NULL, ""}, GOOD(2, "long"), {.path = NULL}};
    room_t *room = prepare_room(broken);
    room->options.max_entries = 1;
    open_cache(room);
    const tg_registered_schema_t *schema = NULL;
    tg_error_t err = {0};
    ASSERT_FAILS(get(room, 1, &schema, &err), TG_ERR_UNAVAILABLE);
    ASSERT_OK(get(room, 2, &schema, &err));
    close_room(room);
}

/* More ids than buckets: what gives way may stand behind another in its bucket. */
static void
schema_cache_under_a_flood_of_unknown_ids_stays_bounded(void **state)
{
    (void)state;
    room_t *room = prepare_room(FOUR_GOOD);
    room->options.max_entries = 20;
    open_cache(room);
    const tg_registered_schema_t *schema = NULL;
    tg_error_t err = {0};
    for (int64_t i = 1; i < 200; i++) {
        /* Multiples of a power of two meet in one bucket. */
        const int64_t id = i <= 4 ? i : i * 4096;
        ASSERT_FAILS(get(room, id, &schema, &err), i <= 4 ? TG_OK : TG_ERR_NOT_FOUND);
        assert_true(stats_of(room).n_entries <= 20);
    }
    for (int64_t id = 1; id <= 4; id++) {
        ASSERT_OK(lookup(room, id, &schema, &err));
    }
    close_room(room);
}

static void
schema_cache_keeps_the_kinds_of_keys_apart(void **state)
{
    (void)state;
    const scripted_answer_t answers[] = {
        GOOD(1, "int"),
        {"/schemas/guids/01000000-0000-0000-0000-000000000000", 200, NULL, NULL, SCHEMA("long")},
        {"/apis/registry/v2/ids/globalIds/1", 404, NULL, NULL, ""},
        {.path = NULL}};
    room_t *room = open_room(answers);

    const struct {
        tg_schema_key_t key;
        const char *text; /* NULL: unsupported here */
    } cases[] = {{{.kind = TG_SCHEMA_KEY_ID, .id = 1}, "\"int\""},
                 {{.kind = TG_SCHEMA_KEY_GUID, .guid = {1}}, "\"long\""},
                 {{.kind = TG_SCHEMA_KEY_GLOBAL_ID, .id = 1}, NULL}};

    for (size_t i = 0; i < TG_COUNT_OF(cases); i++) {
        const tg_registered_schema_t *schema = NULL;
        tg_error_t err = {0};
        tg_status_t status = TG_ERR_AGAIN;
        while (status == TG_ERR_AGAIN) {
            status = tg_schema_cache_lookup(room->cache, &cases[i].key, &room->wake, &schema, &err);
            assert_true(status != TG_ERR_AGAIN || rings(&room->wake, PATIENCE_MS));
        }
        if (cases[i].text != NULL) {
            ASSERT_OK(status);
            assert_string_equal(schema->text, cases[i].text);
        } else {
            assert_int_equal(status, TG_ERR_UNSUPPORTED);
        }
    }
    const tg_schema_key_t name = {.kind = TG_SCHEMA_KEY_NAME, .name = "int"};
    const tg_registered_schema_t *schema = NULL;
    tg_error_t err = {0};
    ASSERT_FAILS(tg_schema_cache_lookup(room->cache, &name, NULL, &schema, &err), TG_ERR_NOT_FOUND);
    assert_non_null(strstr(err.text, "registry.directory"));
    close_room(room);
}

static void
schema_cache_at_its_memory_limit_says_which(void **state)
{
    (void)state;
    room_t *room = prepare_room(FOUR_GOOD);
    room->options.max_total_bytes = 60;
    open_cache(room);
    const tg_registered_schema_t *schema = NULL;
    tg_error_t err = {0};
    ASSERT_OK(get(room, 1, &schema, &err));
    ASSERT_FAILS(get(room, 2, &schema, &err), TG_ERR_FULL);
    assert_non_null(strstr(err.text, "registry.max_total_bytes"));
    close_room(room);
}

static void
schema_cache_with_more_waiting_threads_than_places_is_full(void **state)
{
    (void)state;
    const scripted_answer_t hang[] = {{ID_PATH(1), -1, NULL, NULL, NULL}, {.path = NULL}};
    room_t *room = open_room(hang);
    tg_wake_t wakes[65];
    tg_error_t err = {0};
    const tg_registered_schema_t *schema = NULL;
    const tg_schema_key_t key = {.kind = TG_SCHEMA_KEY_ID, .id = 1};
    for (size_t i = 0; i < TG_COUNT_OF(wakes); i++) {
        ASSERT_OK(tg_wake_open(&wakes[i], &err));
        ASSERT_FAILS(tg_schema_cache_lookup(room->cache, &key, &wakes[i], &schema, &err),
                     i < 64 ? TG_ERR_AGAIN : TG_ERR_FULL);
    }
    tg_schema_cache_forget(room->cache, &wakes[0]);
    ASSERT_FAILS(tg_schema_cache_lookup(room->cache, &key, &wakes[64], &schema, &err),
                 TG_ERR_AGAIN);
    close_room(room);
    for (size_t i = 0; i < TG_COUNT_OF(wakes); i++) {
        tg_wake_close(&wakes[i]);
    }
}

/* ---- the disk ------------------------------------------------------------------------------- */

static void
remove_tree(const char *path)
{
    DIR *directory = opendir(path);
    const struct dirent *entry = NULL;
    while (directory != NULL && (entry = readdir(directory)) != NULL) {
        char inner[600];
        if (entry->d_name[0] == '.' && entry->d_name[1] != 't') {
            continue;
        }
        (void)snprintf(inner, sizeof inner, "%s/%s", path, entry->d_name);
        if (unlink(inner) != 0) {
            remove_tree(inner);
        }
    }
    if (directory != NULL) {
        (void)closedir(directory);
    }
    (void)rmdir(path);
}

/* The path of the only directory in parent. */
static void
find_inner(const char *parent, char *path, size_t n_bytes)
{
    DIR *directory = opendir(parent);
    assert_non_null(directory);
    const struct dirent *entry = NULL;
    size_t found = 0;
    while ((entry = readdir(directory)) != NULL) {
        if (entry->d_name[0] != '.') {
            (void)snprintf(path, n_bytes, "%s/%s", parent, entry->d_name);
            found++;
        }
    }
    (void)closedir(directory);
    assert_int_equal(found, 1);
}

/* A cache directory that is not there yet, in a parent that is. */
static void
make_disk(room_t *room, char parent[64], char path[96])
{
    (void)snprintf(parent, 64, "/tmp/tg-cache-XXXXXX");
    assert_non_null(mkdtemp(parent));
    (void)snprintf(path, 96, "%s/schemas", parent);
    room->options.cache_directory = path;
}

static void
restart(room_t *room)
{
    tg_schema_cache_close(room->cache);
    room->cache = NULL;
    open_cache(room);
}

static void
schema_cache_on_disk_survives_a_restart_without_registry(void **state)
{
    (void)state;
    const scripted_answer_t answers[] = {
        {ID_PATH(1), 200, NULL, NULL,
         "{\"schema\":\"t\\u00f6p\",\"references\":[{\"subject\":\"s\",\"version\":1}]}"},
        {"/subjects/s/versions/1?deleted=true", 200, NULL, NULL, "{\"schema\":\"base\"}"},
        {.path = NULL}};
    char parent[64];
    char path[96];
    char inner[400];
    room_t *room = prepare_room(answers);
    make_disk(room, parent, path);
    open_cache(room);
    const tg_registered_schema_t *schema = NULL;
    tg_error_t err = {0};
    ASSERT_OK(get(room, 1, &schema, &err));
    struct stat info;
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0700);
    find_inner(path, inner, sizeof inner);
    assert_int_equal(stat(inner, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0700);

    int port = room->registry.port;
    scripted_stop(&room->registry);
    restart(room);
    /* At once: not even a ring to wait for. */
    ASSERT_OK(lookup(room, 1, &schema, &err));
    assert_string_equal(schema->text, "t\xc3\xb6p");
    assert_int_equal(schema->n_references, 1);
    assert_string_equal(schema->references[0], "base");
    assert_int_equal(stats_of(room).n_disk_hits, 1);
    ASSERT_FAILS(get(room, 2, &schema, &err), TG_ERR_UNAVAILABLE);
    /* Memory's ceiling counts for what comes from disk too. */
    room->options.max_total_bytes = 10;
    restart(room);
    ASSERT_FAILS(lookup(room, 1, &schema, &err), TG_ERR_FULL);
    scripted_start_at(&room->registry, answers, port, NULL);
    close_room(room);
    remove_tree(parent);
}

static void
damage(const char *path, off_t at, bool truncate_there)
{
    int fd = open(path, O_RDWR);
    assert_true(fd >= 0);
    if (truncate_there) {
        assert_int_equal(ftruncate(fd, at), 0);
    } else {
        char byte = 0;
        assert_int_equal(pread(fd, &byte, 1, at), 1);
        byte = (char)(byte ^ 0x20);
        assert_int_equal(pwrite(fd, &byte, 1, at), 1);
    }
    (void)close(fd);
}

/* Whatever becomes of a file: it is either right, or it is not believed and got anew. */
static void
schema_cache_does_not_believe_a_damaged_file(void **state)
{
    (void)state;
    char parent[64];
    char path[96];
    char inner[300];
    char file[400];
    room_t *room = prepare_room(FOUR_GOOD);
    make_disk(room, parent, path);
    open_cache(room);
    const tg_registered_schema_t *schema = NULL;
    tg_error_t err = {0};
    ASSERT_OK(get(room, 1, &schema, &err));
    find_inner(path, inner, sizeof inner);
    (void)snprintf(file, sizeof file, "%s/id-1.schema", inner);
    struct stat info;
    assert_int_equal(stat(file, &info), 0);
    for (off_t at = 0; at < info.st_size; at++) {
        for (int cut = 0; cut < 2; cut++) {
            size_t before = scripted_count(&room->registry);
            if (before > MAX_REQUESTS - 2) {
                scripted_stop(&room->registry);
                scripted_start_at(&room->registry, FOUR_GOOD, room->registry.port, NULL);
                before = 0;
            }
            damage(file, at, cut == 1);
            restart(room);
            ASSERT_OK(get(room, 1, &schema, &err));
            assert_string_equal(schema->text, "\"int\"");
            assert_int_equal(scripted_count(&room->registry), before + 1);
            assert_int_equal(stats_of(room).n_disk_errors, 1);
        }
    }
    /* Got anew, and good again. */
    scripted_change(&room->registry, EMPTY);
    restart(room);
    ASSERT_OK(get(room, 1, &schema, &err));
    close_room(room);
    remove_tree(parent);
}

static void
schema_cache_of_another_registry_keeps_other_files(void **state)
{
    (void)state;
    char parent[64];
    char path[96];
    room_t *room = prepare_room(FOUR_GOOD);
    make_disk(room, parent, path);
    open_cache(room);
    const tg_registered_schema_t *schema = NULL;
    tg_error_t err = {0};
    ASSERT_OK(get(room, 1, &schema, &err));
    (void)snprintf(room->url, sizeof room->url, "http://127.0.0.1:%d/other", room->registry.port);
    restart(room);
    ASSERT_FAILS(get(room, 1, &schema, &err), TG_ERR_NOT_FOUND);
    /* The same registry under another login is the same. */
    (void)snprintf(room->url, sizeof room->url, "http://127.0.0.1:%d/", room->registry.port);
    restart(room);
    ASSERT_OK(lookup(room, 1, &schema, &err));
    close_room(room);
    remove_tree(parent);
}

static void
schema_cache_in_an_impossible_directory_says_so(void **state)
{
    (void)state;
    room_t *room = prepare_room(FOUR_GOOD);
    char parent[64];
    char path[96];
    make_disk(room, parent, path);
    const char *const impossible[] = {"/nonexistent/a/b", "/dev/null", path};
    assert_int_equal(mkdir(path, 0777), 0);
    assert_int_equal(chmod(path, 0777), 0);
    for (size_t i = 0; i < TG_COUNT_OF(impossible); i++) {
        tg_error_t err = {0};
        room->options.cache_directory = impossible[i];
        ASSERT_FAILS(tg_schema_cache_open(&room->options, &room->cache, &err), TG_ERR_CONFIG);
        assert_non_null(strstr(err.text, "registry.cache_directory"));
        assert_null(room->cache);
    }
    close_room(room);
    remove_tree(parent);
}

static void
schema_cache_whose_disk_fails_goes_on_without(void **state)
{
    (void)state;
    char parent[64];
    char path[96];
    char inner[300];
    char file[400];
    room_t *room = prepare_room(FOUR_GOOD);
    make_disk(room, parent, path);
    open_cache(room);
    find_inner(path, inner, sizeof inner);
    (void)snprintf(file, sizeof file, "%s/id-1.schema", inner);
    assert_int_equal(mkdir(file, 0700), 0); /* a name that no file can get */
    const tg_registered_schema_t *schema = NULL;
    tg_error_t err = {0};
    ASSERT_OK(get(room, 1, &schema, &err));
    assert_int_equal(stats_of(room).n_disk_errors, 2); /* one reading, one writing */
    close_room(room);
    remove_tree(parent);
}

/* ---- many threads --------------------------------------------------------------------------- */

enum { N_THREADS = 4, N_ROUNDS = 200 };

static void *
look_up_many(void *arg)
{
    room_t *room = arg;
    tg_wake_t wake;
    tg_error_t err = {0};
    ASSERT_OK(tg_wake_open(&wake, &err));
    for (int i = 0; i < N_ROUNDS; i++) {
        const tg_schema_key_t key = {.kind = TG_SCHEMA_KEY_ID, .id = 1 + i % 8};
        const tg_registered_schema_t *schema = NULL;
        tg_status_t status = tg_schema_cache_lookup(room->cache, &key, &wake, &schema, &err);
        while (status == TG_ERR_AGAIN) {
            assert_true(rings(&wake, PATIENCE_MS));
            status = tg_schema_cache_lookup(room->cache, &key, &wake, &schema, &err);
        }
        assert_int_equal(status, key.id <= 4 ? TG_OK : TG_ERR_NOT_FOUND);
        assert_true(status != TG_OK || schema->text[0] == '"');
    }
    tg_schema_cache_forget(room->cache, &wake);
    tg_wake_close(&wake);
    return NULL;
}

static void
schema_cache_used_by_many_threads_asks_once_each(void **state)
{
    (void)state;
    char parent[64];
    char path[96];
    room_t *room = prepare_room(FOUR_GOOD);
    make_disk(room, parent, path);
    open_cache(room);
    tg_thread_t threads[N_THREADS] = {0};
    tg_error_t err = {0};
    for (size_t i = 0; i < N_THREADS; i++) {
        ASSERT_OK(tg_thread_start(&threads[i], "lookup", look_up_many, room, &err));
    }
    for (size_t i = 0; i < N_THREADS; i++) {
        tg_thread_join(&threads[i]);
    }
    assert_int_equal(scripted_count(&room->registry), 8);
    close_room(room);
    remove_tree(parent);
}

/* ---- probe and directory -------------------------------------------------------------------- */

static void
schema_cache_probe_does_not_disturb_a_lookup(void **state)
{
    (void)state;
    const scripted_answer_t answers[] = {
        GOOD(1, "int"), {"/schemas/types", 200, NULL, NULL, "[\"AVRO\"]"}, {.path = NULL}};
    room_t *room = open_room(answers);
    const tg_registered_schema_t *schema = NULL;
    tg_error_t err = {0};
    ASSERT_FAILS(lookup(room, 1, &schema, &err), TG_ERR_AGAIN);
    ASSERT_OK(tg_schema_cache_probe(room->cache, 5000, &err));
    ASSERT_OK(get(room, 1, &schema, &err));
    scripted_change(&room->registry, EMPTY);
    ASSERT_FAILS(tg_schema_cache_probe(room->cache, 5000, &err), TG_ERR_UNAVAILABLE);
    assert_non_null(strstr(err.text, "/apis/ccompat/v7"));
    close_room(room);
}

static void
schema_cache_without_any_source_is_a_mistake(void **state)
{
    (void)state;
    const tg_registry_options_t options = {.n_urls = 0};
    tg_schema_cache_t *cache = NULL;
    tg_error_t err = {0};
    ASSERT_FAILS(tg_schema_cache_open(&options, &cache, &err), TG_ERR_CONFIG);
    assert_non_null(strstr(err.text, "registry.url"));
    tg_schema_cache_close(NULL);
}

static void
schema_cache_with_a_directory_needs_no_registry(void **state)
{
    (void)state;
    char path[64] = "/tmp/tg-schemas-XXXXXX";
    char file[96];
    assert_non_null(mkdtemp(path));
    (void)snprintf(file, sizeof file, "%s/7.avsc", path);
    FILE *out = fopen(file, "w");
    assert_non_null(out);
    assert_true(fputs("\"int\"", out) >= 0);
    assert_int_equal(fclose(out), 0);
    const tg_registry_options_t options = {.directory = path};
    tg_schema_cache_t *cache = NULL;
    const tg_registered_schema_t *schema = NULL;
    tg_error_t err = {0};
    ASSERT_OK(tg_schema_cache_open(&options, &cache, &err));

    const struct {
        tg_schema_key_t key;
        tg_status_t status;
    } cases[] = {
        {{.kind = TG_SCHEMA_KEY_NAME, .name = "7"}, TG_OK},
        {{.kind = TG_SCHEMA_KEY_ID, .id = 7}, TG_OK},
        {{.kind = TG_SCHEMA_KEY_NAME, .name = "8"}, TG_ERR_NOT_FOUND},
        {{.kind = TG_SCHEMA_KEY_ID, .id = 8}, TG_ERR_NOT_FOUND},
        {{.kind = TG_SCHEMA_KEY_GLOBAL_ID, .id = 7}, TG_ERR_NOT_FOUND},
        {{.kind = TG_SCHEMA_KEY_GUID}, TG_ERR_NOT_FOUND},
    };

    for (size_t i = 0; i < TG_COUNT_OF(cases); i++) {
        ASSERT_FAILS(tg_schema_cache_lookup(cache, &cases[i].key, NULL, &schema, &err),
                     cases[i].status);
    }
    ASSERT_OK(tg_schema_cache_probe(cache, 1000, &err));
    tg_schema_cache_close(cache);
    remove_tree(path);
}

int
main(void)
{
    (void)setenv("no_proxy", "*", 1); /* nothing here is for the proxy of this machine */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(schema_cache_asks_once_and_answers_from_memory),
        cmocka_unit_test(schema_cache_asked_by_many_asks_once_and_rings_each_once),
        cmocka_unit_test(schema_cache_without_a_wake_answers_all_the_same),
        cmocka_unit_test(schema_cache_believes_unknown_for_a_while),
        cmocka_unit_test(schema_cache_of_a_registry_that_is_away_says_so_and_recovers),
        cmocka_unit_test(schema_cache_tries_again_without_being_called),
        cmocka_unit_test(schema_cache_without_permission_keeps_the_record_waiting),
        cmocka_unit_test(schema_cache_does_not_ask_again_what_nobody_wants),
        cmocka_unit_test(schema_cache_that_is_closed_does_not_wait_for_its_request),
        cmocka_unit_test(schema_cache_full_of_good_schemas_says_which_limit),
        cmocka_unit_test(schema_cache_lets_unknown_ids_give_way_to_good_ones),
        cmocka_unit_test(schema_cache_lets_failed_ids_give_way_to_good_ones),
        cmocka_unit_test(schema_cache_under_a_flood_of_unknown_ids_stays_bounded),
        cmocka_unit_test(schema_cache_keeps_the_kinds_of_keys_apart),
        cmocka_unit_test(schema_cache_at_its_memory_limit_says_which),
        cmocka_unit_test(schema_cache_with_more_waiting_threads_than_places_is_full),
        cmocka_unit_test(schema_cache_on_disk_survives_a_restart_without_registry),
        cmocka_unit_test(schema_cache_does_not_believe_a_damaged_file),
        cmocka_unit_test(schema_cache_of_another_registry_keeps_other_files),
        cmocka_unit_test(schema_cache_in_an_impossible_directory_says_so),
        cmocka_unit_test(schema_cache_whose_disk_fails_goes_on_without),
        cmocka_unit_test(schema_cache_used_by_many_threads_asks_once_each),
        cmocka_unit_test(schema_cache_probe_does_not_disturb_a_lookup),
        cmocka_unit_test(schema_cache_without_any_source_is_a_mistake),
        cmocka_unit_test(schema_cache_with_a_directory_needs_no_registry),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
