#include <inttypes.h>

#include "config_print_internal.h"
#include "config_secret_internal.h"
#include "config_units_internal.h"

/* What expansion lets in, and room for masks. */
enum { MAX_STRING_BYTES = 256 * 1024 };

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

static void
write_string(const tg_config_key_t *key, const char *property, const char *value,
             tg_config_show_t show, tg_config_writer_t *writer)
{
    if (show == TG_CONFIG_SHOW_ALL) {
        tg_config_writer_quoted(writer, tg_bytes_of_text(value));
        return;
    }
    tg_buffer_t masked;
    tg_buffer_init(&masked, MAX_STRING_BYTES);
    tg_config_writer_t inner = {.out = &masked};
    tg_config_secret_write(key, property, value, &inner);
    if (inner.status == TG_OK) {
        tg_config_writer_quoted(writer, tg_buffer_view(&masked));
    } else if (writer->status == TG_OK) {
        writer->status = inner.status;
    }
    tg_buffer_done(&masked);
}

static void
write_list(const tg_config_key_t *key, const void *owner, tg_config_show_t show,
           tg_config_writer_t *writer)
{
    tg_config_list_t list = list_of(key, owner);
    tg_config_writer_text(writer, "[ ");
    for (size_t i = 0; i < list.n_items; i++) {
        tg_config_writer_text(writer, i > 0 ? ", " : "");
        write_string(key, NULL, list.items[i], show, writer);
    }
    tg_config_writer_text(writer, list.n_items > 0 ? " ]" : "]");
}

static void
write_choice(const tg_config_key_t *key, const void *owner, tg_config_writer_t *writer)
{
    int value = 0;
    memcpy(&value, field(key, owner), sizeof value);
    for (size_t i = 0; i < TG_CONFIG_MAX_CHOICES && key->choices[i].text != NULL; i++) {
        if (key->choices[i].value == value) {
            tg_config_writer_quoted(writer, tg_bytes_of_text(key->choices[i].text));
            return;
        }
    }
    writer->status = TG_ERR_INTERNAL;
}

static void
write_number(const tg_config_key_t *key, const void *owner, tg_config_writer_t *writer)
{
    int64_t value = 0;
    memcpy(&value, field(key, owner), sizeof value);
    if (key->type != TG_CONFIG_SIZE) {
        tg_config_writer_format(writer, "%" PRId64, value);
        return;
    }
    char text[TG_CONFIG_NUMBER_BYTES];
    tg_config_units_print(key->type, value, text);
    tg_config_writer_quoted(writer, tg_bytes_of_text(text));
}

static void
write_property(const tg_config_key_t *key, const tg_config_pair_t *pair, tg_config_show_t show,
               tg_config_writer_t *writer)
{
    for (const char *at = pair->name; *at != '\0'; at++) {
        tg_config_writer_bytes(writer, *at == '.' ? "_" : at, 1);
    }
    tg_config_writer_text(writer, " = ");
    write_string(key, pair->name, pair->value, show, writer);
    tg_config_writer_text(writer, "; ");
}

/* The only key of this type is the root's. */
static void
write_properties(const tg_config_key_t *key, const tg_config_t *config, tg_config_show_t show,
                 tg_config_writer_t *writer)
{
    tg_config_writer_text(writer, "{ ");
    for (size_t i = 0; i < config->kafka.n_properties; i++) {
        write_property(key, &config->kafka.properties[i], show, writer);
    }
    tg_config_writer_text(writer, "}");
}

static void
write_bool(const tg_config_key_t *key, const void *owner, tg_config_writer_t *writer)
{
    bool yes = false;
    memcpy(&yes, field(key, owner), sizeof yes);
    tg_config_writer_text(writer, yes ? "true" : "false");
}

void
tg_config_print_value(const tg_config_key_t *key, const void *owner, tg_config_show_t show,
                      tg_config_writer_t *writer)
{
    switch (key->type) {
    case TG_CONFIG_STRING:
        write_string(key, NULL, string_of(key, owner), show, writer);
        break;
    case TG_CONFIG_LIST:
    case TG_CONFIG_LIST_OF_1:
        write_list(key, owner, show, writer);
        break;
    case TG_CONFIG_ENUM:
        write_choice(key, owner, writer);
        break;
    case TG_CONFIG_INT:
    case TG_CONFIG_SIZE:
    case TG_CONFIG_DURATION:
        write_number(key, owner, writer);
        break;
    case TG_CONFIG_BOOL:
        write_bool(key, owner, writer);
        break;
    case TG_CONFIG_PROPERTIES:
        write_properties(key, owner, show, writer);
        break;
    }
}
