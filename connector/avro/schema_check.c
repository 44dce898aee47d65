#include "schema_internal.h"

/* More than any value needs; sums stay far from overflow. */
#define ENDLESS ((size_t)1 << 40)

/* Chains of mutually recursive records settle within a few rounds; only a schema made to be slow
 * takes more. */
enum { MAX_ROUNDS = 100 };

static size_t
shortest(const tg_node_t *node)
{
    size_t sum = 0;
    switch (node->kind) {
    case TG_NODE_NULL:
        return 0;
    case TG_NODE_FLOAT:
        return 4;
    case TG_NODE_DOUBLE:
        return 8;
    case TG_NODE_FIXED:
        return node->size < ENDLESS ? node->size : ENDLESS - 1;
    case TG_NODE_RECORD:
        for (size_t i = 0; i < node->n_children; i++) {
            sum += node->fields[i].node->min_bytes;
            if (sum >= ENDLESS) {
                return ENDLESS;
            }
        }
        return sum;
    case TG_NODE_UNION:
        sum = ENDLESS;
        for (size_t i = 0; i < node->n_children; i++) {
            size_t branch = node->branches[i]->min_bytes;
            sum = branch < sum ? branch : sum;
        }
        return sum < ENDLESS ? sum + 1 : ENDLESS;
    case TG_NODE_BOOLEAN:
    case TG_NODE_INT:
    case TG_NODE_LONG:
    case TG_NODE_BYTES:
    case TG_NODE_STRING:
    case TG_NODE_ENUM:
    case TG_NODE_ARRAY:
    case TG_NODE_MAP:
    default:
        return 1;
    }
}

/* What a value looks like in JSON. */
typedef enum shape {
    SHAPE_NULL,
    SHAPE_BOOLEAN,
    SHAPE_NUMBER,
    SHAPE_TEXT,
    SHAPE_LIST,
    SHAPE_OBJECT,
} shape_t;

static shape_t
shape_of(const tg_node_t *node)
{
    if (node->logical == TG_LOGICAL_DECIMAL || node->logical == TG_LOGICAL_BIG_DECIMAL) {
        return SHAPE_NUMBER;
    }
    switch (node->kind) {
    case TG_NODE_NULL:
        return SHAPE_NULL;
    case TG_NODE_BOOLEAN:
        return SHAPE_BOOLEAN;
    case TG_NODE_INT:
    case TG_NODE_LONG:
        return node->logical == TG_LOGICAL_NONE ? SHAPE_NUMBER : SHAPE_TEXT;
    case TG_NODE_FLOAT:
    case TG_NODE_DOUBLE:
        return SHAPE_NUMBER;
    case TG_NODE_ARRAY:
        return SHAPE_LIST;
    case TG_NODE_RECORD:
    case TG_NODE_MAP:
        return SHAPE_OBJECT;
    case TG_NODE_BYTES:
    case TG_NODE_STRING:
    case TG_NODE_ENUM:
    case TG_NODE_FIXED:
    case TG_NODE_UNION:
    default:
        return SHAPE_TEXT;
    }
}

static bool
is_ambiguous(const tg_node_t *node)
{
    unsigned seen = 0;
    for (size_t i = 0; node->kind == TG_NODE_UNION && i < node->n_children; i++) {
        unsigned bit = 1U << shape_of(node->branches[i]);
        if ((seen & bit) != 0) {
            return true;
        }
        seen |= bit;
    }
    return false;
}

/* The smallest fixed point: what is still endless then has no finite value. */
tg_status_t
tg_schema_check(tg_schema_t *schema, tg_error_t *err)
{
    for (size_t i = 0; i < schema->n_nodes; i++) {
        schema->nodes[i]->min_bytes = ENDLESS;
        schema->nodes[i]->tagged = is_ambiguous(schema->nodes[i]);
    }
    bool changed = true;
    for (int round = 0; changed; round++) {
        if (round == MAX_ROUNDS) {
            return tg_error_set(err, TG_ERR_TOO_LARGE, "schema: its recursion is too entangled");
        }
        changed = false;
        for (size_t i = 0; i < schema->n_nodes; i++) {
            size_t n_bytes = shortest(schema->nodes[i]);
            changed = changed || n_bytes != schema->nodes[i]->min_bytes;
            schema->nodes[i]->min_bytes = n_bytes;
        }
    }
    for (size_t i = 0; i < schema->n_nodes; i++) {
        if (schema->nodes[i]->min_bytes >= ENDLESS) {
            return tg_error_set(err, TG_ERR_INVALID,
                                "schema: %s contains itself without a union, array or map between",
                                tg_node_branch_name(schema->nodes[i]));
        }
    }
    return TG_OK;
}
