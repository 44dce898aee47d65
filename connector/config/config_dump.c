#include "config_print_internal.h"

/* The text so far, and the group that is open in it. */
typedef struct dump {
    tg_config_writer_t writer;
    int indent;
    const char *group; /* NULL: none */
    size_t n_group;
} dump_t;

static void
begin_line(dump_t *dump)
{
    int indent = dump->indent + (dump->group != NULL ? 1 : 0);
    tg_config_writer_format(&dump->writer, "%*s", indent * 2, "");
}

static void
close_group(dump_t *dump)
{
    if (dump->group != NULL) {
        dump->group = NULL;
        begin_line(dump);
        tg_config_writer_text(&dump->writer, "};\n");
    }
}

/* Opens the group of "batch.max_rows", unless it is open. */
static void
enter_group(dump_t *dump, const char *name)
{
    const char *dot = strchr(name, '.');
    size_t n_group = dot != NULL ? (size_t)(dot - name) : 0;
    if (dump->group != NULL && dump->n_group == n_group &&
        memcmp(dump->group, name, n_group) == 0) {
        return;
    }
    close_group(dump);
    if (n_group > 0) {
        begin_line(dump);
        tg_config_writer_bytes(&dump->writer, name, n_group);
        tg_config_writer_text(&dump->writer, ": {\n");
        dump->group = name;
        dump->n_group = n_group;
    }
}

static void
dump_owner(dump_t *dump, tg_config_owner_t owner, const void *values)
{
    for (size_t i = 0; i < tg_config_n_keys; i++) {
        const tg_config_key_t *key = &tg_config_keys[i];
        if (key->owner != owner || !tg_config_print_has_value(key, values)) {
            continue;
        }
        enter_group(dump, tg_config_key_name(key));
        begin_line(dump);
        tg_config_writer_text(&dump->writer, tg_config_key_leaf(key));
        tg_config_writer_text(&dump->writer, key->type == TG_CONFIG_PROPERTIES ? ": " : " = ");
        tg_config_print_value(key, values, TG_CONFIG_SHOW_MASKED, &dump->writer);
        tg_config_writer_text(&dump->writer, ";\n");
    }
    close_group(dump);
}

static void
dump_sink(dump_t *dump, const tg_sink_config_t *sink)
{
    dump->indent = 2;
    dump_owner(dump, TG_CONFIG_OF_SINK, sink);
    tg_config_writer_text(&dump->writer, "    routes = (\n");
    dump->indent = 4;
    for (size_t i = 0; i < sink->n_routes; i++) {
        tg_config_writer_text(&dump->writer, "      {\n");
        dump_owner(dump, TG_CONFIG_OF_ROUTE, &sink->routes[i]);
        tg_config_writer_text(&dump->writer, i + 1 < sink->n_routes ? "      },\n" : "      }\n");
    }
    tg_config_writer_text(&dump->writer, "    );\n");
}

tg_status_t
tg_config_dump(const tg_config_t *config, tg_buffer_t *out)
{
    dump_t dump = {.writer = {.out = out}};
    dump_owner(&dump, TG_CONFIG_OF_ROOT, config);
    tg_config_writer_text(&dump.writer, "sinks = (\n");
    for (size_t i = 0; i < config->n_sinks; i++) {
        tg_config_writer_text(&dump.writer, "  {\n");
        dump_sink(&dump, &config->sinks[i]);
        tg_config_writer_text(&dump.writer, i + 1 < config->n_sinks ? "  },\n" : "  }\n");
    }
    tg_config_writer_text(&dump.writer, ");\n");
    return dump.writer.status;
}
