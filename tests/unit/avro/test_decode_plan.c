// links: avro base
#include "avro_case.h"
#include "base/error.h"

#define NESTED_FIELD                                                                               \
    "{\"name\":\"a\",\"type\":[\"null\",{\"type\":\"record\",\"name\":\"s\",\"fields\":["          \
    "{\"name\":\"x\",\"type\":\"int\"},{\"name\":\"y\",\"type\":\"string\"}]}]}"

static void
decode_plan_writes_columns_in_the_order_of_the_table(void **state)
{
    (void)state;
    const char *text =
        RECORD(FIELD("a", "\"int\"") "," FIELD("b", "\"string\"") "," FIELD("c", "\"boolean\""));
    const tg_plan_column_t same[] = {COLUMN("a", TG_PG_INT4), COLUMN("b", TG_PG_TEXT),
                                     COLUMN("c", TG_PG_BOOL)};
    const tg_plan_column_t other[] = {COLUMN("c", TG_PG_BOOL), COLUMN("a", TG_PG_INT4),
                                      COLUMN("b", TG_PG_TEXT)};
    tg_decode_plan_t *plan = case_plan(text, same, 3);
    case_row(plan, "02 04 6162 01", "0003 00000004 00000001 00000002 6162 00000001 01");
    tg_decode_plan_free(plan);
    plan = case_plan(text, other, 3);
    case_row(plan, "02 04 6162 01", "0003 00000001 01 00000004 00000001 00000002 6162");
    case_row(plan, "04 00 00", "0003 00000001 00 00000004 00000002 00000000");
    tg_decode_plan_free(plan);
}

static void
decode_plan_skips_fields_without_a_column(void **state)
{
    (void)state;
    const char *text =
        RECORD(FIELD("a", "\"boolean\"") "," FIELD("b", "\"double\"") "," FIELD(
            "c",
            "{\"type\":\"fixed\","
            "\"name\":\"f\","
            "\"size\":2}") "," FIELD("d", "\"long\"") "," FIELD("e", "\"string\"") "," FIELD("f", "\"null\"") "," FIELD("g", "[\"null\",\"int\"]") "," FIELD("h", "{\"type\":\"array\",\"items\":"
                                                                                                                                                                  "\"string\"}") "," FIELD("i", "{\"type"
                                                                                                                                                                                                "\":"
                                                                                                                                                                                                "\"map\""
                                                                                                                                                                                                ",\"valu"
                                                                                                                                                                                                "es\":"
                                                                                                                                                                                                "\"float"
                                                                                                                                                                                                "\"}") "," FIELD("j", "{\"type\":\"enum\",\"name\":\"e\",\"symbols\":[\"A\"]}") "," FIELD("k",
                                                                                                                                                                                                                                                                                          "{\"type\":\"record\",\"name\":\"q\",\"fields\":[{\"name\":\"x\",\"type\":\"bytes\"}]}") "," FIELD("z",
                                                                                                                                                                                                                                                                                                                                                                                             "\"int\""));
    const tg_plan_column_t column = COLUMN("z", TG_PG_INT4);
    tg_decode_plan_t *plan = case_plan(text, &column, 1);
    case_row(plan,
             "01 0000000000000000 0102 8080808001 04 6162 02 06 "
             "02 02 61 03 08 02 62 02 63 00 02 02 6b 00000000 00 00 02 ff 0e",
             "0001 00000004 00000007");
    /* a block that tells its size is passed at once: its content is not looked at */
    case_row(plan, "01 0000000000000000 0102 00 00 00 03 06 ffffff 00 00 00 00 0e",
             "0001 00000004 00000007");
    case_refused(plan, "01 0000000000000000 0102 00 00 00 03 08 ffffff", TG_ERR_TRUNCATED,
                 "without a column");
    case_refused(plan, "01 0000000000000000 0102 00 00 04 00", TG_ERR_INVALID, "branch");
    case_refused(plan, "01 0000000000000000 0102 00 00 00 00 00 02 00 0e", TG_ERR_INVALID,
                 "symbol");
    case_refused(plan, "01 00", TG_ERR_TRUNCATED, "without a column");
    case_refused(plan, "01 0000000000000000 0102 80", TG_ERR_TRUNCATED, "without a column");
    case_refused(plan, "01 0000000000000000 0102 00 04 61", TG_ERR_TRUNCATED, "without a column");
    case_refused(plan, "01 0000000000000000 0102 00 03", TG_ERR_INVALID, "without a column");
    tg_decode_plan_free(plan);
}

static void
decode_plan_fills_columns_without_a_field(void **state)
{
    (void)state;
    const tg_bytes_t constant = tg_bytes_of("\0\0\0\x2a", 4);
    tg_plan_column_t columns[] = {COLUMN("before", TG_PG_INT4), COLUMN("a", TG_PG_INT4),
                                  COLUMN("between", TG_PG_JSONB), COLUMN("b", TG_PG_INT4),
                                  COLUMN("behind", TG_PG_TEXT)};
    columns[0].default_value = &constant;
    columns[0].not_null = true;
    const char *text = RECORD(FIELD("a", "\"int\"") "," FIELD("b", "\"int\""));
    tg_decode_plan_t *plan = case_plan(text, columns, 5);
    case_row(plan, "0204",
             "0005 00000004 0000002a 00000004 00000001 ffffffff 00000004 00000002 ffffffff");
    tg_decode_plan_free(plan);
    text = RECORD(FIELD("b", "\"int\"") "," FIELD("a", "\"int\""));
    plan = case_plan(text, columns, 5);
    case_row(plan, "0402",
             "0005 00000004 0000002a 00000004 00000001 ffffffff 00000004 00000002 ffffffff");
    tg_decode_plan_free(plan);
}

static void
decode_plan_matches_by_name_then_by_either_side_s_aliases(void **state)
{
    (void)state;
    static const char *const aliases[] = {"gone", "a"};
    const char *text = RECORD("{\"name\":\"a\",\"type\":\"int\",\"aliases\":[\"old\"]},"
                              "{\"name\":\"b\",\"type\":\"int\"}");
    tg_plan_column_t by_alias[] = {COLUMN("x", TG_PG_INT4), COLUMN("b", TG_PG_INT4)};
    by_alias[0].aliases = aliases;
    by_alias[0].n_aliases = 2;
    tg_decode_plan_t *plan = case_plan(text, by_alias, 2);
    case_row(plan, "0204", "0002 00000004 00000001 00000004 00000002");
    tg_decode_plan_free(plan);
    const tg_plan_column_t by_field_alias[] = {COLUMN("old", TG_PG_INT4)};
    plan = case_plan(text, by_field_alias, 1);
    case_row(plan, "0204", "0001 00000004 00000001");
    tg_decode_plan_free(plan);
    /* a name wins over an alias, and a field feeds one column */
    tg_plan_column_t both[] = {COLUMN("x", TG_PG_INT4), COLUMN("a", TG_PG_INT4)};
    both[0].aliases = aliases;
    both[0].n_aliases = 2;
    plan = case_plan(text, both, 2);
    case_row(plan, "0204", "0002 ffffffff 00000004 00000001");
    tg_decode_plan_free(plan);
}

static void
decode_plan_opens_records_and_makes_null_of_what_is_in_a_null_one(void **state)
{
    (void)state;
    const char *text = RECORD(NESTED_FIELD "," FIELD("z", "\"boolean\""));
    const tg_plan_column_t columns[] = {COLUMN("a_x", TG_PG_INT4), COLUMN("none", TG_PG_INT4),
                                        COLUMN("a_y", TG_PG_TEXT), COLUMN("z", TG_PG_BOOL)};
    tg_decode_plan_t *plan = case_plan(text, columns, 4);
    case_row(plan, "02 06 02 61 01", "0004 00000004 00000003 ffffffff 00000001 61 00000001 01");
    case_row(plan, "00 01", "0004 ffffffff ffffffff ffffffff 00000001 01");
    case_refused(plan, "04", TG_ERR_INVALID, "malformed");
    case_refused(plan, "", TG_ERR_TRUNCATED, "ends within");
    tg_decode_plan_free(plan);
    const tg_plan_column_t turned[] = {COLUMN("z", TG_PG_BOOL), COLUMN("a_y", TG_PG_TEXT)};
    plan = case_plan(text, turned, 2);
    case_row(plan, "02 06 02 61 01", "0002 00000001 01 00000001 61");
    case_row(plan, "00 00", "0002 00000001 00 ffffffff");
    tg_decode_plan_free(plan);
    /* no column inside: passed as a whole */
    const tg_plan_column_t last[] = {COLUMN("z", TG_PG_BOOL)};
    plan = case_plan(text, last, 1);
    case_row(plan, "02 06 02 61 01", "0001 00000001 01");
    tg_decode_plan_free(plan);
}

static void
decode_plan_opens_records_within_records(void **state)
{
    (void)state;
    const char *text = RECORD(
        FIELD("a", "{\"type\":\"record\",\"name\":\"s\",\"fields\":[" FIELD(
                       "b", "{\"type\":\"record\",\"name\":\"t\",\"fields\":[" FIELD(
                                "c", "\"int\"") "]}") "]}") "," FIELD("again", "[\"s\",\"null\"]"));
    const tg_plan_column_t columns[] = {COLUMN("a_b_c", TG_PG_INT4),
                                        COLUMN("again_b_c", TG_PG_INT4)};
    tg_decode_plan_t *plan = case_plan(text, columns, 2);
    case_row(plan, "02 00 04", "0002 00000004 00000001 00000004 00000002");
    case_row(plan, "02 02", "0002 00000004 00000001 ffffffff");
    tg_decode_plan_free(plan);
}

static void
decode_plan_gives_a_record_whole_to_a_column_of_its_name(void **state)
{
    (void)state;
    const char *text = RECORD(NESTED_FIELD);
    const tg_plan_column_t columns[] = {COLUMN("a", TG_PG_JSONB), COLUMN("a_x", TG_PG_INT4)};
    tg_decode_plan_t *plan = case_plan(text, columns, 2);
    /* {"x":3,"y":"a"} */
    case_row(plan, "02 06 02 61", "0002 00000010 01 7b2278223a332c2279223a2261227d ffffffff");
    case_row(plan, "00", "0002 ffffffff ffffffff");
    tg_decode_plan_free(plan);
}

/* The outer record wins, whichever column comes first; what is inside is no field then. */
static void
decode_plan_gives_the_outer_of_two_records_to_its_column(void **state)
{
    (void)state;
    const char *text =
        RECORD(FIELD("a", "{\"type\":\"record\",\"name\":\"s\",\"fields\":[" FIELD(
                              "b", "{\"type\":\"record\",\"name\":\"t\",\"fields\":[" FIELD(
                                       "c", "\"int\"") "]}") "]}"));
    tg_plan_column_t columns[] = {COLUMN("a_b", TG_PG_JSONB), COLUMN("a_b_c", TG_PG_INT4),
                                  COLUMN("a", TG_PG_JSON)};
    tg_decode_plan_t *plan = case_plan(text, columns, 3);
    /* {"b":{"c":1}} */
    case_row(plan, "02", "0003 ffffffff ffffffff 0000000d 7b2262223a7b2263223a317d7d");
    tg_decode_plan_free(plan);
    tg_plan_column_t inner[] = {COLUMN("a_b", TG_PG_JSON), COLUMN("a_b_c", TG_PG_INT4)};
    plan = case_plan(text, inner, 2);
    case_row(plan, "02", "0002 00000007 7b2263223a317d ffffffff");
    tg_decode_plan_free(plan);
    tg_error_t err;
    tg_decode_options_t options = {.max_depth = 3};
    tg_schema_t *schema = case_schema(text);
    columns[0].not_null = true;
    ASSERT_FAILS(tg_decode_plan_new(schema, columns, 3, &options, &plan, &err), TG_ERR_MISMATCH);
    tg_schema_unref(schema);
}

static void
decode_plan_that_cannot_be_says_what_would_fit(void **state)
{
    (void)state;

    static const struct {
        const char *text;
        tg_plan_column_t column;
        tg_status_t status;
        const char *words;
    } cases[] = {
        {RECORD(FIELD("v", "\"string\"")), COLUMN("v", TG_PG_INT4), TG_ERR_MISMATCH,
         "field \"v\" is Avro string, column \"v\" is integer: one of Avro's int, long would fit, "
         "or "
         "a column of type text"},
        {RECORD(FIELD("v", LOGICAL("long", "local-timestamp-micros"))),
         COLUMN("v", TG_PG_TIMESTAMPTZ), TG_ERR_MISMATCH,
         "a column of type timestamp without time zone"},
        {RECORD(FIELD("v", "\"long\"")), COLUMN("v", TG_PG_TIMESTAMPTZ), TG_ERR_MISMATCH,
         "timestamp-micros long"},
        {RECORD(FIELD("v", "{\"type\":\"array\",\"items\":\"string\"}")),
         COLUMN("v", TG_PG_FLOAT8_ARRAY), TG_ERR_MISMATCH, "column of type text[]"},
        {RECORD(FIELD("v", "\"string\"")), COLUMN("v", TG_PG_NUMERIC), TG_ERR_MISMATCH,
         "float, double, decimal, big-decimal bytes, decimal would fit"},
        {RECORD(FIELD("v", "\"double\"")), COLUMN("v", TG_PG_FLOAT8_ARRAY), TG_ERR_MISMATCH,
         "an Avro array of one of"},
        {RECORD(FIELD("v", "[\"int\",\"string\"]")), COLUMN("v", TG_PG_INT4), TG_ERR_MISMATCH,
         "is Avro union"},
        {RECORD(FIELD("v", "\"string\"")), COLUMN("v", TG_PG_INET), TG_ERR_UNSUPPORTED,
         "is inet, which nothing in Avro maps to"},
        {RECORD(FIELD("v", "\"string\"")), COLUMN("v", 99999), TG_ERR_UNSUPPORTED, "type 99999"},
        {RECORD(FIELD("v", "{\"type\":\"fixed\",\"name\":\"f\",\"size\":3}")),
         COLUMN("v", TG_PG_TEXT), TG_ERR_MISMATCH, "a column of type bytea"},
        {RECORD(FIELD("v", "{\"type\":\"fixed\",\"name\":\"f\",\"size\":3}")),
         COLUMN("v", TG_PG_UUID), TG_ERR_MISMATCH, "fixed f"},
        {RECORD(FIELD("v", "{\"type\":\"record\",\"name\":\"s\",\"fields\":[]}")),
         COLUMN("v", TG_PG_INT4), TG_ERR_MISMATCH, "is Avro record s"},
    };

    for (size_t i = 0; i < TG_COUNT_OF(cases); i++) {
        tg_error_t err = {.text = ""};
        tg_decode_plan_t *plan = NULL;
        tg_decode_options_t options = {.max_depth = 4};
        tg_schema_t *schema = case_schema(cases[i].text);
        tg_status_t status = tg_decode_plan_new(schema, &cases[i].column, 1, &options, &plan, &err);
        if (status != cases[i].status || strstr(err.text, cases[i].words) == NULL) {
            fail_msg("%s: %s", tg_status_name(status), err.text);
        }
        assert_null(plan);
        tg_schema_unref(schema);
    }
}

static void
decode_plan_without_a_field_for_a_column_that_needs_one_is_a_mismatch(void **state)
{
    (void)state;
    tg_error_t err = {.text = ""};
    tg_decode_plan_t *plan = NULL;
    tg_decode_options_t options = {.max_depth = 4};
    tg_plan_column_t columns[2] = {COLUMN("v", TG_PG_INT4), COLUMN("needed", TG_PG_INT4)};
    columns[1].not_null = true;
    tg_schema_t *schema = case_schema(RECORD(FIELD("v", "\"int\"")));
    ASSERT_FAILS(tg_decode_plan_new(schema, columns, 2, &options, &plan, &err), TG_ERR_MISMATCH);
    assert_non_null(strstr(err.text, "column \"needed\" is NOT NULL and has no default"));
    ASSERT_FAILS(tg_decode_plan_new(schema, columns, 0, &options, &plan, &err), TG_ERR_UNSUPPORTED);
    ASSERT_FAILS(tg_decode_plan_new(schema, columns, 1601, &options, &plan, &err),
                 TG_ERR_UNSUPPORTED);
    tg_schema_unref(schema);
}

static void
decode_plan_refuses_null_for_a_column_that_is_not_null(void **state)
{
    (void)state;

    static const struct {
        const char *text;
        const char *name;
        uint32_t type_oid;
        const char *good, *bad;
    } cases[] = {
        {RECORD(FIELD("v", "[\"null\",\"int\"]")), "v", TG_PG_INT4, "0202", "00"},
        {RECORD(FIELD("v", "[\"null\",\"int\",\"long\"]")), "v", TG_PG_INT8, "0402", "00"},
        {RECORD(FIELD("v", "[\"null\",\"int\",\"string\"]")), "v", TG_PG_JSONB, "0202", "00"},
        {RECORD(NESTED_FIELD), "a_x", TG_PG_INT4, "020200", "00"},
        {RECORD(FIELD("v", "{\"type\":\"array\",\"items\":[\"null\",\"int\"]}")), "v",
         TG_PG_INT4_ARRAY, "02 00 00", "02 04 00"},
    };

    for (size_t i = 0; i < TG_COUNT_OF(cases); i++) {
        tg_error_t err;
        uint8_t body[64];
        tg_buffer_t out;
        tg_buffer_init(&out, 1 << 10);
        tg_plan_column_t column = {.name = cases[i].name,
                                   .type_oid = cases[i].type_oid,
                                   .type_modifier = -1,
                                   .not_null = true};
        tg_decode_plan_t *plan = case_plan(cases[i].text, &column, 1);
        size_t n = case_hex(cases[i].good, body);
        ASSERT_OK(tg_decode_plan_decode(plan, tg_bytes_of(body, n), &out, &err));
        tg_status_t bad = i == 4 ? TG_ERR_INVALID : TG_ERR_OUT_OF_RANGE;
        case_refused(plan, cases[i].bad, bad, i == 4 ? "malformed" : "NOT NULL");
        tg_buffer_done(&out);
        tg_decode_plan_free(plan);
    }
}

/* Doubles side by side are one step; the column named is the first that is not whole. */
static void
decode_plan_of_doubles_cut_off_names_the_column(void **state)
{
    (void)state;
    const tg_plan_column_t columns[] = {COLUMN("a", TG_PG_FLOAT8), COLUMN("b", TG_PG_FLOAT8),
                                        COLUMN("c", TG_PG_FLOAT8)};
    tg_decode_plan_t *plan = case_plan(
        RECORD(FIELD("a", "\"double\"") "," FIELD("b", "\"double\"") "," FIELD("c", "\"double\"")),
        columns, 3);
    case_row(plan, "000000000000f03f 0000000000000040 0000000000000840",
             "0003 00000008 3ff0000000000000 00000008 4000000000000000 00000008 4008000000000000");
    case_refused(plan, "000000000000f0", TG_ERR_TRUNCATED, "column \"a\"");
    case_refused(plan, "000000000000f03f 00", TG_ERR_TRUNCATED, "column \"b\"");
    case_refused(plan, "000000000000f03f 0000000000000040 00", TG_ERR_TRUNCATED, "column \"c\"");
    tg_decode_plan_free(plan);
}

/* What is skipped as a whole, because it is inside something. */
static void
decode_plan_skips_every_type_within_an_array(void **state)
{
    (void)state;
    const tg_plan_column_t column = COLUMN("z", TG_PG_BOOL);
    tg_decode_plan_t *plan = case_plan(
        RECORD(FIELD(
            "a",
            "{\"type\":\"array\",\"items\":{\"type\":\"record\",\"name\":\"s\",\"fields\":"
            "[" FIELD("a", "\"boolean\"") "," FIELD("b", "\"int\"") "," FIELD("c", "\"long\"") "," FIELD("d", "\"float\"") "," FIELD(
                "e",
                "\"double\"") "," FIELD("f",
                                        "\"string\"") "," FIELD("g",
                                                                "{\"type\":\"fixed\","
                                                                "\"name\":\"f\",\"size\":"
                                                                "2}") "," FIELD("h",
                                                                                "\"null"
                                                                                "\"") "]}"
                                                                                      "}") "," FIELD("z",
                                                                                                     "\"boolean\"")),
        &column, 1);
    case_row(plan, "02 01 02 04 00000000 0000000000000000 02 61 ffff 00 01", "0001 00000001 01");
    case_refused(plan, "02 01 02 04 00000000 0000000000000000 02 61 ff", TG_ERR_TRUNCATED, "ends");
    tg_decode_plan_free(plan);
}

static void
decode_plan_refuses_a_body_that_goes_on(void **state)
{
    (void)state;
    const tg_plan_column_t column = COLUMN("v", TG_PG_INT4);
    tg_decode_plan_t *plan = case_plan(RECORD(FIELD("v", "\"int\"")), &column, 1);
    case_refused(plan, "0200", TG_ERR_TRAILING, "1 bytes follow");
    case_refused(plan, "02000000000000000000", TG_ERR_TRAILING, "9 bytes follow");
    case_row(plan, "02", "0001 00000004 00000001");
    tg_decode_plan_free(plan);
}

static void
decode_plan_of_a_top_level_that_is_no_record_fills_the_column_value(void **state)
{
    (void)state;
    tg_error_t err;
    tg_buffer_t out;
    const tg_plan_column_t bytes = COLUMN("value", TG_PG_BYTEA);
    tg_decode_plan_t *plan = case_plan("\"bytes\"", &bytes, 1);
    /* Confluent writes it without a length */
    case_row(plan, "0aff00", "0001 00000003 0aff00");
    case_row(plan, "", "0001 00000000");
    tg_buffer_init(&out, 1 << 10);
    ASSERT_OK(tg_decode_plan_decode(plan, tg_bytes_of(NULL, 0), &out, &err));
    tg_buffer_done(&out);
    tg_decode_plan_free(plan);
    const tg_plan_column_t json = COLUMN("value", TG_PG_JSONB);
    plan = case_plan("\"bytes\"", &json, 1);
    case_row(plan, "00", "0001 00000007 01 22 41413d3d 22");
    tg_decode_plan_free(plan);
    const tg_plan_column_t text = COLUMN("value", TG_PG_TEXT);
    plan = case_plan("\"bytes\"", &text, 1);
    case_row(plan, "616263", "0001 00000003 616263");
    tg_decode_plan_free(plan);
    plan = case_plan("\"string\"", &text, 1);
    case_row(plan, "06616263", "0001 00000003 616263");
    tg_decode_plan_free(plan);
    const tg_plan_column_t other = COLUMN("other", TG_PG_TEXT);
    plan = case_plan("\"bytes\"", &other, 1);
    case_row(plan, "616263", "0001 ffffffff");
    tg_decode_plan_free(plan);
    const tg_plan_column_t number = COLUMN("value", TG_PG_NUMERIC);
    plan = case_plan("{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":4,\"scale\":0}",
                     &number, 1);
    case_row(plan, "0102", "0001 0000000a 0001 0000 0000 0000 0102");
    tg_decode_plan_free(plan);
}

static void
decode_plan_strips_nul_when_asked(void **state)
{
    (void)state;
    tg_error_t err;
    tg_buffer_t out;
    tg_buffer_init(&out, 1 << 10);
    tg_decode_plan_t *plan = NULL;
    tg_decode_options_t options = {.nul_policy = TG_TEXT_NUL_STRIP};
    const tg_plan_column_t columns[] = {COLUMN("a", TG_PG_TEXT), COLUMN("b", TG_PG_JSONB)};
    tg_schema_t *schema =
        case_schema(RECORD(FIELD("a", "\"string\"") "," FIELD("b", "\"string\"")));
    ASSERT_OK(tg_decode_plan_new(schema, columns, 2, &options, &plan, &err));
    ASSERT_OK(tg_decode_plan_decode(plan, tg_bytes_of("\x06x\0y\x06x\0y", 8), &out, &err));
    assert_memory_equal(out.data, "\0\2\0\0\0\2xy\0\0\0\5\1\"xy\"", 17);
    tg_decode_plan_free(plan);
    tg_schema_unref(schema);
    tg_buffer_done(&out);
}

static void
decode_plan_notes_the_time_of_the_column_watched(void **state)
{
    (void)state;
    tg_error_t err;
    tg_buffer_t out;
    tg_buffer_init(&out, 1 << 10);
    const tg_plan_column_t columns[] = {COLUMN("s", TG_PG_TEXT), COLUMN("n", TG_PG_INT4),
                                        COLUMN("t", TG_PG_TIMESTAMPTZ), COLUMN("d", TG_PG_DATE)};
    tg_decode_plan_t *plan = case_plan(
        RECORD(FIELD("s", "\"string\"") "," FIELD("n", "[\"null\",\"int\"]") "," FIELD(
            "t", "[\"null\"," LOGICAL(
                     "long", "timestamp-millis") "]") "," FIELD("d", LOGICAL("int", "date"))),
        columns, 4);

    const struct {
        int column;
        const char *body;
        int64_t time;
    } cases[] = {
        {-1, "0261 00 02 00 02", INT64_MIN},
        {2, "0261 00 02 02 02", 1000 - TG_PG_EPOCH_US},
        {2, "0261 0204 02 00 02", 0 - TG_PG_EPOCH_US},
        {2, "0261 0204 00 02", INT64_MIN},
        {3, "0261 0204 00 aaab01", 86400000000 * (10965 - TG_PG_EPOCH_DAYS)},
        {3, "0261 0204 00 00", -TG_PG_EPOCH_US},
        {0, "0261 0204 00 00", INT64_MIN},
        {1, "0261 0204 00 00", INT64_MIN},
        {9, "0261 0204 00 00", INT64_MIN},
    };

    for (size_t i = 0; i < TG_COUNT_OF(cases); i++) {
        uint8_t body[64];
        size_t n = case_hex(cases[i].body, body);
        tg_decode_plan_watch_time(plan, cases[i].column);
        assert_true(tg_decode_plan_last_time_pg_us(plan) == INT64_MIN);
        ASSERT_OK(tg_decode_plan_decode(plan, tg_bytes_of(body, n), &out, &err));
        if (tg_decode_plan_last_time_pg_us(plan) != cases[i].time) {
            fail_msg("case %zu: %lld", i, (long long)tg_decode_plan_last_time_pg_us(plan));
        }
    }
    tg_buffer_done(&out);
    tg_decode_plan_free(plan);
}

static void
decode_plan_notes_the_time_of_a_row_put_in_order(void **state)
{
    (void)state;
    tg_error_t err;
    tg_buffer_t out;
    tg_buffer_init(&out, 1 << 10);
    const tg_plan_column_t columns[] = {COLUMN("n", TG_PG_INT4), COLUMN("d", TG_PG_DATE)};
    tg_decode_plan_t *plan =
        case_plan(RECORD(FIELD("d", LOGICAL("int", "date")) "," FIELD("n", "\"int\"")), columns, 2);
    tg_decode_plan_watch_time(plan, 1);
    ASSERT_OK(tg_decode_plan_decode(plan, tg_bytes_of("\x9c\xab\x01\0", 4), &out, &err));
    assert_true(tg_decode_plan_last_time_pg_us(plan) == INT64_C(86400000000));
    /* a date that is far beyond all timestamps */
    ASSERT_OK(tg_decode_plan_decode(plan, tg_bytes_of("\xb0\xec\xd2\xfd\x0f\0", 6), &out, &err));
    assert_true(tg_decode_plan_last_time_pg_us(plan) == INT64_MIN);
    tg_buffer_done(&out);
    tg_decode_plan_free(plan);
}

static void
decode_plan_match_tells_which_columns_the_schema_fills(void **state)
{
    (void)state;
    tg_error_t err;
    bool matched[3] = {false, true, false};
    const tg_plan_column_t columns[] = {COLUMN("a_x", TG_PG_INT4), COLUMN("none", TG_PG_INT4),
                                        COLUMN("a_y", TG_PG_TEXT)};
    tg_schema_t *schema = case_schema(RECORD(NESTED_FIELD));
    ASSERT_OK(tg_decode_plan_match(schema, columns, 3, matched, &err));
    assert_true(matched[0]);
    assert_false(matched[1]);
    assert_true(matched[2]);
    tg_schema_unref(schema);
}

static void
decode_plan_counts_nanoseconds_that_were_cut(void **state)
{
    (void)state;
    const tg_plan_column_t column = COLUMN("t", TG_PG_TIMESTAMPTZ);
    tg_decode_plan_t *plan = case_plan(
        RECORD(FIELD("t", LOGICAL("long", "timestamp-nanos")) "," FIELD("b", "\"boolean\"")),
        &column, 1);
    case_row(plan, "d00f 00", "0001 00000008 fffca2fec4c82001");
    assert_int_equal(tg_decode_plan_n_truncated_nanos(plan), 0);
    case_row(plan, "01 00", "0001 00000008 fffca2fec4c81fff");
    assert_int_equal(tg_decode_plan_n_truncated_nanos(plan), 1);
    case_refused(plan, "01", TG_ERR_TRUNCATED, ""); /* no row, not counted */
    case_refused(plan, "01 00 00", TG_ERR_TRAILING, "");
    case_row(plan, "00 00", "0001 00000008 fffca2fec4c82000");
    assert_int_equal(tg_decode_plan_n_truncated_nanos(plan), 1);
    tg_decode_plan_free(plan);
}

static void
decode_plan_preferred_order_is_the_schema_s_and_then_the_rest(void **state)
{
    (void)state;
    tg_error_t err;
    size_t order[4];
    const tg_plan_column_t columns[] = {COLUMN("none", TG_PG_INT4), COLUMN("c", TG_PG_INT4),
                                        COLUMN("n_b", TG_PG_INT4), COLUMN("a", TG_PG_INT4)};
    tg_schema_t *schema = case_schema(RECORD(FIELD("a", "\"int\"") "," FIELD(
        "n", "{\"type\":\"record\",\"name\":\"s\",\"fields\":[" FIELD(
                 "b", "\"int\"") "]}") "," FIELD("c", "\"int\"")));
    ASSERT_OK(tg_decode_plan_preferred_order(schema, columns, 4, order, &err));
    assert_int_equal(order[0], 3);
    assert_int_equal(order[1], 2);
    assert_int_equal(order[2], 1);
    assert_int_equal(order[3], 0);
    tg_schema_unref(schema);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decode_plan_writes_columns_in_the_order_of_the_table),
        cmocka_unit_test(decode_plan_skips_fields_without_a_column),
        cmocka_unit_test(decode_plan_fills_columns_without_a_field),
        cmocka_unit_test(decode_plan_matches_by_name_then_by_either_side_s_aliases),
        cmocka_unit_test(decode_plan_opens_records_and_makes_null_of_what_is_in_a_null_one),
        cmocka_unit_test(decode_plan_opens_records_within_records),
        cmocka_unit_test(decode_plan_gives_a_record_whole_to_a_column_of_its_name),
        cmocka_unit_test(decode_plan_gives_the_outer_of_two_records_to_its_column),
        cmocka_unit_test(decode_plan_that_cannot_be_says_what_would_fit),
        cmocka_unit_test(decode_plan_without_a_field_for_a_column_that_needs_one_is_a_mismatch),
        cmocka_unit_test(decode_plan_refuses_null_for_a_column_that_is_not_null),
        cmocka_unit_test(decode_plan_of_doubles_cut_off_names_the_column),
        cmocka_unit_test(decode_plan_skips_every_type_within_an_array),
        cmocka_unit_test(decode_plan_refuses_a_body_that_goes_on),
        cmocka_unit_test(decode_plan_of_a_top_level_that_is_no_record_fills_the_column_value),
        cmocka_unit_test(decode_plan_strips_nul_when_asked),
        cmocka_unit_test(decode_plan_notes_the_time_of_the_column_watched),
        cmocka_unit_test(decode_plan_notes_the_time_of_a_row_put_in_order),
        cmocka_unit_test(decode_plan_match_tells_which_columns_the_schema_fills),
        cmocka_unit_test(decode_plan_counts_nanoseconds_that_were_cut),
        cmocka_unit_test(decode_plan_preferred_order_is_the_schema_s_and_then_the_rest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
