// links: avro base
#include "avro_values.h"

static const value_case_t cases[] = {
    // clang-format off
    {"array", "{\"type\":\"array\",\"items\":\"int\"}", TG_PG_INT4_ARRAY, -1, "04020100", "000000240000000100000000000000170000000200000001000000040000000100000004ffffffff", TG_OK},
    {"empty array", "{\"type\":\"array\",\"items\":\"int\"}", TG_PG_INT4_ARRAY, -1, "00", "0000000c000000000000000000000017", TG_OK},
    {"array in blocks, with sizes", "{\"type\":\"array\",\"items\":\"int\"}", TG_PG_INT8_ARRAY, -1, "03040204020600", "000000380000000100000000000000140000000300000001000000080000000000000001000000080000000000000002000000080000000000000003", TG_OK},
    {"array with nulls", "{\"type\":\"array\",\"items\":[\"null\",\"string\"]}", TG_PG_TEXT_ARRAY, -1, "0602027800020000", "0000002100000001000000010000001900000003000000010000000178ffffffff00000000", TG_OK},
    {"doubles", "{\"type\":\"array\",\"items\":\"double\"}", TG_PG_FLOAT8_ARRAY, -1, "04000000000000f03f000000000000004000", "0000002c0000000100000000000002bd0000000200000001000000083ff0000000000000000000084000000000000000", TG_OK},
    {"array of nulls", "{\"type\":\"array\",\"items\":\"null\"}", TG_PG_TEXT_ARRAY, -1, "0400", "0000001c0000000100000001000000190000000200000001ffffffffffffffff", TG_OK},
    {"array of several types", "{\"type\":\"array\",\"items\":[\"null\",\"int\",\"double\"]}", TG_PG_FLOAT8_ARRAY, -1, "06020404000000000000e03f0000", "000000300000000100000001000002bd0000000300000001000000084000000000000000000000083fe0000000000000ffffffff", TG_OK},
    {"array cut off", "{\"type\":\"array\",\"items\":\"int\"}", TG_PG_INT4_ARRAY, -1, "0402", "ends within", TG_ERR_TRUNCATED},
    {"array without end", "{\"type\":\"array\",\"items\":\"int\"}", TG_PG_INT4_ARRAY, -1, "0202", "ends within", TG_ERR_TRUNCATED},
    {"array of too many", "{\"type\":\"array\",\"items\":\"int\"}", TG_PG_INT4_ARRAY, -1, "808080808040", "ends within", TG_ERR_TRUNCATED},
    {"array of too many nulls", "{\"type\":\"array\",\"items\":\"null\"}", TG_PG_INT4_ARRAY, -1, "808080808040", "without content", TG_ERR_TOO_LARGE},
    {"block of negative size", "{\"type\":\"array\",\"items\":\"int\"}", TG_PG_INT4_ARRAY, -1, "0101", "block", TG_ERR_INVALID},
    {"block of huge size", "{\"type\":\"array\",\"items\":\"int\"}", TG_PG_INT4_ARRAY, -1, "01d00f0200", "ends within", TG_ERR_TRUNCATED},
    {"smallest count", "{\"type\":\"array\",\"items\":\"int\"}", TG_PG_INT4_ARRAY, -1, "ffffffffffffffffff0100", "block", TG_ERR_INVALID},
    {"null", "[\"null\",\"int\"]", TG_PG_INT4, -1, "00", "ffffffff", TG_OK},
    {"not null", "[\"null\",\"int\"]", TG_PG_INT4, -1, "020e", "0000000400000007", TG_OK},
    {"null behind", "[\"int\",\"null\"]", TG_PG_INT4, -1, "02", "ffffffff", TG_OK},
    {"value before null", "[\"int\",\"null\"]", TG_PG_INT4, -1, "000e", "0000000400000007", TG_OK},
    {"branch 2 of 2", "[\"null\",\"int\"]", TG_PG_INT4, -1, "04", "malformed", TG_ERR_INVALID},
    {"negative branch", "[\"null\",\"int\"]", TG_PG_INT4, -1, "01", "malformed", TG_ERR_INVALID},
    {"no branch", "[\"null\",\"int\"]", TG_PG_INT4, -1, "", "ends within", TG_ERR_TRUNCATED},
    {"overlong branch", "[\"null\",\"int\"]", TG_PG_INT4, -1, "820006", "0000000400000003", TG_OK},
    {"union to one type: int", "[\"null\",\"int\",\"long\",\"double\"]", TG_PG_FLOAT8, -1, "0206", "000000084008000000000000", TG_OK},
    {"union to one type: long", "[\"null\",\"int\",\"long\",\"double\"]", TG_PG_FLOAT8, -1, "0406", "000000084008000000000000", TG_OK},
    {"union to one type: double", "[\"null\",\"int\",\"long\",\"double\"]", TG_PG_FLOAT8, -1, "06000000000000e03f", "000000083fe0000000000000", TG_OK},
    {"union to one type: null", "[\"null\",\"int\",\"long\",\"double\"]", TG_PG_FLOAT8, -1, "00", "ffffffff", TG_OK},
    {"union to one type: no branch", "[\"null\",\"int\",\"long\",\"double\"]", TG_PG_FLOAT8, -1, "08", "malformed", TG_ERR_INVALID},
    {"union to one type: negative", "[\"null\",\"int\",\"long\",\"double\"]", TG_PG_FLOAT8, -1, "01", "malformed", TG_ERR_INVALID},
    {"union of one", "[\"int\"]", TG_PG_INT4, -1, "000a", "0000000400000005", TG_OK},
    {"union to text", "[\"string\",\"int\"]", TG_PG_TEXT, -1, "020a", "0000000135", TG_OK},
    {"only null", "\"null\"", TG_PG_INT4, -1, "", "ffffffff", TG_OK},
    {"json of a boolean", "\"boolean\"", TG_PG_JSONB, -1, "01", "000000050174727565", TG_OK},
    {"json of a long", "\"long\"", TG_PG_JSONB, -1, "09", "00000003012d35", TG_OK},
    {"json of a double", "\"double\"", TG_PG_JSONB, -1, "000000000000e03f", "0000000401302e35", TG_OK},
    {"json of NaN", "\"double\"", TG_PG_JSONB, -1, "000000000000f87f", "0000000601224e614e22", TG_OK},
    {"json of infinity", "\"float\"", TG_PG_JSONB, -1, "000080ff", "0000000c01222d496e66696e69747922", TG_OK},
    {"json of text", "\"string\"", TG_PG_JSONB, -1, "1061225c0a012fc3a4", "000000130122615c225c5c5c6e5c75303030312fc3a422", TG_OK},
    {"json of text with NUL", "\"string\"", TG_PG_JSONB, -1, "046100", "NUL", TG_ERR_INVALID},
    {"json of no UTF-8", "\"string\"", TG_PG_JSONB, -1, "0461ff", "UTF-8", TG_ERR_INVALID},
    {"json of 0 bytes", "\"bytes\"", TG_PG_JSONB, -1, "00", "00000003012222", TG_OK},
    {"json of 1 bytes", "\"bytes\"", TG_PG_JSONB, -1, "02ff", "0000000701222f773d3d22", TG_OK},
    {"json of 2 bytes", "\"bytes\"", TG_PG_JSONB, -1, "04fffe", "0000000701222f2f343d22", TG_OK},
    {"json of 3 bytes", "\"bytes\"", TG_PG_JSONB, -1, "06fffefd", "0000000701222f2f373922", TG_OK},
    {"json of a fixed", "{\"type\":\"fixed\",\"name\":\"f\",\"size\":2}", TG_PG_JSONB, -1, "0001", "0000000701224141453d22", TG_OK},
    {"json of an enum", "{\"type\":\"enum\",\"name\":\"e\",\"symbols\":[\"LOW\",\"A_RATHER_LONG_SYMBOL\"]}", TG_PG_JSONB, -1, "00", "0000000601224c4f5722", TG_OK},
    {"json of a decimal", "{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":10,\"scale\":2}", TG_PG_JSONB, -1, "02fb", "00000006012d302e3035", TG_OK},
    {"json of a uuid", "{\"type\":\"fixed\",\"name\":\"f\",\"size\":16,\"logicalType\":\"uuid\"}", TG_PG_JSONB, -1, "00112233445566778899aabbccddeeff", "00000027012230303131323233332d343435352d363637372d383839392d61616262636364646565666622", TG_OK},
    {"json of a time", LOGICAL("long", "timestamp-millis"), TG_PG_JSONB, -1, "00", "000000170122313937302d30312d30315430303a30303a30305a22", TG_OK},
    {"json of a duration", "{\"type\":\"fixed\",\"name\":\"f\",\"size\":12,\"logicalType\":\"duration\"}", TG_PG_JSONB, -1, "000000000000000000000000", "0000000f012250304d304454302e3030305322", TG_OK},
    {"json of an array", "{\"type\":\"array\",\"items\":[\"null\",\"int\"]}", TG_PG_JSONB, -1, "0402060000", "00000009015b332c6e756c6c5d", TG_OK},
    {"json of a map", "{\"type\":\"map\",\"values\":\"int\"}", TG_PG_JSONB, -1, "0106026b020202220400", "0000000f017b226b223a312c225c22223a327d", TG_OK},
    {"json null is SQL null", "[\"null\",\"int\",\"string\"]", TG_PG_JSONB, -1, "00", "ffffffff", TG_OK},
    {"json of a plain union", "[\"null\",\"int\",\"string\"]", TG_PG_JSONB, -1, "040278", "0000000401227822", TG_OK},
    {"json of an ambiguous union", "[\"int\",\"double\"]", TG_PG_JSONB, -1, "0002", "0000000a017b22696e74223a317d", TG_OK},
    {"json of a named branch", "[\"null\",{\"type\":\"record\",\"name\":\"a.b\",\"fields\":[]},{\"type\":\"map\",\"values\":\"int\"}]", TG_PG_JSONB, -1, "02", "0000000b017b22612e62223a7b7d7d", TG_OK},
    {"json column", "\"int\"", TG_PG_JSON, -1, "02", "0000000131", TG_OK},
    {"map to text", "{\"type\":\"map\",\"values\":\"int\"}", TG_PG_TEXT, -1, "00", "000000027b7d", TG_OK},
    {"json text too long", "{\"type\":\"map\",\"values\":\"int\"}", TG_PG_VARCHAR, 7, "02026b0200", "longer", TG_ERR_OUT_OF_RANGE},
    {"json branch that is not", "[\"null\",\"int\",\"string\"]", TG_PG_JSONB, -1, "06", "branch", TG_ERR_INVALID},
    {"json enum that is not", "{\"type\":\"enum\",\"name\":\"e\",\"symbols\":[\"LOW\",\"A_RATHER_LONG_SYMBOL\"]}", TG_PG_JSONB, -1, "04", "symbol", TG_ERR_INVALID},
    {"json boolean that is not", "\"boolean\"", TG_PG_JSONB, -1, "02", "boolean", TG_ERR_INVALID},
    {"json map without end", "{\"type\":\"map\",\"values\":\"int\"}", TG_PG_JSONB, -1, "02026b02", "ends within", TG_ERR_TRUNCATED},
    {"json date of 33 bits", LOGICAL("int", "date"), TG_PG_JSONB, -1, "8080808010", "32 bits", TG_ERR_INVALID},
    {"json of a union with a decimal", "[\"int\",{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":4,\"scale\":2}]", TG_PG_JSONB, -1, "020205", "0000000f017b226279746573223a302e30357d", TG_OK},
    {"json of a union of list and map", "[{\"type\":\"array\",\"items\":\"boolean\"},{\"type\":\"map\",\"values\":\"boolean\"}]", TG_PG_JSONB, -1, "00020100", "00000007015b747275655d", TG_OK},
    {"doubles cut off", "\"double\"", TG_PG_FLOAT8, -1, "00", "ends within", TG_ERR_TRUNCATED},
    // clang-format on
};

static void
decode_of_arrays_unions_and_json_gives_the_exact_bytes(void **state)
{
    (void)state;
    run_value_cases(cases, TG_COUNT_OF(cases));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decode_of_arrays_unions_and_json_gives_the_exact_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
