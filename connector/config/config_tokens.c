#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "config_tokens_internal.h"

static const char SIGNS[] = "=:,;{}()[]";

static bool
at_pair(const tg_config_tokens_t *tokens, const char *pair)
{
    return tokens->end - tokens->at >= 2 && memcmp(tokens->at, pair, 2) == 0;
}

static void
advance(tg_config_tokens_t *tokens)
{
    tokens->line += *tokens->at == '\n' ? 1 : 0;
    tokens->at++;
}

static void
skip_line(tg_config_tokens_t *tokens)
{
    while (tokens->at < tokens->end && *tokens->at != '\n') {
        tokens->at++;
    }
}

/* False: the comment never ends. */
static bool
skip_comment(tg_config_tokens_t *tokens)
{
    tokens->at += 2;
    while (tokens->at < tokens->end && !at_pair(tokens, "*/")) {
        advance(tokens);
    }
    if (tokens->at == tokens->end) {
        return false;
    }
    tokens->at += 2;
    return true;
}

static tg_config_token_t
take_text(tg_config_tokens_t *tokens)
{
    tg_config_token_t token = {.kind = TG_TOKEN_UNENDED, .line = tokens->line, .sign = '"'};
    advance(tokens);
    token.text = tokens->at;
    while (tokens->at < tokens->end && *tokens->at != '"') {
        bool escape = *tokens->at == '\\' && tokens->end - tokens->at > 1;
        advance(tokens);
        if (escape) {
            advance(tokens);
        }
    }
    token.n_bytes = (size_t)(tokens->at - token.text);
    token.end_line = tokens->line;
    if (tokens->at < tokens->end) {
        token.kind = TG_TOKEN_TEXT;
        advance(tokens);
    }
    return token;
}

static bool
in_word(const tg_config_tokens_t *tokens)
{
    char c = *tokens->at;
    return !isspace((unsigned char)c) && strchr(SIGNS, c) == NULL && c != '"' && c != '#' &&
           !at_pair(tokens, "//") && !at_pair(tokens, "/*");
}

static size_t
count_digits(const char *text, size_t n_bytes)
{
    size_t n = 0;
    while (n < n_bytes && isdigit((unsigned char)text[n])) {
        n++;
    }
    return n;
}

static bool
is_one_of(const char *text, size_t at, size_t n_bytes, const char *signs)
{
    return at < n_bytes && strchr(signs, text[at]) != NULL;
}

/* How much of a word is a hexadecimal integer; 0: nothing. */
static size_t
hexadecimal_length(const char *text, size_t n_bytes)
{
    size_t n = 2;
    if (n_bytes < 3 || text[0] != '0' || !is_one_of(text, 1, n_bytes, "xX")) {
        return 0;
    }
    while (n < n_bytes && isxdigit((unsigned char)text[n])) {
        n++;
    }
    return n > 2 ? n : 0;
}

/* How much of a word is a number; 0: nothing. */
static size_t
number_length(const char *text, size_t n_bytes)
{
    size_t n = hexadecimal_length(text, n_bytes);
    bool real = false;
    if (n == 0) {
        size_t n_sign = is_one_of(text, 0, n_bytes, "+-") ? 1 : 0;
        size_t n_whole = count_digits(text + n_sign, n_bytes - n_sign);
        n = n_sign + n_whole;
        real = is_one_of(text, n, n_bytes, ".");
        n += real ? 1 + count_digits(text + n + 1, n_bytes - n - 1) : 0;
        if (!real && n_whole == 0) {
            return 0;
        }
    }
    size_t exponent = is_one_of(text, n, n_bytes, "eE") ? n + 1 : n_bytes;
    exponent += is_one_of(text, exponent, n_bytes, "+-") ? 1 : 0;
    size_t n_exponent = exponent < n_bytes ? count_digits(text + exponent, n_bytes - exponent) : 0;
    if (n_exponent > 0) {
        return exponent + n_exponent;
    }
    n += !real && is_one_of(text, n, n_bytes, "L") ? 1 : 0;
    n += !real && n > 0 && text[n - 1] == 'L' && is_one_of(text, n, n_bytes, "L") ? 1 : 0;
    return n;
}

/* How much of a word libconfig's scanner takes at once. */
static size_t
exact_length(const char *text, size_t n_bytes)
{
    size_t n = 0;
    if (isalpha((unsigned char)text[0]) || text[0] == '*') {
        while (n < n_bytes && (isalnum((unsigned char)text[n]) || strchr("*_-", text[n]) != NULL)) {
            n++;
        }
        return n;
    }
    n = number_length(text, n_bytes);
    return n > 0 ? n : 1;
}

static tg_config_token_t
take_word(tg_config_tokens_t *tokens)
{
    tg_config_token_t token = {
        .kind = TG_TOKEN_WORD, .text = tokens->at, .line = tokens->line, .end_line = tokens->line};
    while (tokens->at < tokens->end && in_word(tokens)) {
        tokens->at++;
    }
    token.n_bytes = (size_t)(tokens->at - token.text);
    if (tokens->exact) {
        token.n_bytes = exact_length(token.text, token.n_bytes);
        tokens->at = token.text + token.n_bytes;
    }
    return token;
}

static tg_config_token_t
take_sign(tg_config_tokens_t *tokens)
{
    tg_config_token_t token = {.kind = TG_TOKEN_SIGN,
                               .text = tokens->at,
                               .n_bytes = 1,
                               .line = tokens->line,
                               .end_line = tokens->line,
                               .sign = *tokens->at};
    if (token.sign == ':') {
        token.sign = '=';
    }
    tokens->at++;
    return token;
}

tg_config_token_t
tg_config_tokens_pop(tg_config_tokens_t *tokens)
{
    while (tokens->at < tokens->end) {
        int line = tokens->line;
        if (isspace((unsigned char)*tokens->at)) {
            advance(tokens);
        } else if (*tokens->at == '#' || at_pair(tokens, "//")) {
            skip_line(tokens);
        } else if (at_pair(tokens, "/*")) {
            if (!skip_comment(tokens)) {
                return (tg_config_token_t){
                    .kind = TG_TOKEN_UNENDED, .line = line, .end_line = tokens->line, .sign = '*'};
            }
        } else if (*tokens->at == '"') {
            return take_text(tokens);
        } else if (strchr(SIGNS, *tokens->at) != NULL) {
            return take_sign(tokens);
        } else {
            return take_word(tokens);
        }
    }
    return (tg_config_token_t){
        .kind = TG_TOKEN_END, .text = tokens->end, .line = tokens->line, .end_line = tokens->line};
}

bool
tg_config_token_is(const tg_config_token_t *token, char sign)
{
    return token->kind == TG_TOKEN_SIGN && token->sign == sign;
}

static bool
is_truth(const tg_config_token_t *token)
{
    return (token->n_bytes == 4 && strncasecmp(token->text, "true", 4) == 0) ||
           (token->n_bytes == 5 && strncasecmp(token->text, "false", 5) == 0);
}

bool
tg_config_token_is_name(const tg_config_token_t *token)
{
    if (token->kind != TG_TOKEN_WORD || is_truth(token)) {
        return false;
    }
    for (size_t i = 0; i < token->n_bytes; i++) {
        char c = token->text[i];
        if (!isalpha((unsigned char)c) && c != '*' &&
            (i == 0 || (!isdigit((unsigned char)c) && c != '_' && c != '-'))) {
            return false;
        }
    }
    return true;
}

/* Numbers roughly: libconfig has the last word. */
bool
tg_config_token_is_scalar(const tg_config_token_t *token)
{
    if (token->kind == TG_TOKEN_TEXT || (token->kind == TG_TOKEN_WORD && is_truth(token))) {
        return true;
    }
    if (token->kind != TG_TOKEN_WORD) {
        return false;
    }
    bool digit = false;
    int n_dots = 0;
    for (size_t i = 0; i < token->n_bytes; i++) {
        n_dots += token->text[i] == '.' ? 1 : 0;
        digit = digit || isdigit((unsigned char)token->text[i]);
        if (!isxdigit((unsigned char)token->text[i]) &&
            strchr("+-.eExXL", token->text[i]) == NULL) {
            return false;
        }
    }
    return digit && n_dots <= 1 && !isalpha((unsigned char)token->text[0]);
}

bool
tg_config_token_is_wide(const tg_config_token_t *token)
{
    enum { MAX_DIGITS = 31 };

    char text[MAX_DIGITS + 1] = "";
    if (token->kind != TG_TOKEN_WORD) {
        return false;
    }
    if (token->n_bytes > MAX_DIGITS) {
        return strspn(token->text, "+-0123456789") >= token->n_bytes;
    }
    memcpy(text, token->text, token->n_bytes);
    bool hexadecimal = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
    char *end = NULL;
    errno = 0;
    long long value = strtoll(text, &end, hexadecimal ? 16 : 10);
    return *end == '\0' && (errno == ERANGE || value < INT_MIN || value > INT_MAX);
}
