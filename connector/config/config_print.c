#include <inttypes.h>

#include "config_print_internal.h"
#include "config_secret_internal.h"
#include "config_units_internal.h"

static const void *
field(const tg_config_key_t *key, const void *owner)
{
    return (const char *)owner + key->offset;
}

static const char *
string_of(const tg_config_key_t *key, const void *owner)
{
    const char *text = NULL;
    memcpy(&text, field(key, owner), sizeof text);
    return text;
}

static tg_config_list_t
list_of(const tg_config_key_t *key, const void *owner)
{
    tg_config_list_t list;
    memcpy(&list, field(key, owner), sizeof list);
    return list;
}

bool
tg_config_print_has_value(const tg_config_key_t *key, const void *owner)
{
    switch (key->type) {
    case TG_CONFIG_STRING:
        return string_of(key, owner) != NULL;
    case TG_CONFIG_LIST:
        return list_of(key, owner).n_items > 0;
    case TG_CONFIG_LIST_OF_1:
        return false; /* its list is printed under the other key */
    case TG_CONFIG_INT:
    case TG_CONFIG_BOOL:
    case TG_CONFIG_SIZE:
    case TG_CONFIG_DURATION:
    case TG_CONFIG_ENUM:
    case TG_CONFIG_PROPERTIES:
        break;
    }
    return true;
}

/* In quotes, with libconfig's escapes; control characters as \xHH. */
static tg_status_t
append_quoted(tg_bytes_t text, tg_buffer_t *out)
{
    TG_TRY(tg_buffer_append(out, "\"", 1));
    for (size_t i = 0; i < text.n_bytes; i++) {
        char c = (char)text.data[i];
        if (c == '"' || c == '\\') {
            TG_TRY(tg_buffer_append_format(out, "\\%c", c));
        } else if (c == '\n') {
            TG_TRY(tg_buffer_append_text(out, "\\n"));
        } else if (text.data[i] < 0x20 || c == 0x7F) {
            TG_TRY(tg_buffer_append_format(out, "\\x%02X", (unsigned)text.data[i]));
        } else {
            TG_TRY(tg_buffer_append(out, &c, 1));
        }
    }
    return tg_buffer_append(out, "\"", 1);
}

static tg_status_t
append_string(const tg_config_key_t *key, const char *property, const char *value,
              tg_config_show_t show, tg_buffer_t *out)
{
    if (show == TG_CONFIG_SHOW_ALL) {
        return append_quoted(tg_bytes_of_text(value), out);
    }
    tg_buffer_t masked;
    tg_buffer_init(&masked, SIZE_MAX);
    tg_status_t status = tg_config_secret_append(key, property, value, &masked);
    if (status == TG_OK) {
        status = append_quoted(tg_buffer_view(&masked), out);
    }
    tg_buffer_done(&masked);
    return status;
}

static tg_status_t
append_list(const tg_config_key_t *key, const void *owner, tg_config_show_t show, tg_buffer_t *out)
{
    tg_config_list_t list = list_of(key, owner);
    TG_TRY(tg_buffer_append_text(out, "[ "));
    for (size_t i = 0; i < list.n_items; i++) {
        TG_TRY(tg_buffer_append_text(out, i > 0 ? ", " : ""));
        TG_TRY(append_string(key, NULL, list.items[i], show, out));
    }
    return tg_buffer_append_text(out, list.n_items > 0 ? " ]" : "]");
}

static tg_status_t
append_choice(const tg_config_key_t *key, const void *owner, tg_buffer_t *out)
{
    int value = 0;
    memcpy(&value, field(key, owner), sizeof value);
    for (size_t i = 0; i < TG_CONFIG_MAX_CHOICES && key->choices[i].text != NULL; i++) {
        if (key->choices[i].value == value) {
            return append_quoted(tg_bytes_of_text(key->choices[i].text), out);
        }
    }
    return TG_ERR_INTERNAL;
}

static tg_status_t
append_number(const tg_config_key_t *key, const void *owner, tg_buffer_t *out)
{
    int64_t value = 0;
    memcpy(&value, field(key, owner), sizeof value);
    if (key->type != TG_CONFIG_SIZE) {
        return tg_buffer_append_format(out, "%" PRId64, value);
    }
    char text[TG_CONFIG_NUMBER_BYTES];
    tg_config_units_print(key->type, value, text);
    return append_quoted(tg_bytes_of_text(text), out);
}

tg_status_t
tg_config_print_property(const tg_config_key_t *key, const tg_config_pair_t *pair,
                         tg_config_show_t show, tg_buffer_t *out)
{
    for (const char *at = pair->name; *at != '\0'; at++) {
        TG_TRY(tg_buffer_append(out, *at == '.' ? "_" : at, 1));
    }
    TG_TRY(tg_buffer_append_text(out, " = "));
    TG_TRY(append_string(key, pair->name, pair->value, show, out));
    return tg_buffer_append_text(out, ";");
}

/* The only key of this type is the root's. */
static tg_status_t
append_properties(const tg_config_key_t *key, const tg_config_t *config, tg_config_show_t show,
                  tg_buffer_t *out)
{
    TG_TRY(tg_buffer_append_text(out, "{ "));
    for (size_t i = 0; i < config->kafka.n_properties; i++) {
        TG_TRY(tg_config_print_property(key, &config->kafka.properties[i], show, out));
        TG_TRY(tg_buffer_append_text(out, " "));
    }
    return tg_buffer_append_text(out, "}");
}

tg_status_t
tg_config_print_value(const tg_config_key_t *key, const void *owner, tg_config_show_t show,
                      tg_buffer_t *out)
{
    switch (key->type) {
    case TG_CONFIG_STRING:
        return append_string(key, NULL, string_of(key, owner), show, out);
    case TG_CONFIG_LIST:
    case TG_CONFIG_LIST_OF_1:
        return append_list(key, owner, show, out);
    case TG_CONFIG_ENUM:
        return append_choice(key, owner, out);
    case TG_CONFIG_INT:
    case TG_CONFIG_SIZE:
    case TG_CONFIG_DURATION:
        return append_number(key, owner, out);
    case TG_CONFIG_PROPERTIES:
        return append_properties(key, owner, show, out);
    case TG_CONFIG_BOOL:
        break;
    }
    bool yes = false;
    memcpy(&yes, field(key, owner), sizeof yes);
    return tg_buffer_append_text(out, yes ? "true" : "false");
}
