#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <strings.h>

#include "config_expansion_internal.h"
#include "config_names_internal.h"
#include "config_secret_internal.h"
#include "config_units_internal.h"
#include "config_value_internal.h"

enum { MAX_ELEMENTS = 1000, SHOWN_BYTES = 80, HINT_BYTES = 256 };

/* A setting on its way to a value. */
typedef struct input {
    const tg_config_reader_t *reader;
    const tg_config_key_t *key;
    const char *path;
    const tg_config_place_t *place;
    bool secret;                 /* do not repeat it */
    char shown[SHOWN_BYTES + 8]; /* how a message names the value: in quotes, or "the value" */
    const char *text;            /* of a string, expanded; NULL: it is no string */
    bool from_outside;           /* environment or expansion: numbers come as text then */
} input_t;

static const char *
expected(const tg_config_key_t *key)
{
    static const char *const TYPES[] = {
        [TG_CONFIG_STRING] = "a string",
        [TG_CONFIG_INT] = "an integer",
        [TG_CONFIG_BOOL] = "true or false",
        [TG_CONFIG_SIZE] = "an integer (bytes) or a string such as \"8MiB\"",
        [TG_CONFIG_DURATION] = "an integer (milliseconds) or a string such as \"5s\"",
        [TG_CONFIG_ENUM] = "a string",
        [TG_CONFIG_LIST] = "a list of strings",
        [TG_CONFIG_LIST_OF_1] = "a string",
        [TG_CONFIG_PROPERTIES] = "a group",
    };
    return TYPES[key->type];
}

/* "an integer from 1 to 64" */
static void
describe_expected(const tg_config_key_t *key, char ret_text[HINT_BYTES])
{
    if (key->type == TG_CONFIG_INT) {
        (void)snprintf(ret_text, HINT_BYTES, "%s from %" PRId64 " to %" PRId64, expected(key),
                       key->min, key->max);
    } else {
        (void)snprintf(ret_text, HINT_BYTES, "%s", expected(key));
    }
}

static void
wrong_type(const input_t *input, const config_setting_t *setting)
{
    char wanted[HINT_BYTES];
    char found[TG_CONFIG_FOUND_BYTES];
    describe_expected(input->key, wanted);
    tg_config_tree_describe(setting, !input->secret && !input->from_outside, found);
    tg_config_problems_add(input->reader->problems, input->place, input->path,
                           "expected %s, found %s; write %s = %s;", wanted, found,
                           tg_config_key_leaf(input->key), input->key->example);
}

/* A string's text with everything filled in. TG_ERR_CONFIG: a problem was added. */
static tg_status_t
take_text(input_t *input, const char *raw)
{
    tg_error_t err;
    tg_config_expanded_t expanded;
    tg_status_t status = tg_config_expansion_apply(raw, input->reader->environment,
                                                   input->reader->arena, &expanded, &err);
    if (status == TG_ERR_CONFIG) {
        tg_config_problems_add(input->reader->problems, input->place, input->path, "%s", err.text);
    }
    if (status != TG_OK) {
        return status;
    }
    input->text = expanded.text;
    input->from_outside = expanded.changed || input->place->variable != NULL;
    if (expanded.changed || input->secret) {
        (void)snprintf(input->shown, sizeof input->shown, "the value");
    } else {
        (void)snprintf(input->shown, sizeof input->shown, "\"%.*s\"", SHOWN_BYTES, expanded.text);
    }
    return TG_OK;
}

static void
store_bytes(const input_t *input, void *owner, const void *value, size_t n_bytes)
{
    memcpy((char *)owner + input->key->offset, value, n_bytes);
}

static void
empty(const input_t *input)
{
    tg_config_problems_add(input->reader->problems, input->place, input->path,
                           "must not be empty; write %s = %s;", tg_config_key_leaf(input->key),
                           input->key->example);
}

static bool
length_is_right(const input_t *input)
{
    size_t n_bytes = strlen(input->text);
    if (n_bytes == 0 && input->key->min > 0) {
        empty(input);
        return false;
    }
    if (n_bytes > (size_t)input->key->max) {
        tg_config_problems_add(input->reader->problems, input->place, input->path,
                               "is %zu bytes long; at most %" PRId64 " are allowed", n_bytes,
                               input->key->max);
        return false;
    }
    return true;
}

static void
read_string(const input_t *input, void *owner)
{
    if (length_is_right(input)) {
        store_bytes(input, owner, &input->text, sizeof input->text);
    }
}

static tg_status_t
read_list_of_1(const input_t *input, void *owner)
{
    if (!length_is_right(input)) {
        return TG_OK;
    }
    const char **items = tg_arena_calloc(input->reader->arena, 1, sizeof *items);
    if (items == NULL) {
        return TG_ERR_NO_MEMORY;
    }
    items[0] = input->text;
    tg_config_list_t list = {.items = items, .n_items = 1};
    store_bytes(input, owner, &list, sizeof list);
    return TG_OK;
}

static void
read_number(const input_t *input, int64_t value, void *owner)
{
    const tg_config_key_t *key = input->key;
    if (value >= key->min && value <= key->max) {
        store_bytes(input, owner, &value, sizeof value);
        return;
    }
    char said[TG_CONFIG_NUMBER_BYTES];
    char min[TG_CONFIG_NUMBER_BYTES];
    char max[TG_CONFIG_NUMBER_BYTES];
    (void)snprintf(said, sizeof said, "%" PRId64, value);
    tg_config_units_print(key->type, key->min, min);
    tg_config_units_print(key->type, key->max, max);
    tg_config_problems_add(input->reader->problems, input->place, input->path,
                           "%s is out of range; allowed are %s to %s%s%s",
                           input->text == NULL ? said : input->shown, min, max,
                           key->unit != NULL ? " " : "", key->unit != NULL ? key->unit : "");
}

static void
read_number_text(const input_t *input, void *owner)
{
    const tg_config_key_t *key = input->key;
    int64_t value = 0;
    switch (tg_config_units_parse(key->type, input->text, &value)) {
    case TG_CONFIG_NUMBER_OK:
        read_number(input, value, owner);
        break;
    case TG_CONFIG_NUMBER_TOO_LARGE:
        read_number(input, input->text[0] == '-' ? INT64_MIN : INT64_MAX, owner);
        break;
    case TG_CONFIG_NUMBER_BAD_UNIT:
        tg_config_problems_add(input->reader->problems, input->place, input->path,
                               "%s has an unknown unit; use %s", input->shown,
                               tg_config_units_known(key->type));
        break;
    case TG_CONFIG_NUMBER_MALFORMED:
        tg_config_problems_add(input->reader->problems, input->place, input->path,
                               "%s is not a number%s; write %s = %s;", input->shown,
                               key->type == TG_CONFIG_INT ? "" : " with a unit",
                               tg_config_key_leaf(key), key->example);
        break;
    }
}

static void
read_bool_text(const input_t *input, void *owner)
{
    bool yes = strcasecmp(input->text, "true") == 0;
    if (yes || strcasecmp(input->text, "false") == 0) {
        store_bytes(input, owner, &yes, sizeof yes);
        return;
    }
    tg_config_problems_add(input->reader->problems, input->place, input->path,
                           "%s is neither true nor false", input->shown);
}

static void
list_choices(const tg_config_key_t *key, char ret_text[HINT_BYTES])
{
    size_t n = 0;
    ret_text[0] = '\0';
    for (size_t i = 0; i < TG_CONFIG_MAX_CHOICES && key->choices[i].text != NULL; i++) {
        bool last = i + 1 == TG_CONFIG_MAX_CHOICES || key->choices[i + 1].text == NULL;
        int added = snprintf(ret_text + n, HINT_BYTES - n, "%s\"%s\"",
                             i == 0 ? ""
                             : last ? " or "
                                    : ", ",
                             key->choices[i].text);
        if (added < 0 || (size_t)added >= HINT_BYTES - n) {
            return;
        }
        n += (size_t)added;
    }
}

static void
read_choice(const input_t *input, void *owner)
{
    const tg_config_key_t *key = input->key;
    tg_config_nearest_t nearest;
    tg_config_nearest_init(&nearest, input->text);
    for (size_t i = 0; i < TG_CONFIG_MAX_CHOICES && key->choices[i].text != NULL; i++) {
        if (strcmp(key->choices[i].text, input->text) == 0) {
            store_bytes(input, owner, &key->choices[i].value, sizeof key->choices[i].value);
            return;
        }
        tg_config_nearest_offer(&nearest, key->choices[i].text);
    }
    char choices[HINT_BYTES];
    list_choices(key, choices);
    bool guess = nearest.nearest != NULL && input->shown[0] == '"';
    tg_config_problems_add(input->reader->problems, input->place, input->path,
                           "%s is not available; use %s%s%s%s", input->shown, choices,
                           guess ? " (did you mean \"" : "", guess ? nearest.nearest : "",
                           guess ? "\"?)" : "");
}

static tg_status_t
read_text(const input_t *input, const config_setting_t *setting, void *owner)
{
    switch (input->key->type) {
    case TG_CONFIG_STRING:
        read_string(input, owner);
        return TG_OK;
    case TG_CONFIG_LIST_OF_1:
        return read_list_of_1(input, owner);
    case TG_CONFIG_ENUM:
        read_choice(input, owner);
        return TG_OK;
    case TG_CONFIG_SIZE:
    case TG_CONFIG_DURATION:
        read_number_text(input, owner);
        return TG_OK;
    case TG_CONFIG_INT:
    case TG_CONFIG_BOOL:
        if (!input->from_outside) {
            wrong_type(input, setting);
        } else if (input->key->type == TG_CONFIG_INT) {
            read_number_text(input, owner);
        } else {
            read_bool_text(input, owner);
        }
        return TG_OK;
    case TG_CONFIG_LIST:
    case TG_CONFIG_PROPERTIES:
        break;
    }
    wrong_type(input, setting);
    return TG_OK;
}

static tg_status_t
read_scalar(input_t *input, const config_setting_t *setting, void *owner)
{
    tg_config_type_t type = input->key->type;
    int found = config_setting_type(setting);
    if (found == CONFIG_TYPE_STRING) {
        tg_status_t status = take_text(input, config_setting_get_string(setting));
        if (status == TG_OK) {
            return read_text(input, setting, owner);
        }
        return status == TG_ERR_CONFIG ? TG_OK : status;
    }
    bool number = type == TG_CONFIG_INT || type == TG_CONFIG_SIZE || type == TG_CONFIG_DURATION;
    if (number && (found == CONFIG_TYPE_INT || found == CONFIG_TYPE_INT64)) {
        read_number(input, config_setting_get_int64(setting), owner);
    } else if (type == TG_CONFIG_BOOL && found == CONFIG_TYPE_BOOL) {
        bool yes = config_setting_get_bool(setting) != 0;
        store_bytes(input, owner, &yes, sizeof yes);
    } else {
        wrong_type(input, setting);
    }
    return TG_OK;
}

/* "a, b" from outside, where a list cannot be written otherwise. */
static tg_status_t
split_list(input_t *input, void *owner)
{
    const char **items = tg_arena_calloc(input->reader->arena, MAX_ELEMENTS, sizeof *items);
    size_t n_items = 0;
    const char *rest = input->text;
    while (items != NULL && *rest != '\0' && n_items < MAX_ELEMENTS) {
        size_t n = strcspn(rest, ",");
        const char *first = rest;
        size_t n_trimmed = n;
        while (n_trimmed > 0 && isspace((unsigned char)*first)) {
            first++;
            n_trimmed--;
        }
        while (n_trimmed > 0 && isspace((unsigned char)first[n_trimmed - 1])) {
            n_trimmed--;
        }
        items[n_items] = tg_arena_strndup(input->reader->arena, first, n_trimmed);
        if (items[n_items++] == NULL) {
            return TG_ERR_NO_MEMORY;
        }
        rest += rest[n] == ',' ? n + 1 : n;
    }
    tg_config_list_t list = {.items = items, .n_items = n_items};
    store_bytes(input, owner, &list, sizeof list);
    return items == NULL ? TG_ERR_NO_MEMORY : TG_OK;
}

/* *ret_text stays "" where a problem was added, so that the others keep their indexes. */
static tg_status_t
read_element(const input_t *list, const config_setting_t *element, int index, const char **ret_text)
{
    char path[TG_CONFIG_PATH_BYTES];
    (void)snprintf(path, sizeof path, "%s[%d]", list->path, index);
    input_t input = *list;
    input.path = path;
    input.place = tg_config_tree_place(list->reader->tree, element);
    if (config_setting_type(element) != CONFIG_TYPE_STRING) {
        char found[TG_CONFIG_FOUND_BYTES];
        tg_config_tree_describe(element, !input.secret, found);
        tg_config_problems_add(input.reader->problems, input.place, path,
                               "expected a string, found %s; write %s = %s;", found,
                               tg_config_key_leaf(input.key), input.key->example);
        return TG_OK;
    }
    tg_status_t status = take_text(&input, config_setting_get_string(element));
    if (status == TG_OK && length_is_right(&input)) {
        *ret_text = input.text;
    }
    return status == TG_ERR_CONFIG ? TG_OK : status;
}

static tg_status_t
read_elements(const input_t *input, const config_setting_t *setting, void *owner)
{
    int n = config_setting_length(setting);
    if (n > MAX_ELEMENTS) {
        tg_config_problems_add(input->reader->problems, input->place, input->path,
                               "has %d elements; at most %d are allowed", n, MAX_ELEMENTS);
        return TG_OK;
    }
    if (n == 0 && input->key->required) {
        empty(input);
        return TG_OK;
    }
    const char **items = tg_arena_calloc(input->reader->arena, (size_t)n + 1, sizeof *items);
    if (items == NULL) {
        return TG_ERR_NO_MEMORY;
    }
    for (int i = 0; i < n; i++) {
        items[i] = "";
        TG_TRY(read_element(input, config_setting_get_elem(setting, (unsigned)i), i, &items[i]));
    }
    tg_config_list_t list = {.items = items, .n_items = (size_t)n};
    store_bytes(input, owner, &list, sizeof list);
    return TG_OK;
}

static tg_status_t
read_list(input_t *input, const config_setting_t *setting, void *owner)
{
    if (config_setting_type(setting) == CONFIG_TYPE_STRING) {
        tg_status_t status = take_text(input, config_setting_get_string(setting));
        if (status != TG_OK) {
            return status == TG_ERR_CONFIG ? TG_OK : status;
        }
        if (input->from_outside && (input->text[0] != '\0' || !input->key->required)) {
            return split_list(input, owner);
        }
        if (input->from_outside) {
            empty(input);
            return TG_OK;
        }
    } else if (config_setting_is_list(setting) || config_setting_is_array(setting)) {
        return read_elements(input, setting, owner);
    }
    wrong_type(input, setting);
    return TG_OK;
}

/* security_protocol -> security.protocol. NULL: no memory. */
static const char *
dotted(tg_arena_t *arena, const char *name)
{
    char *copy = tg_arena_strdup(arena, name);
    for (char *at = copy; at != NULL && *at != '\0'; at++) {
        if (*at == '_') {
            *at = '.';
        }
    }
    return copy;
}

static tg_status_t
read_property(const input_t *group, const config_setting_t *setting, tg_config_pair_t *ret_pair)
{
    char path[TG_CONFIG_PATH_BYTES];
    (void)snprintf(path, sizeof path, "%s.%s", group->path, config_setting_name(setting));
    input_t input = *group;
    input.path = path;
    input.place = tg_config_tree_place(group->reader->tree, setting);
    const char *name = dotted(input.reader->arena, config_setting_name(setting));
    if (name == NULL) {
        return TG_ERR_NO_MEMORY;
    }
    input.secret = tg_config_secret_property(name);
    char number[TG_CONFIG_NUMBER_BYTES];
    const char *raw = number;
    switch (config_setting_type(setting)) {
    case CONFIG_TYPE_STRING:
        raw = config_setting_get_string(setting);
        break;
    case CONFIG_TYPE_INT:
    case CONFIG_TYPE_INT64:
        (void)snprintf(number, sizeof number, "%" PRId64,
                       (int64_t)config_setting_get_int64(setting));
        break;
    case CONFIG_TYPE_BOOL:
        raw = config_setting_get_bool(setting) != 0 ? "true" : "false";
        break;
    default:
        tg_config_problems_add(
            input.reader->problems, input.place, path,
            "expected a string, an integer, true or false, found %s; write %s = \"...\";",
            tg_config_tree_type(setting), config_setting_name(setting));
        return TG_OK;
    }
    tg_status_t status = take_text(&input, raw);
    if (status == TG_OK && length_is_right(&input)) {
        *ret_pair = (tg_config_pair_t){.name = name, .value = input.text};
    }
    return status == TG_ERR_CONFIG ? TG_OK : status;
}

/* The only key of this type is the root's. */
static tg_status_t
read_properties(const input_t *input, const config_setting_t *setting, tg_config_t *config)
{
    if (!config_setting_is_group(setting)) {
        wrong_type(input, setting);
        return TG_OK;
    }
    int n = config_setting_length(setting);
    tg_config_pair_t *pairs = tg_arena_calloc(input->reader->arena, (size_t)n + 1, sizeof *pairs);
    if (pairs == NULL) {
        return TG_ERR_NO_MEMORY;
    }
    size_t n_pairs = 0;
    for (int i = 0; i < n; i++) {
        TG_TRY(
            read_property(input, config_setting_get_elem(setting, (unsigned)i), &pairs[n_pairs]));
        n_pairs += pairs[n_pairs].name != NULL ? 1 : 0;
    }
    config->kafka.properties = pairs;
    config->kafka.n_properties = n_pairs;
    return TG_OK;
}

tg_status_t
tg_config_value_read(const tg_config_reader_t *reader, const tg_config_key_t *key, const char *path,
                     const config_setting_t *setting, void *owner)
{
    input_t input = {.reader = reader,
                     .key = key,
                     .path = path,
                     .place = tg_config_tree_place(reader->tree, setting),
                     .secret = key->secrecy != TG_CONFIG_PUBLIC};
    switch (key->type) {
    case TG_CONFIG_LIST:
        return read_list(&input, setting, owner);
    case TG_CONFIG_PROPERTIES:
        return read_properties(&input, setting, owner);
    case TG_CONFIG_STRING:
    case TG_CONFIG_INT:
    case TG_CONFIG_BOOL:
    case TG_CONFIG_SIZE:
    case TG_CONFIG_DURATION:
    case TG_CONFIG_ENUM:
    case TG_CONFIG_LIST_OF_1:
        break;
    }
    return read_scalar(&input, setting, owner);
}

tg_status_t
tg_config_value_default(const tg_config_reader_t *reader, const tg_config_key_t *key, void *owner)
{
    if (key->fallback == NULL) {
        return TG_OK;
    }
    input_t input = {.reader = reader,
                     .key = key,
                     .path = key->path,
                     .place = &reader->tree->nowhere,
                     .text = key->fallback,
                     .from_outside = true};
    return read_text(&input, NULL, owner);
}
