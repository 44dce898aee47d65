/*
 * One table that the test makes up, by link seam: what the table plan asks the catalogue.
 */
#ifndef FAKE_TABLE_H
#define FAKE_TABLE_H

#include "avro/pg_type.h"
#include "database/catalog.h"
#include "database/columnstore.h"
#include "table_plan.h"
#include "tg_test.h"

enum { FAKE_MAX_COLUMNS = 16 };

static struct {
    bool exists;
    bool may_insert;
    size_t n_columns;
    tg_column_t columns[FAKE_MAX_COLUMNS];
    tg_columnstore_t columnstore;
    tg_status_t describe_status;
    int n_reads;
    int n_creations;
    int n_additions;
    char created_time_column[64];
    char created_segment_by[64];
} the_fake;

struct tg_table {
    size_t n_columns;
    tg_column_t columns[FAKE_MAX_COLUMNS];
    char names[FAKE_MAX_COLUMNS][64];
};

static inline void
fake_column(const char *name, uint32_t type_oid)
{
    the_fake.columns[the_fake.n_columns++] =
        (tg_column_t){.name = name, .type_oid = type_oid, .type_modifier = -1, .type_name = "t"};
}

static inline void
fake_reset(void)
{
    memset(&the_fake, 0, sizeof the_fake);
    the_fake.exists = true;
    the_fake.may_insert = true;
}

tg_status_t
tg_catalog_table(tg_connection_t *connection, const char *name, tg_table_t **ret_table,
                 tg_error_t *err)
{
    (void)connection;
    the_fake.n_reads++;
    if (!the_fake.exists) {
        return tg_error_set(err, TG_ERR_MISSING, "no table %s", name);
    }
    tg_table_t *table = calloc(1, sizeof *table);
    table->n_columns = the_fake.n_columns;
    for (size_t i = 0; i < the_fake.n_columns; i++) {
        (void)snprintf(table->names[i], sizeof table->names[i], "%s", the_fake.columns[i].name);
        table->columns[i] = the_fake.columns[i];
        table->columns[i].name = table->names[i];
    }
    *ret_table = table;
    return TG_OK;
}

void
tg_table_free(tg_table_t *table)
{
    free(table);
}

const char *
tg_table_name(const tg_table_t *table)
{
    (void)table;
    return "\"public\".\"t\"";
}

const char *
tg_table_plain_name(const tg_table_t *table)
{
    (void)table;
    return "public.t";
}

uint32_t
tg_table_oid(const tg_table_t *table)
{
    (void)table;
    return 7;
}

const char *
tg_table_time_column(const tg_table_t *table)
{
    return table->n_columns > 0 ? table->columns[0].name : NULL;
}

bool
tg_table_can_insert(const tg_table_t *table)
{
    (void)table;
    return the_fake.may_insert;
}

size_t
tg_table_n_columns(const tg_table_t *table)
{
    return table->n_columns;
}

const tg_column_t *
tg_table_column(const tg_table_t *table, size_t index)
{
    return &table->columns[index];
}

static inline uint32_t
fake_oid(const char *type_sql)
{
    return strncmp(type_sql, "timestamp", 9) == 0 ? TG_PG_TIMESTAMPTZ
           : strcmp(type_sql, "text") == 0        ? TG_PG_TEXT
                                                  : TG_PG_INT8;
}

static inline void
fake_take_columns(const tg_table_definition_t *definition)
{
    static const char *const KNOWN[] = {"id", "time", "a", "b", "c", "d"};
    for (size_t i = 0; i < definition->n_columns; i++) {
        for (size_t k = 0; k < TG_COUNT_OF(KNOWN); k++) {
            if (strcmp(definition->columns[i].name, KNOWN[k]) == 0) {
                fake_column(KNOWN[k], fake_oid(definition->columns[i].type_sql));
                the_fake.columns[the_fake.n_columns - 1].not_null = definition->columns[i].not_null;
            }
        }
    }
}

tg_status_t
tg_catalog_create_table(tg_connection_t *connection, const tg_table_definition_t *definition,
                        bool *ret_plain, tg_error_t *err)
{
    (void)connection;
    (void)err;
    the_fake.n_creations++;
    the_fake.exists = true;
    fake_take_columns(definition);
    (void)snprintf(the_fake.created_time_column, sizeof the_fake.created_time_column, "%s",
                   definition->time_column);
    for (size_t i = 0; i < definition->n_segment_by; i++) {
        size_t n = strlen(the_fake.created_segment_by);
        (void)snprintf(the_fake.created_segment_by + n, sizeof the_fake.created_segment_by - n,
                       "%s;", definition->segment_by[i]);
    }
    *ret_plain = false;
    return TG_OK;
}

tg_status_t
tg_catalog_add_columns(tg_connection_t *connection, const tg_table_definition_t *definition,
                       tg_error_t *err)
{
    (void)connection;
    (void)err;
    the_fake.n_additions++;
    fake_take_columns(definition);
    return TG_OK;
}

tg_status_t
tg_columnstore_describe(tg_connection_t *connection, uint32_t table_oid,
                        tg_columnstore_t *ret_columnstore, tg_error_t *err)
{
    (void)connection;
    (void)table_oid;
    if (the_fake.describe_status != TG_OK) {
        return tg_error_set(err, the_fake.describe_status, "not now");
    }
    *ret_columnstore = the_fake.columnstore;
    return TG_OK;
}

/* Asked of the columnstore by nobody here, but in the same room. */
tg_status_t
tg_columnstore_rows_per_batch(tg_connection_t *connection, uint32_t table_oid, double *ret_rows,
                              tg_error_t *err)
{
    (void)connection;
    (void)table_oid;
    (void)err;
    *ret_rows = 0;
    return TG_OK;
}

tg_status_t
tg_columnstore_compressed_chunks(tg_connection_t *connection, uint32_t table_oid,
                                 tg_chunk_range_t *ret_ranges, size_t max, size_t *ret_n,
                                 tg_error_t *err)
{
    (void)connection;
    (void)table_oid;
    (void)ret_ranges;
    (void)max;
    (void)err;
    *ret_n = 0;
    return TG_OK;
}

const char *
tg_connection_name(const tg_connection_t *connection)
{
    (void)connection;
    return "host/db as writer";
}

/* --- schemas --- */

#define FAKE_FIELD(name) "{\"name\": \"" name "\", \"type\": \"long\"}"
#define FAKE_TIME                                                                                  \
    "{\"name\": \"time\", \"type\": {\"type\": \"long\", \"logicalType\": \"timestamp-micros\"}}"
#define FAKE_TEXT(name)     "{\"name\": \"" name "\", \"type\": \"string\"}"
#define FAKE_RECORD(fields) "{\"type\": \"record\", \"name\": \"r\", \"fields\": [" fields "]}"

static inline tg_schema_t *
fake_schema(const char *text)
{
    tg_error_t err = {0};
    tg_schema_t *schema = NULL;
    ASSERT_OK(tg_schema_new(text, NULL, 0, &schema, &err));
    return schema;
}

#endif
