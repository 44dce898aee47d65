#include <stdio.h>

#include "config_places_internal.h"

static size_t
count(const config_setting_t *setting)
{
    size_t n = 0;
    for (int i = 0; i < config_setting_length(setting); i++) {
        n += 1 + count(config_setting_get_elem(setting, (unsigned)i));
    }
    return n;
}

static tg_status_t
collect(tg_config_places_t *places, const tg_config_tree_t *tree, tg_arena_t *arena,
        const config_setting_t *setting, const char *path)
{
    for (int i = 0; i < config_setting_length(setting); i++) {
        const config_setting_t *child = config_setting_get_elem(setting, (unsigned)i);
        const tg_config_place_t *place = tg_config_tree_place(tree, child);
        const char *name = config_setting_name(child);
        char child_path[TG_CONFIG_PATH_BYTES];
        if (name != NULL) {
            (void)snprintf(child_path, sizeof child_path, "%s%s%s", path,
                           path[0] != '\0' ? "." : "", name);
        } else {
            (void)snprintf(child_path, sizeof child_path, "%s[%d]", path, i);
        }
        tg_config_said_t *said = &places->items[places->n_items++];
        said->path = tg_arena_strdup(arena, child_path);
        said->file = tg_arena_strdup(arena, place->file);
        said->line = place->line;
        if (said->path == NULL || said->file == NULL) {
            return TG_ERR_NO_MEMORY;
        }
        TG_TRY(collect(places, tree, arena, child, child_path));
    }
    return TG_OK;
}

tg_status_t
tg_config_places_collect(tg_config_places_t *places, const tg_config_tree_t *tree,
                         tg_arena_t *arena)
{
    const config_setting_t *root = tg_config_tree_root(tree);
    places->file = tg_arena_strdup(arena, tree->source->file);
    places->items = tg_arena_calloc(arena, count(root) + 1, sizeof *places->items);
    if (places->file == NULL || places->items == NULL) {
        return TG_ERR_NO_MEMORY;
    }
    return collect(places, tree, arena, root, "");
}

void
tg_config_places_find(const tg_config_places_t *places, const char *path, const char **ret_file,
                      int *ret_line)
{
    size_t n_path = strlen(path);
    while (n_path > 0) {
        for (size_t i = 0; i < places->n_items; i++) {
            const tg_config_said_t *said = &places->items[i];
            if (strncmp(said->path, path, n_path) == 0 && said->path[n_path] == '\0') {
                *ret_file = said->file;
                *ret_line = said->line;
                return;
            }
        }
        /* What is around it: up to the last dot or bracket. */
        do {
            n_path--;
        } while (n_path > 0 && path[n_path] != '.' && path[n_path] != '[');
    }
    *ret_file = places->file;
    *ret_line = 0;
}
