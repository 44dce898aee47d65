/*
 * The simulated database: one table, the ledger, and transactions that may be lost or come late.
 */
#ifndef SIM_DATABASE_H
#define SIM_DATABASE_H

#include "sim_kafka.h"

/* Columns of the table, as bits. */
enum { SIM_COLUMN_ID = 1, SIM_COLUMN_A = 2, SIM_COLUMN_B = 4, SIM_COLUMN_C = 8 };

/* One row of a COPY. */
typedef struct sim_row {
    int64_t id;
    int64_t value[3]; /* a, b, c; INT64_MIN: NULL or not given */
} sim_row_t;

/* What a transaction does when it commits. */
typedef struct sim_transaction {
    int lane;
    char token[TG_TOKEN_TEXT_BYTES];
    int64_t from, to, n_rows_said, n_letters_said;
    bool holds_row; /* advance has run: the ledger's row is locked by it */
    sim_row_t *rows;
    size_t n_rows;
} sim_transaction_t;

void sim_database_open(void);
void sim_database_close(void);

int64_t sim_ledger_next(int lane);
/* An operator's hand. */
void sim_ledger_set(int lane, int64_t next_offset);

/* advance(): true when token and offset are the ledger's. */
bool sim_ledger_would_advance(const sim_transaction_t *transaction);
void sim_ledger_claim(int lane, const char *token, int64_t start, int64_t *ret_next,
                      int64_t *ret_epoch);
bool sim_ledger_has(int lane, int64_t *ret_next);

/* Checks every promise about the transaction, then makes it part of the database. */
void sim_database_commit(sim_transaction_t *transaction);
void sim_transaction_clear(sim_transaction_t *transaction);
/* The connection is gone, the server may go on with what it has. */
void sim_database_orphan(sim_transaction_t *transaction);
/* Every synchronous commit. */
void sim_database_made_durable(void);
void sim_database_crash(void);

/* The rival writes some records of a lane that is its own. */
void sim_database_rival(int lane);

/* The table: 0 while it does not exist. */
int sim_table_columns(void);
void sim_table_add(int columns);
void sim_table_drop(int columns);

/* Every open connection breaks (sim_connection.c). */
void sim_connections_break(void);
/* Whether a flush that is under way holds the lane's row of the ledger. */
bool sim_connections_lock(int lane);

/* What may happen to any question: the connection breaks, the server takes too long. */
tg_status_t sim_connection_trouble(tg_connection_t *connection, tg_error_t *err);

/* Every good record before the ledger's offset is there once, and no other. */
void sim_database_check(void);

#endif
