/*
 * The configuration: one immutable snapshot, made from a file, the environment and secret files.
 *
 * Flow:      file + TIDEGATE_* + ${env:..} and ${file:..} -> key table -> [config] -> runtime
 * Promise:   every key is declared once, in config_keys.c; all mistakes are reported at once, each
 *            with file, line, key, what is wrong and what would be right; secrets are never shown
 * Ownership: _load gives owned; everything inside is borrowed from it
 * Threads:   immutable, any
 */
#ifndef TG_CONFIG_CONFIG_H
#define TG_CONFIG_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/log.h"

typedef struct tg_config_pair {
    const char *name; /* dots, as librdkafka has them */
    const char *value;
} tg_config_pair_t;

typedef struct tg_config_list {
    const char *const *items;
    size_t n_items;
} tg_config_list_t;

typedef enum tg_start_offset {
    TG_START_EARLIEST,
    TG_START_LATEST,
    TG_START_COMMITTED
} tg_start_offset_t;

typedef enum tg_tolerance {
    TG_TOLERANCE_NONE, /* a bad record stops its lane */
    TG_TOLERANCE_ALL   /* it goes to the dead-letter topic, or is counted without one */
} tg_tolerance_t;

typedef enum tg_write_mode { TG_MODE_APPEND } tg_write_mode_t;

typedef enum tg_nested { TG_CONFIG_NESTED_FLATTEN, TG_CONFIG_NESTED_JSONB } tg_nested_t;

/* Whether COPY is compressed on the way into a columnstore hypertable. */
typedef enum tg_direct_compress {
    TG_DIRECT_COMPRESS_AUTO, /* where the server can, and the batch would fill compressed batches */
    TG_DIRECT_COMPRESS_ON,   /* where the server can */
    TG_DIRECT_COMPRESS_OFF
} tg_direct_compress_t;

typedef enum tg_nul_policy { TG_NUL_DEAD_LETTER, TG_NUL_STRIP } tg_nul_policy_t;

typedef struct tg_route_config {
    const char *topic; /* exact, or a regular expression that begins with '^' */
    const char *table; /* "schema.table"; may say ${topic} and, for expressions, $1 .. $9 */
    tg_write_mode_t mode;
    bool create;
    bool evolve;                /* add columns when a schema gains fields */
    const char *time_column;    /* NULL: the schema says, or its first timestamp */
    const char *chunk_interval; /* "1 day" */
    tg_config_list_t segment_by;
    tg_nested_t nested;
    tg_direct_compress_t direct_compress;
    int line; /* for messages */
} tg_route_config_t;

typedef struct tg_sink_config {
    const char *name;
    const char *group;       /* "connect-<name>" unless given */
    const char *instance_id; /* NULL: dynamic membership */
    tg_config_list_t topics;
    int64_t writers;
    tg_start_offset_t start;
    int64_t session_timeout_ms;
    int64_t revoke_timeout_ms;
    const char *fixed_schema; /* in registry.directory, for records without framing; NULL: framed */
    tg_nul_policy_t nul_policy;

    struct {
        int64_t max_rows;
        int64_t max_bytes;
        int64_t linger_ms;
    } batch;

    struct {
        tg_tolerance_t tolerance;
        const char *dead_letter_topic;          /* NULL: none */
        int64_t dead_letter_replication_factor; /* -1: the broker's default */
        int64_t max_record_bytes;
    } errors;

    struct {
        int64_t fetch_bytes;   /* ceiling on what librdkafka prefetches */
        int64_t encoded_bytes; /* ceiling on encoded rows that wait, all writers */
    } memory;

    const tg_route_config_t *routes;
    size_t n_routes;
} tg_sink_config_t;

typedef struct tg_config {
    const char *name;

    struct {
        tg_log_level_t level;
        tg_log_format_t format;
    } log;

    struct {
        const char *bootstrap_servers;
        const tg_config_pair_t *properties;
        size_t n_properties;
    } kafka;

    struct {
        tg_config_list_t urls; /* from url (one) or urls (several) */
        const char *directory;
        const char *cache_directory;
        const char *username;
        const char *password;
        const char *bearer_token;
        const char *ca_file;
        const char *certificate_file;
        const char *key_file;
        bool verify_host;
        int64_t timeout_ms;
        int64_t negative_ttl_ms;
        int64_t max_entries;
        int64_t max_schema_bytes;
        int64_t max_total_bytes;
    } registry;

    struct {
        const char *url;
        int64_t connect_timeout_ms;
        int64_t statement_timeout_ms; /* one flush, one claim, one DDL */
        int64_t lock_timeout_ms;
    } database;

    struct {
        const char *listen; /* NULL or "": no endpoint */
        int64_t max_connections;
        int64_t idle_timeout_ms;
    } http;

    int64_t shutdown_timeout_ms;
    const tg_sink_config_t *sinks;
    size_t n_sinks;
} tg_config_t;

/* The mistakes found, all of them, in the order of the file. Embedded value; _done frees. */
typedef struct tg_config_problem {
    int line;         /* 0: not of a line (environment, missing key) */
    const char *file; /* "plant.conf", or "environment" */
    const char *key;  /* "sinks[0].batch.max_rows" */
    const char *text; /* what is wrong and what would be right */
} tg_config_problem_t;

typedef struct tg_config_problems tg_config_problems_t;
tg_config_problems_t *tg_config_problems_new(void);
void tg_config_problems_free(tg_config_problems_t *problems);
size_t tg_config_problems_count(const tg_config_problems_t *problems);
const tg_config_problem_t *tg_config_problems_at(const tg_config_problems_t *problems,
                                                 size_t index);

/* Appends a line per problem: "plant.conf:12: sinks[0].writers: 0 is out of range; ...". */
tg_status_t tg_config_problems_format(const tg_config_problems_t *problems,
                                      tg_buffer_t *out) TG_MUST_CHECK;

/* environment: NULL-terminated "NAME=value" strings (environ). TG_ERR_CONFIG: see problems (err has
 * a summary); TG_ERR_IO: the file cannot be read. */
tg_status_t tg_config_load(const char *path, char *const *environment,
                           tg_config_problems_t *problems, tg_config_t **ret_config,
                           tg_error_t *err) TG_MUST_CHECK;
void tg_config_free(tg_config_t *config);
TG_DEFINE_FREEP(tg_config_t, tg_config_free)

/* Where a key was said, for messages ("kafka.properties.ssl_ca_location", "sinks[0].topics[1]"), or
 * the group around it. *ret_line 0: the environment, or nowhere. Borrowed from config. */
void tg_config_where(const tg_config_t *config, const char *key, const char **ret_file,
                     int *ret_line);

/* Appends the whole configuration in libconfig syntax with every default filled in; secrets are
 * "********". */
tg_status_t tg_config_dump(const tg_config_t *config, tg_buffer_t *out) TG_MUST_CHECK;

/* Compares two snapshots: appends one line per key that differs and cannot be reloaded; *ret_n
 * counts them. */
tg_status_t tg_config_reload_check(const tg_config_t *before, const tg_config_t *after,
                                   tg_buffer_t *out, size_t *ret_n) TG_MUST_CHECK;

/* Appends a connection string (postgresql://..., http://..., or key=value pairs) with its passwords
 * as "********", so that it can be shown. */
tg_status_t tg_config_mask_url(const char *url, tg_buffer_t *out) TG_MUST_CHECK;

/* Appends the reference in Markdown, generated from the key table. */
tg_status_t tg_config_reference(tg_buffer_t *out) TG_MUST_CHECK;

#endif
