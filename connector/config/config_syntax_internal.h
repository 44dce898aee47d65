/*
 * What libconfig's parser does not tell: where each setting begins, and why a text is no
 * configuration.
 *
 * libconfig stops at the first mistake with "syntax error" and a line; it notes for the last string
 * of a list the line of what follows; it cuts integers to 32 bits and lets a comment go on to the
 * end. So the text's outline is read here a second time.
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
    const char **wide; /* ends of integers that libconfig 1.5 would cut to 32 bits */
    size_t n_wide;
} tg_config_outline_t;

/* TG_ERR_CONFIG: a problem was added that libconfig would not see (a comment that never ends), or
 * the text is beyond our limits. */
tg_status_t tg_config_syntax_outline(const tg_config_source_t *source, tg_arena_t *arena,
                                     tg_config_problems_t *problems,
                                     tg_config_outline_t *ret_outline) TG_MUST_CHECK;

/* Adds what is wrong with the text; refusal and line are libconfig's, used when we find nothing. */
tg_status_t tg_config_syntax_explain(const tg_config_source_t *source, tg_arena_t *arena,
                                     const char *refusal, int line,
                                     tg_config_problems_t *problems) TG_MUST_CHECK;

#endif
