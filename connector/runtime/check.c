#include "check.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "database/catalog.h"
#include "database/migrations.h"
#include "kafka/client.h"
#include "registry_options.h"

enum { PROBE_TIMEOUT_MS = 10000, TEXT_BYTES = 1200 };

typedef struct {
    const tg_config_t *config;
    tg_log_t *log;
    tg_finding_visit_t *visit;
    void *arg;
    size_t n_failed;
} check_t;

const char *
tg_finding_kind_name(tg_finding_kind_t kind)
{
    static const char *const NAMES[] = {
        [TG_FINDING_OK] = "ok", [TG_FINDING_WARNING] = "warning", [TG_FINDING_FAILED] = "failed"};
    return NAMES[kind];
}

static void
found(check_t *check, tg_finding_kind_t kind, const char *subject, const char *text)
{
    check->n_failed += kind == TG_FINDING_FAILED ? 1 : 0;
    check->visit(check->arg, kind, subject, text);
}

/* --- kafka --- */

typedef struct {
    size_t n;
    const char **names;
    bool *is_dead_letter;
    tg_kafka_topic_info_t *infos;
} topic_list_t;

static bool
topics_collect(const tg_config_t *config, topic_list_t *list)
{
    size_t max = 1;
    for (size_t i = 0; i < config->n_sinks; i++) {
        max += config->sinks[i].topics.n_items + 1;
    }
    *list = (topic_list_t){.names = calloc(max, sizeof(const char *)),
                           .is_dead_letter = calloc(max, sizeof(bool)),
                           .infos = calloc(max, sizeof(tg_kafka_topic_info_t))};
    if (list->names == NULL || list->is_dead_letter == NULL || list->infos == NULL) {
        return false;
    }
    for (size_t i = 0; i < config->n_sinks; i++) {
        for (size_t t = 0; t < config->sinks[i].topics.n_items; t++) {
            list->names[list->n++] = config->sinks[i].topics.items[t];
        }
        if (config->sinks[i].errors.dead_letter_topic != NULL) {
            list->is_dead_letter[list->n] = true;
            list->names[list->n++] = config->sinks[i].errors.dead_letter_topic;
        }
    }
    return true;
}

static void
topics_free(topic_list_t *list)
{
    free((void *)list->names);
    free(list->is_dead_letter);
    free(list->infos);
}

static void
say_topic(check_t *check, const topic_list_t *list, size_t i)
{
    char subject[320];
    char text[TEXT_BYTES];
    (void)snprintf(subject, sizeof subject, "topic %s", list->names[i]);
    if (list->infos[i].exists) {
        (void)snprintf(text, sizeof text, "%" PRId32 " partitions", list->infos[i].n_partitions);
        found(check, TG_FINDING_OK, subject, text);
    } else if (list->is_dead_letter[i]) {
        found(check, TG_FINDING_OK, subject,
              "does not exist yet; it is created with the first dead letter");
    } else if (list->names[i][0] == '^') {
        found(check, TG_FINDING_WARNING, subject, "no topic matches the expression yet");
    } else {
        found(check, TG_FINDING_FAILED, subject,
              "does not exist; create it, or correct the sink's topics");
    }
}

/* A property that librdkafka refuses is a mistake in the file: say where it stands. */
static void
say_kafka_failure(check_t *check, const tg_error_t *why)
{
    static const char PREFIX[] = "kafka.properties.";
    char key[160];
    size_t n = strcspn(why->text, " :");
    const char *file = NULL;
    int line = 0;
    char text[TEXT_BYTES];
    if (strncmp(why->text, PREFIX, sizeof PREFIX - 1) == 0 && n < sizeof key) {
        memcpy(key, why->text, n);
        key[n] = '\0';
        tg_config_where(check->config, key, &file, &line);
    }
    if (line > 0) {
        (void)snprintf(text, sizeof text, "%s:%d: %s", file, line, why->text);
        found(check, TG_FINDING_FAILED, "kafka", text);
    } else {
        found(check, TG_FINDING_FAILED, "kafka", why->text);
    }
}

static void
check_kafka(check_t *check)
{
    const tg_config_t *config = check->config;
    topic_list_t list;
    tg_kafka_property_t *properties = calloc(config->kafka.n_properties + 1, sizeof *properties);
    if (!topics_collect(config, &list) || properties == NULL) {
        found(check, TG_FINDING_FAILED, "kafka", "no memory for the check");
        topics_free(&list);
        free(properties);
        return;
    }
    for (size_t i = 0; i < config->kafka.n_properties; i++) {
        properties[i] = (tg_kafka_property_t){config->kafka.properties[i].name,
                                              config->kafka.properties[i].value};
    }
    const tg_kafka_client_options_t client = {.bootstrap_servers = config->kafka.bootstrap_servers,
                                              .client_id = "tidegate-check",
                                              .properties = properties,
                                              .n_properties = config->kafka.n_properties,
                                              .log = NULL};
    int n_brokers = 0;
    tg_error_t why;
    if (tg_kafka_probe(&client, list.names, list.n, PROBE_TIMEOUT_MS, list.infos, &n_brokers,
                       &why) != TG_OK) {
        say_kafka_failure(check, &why);
    } else {
        char text[TEXT_BYTES];
        (void)snprintf(text, sizeof text, "%d broker%s at %s", n_brokers, n_brokers == 1 ? "" : "s",
                       config->kafka.bootstrap_servers);
        found(check, TG_FINDING_OK, "kafka", text);
        for (size_t i = 0; i < list.n; i++) {
            say_topic(check, &list, i);
        }
    }
    topics_free(&list);
    free(properties);
}

/* --- registry --- */

static void
check_registry(check_t *check)
{
    const tg_config_t *config = check->config;
    const tg_registry_options_t options = tg_registry_options_of(config, NULL);
    tg_schema_cache_t *cache = NULL;
    tg_error_t why;
    tg_status_t status = tg_schema_cache_open(&options, &cache, &why);
    if (status == TG_OK && config->registry.directory == NULL) {
        status = tg_schema_cache_probe(cache, PROBE_TIMEOUT_MS, &why);
    }
    if (status != TG_OK) {
        found(check, TG_FINDING_FAILED, "registry", why.text);
    } else {
        found(check, TG_FINDING_OK, "registry",
              config->registry.directory != NULL ? "fixed schemas are read from the directory"
                                                 : "answers as a schema registry");
    }
    tg_schema_cache_close(cache);
}

/* --- database --- */

static void
say_server(check_t *check, tg_connection_t *connection)
{
    tg_server_info_t info;
    tg_error_t why;
    if (tg_catalog_server(connection, &info, &why) != TG_OK) {
        found(check, TG_FINDING_FAILED, "database", why.text);
        return;
    }
    char text[TEXT_BYTES];
    (void)snprintf(text, sizeof text, "PostgreSQL %d.%d at %s", info.version / 10000,
                   info.version % 10000, tg_connection_name(connection));
    found(check, info.version >= 150000 ? TG_FINDING_OK : TG_FINDING_WARNING, "database", text);
    if (info.in_recovery) {
        found(check, TG_FINDING_FAILED, "database",
              "the server is a standby and cannot be written to; name the primary in database.url");
    }
    if (info.timescaledb_version[0] != '\0') {
        (void)snprintf(text, sizeof text, "version %s, licence %s", info.timescaledb_version,
                       info.license);
        found(check, TG_FINDING_OK, "timescaledb", text);
    } else if (info.timescaledb_available[0] != '\0') {
        (void)snprintf(
            text, sizeof text,
            "version %s is available but not installed in this database: CREATE EXTENSION "
            "timescaledb; until then tables are plain tables",
            info.timescaledb_available);
        found(check, TG_FINDING_WARNING, "timescaledb", text);
    } else {
        found(check, TG_FINDING_WARNING, "timescaledb",
              "not available on this server: tables are plain tables");
    }
}

static void
say_missing_table(check_t *check, tg_connection_t *connection, const tg_route_config_t *route,
                  const char *subject)
{
    bool can = false;
    char grant[320];
    char text[TEXT_BYTES];
    tg_error_t why;
    if (tg_catalog_can_create(connection, route->table, &can, grant, sizeof grant, &why) != TG_OK) {
        found(check, TG_FINDING_FAILED, subject, why.text);
    } else if (!can) {
        (void)snprintf(
            text, sizeof text,
            "does not exist, and the user of database.url has no CREATE privilege to make it: %s",
            grant);
        found(check, TG_FINDING_FAILED, subject, text);
    } else {
        found(check, TG_FINDING_OK, subject,
              "does not exist yet; it is created from the first schema");
    }
}

static void
check_route(check_t *check, tg_connection_t *connection, const tg_route_config_t *route)
{
    if (strchr(route->table, '$') != NULL) {
        return; /* known only when a topic is */
    }
    char subject[320];
    (void)snprintf(subject, sizeof subject, "table %s", route->table);
    tg_table_t *table = NULL;
    tg_error_t why;
    tg_status_t status = tg_catalog_table(connection, route->table, &table, &why);
    if (status == TG_ERR_MISSING && route->create) {
        say_missing_table(check, connection, route, subject);
    } else if (status != TG_OK) {
        found(check, TG_FINDING_FAILED, subject, why.text);
    } else if (!tg_table_can_insert(table)) {
        found(check, TG_FINDING_FAILED, subject,
              "the user of database.url has no INSERT privilege; GRANT INSERT on it");
    } else {
        found(check, TG_FINDING_OK, subject,
              tg_table_is_hypertable(table) ? "hypertable, may be written to"
                                            : "plain table, may be written to");
    }
    tg_table_free(table);
}

static void
check_database(check_t *check)
{
    const tg_config_t *config = check->config;
    const tg_connection_options_t options = {.url = config->database.url,
                                             .application_name = "tidegate check",
                                             .connect_timeout_ms =
                                                 config->database.connect_timeout_ms,
                                             .query_timeout_ms = PROBE_TIMEOUT_MS,
                                             .log = NULL};
    TG_CLEANUP(tg_connection_freep) tg_connection_t *connection = NULL;
    tg_error_t why;
    tg_status_t status = tg_connection_new(&options, &connection, &why);
    if (status == TG_OK) {
        status = tg_connection_open(connection, &why);
    }
    if (status != TG_OK) {
        found(check, TG_FINDING_FAILED, "database", why.text);
        return;
    }
    say_server(check, connection);
    if (tg_migrations_check(connection, &why) != TG_OK) {
        found(check, TG_FINDING_FAILED, "catalogue", why.text);
    } else {
        found(check, TG_FINDING_OK, "catalogue", "schema tidegate is at this program's version");
    }
    for (size_t i = 0; i < config->n_sinks; i++) {
        for (size_t r = 0; r < config->sinks[i].n_routes; r++) {
            check_route(check, connection, &config->sinks[i].routes[r]);
        }
    }
}

size_t
tg_check_run(const tg_config_t *config, tg_log_t *log, tg_finding_visit_t *visit, void *arg)
{
    check_t check = {.config = config, .log = log, .visit = visit, .arg = arg};
    check_kafka(&check);
    check_registry(&check);
    check_database(&check);
    return check.n_failed;
}
