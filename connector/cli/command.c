#include "command.h"

#include <argp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_TEXT_BYTES = 1 << 20 };

void
tg_command_complain(const char *text)
{
    (void)fprintf(stderr, "tidegate: %s\n", text);
}

/* --- help --- */

/* Commands whose path begins with group and a space, or all for group "". */
static bool
in_group(const tg_command_t *command, const char *group)
{
    size_t n = strlen(group);
    return n == 0 || (strncmp(command->path, group, n) == 0 && command->path[n] == ' ');
}

static void
print_help(FILE *out, const char *group)
{
    (void)fprintf(out, "Usage: tidegate %s%s[COMMAND] [OPTION...]\n", group,
                  group[0] != '\0' ? " " : "");
    if (group[0] == '\0') {
        (void)fprintf(out, "Exactly-once stream connector between Apache Kafka and TimescaleDB.\n");
    }
    (void)fprintf(out, "\nCommands:\n");
    for (size_t i = 0; i < TG_N_COMMANDS; i++) {
        if (in_group(&TG_COMMANDS[i], group)) {
            (void)fprintf(out, "  %-18s %s\n", TG_COMMANDS[i].path, TG_COMMANDS[i].summary);
        }
    }
    (void)fprintf(
        out,
        "\n\"tidegate COMMAND --help\" says more. Exit codes: 0 done, 1 failed, 2 wrong usage,\n"
        "3 wrong configuration, 4 a check failed.\n");
}

/* --- options of one command --- */

typedef struct {
    const tg_command_t *command;
    tg_invocation_t invocation;
} parse_t;

static error_t
parse_option(int key, char *value, struct argp_state *state)
{
    parse_t *parse = state->input;
    switch (key) {
    case 'c':
        parse->invocation.config_path = value;
        return 0;
    case 'j':
        if (!parse->command->has_json) {
            argp_error(state, "this command has no JSON output");
        }
        parse->invocation.json = true;
        return 0;
    case ARGP_KEY_ARG:
        argp_error(state, "unexpected argument %s", value);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static tg_exit_t
run_command(const tg_command_t *command, int argc, char **argv, char *const *environment)
{
    static const struct argp_option OPTIONS[] = {
        {"config", 'c', "FILE", 0, "the configuration (default: $TIDEGATE_CONFIG)", 0},
        {"json", 'j', NULL, 0, "print JSON", 0},
        {0},
    };
    static const struct argp_option JSON_ONLY[] = {{"json", 'j', NULL, 0, "print JSON", 0}, {0}};
    char doc[1024];
    (void)snprintf(doc, sizeof doc, "%s.%s%s", command->summary,
                   command->details != NULL ? "\v" : "",
                   command->details != NULL ? command->details : "");
    const struct argp argp = {
        .options = command->needs_config ? OPTIONS : JSON_ONLY, .parser = parse_option, .doc = doc};
    parse_t parse = {
        .command = command,
        .invocation = {.config_path = getenv("TIDEGATE_CONFIG"), .environment = environment}};
    if (argp_parse(&argp, argc, argv, 0, NULL, &parse) != 0) {
        return TG_EXIT_USAGE;
    }
    if (command->needs_config && parse.invocation.config_path == NULL) {
        tg_command_complain("which configuration? give -c FILE or set TIDEGATE_CONFIG");
        return TG_EXIT_USAGE;
    }
    return command->run(&parse.invocation);
}

/* --- dispatch --- */

/* The command that argv names, by one word or two; *ret_n_words says how many. */
static const tg_command_t *
find_command(int argc, char **argv, int *ret_n_words)
{
    char two_words[128];
    (void)snprintf(two_words, sizeof two_words, "%s %s", argv[1], argc > 2 ? argv[2] : "");
    for (size_t i = 0; i < TG_N_COMMANDS; i++) {
        if (strcmp(TG_COMMANDS[i].path, argv[1]) == 0) {
            *ret_n_words = 1;
            return &TG_COMMANDS[i];
        }
        if (strcmp(TG_COMMANDS[i].path, two_words) == 0) {
            *ret_n_words = 2;
            return &TG_COMMANDS[i];
        }
    }
    return NULL;
}

static bool
is_group(const char *word)
{
    for (size_t i = 0; i < TG_N_COMMANDS; i++) {
        if (word[0] != '\0' && in_group(&TG_COMMANDS[i], word)) {
            return true;
        }
    }
    return false;
}

static bool
asks_for_help(const char *word)
{
    return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 || strcmp(word, "help") == 0 ||
           strcmp(word, "-?") == 0;
}

int
tg_command_main(int argc, char **argv, char *const *environment)
{
    argp_err_exit_status = TG_EXIT_USAGE;
    if (argc < 2 || asks_for_help(argv[1])) {
        print_help(argc < 2 ? stderr : stdout, "");
        return argc < 2 ? TG_EXIT_USAGE : TG_EXIT_OK;
    }
    if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0) {
        return (int)tg_cmd_version(&(tg_invocation_t){.environment = environment});
    }
    int n_words = 0;
    const tg_command_t *command = find_command(argc, argv, &n_words);
    if (command != NULL) {
        char name[128];
        (void)snprintf(name, sizeof name, "tidegate %s", command->path);
        argv[n_words] = name; /* argp prints it as the program's name */
        return (int)run_command(command, argc - n_words, argv + n_words, environment);
    }
    if (is_group(argv[1])) {
        bool help = argc > 2 && asks_for_help(argv[2]);
        print_help(help ? stdout : stderr, argv[1]);
        return help ? TG_EXIT_OK : TG_EXIT_USAGE;
    }
    (void)fprintf(stderr, "tidegate: no command \"%s\"\n", argv[1]);
    print_help(stderr, "");
    return TG_EXIT_USAGE;
}

/* --- what commands share --- */

static void
print_problems(const tg_config_problems_t *problems, const tg_error_t *why)
{
    tg_buffer_t text;
    tg_buffer_init(&text, MAX_TEXT_BYTES);
    if (tg_config_problems_count(problems) > 0 &&
        tg_config_problems_format(problems, &text) == TG_OK) {
        (void)fwrite(text.data, 1, text.n_bytes, stderr);
    }
    tg_command_complain(why->text);
    tg_buffer_done(&text);
}

tg_config_t *
tg_command_load_config(const tg_invocation_t *invocation, tg_exit_t *ret_exit)
{
    tg_config_t *config = NULL;
    tg_config_problems_t *problems = tg_config_problems_new();
    tg_error_t why;
    tg_status_t status = tg_error_set(&why, TG_ERR_NO_MEMORY, "no memory for the configuration");
    if (problems != NULL) {
        status = tg_config_load(invocation->config_path, invocation->environment, problems, &config,
                                &why);
    }
    if (status != TG_OK) {
        print_problems(problems, &why);
        *ret_exit = TG_EXIT_CONFIG;
        config = NULL;
    }
    tg_config_problems_free(problems);
    return config;
}
