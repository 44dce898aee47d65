#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "base/bytes.h"
#include "client_internal.h"

/* Properties that a protocol of ours rests on. */
static const struct fixed_property {
    const char *name;
    const char *why;
} fixed_properties[] = {
    {"bootstrap.servers", "set kafka.bootstrap_servers instead"},
    {"metadata.broker.list", "set kafka.bootstrap_servers instead"},
    {"group.id", "the group follows from the sink's name (connect-<name>)"},
    {"group.instance.id", "set the sink's instance_id instead"},
    {"session.timeout.ms", "set the sink's session timeout instead"},
    {"group.protocol", "rebalancing relies on the classic protocol"},
    {"group.remote.assignor", "rebalancing relies on the classic protocol"},
    {"partition.assignment.strategy", "rebalancing relies on cooperative-sticky"},
    {"enable.auto.commit",
     "the ledger in the database is the truth, offsets are committed after it"},
    {"auto.commit.enable",
     "the ledger in the database is the truth, offsets are committed after it"},
    {"enable.auto.offset.store", "the ledger in the database is the truth"},
    {"offset.store.method", "the ledger in the database is the truth"},
    {"auto.offset.reset",
     "records that Kafka lost must stop the sink, never be skipped in silence; "
     "set the sink's start instead"},
    {"enable.partition.eof", "the end of a partition is not an error"},
    {"isolation.level", "only committed records may reach the database"},
    {"allow.auto.create.topics", "a misspelt topic must be an error, not a new topic"},
    {"queuing.strategy", "records must come in the order of their offsets"},
    {"log.queue", "log lines go to Tidegate's own log"},
    {"enable.idempotence", "dead letters must be written in order and without gaps"},
    {"acks", "a dead letter counts only when all in-sync replicas have it"},
    {"request.required.acks", "a dead letter counts only when all in-sync replicas have it"},
    {"delivery.report.only.error", "every dead letter must be acknowledged"},
    {"transactional.id", "it fences the source and is chosen by it"},
};

static const tg_kafka_setting_t shared_settings[] = {
    {"log.connection.close", "false"},
    {"socket.keepalive.enable", "true"},
    {"socket.nagle.disable", "true"},
    {"reconnect.backoff.max.ms", "2000"},
    {"topic.metadata.refresh.interval.ms", "60000"},
    {"allow.auto.create.topics", "false"},
};

/* librdkafka's "error" is a condition that it goes on retrying; what asks for a reaction of ours
 * comes through the error callback. */
static tg_log_level_t
level_of(int syslog_level)
{
    if (syslog_level <= LOG_CRIT) {
        return TG_LOG_LEVEL_ERROR;
    }
    if (syslog_level <= LOG_WARNING) {
        return TG_LOG_LEVEL_WARNING;
    }
    return syslog_level <= LOG_INFO ? TG_LOG_LEVEL_INFO : TG_LOG_LEVEL_DEBUG;
}

static void
log_line(const rd_kafka_t *rk, int level, const char *facility, const char *text)
{
    const tg_kafka_link_t *link = rd_kafka_opaque(rk);
    if (link == NULL) {
        return;
    }
    /* One list of properties serves consumers and producers; each ignores the other's. */
    if (strcmp(facility, "CONFWARN") == 0 && strstr(text, "will be ignored by this") != NULL) {
        return;
    }
    TG_LOG_AT(link->log, level_of(level), "librdkafka", TG_S("client", link->role),
              TG_S("facility", facility), TG_S("text", text));
}

static void
pass_error(rd_kafka_t *rk, int code, const char *reason, void *opaque)
{
    tg_kafka_link_t *link = opaque;
    if (link->on_error != NULL) {
        link->on_error(rk, link, (rd_kafka_resp_err_t)code, reason);
    }
}

tg_status_t
tg_kafka_conf_set(rd_kafka_conf_t *conf, const char *name, const char *value, tg_error_t *err)
{
    char reason[TG_KAFKA_DETAIL_BYTES];
    if (rd_kafka_conf_set(conf, name, value, reason, sizeof reason) != RD_KAFKA_CONF_OK) {
        return tg_error_set(err, TG_ERR_INTERNAL, "librdkafka %s refuses %s: %s",
                            rd_kafka_version_str(), name, reason);
    }
    return TG_OK;
}

tg_status_t
tg_kafka_conf_set_int(rd_kafka_conf_t *conf, const char *name, int64_t value, tg_error_t *err)
{
    char text[24];
    (void)snprintf(text, sizeof text, "%" PRId64, value);
    return tg_kafka_conf_set(conf, name, text, err);
}

tg_status_t
tg_kafka_conf_set_all(rd_kafka_conf_t *conf, const tg_kafka_setting_t *settings, size_t n_settings,
                      tg_error_t *err)
{
    for (size_t i = 0; i < n_settings; i++) {
        TG_TRY(tg_kafka_conf_set(conf, settings[i].name, settings[i].value, err));
    }
    return TG_OK;
}

bool
tg_kafka_conf_try(rd_kafka_conf_t *conf, const char *name, const char *value)
{
    return rd_kafka_conf_set(conf, name, value, NULL, 0) == RD_KAFKA_CONF_OK;
}

tg_status_t
tg_kafka_conf_new(const tg_kafka_client_options_t *options, tg_kafka_link_t *link,
                  rd_kafka_conf_t **ret_conf, tg_error_t *err)
{
    if (options->bootstrap_servers == NULL || options->bootstrap_servers[0] == '\0') {
        return tg_error_set(err, TG_ERR_CONFIG,
                            "kafka.bootstrap_servers is empty; name at least one broker, such as "
                            "\"127.0.0.1:9092\"");
    }
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    tg_status_t status =
        tg_kafka_conf_set_all(conf, shared_settings, TG_COUNT_OF(shared_settings), err);
    if (status == TG_OK) {
        status = tg_kafka_conf_set(conf, "bootstrap.servers", options->bootstrap_servers, err);
    }
    if (status == TG_OK && options->client_id != NULL) {
        status = tg_kafka_conf_set(conf, "client.id", options->client_id, err);
    }
    if (status != TG_OK) {
        rd_kafka_conf_destroy(conf);
        return status;
    }
    rd_kafka_conf_set_opaque(conf, link);
    rd_kafka_conf_set_log_cb(conf, log_line);
    rd_kafka_conf_set_error_cb(conf, pass_error);
    *ret_conf = conf;
    return TG_OK;
}

/* --- the user's properties --- */

static const char *
why_fixed(const char *name)
{
    for (size_t i = 0; i < TG_COUNT_OF(fixed_properties); i++) {
        if (strcmp(name, fixed_properties[i].name) == 0) {
            return fixed_properties[i].why;
        }
    }
    return NULL;
}

/* librdkafka quotes a value that it rejects. */
static bool
may_be_secret(const char *name)
{
    static const char *const parts[] = {"password", "secret",      ".key",    ".pem",
                                        "jaas",     "oauthbearer", "username"};
    for (size_t i = 0; i < TG_COUNT_OF(parts); i++) {
        if (strstr(name, parts[i]) != NULL) {
            return true;
        }
    }
    return false;
}

/* "security.protocol" as it is written in the configuration file. */
static void
key_of(const char *name, char *ret_key, size_t n_bytes)
{
    int n_prefix = snprintf(ret_key, n_bytes, "kafka.properties.");
    size_t i = (size_t)n_prefix;
    for (; *name != '\0' && i + 1 < n_bytes; name++, i++) {
        ret_key[i] = *name;
        if (*name == '.') {
            ret_key[i] = '_';
        }
    }
    ret_key[i] = '\0';
}

static tg_status_t
set_user_property(rd_kafka_conf_t *conf, const tg_kafka_property_t *property, tg_error_t *err)
{
    char key[160];
    key_of(property->name, key, sizeof key);
    const char *why = why_fixed(property->name);
    if (why != NULL) {
        return tg_error_set(err, TG_ERR_CONFIG, "%s cannot be set: %s", key, why);
    }
    char reason[TG_KAFKA_DETAIL_BYTES];
    switch (rd_kafka_conf_set(conf, property->name, property->value, reason, sizeof reason)) {
    case RD_KAFKA_CONF_OK:
        return TG_OK;
    case RD_KAFKA_CONF_UNKNOWN:
        return tg_error_set(err, TG_ERR_CONFIG,
                            "%s: librdkafka %s has no property \"%s\"; see its CONFIGURATION.md",
                            key, rd_kafka_version_str(), property->name);
    case RD_KAFKA_CONF_INVALID:
    default:
        return tg_error_set(err, TG_ERR_CONFIG, "%s: %s", key,
                            may_be_secret(property->name) ? "the value is not accepted" : reason);
    }
}

tg_status_t
tg_kafka_conf_set_user(rd_kafka_conf_t *conf, const tg_kafka_client_options_t *options,
                       tg_error_t *err)
{
    for (size_t i = 0; i < options->n_properties; i++) {
        TG_TRY(set_user_property(conf, &options->properties[i], err));
    }
    return TG_OK;
}

tg_status_t
tg_kafka_handle_new(rd_kafka_type_t type, rd_kafka_conf_t *conf, rd_kafka_t **ret_rk,
                    tg_error_t *err)
{
    char reason[TG_KAFKA_DETAIL_BYTES];
    rd_kafka_t *rk = rd_kafka_new(type, conf, reason, sizeof reason);
    if (rk == NULL) {
        bool system = rd_kafka_last_error() == RD_KAFKA_RESP_ERR__CRIT_SYS_RESOURCE;
        rd_kafka_conf_destroy(conf);
        return tg_error_set(
            err, system ? TG_ERR_NO_MEMORY : TG_ERR_CONFIG, "cannot make a Kafka client: %s (%s)",
            reason, system ? "raise the limits on threads and memory" : "check kafka.properties");
    }
    *ret_rk = rk;
    return TG_OK;
}

/* --- what a code means --- */

static const struct meaning {
    rd_kafka_resp_err_t code;
    tg_status_t status;
    const char *advice;
} meanings[] = {
    {RD_KAFKA_RESP_ERR__TIMED_OUT, TG_ERR_TIMEOUT, ""},
    {RD_KAFKA_RESP_ERR__TIMED_OUT_QUEUE, TG_ERR_TIMEOUT, ""},
    {RD_KAFKA_RESP_ERR__MSG_TIMED_OUT, TG_ERR_TIMEOUT, ""},
    {RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT, TG_ERR_TIMEOUT, ""},
    {RD_KAFKA_RESP_ERR__QUEUE_FULL, TG_ERR_FULL, ""},
    {RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN, TG_ERR_UNAVAILABLE,
     "check kafka.bootstrap_servers and that the brokers' advertised listeners can be reached from "
     "here"},
    {RD_KAFKA_RESP_ERR__TRANSPORT, TG_ERR_UNAVAILABLE, "check that the broker runs"},
    {RD_KAFKA_RESP_ERR__RESOLVE, TG_ERR_UNAVAILABLE, "check the host name"},
    {RD_KAFKA_RESP_ERR__SSL, TG_ERR_UNAVAILABLE,
     "check kafka.properties: security_protocol, ssl_ca_location, and that the broker's listener "
     "speaks TLS"},
    {RD_KAFKA_RESP_ERR__AUTHENTICATION, TG_ERR_PERMISSION,
     "check kafka.properties: security_protocol, sasl_mechanism, sasl_username, sasl_password"},
    {RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED, TG_ERR_PERMISSION,
     "check kafka.properties: security_protocol, sasl_mechanism, sasl_username, sasl_password"},
    {RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, TG_ERR_PERMISSION,
     "grant this user Describe and Read on the topic (and Write on dead-letter topics)"},
    {RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED, TG_ERR_PERMISSION,
     "grant this user Read on the consumer group"},
    {RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED, TG_ERR_PERMISSION,
     "grant this user Create and IdempotentWrite on the cluster, or create the topic by hand"},
    {RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED, TG_ERR_PERMISSION,
     "grant this user Write on the transactional id"},
    {RD_KAFKA_RESP_ERR_POLICY_VIOLATION, TG_ERR_PERMISSION,
     "the cluster's policy forbids it; create the topic by hand"},
    {RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, TG_ERR_MISSING,
     "create the topic, or correct its name"},
    {RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC, TG_ERR_MISSING, "create the topic, or correct its name"},
    {RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION, TG_ERR_MISSING, "the topic has fewer partitions now"},
    {RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION, TG_ERR_CONFIG, "the topic's name is not valid"},
    {RD_KAFKA_RESP_ERR_INVALID_PARTITIONS, TG_ERR_CONFIG, ""},
    {RD_KAFKA_RESP_ERR_INVALID_REPLICATION_FACTOR, TG_ERR_CONFIG,
     "the cluster has fewer brokers than the replication factor asks for"},
    {RD_KAFKA_RESP_ERR__INVALID_ARG, TG_ERR_CONFIG, ""},
    {RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, TG_ERR_TOO_LARGE,
     "raise max.message.bytes of the topic to keep such records"},
    {RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE, TG_ERR_TOO_LARGE, ""},
    {RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION, TG_ERR_FENCED, ""},
    {RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID, TG_ERR_FENCED, ""},
    {RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID, TG_ERR_FENCED,
     "another process has joined with the same instance_id"},
    {RD_KAFKA_RESP_ERR__FENCED, TG_ERR_FENCED, ""},
    {RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE, TG_ERR_MISSING_OFFSETS, ""},
    {RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET, TG_ERR_MISSING_OFFSETS, ""},
    {RD_KAFKA_RESP_ERR__DESTROY, TG_ERR_CANCELLED, ""},
    {RD_KAFKA_RESP_ERR__FATAL, TG_ERR_INTERNAL, ""},
    {RD_KAFKA_RESP_ERR_UNSUPPORTED_VERSION, TG_ERR_UNSUPPORTED, "the broker is too old"},
    {RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE, TG_ERR_UNSUPPORTED, "the broker is too old"},
};

static const struct meaning *
find_meaning(rd_kafka_resp_err_t code)
{
    for (size_t i = 0; i < TG_COUNT_OF(meanings); i++) {
        if (meanings[i].code == code) {
            return &meanings[i];
        }
    }
    return NULL;
}

tg_status_t
tg_kafka_status(rd_kafka_resp_err_t code)
{
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) {
        return TG_OK;
    }
    const struct meaning *meaning = find_meaning(code);
    /* Kafka's codes are mostly about moments (leader election, coordinator load, rebalance). */
    return meaning != NULL ? meaning->status : TG_ERR_UNAVAILABLE;
}

const char *
tg_kafka_advice(rd_kafka_resp_err_t code)
{
    const struct meaning *meaning = find_meaning(code);
    return meaning != NULL ? meaning->advice : "";
}

tg_status_t
tg_kafka_error_set(tg_error_t *err, rd_kafka_resp_err_t code, const char *what, const char *reason)
{
    const char *advice = tg_kafka_advice(code);
    return tg_error_set(err, tg_kafka_status(code), "%s: %s%s%s", what,
                        reason != NULL && reason[0] != '\0' ? reason : rd_kafka_err2str(code),
                        advice[0] != '\0' ? "; " : "", advice);
}

const char *
tg_kafka_library_version(void)
{
    return rd_kafka_version_str();
}
