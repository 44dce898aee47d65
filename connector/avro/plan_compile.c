#include <stdlib.h>

#include "flatten_internal.h"
#include "plan_internal.h"

typedef struct compiler {
    tg_decode_plan_t *plan;
    const tg_plan_column_t *columns;
    tg_match_t match;
    size_t next_column; /* in order: the next that the row needs */
    bool *begun;        /* per column: there are steps for it */
    size_t barrier;     /* steps before this one are jumped to, and not merged into */
    tg_error_t *err;
} compiler_t;

/* What a value is written for: a column, or an element of its array. */
typedef struct target {
    const tg_path_t *path;
    uint32_t column;
    uint32_t type_oid;
    bool not_null;
} target_t;

static tg_status_t
no_memory(compiler_t *compiler)
{
    return tg_schema_no_room(compiler->plan->arena, compiler->err);
}

tg_status_t
tg_plan_emit(tg_decode_plan_t *plan, tg_step_t step, uint32_t *ret_index, tg_error_t *err)
{
    if (plan->n_steps == plan->steps_capacity) {
        size_t capacity = plan->steps_capacity == 0 ? 32 : plan->steps_capacity * 2;
        tg_step_t *steps = realloc(plan->steps, capacity * sizeof *steps);
        if (steps == NULL) {
            return tg_error_set(err, TG_ERR_NO_MEMORY, "decode plan: no memory");
        }
        plan->steps = steps;
        plan->steps_capacity = capacity;
    }
    if (ret_index != NULL) {
        *ret_index = (uint32_t)plan->n_steps;
    }
    if (step.op != TG_OP_NULLABLE) {
        step.value_op = step.op;
    }
    plan->steps[plan->n_steps++] = step;
    return TG_OK;
}

static tg_status_t
emit(compiler_t *compiler, tg_step_t step)
{
    return tg_plan_emit(compiler->plan, step, NULL, compiler->err);
}

/* The next step can be reached by a jump. */
static uint32_t
place_label(compiler_t *compiler)
{
    compiler->barrier = compiler->plan->n_steps;
    return (uint32_t)compiler->plan->n_steps;
}

/* A column without a field: its default, else NULL. */
static size_t
constant_bytes(const tg_plan_column_t *column)
{
    return 4 + (column->default_value != NULL ? column->default_value->n_bytes : 0);
}

static uint8_t *
put_constant(uint8_t *out, const tg_plan_column_t *column)
{
    if (column->default_value == NULL) {
        return put_null(out);
    }
    out = put_u32(out, (uint32_t)column->default_value->n_bytes);
    return put_bytes(out, column->default_value->data, column->default_value->n_bytes);
}

/* Columns [first, end) have no field: one step for all of them. */
static tg_status_t
emit_constants(compiler_t *compiler, size_t first, size_t end)
{
    size_t n_bytes = 0;
    for (size_t i = first; i < end; i++) {
        n_bytes += constant_bytes(&compiler->columns[i]);
    }
    if (first == end) {
        return TG_OK;
    }
    if (n_bytes > compiler->plan->options.max_row_bytes) {
        return tg_error_set(compiler->err, TG_ERR_MISMATCH,
                            "column \"%s\": its default is larger than a row may be",
                            compiler->columns[first].name);
    }
    uint8_t *bytes = tg_arena_calloc(compiler->plan->arena, n_bytes + TG_COPY_PIECE, 1);
    if (bytes == NULL) {
        return no_memory(compiler);
    }
    uint8_t *out = bytes;
    for (size_t i = first; i < end; i++) {
        out = put_constant(out, &compiler->columns[i]);
    }
    return emit(compiler, (tg_step_t){.op = TG_OP_CONST,
                                      .column = (uint32_t)first,
                                      .n = (uint32_t)n_bytes,
                                      .bytes = bytes});
}

/* Before the value of a column: what the row has before it, or where it will be fetched from. */
static tg_status_t
begin_column(compiler_t *compiler, uint32_t column)
{
    compiler->begun[column] = true;
    if (!compiler->plan->in_order) {
        return emit(compiler, (tg_step_t){.op = TG_OP_SLOT, .column = column});
    }
    TG_TRY(emit_constants(compiler, compiler->next_column, column));
    compiler->next_column = column + 1;
    return TG_OK;
}

/* Symbols as they go into the row, each with room to be copied in whole pieces. */
static tg_status_t
prepare_symbols(compiler_t *compiler, tg_step_t *step)
{
    const tg_node_t *node = step->node;
    tg_symbol_t *symbols =
        tg_arena_calloc(compiler->plan->arena, node->n_children, sizeof *symbols);
    if (symbols == NULL) {
        return no_memory(compiler);
    }
    for (size_t i = 0; i < node->n_children; i++) {
        size_t length = strlen(node->symbols[i]);
        if (step->limit >= 0 && length > (size_t)step->limit) {
            continue;
        }
        uint8_t *bytes = tg_arena_calloc(compiler->plan->arena, 4 + length + TG_COPY_PIECE, 1);
        if (bytes == NULL) {
            return no_memory(compiler);
        }
        (void)put_bytes(put_u32(bytes, (uint32_t)length), node->symbols[i], length);
        symbols[i] = (tg_symbol_t){.bytes = bytes, .n_bytes = 4 + length};
        step->n = 4 + length > step->n ? (uint32_t)(4 + length) : step->n;
    }
    step->symbols = symbols;
    return TG_OK;
}

static tg_status_t
mismatch(compiler_t *compiler, const target_t *target)
{
    const tg_plan_column_t *column = &compiler->columns[target->column];
    return tg_plan_mismatch(target->path->dotted, target->path->node, column->name,
                            column->type_oid, compiler->err);
}

static tg_status_t emit_value(compiler_t *compiler, const tg_node_t *node, const target_t *target);

/* The element's own steps stand behind the array's, with a jump around them. */
static tg_status_t
emit_array(compiler_t *compiler, tg_step_t step, const target_t *target)
{
    tg_decode_plan_t *plan = compiler->plan;
    uint32_t array = 0;
    uint32_t jump = 0;
    TG_TRY(tg_plan_emit(plan, step, &array, compiler->err));
    TG_TRY(tg_plan_emit(plan, (tg_step_t){.op = TG_OP_JUMP}, &jump, compiler->err));
    uint32_t first = place_label(compiler);
    target_t element = *target;
    element.type_oid = step.type_oid;
    element.not_null = false;
    TG_TRY(emit_value(compiler, step.node->branches[0], &element));
    TG_TRY(emit(compiler, (tg_step_t){.op = TG_OP_END}));
    plan->steps[array].target = first;
    plan->steps[jump].target = place_label(compiler);
    for (size_t i = first; i < plan->n_steps; i++) {
        plan->steps[array].n += (uint32_t)tg_step_bytes(&plan->steps[i]);
    }
    return TG_OK;
}

/* A union of which each branch is written in its own way. */
static tg_status_t
emit_switch(compiler_t *compiler, const tg_node_t *node, const target_t *target)
{
    tg_decode_plan_t *plan = compiler->plan;
    uint32_t first = (uint32_t)plan->n_targets;
    size_t needed = plan->n_targets + node->n_children;
    uint32_t *targets = realloc(plan->targets, needed * sizeof *targets);
    uint32_t *jumps = tg_arena_calloc(plan->arena, node->n_children, sizeof *jumps);
    if (targets != NULL) {
        plan->targets = targets;
    }
    if (targets == NULL || jumps == NULL) {
        return no_memory(compiler);
    }
    plan->n_targets = needed;
    TG_TRY(emit(compiler, (tg_step_t){.op = TG_OP_SWITCH,
                                      .column = target->column,
                                      .target = first,
                                      .n = (uint32_t)node->n_children}));
    for (size_t i = 0; i < node->n_children; i++) {
        plan->targets[first + i] = place_label(compiler);
        TG_TRY(emit_value(compiler, node->branches[i], target));
        TG_TRY(tg_plan_emit(plan, (tg_step_t){.op = TG_OP_JUMP}, &jumps[i], compiler->err));
    }
    uint32_t end = place_label(compiler);
    for (size_t i = 0; i < node->n_children; i++) {
        plan->steps[jumps[i]].target = end;
    }
    return TG_OK;
}

static bool
is_json(uint32_t type_oid)
{
    return type_oid == TG_PG_JSON || type_oid == TG_PG_JSONB;
}

/* Doubles side by side become one step; true: the last step took this one in. */
static bool
joins_doubles(const compiler_t *compiler, const tg_step_t *step)
{
    tg_decode_plan_t *plan = compiler->plan;
    tg_step_t *last = plan->n_steps > compiler->barrier ? &plan->steps[plan->n_steps - 1] : NULL;
    if (step->op != TG_OP_DOUBLES || last == NULL || last->op != TG_OP_DOUBLES) {
        return false;
    }
    last->n++;
    return true;
}

static tg_status_t
emit_value(compiler_t *compiler, const tg_node_t *node, const target_t *target)
{
    const tg_node_t *inner = tg_node_nullable(node);
    if (inner == NULL && node->kind == TG_NODE_UNION && !is_json(target->type_oid)) {
        return emit_switch(compiler, node, target);
    }
    const tg_node_t *value = inner != NULL ? inner : node;
    tg_step_t step;
    uint32_t element_oid = tg_pg_type_element(target->type_oid);
    int32_t type_modifier = compiler->columns[target->column].type_modifier;
    if (value->kind == TG_NODE_ARRAY && element_oid != 0) {
        step = (tg_step_t){.op = TG_OP_ARRAY, .type_oid = element_oid, .node = value};
    } else if (!tg_plan_convert(value, target->type_oid, type_modifier, &step)) {
        return mismatch(compiler, target);
    }
    step.column = target->column;
    step.not_null = target->not_null;
    step.value_op = step.op;
    step.null_branch = tg_node_null_branch(node) == 1 ? 1 : 0;
    if (node == compiler->plan->schema->root && node->kind == TG_NODE_BYTES) {
        step.size = TG_SIZE_REST;
    }
    if (step.op == TG_OP_ENUM) {
        TG_TRY(prepare_symbols(compiler, &step));
    }
    step.op = inner != NULL ? TG_OP_NULLABLE : step.op;
    if (joins_doubles(compiler, &step)) {
        return TG_OK;
    }
    return step.value_op == TG_OP_ARRAY ? emit_array(compiler, step, target) : emit(compiler, step);
}

/* Fields without a column that lie side by side and have a size are passed in one step. */
static tg_status_t
emit_skip(compiler_t *compiler, const tg_node_t *node)
{
    tg_decode_plan_t *plan = compiler->plan;
    tg_step_t step = {.op = TG_OP_SKIP_NODE, .node = node, .size = TG_SIZE_PREFIXED};
    if (node->kind == TG_NODE_NULL) {
        return TG_OK;
    }
    if (node->kind == TG_NODE_INT || node->kind == TG_NODE_LONG) {
        step.op = TG_OP_SKIP_VARINT;
    } else if (node->kind == TG_NODE_STRING || node->kind == TG_NODE_BYTES) {
        step.op = TG_OP_SKIP_SIZED;
        step.size = node == plan->schema->root && node->kind == TG_NODE_BYTES ? TG_SIZE_REST
                                                                              : TG_SIZE_PREFIXED;
    } else if (node->kind == TG_NODE_BOOLEAN || node->kind == TG_NODE_FLOAT ||
               node->kind == TG_NODE_DOUBLE || node->kind == TG_NODE_FIXED) {
        step.op = TG_OP_SKIP_FIXED;
        step.size = (int32_t)node->min_bytes;
        tg_step_t *last =
            plan->n_steps > compiler->barrier ? &plan->steps[plan->n_steps - 1] : NULL;
        if (last != NULL && last->op == TG_OP_SKIP_FIXED && step.size <= INT32_MAX - last->size) {
            last->size += step.size;
            return TG_OK;
        }
    }
    return emit(compiler, step);
}

static tg_status_t
emit_column(compiler_t *compiler, const tg_path_t *path, uint32_t column)
{
    target_t target = {.path = path,
                       .column = column,
                       .type_oid = compiler->columns[column].type_oid,
                       .not_null = compiler->columns[column].not_null};
    compiler->plan->columns[column].node = path->node;
    TG_TRY(begin_column(compiler, column));
    return emit_value(compiler, path->node, &target);
}

static bool
has_column_inside(const compiler_t *compiler, size_t position)
{
    for (size_t i = position + 1; i < compiler->match.paths[position].end; i++) {
        if (compiler->match.column_of[i] >= 0) {
            return true;
        }
    }
    return false;
}

static tg_status_t emit_fields(compiler_t *compiler, size_t first, size_t end);

/* All columns fed by the fields [first, end) are NULL. */
static tg_status_t
emit_nulls(compiler_t *compiler, size_t first, size_t end)
{
    for (size_t i = first; i < end; i++) {
        int32_t column = compiler->match.column_of[i];
        if (column >= 0) {
            TG_TRY(begin_column(compiler, (uint32_t)column));
            TG_TRY(emit(compiler, (tg_step_t){.op = TG_OP_NULL,
                                              .column = (uint32_t)column,
                                              .not_null = compiler->columns[column].not_null}));
        }
    }
    return TG_OK;
}

/* A record that is null makes all its columns NULL. */
static tg_status_t
emit_nullable_record(compiler_t *compiler, size_t position)
{
    tg_decode_plan_t *plan = compiler->plan;
    const tg_path_t *path = &compiler->match.paths[position];
    uint32_t choice = 0;
    uint32_t jump = 0;
    size_t next_column = compiler->next_column;
    tg_step_t step = {.op = TG_OP_NULL_RECORD,
                      .null_branch = tg_node_null_branch(path->node) == 1 ? 1 : 0};
    TG_TRY(tg_plan_emit(plan, step, &choice, compiler->err));
    (void)place_label(compiler);
    TG_TRY(emit_fields(compiler, position + 1, path->end));
    TG_TRY(tg_plan_emit(plan, (tg_step_t){.op = TG_OP_JUMP}, &jump, compiler->err));
    plan->steps[choice].target = place_label(compiler);
    compiler->next_column = next_column;
    TG_TRY(emit_nulls(compiler, position + 1, path->end));
    plan->steps[jump].target = place_label(compiler);
    return TG_OK;
}

static tg_status_t
emit_field(compiler_t *compiler, size_t position)
{
    const tg_path_t *path = &compiler->match.paths[position];
    int32_t column = compiler->match.column_of[position];
    if (column >= 0) {
        return emit_column(compiler, path, (uint32_t)column);
    }
    if (path->record == NULL || !has_column_inside(compiler, position)) {
        return emit_skip(compiler, path->node);
    }
    return path->node == path->record ? emit_fields(compiler, position + 1, path->end)
                                      : emit_nullable_record(compiler, position);
}

static tg_status_t
emit_fields(compiler_t *compiler, size_t first, size_t end)
{
    for (size_t i = first; i < end; i = compiler->match.paths[i].end) {
        TG_TRY(emit_field(compiler, i));
    }
    return TG_OK;
}

/* The row can be written as it is read when the fields' columns only go forward. */
static bool
is_in_order(const compiler_t *compiler)
{
    int32_t last = -1;
    for (size_t i = 0; i < compiler->match.n_paths; i++) {
        int32_t column = compiler->match.column_of[i];
        if (column >= 0 && column < last) {
            return false;
        }
        last = column >= 0 ? column : last;
    }
    return true;
}

static tg_status_t
check_missing(const compiler_t *compiler)
{
    tg_decode_plan_t *plan = compiler->plan;
    for (size_t i = 0; i < compiler->match.n_paths; i++) {
        if (compiler->match.column_of[i] >= 0) {
            plan->columns[compiler->match.column_of[i]].node = compiler->match.paths[i].node;
        }
    }
    for (size_t i = 0; i < plan->n_columns; i++) {
        const tg_plan_column_t *column = &compiler->columns[i];
        if (plan->columns[i].node == NULL && column->default_value == NULL && column->not_null) {
            return tg_error_set(compiler->err, TG_ERR_MISMATCH,
                                "column \"%s\" is NOT NULL and has no default, and the schema has "
                                "no field for it: add the field, or give the column a default",
                                column->name);
        }
    }
    return TG_OK;
}

/* Columns that no field feeds: behind the last one, or in any place when slots are sorted. */
static tg_status_t
emit_rest(compiler_t *compiler)
{
    tg_decode_plan_t *plan = compiler->plan;
    if (plan->in_order) {
        return emit_constants(compiler, compiler->next_column, plan->n_columns);
    }
    for (size_t i = 0; i < plan->n_columns; i++) {
        if (!compiler->begun[i]) {
            TG_TRY(begin_column(compiler, (uint32_t)i));
            TG_TRY(emit_constants(compiler, i, i + 1));
        }
    }
    return TG_OK;
}

tg_status_t
tg_plan_compile(tg_decode_plan_t *plan, const tg_plan_column_t *columns, tg_error_t *err)
{
    compiler_t compiler = {.plan = plan, .columns = columns, .err = err};
    TG_TRY(
        tg_plan_match(plan->schema, columns, plan->n_columns, plan->arena, &compiler.match, err));
    compiler.begun = tg_arena_calloc(plan->arena, plan->n_columns, sizeof(bool));
    if (compiler.begun == NULL) {
        return no_memory(&compiler);
    }
    TG_TRY(check_missing(&compiler));
    plan->in_order = is_in_order(&compiler);
    TG_TRY(emit_fields(&compiler, 0, compiler.match.n_paths));
    TG_TRY(emit_rest(&compiler));
    TG_TRY(emit(&compiler, (tg_step_t){.op = TG_OP_END}));
    tg_plan_choose_steps(plan, tg_plan_has_fast_pext());
    plan->reserve_bytes = 2 + TG_COPY_PIECE;
    for (size_t i = 0; i < plan->n_steps; i++) {
        plan->reserve_bytes += tg_step_bytes(&plan->steps[i]);
    }
    plan->direct_bytes = plan->in_order ? plan->reserve_bytes : SIZE_MAX / 2;
    return TG_OK;
}
