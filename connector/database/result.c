#include <stdlib.h>

#include "connection_internal.h"

tg_result_t *
tg_result_of(PGresult *pg)
{
    tg_result_t *result = calloc(1, sizeof *result);
    if (result == NULL) {
        PQclear(pg);
        return NULL;
    }
    result->pg = pg;
    return result;
}

void
tg_result_free(tg_result_t *result)
{
    if (result != NULL) {
        PQclear(result->pg);
        free(result);
    }
}

int
tg_result_n_rows(const tg_result_t *result)
{
    return PQntuples(result->pg);
}

int
tg_result_n_columns(const tg_result_t *result)
{
    return PQnfields(result->pg);
}

const char *
tg_result_text(const tg_result_t *result, int row, int column)
{
    if (row < 0 || row >= PQntuples(result->pg) || column < 0 || column >= PQnfields(result->pg) ||
        PQgetisnull(result->pg, row, column) != 0) {
        return NULL;
    }
    return PQgetvalue(result->pg, row, column);
}

int64_t
tg_result_int64(const tg_result_t *result, int row, int column)
{
    const char *text = tg_result_text(result, row, column);
    return text != NULL ? strtoll(text, NULL, 10) : 0;
}

bool
tg_result_bool(const tg_result_t *result, int row, int column)
{
    const char *text = tg_result_text(result, row, column);
    return text != NULL && *text == 't';
}

const char *
tg_result_column_name(const tg_result_t *result, int column)
{
    return PQfname(result->pg, column);
}
