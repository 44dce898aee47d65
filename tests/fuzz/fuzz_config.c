// links: config base
/*
 * Any text as a configuration: it loads, and then its dump loads as well and dumps the same, or
 * every problem has a key and a text. The first byte decides where the text goes: 0 the file, else
 * a variable's value.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "config/config.h"

enum { DUMP_BYTES = 8 * 1024 * 1024 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
const char *__lsan_default_suppressions(void); // NOLINT(readability-identifier-naming)

/* libconfig 1.5 loses a string that stands where the grammar has none. */
const char *
__lsan_default_suppressions(void) // NOLINT(readability-identifier-naming)
{
    return "leak:libconfig\n";
}

static void
require(bool condition)
{
    if (!condition) {
        abort();
    }
}

/* A file that is not in any directory; only this program sees it. */
static void
write_file(const char *path, const void *data, size_t n_bytes)
{
    FILE *file = fopen(path, "we");
    require(file != NULL);
    require(fwrite(data, 1, n_bytes, file) == n_bytes);
    require(fclose(file) == 0);
}

static tg_config_t *
load(const char *path, char *const *environment)
{
    tg_config_problems_t *problems = tg_config_problems_new();
    require(problems != NULL);
    tg_config_t *config = NULL;
    tg_error_t err;
    tg_status_t status = tg_config_load(path, environment, problems, &config, &err);
    require((status == TG_OK) == (config != NULL));
    require(status == TG_OK || status == TG_ERR_CONFIG || status == TG_ERR_NO_MEMORY);
    require((status == TG_ERR_CONFIG) == (tg_config_problems_count(problems) > 0));
    for (size_t i = 0; i < tg_config_problems_count(problems); i++) {
        const tg_config_problem_t *problem = tg_config_problems_at(problems, i);
        require(problem->key[0] != '\0' && problem->text[0] != '\0' && problem->line >= 0);
    }
    tg_config_problems_free(problems);
    return config;
}

static void
dump(const tg_config_t *config, tg_buffer_t *ret_dump)
{
    tg_buffer_init(ret_dump, DUMP_BYTES);
    require(tg_config_dump(config, ret_dump) == TG_OK);
}

/* What is shown must mean the same. */
static void
check_round_trip(const char *path, const tg_config_t *config)
{
    tg_buffer_t first;
    tg_buffer_t second;
    dump(config, &first);
    write_file(path, first.data, first.n_bytes);
    tg_config_t *again = load(path, NULL);
    require(again != NULL);
    dump(again, &second);
    require(tg_bytes_equal(tg_buffer_view(&first), tg_buffer_view(&second)));
    size_t n = 0;
    tg_buffer_reset(&first);
    require(tg_config_reload_check(again, again, &first, &n) == TG_OK && n == 0);
    tg_buffer_done(&first);
    tg_buffer_done(&second);
    tg_config_free(again);
}

static const char SOUND[] = "kafka: { bootstrap_servers = \"a\"; };\n"
                            "registry: { url = \"http://a\"; };\n"
                            "database: { url = \"host=a\"; };\n"
                            "sinks = ( { name = \"s\"; topics = [ \"t\" ]; } );\n";

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[64];
    (void)snprintf(path, sizeof path, "/dev/shm/tidegate-fuzz-config-%d", (int)getpid());
    bool as_variable = size > 0 && data[0] != '0';
    char *entry = calloc(1, size + 16);
    require(entry != NULL);
    if (as_variable) {
        /* "K__X=..." as it is; the prefix makes it ours. */
        (void)snprintf(entry, size + 16, "TIDEGATE_%.*s", (int)size, (const char *)data);
        write_file(path, SOUND, sizeof SOUND - 1);
    } else {
        write_file(path, size > 0 ? data + 1 : data, size > 0 ? size - 1 : 0);
    }
    char *environment[] = {entry, NULL};
    tg_config_t *config = load(path, as_variable ? environment : NULL);
    if (config != NULL) {
        check_round_trip(path, config);
    }
    tg_config_free(config);
    free(entry);
    (void)unlink(path);
    return 0;
}
