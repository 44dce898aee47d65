// links: registry base
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "disk_cache_internal.h"
#include "registered_schema_internal.h"
#include "tg_test.h"

typedef struct room {
    char path[64];
    char inner[160]; /* of the registry */
    tg_manual_clock_t clock;
    tg_registry_options_t options;
    tg_disk_cache_t *cache;
} room_t;

static void
open_cache(room_t *room)
{
    tg_error_t err = {0};
    ASSERT_OK(tg_disk_cache_open(&room->options, &room->cache, &err));
}

static room_t *
open_room(int64_t max_entries)
{
    static const char *const URLS[] = {"http://registry"};
    static room_t room;
    room = (room_t){.path = "/tmp/tg-disk-XXXXXX"};
    assert_non_null(mkdtemp(room.path));
    tg_manual_clock_init(&room.clock, INT64_C(1800000000) * 1000000);
    room.options = (tg_registry_options_t){.urls = URLS,
                                           .n_urls = 1,
                                           .cache_directory = room.path,
                                           .max_entries = max_entries,
                                           .max_schema_bytes = 100,
                                           .clock = &room.clock.clock};
    open_cache(&room);
    DIR *directory = opendir(room.path);
    assert_non_null(directory);
    const struct dirent *entry = NULL;
    while ((entry = readdir(directory)) != NULL) {
        if (entry->d_name[0] != '.') {
            (void)snprintf(room.inner, sizeof room.inner, "%.60s/%.80s", room.path, entry->d_name);
        }
    }
    (void)closedir(directory);
    return &room;
}

static void
close_room(room_t *room)
{
    tg_disk_cache_close(room->cache);
    DIR *directory = opendir(room->inner);
    assert_non_null(directory);
    const struct dirent *entry = NULL;
    while ((entry = readdir(directory)) != NULL) {
        (void)unlinkat(dirfd(directory), entry->d_name, 0);
    }
    (void)closedir(directory);
    assert_int_equal(rmdir(room->inner), 0);
    assert_int_equal(rmdir(room->path), 0);
}

static tg_status_t
store(room_t *room, int64_t id, const char *text, tg_error_t *err)
{
    const tg_schema_key_t key = {.kind = TG_SCHEMA_KEY_ID, .id = id};
    tg_registered_schema_t *schema = tg_registered_schema_new(text, NULL, 0);
    assert_non_null(schema);
    tg_status_t status = tg_disk_cache_store(room->cache, &key, schema, err);
    tg_registered_schema_free(schema);
    return status;
}

static tg_status_t
load(room_t *room, int64_t id, bool *ret_damaged, tg_error_t *err)
{
    const tg_schema_key_t key = {.kind = TG_SCHEMA_KEY_ID, .id = id};
    tg_registered_schema_t *schema = NULL;
    tg_status_t status = tg_disk_cache_load(room->cache, &key, &schema, ret_damaged, err);
    tg_registered_schema_free(schema);
    return status;
}

static void
put(const room_t *room, const char *name, int64_t modified_s)
{
    char path[300];
    (void)snprintf(path, sizeof path, "%s/%s", room->inner, name);
    int fd = open(path, O_WRONLY | O_CREAT, 0600);
    assert_true(fd >= 0);
    const struct timespec times[2] = {{.tv_sec = modified_s}, {.tv_sec = modified_s}};
    assert_int_equal(futimens(fd, times), 0);
    (void)close(fd);
}

static bool
is_there(const room_t *room, const char *name)
{
    char path[300];
    (void)snprintf(path, sizeof path, "%s/%s", room->inner, name);
    return access(path, F_OK) == 0;
}

static void
disk_cache_keeps_a_schema(void **state)
{
    (void)state;
    room_t *room = open_room(10);
    bool damaged = true;
    tg_error_t err = {0};
    ASSERT_FAILS(load(room, 1, &damaged, &err), TG_ERR_NOT_FOUND);
    assert_false(damaged);
    ASSERT_OK(store(room, 1, "\"int\"", &err));
    ASSERT_OK(load(room, 1, &damaged, &err));
    assert_true(is_there(room, "id-1.schema"));
    close_room(room);
}

static void
disk_cache_with_as_many_files_as_allowed_is_full(void **state)
{
    (void)state;
    room_t *room = open_room(2);
    tg_error_t err = {0};
    ASSERT_OK(store(room, 1, "\"int\"", &err));
    ASSERT_OK(store(room, 2, "\"int\"", &err));
    ASSERT_FAILS(store(room, 3, "\"int\"", &err), TG_ERR_FULL);
    assert_non_null(strstr(err.text, "registry.max_entries"));
    tg_disk_cache_close(room->cache);
    open_cache(room);
    ASSERT_FAILS(store(room, 3, "\"int\"", &err), TG_ERR_FULL);
    close_room(room);
}

static void
disk_cache_clears_what_a_dead_process_left(void **state)
{
    (void)state;
    room_t *room = open_room(2);
    const int64_t now_s = tg_clock_now_unix_ms(&room->clock.clock) / 1000;
    put(room, ".tmp-old", now_s - 4000);
    put(room, ".tmp-young", now_s - 10);
    tg_disk_cache_close(room->cache);
    open_cache(room);
    assert_false(is_there(room, ".tmp-old"));
    assert_true(is_there(room, ".tmp-young"));
    tg_error_t err = {0};
    ASSERT_OK(store(room, 1, "\"int\"", &err)); /* they count for nothing */
    ASSERT_OK(store(room, 2, "\"int\"", &err));
    close_room(room);
}

static void
disk_cache_does_not_follow_a_link_and_does_not_read_a_giant(void **state)
{
    (void)state;
    room_t *room = open_room(10);
    char path[300];
    bool damaged = false;
    tg_error_t err = {0};
    (void)snprintf(path, sizeof path, "%s/id-1.schema", room->inner);
    assert_int_equal(symlink("/dev/zero", path), 0);
    ASSERT_FAILS(load(room, 1, &damaged, &err), TG_ERR_NOT_FOUND);
    assert_int_equal(unlink(path), 0);
    put(room, "id-1.schema", 0);
    assert_int_equal(truncate(path, INT64_C(1) << 40), 0);
    ASSERT_FAILS(load(room, 1, &damaged, &err), TG_ERR_NOT_FOUND);
    assert_true(damaged);
    close_room(room);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(disk_cache_keeps_a_schema),
        cmocka_unit_test(disk_cache_with_as_many_files_as_allowed_is_full),
        cmocka_unit_test(disk_cache_clears_what_a_dead_process_left),
        cmocka_unit_test(disk_cache_does_not_follow_a_link_and_does_not_read_a_giant),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
