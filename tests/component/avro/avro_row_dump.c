/*
 * Shows what the decode plan makes of records: one case per line in, one answer per line out.
 *
 *   in   {"schema": TEXT, "references": [TEXT...], "nested": "flatten"|"jsonb", "bodies": [HEX...],
 *         "columns": [{"name": .., "type": SQL, "aliases": [..], "modifier": N, "not_null": B,
 *                      "default": HEX}...]}       without columns: those that the schema asks for
 *   out  {"columns": [{"name": .., "type": SQL}...], "rows": [HEX | {"error": STATUS, "text":
 * ..}...]}
 *        {"error": STATUS, "text": ..}            when schema or plan is refused
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "avro/decode_plan.h"
#include "avro/derive.h"
#include "avro/pg_type.h"

enum { MAX_COLUMNS = 1600, MAX_TEXTS = 64, MAX_OUT = 64 << 20, LAST_OID = 4000 };

typedef struct columns {
    tg_plan_column_t items[MAX_COLUMNS];
    const char *aliases[MAX_COLUMNS][8];
    tg_bytes_t defaults[MAX_COLUMNS];
    uint8_t default_bytes[MAX_COLUMNS][64];
    const char *type_sql[MAX_COLUMNS];
    size_t n_items;
} columns_t;

/* "numeric(10,2)[]" -> numeric[] and its modifier */
static uint32_t
parse_type(const char *sql, int32_t *ret_modifier)
{
    char name[64];
    int precision = 0;
    int scale = 0;
    size_t base = strcspn(sql, "([");
    const char *suffix = strchr(sql, '[') != NULL ? "[]" : "";
    (void)snprintf(name, sizeof name, "%.*s%s", (int)base, sql, suffix);
    *ret_modifier = -1;
    if (sql[base] == '(') {
        char *rest = NULL;
        precision = (int)strtol(sql + base + 1, &rest, 10);
        scale = *rest == ',' ? (int)strtol(rest + 1, NULL, 10) : 0;
        *ret_modifier = strncmp(sql, "numeric", 7) == 0 ? (precision << 16 | (scale & 0x7ff)) + 4
                                                        : precision + 4;
    }
    for (uint32_t oid = 1; oid < LAST_OID; oid++) {
        const char *known = tg_pg_type_name(oid);
        if (known != NULL && strcmp(known, name) == 0) {
            return oid;
        }
    }
    return LAST_OID;
}

static size_t
parse_hex(const char *hex, uint8_t *out, size_t max_bytes)
{
    size_t n = 0;
    for (; hex[0] != '\0' && hex[1] != '\0' && n < max_bytes; hex += 2) {
        char digits[3] = {hex[0], hex[1], '\0'};
        out[n++] = (uint8_t)strtoul(digits, NULL, 16);
    }
    return n;
}

static void
take_given(columns_t *columns, const json_t *json)
{
    size_t i;
    json_t *given;
    json_array_foreach(json, i, given)
    {
        tg_plan_column_t *column = &columns->items[i];
        const json_t *aliases = json_object_get(given, "aliases");
        const char *constant = json_string_value(json_object_get(given, "default"));
        columns->type_sql[i] = json_string_value(json_object_get(given, "type"));
        column->name = json_string_value(json_object_get(given, "name"));
        column->type_oid = parse_type(columns->type_sql[i], &column->type_modifier);
        column->not_null = json_is_true(json_object_get(given, "not_null"));
        for (size_t k = 0; k < json_array_size(aliases) && k < 8; k++) {
            columns->aliases[i][column->n_aliases++] =
                json_string_value(json_array_get(aliases, k));
        }
        column->aliases = columns->aliases[i];
        if (constant != NULL) {
            size_t n = parse_hex(constant, columns->default_bytes[i], 64);
            columns->defaults[i] = tg_bytes_of(columns->default_bytes[i], n);
            column->default_value = &columns->defaults[i];
        }
    }
    columns->n_items = json_array_size(json);
}

static void
take_derived(columns_t *columns, const tg_derived_table_t *table)
{
    for (size_t i = 0; i < tg_derived_table_n_columns(table); i++) {
        const tg_derived_column_t *derived = tg_derived_table_column(table, i);
        tg_plan_column_t *column = &columns->items[i];
        columns->type_sql[i] = derived->type_sql;
        column->name = derived->name;
        column->type_oid = parse_type(derived->type_sql, &column->type_modifier);
        column->not_null = !derived->nullable;
    }
    columns->n_items = tg_derived_table_n_columns(table);
}

static json_t *
error_json(const tg_error_t *err)
{
    return json_pack("{s:s, s:s}", "error", tg_status_name(err->status), "text", err->text);
}

static json_t *
row_json(tg_decode_plan_t *plan, const char *hex)
{
    tg_error_t err;
    tg_buffer_t out;
    size_t n_hex = strlen(hex);
    /* exactly as long as the body, so that a sanitizer sees a read beyond its end */
    uint8_t *body = malloc(n_hex / 2 + (n_hex < 2));
    size_t n = parse_hex(hex, body, n_hex / 2);
    tg_buffer_init(&out, MAX_OUT);
    json_t *row = NULL;
    if (tg_decode_plan_decode(plan, tg_bytes_of(body, n), &out, &err) != TG_OK) {
        row = error_json(&err);
    } else {
        char *text = malloc(2 * out.n_bytes + 1);
        for (size_t i = 0; i < out.n_bytes; i++) {
            (void)snprintf(text + 2 * i, 3, "%02x", out.data[i]);
        }
        row = json_stringn(text, 2 * out.n_bytes);
        free(text);
    }
    free(body);
    tg_buffer_done(&out);
    return row;
}

static json_t *
answer(const columns_t *columns, tg_decode_plan_t *plan, const json_t *bodies)
{
    json_t *names = json_array();
    json_t *rows = json_array();
    for (size_t i = 0; i < columns->n_items; i++) {
        json_array_append_new(names, json_pack("{s:s, s:s}", "name", columns->items[i].name, "type",
                                               columns->type_sql[i]));
    }
    for (size_t i = 0; i < json_array_size(bodies); i++) {
        json_array_append_new(rows, row_json(plan, json_string_value(json_array_get(bodies, i))));
    }
    return json_pack("{s:o, s:o}", "columns", names, "rows", rows);
}

static tg_status_t
run_case(const json_t *json, columns_t *columns, json_t **ret_answer, tg_error_t *err)
{
    TG_CLEANUP(tg_schema_unrefp) tg_schema_t *schema = NULL;
    TG_CLEANUP(tg_derived_table_freep) tg_derived_table_t *table = NULL;
    TG_CLEANUP(tg_decode_plan_freep) tg_decode_plan_t *plan = NULL;
    const json_t *references = json_object_get(json, "references");
    const json_t *given = json_object_get(json, "columns");
    const char *nested = json_string_value(json_object_get(json, "nested"));
    const char *texts[MAX_TEXTS];
    size_t n_texts = json_array_size(references);
    for (size_t i = 0; i < n_texts && i < MAX_TEXTS; i++) {
        texts[i] = json_string_value(json_array_get(references, i));
    }
    TG_TRY(tg_schema_new(json_string_value(json_object_get(json, "schema")), texts, n_texts,
                         &schema, err));
    if (given != NULL) {
        take_given(columns, given);
    } else {
        bool whole = nested != NULL && strcmp(nested, "jsonb") == 0;
        TG_TRY(tg_derive_table(schema, whole ? TG_NESTED_JSONB : TG_NESTED_FLATTEN, &table, err));
        take_derived(columns, table);
    }
    tg_decode_options_t options = {.nul_policy = TG_TEXT_NUL_REJECT};
    TG_TRY(tg_decode_plan_new(schema, columns->items, columns->n_items, &options, &plan, err));
    *ret_answer = answer(columns, plan, json_object_get(json, "bodies"));
    return TG_OK;
}

int
main(void)
{
    char *line = NULL;
    size_t capacity = 0;
    columns_t *columns = malloc(sizeof *columns);
    while (columns != NULL && getline(&line, &capacity, stdin) > 0) {
        tg_error_t err;
        json_error_t fault;
        json_t *json = json_loads(line, 0, &fault);
        if (json == NULL) {
            (void)fprintf(stderr, "not JSON: %s\n", fault.text);
            return 2;
        }
        memset(columns, 0, sizeof *columns);
        json_t *result = NULL;
        if (run_case(json, columns, &result, &err) != TG_OK) {
            result = error_json(&err);
        }
        char *text = json_dumps(result, JSON_COMPACT);
        (void)puts(text);
        (void)fflush(stdout);
        free(text);
        json_decref(result);
        json_decref(json);
    }
    free(columns);
    free(line);
    return 0;
}
