#include "tg_config_files.h"

const char *__lsan_default_suppressions(void); // NOLINT(readability-identifier-naming)

/* Everything that broken_files.txt breaks, line by line. */
static const char *const SOUND[] = {
    "kafka: { bootstrap_servers = \"127.0.0.1:9092\"; };",
    "registry: { url = \"http://127.0.0.1:8081\"; };",
    "database: { url = \"postgresql://tidegate@127.0.0.1/plant\"; };",
    "sinks = (",
    "  {",
    "    name = \"sensors\";",
    "    topics = [ \"sensors\" ];",
    "    writers = 2;",
    "    batch: { max_rows = 50000; };",
    "    errors: { tolerance = \"all\"; dead_letter_topic = \"sensors.dead\"; };",
    "    routes = (",
    "      { topic = \"sensors\";",
    "        table = \"public.sensor_readings\";",
    "        create = true;",
    "        time_column = \"time\"; } );",
    "  } );",
};

/* libconfig 1.5 loses a string that stands where its grammar has none. */
const char *
__lsan_default_suppressions(void) // NOLINT(readability-identifier-naming)
{
    return "leak:libconfig\n";
}

enum { MIN_CASES = 100, CASES_BYTES = 256 * 1024 };

/* One case of the file, as buffers of the whole test. */
typedef struct broken {
    char situation[128];
    long line;
    tg_buffer_t replacement;
    tg_buffer_t expected;
} broken_t;

static char *cases_text;

static int
read_cases(void **state)
{
    (void)state;
    FILE *file = fopen("unit/config/broken_files.txt", "re");
    assert_non_null(file);
    cases_text = calloc(1, CASES_BYTES);
    assert_non_null(cases_text);
    size_t n = fread(cases_text, 1, CASES_BYTES - 1, file);
    assert_true(n > 0 && n < CASES_BYTES - 1);
    (void)fclose(file);
    return 0;
}

static int
free_cases(void **state)
{
    (void)state;
    free(cases_text);
    return 0;
}

static void
append_line(tg_buffer_t *buffer, const char *line, size_t n_bytes)
{
    assert_int_equal(tg_buffer_append(buffer, line, n_bytes), TG_OK);
    assert_int_equal(tg_buffer_append(buffer, "\n", 1), TG_OK);
}

static void
run_case(tg_config_files_t *files, broken_t *broken)
{
    tg_buffer_t text;
    tg_buffer_init(&text, CASES_BYTES);
    for (size_t i = 0; i < TG_COUNT_OF(SOUND); i++) {
        if ((long)i + 1 == broken->line) {
            assert_int_equal(tg_buffer_append_text(&text, tg_buffer_text(&broken->replacement)),
                             TG_OK);
        } else {
            append_line(&text, SOUND[i], strlen(SOUND[i]));
        }
    }
    tg_config_files_try(files, tg_buffer_text(&text), NULL);
    tg_buffer_done(&text);
    const char *expected = tg_buffer_text(&broken->expected);
    if (files->status != TG_ERR_CONFIG || strcmp(tg_config_files_text(files), expected) != 0) {
        fail_msg("%s:\nsaid     %s\nexpected %s", broken->situation, tg_config_files_text(files),
                 expected);
    }
    broken->situation[0] = '\0';
    tg_buffer_reset(&broken->replacement);
    tg_buffer_reset(&broken->expected);
}

static void
broken_files_are_told_by_key_line_mistake_and_remedy(void **state)
{
    tg_config_files_t *files = *state;
    broken_t broken = {.line = 0};
    tg_buffer_init(&broken.replacement, CASES_BYTES);
    tg_buffer_init(&broken.expected, CASES_BYTES);
    int n_cases = 0;
    for (const char *at = cases_text; *at != '\0';) {
        size_t n = strcspn(at, "\n");
        char *rest = NULL;
        bool last = at[n] == '\0' || at[n + 1] == '\0';
        if (n == 0 && broken.situation[0] != '\0') {
            run_case(files, &broken);
            n_cases++;
        } else if (strncmp(at, "== ", 3) == 0) {
            (void)snprintf(broken.situation, sizeof broken.situation, "%.*s", (int)n - 3, at + 3);
        } else if (strncmp(at, "> ", 2) == 0) {
            append_line(&broken.expected, at + 2, n - 2);
        } else if (*at >= '1' && *at <= '9') {
            broken.line = strtol(at, &rest, 10);
            rest += *rest == ' ' ? 1 : 0;
            append_line(&broken.replacement, rest, n - (size_t)(rest - at));
        }
        if (last && broken.situation[0] != '\0') {
            run_case(files, &broken);
            n_cases++;
        }
        at += n + (at[n] == '\n' ? 1 : 0);
    }
    tg_buffer_done(&broken.replacement);
    tg_buffer_done(&broken.expected);
    assert_true(n_cases >= MIN_CASES);
}

static void
broken_files_begin_with_a_sound_one(void **state)
{
    tg_config_files_t *files = *state;
    tg_buffer_t text;
    tg_buffer_init(&text, CASES_BYTES);
    for (size_t i = 0; i < TG_COUNT_OF(SOUND); i++) {
        append_line(&text, SOUND[i], strlen(SOUND[i]));
    }
    (void)tg_config_files_must(files, tg_buffer_text(&text), NULL);
    tg_buffer_done(&text);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(broken_files_begin_with_a_sound_one, tg_config_files_setup,
                                        tg_config_files_teardown),
        cmocka_unit_test_setup_teardown(broken_files_are_told_by_key_line_mistake_and_remedy,
                                        tg_config_files_setup, tg_config_files_teardown),
    };
    return cmocka_run_group_tests(tests, read_cases, free_cases);
}
