#include <stdio.h>

#include "command.h"

tg_exit_t
tg_cmd_config_show(const tg_invocation_t *invocation)
{
    tg_exit_t exit_code = TG_EXIT_OK;
    tg_config_t *config = tg_command_load_config(invocation, &exit_code);
    if (config == NULL) {
        return exit_code;
    }
    tg_buffer_t text;
    tg_buffer_init(&text, 1 << 20);
    if (tg_config_dump(config, &text) == TG_OK) {
        (void)fwrite(text.data, 1, text.n_bytes, stdout);
    } else {
        tg_command_complain("the configuration is too large to print");
        exit_code = TG_EXIT_FAILED;
    }
    tg_buffer_done(&text);
    tg_config_free(config);
    return exit_code;
}
