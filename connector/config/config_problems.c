#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "config_problems_internal.h"

enum { MAX_KEPT = 200, MAX_TEXT_BYTES = 1024 };

typedef struct problem {
    tg_config_problem_t said; /* its strings are owned */
    int order;
    size_t number; /* keeps the sort stable */
} problem_t;

struct tg_config_problems {
    problem_t *items;
    size_t n_items;
    size_t capacity;
    size_t n_total;
    bool no_memory;
};

tg_config_problems_t *
tg_config_problems_new(void)
{
    return calloc(1, sizeof(tg_config_problems_t));
}

static void
problem_done(problem_t *problem)
{
    /* The strings are ours; const is for the readers. */
    union {
        const char *shown;
        char *owned;
    } file = {problem->said.file}, key = {problem->said.key}, text = {problem->said.text};

    free(file.owned);
    free(key.owned);
    free(text.owned);
}

void
tg_config_problems_free(tg_config_problems_t *problems)
{
    if (problems == NULL) {
        return;
    }
    for (size_t i = 0; i < problems->n_items; i++) {
        problem_done(&problems->items[i]);
    }
    free(problems->items);
    free(problems);
}

static bool
make_room(tg_config_problems_t *problems)
{
    if (problems->n_items < problems->capacity) {
        return true;
    }
    size_t capacity = problems->capacity == 0 ? 16 : problems->capacity * 2;
    problem_t *items = realloc(problems->items, capacity * sizeof *items);
    if (items == NULL) {
        return false;
    }
    problems->items = items;
    problems->capacity = capacity;
    return true;
}

/* The text, and which variable said it when none of the file's lines did. */
static char *text_new(const tg_config_place_t *place, const char *format, va_list args)
    TG_PRINTF(2, 0);

static char *
text_new(const tg_config_place_t *place, const char *format, va_list args)
{
    char text[MAX_TEXT_BYTES];
    int n = vsnprintf(text, sizeof text, format, args);
    if (n < 0) {
        return NULL;
    }
    size_t n_used = strlen(text);
    if (place->variable != NULL) {
        (void)snprintf(text + n_used, sizeof text - n_used, " (set by %s)", place->variable);
    }
    return strdup(text);
}

void
tg_config_problems_add(tg_config_problems_t *problems, const tg_config_place_t *place,
                       const char *key, const char *format, ...)
{
    problems->n_total++;
    if (problems->n_items >= MAX_KEPT) {
        return;
    }
    va_list args;
    va_start(args, format);
    problem_t problem = {
        .said = {.line = place->line,
                 .file = strdup(place->file),
                 .key = strdup(key),
                 .text = text_new(place, format, args)},
        .order = place->order,
        .number = problems->n_total,
    };
    va_end(args);
    if (problem.said.file == NULL || problem.said.key == NULL || problem.said.text == NULL ||
        !make_room(problems)) {
        problem_done(&problem);
        problems->no_memory = true; // NOLINT(clang-analyzer-unix.Malloc): problem_done frees them
        return;
    }
    problems->items[problems->n_items++] = problem;
}

static int
compare(const void *a, const void *b)
{
    const problem_t *one = a;
    const problem_t *other = b;
    if (one->order != other->order) {
        return one->order < other->order ? -1 : 1;
    }
    return one->number < other->number ? -1 : 1;
}

void
tg_config_problems_sort(tg_config_problems_t *problems)
{
    if (problems->n_items > 1) {
        qsort(problems->items, problems->n_items, sizeof problems->items[0], compare);
    }
}

size_t
tg_config_problems_count(const tg_config_problems_t *problems)
{
    return problems->n_items;
}

size_t
tg_config_problems_total(const tg_config_problems_t *problems)
{
    return problems->n_total;
}

bool
tg_config_problems_no_memory(const tg_config_problems_t *problems)
{
    return problems->no_memory;
}

const tg_config_problem_t *
tg_config_problems_at(const tg_config_problems_t *problems, size_t index)
{
    return index < problems->n_items ? &problems->items[index].said : NULL;
}

tg_status_t
tg_config_problems_format(const tg_config_problems_t *problems, tg_buffer_t *out)
{
    for (size_t i = 0; i < problems->n_items; i++) {
        const tg_config_problem_t *said = &problems->items[i].said;
        TG_TRY(tg_buffer_append_text(out, said->file));
        if (said->line > 0) {
            TG_TRY(tg_buffer_append_format(out, ":%d", said->line));
        }
        TG_TRY(tg_buffer_append_format(out, ": %s: %s\n", said->key, said->text));
    }
    if (problems->n_total > problems->n_items) {
        return tg_buffer_append_format(out, "... and %zu more\n",
                                       problems->n_total - problems->n_items);
    }
    return TG_OK;
}
