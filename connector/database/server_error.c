#include "server_error.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"

enum { MAX_TEXT_BYTES = TG_ERROR_TEXT_BYTES, MAX_PART_BYTES = 240, SQLSTATE_BYTES = 5 };

/* Appends at most MAX_PART_BYTES of the first line. Best effort: a cut text is still a text. */
static void
add_line(tg_buffer_t *text, const char *label, const char *line)
{
    if (line == NULL || *line == '\0') {
        return;
    }
    size_t n = strcspn(line, "\r\n");
    bool cut = n > MAX_PART_BYTES;
    TG_IGNORE(tg_buffer_append_text(text, label));
    TG_IGNORE(tg_buffer_append(text, line, cut ? MAX_PART_BYTES : n));
    if (cut) {
        TG_IGNORE(tg_buffer_append_text(text, "..."));
    }
}

/* The same without what follows the first `: "`: there the server quotes the value it choked on. */
static void
add_line_without_value(tg_buffer_t *text, const char *label, const char *line)
{
    if (line == NULL) {
        return;
    }
    const char *value = strstr(line, ": \"");
    size_t n = strcspn(line, "\r\n");
    if (value == NULL || (size_t)(value - line) > n) {
        add_line(text, label, line);
        return;
    }
    char head[MAX_PART_BYTES];
    (void)snprintf(head, sizeof head, "%.*s", (int)(value - line), line);
    add_line(text, label, head);
}

static bool
class_is(const char *sqlstate, const char *classes)
{
    for (; *classes != '\0'; classes += 2) {
        if (strncmp(sqlstate, classes, 2) == 0) {
            return true;
        }
    }
    return false;
}

/* DETAIL of these classes is "Failing row contains (...)" or "Key (x)=(...)", or a trigger's own
 * words about the row. */
static bool
detail_is_payload(const char *sqlstate)
{
    return class_is(sqlstate, "2122232744P0");
}

static void
add_names(tg_buffer_t *text, const PGresult *result)
{
    const char *table = PQresultErrorField(result, PG_DIAG_TABLE_NAME);
    if (table != NULL) {
        const char *schema = PQresultErrorField(result, PG_DIAG_SCHEMA_NAME);
        TG_IGNORE(
            tg_buffer_append_format(text, ", table %s.%s", schema != NULL ? schema : "", table));
    }
    add_line(text, ", column ", PQresultErrorField(result, PG_DIAG_COLUMN_NAME));
    add_line(text, ", constraint ", PQresultErrorField(result, PG_DIAG_CONSTRAINT_NAME));
}

static void
describe(tg_buffer_t *text, const PGresult *result, const char *sqlstate)
{
    const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    if (class_is(sqlstate, "22")) {
        add_line_without_value(text, "", message);
    } else {
        add_line(text, "", message);
    }
    TG_IGNORE(tg_buffer_append_format(text, " (SQLSTATE %s", sqlstate));
    add_names(text, result);
    TG_IGNORE(tg_buffer_append_text(text, ")"));
    const char *detail = PQresultErrorField(result, PG_DIAG_MESSAGE_DETAIL);
    if (!detail_is_payload(sqlstate)) {
        add_line(text, "; ", detail);
    }
    add_line(text, "; hint: ", PQresultErrorField(result, PG_DIAG_MESSAGE_HINT));
    add_line_without_value(text, "; at: ", PQresultErrorField(result, PG_DIAG_CONTEXT));
}

tg_status_t
tg_server_error_of_result(PGconn *pg, const PGresult *result, tg_error_t *err)
{
    const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    bool lost = PQstatus(pg) == CONNECTION_BAD;
    if (sqlstate == NULL) { /* libpq's own words, not the server's */
        return lost ? tg_server_error_of_loss(pg, err)
                    : tg_error_set(err, TG_ERR_UNAVAILABLE, "%.*s",
                                   (int)strcspn(PQresultErrorMessage(result), "\r\n"),
                                   PQresultErrorMessage(result));
    }
    tg_status_t status = tg_sqlstate_status(sqlstate);
    if (strcmp(sqlstate, "08P01") == 0 && tg_server_error_row(result) > 0) {
        status = TG_ERR_MISMATCH; /* a field shorter than its type, said by a receive function */
    }
    tg_buffer_t text;
    tg_buffer_init(&text, MAX_TEXT_BYTES);
    describe(&text, result, sqlstate);
    status = tg_error_set(err, lost ? TG_ERR_LOST : status, "%.*s", (int)text.n_bytes,
                          text.data != NULL ? (const char *)text.data : "");
    tg_buffer_done(&text);
    tg_error_set_sqlstate(err, sqlstate);
    return status;
}

tg_status_t
tg_server_error_of_loss(PGconn *pg, tg_error_t *err)
{
    const char *message = pg != NULL ? PQerrorMessage(pg) : "";
    int n = (int)strcspn(message, "\r\n");
    return n > 0 ? tg_error_set(err, TG_ERR_LOST, "connection lost: %.*s", n, message)
                 : tg_error_set(err, TG_ERR_LOST, "connection lost");
}

static bool
is_sqlstate(const char *text)
{
    for (int i = 0; i < SQLSTATE_BYTES; i++) {
        bool digit = text[i] >= '0' && text[i] <= '9';
        if (!digit && !(text[i] >= 'A' && text[i] <= 'Z')) {
            return false;
        }
    }
    return true;
}

/* In "... FATAL:  28P01: password authentication failed" the place of the code; NULL: none. */
static const char *
find_sqlstate(const char *message)
{
    for (const char *at = strstr(message, ":  "); at != NULL; at = strstr(at + 1, ":  ")) {
        if (is_sqlstate(at + 3) && strncmp(at + 3 + SQLSTATE_BYTES, ": ", 2) == 0) {
            return at + 3;
        }
    }
    return NULL;
}

/* One line per host was tried; those that begin with a tab or LOCATION only comment on them. */
static void
add_attempts(tg_buffer_t *text, const char *message)
{
    const char *separator = "";
    while (*message != '\0') {
        size_t n = strcspn(message, "\r\n");
        if (n > 0 && *message != '\t' && strncmp(message, "LOCATION", 8) != 0) {
            add_line(text, separator, message);
            separator = "; ";
        }
        message += n;
        message += strspn(message, "\r\n");
    }
}

static const char *
connect_hint(tg_status_t status, const char *sqlstate)
{
    if (status == TG_ERR_PERMISSION) {
        return " (check user, password and pg_hba.conf)";
    }
    if (strcmp(sqlstate, "3D000") == 0) {
        return " (create the database, or correct its name in database.url)";
    }
    return "";
}

tg_status_t
tg_server_error_of_connect(PGconn *pg, const char *name, tg_error_t *err)
{
    const char *message = PQerrorMessage(pg);
    char sqlstate[SQLSTATE_BYTES + 1] = "";
    const char *code = find_sqlstate(message);
    tg_status_t status = TG_ERR_UNAVAILABLE;
    if (code != NULL) {
        (void)snprintf(sqlstate, sizeof sqlstate, "%.*s", SQLSTATE_BYTES, code);
        status = tg_sqlstate_status(sqlstate);
    } else if (PQconnectionNeedsPassword(pg) != 0) {
        status = TG_ERR_PERMISSION;
    }
    tg_buffer_t text;
    tg_buffer_init(&text, MAX_TEXT_BYTES / 2);
    add_attempts(&text, message);
    status = tg_error_set(err, status, "cannot connect to %s: %.*s%s", name, (int)text.n_bytes,
                          text.data != NULL ? (const char *)text.data : "",
                          connect_hint(status, sqlstate));
    tg_buffer_done(&text);
    tg_error_set_sqlstate(err, sqlstate);
    return status;
}

/* The number in "COPY sensors, line 7, column v", in whatever language "line" is said: the first
 * number that follows a comma, a space and a word. */
static int64_t
row_of_line(const char *line, size_t n)
{
    for (size_t i = 0; i + 2 < n; i++) {
        if (line[i] != ',' || line[i + 1] != ' ') {
            continue;
        }
        size_t word = i + 2;
        while (word < n && line[word] != ' ' && line[word] != ',') {
            word++;
        }
        char *end = NULL;
        long long row = word < n && line[word] == ' ' ? strtoll(line + word + 1, &end, 10) : 0;
        if (row > 0 && end > line + word + 1) {
            return row;
        }
    }
    return 0;
}

int64_t
tg_server_error_row(const PGresult *result)
{
    const char *context = PQresultErrorField(result, PG_DIAG_CONTEXT);
    while (context != NULL && *context != '\0') {
        size_t n = strcspn(context, "\n");
        if (strncmp(context, "COPY ", 5) == 0) {
            return row_of_line(context, n);
        }
        context += n;
        context += strspn(context, "\n");
    }
    return 0;
}
