#include "object_name.h"

#include <string.h>

#include "database/connection.h"

/* Reads one part at *cursor into part and moves *cursor behind it. False: too long, empty, or
 * quotes that do not close. */
static bool
read_part(const char **cursor, char part[TG_IDENTIFIER_MAX_BYTES + 1])
{
    const char *at = *cursor;
    bool quoted = *at == '"';
    size_t n = 0;
    at += quoted ? 1 : 0;
    while (*at != '\0' && (quoted ? *at != '"' || at[1] == '"' : *at != '.' && *at != '"')) {
        at += quoted && *at == '"' ? 1 : 0; /* "" stands for one */
        if (n == TG_IDENTIFIER_MAX_BYTES) {
            return false;
        }
        part[n++] = *at++;
    }
    part[n] = '\0';
    if (n == 0 || (quoted && *at != '"')) {
        return false;
    }
    *cursor = at + (quoted ? 1 : 0);
    return true;
}

tg_status_t
tg_object_name_parse(const char *text, tg_object_name_t *ret_name, tg_error_t *err)
{
    tg_object_name_t name = {.schema = "public"};
    const char *cursor = text;
    bool ok = read_part(&cursor, name.table);
    if (ok && *cursor == '.') {
        memcpy(name.schema, name.table, sizeof name.schema);
        cursor++;
        ok = read_part(&cursor, name.table);
    }
    if (!ok || *cursor != '\0') {
        return tg_error_set(err, TG_ERR_CONFIG,
                            "\"%.200s\" is not a table's name: expected schema.table, each part at "
                            "most %d bytes, a part with a dot in double quotes",
                            text, (int)TG_IDENTIFIER_MAX_BYTES);
    }
    *ret_name = name;
    return TG_OK;
}

tg_status_t
tg_object_name_append(const tg_object_name_t *name, tg_buffer_t *sql)
{
    TG_TRY(tg_sql_append_identifier(sql, name->schema));
    TG_TRY(tg_buffer_append_text(sql, "."));
    return tg_sql_append_identifier(sql, name->table);
}
