/*
 * The words and signs of a libconfig text, with their lines.
 *
 * Ownership: a token's text is borrowed from the text that is read
 */
#ifndef TG_CONFIG_TOKENS_INTERNAL_H
#define TG_CONFIG_TOKENS_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>

typedef enum tg_config_token_kind {
    TG_TOKEN_END,
    TG_TOKEN_WORD,   /* names, numbers, true, false, and whatever else is no sign */
    TG_TOKEN_TEXT,   /* "..." */
    TG_TOKEN_SIGN,   /* one of = , ; { } ( ) [ ]; a colon is given as = */
    TG_TOKEN_UNENDED /* a text or a comment that never ends */
} tg_config_token_kind_t;

typedef struct tg_config_token {
    tg_config_token_kind_t kind;
    const char *text; /* for TG_TOKEN_TEXT between the quotes, escapes as they stand */
    size_t n_bytes;
    int line;     /* of its first character, from 1 */
    int end_line; /* of its last */
    char sign;    /* of TG_TOKEN_SIGN; of TG_TOKEN_UNENDED: '"' or '*' */
} tg_config_token_t;

typedef struct tg_config_tokens {
    const char *at;
    const char *end;
    int line;
    bool exact; /* words end where libconfig's scanner ends them ("5ms" is 5 and ms), not at the
                   next space or sign, as a reader sees it */
} tg_config_tokens_t;

tg_config_token_t tg_config_tokens_pop(tg_config_tokens_t *tokens);

/* Whether the token is this sign. */
bool tg_config_token_is(const tg_config_token_t *token, char sign);

/* Whether a word can be the name of a setting, a number, a truth value. */
bool tg_config_token_is_name(const tg_config_token_t *token);
bool tg_config_token_is_scalar(const tg_config_token_t *token);

/* Whether it is an integer that needs more than 32 bits and has no L at its end. */
bool tg_config_token_is_wide(const tg_config_token_t *token);

#endif
