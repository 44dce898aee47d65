#include "read_internal.h"

static tg_status_t
skip_items(tg_run_t *run, const tg_node_t *node, uint64_t count)
{
    tg_bytes_t key;
    for (uint64_t i = 0; i < count; i++) {
        TG_TRY(node->kind == TG_NODE_MAP ? read_sized(run, TG_SIZE_PREFIXED, &key) : TG_OK);
        TG_TRY(tg_run_skip(run, node->branches[0]));
    }
    return TG_OK;
}

static tg_status_t
skip_blocks(tg_run_t *run, const tg_node_t *node)
{
    size_t item_bytes = node->branches[0]->min_bytes + (node->kind == TG_NODE_MAP ? 1 : 0);
    uint64_t count = 0;
    int64_t n_bytes = -1;
    do {
        TG_TRY(read_block(run, item_bytes, &count, &n_bytes));
        if (n_bytes >= 0) {
            run->at += n_bytes;
        } else {
            TG_TRY(skip_items(run, node, count));
        }
    } while (count > 0);
    return TG_OK;
}

static tg_status_t
skip_record(tg_run_t *run, const tg_node_t *node)
{
    /* Records inside records may multiply without taking any input. */
    if (run->n_free_values == 0) {
        return run_fail(run, TG_ERR_TOO_LARGE, "the record has too many values without content");
    }
    run->n_free_values--;
    for (size_t i = 0; i < node->n_children; i++) {
        TG_TRY(tg_run_skip(run, node->fields[i].node));
    }
    return TG_OK;
}

static tg_status_t
skip_nested(tg_run_t *run, const tg_node_t *node)
{
    if (node->kind == TG_NODE_RECORD) {
        return skip_record(run, node);
    }
    if (node->kind == TG_NODE_UNION) {
        size_t branch = 0;
        TG_TRY(read_branch(run, node->n_children, &branch));
        return tg_run_skip(run, node->branches[branch]);
    }
    return skip_blocks(run, node);
}

tg_status_t
tg_run_skip(tg_run_t *run, const tg_node_t *node)
{
    tg_bytes_t view;
    int64_t number = 0;
    const char *symbol = NULL;
    switch (node->kind) {
    case TG_NODE_NULL:
        return TG_OK;
    case TG_NODE_BOOLEAN:
        return read_run(run, 1, &view);
    case TG_NODE_INT:
    case TG_NODE_LONG:
        return read_long(run, &number);
    case TG_NODE_FLOAT:
        return read_run(run, 4, &view);
    case TG_NODE_DOUBLE:
        return read_run(run, 8, &view);
    case TG_NODE_BYTES:
    case TG_NODE_STRING:
        return read_sized(run, TG_SIZE_PREFIXED, &view);
    case TG_NODE_FIXED:
        return read_run(run, node->size, &view);
    case TG_NODE_ENUM:
        return read_symbol(run, node, &symbol);
    case TG_NODE_RECORD:
    case TG_NODE_ARRAY:
    case TG_NODE_MAP:
    case TG_NODE_UNION:
    default:
        break;
    }
    if (run->depth >= run->plan->options.max_depth) {
        return run_fail(run, TG_ERR_TOO_LARGE, "the value is nested too deeply");
    }
    run->depth++;
    tg_status_t status = skip_nested(run, node);
    run->depth--;
    return status;
}
