/*
 * What every Kafka client of ours has in common: where the brokers are, and the properties passed
 * through.
 *
 * Promise:   a property that librdkafka rejects is an error that names the configuration key; the
 *            properties that the protocols depend on cannot be overridden (TG_ERR_CONFIG says which
 *            and why); secrets never reach a text; librdkafka's own log lines go to our log
 * Threads:   a value; any
 */
#ifndef TG_KAFKA_CLIENT_H
#define TG_KAFKA_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/log.h"

typedef struct tg_kafka_property {
    const char *name;  /* "security.protocol", with dots */
    const char *value; /* may be secret */
} tg_kafka_property_t;

typedef struct tg_kafka_client_options {
    const char *bootstrap_servers;
    const char *client_id; /* "tidegate-<sink>" */
    const tg_kafka_property_t *properties;
    size_t n_properties;
    tg_log_t *log; /* borrowed */
} tg_kafka_client_options_t;

/* What `tidegate check` wants to know. Waits at most timeout_ms. All any thread. */
typedef struct tg_kafka_topic_info {
    bool exists;
    int32_t n_partitions;
} tg_kafka_topic_info_t;

/* Connects, asks for metadata, describes each topic (a name that begins with '^' is matched as a
 * regular expression and exists when at least one topic matches). ret_infos has n_topics entries.
 * *ret_n_brokers. */
tg_status_t tg_kafka_probe(const tg_kafka_client_options_t *options, const char *const *topics,
                           size_t n_topics, int64_t timeout_ms, tg_kafka_topic_info_t *ret_infos,
                           int *ret_n_brokers, tg_error_t *err) TG_MUST_CHECK;

/* librdkafka's version, for `tidegate version`. */
const char *tg_kafka_library_version(void);

#endif
