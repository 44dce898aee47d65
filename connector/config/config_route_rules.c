#include <ctype.h>
#include <stdio.h>
#include <strings.h>

#include "config_rules_internal.h"

enum { MAX_IDENTIFIER_BYTES = 63 };

static const char TOPIC[] = "${topic}";

typedef struct route {
    const tg_config_draft_t *draft;
    const tg_sink_config_t *sink;
    const tg_config_origin_t *origin;
    const tg_route_config_t *config;
    size_t n_groups; /* of the topic's expression */
} route_t;

/* Whether some record of the sink can have a topic that this route takes. Two expressions, or a
 * broken topic: nobody can tell. */
static bool
may_match(const tg_config_list_t *topics, const char *route)
{
    for (size_t i = 0; i < topics->n_items; i++) {
        const char *topic = topics->items[i];
        char ignored[TG_CONFIG_FAULT_BYTES];
        bool open =
            (topic[0] == '^' && route[0] == '^') || tg_config_rules_topic_fault(topic, ignored);
        if (open || tg_config_rules_matches(topic, route) ||
            (topic[0] != '^' && tg_config_rules_matches(route, topic))) {
            return true;
        }
    }
    return false;
}

static void
check_topic(route_t *route)
{
    const char *topic = route->config->topic;
    char fault[TG_CONFIG_FAULT_BYTES];
    if (tg_config_rules_topic_fault(topic, fault)) {
        char quoted[TG_CONFIG_QUOTED_BYTES];
        tg_config_rules_quote(route->origin, "topic", topic, quoted);
        tg_config_rules_add(route->draft, route->origin, "topic", "%s %s", quoted, fault);
        return;
    }
    regex_t regex;
    if (topic[0] == '^' && tg_config_rules_compile(topic, &regex, fault)) {
        route->n_groups = regex.re_nsub;
        regfree(&regex);
    }
    if (route->sink->topics.n_items > 0 && !may_match(&route->sink->topics, topic)) {
        tg_config_rules_add(route->draft, route->origin, "topic",
                            "no topic of this sink is taken by this route; add one to topics, or "
                            "remove the route");
    }
}

/* The first route that fits wins. */
static void
check_reached(const route_t *route, size_t index, const tg_config_origin_t *origins)
{
    const char *topic = route->config->topic;
    for (size_t i = 0; i < index; i++) {
        const char *earlier = route->sink->routes[i].topic;
        if (earlier == NULL) {
            continue;
        }
        if (strcmp(earlier, topic) == 0) {
            tg_config_rules_add(route->draft, route->origin, "topic",
                                "is that of %stopic already; remove one of the routes",
                                origins[i].path);
            return;
        }
        char ignored[TG_CONFIG_FAULT_BYTES];
        if (topic[0] != '^' && !tg_config_rules_topic_fault(earlier, ignored) &&
            tg_config_rules_matches(earlier, topic)) {
            tg_config_rules_add(route->draft, route->origin, "topic",
                                "is taken by %stopic before it comes here; move this route up",
                                origins[i].path);
            return;
        }
    }
}

/* The length of what is filled in at *at; 0: it cannot be, and a problem was added. */
static size_t
check_placeholder(const route_t *route, const char *at)
{
    if (strncmp(at, TOPIC, sizeof TOPIC - 1) == 0) {
        return sizeof TOPIC - 1;
    }
    if (at[1] < '1' || at[1] > '9') {
        tg_config_rules_add(route->draft, route->origin, "table",
                            "has a $ that stands for nothing; write ${topic}, or $1 to $9 for the "
                            "groups of the topic's expression");
        return 0;
    }
    if ((size_t)(at[1] - '0') > route->n_groups) {
        tg_config_rules_add(route->draft, route->origin, "table",
                            "says $%c, but the topic has %zu groups; add ( ) to the expression, or "
                            "write ${topic}",
                            at[1], route->n_groups);
        return 0;
    }
    return 2;
}

typedef struct part {
    size_t n_literal_bytes;
    bool has_placeholder;
} part_t;

static bool
check_part(const route_t *route, const part_t *part, size_t index)
{
    const char *which = index == 0 ? "schema" : "table";
    if (part->n_literal_bytes > MAX_IDENTIFIER_BYTES) {
        tg_config_rules_add(route->draft, route->origin, "table",
                            "the name of the %s is %zu bytes long; PostgreSQL allows %d", which,
                            part->n_literal_bytes, MAX_IDENTIFIER_BYTES);
        return false;
    }
    if (part->n_literal_bytes == 0 && !part->has_placeholder) {
        tg_config_rules_add(route->draft, route->origin, "table",
                            "has no name for the %s; write table = \"schema.table\";", which);
        return false;
    }
    return true;
}

static void
check_table(const route_t *route)
{
    part_t part = {0};
    size_t n_parts = 0;
    const char *at = route->config->table;
    for (; *at != '\0'; at++) {
        if (*at == '"') {
            tg_config_rules_add(route->draft, route->origin, "table",
                                "has a quote; write the name as it is, upper case and spaces are "
                                "kept");
            return;
        }
        if (*at == '$') {
            size_t n = check_placeholder(route, at);
            if (n == 0) {
                return;
            }
            part.has_placeholder = true;
            at += n - 1;
        } else if (*at == '.') {
            if (!check_part(route, &part, n_parts++)) {
                return;
            }
            part = (part_t){0};
        } else {
            part.n_literal_bytes++;
        }
    }
    if (n_parts == 0) {
        tg_config_rules_add(route->draft, route->origin, "table",
                            "does not name the schema; write table = \"public.%s\";",
                            route->config->table);
        return;
    }
    if (n_parts > 1) {
        tg_config_rules_add(route->draft, route->origin, "table",
                            "has %zu parts; write table = \"schema.table\";", n_parts + 1);
        return;
    }
    (void)check_part(route, &part, n_parts);
}

/* "1 day", "12 hours", "1 day 12 hours" */
static bool
is_interval(const char *text)
{
    static const char *const UNITS[] = {"microsecond", "millisecond", "second", "sec",
                                        "minute",      "min",         "hour",   "day",
                                        "week",        "month",       "mon",    "year"};
    while (*text != '\0') {
        text += strspn(text, " ");
        size_t n_digits = strspn(text, "0123456789");
        if (n_digits == 0 || n_digits > 9 || strspn(text, "0") == n_digits) {
            return false;
        }
        text += n_digits;
        text += strspn(text, " ");
        size_t n_unit = 0;
        while (isalpha((unsigned char)text[n_unit])) {
            n_unit++;
        }
        size_t n_singular = n_unit > 1 && (text[n_unit - 1] == 's' || text[n_unit - 1] == 'S')
                                ? n_unit - 1
                                : n_unit;
        bool known = false;
        for (size_t i = 0; i < TG_COUNT_OF(UNITS); i++) {
            known = known || (strlen(UNITS[i]) == n_singular &&
                              strncasecmp(UNITS[i], text, n_singular) == 0);
        }
        if (!known) {
            return false;
        }
        text += n_unit;
        text += strspn(text, " ");
    }
    return true;
}

static void
check_creation(const route_t *route)
{
    static const char *const NEED_CREATE[] = {"time_column", "chunk_interval", "segment_by"};
    config_setting_t *create = tg_config_rules_setting(route->origin, "create");
    bool known = create == NULL || config_setting_type(create) == CONFIG_TYPE_BOOL;
    for (size_t i = 0; i < TG_COUNT_OF(NEED_CREATE); i++) {
        if (known && !route->config->create &&
            tg_config_rules_setting(route->origin, NEED_CREATE[i]) != NULL) {
            tg_config_rules_add(route->draft, route->origin, NEED_CREATE[i],
                                "is for tables that this route creates; write create = true; or "
                                "remove it");
        }
    }
    if (route->config->chunk_interval != NULL && !is_interval(route->config->chunk_interval)) {
        char quoted[TG_CONFIG_QUOTED_BYTES];
        tg_config_rules_quote(route->origin, "chunk_interval", route->config->chunk_interval,
                              quoted);
        tg_config_rules_add(
            route->draft, route->origin, "chunk_interval",
            "%s is not an interval; write a number and a unit, such as \"1 day\" or "
            "\"12 hours\"",
            quoted);
    }
}

/* With routes, an exact topic that none takes would be rejected record by record. */
static void
check_topics_are_taken(const tg_config_draft_t *draft, size_t index)
{
    const tg_sink_config_t *sink = &draft->config->sinks[index];
    for (size_t i = 0; i < sink->topics.n_items; i++) {
        const char *topic = sink->topics.items[i];
        char ignored[TG_CONFIG_FAULT_BYTES];
        bool taken =
            topic[0] == '^' || topic[0] == '\0' || tg_config_rules_topic_fault(topic, ignored);
        for (size_t j = 0; j < sink->n_routes && !taken; j++) {
            const char *route = sink->routes[j].topic;
            taken = route == NULL || tg_config_rules_topic_fault(route, ignored) ||
                    tg_config_rules_matches(route, topic);
        }
        if (!taken) {
            tg_config_rules_add_element(draft, &draft->sinks[index].sink, "topics", i,
                                        "no route takes this topic; add a route, or remove the "
                                        "topic");
        }
    }
}

void
tg_config_rules_check_routes(const tg_config_draft_t *draft, size_t index)
{
    const tg_config_sink_origin_t *origin = &draft->sinks[index];
    for (size_t i = 0; i < origin->n_routes; i++) {
        route_t route = {.draft = draft,
                         .sink = &draft->config->sinks[index],
                         .origin = &origin->routes[i],
                         .config = &draft->config->sinks[index].routes[i]};
        if (route.config->topic != NULL) {
            check_topic(&route);
            check_reached(&route, i, origin->routes);
        }
        if (route.config->table != NULL) {
            check_table(&route);
        }
        check_creation(&route);
    }
    if (origin->n_routes > 0) {
        check_topics_are_taken(draft, index);
    }
}
