#include "migrate.h"

#include <stdlib.h>

#include "database/migrations.h"

enum { MAX_MIGRATIONS = 256, MIGRATION_TIMEOUT_MS = 600000 };

static tg_status_t
open_connection(const tg_config_t *config, tg_connection_t **ret_connection, tg_error_t *err)
{
    const tg_connection_options_t options = {.url = config->database.url,
                                             .application_name = "tidegate migrate",
                                             .connect_timeout_ms =
                                                 config->database.connect_timeout_ms,
                                             .query_timeout_ms = MIGRATION_TIMEOUT_MS,
                                             .log = NULL};
    TG_CLEANUP(tg_connection_freep) tg_connection_t *connection = NULL;
    TG_TRY(tg_connection_new(&options, &connection, err));
    TG_TRY(tg_connection_open(connection, err));
    *ret_connection = TG_STEAL(connection);
    return TG_OK;
}

static tg_status_t
visit_all(tg_connection_t *connection, tg_migration_visit_t *visit, void *arg, tg_error_t *err)
{
    tg_migration_status_t *statuses = calloc(MAX_MIGRATIONS, sizeof *statuses);
    if (statuses == NULL) {
        return tg_error_set(err, TG_ERR_NO_MEMORY, "no memory for the list of migrations");
    }
    size_t n = 0;
    tg_status_t status = tg_migrations_status(connection, statuses, MAX_MIGRATIONS, &n, err);
    for (size_t i = 0; status == TG_OK && i < n && i < MAX_MIGRATIONS; i++) {
        const tg_migration_info_t info = {.version = statuses[i].version,
                                          .name = statuses[i].name,
                                          .applied = statuses[i].applied,
                                          .applied_at = statuses[i].applied_at,
                                          .checksum_differs = statuses[i].checksum_differs};
        visit(arg, &info);
    }
    free(statuses);
    return status;
}

tg_status_t
tg_migrate_up(const tg_config_t *config, tg_migration_visit_t *visit, void *arg, tg_error_t *err)
{
    TG_CLEANUP(tg_connection_freep) tg_connection_t *connection = NULL;
    TG_TRY(open_connection(config, &connection, err));
    size_t n_applied = 0;
    TG_TRY(tg_migrations_up(connection, NULL, NULL, &n_applied, err));
    return visit_all(connection, visit, arg, err);
}

tg_status_t
tg_migrate_status(const tg_config_t *config, tg_migration_visit_t *visit, void *arg,
                  tg_error_t *err)
{
    TG_CLEANUP(tg_connection_freep) tg_connection_t *connection = NULL;
    TG_TRY(open_connection(config, &connection, err));
    return visit_all(connection, visit, arg, err);
}
