/*
 * One setting becomes one value: type, expansion, units, limits.
 *
 * Errors:    what is wrong with the file is a problem and TG_OK; a status is about memory only
 */
#ifndef TG_CONFIG_VALUE_INTERNAL_H
#define TG_CONFIG_VALUE_INTERNAL_H

#include "config_tree_internal.h"

typedef struct tg_config_reader {
    const tg_config_tree_t *tree;
    tg_arena_t *arena; /* the snapshot's */
    char *const *environment;
    tg_config_problems_t *problems;
} tg_config_reader_t;

/* Writes the key's value into its owner, unless it is wrong. path: "sinks[0].batch.max_rows". */
tg_status_t tg_config_value_read(const tg_config_reader_t *reader, const tg_config_key_t *key,
                                 const char *path, const config_setting_t *setting,
                                 void *owner) TG_MUST_CHECK;

/* Writes the key's default, when it has one. */
tg_status_t tg_config_value_default(const tg_config_reader_t *reader, const tg_config_key_t *key,
                                    void *owner) TG_MUST_CHECK;

#endif
