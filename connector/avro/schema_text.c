#include <stdlib.h>

#include "schema_internal.h"

typedef struct canonical {
    tg_buffer_t *out;
    bool *defined;      /* per node: its definition has been written */
    tg_status_t status; /* the first failure; nothing is written after it */
} canonical_t;

static void
put(canonical_t *canonical, const char *text, size_t n_bytes)
{
    if (canonical->status == TG_OK) {
        canonical->status = tg_buffer_append(canonical->out, text, n_bytes);
    }
}

static void
put_text(canonical_t *canonical, const char *text)
{
    put(canonical, text, strlen(text));
}

/* avro-c knows ASCII letters only: every other byte becomes _xx. */
static void
put_escaped(canonical_t *canonical, const char *name)
{
    static const char hex[] = "0123456789abcdef";
    for (const char *at = name; *at != '\0'; at++) {
        uint8_t byte = (uint8_t)*at;
        char low = hex[byte & 15];
        char high = hex[byte >> 4];
        if (byte >= 0x80) {
            put(canonical, (const char[]){'_', high, low}, 3);
        } else if (byte == '"' || byte == '\\' || byte < 0x20) {
            put(canonical, (const char[]){'\\', 'u', '0', '0', high, low}, 6);
        } else {
            put(canonical, at, 1);
        }
    }
}

static void
put_name(canonical_t *canonical, const char *name)
{
    put_text(canonical, "\"");
    put_escaped(canonical, name);
    put_text(canonical, "\"");
}

/* A name in no namespace gets one: avro-c would look for it in the namespace around it. */
static void
put_full_name(canonical_t *canonical, const char *name)
{
    put_text(canonical, strchr(name, '.') == NULL ? "\"__none__." : "\"");
    put_escaped(canonical, name);
    put_text(canonical, "\"");
}

static void put_node(canonical_t *canonical, const tg_node_t *node);

static void
put_fields(canonical_t *canonical, const tg_node_t *node)
{
    put_text(canonical, ",\"fields\":[");
    for (size_t i = 0; i < node->n_children; i++) {
        put_text(canonical, i > 0 ? ",{\"name\":" : "{\"name\":");
        put_name(canonical, node->fields[i].name);
        put_text(canonical, ",\"type\":");
        put_node(canonical, node->fields[i].node);
        put_text(canonical, "}");
    }
    put_text(canonical, "]");
}

static void
put_symbols(canonical_t *canonical, const tg_node_t *node)
{
    put_text(canonical, ",\"symbols\":[");
    for (size_t i = 0; i < node->n_children; i++) {
        put_text(canonical, i > 0 ? "," : "");
        put_name(canonical, node->symbols[i]);
    }
    put_text(canonical, "]");
}

static void
put_size(canonical_t *canonical, const tg_node_t *node)
{
    if (canonical->status == TG_OK) {
        canonical->status = tg_buffer_append_format(canonical->out, ",\"size\":%zu", node->size);
    }
}

static void
put_named(canonical_t *canonical, const tg_node_t *node)
{
    if (canonical->defined[node->index]) {
        put_full_name(canonical, node->name);
        return;
    }
    canonical->defined[node->index] = true;
    put_text(canonical, node->kind == TG_NODE_RECORD ? "{\"type\":\"record\",\"name\":"
                        : node->kind == TG_NODE_ENUM ? "{\"type\":\"enum\",\"name\":"
                                                     : "{\"type\":\"fixed\",\"name\":");
    put_full_name(canonical, node->name);
    if (node->kind == TG_NODE_RECORD) {
        put_fields(canonical, node);
    } else if (node->kind == TG_NODE_ENUM) {
        put_symbols(canonical, node);
    } else {
        put_size(canonical, node);
    }
    put_text(canonical, "}");
}

static void
put_union(canonical_t *canonical, const tg_node_t *node)
{
    put_text(canonical, "[");
    for (size_t i = 0; i < node->n_children; i++) {
        put_text(canonical, i > 0 ? "," : "");
        put_node(canonical, node->branches[i]);
    }
    put_text(canonical, "]");
}

static void
put_node(canonical_t *canonical, const tg_node_t *node)
{
    if (node->name != NULL) {
        put_named(canonical, node);
    } else if (node->kind == TG_NODE_UNION) {
        put_union(canonical, node);
    } else if (node->kind == TG_NODE_ARRAY || node->kind == TG_NODE_MAP) {
        put_text(canonical, node->kind == TG_NODE_ARRAY ? "{\"type\":\"array\",\"items\":"
                                                        : "{\"type\":\"map\",\"values\":");
        put_node(canonical, node->branches[0]);
        put_text(canonical, "}");
    } else {
        put_name(canonical, tg_node_branch_name(node));
    }
}

tg_status_t
tg_schema_put_canonical(const tg_schema_t *schema, tg_buffer_t *out)
{
    bool *defined = calloc(schema->n_nodes, sizeof *defined);
    if (defined == NULL) {
        return TG_ERR_NO_MEMORY;
    }
    canonical_t canonical = {.out = out, .defined = defined, .status = TG_OK};
    put_node(&canonical, schema->root);
    free(defined);
    return canonical.status;
}
