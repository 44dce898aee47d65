/*
 * Which chunks of the tables that a writer writes are compressed, as of the last look.
 *
 * Flow:      columnstore.c (a look a minute) -> [chunk watch] -> flush (row order, late rows)
 * Threads:   one writer
 */
#ifndef TG_SINK_CHUNK_WATCH_H
#define TG_SINK_CHUNK_WATCH_H

#include "row_order.h"

typedef struct tg_chunk_watch tg_chunk_watch_t;

tg_chunk_watch_t *tg_chunk_watch_new(void);
void tg_chunk_watch_free(tg_chunk_watch_t *watch);

/* Looks at one table. At most 64 tables are watched; late rows of others are not counted. */
tg_status_t tg_chunk_watch_look(tg_chunk_watch_t *watch, tg_connection_t *connection,
                                uint32_t table_oid, tg_error_t *err) TG_MUST_CHECK;

/* Sets chunks' compressed ranges, borrowed until the next look; none when the table is not watched.
 */
void tg_chunk_watch_find(const tg_chunk_watch_t *watch, uint32_t table_oid, tg_chunk_map_t *chunks);

#endif
