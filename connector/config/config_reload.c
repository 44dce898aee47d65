#include <stdio.h>

#include "config_print_internal.h"

enum { PREFIX_BYTES = 64, MAX_VALUE_BYTES = 16 * 1024 * 1024 };

typedef struct comparison {
    tg_config_writer_t writer;
    size_t n;
} comparison_t;

static void
print(const tg_config_key_t *key, const void *owner, tg_config_show_t show,
      tg_config_writer_t *writer)
{
    if (tg_config_print_has_value(key, owner)) {
        tg_config_print_value(key, owner, show, writer);
    } else {
        tg_config_writer_text(writer, "not set");
    }
}

/* By their whole text; two secrets that look alike when masked still differ. */
static bool
is_equal(comparison_t *comparison, const tg_config_key_t *key, const void *before,
         const void *after)
{
    tg_buffer_t texts[2];
    const void *owners[2] = {before, after};
    for (size_t i = 0; i < 2; i++) {
        tg_buffer_init(&texts[i], MAX_VALUE_BYTES);
        tg_config_writer_t writer = {.out = &texts[i]};
        print(key, owners[i], TG_CONFIG_SHOW_ALL, &writer);
        if (writer.status != TG_OK && comparison->writer.status == TG_OK) {
            comparison->writer.status = writer.status;
        }
    }
    bool equal = tg_bytes_equal(tg_buffer_view(&texts[0]), tg_buffer_view(&texts[1]));
    tg_buffer_done(&texts[0]);
    tg_buffer_done(&texts[1]);
    return equal;
}

static void
compare_owner(comparison_t *comparison, tg_config_owner_t owner, const char *prefix,
              const void *before, const void *after)
{
    tg_config_writer_t *writer = &comparison->writer;
    for (size_t i = 0; i < tg_config_n_keys; i++) {
        const tg_config_key_t *key = &tg_config_keys[i];
        /* The list of a LIST_OF_1 is compared under its other key. */
        bool skipped = key->owner != owner || key->reloadable || key->type == TG_CONFIG_LIST_OF_1;
        if (skipped || is_equal(comparison, key, before, after)) {
            continue;
        }
        comparison->n++;
        tg_config_writer_format(writer, "%s%s: changed from ", prefix, tg_config_key_name(key));
        print(key, before, TG_CONFIG_SHOW_MASKED, writer);
        tg_config_writer_text(writer, " to ");
        print(key, after, TG_CONFIG_SHOW_MASKED, writer);
        tg_config_writer_text(writer, "; needs a restart\n");
    }
}

static void
compare_sinks(comparison_t *comparison, size_t index, const tg_sink_config_t *before,
              const tg_sink_config_t *after)
{
    char prefix[PREFIX_BYTES];
    (void)snprintf(prefix, sizeof prefix, "sinks[%zu].", index);
    compare_owner(comparison, TG_CONFIG_OF_SINK, prefix, before, after);
    if (before->n_routes != after->n_routes) {
        comparison->n++;
        tg_config_writer_format(&comparison->writer,
                                "%sroutes: changed from %zu to %zu; needs a restart\n", prefix,
                                before->n_routes, after->n_routes);
        return;
    }
    for (size_t i = 0; i < before->n_routes; i++) {
        (void)snprintf(prefix, sizeof prefix, "sinks[%zu].routes[%zu].", index, i);
        compare_owner(comparison, TG_CONFIG_OF_ROUTE, prefix, &before->routes[i],
                      &after->routes[i]);
    }
}

/* NULL: there is none of that name. */
static const tg_sink_config_t *
find_sink(const tg_config_t *config, const char *name)
{
    for (size_t i = 0; i < config->n_sinks; i++) {
        if (strcmp(config->sinks[i].name, name) == 0) {
            return &config->sinks[i];
        }
    }
    return NULL;
}

static void
add_unpaired(comparison_t *comparison, size_t index, const char *name, const char *what)
{
    comparison->n++;
    tg_config_writer_format(&comparison->writer, "sinks[%zu]: \"%s\" %s; needs a restart\n", index,
                            name, what);
}

tg_status_t
tg_config_reload_check(const tg_config_t *before, const tg_config_t *after, tg_buffer_t *out,
                       size_t *ret_n)
{
    comparison_t comparison = {.writer = {.out = out}};
    compare_owner(&comparison, TG_CONFIG_OF_ROOT, "", before, after);
    for (size_t i = 0; i < before->n_sinks; i++) {
        const tg_sink_config_t *sink = &before->sinks[i];
        const tg_sink_config_t *other = find_sink(after, sink->name);
        if (other == NULL) {
            add_unpaired(&comparison, i, sink->name, "is gone");
        } else {
            compare_sinks(&comparison, i, sink, other);
        }
    }
    for (size_t i = 0; i < after->n_sinks; i++) {
        if (find_sink(before, after->sinks[i].name) == NULL) {
            add_unpaired(&comparison, i, after->sinks[i].name, "is new");
        }
    }
    if (comparison.writer.status == TG_OK) {
        *ret_n = comparison.n;
    }
    return comparison.writer.status;
}
