/*
 * Any texts as a schema and its references (separated by NUL, the schema last): a schema that is
 * accepted can be asked for a table, in both ways, and for a plan.
 */
// links: avro base
#include <assert.h>
#include <stdlib.h>

#include "avro/decode_plan.h"
#include "avro/derive.h"

enum { MAX_TEXTS = 8, MAX_COLUMNS = 1600 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_table(const tg_schema_t *schema, tg_nested_mode_t nested)
{
    TG_CLEANUP(tg_derived_table_freep) tg_derived_table_t *table = NULL;
    tg_error_t err;
    tg_status_t status = tg_derive_table(schema, nested, &table, &err);
    if (status != TG_OK) {
        assert(err.status == status && err.text[0] != '\0');
        return;
    }
    for (size_t i = 0; i < tg_derived_table_n_columns(table); i++) {
        const tg_derived_column_t *column = tg_derived_table_column(table, i);
        assert(strlen(column->name) > 0 && strlen(column->name) <= 63);
        assert(strlen(column->type_sql) > 0);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *copy = malloc(size + 1);
    const char *texts[MAX_TEXTS];
    size_t n_texts = 0;
    if (copy == NULL) {
        return 0;
    }
    if (size > 0) {
        memcpy(copy, data, size);
    }
    copy[size] = '\0';
    for (size_t at = 0; at <= size && n_texts < MAX_TEXTS; at += strlen(copy + at) + 1) {
        texts[n_texts++] = copy + at;
    }
    TG_CLEANUP(tg_schema_unrefp) tg_schema_t *schema = NULL;
    tg_error_t err = {.status = TG_OK};
    tg_status_t status = tg_schema_new(texts[n_texts - 1], texts, n_texts - 1, &schema, &err);
    if (status == TG_OK) {
        check_table(schema, TG_NESTED_FLATTEN);
        check_table(schema, TG_NESTED_JSONB);
        assert(tg_schema_name(schema) != NULL);
    } else {
        assert(schema == NULL && err.status == status && err.text[0] != '\0');
    }
    free(copy);
    return 0;
}
