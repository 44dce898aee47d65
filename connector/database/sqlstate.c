#include <stdlib.h>
#include <string.h>

#include "database/connection.h"

typedef struct sqlstate_row {
    const char *prefix; /* five characters: this code; two: the rest of the class */
    tg_status_t status;
} sqlstate_row_t;

/*
 * Sorted by text, so that a code stands behind its class; the longest match wins. What stands here
 * as POISON (CONSTRAINT, TOO_LARGE, MISMATCH) is what one row can cause; everything else is the
 * environment's, for which no record is dead-lettered.
 */
static const sqlstate_row_t ROWS[] = {
    {"03", TG_ERR_CONFLICT},    /* SQL statement not yet complete */
    {"08", TG_ERR_UNAVAILABLE}, /* connection; 08P01 is also what PgBouncer says for all it has */
    {"08007", TG_ERR_LOST},     /* transaction resolution unknown */
    {"09", TG_ERR_CONSTRAINT},  /* triggered action exception */
    {"0A", TG_ERR_MISSING},     /* the server or its licence lacks the feature, whatever the row */
    {"0B", TG_ERR_CONFLICT},    /* invalid transaction initiation */
    {"0L", TG_ERR_PERMISSION},  /* invalid grantor */
    {"0P", TG_ERR_PERMISSION},  /* invalid role */
    {"20", TG_ERR_CONSTRAINT},  /* case not found, in a trigger */
    {"21", TG_ERR_CONSTRAINT},  /* cardinality: one key twice in a batch; bisection parts them */
    {"22", TG_ERR_CONSTRAINT},  /* data exception */
    {"22P03", TG_ERR_MISMATCH}, /* bad binary representation: the plan's type is not the table's */
    {"22P04", TG_ERR_MISMATCH}, /* bad COPY format: another number of columns */
    {"23", TG_ERR_CONSTRAINT},  /* integrity constraint */
    {"24", TG_ERR_CONFLICT},    /* invalid cursor state */
    {"25", TG_ERR_CONFLICT},    /* transaction state; 25P02 is a failed one that we did not end */
    {"25006", TG_ERR_UNAVAILABLE}, /* read-only: a standby, until the failover is over */
    {"25P03", TG_ERR_UNAVAILABLE}, /* idle in transaction timeout: the session is gone */
    {"25P04", TG_ERR_TIMEOUT},     /* transaction timeout (17) */
    {"26", TG_ERR_CONFLICT},       /* no such prepared statement: another server session */
    {"27", TG_ERR_CONSTRAINT},     /* triggered data change violation */
    {"28", TG_ERR_PERMISSION},     /* authorization: wrong password, no pg_hba line, no role */
    {"2B", TG_ERR_CONFLICT},       /* dependent privileges */
    {"2D", TG_ERR_CONFLICT},       /* invalid termination; what TimescaleDB makes of an error in a
                                      refresh's trigger; works when tried again */
    {"2F", TG_ERR_CONSTRAINT},     /* SQL routine exception */
    {"34", TG_ERR_CONFLICT},       /* no such cursor */
    {"3D", TG_ERR_MISSING},        /* no such database */
    {"3F", TG_ERR_MISSING},        /* no such schema */
    {"40", TG_ERR_CONFLICT},       /* deadlock, serialization */
    {"40002", TG_ERR_CONSTRAINT},  /* integrity, at the end of the transaction */
    {"40003", TG_ERR_LOST},        /* statement completion unknown */
    {"42", TG_ERR_MISSING},        /* no such table, column, function, type */
    {"42501", TG_ERR_PERMISSION},  /* insufficient privilege */
    {"42601", TG_ERR_INTERNAL},    /* syntax error: we wrote the SQL */
    {"42804", TG_ERR_MISMATCH},    /* datatype mismatch */
    {"428C9", TG_ERR_MISMATCH},    /* a generated column cannot be written */
    {"42P02", TG_ERR_INTERNAL},    /* undefined parameter */
    {"42P08", TG_ERR_INTERNAL},    /* ambiguous parameter */
    {"42P10", TG_ERR_MISMATCH},    /* no unique constraint that matches ON CONFLICT */
    {"42P18", TG_ERR_INTERNAL},    /* indeterminate type of a parameter */
    {"44", TG_ERR_CONSTRAINT},     /* WITH CHECK OPTION */
    {"53", TG_ERR_UNAVAILABLE},    /* disk full, out of memory, too many connections */
    {"54", TG_ERR_TOO_LARGE},      /* row or index row too big, nested too deep */
    {"55", TG_ERR_UNAVAILABLE},    /* not in the state that is needed */
    {"55006", TG_ERR_CONFLICT},    /* object in use */
    {"55P03", TG_ERR_CONFLICT},    /* lock not available */
    {"57", TG_ERR_UNAVAILABLE},    /* operator intervention: shutting down, starting up */
    {"57014", TG_ERR_TIMEOUT},     /* cancelled: statement_timeout, or our own deadline */
    {"57P04", TG_ERR_MISSING},     /* database dropped */
    {"58", TG_ERR_UNAVAILABLE},    /* system error */
    {"72", TG_ERR_CONFLICT},       /* snapshot too old */
    {"F0", TG_ERR_UNAVAILABLE},    /* configuration file */
    {"HV", TG_ERR_UNAVAILABLE},    /* foreign data wrapper */
    {"P0", TG_ERR_CONSTRAINT},     /* RAISE in a user's trigger: it rejects the row */
    {"TG", TG_ERR_CONFLICT},       /* our own: TG002 done by another instance meanwhile */
    {"TG001", TG_ERR_FENCED},      /* tidegate.advance: the lane was claimed by another instance */
    {"TS", TG_ERR_UNAVAILABLE},    /* TimescaleDB's internal ones; a chunk collision passes */
    {"TS0", TG_ERR_MISSING},       /* hypertable, dimension or chunk does not exist */
    {"TS1", TG_ERR_MISSING},       /* DDL that this hypertable cannot have: an operator must act */
    {"XX", TG_ERR_UNAVAILABLE},    /* internal, corruption */
};

tg_status_t
tg_sqlstate_status(const char *sqlstate)
{
    tg_status_t status = TG_ERR_UNAVAILABLE;
    if (sqlstate == NULL) {
        return status;
    }
    size_t longest = 0;
    for (size_t i = 0; i < TG_COUNT_OF(ROWS); i++) {
        size_t n = strlen(ROWS[i].prefix);
        if (n > longest && strncmp(sqlstate, ROWS[i].prefix, n) == 0) {
            longest = n;
            status = ROWS[i].status;
        }
    }
    return status;
}

bool
tg_sqlstate_is_stale_plan(const char *sqlstate)
{
    /* 08P01 is what a receive function says when a field is shorter than its type. */
    static const char *const CODES[] = {"42703", "42P01", "42804", "428C9",
                                        "42P10", "22P03", "22P04", "08P01"};
    for (size_t i = 0; sqlstate != NULL && i < TG_COUNT_OF(CODES); i++) {
        if (strcmp(sqlstate, CODES[i]) == 0) {
            return true;
        }
    }
    return false;
}
