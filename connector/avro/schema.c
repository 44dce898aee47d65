#include "avro/schema.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "avro_c_internal.h"
#include "schema_internal.h"

enum { MAX_CANONICAL_BYTES = 16 << 20 };

static const char *const kind_names[] = {
    [TG_NODE_NULL] = "null",   [TG_NODE_BOOLEAN] = "boolean", [TG_NODE_INT] = "int",
    [TG_NODE_LONG] = "long",   [TG_NODE_FLOAT] = "float",     [TG_NODE_DOUBLE] = "double",
    [TG_NODE_BYTES] = "bytes", [TG_NODE_STRING] = "string",   [TG_NODE_RECORD] = "record",
    [TG_NODE_ENUM] = "enum",   [TG_NODE_ARRAY] = "array",     [TG_NODE_MAP] = "map",
    [TG_NODE_UNION] = "union", [TG_NODE_FIXED] = "fixed",
};

static const char *const logical_names[] = {
    [TG_LOGICAL_NONE] = "",
    [TG_LOGICAL_DECIMAL] = "decimal",
    [TG_LOGICAL_BIG_DECIMAL] = "big-decimal",
    [TG_LOGICAL_UUID] = "uuid",
    [TG_LOGICAL_DATE] = "date",
    [TG_LOGICAL_TIME_MILLIS] = "time-millis",
    [TG_LOGICAL_TIME_MICROS] = "time-micros",
    [TG_LOGICAL_TIMESTAMP_MILLIS] = "timestamp-millis",
    [TG_LOGICAL_TIMESTAMP_MICROS] = "timestamp-micros",
    [TG_LOGICAL_TIMESTAMP_NANOS] = "timestamp-nanos",
    [TG_LOGICAL_LOCAL_MILLIS] = "local-timestamp-millis",
    [TG_LOGICAL_LOCAL_MICROS] = "local-timestamp-micros",
    [TG_LOGICAL_LOCAL_NANOS] = "local-timestamp-nanos",
    [TG_LOGICAL_DURATION] = "duration",
};

tg_status_t
tg_schema_no_room(const tg_arena_t *arena, tg_error_t *err)
{
    if (tg_arena_used_bytes(arena) > TG_SCHEMA_MAX_ARENA_BYTES / 2) {
        (void)tg_error_set(err, TG_ERR_TOO_LARGE, "schema: needs more than %d bytes of memory",
                           TG_SCHEMA_MAX_ARENA_BYTES);
        return TG_ERR_TOO_LARGE;
    }
    (void)tg_error_set(err, TG_ERR_NO_MEMORY, "schema: no memory");
    return TG_ERR_NO_MEMORY;
}

void
tg_node_describe(const tg_node_t *node, char *ret_text, size_t n_bytes)
{
    const tg_node_t *value = tg_node_nullable(node);
    const char *prefix = value != NULL ? "nullable " : "";
    if (value == NULL) {
        value = node;
    }
    if (value->logical == TG_LOGICAL_DECIMAL) {
        (void)snprintf(ret_text, n_bytes, "%sdecimal(%d,%d)", prefix, value->precision,
                       value->scale);
    } else if (value->logical != TG_LOGICAL_NONE) {
        (void)snprintf(ret_text, n_bytes, "%s%s %s", prefix, logical_names[value->logical],
                       kind_names[value->kind]);
    } else if (value->name != NULL) {
        (void)snprintf(ret_text, n_bytes, "%s%s %s", prefix, kind_names[value->kind], value->name);
    } else if (value->kind == TG_NODE_ARRAY || value->kind == TG_NODE_MAP) {
        (void)snprintf(ret_text, n_bytes, "%s%s of %s", prefix, kind_names[value->kind],
                       kind_names[value->branches[0]->kind]);
    } else {
        (void)snprintf(ret_text, n_bytes, "%s%s", prefix, kind_names[value->kind]);
    }
}

const char *
tg_node_branch_name(const tg_node_t *node)
{
    return node->name != NULL ? node->name : kind_names[node->kind];
}

const tg_node_t *
tg_node_nullable(const tg_node_t *node)
{
    if (node->kind != TG_NODE_UNION || node->n_children != 2) {
        return NULL;
    }
    if (node->branches[0]->kind == TG_NODE_NULL) {
        return node->branches[1];
    }
    return node->branches[1]->kind == TG_NODE_NULL ? node->branches[0] : NULL;
}

int
tg_node_null_branch(const tg_node_t *node)
{
    for (size_t i = 0; node->kind == TG_NODE_UNION && i < node->n_children; i++) {
        if (node->branches[i]->kind == TG_NODE_NULL) {
            return (int)i;
        }
    }
    return -1;
}

const char *
tg_properties_find(tg_properties_t properties, const char *name)
{
    for (size_t i = 0; i < properties.n_items; i++) {
        if (strcmp(properties.items[i].name, name) == 0) {
            return properties.items[i].value;
        }
    }
    return NULL;
}

/* avro-c reads the canonical form of our model: a second opinion on structure, names and
 * references. It cannot read the original: it knows neither references to other documents nor
 * {"type": {"type": "string"}} nor letters outside ASCII, and ignores the namespace "". */
static tg_status_t
avro_c_accepts(const tg_schema_t *schema, tg_error_t *err)
{
    tg_buffer_t text;
    tg_buffer_init(&text, MAX_CANONICAL_BYTES);
    tg_status_t status = tg_schema_put_canonical(schema, &text);
    if (status != TG_OK) {
        tg_buffer_done(&text);
        return tg_error_set(err, status == TG_ERR_FULL ? TG_ERR_TOO_LARGE : status,
                            "schema: no room for its canonical form");
    }
    status = tg_avro_c_accepts((const char *)text.data, text.n_bytes, err);
    tg_buffer_done(&text);
    return status;
}

/* A link of avro-c holds a counted reference to the record it stands in, so that a recursive
 * schema is never freed again; such a schema is held to our own rules only. */
static bool
has_recursion(const tg_schema_t *schema)
{
    for (size_t i = 0; i < schema->n_nodes; i++) {
        const tg_node_t *node = schema->nodes[i];
        for (size_t k = 0; k < node->n_children && node->symbols == NULL; k++) {
            const tg_node_t *child =
                node->kind == TG_NODE_RECORD ? node->fields[k].node : node->branches[k];
            if (child->index >= node->index) {
                return true;
            }
        }
    }
    return false;
}

tg_status_t
tg_schema_new(const char *text, const char *const *references, size_t n_references,
              tg_schema_t **ret_schema, tg_error_t *err)
{
    TG_CLEANUP(tg_schema_unrefp) tg_schema_t *schema = calloc(1, sizeof *schema);
    if (schema == NULL) {
        return tg_error_set(err, TG_ERR_NO_MEMORY, "schema: no memory");
    }
    atomic_init(&schema->n_references, 1);
    schema->arena = tg_arena_new(TG_SCHEMA_MAX_ARENA_BYTES);
    if (schema->arena == NULL) {
        return tg_error_set(err, TG_ERR_NO_MEMORY, "schema: no memory");
    }
    TG_TRY(tg_schema_parse(schema, text, references, n_references, err));
    TG_TRY(tg_schema_check(schema, err));
    if (!has_recursion(schema)) {
        TG_TRY(avro_c_accepts(schema, err));
    }
    *ret_schema = TG_STEAL(schema);
    return TG_OK;
}

tg_schema_t *
tg_schema_ref(tg_schema_t *schema)
{
    atomic_fetch_add(&schema->n_references, 1);
    return schema;
}

void
tg_schema_unref(tg_schema_t *schema)
{
    if (schema != NULL && atomic_fetch_sub(&schema->n_references, 1) == 1) {
        tg_arena_free(schema->arena);
        free(schema);
    }
}

const char *
tg_schema_name(const tg_schema_t *schema)
{
    return schema->root->name != NULL ? schema->root->name : "";
}

const char *
tg_schema_property(const tg_schema_t *schema, const char *name)
{
    return schema->root->kind == TG_NODE_RECORD ? tg_properties_find(schema->root->properties, name)
                                                : NULL;
}
