// links: registry base
#include "base/buffer.h"
#include "disk_format_internal.h"
#include "registered_schema_internal.h"
#include "tg_test.h"

static const tg_schema_key_t KEY = {.kind = TG_SCHEMA_KEY_ID, .id = 12};

static tg_registered_schema_t *
make_schema(void)
{
    const char *const references[] = {"first \"quoted\"", "second\nline \xc3\xbc"};
    tg_registered_schema_t *schema = tg_registered_schema_new("{\"a\":\\1}", references, 2);
    assert_non_null(schema);
    return schema;
}

static void
write_schema(tg_buffer_t *file)
{
    tg_registered_schema_t *schema = make_schema();
    tg_buffer_init(file, 4096);
    assert_int_equal(tg_disk_format_write(&KEY, schema, file), TG_OK);
    tg_registered_schema_free(schema);
}

static void
disk_format_gives_back_what_it_was_given(void **state)
{
    (void)state;
    tg_registered_schema_t *schema = make_schema();
    tg_registered_schema_t *back = NULL;
    tg_buffer_t file;
    write_schema(&file);
    assert_int_equal(tg_disk_format_read(&KEY, tg_buffer_view(&file), &back), TG_OK);
    assert_string_equal(back->text, schema->text);
    assert_int_equal(back->n_references, 2);
    assert_string_equal(back->references[0], schema->references[0]);
    assert_string_equal(back->references[1], schema->references[1]);
    assert_int_equal(tg_registered_schema_bytes(back), tg_registered_schema_bytes(schema));
    tg_registered_schema_free(back);
    tg_registered_schema_free(schema);
    tg_buffer_done(&file);
}

static void
disk_format_refuses_every_cut_and_every_flipped_bit(void **state)
{
    (void)state;
    tg_registered_schema_t *back = NULL;
    tg_buffer_t file;
    write_schema(&file);
    for (size_t n = 0; n < file.n_bytes; n++) {
        uint8_t *cut = malloc(n + 1);
        assert_non_null(cut);
        memcpy(cut, file.data, n);
        assert_int_equal(tg_disk_format_read(&KEY, tg_bytes_of(cut, n), &back), TG_ERR_INVALID);
        free(cut);
        for (unsigned bit = 0; bit < 8; bit++) {
            file.data[n] = (uint8_t)(file.data[n] ^ 1U << bit);
            assert_int_equal(tg_disk_format_read(&KEY, tg_buffer_view(&file), &back),
                             TG_ERR_INVALID);
            file.data[n] = (uint8_t)(file.data[n] ^ 1U << bit);
        }
    }
    assert_null(back);
    tg_buffer_done(&file);
}

static void
disk_format_refuses_the_file_of_another_key(void **state)
{
    (void)state;
    const tg_schema_key_t others[] = {{.kind = TG_SCHEMA_KEY_ID, .id = 13},
                                      {.kind = TG_SCHEMA_KEY_GLOBAL_ID, .id = 12},
                                      {.kind = TG_SCHEMA_KEY_GUID, .guid = {12}}};
    tg_registered_schema_t *back = NULL;
    tg_buffer_t file;
    write_schema(&file);
    for (size_t i = 0; i < TG_COUNT_OF(others); i++) {
        assert_int_equal(tg_disk_format_read(&others[i], tg_buffer_view(&file), &back),
                         TG_ERR_INVALID);
    }
    tg_buffer_done(&file);
}

static void
disk_format_names_are_fit_for_files(void **state)
{
    (void)state;
    char name[TG_DISK_NAME_BYTES];
    const tg_schema_key_t global = {.kind = TG_SCHEMA_KEY_GLOBAL_ID, .id = INT64_MAX};
    const tg_schema_key_t guid = {.kind = TG_SCHEMA_KEY_GUID, .guid = {0xff}};
    assert_string_equal(tg_disk_format_name(&KEY, name), "id-12");
    assert_string_equal(tg_disk_format_name(&global, name), "global-9223372036854775807");
    assert_string_equal(tg_disk_format_name(&guid, name),
                        "guid-ff000000-0000-0000-0000-000000000000");
}

static void
disk_format_at_the_ceiling_of_the_buffer_is_full(void **state)
{
    (void)state;
    tg_registered_schema_t *schema = make_schema();
    for (size_t max_bytes = 0; max_bytes < 60; max_bytes++) {
        tg_buffer_t file;
        tg_buffer_init(&file, max_bytes);
        assert_int_equal(tg_disk_format_write(&KEY, schema, &file), TG_ERR_FULL);
        tg_buffer_done(&file);
    }
    tg_registered_schema_free(schema);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(disk_format_gives_back_what_it_was_given),
        cmocka_unit_test(disk_format_refuses_every_cut_and_every_flipped_bit),
        cmocka_unit_test(disk_format_refuses_the_file_of_another_key),
        cmocka_unit_test(disk_format_names_are_fit_for_files),
        cmocka_unit_test(disk_format_at_the_ceiling_of_the_buffer_is_full),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
