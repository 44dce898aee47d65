#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "config_rules_internal.h"

enum { TEXT_BYTES = 512, MAX_REPETITIONS = 1000, MAX_GROUPS = 32 };

config_setting_t *
tg_config_rules_setting(const tg_config_origin_t *origin, const char *name)
{
    return tg_config_tree_find(origin->group, name, NULL);
}

static const tg_config_place_t *
place_of(const tg_config_draft_t *draft, const tg_config_origin_t *origin, const char *name)
{
    config_setting_t *deepest = origin->group;
    config_setting_t *setting = tg_config_tree_find(origin->group, name, &deepest);
    return tg_config_tree_place(draft->tree, setting != NULL ? setting : deepest);
}

void
tg_config_rules_add(const tg_config_draft_t *draft, const tg_config_origin_t *origin,
                    const char *name, const char *format, ...)
{
    char path[TG_CONFIG_PATH_BYTES];
    (void)snprintf(path, sizeof path, "%s%s", origin->path, name);
    char text[TEXT_BYTES];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    tg_config_problems_add(draft->problems, place_of(draft, origin, name), path, "%s", text);
}

void
tg_config_rules_add_element(const tg_config_draft_t *draft, const tg_config_origin_t *origin,
                            const char *name, size_t index, const char *format, ...)
{
    char path[TG_CONFIG_PATH_BYTES];
    (void)snprintf(path, sizeof path, "%s%s[%zu]", origin->path, name, index);
    char text[TEXT_BYTES];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    const tg_config_place_t *place = place_of(draft, origin, name);
    config_setting_t *list = tg_config_rules_setting(origin, name);
    /* A list that a variable gave as one text has no elements of its own. */
    if (list != NULL && (size_t)tg_config_tree_length(list) > index) {
        place = tg_config_tree_place(draft->tree, config_setting_get_elem(list, (unsigned)index));
    }
    tg_config_problems_add(draft->problems, place, path, "%s", text);
}

/* Whether something inside the setting is filled in from elsewhere. */
static bool
is_expanded(const config_setting_t *setting)
{
    for (int i = 0; i < config_setting_length(setting); i++) {
        if (is_expanded(config_setting_get_elem(setting, (unsigned)i))) {
            return true;
        }
    }
    const char *text = config_setting_get_string(setting);
    return text != NULL && (strstr(text, "${env:") != NULL || strstr(text, "${file:") != NULL);
}

void
tg_config_rules_quote(const tg_config_origin_t *origin, const char *name, const char *value,
                      char ret_text[TG_CONFIG_QUOTED_BYTES])
{
    const config_setting_t *setting = tg_config_rules_setting(origin, name);
    if (setting != NULL && is_expanded(setting)) {
        (void)snprintf(ret_text, TG_CONFIG_QUOTED_BYTES, "the value");
    } else {
        (void)snprintf(ret_text, TG_CONFIG_QUOTED_BYTES, "\"%.80s\"", value);
    }
}

bool
tg_config_rules_is_plain(const char *text)
{
    for (; *text != '\0'; text++) {
        if (!isalnum((unsigned char)*text) && strchr("._-", *text) == NULL) {
            return false;
        }
    }
    return true;
}

void
tg_config_rules_check_plain(const tg_config_draft_t *draft, const tg_config_origin_t *origin,
                            const char *name, const char *value)
{
    if (value != NULL && !tg_config_rules_is_plain(value)) {
        char quoted[TG_CONFIG_QUOTED_BYTES];
        tg_config_rules_quote(origin, name, value, quoted);
        tg_config_rules_add(draft, origin, name,
                            "%s is not a name; it has only letters, digits, '.', '_' and '-'",
                            quoted);
    }
}

/* regcomp copies what {n,m} repeats, also inside each other: without a limit a short text could
 * take all memory. */
static bool
repeats_too_often(const char *expression)
{
    long product = 1;
    int n_groups = 0;
    for (const char *at = expression; *at != '\0'; at++) {
        n_groups += *at == '(' ? 1 : 0;
        if (*at != '{') {
            continue;
        }
        const char *comma = at + 1 + strcspn(at + 1, ",}");
        long low = strtol(at + 1, NULL, 10);
        long high = *comma == ',' ? strtol(comma + 1, NULL, 10) : 0;
        long repetitions = low > high ? low : high;
        if (repetitions > MAX_REPETITIONS) {
            return true;
        }
        product *= repetitions > 1 ? repetitions : 1;
        if (product > MAX_REPETITIONS) {
            return true;
        }
    }
    return n_groups > MAX_GROUPS;
}

bool
tg_config_rules_compile(const char *expression, regex_t *ret_regex,
                        char ret_text[TG_CONFIG_FAULT_BYTES])
{
    if (repeats_too_often(expression)) {
        (void)snprintf(ret_text, TG_CONFIG_FAULT_BYTES,
                       "is too large a regular expression; at most %d repetitions and %d groups "
                       "are allowed",
                       MAX_REPETITIONS, MAX_GROUPS);
        return false;
    }
    int error = regcomp(ret_regex, expression, REG_EXTENDED);
    if (error == 0) {
        return true;
    }
    char cause[TG_CONFIG_FAULT_BYTES / 2];
    (void)regerror(error, ret_regex, cause, sizeof cause);
    (void)snprintf(ret_text, TG_CONFIG_FAULT_BYTES,
                   "is not a regular expression: %s; it is POSIX extended, such as ^plant-(.*)$",
                   cause);
    return false;
}

bool
tg_config_rules_topic_fault(const char *topic, char ret_text[TG_CONFIG_FAULT_BYTES])
{
    if (topic[0] == '^') {
        regex_t regex;
        if (!tg_config_rules_compile(topic, &regex, ret_text)) {
            return true;
        }
        regfree(&regex);
        return false;
    }
    if (strcmp(topic, ".") != 0 && strcmp(topic, "..") != 0 && tg_config_rules_is_plain(topic)) {
        return false;
    }
    (void)snprintf(ret_text, TG_CONFIG_FAULT_BYTES,
                   "is not a topic's name; it has only letters, digits, '.', '_' and '-', and a "
                   "regular expression begins with ^");
    return true;
}

bool
tg_config_rules_matches(const char *topic, const char *name)
{
    if (topic[0] != '^') {
        return strcmp(topic, name) == 0;
    }
    char ignored[TG_CONFIG_FAULT_BYTES];
    regex_t regex;
    if (!tg_config_rules_compile(topic, &regex, ignored)) {
        return false; /* reported where it stands */
    }
    bool matches = regexec(&regex, name, 0, NULL, 0) == 0;
    regfree(&regex);
    return matches;
}

void
tg_config_rules_check(const tg_config_draft_t *draft)
{
    tg_config_rules_check_root(draft);
    for (size_t i = 0; i < draft->config->n_sinks; i++) {
        tg_config_rules_check_sink(draft, i);
        tg_config_rules_check_routes(draft, i);
    }
}
