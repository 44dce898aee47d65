/*
 * The catalogue of the one table.
 */
#include <stdlib.h>

#include "avro/pg_type.h"
#include "database/catalog.h"
#include "database/columnstore.h"
#include "sim_database.h"

static const char *const NAMES[] = {"id", "a", "b", "c"};

struct tg_table {
    size_t n_columns;
    tg_column_t columns[TG_COUNT_OF(NAMES)];
};

tg_status_t
tg_catalog_table(tg_connection_t *connection, const char *name, tg_table_t **ret_table,
                 tg_error_t *err)
{
    TG_TRY(sim_connection_trouble(connection, err));
    if (sim_table_columns() == 0) {
        return tg_error_set(err, TG_ERR_MISSING, "no table %s", name);
    }
    tg_table_t *table = calloc(1, sizeof *table);
    sim_trace("catalogue read, columns %d", sim_table_columns());
    for (size_t i = 0; i < TG_COUNT_OF(NAMES); i++) {
        if ((sim_table_columns() & (1 << i)) != 0) {
            table->columns[table->n_columns++] = (tg_column_t){.name = strdup(NAMES[i]),
                                                               .type_oid = TG_PG_INT8,
                                                               .type_modifier = -1,
                                                               .type_name = "bigint"};
        }
    }
    *ret_table = table;
    return TG_OK;
}

void
tg_table_free(tg_table_t *table)
{
    for (size_t i = 0; table != NULL && i < table->n_columns; i++) {
        /* Memory of its own, so that a late look at a name is seen; the field is const for readers.
         */
        union {
            const char *borrowed;
            char *owned;
        } name = {.borrowed = table->columns[i].name};

        free(name.owned);
    }
    free(table);
}

const char *
tg_table_name(const tg_table_t *table)
{
    (void)table;
    return "\"public\".\"readings\"";
}

const char *
tg_table_plain_name(const tg_table_t *table)
{
    (void)table;
    return "public.readings";
}

const char *
tg_table_time_column(const tg_table_t *table)
{
    (void)table;
    return "a"; /* sometimes NULL: out of order */
}

uint32_t
tg_table_oid(const tg_table_t *table)
{
    (void)table;
    return 16384;
}

bool
tg_table_can_insert(const tg_table_t *table)
{
    (void)table;
    return true;
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

static int
bits_of(const tg_table_definition_t *definition)
{
    int bits = 0;
    for (size_t i = 0; i < definition->n_columns; i++) {
        for (size_t k = 0; k < TG_COUNT_OF(NAMES); k++) {
            bits |= strcmp(definition->columns[i].name, NAMES[k]) == 0 ? 1 << k : 0;
        }
    }
    return bits;
}

tg_status_t
tg_catalog_create_table(tg_connection_t *connection, const tg_table_definition_t *definition,
                        bool *ret_plain, tg_error_t *err)
{
    TG_TRY(sim_connection_trouble(connection, err));
    sim_table_add(bits_of(definition));
    sim_database_made_durable();
    *ret_plain = true;
    return TG_OK;
}

tg_status_t
tg_catalog_add_columns(tg_connection_t *connection, const tg_table_definition_t *definition,
                       tg_error_t *err)
{
    TG_TRY(sim_connection_trouble(connection, err));
    sim_table_add(bits_of(definition));
    sim_database_made_durable();
    return TG_OK;
}

tg_status_t
tg_columnstore_describe(tg_connection_t *connection, uint32_t table_oid,
                        tg_columnstore_t *ret_columnstore, tg_error_t *err)
{
    (void)table_oid;
    TG_TRY(sim_connection_trouble(connection, err));
    /* With chunks of a few rows by id, so that rows get sorted. */
    *ret_columnstore = (tg_columnstore_t){.can_direct = false,
                                          .chunk_interval_us = sim_world()->seed % 2 == 0 ? 0 : 5};
    return TG_OK;
}

tg_status_t
tg_columnstore_compressed_chunks(tg_connection_t *connection, uint32_t table_oid,
                                 tg_chunk_range_t *ret_ranges, size_t max, size_t *ret_n,
                                 tg_error_t *err)
{
    (void)table_oid;
    TG_TRY(sim_connection_trouble(connection, err));
    ret_ranges[0] = (tg_chunk_range_t){0};
    *ret_n = max > 0 ? 1 : 0;
    return TG_OK;
}

tg_status_t
tg_columnstore_rows_per_batch(tg_connection_t *connection, uint32_t table_oid, double *ret_rows,
                              tg_error_t *err)
{
    (void)table_oid;
    *ret_rows = 0;
    return sim_connection_trouble(connection, err);
}
