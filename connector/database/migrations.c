#include "database/migrations.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "connection_internal.h"
#include "migrations_internal.h"

enum {
    MAX_STRING_BYTES = 4 << 20,
    MIGRATION_TIMEOUT_MS = 600000 /* DDL waits for locks and may rewrite tables */
};

/* All instances of all versions take the same lock: the number must never change. */
#define ADVISORY_LOCK "7391550412021001"

/* Raised inside the transaction of a migration that another instance has applied meanwhile. */
#define DONE_MEANWHILE "TG002"

/* What tidegate.migrations holds. */
typedef struct applied {
    tg_result_t *rows; /* version, checksum, applied_at; NULL: the catalogue does not exist */
    int max_version;
} applied_t;

static tg_status_t
read_applied(tg_connection_t *connection, applied_t *ret_applied, tg_error_t *err)
{
    TG_CLEANUP(tg_result_freep) tg_result_t *exists = NULL;
    *ret_applied = (applied_t){0};
    TG_TRY(tg_connection_query(connection, "SELECT to_regclass('tidegate.migrations') IS NOT NULL",
                               NULL, 0, &exists, err));
    if (!tg_result_bool(exists, 0, 0)) {
        return TG_OK;
    }
    TG_TRY(tg_connection_query(connection,
                               "SELECT version, checksum, date_trunc('second', applied_at)::text "
                               "FROM tidegate.migrations ORDER BY version",
                               NULL, 0, &ret_applied->rows, err));
    for (int row = 0; row < tg_result_n_rows(ret_applied->rows); row++) {
        ret_applied->max_version = (int)tg_result_int64(ret_applied->rows, row, 0);
    }
    return TG_OK;
}

static int
row_of_version(const applied_t *applied, int version)
{
    for (int row = 0; applied->rows != NULL && row < tg_result_n_rows(applied->rows); row++) {
        if (tg_result_int64(applied->rows, row, 0) == version) {
            return row;
        }
    }
    return -1;
}

static tg_migration_status_t
status_of(const tg_migration_t *migration, const applied_t *applied)
{
    tg_migration_status_t status = {.version = migration->version, .name = migration->name};
    int row = row_of_version(applied, migration->version);
    if (row >= 0) {
        const char *checksum = tg_result_text(applied->rows, row, 1);
        const char *applied_at = tg_result_text(applied->rows, row, 2);
        status.applied = true;
        status.checksum_differs = checksum == NULL || strcmp(checksum, migration->checksum) != 0;
        (void)snprintf(status.applied_at, sizeof status.applied_at, "%s",
                       applied_at != NULL ? applied_at : "");
    }
    return status;
}

tg_status_t
tg_migrations_status(tg_connection_t *connection, tg_migration_status_t *ret_statuses, size_t max,
                     size_t *ret_n, tg_error_t *err)
{
    applied_t applied;
    TG_TRY(read_applied(connection, &applied, err));
    for (size_t i = 0; i < TG_N_MIGRATIONS && i < max; i++) {
        ret_statuses[i] = status_of(&TG_MIGRATIONS[i], &applied);
    }
    *ret_n = TG_N_MIGRATIONS;
    tg_result_free(applied.rows);
    return TG_OK;
}

/* Refuses a catalogue that this program must not touch. */
static tg_status_t
check_known(const tg_connection_t *connection, const applied_t *applied, tg_error_t *err)
{
    if (applied->max_version > (int)TG_N_MIGRATIONS) {
        return tg_error_set(err, TG_ERR_CONFIG,
                            "the catalogue in %s is at version %d, this program knows %d: run the "
                            "newer tidegate that migrated it",
                            connection->name, applied->max_version, (int)TG_N_MIGRATIONS);
    }
    for (size_t i = 0; i < TG_N_MIGRATIONS; i++) {
        tg_migration_status_t status = status_of(&TG_MIGRATIONS[i], applied);
        if (status.checksum_differs) {
            return tg_error_set(err, TG_ERR_CONFIG,
                                "migration V%03d (%s) was applied to %s on %s with another "
                                "content than this program has: build from unchanged files in "
                                "migrations/",
                                status.version, status.name, connection->name, status.applied_at);
        }
    }
    return TG_OK;
}

/* One string, one transaction: lock, look again, the file, its row. */
static tg_status_t
append_migration(tg_buffer_t *sql, const tg_migration_t *migration)
{
    TG_TRY(tg_buffer_append_format(
        sql,
        "BEGIN; SET LOCAL synchronous_commit = on; SET LOCAL client_min_messages = warning; "
        "SELECT pg_advisory_xact_lock(" ADVISORY_LOCK "); "
        "DO $tidegate$ BEGIN IF to_regclass('tidegate.migrations') IS NOT NULL THEN "
        "IF EXISTS (SELECT FROM tidegate.migrations WHERE version = %d) THEN "
        "RAISE EXCEPTION 'migration %d was applied meanwhile' "
        "USING ERRCODE = '" DONE_MEANWHILE "'; END IF; END IF; END $tidegate$;\n",
        migration->version, migration->version));
    TG_TRY(tg_buffer_append_text(sql, migration->sql));
    TG_TRY(tg_buffer_append_format(
        sql, "\n;INSERT INTO tidegate.migrations (version, name, checksum) VALUES (%d, ",
        migration->version));
    TG_TRY(tg_sql_append_literal(sql, migration->name));
    TG_TRY(tg_buffer_append_text(sql, ", "));
    TG_TRY(tg_sql_append_literal(sql, migration->checksum));
    return tg_buffer_append_text(sql, "); COMMIT");
}

/* *ret_mine is false when another instance was faster. */
static tg_status_t
apply(tg_connection_t *connection, const tg_migration_t *migration, bool *ret_mine, tg_error_t *err)
{
    tg_buffer_t sql;
    tg_buffer_init(&sql, MAX_STRING_BYTES);
    tg_error_t why = {0};
    tg_status_t status = append_migration(&sql, migration);
    const char *text = status == TG_OK ? tg_buffer_text(&sql) : NULL;
    if (text == NULL) {
        tg_buffer_done(&sql);
        return tg_error_set(err, TG_ERR_NO_MEMORY, "no memory for migration V%03d",
                            migration->version);
    }
    status = tg_connection_execute_within(connection, text, MIGRATION_TIMEOUT_MS, &why);
    tg_buffer_done(&sql);
    *ret_mine = status == TG_OK;
    if (status == TG_OK || strcmp(why.sqlstate, DONE_MEANWHILE) == 0) {
        return TG_OK;
    }
    if (err != NULL) {
        *err = why;
    }
    return tg_error_wrap(err, status, "migration V%03d (%s) on %s%s", migration->version,
                         migration->name, connection->name,
                         status == TG_ERR_PERMISSION
                             ? " (run it as a user who may create a schema in this database)"
                             : "");
}

static tg_status_t
apply_missing(tg_connection_t *connection, const applied_t *applied,
              void (*on_applied)(void *arg, const tg_migration_status_t *migration), void *arg,
              size_t *ret_n_applied, tg_error_t *err)
{
    size_t n_applied = 0;
    for (size_t i = 0; i < TG_N_MIGRATIONS; i++) {
        tg_migration_status_t status = status_of(&TG_MIGRATIONS[i], applied);
        bool mine = false;
        if (!status.applied) {
            TG_TRY(apply(connection, &TG_MIGRATIONS[i], &mine, err));
        }
        if (mine) {
            status.applied = true;
            n_applied++;
            TG_LOG_INFO(connection->log, "migration applied", TG_I("version", status.version),
                        TG_S("name", status.name), TG_S("server", connection->name));
            if (on_applied != NULL) {
                on_applied(arg, &status);
            }
        }
    }
    *ret_n_applied = n_applied;
    return TG_OK;
}

tg_status_t
tg_migrations_up(tg_connection_t *connection,
                 void (*on_applied)(void *arg, const tg_migration_status_t *migration), void *arg,
                 size_t *ret_n_applied, tg_error_t *err)
{
    applied_t applied;
    TG_TRY(read_applied(connection, &applied, err));
    tg_status_t status = check_known(connection, &applied, err);
    if (status == TG_OK) {
        status = apply_missing(connection, &applied, on_applied, arg, ret_n_applied, err);
    }
    tg_result_free(applied.rows);
    return status;
}

tg_status_t
tg_migrations_check(tg_connection_t *connection, tg_error_t *err)
{
    applied_t applied;
    TG_TRY(read_applied(connection, &applied, err));
    tg_status_t status = check_known(connection, &applied, err);
    if (status == TG_OK && applied.max_version < (int)TG_N_MIGRATIONS) {
        status = tg_error_set(err, TG_ERR_MISSING,
                              "the catalogue in %s is at version %d, this program needs %d: run "
                              "`tidegate migrate up`",
                              connection->name, applied.max_version, (int)TG_N_MIGRATIONS);
    }
    tg_result_free(applied.rows);
    return status;
}
