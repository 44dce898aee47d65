#include <stdio.h>

#include <jansson.h>

#include "command.h"
#include "runtime/versions.h"

tg_exit_t
tg_cmd_version(const tg_invocation_t *invocation)
{
    size_t n = 0;
    const tg_version_t *versions = tg_versions(&n);
    if (!invocation->json) {
        for (size_t i = 0; i < n; i++) {
            (void)printf("%-14s %s\n", versions[i].name, versions[i].version);
        }
        return TG_EXIT_OK;
    }
    json_t *object = json_object();
    for (size_t i = 0; i < n; i++) {
        (void)json_object_set_new(object, versions[i].name, json_string(versions[i].version));
    }
    (void)json_dumpf(object, stdout, JSON_INDENT(2));
    (void)puts("");
    json_decref(object);
    return TG_EXIT_OK;
}
