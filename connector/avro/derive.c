#include "avro/derive.h"

#include <stdio.h>

#include "derive_internal.h"
#include "flatten_internal.h"

enum {
    MAX_COLUMNS = 1600,        /* PostgreSQL's own */
    MAX_IDENTIFIER_BYTES = 63, /* beyond, the server cuts names, and two may become one */
    MAX_PRECISION = 1000,
};

struct tg_derived_table {
    tg_arena_t *arena; /* holds the table itself too */
    tg_derived_column_t *columns;
    size_t n_columns;
};

static const char *
logical_sql(tg_logical_t logical)
{
    static const char *const types[] = {
        [TG_LOGICAL_NONE] = NULL,
        [TG_LOGICAL_DECIMAL] = "numeric",
        [TG_LOGICAL_BIG_DECIMAL] = "numeric",
        [TG_LOGICAL_UUID] = "uuid",
        [TG_LOGICAL_DATE] = "date",
        [TG_LOGICAL_TIME_MILLIS] = "time without time zone",
        [TG_LOGICAL_TIME_MICROS] = "time without time zone",
        [TG_LOGICAL_TIMESTAMP_MILLIS] = "timestamp with time zone",
        [TG_LOGICAL_TIMESTAMP_MICROS] = "timestamp with time zone",
        [TG_LOGICAL_TIMESTAMP_NANOS] = "timestamp with time zone",
        [TG_LOGICAL_LOCAL_MILLIS] = "timestamp without time zone",
        [TG_LOGICAL_LOCAL_MICROS] = "timestamp without time zone",
        [TG_LOGICAL_LOCAL_NANOS] = "timestamp without time zone",
        [TG_LOGICAL_DURATION] = "interval",
    };
    return types[logical];
}

static const char *
kind_sql(tg_node_kind_t kind)
{
    static const char *const types[] = {
        [TG_NODE_NULL] = "text",    [TG_NODE_BOOLEAN] = "boolean",
        [TG_NODE_INT] = "integer",  [TG_NODE_LONG] = "bigint",
        [TG_NODE_FLOAT] = "real",   [TG_NODE_DOUBLE] = "double precision",
        [TG_NODE_BYTES] = "bytea",  [TG_NODE_STRING] = "text",
        [TG_NODE_RECORD] = "jsonb", [TG_NODE_ENUM] = "text",
        [TG_NODE_ARRAY] = "jsonb",  [TG_NODE_MAP] = "jsonb",
        [TG_NODE_UNION] = "jsonb",  [TG_NODE_FIXED] = "bytea",
    };
    return types[kind];
}

static bool
is_scalar(const tg_node_t *node)
{
    return node->kind != TG_NODE_RECORD && node->kind != TG_NODE_ARRAY &&
           node->kind != TG_NODE_MAP && node->kind != TG_NODE_UNION && node->kind != TG_NODE_NULL;
}

static void
scalar_sql(const tg_node_t *node, const char *suffix, char ret_sql[TG_TYPE_SQL_BYTES])
{
    const char *type = logical_sql(node->logical);
    type = type != NULL ? type : kind_sql(node->kind);
    if (node->logical == TG_LOGICAL_DECIMAL && node->precision <= MAX_PRECISION) {
        (void)snprintf(ret_sql, TG_TYPE_SQL_BYTES, "%s(%d,%d)%s", type, node->precision,
                       node->scale, suffix);
    } else {
        (void)snprintf(ret_sql, TG_TYPE_SQL_BYTES, "%s%s", type, suffix);
    }
}

void
tg_derive_type_sql(const tg_node_t *node, char ret_sql[TG_TYPE_SQL_BYTES])
{
    const tg_node_t *inner = tg_node_nullable(node);
    node = inner != NULL ? inner : node;
    if (node->kind == TG_NODE_ARRAY) {
        const tg_node_t *element = node->branches[0];
        inner = tg_node_nullable(element);
        element = inner != NULL ? inner : element;
        if (is_scalar(element)) {
            scalar_sql(element, "[]", ret_sql);
            return;
        }
    }
    scalar_sql(node, "", ret_sql);
}

static bool
is_time(const tg_node_t *node)
{
    const tg_node_t *inner = tg_node_nullable(node);
    node = inner != NULL ? inner : node;
    switch (node->logical) {
    case TG_LOGICAL_DATE:
    case TG_LOGICAL_TIMESTAMP_MILLIS:
    case TG_LOGICAL_TIMESTAMP_MICROS:
    case TG_LOGICAL_TIMESTAMP_NANOS:
    case TG_LOGICAL_LOCAL_MILLIS:
    case TG_LOGICAL_LOCAL_MICROS:
    case TG_LOGICAL_LOCAL_NANOS:
        return true;
    case TG_LOGICAL_NONE:
        return node->kind == TG_NODE_LONG;
    case TG_LOGICAL_DECIMAL:
    case TG_LOGICAL_BIG_DECIMAL:
    case TG_LOGICAL_UUID:
    case TG_LOGICAL_TIME_MILLIS:
    case TG_LOGICAL_TIME_MICROS:
    case TG_LOGICAL_DURATION:
    default:
        return false;
    }
}

static tg_status_t
add_column(tg_derived_table_t *table, const tg_path_t *path, tg_error_t *err)
{
    if (strlen(path->name) > MAX_IDENTIFIER_BYTES) {
        return tg_error_set(err, TG_ERR_UNSUPPORTED,
                            "field \"%s\": column name \"%s\" is longer than PostgreSQL's %d "
                            "bytes: use nested = \"jsonb\", or an own table",
                            path->dotted, path->name, MAX_IDENTIFIER_BYTES);
    }
    if (table->n_columns == MAX_COLUMNS) {
        return tg_error_set(err, TG_ERR_UNSUPPORTED,
                            "the schema asks for more than PostgreSQL's %d columns", MAX_COLUMNS);
    }
    char sql[TG_TYPE_SQL_BYTES];
    tg_derive_type_sql(path->node, sql);
    const char *type_sql = tg_arena_strdup(table->arena, sql);
    if (type_sql == NULL) {
        return tg_schema_no_room(table->arena, err);
    }
    table->columns[table->n_columns++] = (tg_derived_column_t){
        .name = path->name,
        .aliases = path->aliases.items,
        .n_aliases = path->aliases.n_items,
        .type_sql = type_sql,
        .nullable = path->nullable,
        .is_time = is_time(path->node),
        .doc = path->field != NULL ? path->field->doc : NULL,
    };
    return TG_OK;
}

/* seen: column name -> position of its path. */
static tg_status_t
add_columns(tg_derived_table_t *table, const tg_path_t *paths, size_t n_paths,
            tg_nested_mode_t nested, json_t *seen, tg_error_t *err)
{
    for (size_t i = 0; i < n_paths;) {
        const tg_path_t *path = &paths[i];
        if (path->record != NULL && nested == TG_NESTED_FLATTEN) {
            i++;
            continue;
        }
        const json_t *other = json_object_get(seen, path->name);
        if (other != NULL) {
            return tg_error_set(err, TG_ERR_UNSUPPORTED,
                                "fields \"%s\" and \"%s\" both become column \"%s\": use nested = "
                                "\"jsonb\", or rename one",
                                paths[json_integer_value(other)].dotted, path->dotted, path->name);
        }
        if (json_object_set_new(seen, path->name, json_integer((json_int_t)i)) != 0) {
            return tg_schema_no_room(table->arena, err);
        }
        TG_TRY(add_column(table, path, err));
        i = path->end;
    }
    return TG_OK;
}

/* The strings of a path are copied where they borrow from the schema (field names are joined into
 * the arena already). */
static tg_status_t
keep_docs(tg_derived_table_t *table, tg_error_t *err)
{
    for (size_t i = 0; i < table->n_columns; i++) {
        tg_derived_column_t *column = &table->columns[i];
        if (column->doc != NULL) {
            column->doc = tg_arena_strdup(table->arena, column->doc);
            if (column->doc == NULL) {
                return tg_schema_no_room(table->arena, err);
            }
        }
    }
    return TG_OK;
}

static tg_status_t
fill_table(tg_derived_table_t *table, const tg_schema_t *schema, tg_nested_mode_t nested,
           tg_error_t *err)
{
    tg_path_t *paths = NULL;
    size_t n_paths = 0;
    TG_TRY(tg_flatten(schema, table->arena, &paths, &n_paths, err));
    table->columns = tg_arena_calloc(table->arena, MAX_COLUMNS, sizeof *table->columns);
    json_t *seen = json_object();
    tg_status_t status = TG_ERR_NO_MEMORY;
    if (table->columns != NULL && seen != NULL) {
        status = add_columns(table, paths, n_paths, nested, seen, err);
    } else {
        status = tg_schema_no_room(table->arena, err);
    }
    json_decref(seen);
    TG_TRY(status);
    return keep_docs(table, err);
}

tg_status_t
tg_derive_table(const tg_schema_t *schema, tg_nested_mode_t nested, tg_derived_table_t **ret_table,
                tg_error_t *err)
{
    TG_CLEANUP(tg_arena_freep) tg_arena_t *arena = tg_arena_new(TG_SCHEMA_MAX_ARENA_BYTES);
    tg_derived_table_t *table = arena != NULL ? tg_arena_calloc(arena, 1, sizeof *table) : NULL;
    if (table == NULL) {
        return tg_error_set(err, TG_ERR_NO_MEMORY, "deriving a table: no memory");
    }
    table->arena = arena;
    TG_TRY(fill_table(table, schema, nested, err));
    arena = NULL; /* the table's own now */
    *ret_table = table;
    return TG_OK;
}

void
tg_derived_table_free(tg_derived_table_t *table)
{
    if (table != NULL) {
        tg_arena_free(table->arena);
    }
}

size_t
tg_derived_table_n_columns(const tg_derived_table_t *table)
{
    return table->n_columns;
}

const tg_derived_column_t *
tg_derived_table_column(const tg_derived_table_t *table, size_t index)
{
    return index < table->n_columns ? &table->columns[index] : NULL;
}
