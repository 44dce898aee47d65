#include <inttypes.h>
#include <stdlib.h>

#include "schema_internal.h"

/* Which named types are already spelled out; one flag per node. */
typedef struct canonical {
    tg_buffer_t *out;
    bool *defined;
} canonical_t;

/* avro-c knows ASCII letters only: every other byte becomes _xx. */
static tg_status_t
put_escaped(tg_buffer_t *out, const char *name)
{
    for (const char *at = name; *at != '\0'; at++) {
        uint8_t byte = (uint8_t)*at;
        if (byte >= 0x80) {
            TG_TRY(tg_buffer_append_format(out, "_%02x", (unsigned)byte));
        } else if (byte == '"' || byte == '\\' || byte < 0x20) {
            TG_TRY(tg_buffer_append_format(out, "\\u%04x", (unsigned)byte));
        } else {
            TG_TRY(tg_buffer_append(out, &byte, 1));
        }
    }
    return TG_OK;
}

static tg_status_t
put_name(tg_buffer_t *out, const char *name)
{
    TG_TRY(tg_buffer_append_text(out, "\""));
    TG_TRY(put_escaped(out, name));
    return tg_buffer_append_text(out, "\"");
}

/* A name in no namespace gets one: avro-c would look for it in the namespace around it. */
static tg_status_t
put_full_name(tg_buffer_t *out, const char *name)
{
    TG_TRY(tg_buffer_append_text(out, strchr(name, '.') == NULL ? "\"__none__." : "\""));
    TG_TRY(put_escaped(out, name));
    return tg_buffer_append_text(out, "\"");
}

static tg_status_t put_node(canonical_t *canonical, const tg_node_t *node);

static tg_status_t
put_fields(canonical_t *canonical, const tg_node_t *node)
{
    TG_TRY(tg_buffer_append_text(canonical->out, ",\"fields\":["));
    for (size_t i = 0; i < node->n_children; i++) {
        TG_TRY(tg_buffer_append_text(canonical->out, i > 0 ? ",{\"name\":" : "{\"name\":"));
        TG_TRY(put_name(canonical->out, node->fields[i].name));
        TG_TRY(tg_buffer_append_text(canonical->out, ",\"type\":"));
        TG_TRY(put_node(canonical, node->fields[i].node));
        TG_TRY(tg_buffer_append_text(canonical->out, "}"));
    }
    return tg_buffer_append_text(canonical->out, "]");
}

static tg_status_t
put_symbols(tg_buffer_t *out, const tg_node_t *node)
{
    TG_TRY(tg_buffer_append_text(out, ",\"symbols\":["));
    for (size_t i = 0; i < node->n_children; i++) {
        TG_TRY(tg_buffer_append_text(out, i > 0 ? "," : ""));
        TG_TRY(put_name(out, node->symbols[i]));
    }
    return tg_buffer_append_text(out, "]");
}

static tg_status_t
put_named(canonical_t *canonical, const tg_node_t *node)
{
    if (canonical->defined[node->index]) {
        return put_full_name(canonical->out, node->name);
    }
    canonical->defined[node->index] = true;
    const char *type = node->kind == TG_NODE_RECORD ? "record"
                       : node->kind == TG_NODE_ENUM ? "enum"
                                                    : "fixed";
    TG_TRY(tg_buffer_append_format(canonical->out, "{\"type\":\"%s\",\"name\":", type));
    TG_TRY(put_full_name(canonical->out, node->name));
    if (node->kind == TG_NODE_RECORD) {
        TG_TRY(put_fields(canonical, node));
    } else if (node->kind == TG_NODE_ENUM) {
        TG_TRY(put_symbols(canonical->out, node));
    } else {
        TG_TRY(tg_buffer_append_format(canonical->out, ",\"size\":%zu", node->size));
    }
    return tg_buffer_append_text(canonical->out, "}");
}

static tg_status_t
put_union(canonical_t *canonical, const tg_node_t *node)
{
    TG_TRY(tg_buffer_append_text(canonical->out, "["));
    for (size_t i = 0; i < node->n_children; i++) {
        TG_TRY(tg_buffer_append_text(canonical->out, i > 0 ? "," : ""));
        TG_TRY(put_node(canonical, node->branches[i]));
    }
    return tg_buffer_append_text(canonical->out, "]");
}

static tg_status_t
put_node(canonical_t *canonical, const tg_node_t *node)
{
    if (node->name != NULL) {
        return put_named(canonical, node);
    }
    if (node->kind == TG_NODE_UNION) {
        return put_union(canonical, node);
    }
    if (node->kind == TG_NODE_ARRAY || node->kind == TG_NODE_MAP) {
        TG_TRY(tg_buffer_append_text(canonical->out, node->kind == TG_NODE_ARRAY
                                                         ? "{\"type\":\"array\",\"items\":"
                                                         : "{\"type\":\"map\",\"values\":"));
        TG_TRY(put_node(canonical, node->branches[0]));
        return tg_buffer_append_text(canonical->out, "}");
    }
    return put_name(canonical->out, tg_node_branch_name(node));
}

tg_status_t
tg_schema_put_canonical(const tg_schema_t *schema, tg_buffer_t *out)
{
    bool *defined = calloc(schema->n_nodes, sizeof *defined);
    if (defined == NULL) {
        return TG_ERR_NO_MEMORY;
    }
    canonical_t canonical = {.out = out, .defined = defined};
    tg_status_t status = put_node(&canonical, schema->root);
    free(defined);
    return status;
}
