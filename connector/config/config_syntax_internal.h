/*
 * What libconfig's parser does not tell: where each setting begins, and why a text is no
 * configuration.
 *
 * libconfig stops at the first mistake with "syntax error" and a line; it notes for the last text
 * of a list the line of what follows. So the text's outline is read here a second time.
 *
 * Promise:   libconfig is the judge: _explain is asked only after it has refused the text
 * Ownership: everything is in the arena
 */
#ifndef TG_CONFIG_SYNTAX_INTERNAL_H
#define TG_CONFIG_SYNTAX_INTERNAL_H

#include "config_source_internal.h"

/* Every named setting and every element of a list, in the order of the text: just as a walk through
 * libconfig's tree meets them, each before what is inside it. */
typedef struct tg_config_outline {
    int *lines; /* of the whole text */
    size_t n_lines;
} tg_config_outline_t;

tg_status_t tg_config_syntax_outline(const tg_config_source_t *source, tg_arena_t *arena,
                                     tg_config_outline_t *ret_outline) TG_MUST_CHECK;

/* Adds what is wrong with the text; refusal and line are libconfig's, used when we find nothing. */
tg_status_t tg_config_syntax_explain(const tg_config_source_t *source, tg_arena_t *arena,
                                     const char *refusal, int line,
                                     tg_config_problems_t *problems) TG_MUST_CHECK;

#endif
