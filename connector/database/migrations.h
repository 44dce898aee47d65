/*
 * The catalogue of our own (schema tidegate) by numbered SQL files with checksums; migrations/ is
 * compiled in.
 *
 * Promise:   each file runs once, in one transaction, under an advisory lock, also when two
 *            instances start at once; a file that was changed after it ran is refused by name; a
 *            catalogue newer than the program is refused
 * Threads:   the owner of the connection
 */
#ifndef TG_DATABASE_MIGRATIONS_H
#define TG_DATABASE_MIGRATIONS_H

#include "database/connection.h"

typedef struct tg_migration_status {
    int version;      /* 1 for V001 */
    const char *name; /* "initial schema" */
    bool applied;
    char applied_at[40]; /* text, "" when not applied */
    bool checksum_differs;
} tg_migration_status_t;

/* ret_statuses has room for max entries; *ret_n is the number of known migrations. */
tg_status_t tg_migrations_status(tg_connection_t *connection, tg_migration_status_t *ret_statuses,
                                 size_t max, size_t *ret_n, tg_error_t *err) TG_MUST_CHECK;

/* Applies what is missing; on_applied (may be NULL) is told each. *ret_n_applied counts. */
tg_status_t tg_migrations_up(tg_connection_t *connection,
                             void (*on_applied)(void *arg, const tg_migration_status_t *migration),
                             void *arg, size_t *ret_n_applied, tg_error_t *err) TG_MUST_CHECK;

/* TG_OK when the catalogue is at the program's version; TG_ERR_MISSING says to run `tidegate
 * migrate up`. */
tg_status_t tg_migrations_check(tg_connection_t *connection, tg_error_t *err) TG_MUST_CHECK;

#endif
