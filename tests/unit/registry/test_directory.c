// links: registry base
// wrap: malloc calloc realloc reallocarray strdup
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "directory_internal.h"
#include "tg_test.h"
#include "tg_torture.h"

#define RECORD(name, fields) "{\"type\":\"record\",\"name\":\"" name "\",\"fields\":[" fields "]}"
#define FIELD(name, type)    "{\"name\":\"" name "\",\"type\":\"" type "\"}"
#define PLACE                RECORD("com.acme.Place", FIELD("city", "string"))

typedef struct file {
    const char *name;
    const char *text;
} file_t;

typedef struct room {
    char path[64];
    const file_t *files;
    size_t count;
    tg_registry_options_t options;
} room_t;

static void
path_of(const room_t *room, const char *name, char *path, size_t n_bytes)
{
    (void)snprintf(path, n_bytes, "%s/%s", room->path, name);
}

static room_t
make_room(const file_t *files, size_t count)
{
    room_t room = {.path = "/tmp/tg-directory-XXXXXX", .files = files, .count = count};
    assert_non_null(mkdtemp(room.path));
    for (size_t i = 0; i < count; i++) {
        char path[200];
        path_of(&room, files[i].name, path, sizeof path);
        FILE *file = fopen(path, "w");
        assert_non_null(file);
        assert_true(fputs(files[i].text, file) >= 0);
        assert_int_equal(fclose(file), 0);
    }
    room.options = (tg_registry_options_t){.max_entries = 100, .max_schema_bytes = 4096};
    return room;
}

static void
drop_room(room_t *room)
{
    for (size_t i = 0; i < room->count; i++) {
        char path[200];
        path_of(room, room->files[i].name, path, sizeof path);
        assert_int_equal(unlink(path), 0);
    }
    assert_int_equal(rmdir(room->path), 0);
}

static tg_status_t
open_room(room_t *room, tg_schema_directory_t **ret_directory, tg_error_t *err)
{
    room->options.directory = room->path;
    return tg_schema_directory_open(&room->options, ret_directory, err);
}

static const tg_registered_schema_t *
by_name(const tg_schema_directory_t *directory, const char *name)
{
    const tg_schema_key_t key = {.kind = TG_SCHEMA_KEY_NAME, .name = name};
    return tg_schema_directory_find(directory, &key);
}

static void
directory_answers_by_name_id_and_guid(void **state)
{
    (void)state;
    /* "a-b.avsc" sorts before "a.avsc", but "a" before "a-b". */
    const file_t files[] = {{"a.avsc", "\"int\""},
                            {"a-b.avsc", "\"long\""},
                            {"a.b.avsc", "\"bytes\""},
                            {"12.avsc", "\"float\""},
                            {"01234567-89ab-cdef-0011-223344556677.avsc", "\"double\""},
                            {".hidden.avsc", "garbage"},
                            {"readme.txt", "garbage"}};
    room_t room = make_room(files, TG_COUNT_OF(files));
    tg_schema_directory_t *directory = NULL;
    tg_error_t err = {0};
    ASSERT_OK(open_room(&room, &directory, &err));
    assert_int_equal(tg_schema_directory_count(directory), 5);
    assert_string_equal(by_name(directory, "a")->text, "\"int\"");
    assert_string_equal(by_name(directory, "a-b")->text, "\"long\"");
    assert_string_equal(by_name(directory, "a.b")->text, "\"bytes\"");
    assert_null(by_name(directory, "readme"));
    assert_null(by_name(directory, ".hidden"));
    assert_null(by_name(directory, "../a"));
    assert_null(by_name(directory, NULL));
    tg_schema_key_t key = {.kind = TG_SCHEMA_KEY_ID, .id = 12};
    assert_string_equal(tg_schema_directory_find(directory, &key)->text, "\"float\"");
    key.kind = TG_SCHEMA_KEY_GLOBAL_ID;
    assert_null(tg_schema_directory_find(directory, &key));
    key = (tg_schema_key_t){.kind = TG_SCHEMA_KEY_GUID,
                            .guid = {0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef, 0x00, 0x11,
                                     0x22, 0x33, 0x44, 0x55, 0x66, 0x77}};
    assert_string_equal(tg_schema_directory_find(directory, &key)->text, "\"double\"");
    tg_schema_directory_close(directory);
    drop_room(&room);
}

static void
directory_gives_each_schema_what_it_needs_in_order(void **state)
{
    (void)state;
    const file_t files[] = {
        {"reading.avsc",
         RECORD("com.acme.Reading", FIELD("site", "Site") "," FIELD("place", "com.acme.Place"))},
        {"site.avsc", RECORD("com.acme.Site", FIELD("place", "Place"))},
        {"a_place.avsc", PLACE},
        {"alone.avsc", RECORD("Alone", FIELD("x", "int"))},
    };
    room_t room = make_room(files, TG_COUNT_OF(files));
    tg_schema_directory_t *directory = NULL;
    tg_error_t err = {0};
    ASSERT_OK(open_room(&room, &directory, &err));
    const tg_registered_schema_t *reading = by_name(directory, "reading");
    assert_int_equal(reading->n_references, 2);
    assert_string_equal(reading->references[0], PLACE);
    assert_string_equal(reading->references[1], files[1].text);
    assert_int_equal(by_name(directory, "site")->n_references, 1);
    assert_int_equal(by_name(directory, "alone")->n_references, 0);
    tg_schema_directory_close(directory);
    drop_room(&room);
}

static void
directory_with_several_versions_of_a_type_takes_the_one_that_is_named_so(void **state)
{
    (void)state;
    const char *other = RECORD("com.acme.Place", FIELD("town", "string"));
    const char *user = RECORD("User", FIELD("p", "com.acme.Place"));
    const file_t by_full[] = {
        {"1.avsc", other}, {"com.acme.Place.avsc", PLACE}, {"z.avsc", other}, {"user.avsc", user}};
    const file_t by_simple[] = {{"1.avsc", other}, {"Place.avsc", PLACE}, {"user.avsc", user}};
    const file_t same[] = {{"1.avsc", PLACE}, {"2.avsc", PLACE}, {"user.avsc", user}};

    const struct {
        const file_t *files;
        size_t count;
    } cases[] = {{by_full, 4}, {by_simple, 3}, {same, 3}};

    for (size_t i = 0; i < TG_COUNT_OF(cases); i++) {
        room_t room = make_room(cases[i].files, cases[i].count);
        tg_schema_directory_t *directory = NULL;
        tg_error_t err = {0};
        ASSERT_OK(open_room(&room, &directory, &err));
        assert_string_equal(by_name(directory, "user")->references[0], PLACE);
        tg_schema_directory_close(directory);
        drop_room(&room);
    }
}

static void
directory_with_a_mistake_names_file_and_cause(void **state)
{
    (void)state;
    const char *other = RECORD("com.acme.Place", FIELD("town", "string"));
    const char *user = RECORD("User", FIELD("p", "com.acme.Place"));
    static char large[8192];
    memset(large, ' ', sizeof large - 1);
    const file_t not_json[] = {{"bad.avsc", "{"}};
    const file_t not_avro[] = {{"bad.avsc", "{\"type\":\"record\"}"}};
    const file_t missing[] = {{"user.avsc", user}};
    const file_t rivals[] = {{"1.avsc", other}, {"2.avsc", PLACE}, {"user.avsc", user}};
    const file_t circle[] = {{"a.avsc", RECORD("A", FIELD("b", "B"))},
                             {"b.avsc", RECORD("B", FIELD("a", "A"))}};
    const file_t too_large[] = {{"large.avsc", large}};
    const file_t none[] = {{"readme.txt", ""}};

    const struct {
        const char *name;
        const file_t *files;
        size_t count;
        const char *text;
    } cases[] = {
        {"not JSON", not_json, 1, "/bad.avsc: it is not an Avro schema: line 1"},
        {"not Avro", not_avro, 1, "/bad.avsc: it is not an Avro schema: a named type"},
        {"missing type", missing, 1, "user.avsc uses the type com.acme.Place, which no file"},
        {"two definitions", rivals, 3, "both 1.avsc and 2.avsc define"},
        {"circle", circle, 2, "need each other"},
        {"too large", too_large, 1, "registry.max_schema_bytes"},
        {"none", none, 1, "no file whose name ends in .avsc"},
    };

    for (size_t i = 0; i < TG_COUNT_OF(cases); i++) {
        room_t room = make_room(cases[i].files, cases[i].count);
        tg_schema_directory_t *directory = NULL;
        tg_error_t err = {0};
        tg_status_t status = open_room(&room, &directory, &err);
        if (status != TG_ERR_CONFIG || strstr(err.text, cases[i].text) == NULL ||
            strstr(err.text, "registry.directory") == NULL) {
            fail_msg("%s: %s: %s", cases[i].name, tg_status_name(status), err.text);
        }
        assert_null(directory);
        drop_room(&room);
    }
}

static void
directory_with_more_files_than_allowed_says_which_limit(void **state)
{
    (void)state;
    const file_t files[] = {{"a.avsc", "\"int\""}, {"b.avsc", "\"int\""}};
    room_t room = make_room(files, TG_COUNT_OF(files));
    room.options.max_entries = 1;
    tg_schema_directory_t *directory = NULL;
    tg_error_t err = {0};
    ASSERT_FAILS(open_room(&room, &directory, &err), TG_ERR_CONFIG);
    assert_non_null(strstr(err.text, "registry.max_entries"));
    drop_room(&room);
}

static void
directory_that_is_not_there_says_so(void **state)
{
    (void)state;
    const tg_registry_options_t options = {.directory = "/nonexistent/schemas"};
    tg_schema_directory_t *directory = NULL;
    tg_error_t err = {0};
    ASSERT_FAILS(tg_schema_directory_open(&options, &directory, &err), TG_ERR_CONFIG);
    assert_non_null(strstr(err.text, "No such file"));
    tg_schema_directory_close(NULL);
}

static void
directory_with_an_entry_that_cannot_be_read_says_so(void **state)
{
    (void)state;
    const file_t files[] = {{"a.avsc", "\"int\""}};
    room_t room = make_room(files, TG_COUNT_OF(files));
    char path[200];
    path_of(&room, "b.avsc", path, sizeof path);
    assert_int_equal(mkdir(path, 0700), 0);
    tg_schema_directory_t *directory = NULL;
    tg_error_t err = {0};
    ASSERT_FAILS(open_room(&room, &directory, &err), TG_ERR_CONFIG);
    assert_non_null(strstr(err.text, "/b.avsc: cannot read it"));
    assert_int_equal(rmdir(path), 0);

    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite("\"i\0t\"", 1, 5, file), 5);
    assert_int_equal(fclose(file), 0);
    ASSERT_FAILS(open_room(&room, &directory, &err), TG_ERR_CONFIG);
    assert_non_null(strstr(err.text, "NUL byte"));
    assert_int_equal(unlink(path), 0);
    drop_room(&room);
}

static void
directory_with_more_needs_than_a_schema_may_have_says_so(void **state)
{
    (void)state;

    enum { COUNT = 300 };

    static char names[COUNT][16];
    static char texts[COUNT][128];
    static file_t files[COUNT];
    /* Each needs the next; and then one that needs them all. */
    for (int wide = 0; wide < 2; wide++) {
        static char all[COUNT * 16];
        size_t n = (size_t)snprintf(all, sizeof all, "[\"null\"");
        for (int i = 0; i < COUNT; i++) {
            (void)snprintf(names[i], sizeof names[i], "f%03d.avsc", i);
            (void)snprintf(texts[i], sizeof texts[i], RECORD("T%d", FIELD("f", "%s%d")), i,
                           wide == 1 || i == COUNT - 1 ? "in" : "T", i + 1);
            files[i] = (file_t){names[i], texts[i]};
            if (wide == 1) {
                (void)snprintf(texts[i], sizeof texts[i], RECORD("T%d", ""), i);
            }
            if (i < COUNT - 1) {
                n += (size_t)snprintf(all + n, sizeof all - n, ",\"T%d\"", i);
            }
        }
        (void)snprintf(all + n, sizeof all - n, "]");
        (void)snprintf(texts[COUNT - 1], sizeof texts[0], RECORD("T299", ""));
        if (wide == 1) {
            files[COUNT - 1].text = all;
        }
        room_t room = make_room(files, COUNT);
        room.options.max_entries = 1000;
        tg_schema_directory_t *directory = NULL;
        tg_error_t err = {0};
        ASSERT_FAILS(open_room(&room, &directory, &err), TG_ERR_CONFIG);
        assert_non_null(strstr(err.text, "more than 256"));
        drop_room(&room);
    }
}

static room_t torture_room;

static void
open_and_close(void)
{
    tg_schema_directory_t *directory = NULL;
    tg_error_t err = {0};
    tg_status_t status = open_room(&torture_room, &directory, &err);
    assert_true(status == TG_OK || status == TG_ERR_NO_MEMORY || status == TG_ERR_CONFIG);
    assert_true((status == TG_OK) == (directory != NULL));
    tg_schema_directory_close(directory);
}

static void
directory_without_memory_at_any_moment_leaves_nothing(void **state)
{
    (void)state;
    const file_t files[] = {{"a.avsc", RECORD("A", FIELD("b", "n.B"))},
                            {"b.avsc", RECORD("n.B", FIELD("c", "C"))},
                            {"n.C.avsc", RECORD("n.C", FIELD("x", "int"))}};
    torture_room = make_room(files, TG_COUNT_OF(files));
    assert_true(tg_torture(open_and_close) > 10);
    drop_room(&torture_room);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(directory_answers_by_name_id_and_guid),
        cmocka_unit_test(directory_gives_each_schema_what_it_needs_in_order),
        cmocka_unit_test(directory_with_several_versions_of_a_type_takes_the_one_that_is_named_so),
        cmocka_unit_test(directory_with_a_mistake_names_file_and_cause),
        cmocka_unit_test(directory_with_more_files_than_allowed_says_which_limit),
        cmocka_unit_test(directory_that_is_not_there_says_so),
        cmocka_unit_test(directory_with_an_entry_that_cannot_be_read_says_so),
        cmocka_unit_test(directory_with_more_needs_than_a_schema_may_have_says_so),
        cmocka_unit_test(directory_without_memory_at_any_moment_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
