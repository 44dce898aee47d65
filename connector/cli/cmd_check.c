#include <stdio.h>

#include <jansson.h>

#include "command.h"
#include "runtime/check.h"

static void
print_finding(void *arg, tg_finding_kind_t kind, const char *subject, const char *text)
{
    (void)arg;
    (void)printf("%-8s %-28s %s\n", tg_finding_kind_name(kind), subject, text);
}

static void
collect_finding(void *arg, tg_finding_kind_t kind, const char *subject, const char *text)
{
    (void)json_array_append_new(arg,
                                json_pack("{s:s, s:s, s:s}", "kind", tg_finding_kind_name(kind),
                                          "subject", subject, "text", text));
}

tg_exit_t
tg_cmd_check(const tg_invocation_t *invocation)
{
    tg_exit_t exit_code = TG_EXIT_OK;
    tg_config_t *config = tg_command_load_config(invocation, &exit_code);
    if (config == NULL) {
        return exit_code;
    }
    size_t n_failed = 0;
    if (invocation->json) {
        json_t *findings = json_array();
        n_failed = tg_check_run(config, NULL, collect_finding, findings);
        (void)json_dumpf(findings, stdout, JSON_INDENT(2));
        (void)puts("");
        json_decref(findings);
    } else {
        print_finding(NULL, TG_FINDING_OK, "configuration", invocation->config_path);
        n_failed = tg_check_run(config, NULL, print_finding, NULL);
        (void)printf("%s\n", n_failed == 0 ? "everything that was tried works"
                                           : "something does not work yet, see above");
    }
    tg_config_free(config);
    return n_failed == 0 ? TG_EXIT_OK : TG_EXIT_CHECK;
}
