// links: avro base
#include "avro/copy_format.h"
#include "avro_case.h"

static tg_decode_plan_t *
bounded_plan(const char *text, const tg_plan_column_t *column, size_t max_row_bytes, int max_depth)
{
    tg_error_t err;
    tg_decode_plan_t *plan = NULL;
    tg_decode_options_t options = {.max_row_bytes = max_row_bytes, .max_depth = max_depth};
    tg_schema_t *schema = case_schema(text);
    ASSERT_OK(tg_decode_plan_new(schema, column, 1, &options, &plan, &err));
    tg_schema_unref(schema);
    return plan;
}

static tg_status_t
decode_of(tg_decode_plan_t *plan, const void *body, size_t n_bytes, size_t out_bytes,
          size_t *ret_n_bytes)
{
    tg_error_t err;
    tg_buffer_t out;
    tg_buffer_init(&out, out_bytes);
    tg_status_t status = tg_decode_plan_decode(plan, tg_bytes_of(body, n_bytes), &out, &err);
    assert_int_equal(status == TG_OK, out.n_bytes > 0);
    *ret_n_bytes = out.n_bytes;
    tg_buffer_done(&out);
    return status;
}

/* n_bytes of text behind its length */
static uint8_t *
long_text(size_t n_bytes, size_t *ret_n_body)
{
    uint8_t *body = malloc(n_bytes + 11); /* a byte more for the caller */
    size_t at = 0;
    for (uint64_t rest = (uint64_t)n_bytes << 1; at == 0 || rest > 0; rest >>= 7) {
        body[at++] = (uint8_t)((rest & 0x7f) | (rest >= 0x80 ? 0x80 : 0));
    }
    memset(body + at, 'x', n_bytes);
    *ret_n_body = at + n_bytes;
    return body;
}

static void
decode_of_a_row_beyond_its_ceiling_is_too_large(void **state)
{
    (void)state;

    static const struct {
        const char *type;
        uint32_t type_oid;
    } cases[] = {{"\"string\"", TG_PG_TEXT},
                 {"\"string\"", TG_PG_JSONB},
                 {"\"bytes\"", TG_PG_JSONB},
                 {"\"bytes\"", TG_PG_BYTEA}};

    for (size_t i = 0; i < TG_COUNT_OF(cases); i++) {
        char text[128];
        size_t n_body = 0;
        size_t n_row = 0;
        tg_plan_column_t column = {.name = "v", .type_oid = cases[i].type_oid, .type_modifier = -1};
        (void)snprintf(text, sizeof text, RECORD("{\"name\":\"v\",\"type\":%s}"), cases[i].type);
        tg_decode_plan_t *plan = bounded_plan(text, &column, 50000, 8);
        uint8_t *body = long_text(49990, &n_body);
        uint8_t *small = long_text(7000, &n_body);
        assert_int_equal(decode_of(plan, small, n_body, 1 << 20, &n_row), TG_OK);
        free(body);
        body = long_text(50001, &n_body);
        assert_int_equal(decode_of(plan, body, n_body, 1 << 20, &n_row), TG_ERR_TOO_LARGE);
        free(small);
        free(body);
        tg_decode_plan_free(plan);
    }
}

static void
decode_into_a_buffer_without_room_is_full_or_too_large(void **state)
{
    (void)state;
    tg_error_t err;
    size_t n_body = 0;
    size_t n_row = 0;
    const tg_plan_column_t column = COLUMN("v", TG_PG_TEXT);
    tg_decode_plan_t *plan = bounded_plan(RECORD(FIELD("v", "\"string\"")), &column, 0, 0);
    uint8_t *body = long_text(1000, &n_body);
    /* 1006 bytes fit exactly, though the first guess asks for more */
    assert_int_equal(decode_of(plan, body, n_body, 1006, &n_row), TG_OK);
    assert_int_equal(n_row, 1006);
    /* an empty buffer that can never hold it: no use to try again */
    assert_int_equal(decode_of(plan, body, n_body, 1005, &n_row), TG_ERR_TOO_LARGE);
    /* one that holds another row: try again with an empty one */
    tg_buffer_t out;
    tg_buffer_init(&out, 1500);
    ASSERT_OK(tg_decode_plan_decode(plan, tg_bytes_of(body, n_body), &out, &err));
    ASSERT_FAILS(tg_decode_plan_decode(plan, tg_bytes_of(body, n_body), &out, &err), TG_ERR_FULL);
    assert_int_equal(out.n_bytes, 1006);
    assert_int_equal(tg_copy_row_bytes(tg_buffer_view(&out)), 1006);
    tg_buffer_done(&out);
    /* room for exactly one more: by way of the plan's own buffer, behind the first */
    tg_buffer_init(&out, 2 * 1006);
    ASSERT_OK(tg_decode_plan_decode(plan, tg_bytes_of(body, n_body), &out, &err));
    memset(body + n_body - 1, 'y', 1);
    ASSERT_OK(tg_decode_plan_decode(plan, tg_bytes_of(body, n_body), &out, &err));
    assert_int_equal(out.data[1005], 'x');
    assert_int_equal(out.data[2 * 1006 - 1], 'y');
    assert_int_equal(tg_copy_row_bytes(tg_buffer_view(&out)), 1006);
    tg_buffer_done(&out);
    free(body);
    tg_decode_plan_free(plan);
}

/* Arrays and JSON grow beyond what is reserved at first; the end of the buffer is met on the way.
 */
static void
decode_of_a_growing_row_near_the_end_of_the_buffer_still_fits(void **state)
{
    (void)state;

    static const struct {
        const char *items;
        uint32_t type_oid;
        size_t n_row;
    } cases[] = {{"\"int\"", TG_PG_INT4_ARRAY, 2 + 4 + 20 + 8 * 500},
                 {"\"int\"", TG_PG_JSONB, 2 + 4 + 1 + 1001}};

    for (size_t i = 0; i < TG_COUNT_OF(cases); i++) {
        char text[128];
        uint8_t body[600] = {0xe8, 0x07}; /* 500 zeros */
        size_t n_row = 0;
        tg_plan_column_t column = {.name = "v", .type_oid = cases[i].type_oid, .type_modifier = -1};
        (void)snprintf(text, sizeof text,
                       RECORD("{\"name\":\"v\",\"type\":{\"type\":\"array\",\"items\":%s}}"),
                       cases[i].items);
        tg_decode_plan_t *plan = bounded_plan(text, &column, 0, 0);
        for (size_t room = cases[i].n_row; room < cases[i].n_row + 1300; room += 130) {
            assert_int_equal(decode_of(plan, body, 503, room, &n_row), TG_OK);
            assert_int_equal(n_row, cases[i].n_row);
        }
        assert_int_equal(decode_of(plan, body, 503, cases[i].n_row - 1, &n_row), TG_ERR_TOO_LARGE);
        tg_decode_plan_free(plan);
    }
}

static void
decode_of_nesting_beyond_its_ceiling_is_too_large(void **state)
{
    (void)state;
    const char *text = RECORD(FIELD("v", "[\"null\",\"r\"]"));
    const tg_plan_column_t columns[] = {COLUMN("v", TG_PG_JSONB), COLUMN("none", TG_PG_JSONB)};
    uint8_t body[2000];
    memset(body, 2, sizeof body);
    for (size_t i = 0; i < TG_COUNT_OF(columns); i++) {
        size_t n_row = 0;
        tg_decode_plan_t *plan = bounded_plan(text, &columns[i], 0, 20);
        /* each level is a record in a union; the outermost is the row itself */
        for (size_t depth = 1; depth < 200; depth += 3) {
            body[depth] = 0;
            tg_status_t status = decode_of(plan, body, depth + 1, 1 << 16, &n_row);
            if (depth != 10) { /* one passes it, the other does not */
                assert_int_equal(status, depth < 10 ? TG_OK : TG_ERR_TOO_LARGE);
            }
            body[depth] = 2;
        }
        assert_int_equal(decode_of(plan, body, sizeof body, 1 << 16, &n_row), TG_ERR_TOO_LARGE);
        /* and the plan is as good as before */
        assert_int_equal(decode_of(plan, "\0", 1, 1 << 16, &n_row), TG_OK);
        tg_decode_plan_free(plan);
    }
}

/* Values that take no bytes: an array of 2^60 nulls, records that hold one another twice. */
static void
decode_of_values_without_content_is_bounded(void **state)
{
    (void)state;
    size_t n_row = 0;
    static const char many[] = "\x80\x80\x80\x80\x80\x80\x80\x80\x20"; /* 2^60 */
    static const char some[] = "\xd0\x0f\0";                           /* 1000 */
    const tg_plan_column_t columns[] = {COLUMN("v", TG_PG_JSONB), COLUMN("none", TG_PG_INT4),
                                        COLUMN("v", TG_PG_INT4_ARRAY)};
    for (size_t i = 0; i < TG_COUNT_OF(columns); i++) {
        tg_decode_plan_t *plan = bounded_plan(
            RECORD(FIELD("v", "{\"type\":\"array\",\"items\":\"null\"}")), &columns[i], 100000, 8);
        assert_int_equal(decode_of(plan, many, sizeof many - 1, 1 << 20, &n_row), TG_ERR_TOO_LARGE);
        assert_int_equal(decode_of(plan, some, 3, 1 << 20, &n_row), TG_OK);
        tg_decode_plan_free(plan);
    }
}

/* Each inner array alone is within the bound, all of them are not. */
static void
decode_of_many_arrays_without_content_is_bounded(void **state)
{
    (void)state;

    enum { N_ARRAYS = 60, ARRAY_BYTES = 3 };

    uint8_t body[1 + N_ARRAYS * ARRAY_BYTES + 1] = {2 * N_ARRAYS};
    size_t n_row = 0;
    for (size_t i = 0; i < N_ARRAYS; i++) {
        memcpy(body + 1 + i * ARRAY_BYTES, "\xd0\x0f\0", ARRAY_BYTES); /* 1000 nulls */
    }
    const tg_plan_column_t column = COLUMN("none", TG_PG_INT4);
    const char *text = RECORD(
        FIELD("v", "{\"type\":\"array\",\"items\":{\"type\":\"array\",\"items\":\"null\"}}"));
    tg_decode_plan_t *plan = bounded_plan(text, &column, 60000, 8);
    assert_int_equal(decode_of(plan, body, sizeof body, 1 << 20, &n_row), TG_OK);
    tg_decode_plan_free(plan);
    plan = bounded_plan(text, &column, 59999, 8);
    assert_int_equal(decode_of(plan, body, sizeof body, 1 << 20, &n_row), TG_ERR_TOO_LARGE);
    tg_decode_plan_free(plan);
}

/* What grows takes room that what follows was promised. */
static void
decode_of_text_behind_a_growing_value_has_room(void **state)
{
    (void)state;
    tg_error_t err;
    tg_buffer_t out;
    uint8_t body[1500] = {0xe8, 0x07}; /* 500 zeros, then 900 letters */
    static const uint32_t types[] = {TG_PG_INT4_ARRAY, TG_PG_JSONB};
    memcpy(body + 503, "\x88\x0e", 2);
    memset(body + 505, 'x', 900);
    for (size_t i = 0; i < TG_COUNT_OF(types); i++) {
        const tg_plan_column_t columns[] = {
            {.name = "v", .type_oid = types[i], .type_modifier = -1}, COLUMN("t", TG_PG_TEXT)};
        tg_decode_plan_t *plan =
            case_plan(RECORD(FIELD("v", "{\"type\":\"array\",\"items\":\"int\"}") "," FIELD(
                          "t", "\"string\"")),
                      columns, 2);
        tg_buffer_init(&out, 1 << 20);
        ASSERT_OK(tg_decode_plan_decode(plan, tg_bytes_of(body, 1405), &out, &err));
        assert_true(out.n_bytes <= out.capacity);
        assert_int_equal(out.data[out.n_bytes - 1], 'x');
        tg_buffer_done(&out);
        tg_decode_plan_free(plan);
    }
}

static void
decode_of_records_that_multiply_is_bounded(void **state)
{
    (void)state;

    enum { N_LEVELS = 30, TEXT_BYTES = 1 << 13 };

    char *text = calloc(1, TEXT_BYTES);
    char *inner = calloc(1, TEXT_BYTES);
    (void)snprintf(text, TEXT_BYTES, "%s", "{\"type\":\"record\",\"name\":\"l0\",\"fields\":[]}");
    for (int i = 1; i <= N_LEVELS; i++) {
        memcpy(inner, text, TEXT_BYTES);
        assert_true(snprintf(text, TEXT_BYTES,
                             "{\"type\":\"record\",\"name\":\"l%d\",\"fields\":[{\"name\":\"a\","
                             "\"type\":%s},{\"name\":\"b\",\"type\":\"l%d\"}]}",
                             i, inner, i - 1) < TEXT_BYTES);
    }
    memcpy(inner, text, TEXT_BYTES);
    assert_true(snprintf(text, TEXT_BYTES, "{\"type\":\"array\",\"items\":%s}", inner) <
                TEXT_BYTES);
    const tg_plan_column_t columns[] = {COLUMN("value", TG_PG_JSONB), COLUMN("none", TG_PG_INT4)};
    for (size_t i = 0; i < TG_COUNT_OF(columns); i++) {
        size_t n_row = 0;
        tg_decode_plan_t *plan = bounded_plan(text, &columns[i], 100000, 64);
        assert_int_equal(decode_of(plan, "\x02\0", 2, 1 << 20, &n_row), TG_ERR_TOO_LARGE);
        assert_int_equal(decode_of(plan, "\0", 1, 1 << 20, &n_row), TG_OK);
        tg_decode_plan_free(plan);
    }
    free(text);
    free(inner);
}

/* Every prefix of a good body is refused, and leaves the plan and the buffer as they were. */
static void
decode_of_every_prefix_is_truncated(void **state)
{
    (void)state;
    const tg_plan_column_t columns[] = {COLUMN("a", TG_PG_TIMESTAMPTZ), COLUMN("b", TG_PG_TEXT),
                                        COLUMN("c", TG_PG_FLOAT8_ARRAY), COLUMN("d", TG_PG_JSONB),
                                        COLUMN("e", TG_PG_NUMERIC)};
    const char *text = RECORD(FIELD("a", LOGICAL("long", "timestamp-micros")) "," FIELD(
        "skipped",
        "\"string"
        "\"") "," FIELD("b",
                        "[\"null\",\"string\"]") "," FIELD("c",
                                                           "{\"type\":\"array\",\"items\":"
                                                           "\"double\"}") "," FIELD("d",
                                                                                    "{\"type\":"
                                                                                    "\"map\","
                                                                                    "\"values\""
                                                                                    ":[\"int\","
                                                                                    "\"bytes\"]"
                                                                                    "}") "," FIELD("e",
                                                                                                   "{"
                                                                                                   "\""
                                                                                                   "ty"
                                                                                                   "pe"
                                                                                                   "\""
                                                                                                   ":"
                                                                                                   "\""
                                                                                                   "by"
                                                                                                   "te"
                                                                                                   "s"
                                                                                                   "\""
                                                                                                   ","
                                                                                                   "\""
                                                                                                   "lo"
                                                                                                   "gi"
                                                                                                   "ca"
                                                                                                   "lT"
                                                                                                   "yp"
                                                                                                   "e"
                                                                                                   "\""
                                                                                                   ":"
                                                                                                   "\""
                                                                                                   "de"
                                                                                                   "ci"
                                                                                                   "ma"
                                                                                                   "l"
                                                                                                   "\""
                                                                                                   ","
                                                                                                   "\""
                                                                                                   "pr"
                                                                                                   "ec"
                                                                                                   "is"
                                                                                                   "io"
                                                                                                   "n"
                                                                                                   "\""
                                                                                                   ":4"
                                                                                                   "0,"
                                                                                                   "\""
                                                                                                   "sc"
                                                                                                   "al"
                                                                                                   "e"
                                                                                                   "\""
                                                                                                   ":2"
                                                                                                   "}"));
    uint8_t body[128];
    size_t n = case_hex("80fceaa9c3e8a50306414243 0204 6162 02000000000000f03f00"
                        "04026b0204ffff026c001e00 1401020304050607080910",
                        body);
    size_t n_row = 0;
    tg_decode_plan_t *plan = case_plan(text, columns, 5);
    assert_int_equal(decode_of(plan, body, n, 1 << 12, &n_row), TG_OK);
    for (size_t i = 0; i < n; i++) {
        uint8_t *exact = malloc(i > 0 ? i : 1);
        memcpy(exact, body, i);
        assert_int_equal(decode_of(plan, exact, i, 1 << 12, &n_row), TG_ERR_TRUNCATED);
        free(exact);
    }
    assert_int_equal(decode_of(plan, body, n, 1 << 12, &n_row), TG_OK);
    tg_decode_plan_free(plan);
}

static void
decode_of_a_body_that_cannot_be_is_too_large(void **state)
{
    (void)state;
    size_t n_row = 0;
    const tg_plan_column_t column = COLUMN("v", TG_PG_TEXT);
    /* options beyond what there is are cut to it */
    tg_decode_plan_t *plan =
        bounded_plan(RECORD(FIELD("v", "\"string\"")), &column, SIZE_MAX, 100000);
    assert_int_equal(decode_of(plan, "", (size_t)1 << 31, 100, &n_row), TG_ERR_TOO_LARGE);
    assert_int_equal(decode_of(plan, "\0", 1, 100, &n_row), TG_OK);
    tg_decode_plan_free(plan);
}

/* Out of order, and so large that the plan does not keep its own buffer. */
static void
decode_of_a_large_row_out_of_order_works(void **state)
{
    (void)state;
    tg_error_t err;
    size_t n_body = 0;
    size_t n_row = 0;
    const tg_plan_column_t columns[] = {COLUMN("b", TG_PG_BOOL), COLUMN("v", TG_PG_TEXT)};
    tg_decode_plan_t *plan = NULL;
    tg_decode_options_t options = {.max_depth = 3};
    tg_schema_t *schema =
        case_schema(RECORD(FIELD("v", "\"string\"") "," FIELD("b", "\"boolean\"")));
    ASSERT_OK(tg_decode_plan_new(schema, columns, 2, &options, &plan, &err));
    uint8_t *body = long_text(6 << 20, &n_body);
    body[n_body] = 1;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(decode_of(plan, body, n_body + 1, 8 << 20, &n_row), TG_OK);
        assert_int_equal(n_row, 2 + 5 + 4 + (6 << 20));
        assert_int_equal(decode_of(plan, "\0\1", 2, 1 << 10, &n_row), TG_OK);
    }
    free(body);
    tg_schema_unref(schema);
    tg_decode_plan_free(plan);
}

static void
decode_plan_with_a_default_larger_than_a_row_is_a_mismatch(void **state)
{
    (void)state;
    tg_error_t err = {.text = ""};
    uint8_t bytes[200] = {0};
    const tg_bytes_t constant = tg_bytes_of(bytes, sizeof bytes);
    tg_plan_column_t column = COLUMN("none", TG_PG_BYTEA);
    tg_decode_plan_t *plan = NULL;
    tg_decode_options_t options = {.max_row_bytes = 100};
    tg_schema_t *schema = case_schema(RECORD(FIELD("v", "\"string\"")));
    column.default_value = &constant;
    ASSERT_FAILS(tg_decode_plan_new(schema, &column, 1, &options, &plan, &err), TG_ERR_MISMATCH);
    assert_non_null(strstr(err.text, "its default is larger"));
    tg_schema_unref(schema);
}

static void
decode_of_decimals_with_too_many_digits_is_out_of_range(void **state)
{
    (void)state;
    static const uint32_t types[] = {TG_PG_NUMERIC, TG_PG_TEXT, TG_PG_FLOAT8, TG_PG_JSONB};
    const char *text = RECORD(FIELD(
        "v", "{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":99999,\"scale\":2}"));
    const char *absurd = RECORD(FIELD(
        "v",
        "{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":99999,\"scale\":20000}"));
    for (size_t i = 0; i < TG_COUNT_OF(types); i++) {
        size_t n_body = 0;
        size_t n_row = 0;
        const tg_plan_column_t column = {.name = "v", .type_oid = types[i], .type_modifier = -1};
        tg_decode_plan_t *plan = bounded_plan(text, &column, 0, 0);
        uint8_t *body = long_text(4097, &n_body);
        assert_int_equal(decode_of(plan, body, n_body, 1 << 16, &n_row), TG_ERR_OUT_OF_RANGE);
        free(body);
        body = long_text(4096, &n_body);
        /* no double is as large */
        assert_int_equal(decode_of(plan, body, n_body, 1 << 16, &n_row),
                         types[i] == TG_PG_FLOAT8 ? TG_ERR_OUT_OF_RANGE : TG_OK);
        free(body);
        tg_decode_plan_free(plan);
        plan = bounded_plan(absurd, &column, 0, 0);
        body = long_text(12, &n_body);
        assert_int_equal(decode_of(plan, body, n_body, 1 << 16, &n_row),
                         types[i] == TG_PG_FLOAT8 ? TG_OK : TG_ERR_OUT_OF_RANGE);
        free(body);
        tg_decode_plan_free(plan);
    }
}

/* As many steps as a plan can have; a build without optimisation nests their calls. */
static void
decode_by_the_longest_plan_works(void **state)
{
    (void)state;

    enum { N_FIELDS = 19990, N_COLUMNS = 1600, FIELD_BYTES = 48 };

    char *text = calloc(N_FIELDS + 2, FIELD_BYTES);
    char(*names)[16] = calloc(N_COLUMNS, sizeof *names);
    tg_plan_column_t *columns = calloc(N_COLUMNS, sizeof *columns);
    size_t n =
        (size_t)snprintf(text, 2 * FIELD_BYTES, "{\"type\":\"record\",\"name\":\"r\",\"fields\":[");
    for (int i = 0; i < N_FIELDS; i++) {
        n += (size_t)snprintf(text + n, FIELD_BYTES, "%s{\"name\":\"f%d\",\"type\":\"%s\"}",
                              i > 0 ? "," : "", i, i % 2 == 0 ? "int" : "string");
    }
    (void)snprintf(text + n, FIELD_BYTES, "]}");
    for (int i = 0; i < N_COLUMNS; i++) {
        (void)snprintf(names[i], sizeof *names, "f%d", i * 12);
        columns[i] =
            (tg_plan_column_t){.name = names[i], .type_oid = TG_PG_INT4, .type_modifier = -1};
    }
    tg_decode_plan_t *plan = case_plan(text, columns, N_COLUMNS);
    uint8_t *body = calloc(1, N_FIELDS);
    size_t n_row = 0;
    assert_int_equal(decode_of(plan, body, N_FIELDS, 1 << 20, &n_row), TG_OK);
    assert_int_equal(n_row, 2 + 8 * N_COLUMNS);
    assert_int_equal(decode_of(plan, body, N_FIELDS - 1, 1 << 20, &n_row), TG_ERR_TRUNCATED);
    free(body);
    free(columns);
    free(names);
    free(text);
    tg_decode_plan_free(plan);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decode_of_a_row_beyond_its_ceiling_is_too_large),
        cmocka_unit_test(decode_into_a_buffer_without_room_is_full_or_too_large),
        cmocka_unit_test(decode_of_a_growing_row_near_the_end_of_the_buffer_still_fits),
        cmocka_unit_test(decode_of_nesting_beyond_its_ceiling_is_too_large),
        cmocka_unit_test(decode_of_values_without_content_is_bounded),
        cmocka_unit_test(decode_of_many_arrays_without_content_is_bounded),
        cmocka_unit_test(decode_of_text_behind_a_growing_value_has_room),
        cmocka_unit_test(decode_of_records_that_multiply_is_bounded),
        cmocka_unit_test(decode_of_every_prefix_is_truncated),
        cmocka_unit_test(decode_of_a_body_that_cannot_be_is_too_large),
        cmocka_unit_test(decode_of_a_large_row_out_of_order_works),
        cmocka_unit_test(decode_plan_with_a_default_larger_than_a_row_is_a_mismatch),
        cmocka_unit_test(decode_of_decimals_with_too_many_digits_is_out_of_range),
        cmocka_unit_test(decode_by_the_longest_plan_works),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
