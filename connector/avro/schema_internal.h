/*
 * The node model behind tg_schema_t: one node per use of a type, named types shared by pointer.
 *
 * Ownership: everything lives in the schema's arena and dies with its last reference
 * Invariant: immutable after tg_schema_new; depth and number of nodes are bounded; a record never
 *            contains itself except through a union, an array or a map
 */
#ifndef TG_AVRO_SCHEMA_INTERNAL_H
#define TG_AVRO_SCHEMA_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "avro/schema.h"
#include "base/arena.h"
#include "base/buffer.h"

enum {
    TG_SCHEMA_MAX_TEXT_BYTES = 1 << 20,
    TG_SCHEMA_MAX_DEPTH = 64,
    TG_SCHEMA_MAX_NODES = 20000,
    TG_SCHEMA_MAX_REFERENCES = 1000,
    TG_SCHEMA_MAX_ARENA_BYTES = 64 << 20, /* of a schema, a derived table, a plan */
    /* Fields met while a record is flattened; nested reuse of named types multiplies them. */
    TG_SCHEMA_MAX_FLATTENED = 20000,
};

typedef enum tg_node_kind {
    TG_NODE_NULL,
    TG_NODE_BOOLEAN,
    TG_NODE_INT,
    TG_NODE_LONG,
    TG_NODE_FLOAT,
    TG_NODE_DOUBLE,
    TG_NODE_BYTES,
    TG_NODE_STRING,
    TG_NODE_RECORD,
    TG_NODE_ENUM,
    TG_NODE_ARRAY,
    TG_NODE_MAP,
    TG_NODE_UNION,
    TG_NODE_FIXED,
} tg_node_kind_t;

typedef enum tg_logical {
    TG_LOGICAL_NONE,
    TG_LOGICAL_DECIMAL,
    TG_LOGICAL_BIG_DECIMAL,
    TG_LOGICAL_UUID,
    TG_LOGICAL_DATE,
    TG_LOGICAL_TIME_MILLIS,
    TG_LOGICAL_TIME_MICROS,
    TG_LOGICAL_TIMESTAMP_MILLIS,
    TG_LOGICAL_TIMESTAMP_MICROS,
    TG_LOGICAL_TIMESTAMP_NANOS,
    TG_LOGICAL_LOCAL_MILLIS,
    TG_LOGICAL_LOCAL_MICROS,
    TG_LOGICAL_LOCAL_NANOS,
    TG_LOGICAL_DURATION,
} tg_logical_t;

typedef struct tg_node tg_node_t;

/* A string attribute that the specification does not reserve. */
typedef struct tg_property {
    const char *name;
    const char *value;
} tg_property_t;

typedef struct tg_properties {
    const tg_property_t *items;
    size_t n_items;
} tg_properties_t;

typedef struct tg_names {
    const char *const *items;
    size_t n_items;
} tg_names_t;

typedef struct tg_field {
    const char *name;
    tg_node_t *node;
    tg_names_t aliases;
    const char *default_json; /* NULL: none */
    const char *doc;          /* NULL: none */
    tg_properties_t properties;
} tg_field_t;

struct tg_node {
    tg_node_kind_t kind;
    tg_logical_t logical;
    int precision; /* decimal */
    int scale;
    size_t size;       /* fixed */
    size_t min_bytes;  /* the size of its shortest encoding */
    int depth;         /* levels below and including it, recursion not counted */
    const char *name;  /* full name of record, enum, fixed; else NULL */
    size_t n_children; /* fields, branches; array and map: 1; enum: symbols */
    tg_field_t *fields;
    tg_node_t **branches; /* union; array and map: the one element */
    const char **symbols;
    const char *doc;
    tg_properties_t properties;
    uint32_t index; /* position in the schema's nodes */
    bool tagged;    /* a union whose JSON needs {"branch": value} to tell its branches apart */
};

struct tg_schema {
    _Atomic int n_references;
    tg_arena_t *arena;
    const tg_node_t *root;
    tg_node_t **nodes; /* each once, children before parents except in recursion */
    size_t n_nodes;
};

/* An arena gave nothing: because the schema asks for more than it may, which no later try changes,
 * or because there is no memory now. Never TG_OK. */
tg_status_t tg_schema_no_room(const tg_arena_t *arena, tg_error_t *err);

/* "int", "timestamp-micros long", "array of string": for messages. Writes at most n_bytes. */
void tg_node_describe(const tg_node_t *node, char *ret_text, size_t n_bytes);

/* "int", "array", or the full name: the key of a union branch in JSON. */
const char *tg_node_branch_name(const tg_node_t *node);

/* The branch of a union [null, X] or [X, null] that is not null; NULL: any other node. */
const tg_node_t *tg_node_nullable(const tg_node_t *node);

/* The position of the null branch of a union; -1: none, or not a union. */
int tg_node_null_branch(const tg_node_t *node);

const char *tg_properties_find(tg_properties_t properties, const char *name);

/* schema_parse.c: reads the references, then the text, into the schema's arena. */
tg_status_t tg_schema_parse(tg_schema_t *schema, const char *text, const char *const *references,
                            size_t n_references, tg_error_t *err) TG_MUST_CHECK;

/* schema_attribute.c: what stands beside a type or a field; absent attributes leave *ret as it is.
 */
tg_status_t tg_schema_read_text(tg_schema_t *schema, const json_t *json, const char **ret_text,
                                tg_error_t *err) TG_MUST_CHECK;
tg_status_t tg_schema_read_properties(tg_schema_t *schema, json_t *json,
                                      tg_properties_t *ret_properties,
                                      tg_error_t *err) TG_MUST_CHECK;
tg_status_t tg_schema_read_aliases(tg_schema_t *schema, const json_t *json, tg_names_t *ret_names,
                                   tg_error_t *err) TG_MUST_CHECK;
tg_status_t tg_schema_read_default(tg_schema_t *schema, const json_t *json, const char **ret_text,
                                   tg_error_t *err) TG_MUST_CHECK;

/* schema_logical.c: sets logical, precision and scale of a node from its JSON; an unknown or
 * invalid logical type leaves TG_LOGICAL_NONE, as the specification says. */
void tg_schema_read_logical(tg_node_t *node, const json_t *json);

/* schema_check.c: what only the whole shows: recursion without end, smallest sizes. */
tg_status_t tg_schema_check(tg_schema_t *schema, tg_error_t *err) TG_MUST_CHECK;

/* schema_text.c: one self-contained document with every name spelled out, each type defined where
 * it is first used, and nothing that avro-c does not need. */
tg_status_t tg_schema_put_canonical(const tg_schema_t *schema, tg_buffer_t *out) TG_MUST_CHECK;

#endif
