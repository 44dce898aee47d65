#include "chunk_watch.h"

#include <stdlib.h>

enum { MAX_TABLES = 64, MAX_RANGES = 1000 };

typedef struct {
    uint32_t table_oid;
    size_t n_ranges;
    tg_chunk_range_t *ranges;
} watched_t;

struct tg_chunk_watch {
    size_t n_tables;
    watched_t tables[MAX_TABLES];
};

tg_chunk_watch_t *
tg_chunk_watch_new(void)
{
    return calloc(1, sizeof(tg_chunk_watch_t));
}

void
tg_chunk_watch_free(tg_chunk_watch_t *watch)
{
    if (watch == NULL) {
        return;
    }
    for (size_t i = 0; i < watch->n_tables; i++) {
        free(watch->tables[i].ranges);
    }
    free(watch);
}

/* The table's place, made on first use; NULL: there is no more room. */
static watched_t *
place_of(tg_chunk_watch_t *watch, uint32_t table_oid)
{
    for (size_t i = 0; i < watch->n_tables; i++) {
        if (watch->tables[i].table_oid == table_oid) {
            return &watch->tables[i];
        }
    }
    if (watch->n_tables == MAX_TABLES) {
        return NULL;
    }
    watched_t *table = &watch->tables[watch->n_tables];
    table->ranges = calloc(MAX_RANGES, sizeof *table->ranges);
    if (table->ranges == NULL) {
        return NULL;
    }
    table->table_oid = table_oid;
    watch->n_tables++;
    return table;
}

tg_status_t
tg_chunk_watch_look(tg_chunk_watch_t *watch, tg_connection_t *connection, uint32_t table_oid,
                    tg_error_t *err)
{
    watched_t *table = place_of(watch, table_oid);
    if (table == NULL) {
        return TG_OK;
    }
    return tg_columnstore_compressed_chunks(connection, table_oid, table->ranges, MAX_RANGES,
                                            &table->n_ranges, err);
}

void
tg_chunk_watch_find(const tg_chunk_watch_t *watch, uint32_t table_oid, tg_chunk_map_t *chunks)
{
    chunks->n_compressed = 0;
    chunks->compressed = NULL;
    for (size_t i = 0; i < watch->n_tables; i++) {
        if (watch->tables[i].table_oid == table_oid) {
            chunks->n_compressed = watch->tables[i].n_ranges;
            chunks->compressed = watch->tables[i].ranges;
        }
    }
}
