/*
 * The one table of what can be configured.
 *
 * It drives parsing, defaults, limits, environment names, the dump, the reload check and
 * REFERENCE.md; rules between keys are in config_rules.c.
 *
 * Words:     path "sinks[].batch.max_rows"; [] is an element of a list
 *            owner the struct that the value is written into, and offset where in it
 */
#ifndef TG_CONFIG_KEYS_INTERNAL_H
#define TG_CONFIG_KEYS_INTERNAL_H

#include "config/config.h"

typedef enum tg_config_type {
    TG_CONFIG_STRING,    /* const char *; limits are bytes */
    TG_CONFIG_INT,       /* int64_t */
    TG_CONFIG_BOOL,      /* bool */
    TG_CONFIG_SIZE,      /* int64_t bytes: an integer or "8MiB" */
    TG_CONFIG_DURATION,  /* int64_t milliseconds: an integer or "5s" */
    TG_CONFIG_ENUM,      /* an enum by its choices */
    TG_CONFIG_LIST,      /* tg_config_list_t of strings; limits are per string */
    TG_CONFIG_LIST_OF_1, /* a string that is stored as a tg_config_list_t */
    TG_CONFIG_PROPERTIES /* tg_config_t.kafka.properties */
} tg_config_type_t;

typedef enum tg_config_owner {
    TG_CONFIG_OF_ROOT, /* tg_config_t */
    TG_CONFIG_OF_SINK, /* tg_sink_config_t */
    TG_CONFIG_OF_ROUTE /* tg_route_config_t */
} tg_config_owner_t;

typedef enum tg_config_secrecy {
    TG_CONFIG_PUBLIC,
    TG_CONFIG_SECRET,        /* the whole value */
    TG_CONFIG_SECRET_IN_URL, /* passwords in it */
    TG_CONFIG_SECRET_BY_NAME /* properties whose name says so */
} tg_config_secrecy_t;

typedef struct tg_config_choice {
    const char *text;
    int value;
} tg_config_choice_t;

enum { TG_CONFIG_MAX_CHOICES = 6 };

typedef struct tg_config_key {
    const char *path;
    tg_config_type_t type;
    tg_config_owner_t owner;
    size_t offset;
    const char *unit;     /* "rows"; NULL: the type says it, or none */
    const char *fallback; /* the default as in the file, without quotes; NULL: not set */
    const char *derived;  /* in words, when the default comes from other keys; NULL: fallback */
    int64_t min;
    int64_t max;
    tg_config_choice_t choices[TG_CONFIG_MAX_CHOICES]; /* up to the first without text */
    bool required;
    bool reloadable;
    tg_config_secrecy_t secrecy;
    const char *example; /* as in the file; shown when the key is missing or of the wrong type */
    const char *doc;     /* one sentence */
} tg_config_key_t;

/* In the order of the reference and the dump: an owner's keys are together, and so are a group's.
 */
extern const tg_config_key_t tg_config_keys[];
extern const size_t tg_config_n_keys;

/* The prefix of an owner's paths: "", "sinks[].", "sinks[].routes[]." */
const char *tg_config_owner_prefix(tg_config_owner_t owner);

/* The key's path inside its owner: "batch.max_rows". */
const char *tg_config_key_name(const tg_config_key_t *key);

/* What follows the last dot: "max_rows". */
const char *tg_config_key_leaf(const tg_config_key_t *key);

/* NULL: no such key. */
const tg_config_key_t *tg_config_keys_find(const char *path);

typedef enum tg_config_container {
    TG_CONFIG_NO_CONTAINER,
    TG_CONFIG_GROUP,
    TG_CONFIG_GROUPS
} tg_config_container_t;

/* Whether the path is a group ("kafka"), a list of groups ("sinks"), or neither. */
tg_config_container_t tg_config_keys_container(const char *path);

#endif
