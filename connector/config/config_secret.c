#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "config_secret_internal.h"

static bool
ends_with(const char *text, const char *end)
{
    size_t n = strlen(text);
    size_t n_end = strlen(end);
    return n >= n_end && strcmp(text + n - n_end, end) == 0;
}

bool
tg_config_secret_property(const char *name)
{
    static const char *const TELLING[] = {"password", "secret",     "token",
                                          "key",      "jaas",       "oauthbearer.config",
                                          "passwd",   "credential", "passphrase"};
    /* Where something is, not what it is; and "keepalive", "keystore" hold no key themselves. */
    static const char *const HARMLESS[] = {".location", ".keytab", ".url", ".enable"};
    for (size_t i = 0; i < TG_COUNT_OF(HARMLESS); i++) {
        if (ends_with(name, HARMLESS[i])) {
            return false;
        }
    }
    for (size_t i = 0; i < TG_COUNT_OF(TELLING); i++) {
        if (strcasestr(name, TELLING[i]) != NULL) {
            return true;
        }
    }
    return false;
}

static bool
is_secret_word(const char *name, size_t n_name)
{
    return (n_name == 8 && strncasecmp(name, "password", 8) == 0) ||
           (n_name == 11 && strncasecmp(name, "sslpassword", 11) == 0) ||
           (n_name == 12 && strncasecmp(name, "access_token", 12) == 0);
}

/* The end of user:password@ in what follows the scheme; NULL: there is none. What comes before the
 * last @ counts, so that a password with an unescaped @ or / is covered too. */
static const char *
end_of_credentials(const char *authority)
{
    size_t n_host = strcspn(authority, "/");
    const char *at = memrchr(authority, '@', n_host);
    return at != NULL ? at : memrchr(authority, '@', strcspn(authority, "?"));
}

/* Copies name=value&name=value. */
static tg_status_t
append_query(const char *query, tg_buffer_t *out)
{
    while (*query != '\0') {
        size_t n_pair = strcspn(query, "&");
        const char *equals = memchr(query, '=', n_pair);
        if (equals != NULL && is_secret_word(query, (size_t)(equals - query))) {
            TG_TRY(tg_buffer_append(out, query, (size_t)(equals + 1 - query)));
            TG_TRY(tg_buffer_append_text(out, TG_CONFIG_MASK));
        } else {
            TG_TRY(tg_buffer_append(out, query, n_pair));
        }
        query += n_pair;
        if (*query == '&') {
            TG_TRY(tg_buffer_append(out, "&", 1));
            query++;
        }
    }
    return TG_OK;
}

static tg_status_t
append_url(const char *url, const char *authority, tg_buffer_t *out)
{
    TG_TRY(tg_buffer_append(out, url, (size_t)(authority - url)));
    const char *rest = authority;
    const char *at = end_of_credentials(authority);
    const char *colon = at != NULL ? memchr(authority, ':', (size_t)(at - authority)) : NULL;
    if (colon != NULL) {
        TG_TRY(tg_buffer_append(out, authority, (size_t)(colon + 1 - authority)));
        TG_TRY(tg_buffer_append_text(out, TG_CONFIG_MASK));
        rest = at;
    }
    size_t n_path = strcspn(rest, "?");
    TG_TRY(tg_buffer_append(out, rest, n_path));
    if (rest[n_path] == '\0') {
        return TG_OK;
    }
    TG_TRY(tg_buffer_append(out, "?", 1));
    return append_query(rest + n_path + 1, out);
}

/* The length of a value in a key=value string: up to a space, or in single quotes. */
static size_t
value_length(const char *value)
{
    bool quoted = value[0] == '\'';
    size_t at = quoted ? 1 : 0;
    while (value[at] != '\0') {
        if (value[at] == '\\' && value[at + 1] != '\0') {
            at++;
        } else if (quoted && value[at] == '\'') {
            return at + 1;
        } else if (!quoted && isspace((unsigned char)value[at])) {
            return at;
        }
        at++;
    }
    return at;
}

/* host=... password = '...' */
static tg_status_t
append_pairs(const char *text, tg_buffer_t *out)
{
    while (*text != '\0') {
        size_t n_name = strcspn(text, "= \t\r\n");
        size_t n_equals = n_name + strspn(text + n_name, " \t\r\n");
        bool pair = n_name > 0 && text[n_equals] == '=';
        if (!pair) {
            size_t n = n_name > 0 ? n_name : 1;
            TG_TRY(tg_buffer_append(out, text, n));
            text += n;
            continue;
        }
        n_equals += 1 + strspn(text + n_equals + 1, " \t\r\n");
        size_t n_value = value_length(text + n_equals);
        bool secret = is_secret_word(text, n_name);
        TG_TRY(tg_buffer_append(out, text, secret ? n_equals : n_equals + n_value));
        if (secret) {
            TG_TRY(tg_buffer_append_text(out, TG_CONFIG_MASK));
        }
        text += n_equals + n_value;
    }
    return TG_OK;
}

tg_status_t
tg_config_mask_url(const char *url, tg_buffer_t *out)
{
    const char *scheme = strstr(url, "://");
    bool is_url = scheme != NULL && strcspn(url, "= \t'") >= (size_t)(scheme - url);
    return is_url ? append_url(url, scheme + 3, out) : append_pairs(url, out);
}

tg_status_t
tg_config_secret_append(const tg_config_key_t *key, const char *property, const char *value,
                        tg_buffer_t *out)
{
    bool url = key->secrecy == TG_CONFIG_SECRET_BY_NAME && ends_with(property, ".url");
    if (url || key->secrecy == TG_CONFIG_SECRET_IN_URL) {
        return tg_config_mask_url(value, out);
    }
    bool secret = key->secrecy == TG_CONFIG_SECRET ||
                  (key->secrecy == TG_CONFIG_SECRET_BY_NAME && tg_config_secret_property(property));
    return tg_buffer_append_text(out, secret ? TG_CONFIG_MASK : value);
}
