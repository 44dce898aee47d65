#include "command.h"

const tg_command_t TG_COMMANDS[] = {
    {"run", "read from Kafka and write to TimescaleDB until a signal says stop",
     "SIGTERM writes what is encoded and leaves; a second one leaves at once. SIGHUP loads the "
     "file again and takes over "
     "log.level and batch limits.",
     true, false, tg_cmd_run},
    {"check", "validate the file, then try broker, registry, database, privileges and versions",
     "Changes nothing. Exit code 3: the file is wrong; 4: something that it names does not work.",
     true, true, tg_cmd_check},
    {"migrate up", "bring the schema tidegate in the database to this program's version", NULL,
     true, true, tg_cmd_migrate_up},
    {"migrate status", "show which migrations the database has", NULL, true, true,
     tg_cmd_migrate_status},
    {"config show",
     "print the configuration as it is understood, defaults filled in, secrets masked", NULL, true,
     false, tg_cmd_config_show},
    {"version", "print the versions of the program and its libraries", NULL, false, true,
     tg_cmd_version},
};

const size_t TG_N_COMMANDS = sizeof TG_COMMANDS / sizeof TG_COMMANDS[0];
