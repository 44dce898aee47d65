#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "command.h"
#include "runtime/runtime.h"

tg_exit_t
tg_cmd_run(const tg_invocation_t *invocation)
{
    tg_exit_t exit_code = TG_EXIT_OK;
    tg_config_t *config = tg_command_load_config(invocation, &exit_code);
    if (config == NULL) {
        return exit_code;
    }
    tg_log_t *log = tg_log_new(STDERR_FILENO, config->log.format, config->log.level);
    const tg_runtime_options_t options = {.config_path = invocation->config_path,
                                          .environment = invocation->environment,
                                          .config = config,
                                          .log = log};
    tg_error_t why;
    tg_status_t status = tg_runtime_run(&options, &why);
    if (status == TG_ERR_TIMEOUT || status == TG_ERR_CANCELLED) {
        TG_LOG_WARNING(log, "left without draining", TG_S("error", why.text));
        /* Its threads still run: nothing may be freed under them. */
        _exit(TG_EXIT_FAILED);
    }
    if (status != TG_OK) {
        TG_LOG_ERROR(log, "cannot run", TG_S("error", why.text));
        exit_code = status == TG_ERR_CONFIG ? TG_EXIT_CONFIG : TG_EXIT_FAILED;
    }
    tg_log_free(log);
    tg_config_free(config);
    return exit_code;
}
