/*
 * What the server has said about a string so far: tags, rows, and the first failure.
 *
 * Flow:      PQgetResult -> [copy answer] -> copy exchange
 * Ownership: _reset frees the rows; an answer of zeros is empty
 */
#ifndef TG_DATABASE_COPY_ANSWER_H
#define TG_DATABASE_COPY_ANSWER_H

#include <libpq-fe.h>

#include "connection_internal.h"

enum { TG_COPY_ANSWER_MAX_ROWS = 16 };

typedef struct tg_copy_answer {
    bool committed;    /* the tag COMMIT was seen */
    int n_copies_over; /* that were reported as complete */
    bool failed;       /* error is filled */
    bool refused;      /* by an ERROR of the server: it will not commit */
    tg_error_t error;
    int64_t failed_row; /* 0: not said */
    int failed_copy;
    tg_result_t *rows[TG_COPY_ANSWER_MAX_ROWS]; /* those of further statements are dropped */
    int n_rows;
} tg_copy_answer_t;

void tg_copy_answer_reset(tg_copy_answer_t *answer);

/* Takes note of a command's tag. */
void tg_copy_answer_note_command(tg_copy_answer_t *answer, PGresult *result);

/* Takes result. */
void tg_copy_answer_take_rows(tg_copy_answer_t *answer, PGresult *result);

/* Takes note of the first failure; later ones only repeat it. */
void tg_copy_answer_note_failure(tg_copy_answer_t *answer, PGconn *pg, const PGresult *result);

#endif
