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
static void
write_query(const char *query, tg_config_writer_t *writer)
{
    while (*query != '\0') {
        size_t n_pair = strcspn(query, "&");
        const char *equals = memchr(query, '=', n_pair);
        bool secret = equals != NULL && is_secret_word(query, (size_t)(equals - query));
        tg_config_writer_bytes(writer, query, secret ? (size_t)(equals + 1 - query) : n_pair);
        tg_config_writer_text(writer, secret ? TG_CONFIG_MASK : "");
        query += n_pair;
        size_t n_separators = strspn(query, "&");
        tg_config_writer_bytes(writer, query, n_separators);
        query += n_separators;
    }
}

static void
write_url(const char *url, const char *authority, tg_config_writer_t *writer)
{
    tg_config_writer_bytes(writer, url, (size_t)(authority - url));
    const char *rest = authority;
    const char *at = end_of_credentials(authority);
    const char *colon = at != NULL ? memchr(authority, ':', (size_t)(at - authority)) : NULL;
    if (colon != NULL) {
        tg_config_writer_bytes(writer, authority, (size_t)(colon + 1 - authority));
        tg_config_writer_text(writer, TG_CONFIG_MASK);
        rest = at;
    }
    size_t n_path = strcspn(rest, "?");
    tg_config_writer_bytes(writer, rest, n_path);
    if (rest[n_path] == '?') {
        tg_config_writer_text(writer, "?");
        write_query(rest + n_path + 1, writer);
    }
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
static void
write_pairs(const char *text, tg_config_writer_t *writer)
{
    while (*text != '\0') {
        size_t n_name = strcspn(text, "= \t\r\n");
        size_t n_equals = n_name + strspn(text + n_name, " \t\r\n");
        if (n_name == 0 || text[n_equals] != '=') {
            size_t n = n_name > 0 ? n_name : 1;
            tg_config_writer_bytes(writer, text, n);
            text += n;
            continue;
        }
        n_equals += 1 + strspn(text + n_equals + 1, " \t\r\n");
        size_t n_value = value_length(text + n_equals);
        bool secret = is_secret_word(text, n_name);
        tg_config_writer_bytes(writer, text, secret ? n_equals : n_equals + n_value);
        tg_config_writer_text(writer, secret ? TG_CONFIG_MASK : "");
        text += n_equals + n_value;
    }
}

static void
write_masked(const char *url, tg_config_writer_t *writer)
{
    const char *scheme = strstr(url, "://");
    bool is_url = scheme != NULL && strcspn(url, "= \t'") >= (size_t)(scheme - url);
    if (is_url) {
        write_url(url, scheme + 3, writer);
    } else {
        write_pairs(url, writer);
    }
}

tg_status_t
tg_config_mask_url(const char *url, tg_buffer_t *out)
{
    tg_config_writer_t writer = {.out = out};
    write_masked(url, &writer);
    return writer.status;
}

void
tg_config_secret_write(const tg_config_key_t *key, const char *property, const char *value,
                       tg_config_writer_t *writer)
{
    bool by_name = key->secrecy == TG_CONFIG_SECRET_BY_NAME;
    if (key->secrecy == TG_CONFIG_SECRET_IN_URL || (by_name && ends_with(property, ".url"))) {
        write_masked(value, writer);
    } else {
        bool secret =
            key->secrecy == TG_CONFIG_SECRET || (by_name && tg_config_secret_property(property));
        tg_config_writer_text(writer, secret ? TG_CONFIG_MASK : value);
    }
}
