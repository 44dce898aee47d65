#include <stdio.h>

#include "config_print_internal.h"

enum { PREFIX_BYTES = 64 };

typedef struct comparison {
    tg_buffer_t *out;
    size_t n;
} comparison_t;

static tg_status_t
print(const tg_config_key_t *key, const void *owner, tg_config_show_t show, tg_buffer_t *out)
{
    return tg_config_print_has_value(key, owner) ? tg_config_print_value(key, owner, show, out)
                                                 : tg_buffer_append_text(out, "not set");
}

static tg_status_t
is_equal(const tg_config_key_t *key, const void *before, const void *after, bool *ret_equal)
{
    tg_buffer_t one;
    tg_buffer_t other;
    tg_buffer_init(&one, SIZE_MAX);
    tg_buffer_init(&other, SIZE_MAX);
    tg_status_t status = print(key, before, TG_CONFIG_SHOW_ALL, &one);
    if (status == TG_OK) {
        status = print(key, after, TG_CONFIG_SHOW_ALL, &other);
    }
    *ret_equal = status == TG_OK && tg_bytes_equal(tg_buffer_view(&one), tg_buffer_view(&other));
    tg_buffer_done(&one);
    tg_buffer_done(&other);
    return status;
}

/* Two secrets that look alike are still told to differ. */
static tg_status_t
append_change(comparison_t *comparison, const char *prefix, const tg_config_key_t *key,
              const void *before, const void *after)
{
    tg_buffer_t *out = comparison->out;
    comparison->n++;
    TG_TRY(tg_buffer_append_format(out, "%s%s: changed from ", prefix, tg_config_key_name(key)));
    TG_TRY(print(key, before, TG_CONFIG_SHOW_MASKED, out));
    TG_TRY(tg_buffer_append_text(out, " to "));
    TG_TRY(print(key, after, TG_CONFIG_SHOW_MASKED, out));
    return tg_buffer_append_text(out, "; needs a restart\n");
}

static tg_status_t
compare_owner(comparison_t *comparison, tg_config_owner_t owner, const char *prefix,
              const void *before, const void *after)
{
    for (size_t i = 0; i < TG_CONFIG_N_KEYS; i++) {
        const tg_config_key_t *key = &TG_CONFIG_KEYS[i];
        /* The list of a LIST_OF_1 is compared under its other key. */
        if (key->owner != owner || key->reloadable || key->type == TG_CONFIG_LIST_OF_1) {
            continue;
        }
        bool equal = false;
        TG_TRY(is_equal(key, before, after, &equal));
        if (!equal) {
            TG_TRY(append_change(comparison, prefix, key, before, after));
        }
    }
    return TG_OK;
}

static tg_status_t
compare_sinks(comparison_t *comparison, size_t index, const tg_sink_config_t *before,
              const tg_sink_config_t *after)
{
    char prefix[PREFIX_BYTES];
    (void)snprintf(prefix, sizeof prefix, "sinks[%zu].", index);
    TG_TRY(compare_owner(comparison, TG_CONFIG_OF_SINK, prefix, before, after));
    if (before->n_routes != after->n_routes) {
        comparison->n++;
        return tg_buffer_append_format(comparison->out,
                                       "%sroutes: changed from %zu to %zu; needs a restart\n",
                                       prefix, before->n_routes, after->n_routes);
    }
    for (size_t i = 0; i < before->n_routes; i++) {
        (void)snprintf(prefix, sizeof prefix, "sinks[%zu].routes[%zu].", index, i);
        TG_TRY(compare_owner(comparison, TG_CONFIG_OF_ROUTE, prefix, &before->routes[i],
                             &after->routes[i]));
    }
    return TG_OK;
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

static tg_status_t
append_missing(comparison_t *comparison, size_t index, const char *name, const char *what)
{
    comparison->n++;
    return tg_buffer_append_format(comparison->out, "sinks[%zu]: \"%s\" %s; needs a restart\n",
                                   index, name, what);
}

tg_status_t
tg_config_reload_check(const tg_config_t *before, const tg_config_t *after, tg_buffer_t *out,
                       size_t *ret_n)
{
    comparison_t comparison = {.out = out};
    TG_TRY(compare_owner(&comparison, TG_CONFIG_OF_ROOT, "", before, after));
    for (size_t i = 0; i < before->n_sinks; i++) {
        const tg_sink_config_t *sink = &before->sinks[i];
        const tg_sink_config_t *other = find_sink(after, sink->name);
        if (other == NULL) {
            TG_TRY(append_missing(&comparison, i, sink->name, "is gone"));
        } else {
            TG_TRY(compare_sinks(&comparison, i, sink, other));
        }
    }
    for (size_t i = 0; i < after->n_sinks; i++) {
        if (find_sink(before, after->sinks[i].name) == NULL) {
            TG_TRY(append_missing(&comparison, i, after->sinks[i].name, "is new"));
        }
    }
    *ret_n = comparison.n;
    return TG_OK;
}
