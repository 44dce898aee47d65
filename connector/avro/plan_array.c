#include "read_internal.h"

enum {
    HEADER_BYTES = 12,   /* dimensions, null flag, element type */
    DIMENSION_BYTES = 8, /* length, lower bound */
};

static tg_status_t
put_elements(tg_run_t *run, const tg_step_t *step, uint64_t count, bool *ret_has_null)
{
    const tg_step_t *element = run->plan->steps + step->target;
    for (uint64_t i = 0; i < count; i++) {
        TG_TRY(tg_run_ensure(run, step->n));
        size_t start = (size_t)(run->out - run->buffer->data);
        TG_TRY(tg_run_steps(run, element));
        *ret_has_null |= load_u32(run->buffer->data + start) == UINT32_MAX;
    }
    return TG_OK;
}

static tg_status_t
put_blocks(tg_run_t *run, const tg_step_t *step, uint64_t *ret_n_elements, bool *ret_has_null)
{
    const tg_node_t *node = step->node->branches[0];
    for (;;) {
        uint64_t count = 0;
        int64_t n_bytes = -1;
        TG_TRY(read_block(run, node->min_bytes, &count, &n_bytes));
        if (count == 0) {
            return TG_OK;
        }
        *ret_n_elements += count;
        TG_TRY(put_elements(run, step, count, ret_has_null));
    }
}

/* One dimension from index 1; PostgreSQL's empty array has none. The counts are known only at the
 * end, because Avro writes them block by block. */
tg_status_t
tg_run_array(tg_run_t *run, const tg_step_t *step)
{
    TG_TRY(tg_run_ensure(run, 4 + HEADER_BYTES + DIMENSION_BYTES));
    size_t start = (size_t)(run->out - run->buffer->data);
    run->out += 4 + HEADER_BYTES + DIMENSION_BYTES;
    uint64_t n_elements = 0;
    bool has_null = false;
    TG_TRY(put_blocks(run, step, &n_elements, &has_null));
    if (n_elements == 0) {
        run->out -= DIMENSION_BYTES;
    }
    uint8_t *at = run->buffer->data + start;
    size_t n_bytes = (size_t)(run->out - at) - 4;
    at = put_u32(at, (uint32_t)n_bytes);
    at = put_u32(at, n_elements > 0 ? 1 : 0);
    at = put_u32(at, has_null ? 1 : 0);
    at = put_u32(at, step->type_oid);
    if (n_elements > 0) {
        at = put_u32(at, (uint32_t)n_elements);
        (void)put_u32(at, 1);
    }
    return TG_OK;
}
