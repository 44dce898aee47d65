/*
 * `tidegate migrate`: the catalogue of our own in the database that a configuration names.
 *
 * Flow:      config -> [migrate] -> database room
 * Threads:   main
 */
#ifndef TG_RUNTIME_MIGRATE_H
#define TG_RUNTIME_MIGRATE_H

#include "config/config.h"

typedef struct tg_migration_info {
    int version;
    const char *name;
    bool applied;
    const char *applied_at; /* "" when not applied */
    bool checksum_differs;
} tg_migration_info_t;

typedef void tg_migration_visit_t(void *arg, const tg_migration_info_t *migration);

/* Applies what is missing, then visits every migration. */
tg_status_t tg_migrate_up(const tg_config_t *config, tg_migration_visit_t *visit, void *arg,
                          tg_error_t *err) TG_MUST_CHECK;
tg_status_t tg_migrate_status(const tg_config_t *config, tg_migration_visit_t *visit, void *arg,
                              tg_error_t *err) TG_MUST_CHECK;

#endif
