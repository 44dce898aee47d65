#include "router.h"

#include <regex.h>
#include <stdlib.h>

enum { MAX_GROUPS = 10, MAX_NAME_BYTES = 63 };

typedef struct {
    const tg_route_config_t *config;
    bool is_regex;
    regex_t regex;
} rule_t;

struct tg_router {
    tg_route_config_t fallback; /* used when the sink has no routes */
    const tg_sink_config_t *sink;
    size_t n_rules;
    rule_t rules[];
};

tg_status_t
tg_router_new(const tg_sink_config_t *sink, tg_router_t **ret_router, tg_error_t *err)
{
    TG_CLEANUP(tg_router_freep)
    tg_router_t *router = calloc(1, sizeof *router + sink->n_routes * sizeof router->rules[0]);
    if (router == NULL) {
        return tg_error_set(err, TG_ERR_NO_MEMORY, "no memory for the routes of sink %s",
                            sink->name);
    }
    router->sink = sink;
    router->fallback = (tg_route_config_t){.topic = "", .table = "public.${topic}"};
    for (size_t i = 0; i < sink->n_routes; i++) {
        rule_t *rule = &router->rules[i];
        rule->config = &sink->routes[i];
        if (rule->config->topic[0] == '^') {
            int rc = regcomp(&rule->regex, rule->config->topic, REG_EXTENDED);
            if (rc != 0) {
                char why[128];
                (void)regerror(rc, &rule->regex, why, sizeof why);
                return tg_error_set(err, TG_ERR_CONFIG, "route %s of sink %s: %s",
                                    rule->config->topic, sink->name, why);
            }
            rule->is_regex = true;
        }
        router->n_rules++;
    }
    *ret_router = TG_STEAL(router);
    return TG_OK;
}

void
tg_router_free(tg_router_t *router)
{
    if (router == NULL) {
        return;
    }
    for (size_t i = 0; i < router->n_rules; i++) {
        if (router->rules[i].is_regex) {
            regfree(&router->rules[i].regex);
        }
    }
    free(router);
}

/* One part of a table's name while its template is expanded. */
typedef struct {
    char text[MAX_NAME_BYTES + 1];
    size_t n_bytes;
    bool too_long;
} name_part_t;

static void
part_add(name_part_t *part, const char *text, size_t n_bytes)
{
    if (n_bytes > MAX_NAME_BYTES - part->n_bytes) {
        part->too_long = true;
        return;
    }
    memcpy(part->text + part->n_bytes, text, n_bytes);
    part->n_bytes += n_bytes;
}

/* What one template position stands for: a topic, a group of the expression, or itself. Returns the
 * bytes read. */
static size_t
expand_one(const char *at, const char *topic, const regmatch_t *groups, name_part_t *part)
{
    if (strncmp(at, "${topic}", 8) == 0) {
        part_add(part, topic, strlen(topic));
        return 8;
    }
    if (at[0] == '$' && at[1] >= '1' && at[1] <= '9') {
        const regmatch_t *group = &groups[at[1] - '0'];
        if (group->rm_so >= 0) {
            part_add(part, topic + group->rm_so, (size_t)(group->rm_eo - group->rm_so));
        }
        return 2;
    }
    part_add(part, at, 1);
    return 1;
}

static tg_status_t
part_quote(const name_part_t *part, tg_buffer_t *table)
{
    TG_TRY(tg_buffer_append(table, "\"", 1));
    for (size_t i = 0; i < part->n_bytes; i++) {
        if (part->text[i] == '"') {
            TG_TRY(tg_buffer_append(table, "\"", 1));
        }
        TG_TRY(tg_buffer_append(table, &part->text[i], 1));
    }
    return tg_buffer_append(table, "\"", 1);
}

/* Expands the template into one or two parts: dots separate only where the template itself has
 * them, outside of quotes. */
static size_t
split_template(const char *template, const char *topic, const regmatch_t *groups,
               name_part_t parts[2])
{
    size_t n_parts = 1;
    bool quoted = false;
    for (const char *at = template; *at != '\0';) {
        if (*at == '"') {
            quoted = !quoted;
            at++;
        } else if (*at == '.' && !quoted && n_parts == 1) {
            n_parts = 2;
            at++;
        } else {
            at += expand_one(at, topic, groups, &parts[n_parts - 1]);
        }
    }
    return n_parts;
}

static tg_status_t
check_part(const name_part_t *part, const tg_route_config_t *route, const char *topic,
           tg_error_t *err)
{
    if (!part->too_long && part->n_bytes > 0) {
        return TG_OK;
    }
    return tg_error_set(
        err, TG_ERR_CONFIG,
        "topic %s: table name %s becomes %s; give the route a table name of 1 to %d bytes", topic,
        route->table, part->too_long ? "longer than PostgreSQL allows" : "empty", MAX_NAME_BYTES);
}

/* "schema"."table", quoted. */
static tg_status_t
expand_table(const tg_route_config_t *route, const char *topic, const regmatch_t *groups,
             tg_buffer_t *table, tg_error_t *err)
{
    name_part_t parts[2] = {0};
    size_t n_parts = split_template(route->table, topic, groups, parts);
    for (size_t i = 0; i < n_parts; i++) {
        TG_TRY(check_part(&parts[i], route, topic, err));
    }
    if (n_parts == 1) {
        TG_TRY(tg_buffer_append_text(table, "\"public\"."));
        return part_quote(&parts[0], table);
    }
    TG_TRY(part_quote(&parts[0], table));
    TG_TRY(tg_buffer_append(table, ".", 1));
    return part_quote(&parts[1], table);
}

tg_status_t
tg_router_route(const tg_router_t *router, const char *topic, const tg_route_config_t **ret_route,
                tg_buffer_t *table, tg_error_t *err)
{
    regmatch_t groups[MAX_GROUPS];
    for (size_t i = 0; i < MAX_GROUPS; i++) {
        groups[i] = (regmatch_t){.rm_so = -1, .rm_eo = -1};
    }
    const tg_route_config_t *route = router->n_rules == 0 ? &router->fallback : NULL;
    for (size_t i = 0; route == NULL && i < router->n_rules; i++) {
        const rule_t *rule = &router->rules[i];
        if (rule->is_regex ? regexec(&rule->regex, topic, MAX_GROUPS, groups, 0) == 0
                           : strcmp(rule->config->topic, topic) == 0) {
            route = rule->config;
        }
    }
    if (route == NULL) {
        return tg_error_set(err, TG_ERR_UNROUTED,
                            "no route of sink %s takes topic %s; add one to its routes",
                            router->sink->name, topic);
    }
    size_t before = table->n_bytes;
    tg_status_t status = expand_table(route, topic, groups, table, err);
    if (status != TG_OK) {
        table->n_bytes = before;
        return status;
    }
    *ret_route = route;
    return TG_OK;
}
