#include <stdio.h>

#include <jansson.h>

#include "command.h"
#include "runtime/migrate.h"

static void
print_migration(void *arg, const tg_migration_info_t *migration)
{
    json_t *list = arg;
    if (list != NULL) {
        (void)json_array_append_new(
            list, json_pack("{s:i, s:s, s:b, s:s, s:b}", "version", migration->version, "name",
                            migration->name, "applied", migration->applied ? 1 : 0, "applied_at",
                            migration->applied_at, "checksum_differs",
                            migration->checksum_differs ? 1 : 0));
        return;
    }
    (void)printf("V%03d  %-28s %s%s%s\n", migration->version, migration->name,
                 migration->applied ? "applied " : "pending", migration->applied_at,
                 migration->checksum_differs ? "  CHANGED since it was applied" : "");
}

/* Both verbs: load, do, print. */
static tg_exit_t
migrate(const tg_invocation_t *invocation,
        tg_status_t (*work)(const tg_config_t *, tg_migration_visit_t *, void *, tg_error_t *))
{
    tg_exit_t exit_code = TG_EXIT_OK;
    tg_config_t *config = tg_command_load_config(invocation, &exit_code);
    if (config == NULL) {
        return exit_code;
    }
    json_t *list = invocation->json ? json_array() : NULL;
    tg_error_t why;
    if (work(config, print_migration, list, &why) != TG_OK) {
        tg_command_complain(why.text);
        exit_code = TG_EXIT_FAILED;
    } else if (list != NULL) {
        (void)json_dumpf(list, stdout, JSON_INDENT(2));
        (void)puts("");
    }
    json_decref(list);
    tg_config_free(config);
    return exit_code;
}

tg_exit_t
tg_cmd_migrate_up(const tg_invocation_t *invocation)
{
    return migrate(invocation, tg_migrate_up);
}

tg_exit_t
tg_cmd_migrate_status(const tg_invocation_t *invocation)
{
    return migrate(invocation, tg_migrate_status);
}
