#include "ledger.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

enum { MAX_SQL_BYTES = 8 << 20 };

void
tg_ledger_token_new(char token[TG_TOKEN_TEXT_BYTES])
{
    uint8_t random[16] = {0};
    /* getrandom cannot fail for 16 bytes once the kernel's pool is ready, and waits until it is. */
    for (size_t n = 0; n < sizeof random;) {
        ssize_t got = getrandom(random + n, sizeof random - n, 0);
        n += got > 0 ? (size_t)got : 0;
    }
    random[6] = (uint8_t)((random[6] & 0x0f) | 0x40);
    random[8] = (uint8_t)((random[8] & 0x3f) | 0x80);
    size_t at = 0;
    for (size_t i = 0; i < sizeof random; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10) {
            token[at++] = '-';
        }
        (void)snprintf(token + at, TG_TOKEN_TEXT_BYTES - at, "%02x", random[i]);
        at += 2;
    }
}

/* Appends one row per entry of a VALUES list: (topic, partition, token, next_offset, position). */
static tg_status_t
append_values(const tg_ledger_entry_t *entries, size_t n_entries, tg_buffer_t *sql)
{
    for (size_t i = 0; i < n_entries; i++) {
        TG_TRY(tg_buffer_append_text(sql, i > 0 ? ", (" : "("));
        TG_TRY(tg_sql_append_literal(sql, entries[i].topic));
        TG_TRY(tg_buffer_append_format(sql, ", %" PRId32 ", '%s'::uuid, %" PRId64 "::bigint, %zu)",
                                       entries[i].partition, entries[i].token,
                                       entries[i].next_offset, i));
    }
    return TG_OK;
}

static tg_status_t
read_sql(const tg_ledger_entry_t *entries, size_t n_entries, tg_buffer_t *sql)
{
    TG_TRY(tg_buffer_append_text(sql, "SELECT v.position, o.next_offset FROM (VALUES "));
    TG_TRY(append_values(entries, n_entries, sql));
    return tg_buffer_append_text(
        sql, ") AS v(topic, partition, token, start, position)"
             " JOIN tidegate.sink_offsets o ON o.cluster_id = $1 AND o.sink = $2"
             " AND o.topic = v.topic AND o.partition = v.partition");
}

/* The order is fixed, so that two instances that claim the same rows cannot deadlock. A claim
 * commits synchronously, also where the role's or database's default says otherwise. */
static tg_status_t
claim_sql(const tg_ledger_entry_t *entries, size_t n_entries, tg_buffer_t *sql)
{
    TG_TRY(tg_buffer_append_text(sql, "SELECT v.position, c.next_offset, c.epoch,"
                                      " CASE WHEN current_setting('synchronous_commit') = 'off'"
                                      " THEN set_config('synchronous_commit', 'on', true) END"
                                      " FROM (SELECT * FROM (VALUES "));
    TG_TRY(append_values(entries, n_entries, sql));
    return tg_buffer_append_text(
        sql, ") AS u(topic, partition, token, start, position) ORDER BY topic, partition) AS v,"
             " LATERAL tidegate.claim($1, $2, v.topic, v.partition, v.token, v.start) AS c");
}

/* A row's xmax is the transaction that has changed it last; while that runs, it is some session's.
 */
static tg_status_t
evict_sql(const tg_ledger_entry_t *entries, size_t n_entries, tg_buffer_t *sql)
{
    TG_TRY(tg_buffer_append_text(
        sql,
        "SELECT pg_catalog.pg_terminate_backend(s.pid) FROM (SELECT DISTINCT a.pid FROM (VALUES "));
    TG_TRY(append_values(entries, n_entries, sql));
    return tg_buffer_append_text(
        sql, ") AS v(topic, partition, token, start, position)"
             " JOIN tidegate.sink_offsets o ON o.cluster_id = $1 AND o.sink = $2"
             " AND o.topic = v.topic AND o.partition = v.partition"
             " JOIN pg_catalog.pg_stat_activity a ON a.backend_xid = o.xmax"
             " WHERE a.pid <> pg_catalog.pg_backend_pid()"
             " AND a.xact_start < pg_catalog.clock_timestamp() - interval '3 seconds') AS s");
}

static tg_status_t
run(const tg_ledger_t *ledger, tg_connection_t *connection, const tg_ledger_entry_t *entries,
    size_t n_entries,
    tg_status_t (*build)(const tg_ledger_entry_t *entries, size_t n_entries, tg_buffer_t *sql),
    tg_result_t **ret_result, tg_error_t *err)
{
    tg_buffer_t sql;
    tg_buffer_init(&sql, MAX_SQL_BYTES);
    tg_status_t status = build(entries, n_entries, &sql);
    const char *text = status == TG_OK ? tg_buffer_text(&sql) : NULL;
    if (text == NULL) {
        status = tg_error_set(err, TG_ERR_NO_MEMORY, "no memory to ask the ledger for %zu lanes",
                              n_entries);
    } else {
        const char *const parameters[] = {ledger->cluster_id, ledger->sink};
        status = tg_connection_query(connection, text, parameters, 2, ret_result, err);
    }
    tg_buffer_done(&sql);
    return status;
}

tg_status_t
tg_ledger_read(const tg_ledger_t *ledger, tg_connection_t *connection, tg_ledger_entry_t *entries,
               size_t n_entries, tg_error_t *err)
{
    TG_CLEANUP(tg_result_freep) tg_result_t *result = NULL;
    TG_TRY(run(ledger, connection, entries, n_entries, read_sql, &result, err));
    for (size_t i = 0; i < n_entries; i++) {
        entries[i].next_offset = -1;
    }
    for (int row = 0; row < tg_result_n_rows(result); row++) {
        size_t position = (size_t)tg_result_int64(result, row, 0);
        if (position < n_entries) {
            entries[position].next_offset = tg_result_int64(result, row, 1);
        }
    }
    return TG_OK;
}

tg_status_t
tg_ledger_claim(const tg_ledger_t *ledger, tg_connection_t *connection, tg_ledger_entry_t *entries,
                size_t n_entries, tg_error_t *err)
{
    TG_CLEANUP(tg_result_freep) tg_result_t *result = NULL;
    TG_TRY(run(ledger, connection, entries, n_entries, claim_sql, &result, err));
    if ((size_t)tg_result_n_rows(result) != n_entries) {
        return tg_error_set(err, TG_ERR_INTERNAL, "the ledger answered %d of %zu claims",
                            tg_result_n_rows(result), n_entries);
    }
    for (int row = 0; row < tg_result_n_rows(result); row++) {
        size_t position = (size_t)tg_result_int64(result, row, 0);
        if (position < n_entries) {
            entries[position].next_offset = tg_result_int64(result, row, 1);
            entries[position].epoch = tg_result_int64(result, row, 2);
        }
    }
    return TG_OK;
}

tg_status_t
tg_ledger_evict(const tg_ledger_t *ledger, tg_connection_t *connection,
                const tg_ledger_entry_t *entries, size_t n_entries, int *ret_n, tg_error_t *err)
{
    TG_CLEANUP(tg_result_freep) tg_result_t *result = NULL;
    TG_TRY(run(ledger, connection, entries, n_entries, evict_sql, &result, err));
    *ret_n = tg_result_n_rows(result);
    return TG_OK;
}

tg_status_t
tg_ledger_append_advance(const tg_ledger_t *ledger, const tg_ledger_entry_t *entry,
                         int64_t to_offset, int64_t n_rows, int64_t n_dead_letters,
                         tg_buffer_t *sql)
{
    TG_TRY(tg_buffer_append_text(sql, "SELECT tidegate.advance("));
    TG_TRY(tg_sql_append_literal(sql, ledger->cluster_id));
    TG_TRY(tg_buffer_append_text(sql, ", "));
    TG_TRY(tg_sql_append_literal(sql, ledger->sink));
    TG_TRY(tg_buffer_append_text(sql, ", "));
    TG_TRY(tg_sql_append_literal(sql, entry->topic));
    return tg_buffer_append_format(
        sql, ", %" PRId32 ", '%s', %" PRId64 ", %" PRId64 ", %" PRId64 ", %" PRId64 "); ",
        entry->partition, entry->token, entry->next_offset, to_offset, n_rows, n_dead_letters);
}
