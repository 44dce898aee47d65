#include <inttypes.h>

#include "config_rules_internal.h"
#include "config_units_internal.h"

/* What is unique among sinks; the ledger and Kafka tell them apart by it. */
static void
check_unique(const tg_config_draft_t *draft, size_t index, const char *name, const char *mine,
             const char *other, size_t other_index)
{
    if (mine == NULL || other == NULL || strcmp(mine, other) != 0) {
        return;
    }
    const tg_config_origin_t *first = &draft->sinks[other_index].sink;
    tg_config_rules_add(draft, &draft->sinks[index].sink, name,
                        "is that of %s%s already; each sink has its own", first->path, name);
}

static void
check_names(const tg_config_draft_t *draft, size_t index)
{
    const tg_sink_config_t *sink = &draft->config->sinks[index];
    const tg_config_origin_t *origin = &draft->sinks[index].sink;
    tg_config_rules_check_plain(draft, origin, "name", sink->name);
    for (size_t i = 0; i < index; i++) {
        const tg_sink_config_t *other = &draft->config->sinks[i];
        bool same_name =
            sink->name != NULL && other->name != NULL && strcmp(sink->name, other->name) == 0;
        check_unique(draft, index, "name", sink->name, other->name, i);
        if (!same_name) {
            check_unique(draft, index, "group", sink->group, other->group, i);
        }
    }
}

static void
check_topics(const tg_config_draft_t *draft, size_t index)
{
    const tg_config_list_t *topics = &draft->config->sinks[index].topics;
    const tg_config_origin_t *origin = &draft->sinks[index].sink;
    for (size_t i = 0; i < topics->n_items; i++) {
        char fault[TG_CONFIG_FAULT_BYTES];
        if (tg_config_rules_topic_fault(topics->items[i], fault)) {
            char quoted[TG_CONFIG_QUOTED_BYTES];
            tg_config_rules_quote(origin, "topics", topics->items[i], quoted);
            tg_config_rules_add_element(draft, origin, "topics", i, "%s %s", quoted, fault);
        }
        for (size_t j = 0; j < i && topics->items[i][0] != '\0'; j++) {
            if (strcmp(topics->items[i], topics->items[j]) == 0) {
                tg_config_rules_add_element(draft, origin, "topics", i,
                                            "is in the list already, at %zu; remove one of them",
                                            j);
                break;
            }
        }
    }
}

static void
check_schema(const tg_config_draft_t *draft, size_t index)
{
    const tg_sink_config_t *sink = &draft->config->sinks[index];
    const tg_config_origin_t *origin = &draft->sinks[index].sink;
    if (sink->fixed_schema == NULL) {
        return;
    }
    tg_config_rules_check_plain(draft, origin, "fixed_schema", sink->fixed_schema);
    bool asked = tg_config_rules_setting(&draft->root, "registry.url") != NULL ||
                 tg_config_rules_setting(&draft->root, "registry.urls") != NULL;
    if (draft->config->registry.directory == NULL && asked) {
        tg_config_rules_add(draft, origin, "fixed_schema",
                            "needs registry.directory, where the file <name>.avsc is; a registry "
                            "has schemas by id only");
    }
}

static void
check_dead_letters(const tg_config_draft_t *draft, size_t index)
{
    const tg_sink_config_t *sink = &draft->config->sinks[index];
    const tg_config_origin_t *origin = &draft->sinks[index].sink;
    const char *topic = sink->errors.dead_letter_topic;
    if (sink->errors.dead_letter_replication_factor == 0) {
        tg_config_rules_add(draft, origin, "errors.dead_letter_replication_factor",
                            "0 is out of range; use -1 for the broker's default, or at least 1");
    }
    if (topic == NULL) {
        return;
    }
    char fault[TG_CONFIG_FAULT_BYTES];
    if (topic[0] == '^' || tg_config_rules_topic_fault(topic, fault)) {
        char quoted[TG_CONFIG_QUOTED_BYTES];
        tg_config_rules_quote(origin, "errors.dead_letter_topic", topic, quoted);
        tg_config_rules_add(draft, origin, "errors.dead_letter_topic",
                            "%s is not a topic's name; it has only letters, digits, '.', '_' and "
                            "'-'",
                            quoted);
        return;
    }
    if (sink->errors.tolerance == TG_TOLERANCE_NONE) {
        tg_config_rules_add(draft, origin, "errors.dead_letter_topic",
                            "is never used while tolerance is \"none\"; write tolerance = \"all\"; "
                            "or remove it");
    }
    for (size_t i = 0; i < sink->topics.n_items; i++) {
        if (tg_config_rules_matches(sink->topics.items[i], topic)) {
            tg_config_rules_add(draft, origin, "errors.dead_letter_topic",
                                "is read by this sink itself: %stopics[%zu] takes it; choose "
                                "another name",
                                origin->path, i);
            return;
        }
    }
}

static void
check_memory(const tg_config_draft_t *draft, size_t index)
{
    const tg_sink_config_t *sink = &draft->config->sinks[index];
    if (sink->batch.max_bytes > sink->memory.encoded_bytes) {
        char max[TG_CONFIG_NUMBER_BYTES];
        char ceiling[TG_CONFIG_NUMBER_BYTES];
        tg_config_units_print(TG_CONFIG_SIZE, sink->batch.max_bytes, max);
        tg_config_units_print(TG_CONFIG_SIZE, sink->memory.encoded_bytes, ceiling);
        tg_config_rules_add(draft, &draft->sinks[index].sink, "batch.max_bytes",
                            "%s is more than memory.encoded_bytes (%s) lets wait; lower it, or "
                            "raise the other",
                            max, ceiling);
    }
}

void
tg_config_rules_check_sink(const tg_config_draft_t *draft, size_t index)
{
    check_names(draft, index);
    check_topics(draft, index);
    check_schema(draft, index);
    check_dead_letters(draft, index);
    check_memory(draft, index);
}
