#include "config_print_internal.h"

/* The text so far, and the group that is open in it. */
typedef struct dump {
    tg_buffer_t *out;
    int indent;
    const char *group; /* NULL: none */
    size_t n_group;
} dump_t;

static tg_status_t
begin_line(const dump_t *dump)
{
    int indent = dump->indent + (dump->group != NULL ? 1 : 0);
    return tg_buffer_append_format(dump->out, "%*s", indent * 2, "");
}

static tg_status_t
close_group(dump_t *dump)
{
    if (dump->group == NULL) {
        return TG_OK;
    }
    dump->group = NULL;
    TG_TRY(begin_line(dump));
    return tg_buffer_append_text(dump->out, "};\n");
}

/* Opens the group of "batch.max_rows", unless it is open. */
static tg_status_t
enter_group(dump_t *dump, const char *name)
{
    const char *dot = strchr(name, '.');
    size_t n_group = dot != NULL ? (size_t)(dot - name) : 0;
    if (dump->group != NULL && dump->n_group == n_group &&
        memcmp(dump->group, name, n_group) == 0) {
        return TG_OK;
    }
    TG_TRY(close_group(dump));
    if (n_group == 0) {
        return TG_OK;
    }
    TG_TRY(begin_line(dump));
    TG_TRY(tg_buffer_append(dump->out, name, n_group));
    TG_TRY(tg_buffer_append_text(dump->out, ": {\n"));
    dump->group = name;
    dump->n_group = n_group;
    return TG_OK;
}

static tg_status_t
dump_owner(dump_t *dump, tg_config_owner_t owner, const void *values)
{
    for (size_t i = 0; i < TG_CONFIG_N_KEYS; i++) {
        const tg_config_key_t *key = &TG_CONFIG_KEYS[i];
        if (key->owner != owner || !tg_config_print_has_value(key, values)) {
            continue;
        }
        TG_TRY(enter_group(dump, tg_config_key_name(key)));
        TG_TRY(begin_line(dump));
        TG_TRY(tg_buffer_append_format(dump->out, "%s%s", tg_config_key_leaf(key),
                                       key->type == TG_CONFIG_PROPERTIES ? ": " : " = "));
        TG_TRY(tg_config_print_value(key, values, TG_CONFIG_SHOW_MASKED, dump->out));
        TG_TRY(tg_buffer_append_text(dump->out, ";\n"));
    }
    return close_group(dump);
}

static tg_status_t
dump_routes(dump_t *dump, const tg_sink_config_t *sink)
{
    TG_TRY(tg_buffer_append_text(dump->out, "    routes = (\n"));
    for (size_t i = 0; i < sink->n_routes; i++) {
        TG_TRY(tg_buffer_append_text(dump->out, "      {\n"));
        dump->indent = 4;
        TG_TRY(dump_owner(dump, TG_CONFIG_OF_ROUTE, &sink->routes[i]));
        TG_TRY(
            tg_buffer_append_text(dump->out, i + 1 < sink->n_routes ? "      },\n" : "      }\n"));
    }
    return tg_buffer_append_text(dump->out, "    );\n");
}

tg_status_t
tg_config_dump(const tg_config_t *config, tg_buffer_t *out)
{
    dump_t dump = {.out = out};
    TG_TRY(dump_owner(&dump, TG_CONFIG_OF_ROOT, config));
    TG_TRY(tg_buffer_append_text(out, "sinks = (\n"));
    for (size_t i = 0; i < config->n_sinks; i++) {
        TG_TRY(tg_buffer_append_text(out, "  {\n"));
        dump.indent = 2;
        TG_TRY(dump_owner(&dump, TG_CONFIG_OF_SINK, &config->sinks[i]));
        TG_TRY(dump_routes(&dump, &config->sinks[i]));
        TG_TRY(tg_buffer_append_text(out, i + 1 < config->n_sinks ? "  },\n" : "  }\n"));
    }
    return tg_buffer_append_text(out, ");\n");
}
