/*
 * The command tree as data: one table names every command, its sentence, its arguments and its
 * function.
 *
 * Flow:      main -> [command] -> cmd_*.c
 * Exit:      0 done; 1 failed while working; 2 wrong usage; 3 wrong configuration; 4 a check failed
 * Threads:   main
 */
#ifndef TG_CLI_COMMAND_H
#define TG_CLI_COMMAND_H

#include <stdbool.h>

#include "config/config.h"

typedef enum tg_exit {
    TG_EXIT_OK = 0,
    TG_EXIT_FAILED = 1,
    TG_EXIT_USAGE = 2,
    TG_EXIT_CONFIG = 3,
    TG_EXIT_CHECK = 4,
} tg_exit_t;

/* What the command line said. */
typedef struct tg_invocation {
    const char *config_path; /* NULL: neither -c nor TIDEGATE_CONFIG */
    bool json;
    char *const *environment;
} tg_invocation_t;

typedef struct tg_command {
    const char *path; /* "migrate up" */
    const char *summary;
    const char *details; /* NULL: none */
    bool needs_config;
    bool has_json;
    tg_exit_t (*run)(const tg_invocation_t *invocation);
} tg_command_t;

extern const tg_command_t TG_COMMANDS[];
extern const size_t TG_N_COMMANDS;

/* Runs what argv says; the program's exit code. */
int tg_command_main(int argc, char **argv, char *const *environment);

/* Loads the configuration or prints every problem; NULL: *ret_exit says why. The caller owns it. */
tg_config_t *tg_command_load_config(const tg_invocation_t *invocation, tg_exit_t *ret_exit);

/* Prints "tidegate: <text>" on standard error. */
void tg_command_complain(const char *text);

tg_exit_t tg_cmd_run(const tg_invocation_t *invocation);
tg_exit_t tg_cmd_check(const tg_invocation_t *invocation);
tg_exit_t tg_cmd_migrate_up(const tg_invocation_t *invocation);
tg_exit_t tg_cmd_migrate_status(const tg_invocation_t *invocation);
tg_exit_t tg_cmd_config_show(const tg_invocation_t *invocation);
tg_exit_t tg_cmd_version(const tg_invocation_t *invocation);

#endif
