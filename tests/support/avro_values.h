/*
 * One value of a record with the single field "v": its body, and the field of the row that it
 * becomes.
 */
#ifndef TG_AVRO_VALUES_H
#define TG_AVRO_VALUES_H

#include "avro_case.h"
#include "plan_internal.h"

typedef struct value_case {
    const char *name;
    const char *type; /* Avro, as JSON */
    uint32_t type_oid;
    int32_t type_modifier;
    const char *body;
    const char *want; /* the field, length and bytes, in hex; else words of the error */
    tg_status_t status;
} value_case_t;

/* pext: the steps that need the instruction, else those that do without. */
static inline void
run_value_case(const value_case_t *value, bool pext)
{
    char text[1024];
    uint8_t body[4096];
    char got[8192] = "";
    tg_error_t err = {.text = ""};
    tg_buffer_t out;
    tg_plan_column_t column = {
        .name = "v", .type_oid = value->type_oid, .type_modifier = value->type_modifier};
    (void)snprintf(text, sizeof text, RECORD("{\"name\":\"v\",\"type\":%s}"), value->type);
    tg_decode_plan_t *plan = case_plan(text, &column, 1);
    tg_plan_choose_steps(plan, pext);
    /* in memory of exactly its size, so that a sanitizer sees a read beyond it */
    size_t n = case_hex(value->body, body);
    uint8_t *exact = malloc(n > 0 ? n : 1);
    memcpy(exact, body, n);
    tg_buffer_init(&out, 1 << 20);
    tg_status_t status = tg_decode_plan_decode(plan, tg_bytes_of(exact, n), &out, &err);
    if (status != value->status) {
        fail_msg("%s: %s: %s", value->name, tg_status_name(status), err.text);
    }
    if (status == TG_OK) {
        case_print(tg_bytes_of(out.data + 2, out.n_bytes - 2), got);
        if (strcmp(got, value->want) != 0) {
            fail_msg("%s: %s, not %s", value->name, got, value->want);
        }
    } else if (strstr(err.text, value->want) == NULL || strstr(err.text, "\"v\"") == NULL ||
               out.n_bytes != 0) {
        fail_msg("%s: \"%s\" does not say \"%s\"", value->name, err.text, value->want);
    }
    free(exact);
    tg_buffer_done(&out);
    tg_decode_plan_free(plan);
}

static inline void
run_value_cases(const value_case_t *cases, size_t n_cases)
{
    for (size_t i = 0; i < n_cases; i++) {
        run_value_case(&cases[i], false);
        if (tg_plan_has_fast_pext()) {
            run_value_case(&cases[i], true);
        }
    }
}

#endif
