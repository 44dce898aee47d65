#include "tg_config_files.h"

static const char PATH[] = "../connector/config/REFERENCE.md";

enum { MAX_BYTES = 256 * 1024 };

static void
reference_of_the_tree_is_in_step_with_the_key_table(void **state)
{
    (void)state;
    tg_buffer_t expected;
    tg_buffer_init(&expected, MAX_BYTES);
    assert_int_equal(tg_config_reference(&expected), TG_OK);
    if (getenv("TG_CONFIG_WRITE_REFERENCE") != NULL) {
        tg_config_files_write_bytes(PATH, expected.data, expected.n_bytes);
    }
    FILE *file = fopen(PATH, "re");
    assert_non_null(file);
    char *found = calloc(1, MAX_BYTES);
    assert_non_null(found);
    size_t n = fread(found, 1, MAX_BYTES - 1, file);
    (void)fclose(file);
    if (n != expected.n_bytes || memcmp(found, expected.data, n) != 0) {
        fail_msg("connector/config/REFERENCE.md is out of step with config_keys.c; write it anew: "
                 "TG_CONFIG_WRITE_REFERENCE=1 ctest -R unit.config.test_reference");
    }
    free(found);
    tg_buffer_done(&expected);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reference_of_the_tree_is_in_step_with_the_key_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
