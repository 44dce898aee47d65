/*
 * Where something was said, and the list of what is wrong with it.
 *
 * Ownership: _add copies everything; a place is borrowed for the call
 * Limits:    at most 200 problems are kept, the rest is counted
 * Errors:    _add cannot fail; when memory runs out the list says so (_no_memory)
 */
#ifndef TG_CONFIG_PROBLEMS_INTERNAL_H
#define TG_CONFIG_PROBLEMS_INTERNAL_H

#include <limits.h>

#include "config/config.h"

/* order of what has no line: behind everything that has one */
enum { TG_CONFIG_ORDER_FILE = INT_MAX - 1, TG_CONFIG_ORDER_ENVIRONMENT = INT_MAX };

typedef struct tg_config_place {
    const char *file;     /* as in tg_config_problem_t */
    const char *variable; /* the environment variable that said it; NULL: the file did */
    int line;             /* 0: none */
    int order;            /* line in the text with all includes in place: sorts the problems */
} tg_config_place_t;

void tg_config_problems_add(tg_config_problems_t *problems, const tg_config_place_t *place,
                            const char *key, const char *format, ...) TG_PRINTF(4, 5);

/* Puts them in the order of the file; what came first stays first where the order is equal. */
void tg_config_problems_sort(tg_config_problems_t *problems);

/* All that were added, kept or not. */
size_t tg_config_problems_total(const tg_config_problems_t *problems);
bool tg_config_problems_no_memory(const tg_config_problems_t *problems);

#endif
