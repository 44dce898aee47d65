/*
 * The ledger tidegate.sink_offsets: where each lane stands, in the database, in the same
 * transaction as the rows.
 *
 * Flow:      claim -> [ledger] -> token, next_offset -> lane; flush -> [ledger] -> advance in the
 *            flush string
 * Promise:   only the holder of the newest token can advance, and only from the offset it believes
 *            in (compare and set); advance raises TG001 (TG_ERR_FENCED) otherwise, which stops the
 *            COPY behind it. Claims commit synchronously.
 * Source:    design.md section 3, "Claim" and "Flush"
 * Threads:   the owner of the connection
 */
#ifndef TG_SINK_LEDGER_H
#define TG_SINK_LEDGER_H

#include "base/buffer.h"
#include "database/connection.h"

enum { TG_TOKEN_TEXT_BYTES = 37 }; /* a uuid with its NUL */

/* Which ledger: rows are (cluster_id, sink, topic, partition). Borrowed strings. */
typedef struct tg_ledger {
    const char *cluster_id;
    const char *sink;
} tg_ledger_t;

typedef struct tg_ledger_entry {
    const char *topic; /* borrowed */
    int32_t partition;
    int64_t next_offset; /* in: start for a missing row (_claim); out: what the ledger says, -1: no
                            row (_read) */
    int64_t epoch;
    char token[TG_TOKEN_TEXT_BYTES];
} tg_ledger_entry_t;

/* A fresh random token (uuid version 4, from getrandom). */
void tg_ledger_token_new(char token[TG_TOKEN_TEXT_BYTES]);

/* Reads next_offset of each entry without claiming. */
tg_status_t tg_ledger_read(const tg_ledger_t *ledger, tg_connection_t *connection,
                           tg_ledger_entry_t *entries, size_t n_entries,
                           tg_error_t *err) TG_MUST_CHECK;

/* Claims each entry with its token, all in one transaction; sets next_offset and epoch. */
tg_status_t tg_ledger_claim(const tg_ledger_t *ledger, tg_connection_t *connection,
                            tg_ledger_entry_t *entries, size_t n_entries,
                            tg_error_t *err) TG_MUST_CHECK;

/* After a claim that met a lock (TG_ERR_CONFLICT): ends the sessions that have held a row of
 * entries for more than three seconds, such as those of an instance that froze inside of a
 * transaction. Its transaction is rolled back by that; its claim is lost to the next one. *ret_n
 * counts them. */
tg_status_t tg_ledger_evict(const tg_ledger_t *ledger, tg_connection_t *connection,
                            const tg_ledger_entry_t *entries, size_t n_entries, int *ret_n,
                            tg_error_t *err) TG_MUST_CHECK;

/* Appends SELECT tidegate.advance(...); for a flush string. */
tg_status_t tg_ledger_append_advance(const tg_ledger_t *ledger, const tg_ledger_entry_t *entry,
                                     int64_t to_offset, int64_t n_rows, int64_t n_dead_letters,
                                     tg_buffer_t *sql) TG_MUST_CHECK;

#endif
