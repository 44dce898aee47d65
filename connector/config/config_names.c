#include <ctype.h>
#include <stdint.h>
#include <string.h>

#include "config_names_internal.h"

enum { MAX_WORD_BYTES = 127 };

static size_t
least(size_t a, size_t b, size_t c)
{
    size_t smaller = a < b ? a : b;
    return smaller < c ? smaller : c;
}

/* Levenshtein's table, one row at a time. */
size_t
tg_config_names_distance(const char *a, const char *b)
{
    size_t n_a = strlen(a);
    size_t n_b = strlen(b);
    if (n_a > MAX_WORD_BYTES || n_b > MAX_WORD_BYTES) {
        return SIZE_MAX;
    }
    size_t row[MAX_WORD_BYTES + 1];
    for (size_t j = 0; j <= n_b; j++) {
        row[j] = j;
    }
    for (size_t i = 1; i <= n_a; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= n_b; j++) {
            size_t above = row[j];
            size_t replaced =
                diagonal +
                (tolower((unsigned char)a[i - 1]) != tolower((unsigned char)b[j - 1]) ? 1 : 0);
            row[j] = least(above + 1, row[j - 1] + 1, replaced);
            diagonal = above;
        }
    }
    return row[n_b];
}

void
tg_config_nearest_init(tg_config_nearest_t *nearest, const char *word)
{
    *nearest = (tg_config_nearest_t){.word = word, .distance = SIZE_MAX};
}

void
tg_config_nearest_offer(tg_config_nearest_t *nearest, const char *candidate)
{
    size_t distance = tg_config_names_distance(nearest->word, candidate);
    /* A third of the word may be wrong, and one letter always. */
    size_t allowed = strlen(candidate) / 3;
    if (distance <= (allowed > 1 ? allowed : 1) && distance < nearest->distance) {
        nearest->nearest = candidate;
        nearest->distance = distance;
    }
}
