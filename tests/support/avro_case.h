/*
 * Short ways to say a schema, a body and a row in a test.
 */
#ifndef TG_AVRO_CASE_H
#define TG_AVRO_CASE_H

#include <stdio.h>
#include <string.h>

#include "avro/decode_plan.h"
#include "avro/pg_type.h"
#include "tg_test.h"

#define FIELD(name, type)      "{\"name\":\"" name "\",\"type\":" type "}"
#define RECORD(fields)         "{\"type\":\"record\",\"name\":\"r\",\"fields\":[" fields "]}"
#define LOGICAL(base, logical) "{\"type\":\"" base "\",\"logicalType\":\"" logical "\"}"
#define NULLABLE(type)         "[\"null\"," type "]"

#define COLUMN(column_name, oid)                                                                   \
    {                                                                                              \
        .name = (column_name), .type_oid = (oid), .type_modifier = -1                              \
    }

/* "0a ff" -> bytes; blanks are skipped. */
static inline size_t
case_hex(const char *hex, uint8_t *out)
{
    size_t n = 0;
    while (*hex != '\0') {
        char digits[3] = {hex[0], hex[0] != '\0' ? hex[1] : '\0', '\0'};
        if (*hex == ' ') {
            hex++;
            continue;
        }
        out[n++] = (uint8_t)strtoul(digits, NULL, 16);
        hex += 2;
    }
    return n;
}

static inline void
case_print(tg_bytes_t bytes, char *out)
{
    for (size_t i = 0; i < bytes.n_bytes; i++) {
        (void)snprintf(out + 2 * i, 3, "%02x", bytes.data[i]);
    }
    out[2 * bytes.n_bytes] = '\0';
}

static inline tg_schema_t *
case_schema(const char *text)
{
    tg_error_t err;
    tg_schema_t *schema = NULL;
    ASSERT_OK(tg_schema_new(text, NULL, 0, &schema, &err));
    return schema;
}

static inline tg_decode_plan_t *
case_plan(const char *text, const tg_plan_column_t *columns, size_t n_columns)
{
    tg_error_t err;
    tg_decode_plan_t *plan = NULL;
    tg_decode_options_t options = {.nul_policy = TG_TEXT_NUL_REJECT};
    tg_schema_t *schema = case_schema(text);
    ASSERT_OK(tg_decode_plan_new(schema, columns, n_columns, &options, &plan, &err));
    tg_schema_unref(schema);
    return plan;
}

/* The row of a body must be these bytes. */
static inline void
case_row(tg_decode_plan_t *plan, const char *body_hex, const char *row_hex)
{
    tg_error_t err;
    uint8_t body[4096];
    uint8_t want[4096];
    char got_text[8192];
    char want_text[8192];
    tg_buffer_t out;
    tg_buffer_init(&out, 1 << 20);
    size_t n = case_hex(body_hex, body);
    ASSERT_OK(tg_decode_plan_decode(plan, tg_bytes_of(body, n), &out, &err));
    case_print(tg_buffer_view(&out), got_text);
    case_print(tg_bytes_of(want, case_hex(row_hex, want)), want_text);
    assert_string_equal(got_text, want_text);
    tg_buffer_done(&out);
}

/* The body must be refused, with a text that holds words, and leave nothing behind. */
static inline void
case_refused(tg_decode_plan_t *plan, const char *body_hex, tg_status_t status, const char *words)
{
    tg_error_t err = {.text = ""};
    uint8_t body[4096];
    tg_buffer_t out;
    tg_buffer_init(&out, 1 << 20);
    size_t n = case_hex(body_hex, body);
    ASSERT_FAILS(tg_decode_plan_decode(plan, tg_bytes_of(body, n), &out, &err), status);
    assert_int_equal(err.status, status);
    assert_int_equal(out.n_bytes, 0);
    if (strstr(err.text, words) == NULL) {
        fail_msg("\"%s\" does not say \"%s\"", err.text, words);
    }
    tg_buffer_done(&out);
}

#endif
