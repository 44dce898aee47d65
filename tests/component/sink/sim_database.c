#include "sim_database.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { MAX_HISTORY = 64, MAX_ORPHANS = 16, MAX_WRITTEN = 4000 };

typedef struct {
    bool exists;
    char token[TG_TOKEN_TEXT_BYTES];
    int64_t next, epoch;
    int64_t first; /* where it began: nothing before that is owed */
} ledger_row_t;

/* A commit that a crash of the server may take back. */
typedef struct {
    int lane;
    ledger_row_t before;
    int64_t *offsets;
    size_t n_offsets;
} commit_t;

static struct {
    ledger_row_t ledger[SIM_LANES];
    int64_t *written[SIM_LANES]; /* offsets of the rows that are there */
    size_t n_written[SIM_LANES];
    int64_t forgiven_from[SIM_LANES], forgiven_to[SIM_LANES]; /* skipped by an operator */
    commit_t history[MAX_HISTORY];
    size_t n_history;
    sim_transaction_t orphans[MAX_ORPHANS];
    size_t n_orphans;
    int columns;
} the_database;

void
sim_database_open(void)
{
    memset(&the_database, 0, sizeof the_database);
    for (int i = 0; i < SIM_LANES; i++) {
        the_database.written[i] = calloc(MAX_WRITTEN, sizeof(int64_t));
        the_database.ledger[i].next = -1;
    }
}

void
sim_transaction_clear(sim_transaction_t *transaction)
{
    free(transaction->rows);
    *transaction = (sim_transaction_t){.lane = -1};
}

void
sim_database_made_durable(void)
{
    for (size_t i = 0; i < the_database.n_history; i++) {
        free(the_database.history[i].offsets);
    }
    the_database.n_history = 0;
}

static void
drop_orphans(void)
{
    for (size_t i = 0; i < the_database.n_orphans; i++) {
        sim_transaction_clear(&the_database.orphans[i]);
    }
    the_database.n_orphans = 0;
}

void
sim_database_close(void)
{
    sim_database_made_durable();
    drop_orphans();
    for (int i = 0; i < SIM_LANES; i++) {
        free(the_database.written[i]);
    }
}

/* --- the ledger --- */

int64_t
sim_ledger_next(int lane)
{
    return the_database.ledger[lane].next;
}

void
sim_ledger_set(int lane, int64_t next_offset)
{
    the_database.forgiven_from[lane] = the_database.ledger[lane].next;
    the_database.forgiven_to[lane] = next_offset;
    the_database.ledger[lane].next = next_offset;
    sim_database_made_durable();
}

bool
sim_ledger_would_advance(const sim_transaction_t *transaction)
{
    const ledger_row_t *row = &the_database.ledger[transaction->lane];
    return row->exists && strcmp(row->token, transaction->token) == 0 &&
           row->next == transaction->from;
}

bool
sim_ledger_has(int lane, int64_t *ret_next)
{
    *ret_next = the_database.ledger[lane].next;
    return the_database.ledger[lane].exists;
}

/* Whoever wants the ledger's row waits until the transactions that hold it have ended. Those that
 * have not come so far may run now, or later. */
static void
settle_orphans(int lane)
{
    for (size_t i = the_database.n_orphans; i-- > 0;) {
        sim_transaction_t *orphan = &the_database.orphans[i];
        if (orphan->lane != lane || (!orphan->holds_row && sim_chance(500))) {
            continue;
        }
        sim_transaction_t settled = *orphan;
        the_database.orphans[i] = the_database.orphans[--the_database.n_orphans];
        if (sim_ledger_would_advance(&settled) && sim_chance(600)) {
            sim_database_commit(&settled);
        }
        sim_transaction_clear(&settled);
    }
}

void
sim_database_orphan(sim_transaction_t *transaction)
{
    if (transaction->lane >= 0 && the_database.n_orphans < MAX_ORPHANS) {
        the_database.orphans[the_database.n_orphans++] = *transaction;
        *transaction = (sim_transaction_t){.lane = -1};
    }
    sim_transaction_clear(transaction);
}

void
sim_ledger_claim(int lane, const char *token, int64_t start, int64_t *ret_next, int64_t *ret_epoch)
{
    settle_orphans(lane);
    ledger_row_t *row = &the_database.ledger[lane];
    sim_trace("lane %d claimed by %.8s at %" PRId64, lane, token, row->next);
    if (!row->exists) {
        *row = (ledger_row_t){.exists = true, .next = start, .first = start};
    }
    (void)snprintf(row->token, sizeof row->token, "%s", token);
    *ret_next = row->next;
    *ret_epoch = ++row->epoch;
    sim_database_made_durable();
    sim_happened();
}

/* --- rows --- */

static bool
is_written(int lane, int64_t offset)
{
    for (size_t i = 0; i < the_database.n_written[lane]; i++) {
        if (the_database.written[lane][i] == offset) {
            return true;
        }
    }
    return false;
}

static void
check_row(const sim_transaction_t *transaction, const sim_row_t *row)
{
    int lane = (int)(row->id >> SIM_LANE_SHIFT);
    int64_t offset = row->id & ((INT64_C(1) << SIM_LANE_SHIFT) - 1);
    const sim_record_t *record = lane == transaction->lane ? sim_kafka_at(lane, offset) : NULL;
    if (record == NULL || record->offset != offset || offset < transaction->from ||
        offset >= transaction->to) {
        sim_fail("lane %d writes a row of lane %d offset %" PRId64 " with offsets %" PRId64
                 " to %" PRId64,
                 transaction->lane, lane, offset, transaction->from, transaction->to);
    }
    if (is_written(lane, offset)) {
        sim_fail("lane %d offset %" PRId64 " is written twice", lane, offset);
    }
    int64_t a = record->kind == SIM_GOOD_C ? INT64_MIN : row->id + 1;
    int64_t b = record->kind == SIM_GOOD_AB ? row->id + 2 : INT64_MIN;
    int64_t c = record->kind == SIM_GOOD_C ? row->id + 3 : INT64_MIN;
    if (!sim_kind_is_row(record->kind) || row->value[0] != a || row->value[1] != b ||
        row->value[2] != c) {
        sim_fail("lane %d offset %" PRId64 " (kind %d) is written as %" PRId64 ", %" PRId64
                 ", %" PRId64,
                 lane, offset, (int)record->kind, row->value[0], row->value[1], row->value[2]);
    }
}

/* Every record that the transaction passes is written by it, or was buried before. */
static void
check_passed(const sim_transaction_t *transaction)
{
    int64_t n_rows = 0;
    int64_t n_letters = 0;
    int lane = transaction->lane;
    for (const sim_record_t *record = sim_kafka_at(lane, transaction->from);
         record != NULL && record->offset < transaction->to;
         record = sim_kafka_at(lane, record->offset + 1)) {
        n_rows += sim_kind_is_row(record->kind) ? 1 : 0;
        n_letters += sim_kind_is_bad(record->kind) ? 1 : 0;
        if (sim_kind_is_bad(record->kind) && !record->is_buried) {
            sim_fail("lane %d passes offset %" PRId64
                     " (kind %d) before its dead letter is acknowledged",
                     lane, record->offset, (int)record->kind);
        }
    }
    if (n_rows != (int64_t)transaction->n_rows || n_rows != transaction->n_rows_said ||
        n_letters != transaction->n_letters_said) {
        sim_fail("lane %d passes %" PRId64 " good and %" PRId64 " bad records from %" PRId64
                 " to %" PRId64 ", writes %zu rows and says %" PRId64 " and %" PRId64,
                 lane, n_rows, n_letters, transaction->from, transaction->to, transaction->n_rows,
                 transaction->n_rows_said, transaction->n_letters_said);
    }
}

static void
remember(const sim_transaction_t *transaction, int64_t *offsets) /* NOLINT: taken, freed later */
{
    if (the_database.n_history == MAX_HISTORY) { /* the server's own flush comes after a while */
        sim_database_made_durable();
    }
    the_database.history[the_database.n_history++] =
        (commit_t){.lane = transaction->lane,
                   .before = the_database.ledger[transaction->lane],
                   .offsets = offsets,
                   .n_offsets = transaction->n_rows};
}

void
sim_database_commit(sim_transaction_t *transaction)
{
    int lane = transaction->lane;
    if (!sim_ledger_would_advance(transaction)) {
        sim_fail("lane %d commits although its ledger row has changed", lane);
    }
    int64_t *offsets = calloc(transaction->n_rows + 1, sizeof *offsets);
    for (size_t i = 0; i < transaction->n_rows; i++) {
        check_row(transaction, &transaction->rows[i]);
        offsets[i] = transaction->rows[i].id & ((INT64_C(1) << SIM_LANE_SHIFT) - 1);
        the_database.written[lane][the_database.n_written[lane]++] = offsets[i];
    }
    check_passed(transaction);
    remember(transaction, offsets);
    the_database.ledger[lane].next = transaction->to;
    sim_trace("lane %d committed %" PRId64 " to %" PRId64, lane, transaction->from,
              transaction->to);
    sim_world()->n_commits++;
    sim_world()->n_rows += (int64_t)transaction->n_rows;
    sim_happened();
}

static void
take_back(const commit_t *commit)
{
    for (size_t i = 0; i < commit->n_offsets; i++) {
        for (size_t k = 0; k < the_database.n_written[commit->lane]; k++) {
            if (the_database.written[commit->lane][k] == commit->offsets[i]) {
                the_database.written[commit->lane][k] =
                    the_database.written[commit->lane][--the_database.n_written[commit->lane]];
                break;
            }
        }
    }
    the_database.ledger[commit->lane] = commit->before;
}

void
sim_database_crash(void)
{
    sim_connections_break();
    drop_orphans();
    size_t n_kept = (size_t)sim_below((int64_t)the_database.n_history + 1);
    while (the_database.n_history > n_kept) {
        commit_t *commit = &the_database.history[--the_database.n_history];
        take_back(commit);
        free(commit->offsets);
    }
    sim_database_made_durable();
    sim_happened();
}

/* --- the rival --- */

void
sim_database_rival(int lane)
{
    static const char TOKEN[] = "11111111-0000-4000-8000-000000000000";
    int64_t next = 0;
    int64_t epoch = 0;
    if (sim_connections_lock(lane)) {
        return; /* waits */
    }
    sim_ledger_claim(lane, TOKEN, sim_kafka_log_start(lane), &next, &epoch);
    if (next < sim_kafka_log_start(lane) || sim_chance(300)) {
        return;
    }
    sim_transaction_t transaction = {.lane = lane, .from = next, .to = next};
    (void)snprintf(transaction.token, sizeof transaction.token, "%s", TOKEN);
    int64_t n_wanted = sim_below(40);
    transaction.rows = calloc((size_t)n_wanted + 1, sizeof(sim_row_t));
    sim_record_t *record = sim_kafka_at(lane, next);
    for (; record != NULL && n_wanted-- > 0; record = sim_kafka_at(lane, record->offset + 1)) {
        int64_t id = ((int64_t)lane << SIM_LANE_SHIFT) | record->offset;
        bool is_c = record->kind == SIM_GOOD_C;
        if (sim_kind_is_row(record->kind)) {
            transaction.rows[transaction.n_rows++] =
                (sim_row_t){.id = id,
                            .value = {is_c ? INT64_MIN : id + 1,
                                      record->kind == SIM_GOOD_AB ? id + 2 : INT64_MIN,
                                      is_c ? id + 3 : INT64_MIN}};
        } else if (sim_kind_is_bad(record->kind)) {
            record->is_buried = true;
            transaction.n_letters_said++;
        }
        transaction.to = record->offset + 1;
    }
    transaction.n_rows_said = (int64_t)transaction.n_rows;
    sim_database_commit(&transaction);
    sim_transaction_clear(&transaction);
}

/* --- the table --- */

int
sim_table_columns(void)
{
    return the_database.columns;
}

void
sim_table_add(int columns)
{
    the_database.columns |= columns;
    sim_trace("columns %d added: %d", columns, the_database.columns);
    sim_happened();
}

void
sim_table_drop(int columns)
{
    the_database.columns &= ~columns;
    sim_trace("columns %d dropped: %d", columns, the_database.columns);
    sim_happened();
}

/* --- the end --- */

void
sim_database_check(void)
{
    for (int lane = 0; lane < SIM_LANES; lane++) {
        const ledger_row_t *row = &the_database.ledger[lane];
        size_t n_owed = 0;
        for (const sim_record_t *record = sim_kafka_at(lane, row->first);
             row->exists && record != NULL && record->offset < row->next;
             record = sim_kafka_at(lane, record->offset + 1)) {
            bool forgiven = record->offset >= the_database.forgiven_from[lane] &&
                            record->offset < the_database.forgiven_to[lane];
            bool there = is_written(lane, record->offset);
            n_owed += there ? 1 : 0;
            if (!forgiven && sim_kind_is_row(record->kind) && !there) {
                sim_fail("lane %d offset %" PRId64 " is lost", lane, record->offset);
            }
        }
        if (n_owed != the_database.n_written[lane]) {
            sim_fail("lane %d holds %zu rows, %zu are owed", lane, the_database.n_written[lane],
                     n_owed);
        }
    }
}
