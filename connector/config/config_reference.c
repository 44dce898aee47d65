#include <ctype.h>
#include <inttypes.h>

#include "config_keys_internal.h"
#include "config_units_internal.h"

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
    "no key is a mistake, except `TIDEGATE_CONFIG` and `TIDEGATE_FAULT`.\n"
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

static tg_status_t
append_title(const char *path, tg_buffer_t *out)
{
    size_t n = group_length(path);
    TG_TRY(tg_buffer_append_text(out, "\n## "));
    TG_TRY(n > 0 ? tg_buffer_append(out, path, n) : tg_buffer_append_text(out, "Top level"));
    return tg_buffer_append_text(out,
                                 "\n\n| key | value | default | |\n| --- | --- | --- | --- |\n");
}

static tg_status_t
append_range(const tg_config_key_t *key, const char *type, tg_buffer_t *out)
{
    char min[TG_CONFIG_NUMBER_BYTES];
    char max[TG_CONFIG_NUMBER_BYTES];
    tg_config_units_print(key->type, key->min, min);
    tg_config_units_print(key->type, key->max, max);
    return tg_buffer_append_format(out, "%s, %s to %s%s%s", type, min, max,
                                   key->unit != NULL ? " " : "",
                                   key->unit != NULL ? key->unit : "");
}

static tg_status_t
append_choices(const tg_config_key_t *key, tg_buffer_t *out)
{
    for (size_t i = 0; i < TG_CONFIG_MAX_CHOICES && key->choices[i].text != NULL; i++) {
        TG_TRY(tg_buffer_append_format(out, "%s`\"%s\"`", i > 0 ? ", " : "", key->choices[i].text));
    }
    return TG_OK;
}

static tg_status_t
append_type(const tg_config_key_t *key, tg_buffer_t *out)
{
    switch (key->type) {
    case TG_CONFIG_INT:
        return append_range(key, "integer", out);
    case TG_CONFIG_SIZE:
        return append_range(key, "size", out);
    case TG_CONFIG_DURATION:
        return append_range(key, "duration", out);
    case TG_CONFIG_ENUM:
        return append_choices(key, out);
    case TG_CONFIG_BOOL:
        return tg_buffer_append_text(out, "`true`, `false`");
    case TG_CONFIG_LIST:
        return tg_buffer_append_text(out, "list of strings");
    case TG_CONFIG_PROPERTIES:
        return tg_buffer_append_text(out, "group of properties");
    case TG_CONFIG_STRING:
    case TG_CONFIG_LIST_OF_1:
        break;
    }
    return tg_buffer_append_text(out, "string");
}

static tg_status_t
append_default(const tg_config_key_t *key, tg_buffer_t *out)
{
    bool quoted = key->type == TG_CONFIG_STRING || key->type == TG_CONFIG_ENUM;
    if (key->required) {
        return tg_buffer_append_text(out, "**required**");
    }
    if (key->derived != NULL) {
        return tg_buffer_append_text(out, key->derived);
    }
    if (key->fallback == NULL) {
        return tg_buffer_append_text(out, "not set");
    }
    if (key->type == TG_CONFIG_DURATION) {
        char text[TG_CONFIG_NUMBER_BYTES];
        int64_t value = 0;
        if (tg_config_units_parse(key->type, key->fallback, &value) != TG_CONFIG_NUMBER_OK) {
            return TG_ERR_INTERNAL;
        }
        tg_config_units_print(key->type, value, text);
        return tg_buffer_append_format(out, "`%s`", text);
    }
    return tg_buffer_append_format(out, quoted ? "`\"%s\"`" : "`%s`", key->fallback);
}

static tg_status_t
append_key(const tg_config_key_t *key, tg_buffer_t *out)
{
    TG_TRY(tg_buffer_append_format(out, "| `%s` | ", tg_config_key_leaf(key)));
    TG_TRY(append_type(key, out));
    TG_TRY(tg_buffer_append_text(out, " | "));
    TG_TRY(append_default(key, out));
    TG_TRY(tg_buffer_append_format(out, " | %s%s%s |\n", key->doc,
                                   key->reloadable ? " *Reload.*" : "",
                                   key->secrecy != TG_CONFIG_PUBLIC ? " *Secret.*" : ""));
    return TG_OK;
}

tg_status_t
tg_config_reference(tg_buffer_t *out)
{
    TG_TRY(tg_buffer_append_text(out, HEAD));
    const char *group = NULL;
    for (size_t i = 0; i < TG_CONFIG_N_KEYS; i++) {
        const char *path = TG_CONFIG_KEYS[i].path;
        size_t n = group_length(path);
        if (group == NULL || group_length(group) != n || memcmp(group, path, n) != 0) {
            TG_TRY(append_title(path, out));
            group = path;
        }
        TG_TRY(append_key(&TG_CONFIG_KEYS[i], out));
    }
    return TG_OK;
}
