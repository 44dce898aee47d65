#include <ctype.h>
#include <stdio.h>
#include <strings.h>

#include "config_rules_internal.h"

enum { MAX_PORT = 65535 };

/* Properties that are keys of ours. The kafka room refuses those that its protocols depend on. */
static const struct {
    const char *property;
    const char *key;
} OWN_KEYS[] = {
    {"bootstrap.servers", "kafka.bootstrap_servers"},
    {"metadata.broker.list", "kafka.bootstrap_servers"},
    {"group.id", "sinks[].group"},
    {"group.instance.id", "sinks[].instance_id"},
    {"session.timeout.ms", "sinks[].session_timeout_ms"},
    {"auto.offset.reset", "sinks[].start"},
};

/* The digits of a port up to the end of the text; -1: it is none. */
static long
parse_port(const char *text, size_t n_bytes)
{
    long port = 0;
    for (size_t i = 0; i < n_bytes; i++) {
        if (!isdigit((unsigned char)text[i]) || port > MAX_PORT) {
            return -1;
        }
        port = port * 10 + (text[i] - '0');
    }
    return n_bytes > 0 && port <= MAX_PORT ? port : -1;
}

/* Where the port of host:port begins, also behind [::1]; n_bytes: there is none. */
static size_t
port_at(const char *text, size_t n_bytes)
{
    const char *bracket = memrchr(text, ']', n_bytes);
    const char *first = bracket != NULL ? bracket : text;
    const char *colon = memrchr(first, ':', n_bytes - (size_t)(first - text));
    return colon != NULL ? (size_t)(colon - text) + 1 : n_bytes;
}

/* librdkafka allows host, host:port and PROTOCOL://host:port. */
static bool
is_broker(const char *text, size_t n_bytes)
{
    while (n_bytes > 0 && isspace((unsigned char)text[0])) {
        text++;
        n_bytes--;
    }
    while (n_bytes > 0 && isspace((unsigned char)text[n_bytes - 1])) {
        n_bytes--;
    }
    const char *scheme = memmem(text, n_bytes, "://", 3);
    if (scheme != NULL) {
        n_bytes -= (size_t)(scheme + 3 - text);
        text = scheme + 3;
    }
    size_t port = port_at(text, n_bytes);
    bool has_port = port < n_bytes || (n_bytes > 0 && text[n_bytes - 1] == ':');
    return n_bytes > 0 && text[0] != ':' && memchr(text, ' ', n_bytes) == NULL &&
           memchr(text, '/', n_bytes) == NULL &&
           (!has_port || parse_port(text + port, n_bytes - port) > 0);
}

static void
check_kafka(const tg_config_draft_t *draft)
{
    const char *rest = draft->config->kafka.bootstrap_servers;
    while (rest != NULL) {
        size_t n = strcspn(rest, ",");
        if (!is_broker(rest, n)) {
            char entry[TG_CONFIG_QUOTED_BYTES];
            char quoted[TG_CONFIG_QUOTED_BYTES];
            (void)snprintf(entry, sizeof entry, "%.*s", (int)n, rest);
            tg_config_rules_quote(&draft->root, "kafka.bootstrap_servers", entry, quoted);
            tg_config_rules_add(draft, &draft->root, "kafka.bootstrap_servers",
                                "%s is not host:port; write bootstrap_servers = "
                                "\"first:9092,second:9092\";",
                                quoted);
            break;
        }
        rest = rest[n] == ',' ? rest + n + 1 : NULL;
    }
    const tg_config_origin_t properties = {
        .group = tg_config_rules_setting(&draft->root, "kafka.properties"),
        .path = "kafka.properties."};
    for (size_t i = 0; properties.group != NULL && i < TG_COUNT_OF(OWN_KEYS); i++) {
        char name[64] = "";
        for (size_t at = 0; OWN_KEYS[i].property[at] != '\0'; at++) {
            char c = OWN_KEYS[i].property[at];
            name[at] = c;
            if (c == '.') {
                name[at] = '_';
            }
        }
        if (tg_config_rules_setting(&properties, name) != NULL) {
            tg_config_rules_add(draft, &properties, name, "is a key of its own; set %s instead",
                                OWN_KEYS[i].key);
        }
    }
}

static bool
every_sink_has_fixed_schema(const tg_config_t *config)
{
    for (size_t i = 0; i < config->n_sinks; i++) {
        if (config->sinks[i].fixed_schema == NULL) {
            return false;
        }
    }
    return config->n_sinks > 0;
}

static void
check_registry_kind(const tg_config_draft_t *draft)
{
    static const char *const KINDS[] = {"registry.url", "registry.urls", "registry.directory"};
    const char *given = NULL;
    for (size_t i = 0; i < TG_COUNT_OF(KINDS); i++) {
        if (tg_config_rules_setting(&draft->root, KINDS[i]) == NULL) {
            continue;
        }
        if (given != NULL) {
            tg_config_rules_add(draft, &draft->root, KINDS[i],
                                "cannot stand beside %s; keep one of them", given);
        }
        given = given == NULL ? KINDS[i] : given;
    }
    config_setting_t *registry = tg_config_rules_setting(&draft->root, "registry");
    if (given != NULL || (registry != NULL && !config_setting_is_group(registry))) {
        return;
    }
    bool fixed = every_sink_has_fixed_schema(draft->config);
    tg_config_rules_add(draft, &draft->root, fixed ? "registry.directory" : "registry.url",
                        "missing; write registry: { %s = %s; };", fixed ? "directory" : "url",
                        fixed ? "\"schemas\"" : "\"http://127.0.0.1:8081\"");
}

static bool
is_http(const char *url)
{
    size_t n_scheme = strncasecmp(url, "https://", 8) == 0  ? 8
                      : strncasecmp(url, "http://", 7) == 0 ? 7
                                                            : 0;
    return n_scheme > 0 && url[n_scheme] != '\0' && url[n_scheme] != '/';
}

static void
check_registry_urls(const tg_config_draft_t *draft)
{
    static const char WRONG[] = "is not the address of a registry; it begins with http:// or "
                                "https://";
    config_setting_t *urls = tg_config_rules_setting(&draft->root, "registry.urls");
    const tg_config_list_t *list = &draft->config->registry.urls;
    for (size_t i = 0; i < list->n_items; i++) {
        if (list->items[i][0] == '\0' || is_http(list->items[i])) {
            continue;
        }
        if (urls != NULL) {
            tg_config_rules_add_element(draft, &draft->root, "registry.urls", i, "%s", WRONG);
        } else {
            tg_config_rules_add(draft, &draft->root, "registry.url", "%s", WRONG);
        }
    }
    if (urls != NULL && tg_config_tree_length(urls) == 0 && list->n_items == 0 &&
        config_setting_type(urls) != CONFIG_TYPE_STRING && config_setting_is_aggregate(urls)) {
        tg_config_rules_add(draft, &draft->root, "registry.urls",
                            "must not be empty; write urls = [ \"http://a:8081\" ];");
    }
}

/* name needs what other says. */
static void
check_needs(const tg_config_draft_t *draft, const char *name, const char *other)
{
    if (tg_config_rules_setting(&draft->root, name) != NULL &&
        tg_config_rules_setting(&draft->root, other) == NULL) {
        tg_config_rules_add(draft, &draft->root, name, "needs %s; write it too", other);
    }
}

static void
check_registry(const tg_config_draft_t *draft)
{
    check_registry_kind(draft);
    check_registry_urls(draft);
    check_needs(draft, "registry.password", "registry.username");
    check_needs(draft, "registry.certificate_file", "registry.key_file");
    check_needs(draft, "registry.key_file", "registry.certificate_file");
    if (tg_config_rules_setting(&draft->root, "registry.bearer_token") != NULL &&
        tg_config_rules_setting(&draft->root, "registry.username") != NULL) {
        tg_config_rules_add(draft, &draft->root, "registry.bearer_token",
                            "cannot stand beside registry.username; keep one way to sign in");
    }
}

static void
check_database(const tg_config_draft_t *draft)
{
    const char *url = draft->config->database.url;
    if (url == NULL || strncmp(url, "postgresql://", 13) == 0 ||
        strncmp(url, "postgres://", 11) == 0) {
        return;
    }
    if (strstr(url, "://") != NULL || strchr(url, '=') == NULL) {
        tg_config_rules_add(draft, &draft->root, "database.url",
                            "is not a PostgreSQL address; write url = "
                            "\"postgresql://user@host:5432/database\"; or url = \"host=... "
                            "dbname=...\";");
    }
}

static void
check_http(const tg_config_draft_t *draft)
{
    const char *listen = draft->config->http.listen;
    if (listen == NULL || listen[0] == '\0') {
        return;
    }
    size_t n = strlen(listen);
    size_t port = port_at(listen, n);
    if (port <= 1 || port == n || parse_port(listen + port, n - port) < 0) {
        char quoted[TG_CONFIG_QUOTED_BYTES];
        tg_config_rules_quote(&draft->root, "http.listen", listen, quoted);
        tg_config_rules_add(draft, &draft->root, "http.listen",
                            "%s is not host:port; write listen = \"127.0.0.1:8083\"; or listen = "
                            "\"\"; for none",
                            quoted);
    }
}

void
tg_config_rules_check_root(const tg_config_draft_t *draft)
{
    tg_config_rules_check_plain(draft, &draft->root, "name", draft->config->name);
    check_kafka(draft);
    check_registry(draft);
    check_database(draft);
    check_http(draft);
}
