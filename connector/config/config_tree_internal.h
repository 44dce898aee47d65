/*
 * The file's settings as libconfig has parsed them, each with its place; environment variables are
 * put over them.
 *
 * Flow:      source -> [tree] <- environment; tree -> snapshot
 * Ownership: embedded value; _done frees; settings and places are borrowed until then
 */
#ifndef TG_CONFIG_TREE_INTERNAL_H
#define TG_CONFIG_TREE_INTERNAL_H

#include <libconfig.h>

#include "config_keys_internal.h"
#include "config_source_internal.h"

enum { TG_CONFIG_PATH_BYTES = 320 };

typedef struct tg_config_tree {
    config_t libconfig;
    const tg_config_source_t *source;
    tg_arena_t *arena;
    tg_config_place_t nowhere;
} tg_config_tree_t;

/* TG_ERR_CONFIG: the text is no configuration, see problems. _done in any case. */
tg_status_t tg_config_tree_parse(tg_config_tree_t *tree, const tg_config_source_t *source,
                                 tg_arena_t *arena, tg_config_problems_t *problems) TG_MUST_CHECK;
void tg_config_tree_done(tg_config_tree_t *tree);

config_setting_t *tg_config_tree_root(const tg_config_tree_t *tree);

/* Where a setting was said; for NULL and the root: nowhere in the file. */
const tg_config_place_t *tg_config_tree_place(const tg_config_tree_t *tree,
                                              const config_setting_t *setting);
void tg_config_tree_set_place(config_setting_t *setting, const tg_config_place_t *place);

/* Follows "batch.max_rows" down from a group. NULL: not there. Where it ends early, *ret_deepest
 * (may be NULL) is the last group there was. */
config_setting_t *tg_config_tree_find(config_setting_t *group, const char *name,
                                      config_setting_t **ret_deepest);

/* Elements of a list, of an array; 0 for anything else. */
int tg_config_tree_length(const config_setting_t *setting);

/* Adds what does not belong: unknown keys, and values where groups should be. */
void tg_config_tree_check(const tg_config_tree_t *tree, tg_config_problems_t *problems);

/* "an integer", "a string" ... */
const char *tg_config_tree_type(const config_setting_t *setting);

/* The same with the value, when it may be shown: "the integer 5". */
enum { TG_CONFIG_FOUND_BYTES = 96 };

void tg_config_tree_describe(const config_setting_t *setting, bool show,
                             char ret_text[TG_CONFIG_FOUND_BYTES]);

#endif
