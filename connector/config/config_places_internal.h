/*
 * Where each setting was said, kept with the snapshot for messages that come later.
 */
#ifndef TG_CONFIG_PLACES_INTERNAL_H
#define TG_CONFIG_PLACES_INTERNAL_H

#include "config_tree_internal.h"

typedef struct tg_config_said {
    const char *path;
    const char *file;
    int line;
} tg_config_said_t;

typedef struct tg_config_places {
    const char *file; /* of the configuration as a whole */
    tg_config_said_t *items;
    size_t n_items;
} tg_config_places_t;

/* Memory is the arena's. */
tg_status_t tg_config_places_collect(tg_config_places_t *places, const tg_config_tree_t *tree,
                                     tg_arena_t *arena) TG_MUST_CHECK;

/* As tg_config_where. */
void tg_config_places_find(const tg_config_places_t *places, const char *path,
                           const char **ret_file, int *ret_line);

#endif
