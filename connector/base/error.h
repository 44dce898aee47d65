/*
 * Status codes, the text that goes with them, and the one reaction that each code has.
 *
 * Flow:      every fallible function returns tg_status_t and fills a tg_error_t of the caller
 * Promise:   a code has exactly one reaction; the pipeline switches on the reaction, never on a
 *            code
 * Ownership: tg_error_t is a plain value on the caller's stack; nothing to free
 * Threads:   any; a tg_error_t belongs to one thread
 * Texts:     what happened, to which object, why, and what the user can do; never a secret or a
 *            payload
 */
#ifndef TG_BASE_ERROR_H
#define TG_BASE_ERROR_H

#include <stddef.h>

#define TG_MUST_CHECK                      __attribute__((warn_unused_result))
#define TG_PRINTF(format_index, first_arg) __attribute__((format(printf, format_index, first_arg)))

typedef enum tg_status {
    TG_OK = 0,
    /* the environment: same input again, later */
    TG_ERR_AGAIN,       /* not yet; the caller is woken when it is worth asking again */
    TG_ERR_UNAVAILABLE, /* broker, registry or server away, overloaded or shutting down */
    TG_ERR_TIMEOUT,     /* a deadline passed */
    TG_ERR_NO_MEMORY,   /* the allocator or a ceiling said no */
    TG_ERR_FULL,        /* a bounded queue or buffer has no room */
    TG_ERR_CONFLICT,    /* deadlock, serialization failure, lock not available */
    TG_ERR_PERMISSION,  /* authentication or privilege: an operator must act, the record is not at
                           fault */
    TG_ERR_MISSING,     /* table, column, topic or database absent: an operator must act */
    TG_ERR_IO,          /* local file or socket */
    /* the record: it can never work */
    TG_ERR_INVALID,      /* malformed input */
    TG_ERR_TRUNCATED,    /* input ends too early */
    TG_ERR_TRAILING,     /* input goes on after its end */
    TG_ERR_OUT_OF_RANGE, /* a value that the target cannot hold */
    TG_ERR_TOO_LARGE,    /* beyond a ceiling on one record */
    TG_ERR_UNSUPPORTED,  /* well-formed, but nothing that we can map */
    TG_ERR_MISMATCH,     /* schema and table do not fit */
    TG_ERR_NOT_FOUND,    /* the thing named by the record does not exist (schema id) */
    TG_ERR_CONSTRAINT,   /* the server rejects the row */
    TG_ERR_UNROUTED,     /* no route takes the record */
    /* the claim: roll back and claim the lane again */
    TG_ERR_FENCED, /* another instance has claimed the lane */
    TG_ERR_LOST,   /* connection lost; the outcome may be unknown */
    /* the program: stop this part */
    TG_ERR_CONFIG,          /* a configuration or an argument that cannot work */
    TG_ERR_MISSING_OFFSETS, /* Kafka no longer holds what the ledger needs */
    TG_ERR_CANCELLED,       /* asked to stop */
    TG_ERR_INTERNAL,        /* a defect of ours or a fatal library error */
    TG_STATUS_COUNT
} tg_status_t;

typedef enum tg_reaction {
    TG_REACTION_NONE,   /* TG_OK */
    TG_REACTION_RETRY,  /* same input, later, with backoff */
    TG_REACTION_POISON, /* dead-letter this record, go on */
    TG_REACTION_ABORT,  /* roll back, drop the lane's buffers, claim again */
    TG_REACTION_FATAL   /* stop the part concerned and say so */
} tg_reaction_t;

#define TG_ERROR_TEXT_BYTES 1024

typedef struct tg_error {
    tg_status_t status;
    char sqlstate[6]; /* "" unless the database said one */
    char text[TG_ERROR_TEXT_BYTES];
} tg_error_t;

/* Constant text such as "truncated"; never NULL. */
const char *tg_status_name(tg_status_t status);

tg_reaction_t tg_status_reaction(tg_status_t status);

/* Constant text such as "retry"; never NULL. */
const char *tg_reaction_name(tg_reaction_t reaction);

/* Fills *err (may be NULL) and returns status, so that a cause is one line: return
 * tg_error_set(...). */
tg_status_t tg_error_set(tg_error_t *err, tg_status_t status, const char *format, ...)
    TG_PRINTF(3, 4);

/* Puts "context: " in front of the text that is there and keeps the SQLSTATE. The new status may be
 * the old one (err->status). Returns status. A text that grows too long loses its end. */
tg_status_t tg_error_wrap(tg_error_t *err, tg_status_t status, const char *format, ...)
    TG_PRINTF(3, 4);

/* Notes the five characters of a SQLSTATE (NULL clears it). */
void tg_error_set_sqlstate(tg_error_t *err, const char *sqlstate);

/* The only macro that may return. */
#define TG_TRY(expr)                                                                               \
    do {                                                                                           \
        tg_status_t try_status_ = (expr);                                                          \
        if (try_status_ != TG_OK) {                                                                \
            return try_status_;                                                                    \
        }                                                                                          \
    } while (0)

/* Drops a status on purpose; a comment beside it says why that is right. */
#define TG_IGNORE(expr)                                                                            \
    do {                                                                                           \
        if ((expr) != TG_OK) {                                                                     \
        }                                                                                          \
    } while (0)

#endif
