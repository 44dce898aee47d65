#include "constant_default.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

/* Copies what stands between the quotes at text, which begins with ' or E'. Gives the place behind
 * the closing quote; NULL: it does not close. */
static const char *
read_quoted(const char *text, char *out)
{
    bool escapes = *text == 'E';
    text += escapes ? 2 : 1;
    while (*text != '\0') {
        if (*text == '\'' && text[1] != '\'') {
            *out = '\0';
            return text + 1;
        }
        if ((*text == '\'' || (escapes && *text == '\\')) && text[1] != '\0') {
            text++; /* pg_get_expr writes only '' and \\ */
        }
        *out++ = *text++;
    }
    return NULL;
}

static const char *
read_bare(const char *text, char *out)
{
    size_t n = 0;
    if (strncmp(text, "true", 4) == 0 || strncmp(text, "false", 5) == 0) {
        n = *text == 't' ? 4 : 5;
    } else {
        n = strspn(text, "-0123456789.eE+");
        if (n == 0 || (!isdigit((unsigned char)text[0]) && !isdigit((unsigned char)text[1]))) {
            return NULL;
        }
    }
    memcpy(out, text, n);
    out[n] = '\0';
    return text + n;
}

/* ::type, any number of times, where a type may be quoted, have a precision or be an array. No
 * operator and no string can be written with these characters. */
static bool
is_casts(const char *text)
{
    if (*text == '\0') {
        return true;
    }
    if (strncmp(text, "::", 2) != 0) {
        return false;
    }
    for (; *text != '\0'; text++) {
        if (!isalnum((unsigned char)*text) && strchr("_ \".,:()[]", *text) == NULL &&
            (unsigned char)*text < 0x80) {
            return false;
        }
    }
    return true;
}

const char *
tg_constant_default(const char *expression, tg_arena_t *arena)
{
    char *value = tg_arena_alloc(arena, strlen(expression) + 1);
    if (value == NULL) {
        return NULL;
    }
    bool quoted = *expression == '\'' || strncmp(expression, "E'", 2) == 0;
    const char *rest = quoted ? read_quoted(expression, value) : read_bare(expression, value);
    return rest != NULL && is_casts(rest) ? value : NULL;
}
