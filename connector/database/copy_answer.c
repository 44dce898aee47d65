#include "copy_answer.h"

#include <string.h>

#include "server_error.h"

void
tg_copy_answer_reset(tg_copy_answer_t *answer)
{
    for (int i = 0; i < answer->n_rows; i++) {
        tg_result_free(answer->rows[i]);
    }
    *answer = (tg_copy_answer_t){0};
}

void
tg_copy_answer_note_command(tg_copy_answer_t *answer, PGresult *result)
{
    const char *tag = PQcmdStatus(result);
    if (strcmp(tag, "COMMIT") == 0) {
        answer->committed = true;
    } else if (strncmp(tag, "COPY ", 5) == 0) {
        answer->n_copies_over++;
    }
}

void
tg_copy_answer_take_rows(tg_copy_answer_t *answer, PGresult *result)
{
    if (answer->n_rows == TG_COPY_ANSWER_MAX_ROWS) {
        PQclear(result);
        return;
    }
    answer->rows[answer->n_rows] = tg_result_of(result);
    answer->n_rows += answer->rows[answer->n_rows] != NULL ? 1 : 0;
}

void
tg_copy_answer_note_failure(tg_copy_answer_t *answer, PGconn *pg, const PGresult *result)
{
    if (answer->failed) {
        return;
    }
    const char *severity = PQresultErrorField(result, PG_DIAG_SEVERITY_NONLOCALIZED);
    answer->failed = true;
    answer->refused = severity != NULL && strcmp(severity, "ERROR") == 0;
    (void)tg_server_error_of_result(pg, result, &answer->error);
    answer->failed_row = tg_server_error_row(result);
    answer->failed_copy = answer->n_copies_over;
}
