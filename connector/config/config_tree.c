#include <assert.h>
#include <stdio.h>

#include "config_names_internal.h"
#include "config_syntax_internal.h"
#include "config_tree_internal.h"

enum { MAX_SIBLINGS = 64, NAME_BYTES = 64, HINT_BYTES = 600 };

typedef struct walk {
    const tg_config_tree_t *tree;
    tg_config_problems_t *problems;
} walk_t;

/* Gives each setting the line that the outline has for it; both are in the order of the text. */
static tg_status_t
place_all(tg_config_tree_t *tree, config_setting_t *setting, const tg_config_outline_t *outline,
          size_t *next)
{
    for (int i = 0; i < config_setting_length(setting); i++) {
        config_setting_t *child = config_setting_get_elem(setting, (unsigned)i);
        int line = *next < outline->n_lines ? outline->lines[*next]
                                            : (int)config_setting_source_line(child);
        (*next)++;
        tg_config_place_t *place = tg_arena_alloc(tree->arena, sizeof *place);
        if (place == NULL) {
            return TG_ERR_NO_MEMORY;
        }
        *place = tg_config_source_place(tree->source, line);
        tg_config_tree_set_place(child, place);
        TG_TRY(place_all(tree, child, outline, next));
    }
    return TG_OK;
}

/* The text with an L behind the integers that libconfig would cut. NULL: no memory. */
static const char *
widen(const tg_config_tree_t *tree, const tg_config_outline_t *outline)
{
    const char *text = (const char *)tree->source->text.data;
    if (outline->n_wide == 0) {
        return text;
    }
    char *widened = tg_arena_alloc(tree->arena, tree->source->text.n_bytes + outline->n_wide + 1);
    size_t n = 0;
    for (size_t i = 0; widened != NULL && i < outline->n_wide; i++) {
        size_t n_before = (size_t)(outline->wide[i] - text);
        memcpy(widened + n, text, n_before);
        n += n_before;
        widened[n++] = 'L';
        text = outline->wide[i];
    }
    if (widened != NULL) {
        memcpy(widened + n, text, strlen(text) + 1);
    }
    return widened;
}

tg_status_t
tg_config_tree_parse(tg_config_tree_t *tree, const tg_config_source_t *source, tg_arena_t *arena,
                     tg_config_problems_t *problems)
{
    *tree = (tg_config_tree_t){
        .source = source, .arena = arena, .nowhere = tg_config_source_nowhere(source)};
    config_init(&tree->libconfig);
    tg_config_outline_t outline = {0};
    TG_TRY(tg_config_syntax_outline(source, arena, problems, &outline));
    const char *text = widen(tree, &outline);
    if (text == NULL) {
        return TG_ERR_NO_MEMORY;
    }
    if (config_read_string(&tree->libconfig, text) != CONFIG_TRUE) {
        TG_TRY(tg_config_syntax_explain(source, arena, config_error_text(&tree->libconfig),
                                        config_error_line(&tree->libconfig), problems));
        return TG_ERR_CONFIG;
    }
    size_t next = 0;
    TG_TRY(place_all(tree, tg_config_tree_root(tree), &outline, &next));
    assert(next == outline.n_lines); /* the outline knows libconfig's grammar */
    return TG_OK;
}

void
tg_config_tree_done(tg_config_tree_t *tree)
{
    config_destroy(&tree->libconfig);
}

config_setting_t *
tg_config_tree_root(const tg_config_tree_t *tree)
{
    return config_root_setting(&tree->libconfig);
}

const tg_config_place_t *
tg_config_tree_place(const tg_config_tree_t *tree, const config_setting_t *setting)
{
    const tg_config_place_t *place = setting != NULL ? config_setting_get_hook(setting) : NULL;
    return place != NULL ? place : &tree->nowhere;
}

void
tg_config_tree_set_place(config_setting_t *setting, const tg_config_place_t *place)
{
    union {
        const tg_config_place_t *shown;
        void *hook;
    } hook = {place};

    config_setting_set_hook(setting, hook.hook);
}

config_setting_t *
tg_config_tree_find(config_setting_t *group, const char *name, config_setting_t **ret_deepest)
{
    while (group != NULL && config_setting_is_group(group)) {
        if (ret_deepest != NULL) {
            *ret_deepest = group;
        }
        const char *dot = strchr(name, '.');
        if (dot == NULL) {
            return config_setting_get_member(group, name);
        }
        char outer[NAME_BYTES];
        (void)snprintf(outer, sizeof outer, "%.*s", (int)(dot - name), name);
        group = config_setting_get_member(group, outer);
        name = dot + 1;
    }
    return NULL;
}

int
tg_config_tree_length(const config_setting_t *setting)
{
    bool list = config_setting_is_list(setting) || config_setting_is_array(setting);
    return list ? config_setting_length(setting) : 0;
}

const char *
tg_config_tree_type(const config_setting_t *setting)
{
    switch (config_setting_type(setting)) {
    case CONFIG_TYPE_GROUP:
        return "a group";
    case CONFIG_TYPE_INT:
    case CONFIG_TYPE_INT64:
        return "an integer";
    case CONFIG_TYPE_FLOAT:
        return "a decimal number";
    case CONFIG_TYPE_STRING:
        return "a string";
    case CONFIG_TYPE_BOOL:
        return "true or false";
    default:
        return "a list";
    }
}

void
tg_config_tree_describe(const config_setting_t *setting, bool show,
                        char ret_text[TG_CONFIG_FOUND_BYTES])
{
    const char *text = config_setting_get_string(setting);
    switch (show ? config_setting_type(setting) : CONFIG_TYPE_NONE) {
    case CONFIG_TYPE_INT:
    case CONFIG_TYPE_INT64:
        (void)snprintf(ret_text, TG_CONFIG_FOUND_BYTES, "the integer %lld",
                       config_setting_get_int64(setting));
        break;
    case CONFIG_TYPE_FLOAT:
        (void)snprintf(ret_text, TG_CONFIG_FOUND_BYTES, "the decimal number %g",
                       config_setting_get_float(setting));
        break;
    case CONFIG_TYPE_BOOL:
        (void)snprintf(ret_text, TG_CONFIG_FOUND_BYTES, "%s",
                       config_setting_get_bool(setting) != 0 ? "true" : "false");
        break;
    case CONFIG_TYPE_STRING:
        (void)snprintf(ret_text, TG_CONFIG_FOUND_BYTES, "the string \"%.60s\"", text);
        break;
    default:
        (void)snprintf(ret_text, TG_CONFIG_FOUND_BYTES, "%s", tg_config_tree_type(setting));
        break;
    }
}

/* The names that may stand in a group, each once. */
static size_t
siblings(const char *pattern, char ret_names[MAX_SIBLINGS][NAME_BYTES])
{
    size_t n_pattern = strlen(pattern);
    size_t n_names = 0;
    for (size_t i = 0; i < tg_config_n_keys && n_names < MAX_SIBLINGS; i++) {
        const char *path = tg_config_keys[i].path;
        if (strncmp(path, pattern, n_pattern) != 0 || (n_pattern > 0 && path[n_pattern] != '.')) {
            continue;
        }
        const char *name = path + n_pattern + (n_pattern > 0 ? 1 : 0);
        (void)snprintf(ret_names[n_names], NAME_BYTES, "%.*s", (int)strcspn(name, ".["), name);
        /* Those of one group are together in the table. */
        if (n_names == 0 || strcmp(ret_names[n_names - 1], ret_names[n_names]) != 0) {
            n_names++;
        }
    }
    return n_names;
}

/* A key of that name in another group; NULL: there is none. */
static const tg_config_key_t *
key_elsewhere(const char *name)
{
    for (size_t i = 0; i < tg_config_n_keys; i++) {
        if (strcmp(tg_config_key_leaf(&tg_config_keys[i]), name) == 0) {
            return &tg_config_keys[i];
        }
    }
    return NULL;
}

static void
list_names(char names[MAX_SIBLINGS][NAME_BYTES], size_t n_names, char ret_text[HINT_BYTES])
{
    size_t n = 0;
    ret_text[0] = '\0';
    for (size_t i = 0; i < n_names; i++) {
        const char *comma = i == 0 ? "" : i + 1 < n_names ? ", " : " and ";
        int added = snprintf(ret_text + n, HINT_BYTES - n, "%s%s", comma, names[i]);
        if (added < 0 || (size_t)added >= HINT_BYTES - n) {
            return;
        }
        n += (size_t)added;
    }
}

static void
add_unknown(const walk_t *walk, const config_setting_t *setting, const char *group,
            const char *path)
{
    const tg_config_place_t *place = tg_config_tree_place(walk->tree, setting);
    const char *name = config_setting_name(setting);
    char names[MAX_SIBLINGS][NAME_BYTES];
    size_t n_names = siblings(group, names);
    tg_config_nearest_t nearest;
    tg_config_nearest_init(&nearest, name);
    for (size_t i = 0; i < n_names; i++) {
        tg_config_nearest_offer(&nearest, names[i]);
    }
    const tg_config_key_t *elsewhere = key_elsewhere(name);
    if (nearest.nearest != NULL) {
        tg_config_problems_add(walk->problems, place, path, "unknown key; did you mean \"%s\"?",
                               nearest.nearest);
    } else if (elsewhere != NULL) {
        tg_config_problems_add(walk->problems, place, path, "unknown key here; did you mean %s?",
                               elsewhere->path);
    } else {
        char known[HINT_BYTES];
        list_names(names, n_names, known);
        tg_config_problems_add(walk->problems, place, path, "unknown key; known here are %s",
                               known);
    }
}

static void check_group(const walk_t *walk, config_setting_t *group, const char *pattern,
                        const char *path);

static void
check_groups(const walk_t *walk, config_setting_t *list, const char *pattern, const char *path)
{
    const char *name = config_setting_name(list);
    bool empty_array = config_setting_is_array(list) && config_setting_length(list) == 0;
    if (!config_setting_is_list(list) && !empty_array) {
        tg_config_problems_add(walk->problems, tg_config_tree_place(walk->tree, list), path,
                               "expected a list of groups, found %s; write %s = ( { ... } );",
                               tg_config_tree_type(list), name);
        return;
    }
    char element_pattern[TG_CONFIG_PATH_BYTES];
    (void)snprintf(element_pattern, sizeof element_pattern, "%s[]", pattern);
    for (int i = 0; i < config_setting_length(list); i++) {
        config_setting_t *element = config_setting_get_elem(list, (unsigned)i);
        char element_path[TG_CONFIG_PATH_BYTES];
        (void)snprintf(element_path, sizeof element_path, "%s[%d]", path, i);
        if (config_setting_is_group(element)) {
            check_group(walk, element, element_pattern, element_path);
        } else {
            tg_config_problems_add(walk->problems, tg_config_tree_place(walk->tree, element),
                                   element_path,
                                   "expected a group, found %s; write %s = ( { ... } );",
                                   tg_config_tree_type(element), name);
        }
    }
}

static void
check_member(const walk_t *walk, config_setting_t *member, const char *group, const char *pattern,
             const char *path)
{
    tg_config_container_t container = tg_config_keys_container(pattern);
    if (container == TG_CONFIG_GROUPS) {
        check_groups(walk, member, pattern, path);
    } else if (container == TG_CONFIG_GROUP && config_setting_is_group(member)) {
        check_group(walk, member, pattern, path);
    } else if (container == TG_CONFIG_GROUP) {
        tg_config_problems_add(walk->problems, tg_config_tree_place(walk->tree, member), path,
                               "expected a group, found %s; write %s: { ... };",
                               tg_config_tree_type(member), config_setting_name(member));
    } else if (tg_config_keys_find(pattern) == NULL) {
        add_unknown(walk, member, group, path);
    }
}

static void
check_group(const walk_t *walk, config_setting_t *group, const char *pattern, const char *path)
{
    const char *dot = pattern[0] != '\0' ? "." : "";
    for (int i = 0; i < config_setting_length(group); i++) {
        config_setting_t *member = config_setting_get_elem(group, (unsigned)i);
        const char *name = config_setting_name(member);
        char member_pattern[TG_CONFIG_PATH_BYTES];
        char member_path[TG_CONFIG_PATH_BYTES];
        (void)snprintf(member_pattern, sizeof member_pattern, "%s%s%s", pattern, dot, name);
        (void)snprintf(member_path, sizeof member_path, "%s%s%s", path, dot, name);
        check_member(walk, member, pattern, member_pattern, member_path);
    }
}

void
tg_config_tree_check(const tg_config_tree_t *tree, tg_config_problems_t *problems)
{
    walk_t walk = {.tree = tree, .problems = problems};
    check_group(&walk, tg_config_tree_root(tree), "", "");
}
