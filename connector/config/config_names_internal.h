/*
 * "Did you mean ...?"
 */
#ifndef TG_CONFIG_NAMES_INTERNAL_H
#define TG_CONFIG_NAMES_INTERNAL_H

#include <stddef.h>

/* The nearest of the candidates offered so far. */
typedef struct tg_config_nearest {
    const char *word;    /* as written, borrowed */
    const char *nearest; /* borrowed from the candidates; NULL: none is near */
    size_t distance;
} tg_config_nearest_t;

void tg_config_nearest_init(tg_config_nearest_t *nearest, const char *word);
void tg_config_nearest_offer(tg_config_nearest_t *nearest, const char *candidate);

/* Insertions, deletions and replacements between the two, upper and lower case alike; words beyond
 * 127 bytes are far from everything. */
size_t tg_config_names_distance(const char *a, const char *b);

#endif
