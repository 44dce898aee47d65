/*
 * The configuration's text: the file and what it includes, put together, with every line's origin.
 *
 * Flow:      files -> [source] -> syntax, tree
 * Promise:   @include is resolved here and not in libconfig, which ends the process when an
 *            included name cannot be read; a relative name is relative to the file that says it
 * Limits:    1 MiB in all, includes 8 deep and 256 in number
 * Ownership: embedded value; _done frees; file names are borrowed until then
 */
#ifndef TG_CONFIG_SOURCE_INTERNAL_H
#define TG_CONFIG_SOURCE_INTERNAL_H

#include "base/arena.h"
#include "config_problems_internal.h"

/* From this line of the whole text on, lines come from this file. */
typedef struct tg_config_stretch {
    const char *file;
    int line;
    int order; /* line in the whole text */
} tg_config_stretch_t;

typedef struct tg_config_source {
    tg_buffer_t text; /* the whole text, a C string; its last line ends with a newline */
    tg_config_stretch_t *stretches;
    size_t n_stretches;
    int n_lines;
    bool broken;      /* an include failed: what was to be in it would be missing */
    const char *file; /* as given to _open */
} tg_config_source_t;

/* TG_ERR_IO and the like: the main file cannot be read. What is wrong with includes is a problem.
 * Memory is the arena's. */
tg_status_t tg_config_source_open(tg_config_source_t *source, const char *path, tg_arena_t *arena,
                                  tg_config_problems_t *problems, tg_error_t *err) TG_MUST_CHECK;
void tg_config_source_done(tg_config_source_t *source);

/* Which file and line a line of the whole text is. */
tg_config_place_t tg_config_source_place(const tg_config_source_t *source, int order);

/* The place of what is missing in the file as a whole. */
tg_config_place_t tg_config_source_nowhere(const tg_config_source_t *source);

#endif
