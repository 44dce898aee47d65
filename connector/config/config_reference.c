#include "config_keys_internal.h"
#include "config_units_internal.h"
#include "config_writer_internal.h"

static const char HEAD[] =
    "# Configuration reference\n"
    "\n"
    "Generated from `config_keys.c`; a unit test compares. To write it anew: "
    "`TG_CONFIG_WRITE_REFERENCE=1 ctest -R unit.config.test_reference`.\n"
    "\n"
    "The file is in libconfig syntax: `name = value;`, groups `kafka: { ... };`, lists of strings "
    "`[ \"a\", \"b\" ]`, lists of groups `( { ... }, { ... } )`, comments `#`, `//`, `/* */`, and "
    "`@include \"file\"` on a line of its own (relative to the file that says it).\n"
    "\n"
    "- **Environment.** `TIDEGATE_SINKS__0__BATCH__MAX_ROWS=5000` goes over "
    "`sinks[0].batch.max_rows`: upper case, two underscores for a level or an index. The next free "
    "index adds an element; a list of strings is also written whole, `a,b`. A variable that names "
    "no key is a mistake, except `TIDEGATE_CONFIG`, `TIDEGATE_CACHE`, `TIDEGATE_FAULT`, "
    "`TIDEGATE_TEST_*` and those "
    "that Kubernetes sets for a service named `tidegate` (`TIDEGATE_SERVICE_HOST` ...).\n"
    "- **Values from elsewhere.** Any string may say `${env:NAME}` or `${file:/path}` (without "
    "the newline at its end, at most 64 KiB). What comes in is not expanded again.\n"
    "- **Sizes** are bytes, or `\"64KiB\"`, `\"8MiB\"`, `\"1GB\"`. **Durations** are milliseconds, "
    "or `\"250ms\"`, `\"5s\"`, `\"1min\"`, `\"1h\"`.\n"
    "- **Secrets** are shown as `********` wherever the configuration is shown.\n"
    "- **Reload.** SIGHUP takes over what is marked *reload*; other changes need a restart, and "
    "are named.\n";

/* "sinks[].routes[]" of "sinks[].routes[].topic". */
static size_t
group_length(const char *path)
{
    const char *dot = strrchr(path, '.');
    return dot != NULL ? (size_t)(dot - path) : 0;
}

static void
write_title(const char *path, tg_config_writer_t *writer)
{
    size_t n = group_length(path);
    tg_config_writer_text(writer, "\n## ");
    tg_config_writer_bytes(writer, n > 0 ? path : "Top level", n > 0 ? n : strlen("Top level"));
    tg_config_writer_text(writer, "\n\n| key | value | default | |\n| --- | --- | --- | --- |\n");
}

static void
write_range(const tg_config_key_t *key, const char *type, tg_config_writer_t *writer)
{
    char min[TG_CONFIG_NUMBER_BYTES];
    char max[TG_CONFIG_NUMBER_BYTES];
    tg_config_units_print(key->type, key->min, min);
    tg_config_units_print(key->type, key->max, max);
    tg_config_writer_format(writer, "%s, %s to %s%s%s", type, min, max,
                            key->unit != NULL ? " " : "", key->unit != NULL ? key->unit : "");
}

static void
write_choices(const tg_config_key_t *key, tg_config_writer_t *writer)
{
    for (size_t i = 0; i < TG_CONFIG_MAX_CHOICES && key->choices[i].text != NULL; i++) {
        tg_config_writer_format(writer, "%s`\"%s\"`", i > 0 ? ", " : "", key->choices[i].text);
    }
}

static void
write_type(const tg_config_key_t *key, tg_config_writer_t *writer)
{
    switch (key->type) {
    case TG_CONFIG_INT:
        write_range(key, "integer", writer);
        break;
    case TG_CONFIG_SIZE:
        write_range(key, "size", writer);
        break;
    case TG_CONFIG_DURATION:
        write_range(key, "duration", writer);
        break;
    case TG_CONFIG_ENUM:
        write_choices(key, writer);
        break;
    case TG_CONFIG_BOOL:
        tg_config_writer_text(writer, "`true`, `false`");
        break;
    case TG_CONFIG_LIST:
        tg_config_writer_text(writer, "list of strings");
        break;
    case TG_CONFIG_PROPERTIES:
        tg_config_writer_text(writer, "group of properties");
        break;
    case TG_CONFIG_STRING:
    case TG_CONFIG_LIST_OF_1:
        tg_config_writer_text(writer, "string");
        break;
    }
}

static void
write_default(const tg_config_key_t *key, tg_config_writer_t *writer)
{
    if (key->required) {
        tg_config_writer_text(writer, "**required**");
        return;
    }
    if (key->derived != NULL || key->fallback == NULL) {
        tg_config_writer_text(writer, key->derived != NULL ? key->derived : "not set");
        return;
    }
    char text[TG_CONFIG_NUMBER_BYTES];
    int64_t value = 0;
    bool quoted = key->type == TG_CONFIG_STRING || key->type == TG_CONFIG_ENUM;
    bool duration = key->type == TG_CONFIG_DURATION &&
                    tg_config_units_parse(key->type, key->fallback, &value) == TG_CONFIG_NUMBER_OK;
    if (duration) {
        tg_config_units_print(key->type, value, text);
    }
    tg_config_writer_format(writer, "`%s%s%s`", quoted ? "\"" : "", duration ? text : key->fallback,
                            quoted ? "\"" : "");
}

static void
write_key(const tg_config_key_t *key, tg_config_writer_t *writer)
{
    tg_config_writer_format(writer, "| `%s` | ", tg_config_key_leaf(key));
    write_type(key, writer);
    tg_config_writer_text(writer, " | ");
    write_default(key, writer);
    static const char *const SECRECY[] = {
        [TG_CONFIG_PUBLIC] = "",
        [TG_CONFIG_SECRET] = " *Secret.*",
        [TG_CONFIG_SECRET_IN_URL] = " *A password in it is secret.*",
        [TG_CONFIG_SECRET_BY_NAME] =
            " *Secret where the name says password, key, token and so on.*",
    };
    tg_config_writer_format(writer, " | %s%s%s |\n", key->doc, key->reloadable ? " *Reload.*" : "",
                            SECRECY[key->secrecy]);
}

tg_status_t
tg_config_reference(tg_buffer_t *out)
{
    tg_config_writer_t writer = {.out = out};
    tg_config_writer_text(&writer, HEAD);
    const char *group = NULL;
    for (size_t i = 0; i < tg_config_n_keys; i++) {
        const char *path = tg_config_keys[i].path;
        size_t n = group_length(path);
        if (group == NULL || group_length(group) != n || memcmp(group, path, n) != 0) {
            write_title(path, &writer);
            group = path;
        }
        write_key(&tg_config_keys[i], &writer);
    }
    return writer.status;
}
