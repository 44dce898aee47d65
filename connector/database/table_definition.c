#include "table_definition.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

static const tg_column_definition_t *
find_column(const tg_table_definition_t *definition, const char *name)
{
    for (size_t i = 0; i < definition->n_columns; i++) {
        if (strcmp(definition->columns[i].name, name) == 0) {
            return &definition->columns[i];
        }
    }
    return NULL;
}

static bool
is_integer_type(const char *type_sql)
{
    static const char *const NAMES[] = {"smallint", "integer", "int",  "bigint",
                                        "int2",     "int4",    "int8", "serial"};
    for (size_t i = 0; i < TG_COUNT_OF(NAMES); i++) {
        if (strcasecmp(type_sql, NAMES[i]) == 0) {
            return true;
        }
    }
    return false;
}

static bool
is_time_type(const char *type_sql)
{
    return strncasecmp(type_sql, "timestamp", 9) == 0 || strcasecmp(type_sql, "date") == 0;
}

static bool
is_number(const char *text)
{
    return *text != '\0' && text[strspn(text, "0123456789")] == '\0';
}

/* One type and nothing behind it: a comma only within parentheses, which close. */
static bool
is_type(const char *type_sql)
{
    int depth = 0;
    int n_quotes = 0;
    for (const char *c = type_sql; *c != '\0'; c++) {
        if (!isalnum((unsigned char)*c) && strchr("()[],._ \"", *c) == NULL) {
            return false;
        }
        depth += *c == '(' ? 1 : 0;
        depth -= *c == ')' ? 1 : 0;
        n_quotes += *c == '"' ? 1 : 0;
        if (depth < 0 || (*c == ',' && depth == 0)) {
            return false;
        }
    }
    return *type_sql != '\0' && depth == 0 && n_quotes % 2 == 0;
}

static tg_status_t
check_column(const tg_table_definition_t *definition, const tg_column_definition_t *column,
             tg_error_t *err)
{
    size_t n = strlen(column->name);
    if (n == 0 || n > TG_IDENTIFIER_MAX_BYTES) {
        return tg_error_set(err, TG_ERR_CONFIG,
                            "table %s: the column name \"%s\" must have 1 to %d bytes: map the "
                            "field to a shorter one",
                            definition->name, column->name, (int)TG_IDENTIFIER_MAX_BYTES);
    }
    if (!is_type(column->type_sql)) {
        return tg_error_set(err, TG_ERR_CONFIG, "table %s: \"%s\" is not a type for column \"%s\"",
                            definition->name, column->type_sql, column->name);
    }
    return TG_OK;
}

static tg_status_t
check_time_column(const tg_table_definition_t *definition, tg_error_t *err)
{
    const tg_column_definition_t *column = find_column(definition, definition->time_column);
    const char *interval = definition->chunk_interval;
    if (column == NULL) {
        return tg_error_set(err, TG_ERR_CONFIG,
                            "table %s: time_column \"%s\" is not among its %zu columns",
                            definition->name, definition->time_column, definition->n_columns);
    }
    if (is_integer_type(column->type_sql)) {
        return interval != NULL && is_number(interval)
                   ? TG_OK
                   : tg_error_set(err, TG_ERR_CONFIG,
                                  "table %s: the time column \"%s\" is %s, so chunk_interval must "
                                  "be a whole number of its units (%s for a day in milliseconds), "
                                  "not \"%s\"",
                                  definition->name, column->name, column->type_sql, "86400000",
                                  interval != NULL ? interval : "");
    }
    if (!is_time_type(column->type_sql)) {
        return tg_error_set(
            err, TG_ERR_CONFIG,
            "table %s: the time column \"%s\" is %s: a hypertable needs timestamptz, "
            "timestamp, date or an integer",
            definition->name, column->name, column->type_sql);
    }
    if (interval != NULL && is_number(interval)) {
        return tg_error_set(err, TG_ERR_CONFIG,
                            "table %s: chunk_interval \"%s\" needs a unit, such as \"1 day\"",
                            definition->name, interval);
    }
    return TG_OK;
}

tg_status_t
tg_table_definition_check(const tg_table_definition_t *definition, tg_error_t *err)
{
    if (definition->n_columns == 0) {
        return tg_error_set(err, TG_ERR_CONFIG, "table %s: no columns", definition->name);
    }
    for (size_t i = 0; i < definition->n_columns; i++) {
        TG_TRY(check_column(definition, &definition->columns[i], err));
    }
    for (size_t i = 0; i < definition->n_segment_by; i++) {
        if (find_column(definition, definition->segment_by[i]) == NULL) {
            return tg_error_set(err, TG_ERR_CONFIG,
                                "table %s: segment_by names \"%s\", which is not among its columns",
                                definition->name, definition->segment_by[i]);
        }
    }
    return definition->time_column != NULL ? check_time_column(definition, err) : TG_OK;
}

static bool
is_time_column(const tg_table_definition_t *definition, const tg_column_definition_t *column)
{
    return definition->time_column != NULL && strcmp(definition->time_column, column->name) == 0;
}

static tg_status_t
append_column(const tg_table_definition_t *definition, const tg_column_definition_t *column,
              tg_buffer_t *sql)
{
    TG_TRY(tg_sql_append_identifier(sql, column->name));
    TG_TRY(tg_buffer_append_format(sql, " %s", column->type_sql));
    bool not_null = column->not_null || is_time_column(definition, column);
    return not_null ? tg_buffer_append_text(sql, " NOT NULL") : TG_OK;
}

static tg_status_t
append_table(const tg_table_definition_t *definition, const tg_object_name_t *name,
             tg_buffer_t *sql)
{
    TG_TRY(tg_buffer_append_text(sql, "CREATE TABLE IF NOT EXISTS "));
    TG_TRY(tg_object_name_append(name, sql));
    for (size_t i = 0; i < definition->n_columns; i++) {
        TG_TRY(tg_buffer_append_text(sql, i == 0 ? " (\n    " : ",\n    "));
        TG_TRY(append_column(definition, &definition->columns[i], sql));
    }
    return tg_buffer_append_text(sql, "\n);\n");
}

static tg_status_t
append_comment(const tg_object_name_t *name, const tg_column_definition_t *column, tg_buffer_t *sql)
{
    TG_TRY(tg_buffer_append_text(sql, "COMMENT ON COLUMN "));
    TG_TRY(tg_object_name_append(name, sql));
    TG_TRY(tg_buffer_append_text(sql, "."));
    TG_TRY(tg_sql_append_identifier(sql, column->name));
    TG_TRY(tg_buffer_append_text(sql, " IS "));
    TG_TRY(tg_sql_append_literal(sql, column->comment));
    return tg_buffer_append_text(sql, ";\n");
}

static tg_status_t
append_comments(const tg_table_definition_t *definition, const tg_object_name_t *name,
                tg_buffer_t *sql)
{
    for (size_t i = 0; i < definition->n_columns; i++) {
        if (definition->columns[i].comment != NULL) {
            TG_TRY(append_comment(name, &definition->columns[i], sql));
        }
    }
    return TG_OK;
}

static tg_status_t
append_name_literal(const tg_object_name_t *name, tg_buffer_t *sql)
{
    tg_buffer_t quoted;
    tg_buffer_init(&quoted, 4 * TG_IDENTIFIER_MAX_BYTES + 8);
    tg_status_t status = tg_object_name_append(name, &quoted);
    const char *text = status == TG_OK ? tg_buffer_text(&quoted) : NULL;
    status = text != NULL ? tg_sql_append_literal(sql, text) : TG_ERR_NO_MEMORY;
    tg_buffer_done(&quoted);
    return status;
}

static tg_status_t
append_interval(const char *interval, tg_buffer_t *sql)
{
    if (interval == NULL) {
        return TG_OK;
    }
    TG_TRY(tg_buffer_append_text(sql, ", chunk_time_interval => "));
    TG_TRY(tg_buffer_append_text(sql, is_number(interval) ? "bigint " : "interval "));
    return tg_sql_append_literal(sql, interval);
}

static tg_status_t
append_hypertable(const tg_table_definition_t *definition, const tg_object_name_t *name,
                  const char *timescaledb_schema, tg_buffer_t *sql)
{
    TG_TRY(tg_buffer_append_text(sql, "SELECT "));
    TG_TRY(tg_sql_append_identifier(sql, timescaledb_schema));
    TG_TRY(tg_buffer_append_text(sql, ".create_hypertable("));
    TG_TRY(append_name_literal(name, sql));
    TG_TRY(tg_buffer_append_text(sql, ", "));
    TG_TRY(tg_sql_append_literal(sql, definition->time_column));
    TG_TRY(append_interval(definition->chunk_interval, sql));
    return tg_buffer_append_text(sql,
                                 ", create_default_indexes => false, if_not_exists => true);\n");
}

static tg_status_t
append_time_index(const tg_table_definition_t *definition, const tg_object_name_t *name,
                  tg_buffer_t *sql)
{
    TG_TRY(tg_buffer_append_text(sql, "CREATE INDEX ON "));
    TG_TRY(tg_object_name_append(name, sql));
    TG_TRY(tg_buffer_append_text(sql, " ("));
    TG_TRY(tg_sql_append_identifier(sql, definition->time_column));
    return tg_buffer_append_text(sql, " DESC);\n");
}

/* "a", "b" */
static tg_status_t
append_segment_by(const tg_table_definition_t *definition, tg_buffer_t *list)
{
    for (size_t i = 0; i < definition->n_segment_by; i++) {
        TG_TRY(tg_buffer_append_text(list, i == 0 ? "" : ", "));
        TG_TRY(tg_sql_append_identifier(list, definition->segment_by[i]));
    }
    return TG_OK;
}

static tg_status_t
append_order_by(const tg_table_definition_t *definition, tg_buffer_t *list)
{
    TG_TRY(tg_sql_append_identifier(list, definition->time_column));
    return tg_buffer_append_text(list, " DESC");
}

/* Both settings are literals that hold lists of quoted identifiers. */
static tg_status_t
append_list_literal(const tg_table_definition_t *definition,
                    tg_status_t (*append)(const tg_table_definition_t *, tg_buffer_t *),
                    tg_buffer_t *sql)
{
    tg_buffer_t list;
    tg_buffer_init(&list, (definition->n_segment_by + 1) * (2 * TG_IDENTIFIER_MAX_BYTES + 16));
    tg_status_t status = append(definition, &list);
    const char *text = status == TG_OK ? tg_buffer_text(&list) : NULL;
    status = text != NULL ? tg_sql_append_literal(sql, text) : TG_ERR_NO_MEMORY;
    tg_buffer_done(&list);
    return status;
}

static tg_status_t
append_compression(const tg_table_definition_t *definition, const tg_object_name_t *name,
                   tg_buffer_t *sql)
{
    TG_TRY(tg_buffer_append_text(sql, "ALTER TABLE "));
    TG_TRY(tg_object_name_append(name, sql));
    TG_TRY(tg_buffer_append_text(sql,
                                 " SET (timescaledb.compress, timescaledb.compress_segmentby = "));
    TG_TRY(append_list_literal(definition, append_segment_by, sql));
    TG_TRY(tg_buffer_append_text(sql, ", timescaledb.compress_orderby = "));
    TG_TRY(append_list_literal(definition, append_order_by, sql));
    return tg_buffer_append_text(sql, ");\n");
}

static tg_status_t
append_schema(const tg_object_name_t *name, tg_buffer_t *sql)
{
    TG_TRY(tg_buffer_append_text(sql, "CREATE SCHEMA IF NOT EXISTS "));
    TG_TRY(tg_sql_append_identifier(sql, name->schema));
    return tg_buffer_append_text(sql, ";\n");
}

/* What only a table with a time column has. */
static tg_status_t
append_time_parts(const tg_table_definition_t *definition, const tg_object_name_t *name,
                  const tg_ddl_options_t *options, tg_buffer_t *sql)
{
    bool hypertable = options->timescaledb_schema != NULL;
    if (hypertable) {
        TG_TRY(append_hypertable(definition, name, options->timescaledb_schema, sql));
    }
    TG_TRY(append_time_index(definition, name, sql));
    return hypertable && options->compress && definition->n_segment_by > 0
               ? append_compression(definition, name, sql)
               : TG_OK;
}

tg_status_t
tg_table_definition_append_create(const tg_table_definition_t *definition,
                                  const tg_object_name_t *name, const tg_ddl_options_t *options,
                                  tg_buffer_t *sql)
{
    if (options->create_schema && strcmp(name->schema, "public") != 0) {
        TG_TRY(append_schema(name, sql));
    }
    TG_TRY(append_table(definition, name, sql));
    TG_TRY(append_comments(definition, name, sql));
    return definition->time_column != NULL ? append_time_parts(definition, name, options, sql)
                                           : TG_OK;
}

static tg_status_t
append_new_column(const tg_column_definition_t *column, tg_buffer_t *sql)
{
    TG_TRY(tg_buffer_append_text(sql, "\n    ADD COLUMN IF NOT EXISTS "));
    TG_TRY(tg_sql_append_identifier(sql, column->name));
    return tg_buffer_append_format(sql, " %s", column->type_sql);
}

tg_status_t
tg_table_definition_append_columns(const tg_table_definition_t *definition,
                                   const tg_object_name_t *name, tg_buffer_t *sql)
{
    TG_TRY(tg_buffer_append_text(sql, "ALTER TABLE "));
    TG_TRY(tg_object_name_append(name, sql));
    for (size_t i = 0; i < definition->n_columns; i++) {
        TG_TRY(tg_buffer_append_text(sql, i == 0 ? "" : ","));
        TG_TRY(append_new_column(&definition->columns[i], sql));
    }
    TG_TRY(tg_buffer_append_text(sql, ";\n"));
    return append_comments(definition, name, sql);
}
