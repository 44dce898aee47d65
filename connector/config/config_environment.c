#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config_environment_internal.h"
#include "config_names_internal.h"

enum { MAX_STEPS = 8, STEP_BYTES = 64, MAX_INDEX_DIGITS = 4, VARIABLE_BYTES = 128 };

static const char PREFIX[] = "TIDEGATE_";

/* One name between double underscores, and the index behind it. */
typedef struct step {
    char name[STEP_BYTES];
    int index; /* -1: none */
} step_t;

typedef struct variable {
    tg_config_place_t place; /* in the arena with it: settings point to it */
    const char *value;
    step_t steps[MAX_STEPS];
    int n_steps;
    const tg_config_key_t *key;
    char path[TG_CONFIG_PATH_BYTES];
} variable_t;

typedef struct overlay {
    tg_config_tree_t *tree;
    tg_config_problems_t *problems;
} overlay_t;

static bool
is_index(const char *text, size_t n_bytes)
{
    for (size_t i = 0; i < n_bytes; i++) {
        if (!isdigit((unsigned char)text[i])) {
            return false;
        }
    }
    return n_bytes > 0 && n_bytes <= MAX_INDEX_DIGITS;
}

/* KAFKA__BOOTSTRAP_SERVERS -> kafka, bootstrap_servers. False: no such form. */
static bool
parse_steps(variable_t *variable, const char *name)
{
    for (;;) {
        const char *separator = strstr(name, "__");
        size_t n = separator != NULL ? (size_t)(separator - name) : strlen(name);
        step_t *last = variable->n_steps > 0 ? &variable->steps[variable->n_steps - 1] : NULL;
        if (last != NULL && last->index < 0 && is_index(name, n)) {
            last->index = (int)strtol(name, NULL, 10);
        } else if (n == 0 || n >= STEP_BYTES || variable->n_steps == MAX_STEPS) {
            return false;
        } else {
            step_t *step = &variable->steps[variable->n_steps++];
            step->index = -1;
            for (size_t i = 0; i < n; i++) {
                step->name[i] = (char)tolower((unsigned char)name[i]);
            }
        }
        if (separator == NULL) {
            return true;
        }
        name = separator + 2;
    }
}

/* "sinks[].batch" for as many steps, or with the indexes themselves. */
static void
join_steps(const variable_t *variable, int n_steps, bool indexes,
           char ret_text[TG_CONFIG_PATH_BYTES])
{
    size_t n = 0;
    ret_text[0] = '\0';
    for (int i = 0; i < n_steps; i++) {
        const step_t *step = &variable->steps[i];
        char index[16] = "";
        if (step->index >= 0 && indexes) {
            (void)snprintf(index, sizeof index, "[%d]", step->index);
        } else if (step->index >= 0) {
            (void)snprintf(index, sizeof index, "[]");
        }
        int added = snprintf(ret_text + n, TG_CONFIG_PATH_BYTES - n, "%s%s%s", i > 0 ? "." : "",
                             step->name, index);
        if (added < 0 || (size_t)added >= TG_CONFIG_PATH_BYTES - n) {
            return;
        }
        n += (size_t)added;
    }
}

/* The key that a variable names: itself, a list by one of its elements, or the properties by one of
 * them. */
static const tg_config_key_t *
find_key(const variable_t *variable)
{
    char pattern[TG_CONFIG_PATH_BYTES];
    join_steps(variable, variable->n_steps, false, pattern);
    const tg_config_key_t *key = tg_config_keys_find(pattern);
    if (key != NULL) {
        return key->type == TG_CONFIG_PROPERTIES ? NULL : key;
    }
    size_t n = strlen(pattern);
    if (variable->steps[variable->n_steps - 1].index >= 0) {
        pattern[n - 2] = '\0';
        key = tg_config_keys_find(pattern);
        return key != NULL && key->type == TG_CONFIG_LIST ? key : NULL;
    }
    join_steps(variable, variable->n_steps - 1, false, pattern);
    key = tg_config_keys_find(pattern);
    return key != NULL && key->type == TG_CONFIG_PROPERTIES ? key : NULL;
}

/* sinks[].batch.max_rows -> SINKS__0__BATCH__MAX_ROWS, with the indexes that the variable has. */
static void
spell(const tg_config_key_t *key, const variable_t *variable, char ret_name[VARIABLE_BYTES])
{
    size_t n = 0;
    int step = 0;
    for (const char *at = key->path; *at != '\0' && n + 8 < VARIABLE_BYTES; at++) {
        if (*at == '.') {
            n += (size_t)snprintf(ret_name + n, VARIABLE_BYTES - n, "__");
            step++;
        } else if (*at == '[') {
            bool known = step < variable->n_steps && variable->steps[step].index >= 0;
            n += (size_t)snprintf(ret_name + n, VARIABLE_BYTES - n, "__%d",
                                  known ? variable->steps[step].index : 0);
            at++;
        } else {
            ret_name[n++] = (char)toupper((unsigned char)*at);
        }
    }
    ret_name[n] = '\0';
}

static void
add_unknown(const overlay_t *overlay, const variable_t *variable, const char *name)
{
    char best[VARIABLE_BYTES] = "";
    tg_config_nearest_t nearest;
    tg_config_nearest_init(&nearest, name + sizeof PREFIX - 1);
    for (size_t i = 0; i < tg_config_n_keys; i++) {
        char candidate[VARIABLE_BYTES];
        spell(&tg_config_keys[i], variable, candidate);
        size_t distance = nearest.distance;
        tg_config_nearest_offer(&nearest, candidate);
        if (nearest.distance < distance) {
            memcpy(best, candidate, sizeof best);
        }
    }
    tg_config_place_t place = variable->place;
    place.variable = NULL; /* it is the key already */
    if (best[0] != '\0') {
        tg_config_problems_add(overlay->problems, &place, name,
                               "unknown variable; did you mean %s%s?", PREFIX, best);
    } else {
        tg_config_problems_add(overlay->problems, &place, name,
                               "unknown variable; those that begin with %s name configuration "
                               "keys, such as TIDEGATE_KAFKA__BOOTSTRAP_SERVERS",
                               PREFIX);
    }
}

/* The setting of that name, made if need be. NULL: there is one of another type, which is reported
 * where it stands. */
static config_setting_t *
reach_member(const overlay_t *overlay, const variable_t *variable, config_setting_t *group,
             const char *name, int type)
{
    config_setting_t *member = config_setting_get_member(group, name);
    bool empty_array = member != NULL && type == CONFIG_TYPE_LIST &&
                       config_setting_is_array(member) && config_setting_length(member) == 0;
    if (member != NULL && (type == CONFIG_TYPE_STRING || empty_array)) {
        (void)config_setting_remove(group, name);
        member = NULL;
    }
    if (member == NULL) {
        member = config_setting_add(group, name, type);
        if (member == NULL) {
            tg_config_problems_add(overlay->problems, &variable->place, variable->path,
                                   "\"%s\" cannot be a name; it begins with a letter and has only "
                                   "letters, digits, _ and -",
                                   name);
            return NULL;
        }
        tg_config_tree_set_place(member, &variable->place);
    }
    bool list = type == CONFIG_TYPE_LIST && config_setting_is_array(member);
    return list || config_setting_type(member) == type ? member : NULL;
}

static config_setting_t *
reach_element(const overlay_t *overlay, const variable_t *variable, config_setting_t *list,
              int index, int type)
{
    int n = config_setting_length(list);
    if (index > n) {
        tg_config_problems_add(overlay->problems, &variable->place, variable->path,
                               "index %d leaves a gap; the next free one is %d", index, n);
        return NULL;
    }
    config_setting_t *element = NULL;
    if (index < n) {
        element = config_setting_get_elem(list, (unsigned)index);
    } else if (type == CONFIG_TYPE_STRING) {
        element = config_setting_set_string_elem(list, -1, "");
    } else if (config_setting_is_list(list)) {
        element = config_setting_add(list, NULL, type);
    }
    if (element == NULL || config_setting_type(element) != type) {
        return NULL;
    }
    if (index == n || type == CONFIG_TYPE_STRING) {
        tg_config_tree_set_place(element, &variable->place);
    }
    return element;
}

static void
set_value(const overlay_t *overlay, const variable_t *variable)
{
    config_setting_t *setting = tg_config_tree_root(overlay->tree);
    for (int i = 0; i < variable->n_steps && setting != NULL; i++) {
        const step_t *step = &variable->steps[i];
        bool last = i + 1 == variable->n_steps;
        int type = last ? CONFIG_TYPE_STRING : CONFIG_TYPE_GROUP;
        if (step->index < 0) {
            setting = reach_member(overlay, variable, setting, step->name, type);
            continue;
        }
        setting = reach_member(overlay, variable, setting, step->name, CONFIG_TYPE_LIST);
        if (setting != NULL) {
            setting = reach_element(overlay, variable, setting, step->index, type);
        }
    }
    if (setting != NULL) {
        (void)config_setting_set_string(setting, variable->value);
    }
}

/* entry: "TIDEGATE_X=value" */
static tg_status_t
apply_one(const overlay_t *overlay, const char *entry)
{
    const char *equals = strchr(entry, '=');
    char *name = tg_arena_strndup(overlay->tree->arena, entry, (size_t)(equals - entry));
    variable_t *variable = tg_arena_calloc(overlay->tree->arena, 1, sizeof *variable);
    if (name == NULL || variable == NULL) {
        return TG_ERR_NO_MEMORY;
    }
    variable->place = (tg_config_place_t){
        .file = "environment", .variable = name, .order = TG_CONFIG_ORDER_ENVIRONMENT};
    variable->value = equals + 1;
    if (parse_steps(variable, name + sizeof PREFIX - 1)) {
        variable->key = find_key(variable);
    }
    if (variable->key == NULL) {
        add_unknown(overlay, variable, name);
        return TG_OK;
    }
    join_steps(variable, variable->n_steps, true, variable->path);
    set_value(overlay, variable);
    return TG_OK;
}

static bool
ends_with(const char *text, size_t n_bytes, const char *end)
{
    size_t n_end = strlen(end);
    return n_bytes >= n_end && memcmp(text + n_bytes - n_end, end, n_end) == 0;
}

/* Kubernetes sets such variables for every service of the namespace, also for one named tidegate or
 * tidegate-metrics: TIDEGATE_SERVICE_HOST, TIDEGATE_SERVICE_PORT_HTTP, TIDEGATE_PORT=tcp://...,
 * TIDEGATE_PORT_8083_TCP_ADDR. */
static bool
is_service_link(const char *name, size_t n_name, const char *value)
{
    static const char PORT[] = "_PORT_";
    if (memmem(name, n_name, "__", 2) != NULL) {
        return false;
    }
    const char *port = memmem(name, n_name, PORT, sizeof PORT - 1);
    return ends_with(name, n_name, "_SERVICE_HOST") ||
           memmem(name, n_name, "_SERVICE_PORT", 13) != NULL ||
           (ends_with(name, n_name, "_PORT") && strstr(value, "://") != NULL) ||
           (port != NULL && isdigit((unsigned char)port[sizeof PORT - 1]));
}

static bool
is_ours(const char *entry)
{
    const char *equals = strchr(entry, '=');
    return equals != NULL && strncmp(entry, PREFIX, sizeof PREFIX - 1) == 0 &&
           strncmp(entry, "TIDEGATE_FAULT=", 15) != 0 &&
           strncmp(entry, "TIDEGATE_CONFIG=", 16) != 0 &&
           strncmp(entry, "TIDEGATE_CACHE=", 15) != 0 &&
           strncmp(entry, "TIDEGATE_TEST_", 14) != 0 &&
           !is_service_link(entry, (size_t)(equals - entry), equals + 1);
}

/* __2__ before __10__, so that elements can be added in turn whatever the order of environ. */
static int
compare(const void *a, const void *b)
{
    const char *const *one = a;
    const char *const *other = b;
    return strverscmp(*one, *other);
}

tg_status_t
tg_config_environment_apply(tg_config_tree_t *tree, char *const *environment,
                            tg_config_problems_t *problems)
{
    size_t n = 0;
    while (environment != NULL && environment[n] != NULL) {
        n++;
    }
    const char **ours = tg_arena_calloc(tree->arena, n + 1, sizeof *ours);
    if (ours == NULL) {
        return TG_ERR_NO_MEMORY;
    }
    size_t n_ours = 0;
    for (size_t i = 0; i < n; i++) {
        if (is_ours(environment[i])) {
            ours[n_ours++] = environment[i];
        }
    }
    qsort(ours, n_ours, sizeof *ours, compare);
    overlay_t overlay = {.tree = tree, .problems = problems};
    for (size_t i = 0; i < n_ours; i++) {
        TG_TRY(apply_one(&overlay, ours[i]));
    }
    return TG_OK;
}
