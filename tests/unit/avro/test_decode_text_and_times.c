// links: avro base
#include "avro_values.h"

static const value_case_t cases[] = {
    // clang-format off
    {"text", "\"string\"", TG_PG_TEXT, -1, "0a68656c6c6f", "0000000568656c6c6f", TG_OK},
    {"empty text", "\"string\"", TG_PG_TEXT, -1, "00", "00000000", TG_OK},
    {"long text", "\"string\"", TG_PG_TEXT, -1, "28303132333435363738396162636465666768696a", "00000014303132333435363738396162636465666768696a", TG_OK},
    {"text of other letters", "\"string\"", TG_PG_TEXT, -1, "12c3a4e38182f09f9880", "00000009c3a4e38182f09f9880", TG_OK},
    {"text before other bytes", "{\"type\":\"array\",\"items\":\"string\"}", TG_PG_TEXT_ARRAY, -1, "0406616263106465666768696a6b00", "00000027000000010000000000000019000000020000000100000003616263000000086465666768696a6b", TG_OK},
    {"text, UTF-8 overlong", "\"string\"", TG_PG_TEXT, -1, "04c0af", "UTF-8", TG_ERR_INVALID},
    {"text, UTF-8 surrogate", "\"string\"", TG_PG_TEXT, -1, "06eda080", "UTF-8", TG_ERR_INVALID},
    {"text, UTF-8 beyond Unicode", "\"string\"", TG_PG_TEXT, -1, "08f4908080", "UTF-8", TG_ERR_INVALID},
    {"text, UTF-8 lone tail", "\"string\"", TG_PG_TEXT, -1, "06616280", "UTF-8", TG_ERR_INVALID},
    {"text, UTF-8 cut off", "\"string\"", TG_PG_TEXT, -1, "146162636465666768e282", "UTF-8", TG_ERR_INVALID},
    {"text, UTF-8 five bytes", "\"string\"", TG_PG_TEXT, -1, "0af888808080", "UTF-8", TG_ERR_INVALID},
    {"text, UTF-8 broken tail", "\"string\"", TG_PG_TEXT, -1, "06e228a1", "UTF-8", TG_ERR_INVALID},
    {"text, UTF-8 overlong of three", "\"string\"", TG_PG_TEXT, -1, "06e08080", "UTF-8", TG_ERR_INVALID},
    {"text, UTF-8 overlong of four", "\"string\"", TG_PG_TEXT, -1, "08f0808080", "UTF-8", TG_ERR_INVALID},
    {"text with NUL", "\"string\"", TG_PG_TEXT, -1, "06610062", "NUL", TG_ERR_INVALID},
    {"text with NUL in a word", "\"string\"", TG_PG_TEXT, -1, "22616263646566670068696a6b6c6d6e6f70", "NUL", TG_ERR_INVALID},
    {"text of negative length", "\"string\"", TG_PG_TEXT, -1, "01", "malformed", TG_ERR_INVALID},
    {"text cut off", "\"string\"", TG_PG_TEXT, -1, "0a6161", "ends within", TG_ERR_TRUNCATED},
    {"text of huge length", "\"string\"", TG_PG_TEXT, -1, "80808080808080808001", "ends within", TG_ERR_TRUNCATED},
    {"text without length", "\"string\"", TG_PG_TEXT, -1, "", "ends within", TG_ERR_TRUNCATED},
    {"text with length cut off", "\"string\"", TG_PG_TEXT, -1, "80", "ends within", TG_ERR_TRUNCATED},
    {"varchar that fits", "\"string\"", TG_PG_VARCHAR, 7, "06616263", "00000003616263", TG_OK},
    {"varchar counts characters", "\"string\"", TG_PG_VARCHAR, 7, "0cc3a4c3b6c3bc", "00000006c3a4c3b6c3bc", TG_OK},
    {"varchar too long", "\"string\"", TG_PG_VARCHAR, 7, "0861626364", "longer than the column", TG_ERR_OUT_OF_RANGE},
    {"varchar with spaces to cut", "\"string\"", TG_PG_VARCHAR, 7, "0a6162632020", "000000056162632020", TG_OK},
    {"varchar with a letter behind spaces", "\"string\"", TG_PG_VARCHAR, 7, "0c616263202064", "longer", TG_ERR_OUT_OF_RANGE},
    {"bpchar", "\"string\"", TG_PG_BPCHAR, 7, "06616263", "00000003616263", TG_OK},
    {"name", "\"string\"", TG_PG_NAME, -1, "7e787878787878787878787878787878787878787878787878787878787878787878787878787878787878787878787878787878787878787878787878787878", "0000003f787878787878787878787878787878787878787878787878787878787878787878787878787878787878787878787878787878787878787878787878787878", TG_OK},
    {"name too long", "\"string\"", TG_PG_NAME, -1, "8001c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3a9", "longer", TG_ERR_OUT_OF_RANGE},
    {"string to bytea", "\"string\"", TG_PG_BYTEA, -1, "040061", "000000020061", TG_OK},
    {"bytes", "\"bytes\"", TG_PG_BYTEA, -1, "0400ff", "0000000200ff", TG_OK},
    {"bytes to text", "\"bytes\"", TG_PG_TEXT, -1, "06616263", "00000003616263", TG_OK},
    {"bytes to text, not UTF-8", "\"bytes\"", TG_PG_TEXT, -1, "02ff", "UTF-8", TG_ERR_INVALID},
    {"fixed", "{\"type\":\"fixed\",\"name\":\"f\",\"size\":3}", TG_PG_BYTEA, -1, "010203", "00000003010203", TG_OK},
    {"fixed cut off", "{\"type\":\"fixed\",\"name\":\"f\",\"size\":3}", TG_PG_BYTEA, -1, "0102", "ends within", TG_ERR_TRUNCATED},
    {"bytes cut off", "\"bytes\"", TG_PG_BYTEA, -1, "0600", "ends within", TG_ERR_TRUNCATED},
    {"uuid text", LOGICAL("string", "uuid"), TG_PG_UUID, -1, "4830303131323233332d343435352d363637372d383839392d414142424343444445454646", "0000001000112233445566778899aabbccddeeff", TG_OK},
    {"uuid text without hyphens", "\"string\"", TG_PG_UUID, -1, "403030313132323333343435353636373738383939616162626363646465656666", "0000001000112233445566778899aabbccddeeff", TG_OK},
    {"uuid text, hyphen misplaced", LOGICAL("string", "uuid"), TG_PG_UUID, -1, "483030313132323333342d3435352d363637372d383839392d616162626363646465656666", "not a UUID", TG_ERR_INVALID},
    {"uuid text, letter", LOGICAL("string", "uuid"), TG_PG_UUID, -1, "4830303131323233332d343435352d363637372d383839392d616162626363646465656667", "not a UUID", TG_ERR_INVALID},
    {"uuid text, short", LOGICAL("string", "uuid"), TG_PG_UUID, -1, "0830303131", "not a UUID", TG_ERR_INVALID},
    {"uuid text, slash", LOGICAL("string", "uuid"), TG_PG_UUID, -1, "48302f3131323233332d343435352d363637372d383839392d616162626363646465656666", "not a UUID", TG_ERR_INVALID},
    {"uuid fixed", "{\"type\":\"fixed\",\"name\":\"f\",\"size\":16,\"logicalType\":\"uuid\"}", TG_PG_UUID, -1, "00112233445566778899aabbccddeeff", "0000001000112233445566778899aabbccddeeff", TG_OK},
    {"any fixed of 16", "{\"type\":\"fixed\",\"name\":\"f\",\"size\":16}", TG_PG_UUID, -1, "00112233445566778899aabbccddeeff", "0000001000112233445566778899aabbccddeeff", TG_OK},
    {"uuid fixed to text", "{\"type\":\"fixed\",\"name\":\"f\",\"size\":16,\"logicalType\":\"uuid\"}", TG_PG_TEXT, -1, "00112233445566778899aabbccddeeff", "0000002430303131323233332d343435352d363637372d383839392d616162626363646465656666", TG_OK},
    {"bytes to uuid", "\"bytes\"", TG_PG_UUID, -1, "2000112233445566778899aabbccddeeff", "0000001000112233445566778899aabbccddeeff", TG_OK},
    {"bytes to uuid, wrong size", "\"bytes\"", TG_PG_UUID, -1, "1e112233445566778899aabbccddeeff", "16 bytes", TG_ERR_INVALID},
    {"enum", "{\"type\":\"enum\",\"name\":\"e\",\"symbols\":[\"LOW\",\"A_RATHER_LONG_SYMBOL\"]}", TG_PG_TEXT, -1, "00", "000000034c4f57", TG_OK},
    {"long symbol", "{\"type\":\"enum\",\"name\":\"e\",\"symbols\":[\"LOW\",\"A_RATHER_LONG_SYMBOL\"]}", TG_PG_TEXT, -1, "02", "00000014415f5241544845525f4c4f4e475f53594d424f4c", TG_OK},
    {"enum without symbol", "{\"type\":\"enum\",\"name\":\"e\",\"symbols\":[\"LOW\",\"A_RATHER_LONG_SYMBOL\"]}", TG_PG_TEXT, -1, "04", "malformed", TG_ERR_INVALID},
    {"negative enum", "{\"type\":\"enum\",\"name\":\"e\",\"symbols\":[\"LOW\",\"A_RATHER_LONG_SYMBOL\"]}", TG_PG_TEXT, -1, "01", "malformed", TG_ERR_INVALID},
    {"enum to varchar", "{\"type\":\"enum\",\"name\":\"e\",\"symbols\":[\"LOW\",\"A_RATHER_LONG_SYMBOL\"]}", TG_PG_VARCHAR, 7, "00", "000000034c4f57", TG_OK},
    {"enum too long for varchar", "{\"type\":\"enum\",\"name\":\"e\",\"symbols\":[\"LOW\",\"A_RATHER_LONG_SYMBOL\"]}", TG_PG_VARCHAR, 7, "02", "cannot hold", TG_ERR_OUT_OF_RANGE},
    {"epoch of PostgreSQL", LOGICAL("long", "timestamp-micros"), TG_PG_TIMESTAMPTZ, -1, "8080bfb3a7c0ae03", "000000080000000000000000", TG_OK},
    {"micros before", LOGICAL("long", "timestamp-micros"), TG_PG_TIMESTAMP, -1, "01", "00000008fffca2fec4c81fff", TG_OK},
    {"earliest micros", LOGICAL("long", "timestamp-micros"), TG_PG_TIMESTAMPTZ, -1, "ffffc3bab08f93ed05", "00000008fd0f7cc1411fa000", TG_OK},
    {"before the earliest", LOGICAL("long", "timestamp-micros"), TG_PG_TIMESTAMPTZ, -1, "8180c4bab08f93ed05", "cannot hold", TG_ERR_OUT_OF_RANGE},
    {"smallest micros", LOGICAL("long", "timestamp-micros"), TG_PG_TIMESTAMPTZ, -1, "ffffffffffffffffff01", "cannot hold", TG_ERR_OUT_OF_RANGE},
    {"latest micros", LOGICAL("long", "timestamp-micros"), TG_PG_TIMESTAMPTZ, -1, "feffffffffffffffff01", "000000087ffca2fec4c81fff", TG_OK},
    {"millis", LOGICAL("long", "timestamp-millis"), TG_PG_TIMESTAMPTZ, -1, "feaffdac8d37", "00000008fffffffffffffc18", TG_OK},
    {"earliest millis", LOGICAL("long", "timestamp-millis"), TG_PG_TIMESTAMPTZ, -1, "ffbfb28e88f25f", "00000008fd0f7cc1411fa000", TG_OK},
    {"millis too early", LOGICAL("long", "timestamp-millis"), TG_PG_TIMESTAMPTZ, -1, "81c0b28e88f25f", "cannot hold", TG_ERR_OUT_OF_RANGE},
    {"latest millis", LOGICAL("long", "timestamp-millis"), TG_PG_TIMESTAMPTZ, -1, "febf9ceafcdde220", "000000087fffff5bb3b29c18", TG_OK},
    {"millis too late", LOGICAL("long", "timestamp-millis"), TG_PG_TIMESTAMPTZ, -1, "80c09ceafcdde220", "cannot hold", TG_ERR_OUT_OF_RANGE},
    {"largest millis", LOGICAL("long", "timestamp-millis"), TG_PG_TIMESTAMPTZ, -1, "feffffffffffffffff01", "cannot hold", TG_ERR_OUT_OF_RANGE},
    {"smallest millis", LOGICAL("long", "timestamp-millis"), TG_PG_TIMESTAMPTZ, -1, "ffffffffffffffffff01", "cannot hold", TG_ERR_OUT_OF_RANGE},
    {"millis cut off", LOGICAL("long", "timestamp-millis"), TG_PG_TIMESTAMPTZ, -1, "ff", "ends within", TG_ERR_TRUNCATED},
    {"nanos", LOGICAL("long", "timestamp-nanos"), TG_PG_TIMESTAMPTZ, -1, "9e9f98a4eab3a6a31a", "000000080000000000000001", TG_OK},
    {"nanos before 1970", LOGICAL("long", "timestamp-nanos"), TG_PG_TIMESTAMPTZ, -1, "01", "00000008fffca2fec4c81fff", TG_OK},
    {"smallest nanos", LOGICAL("long", "local-timestamp-nanos"), TG_PG_TIMESTAMP, -1, "ffffffffffffffffff01", "00000008ffdbde631ee4cc08", TG_OK},
    {"local micros", LOGICAL("long", "local-timestamp-micros"), TG_PG_TIMESTAMP, -1, "8a80bfb3a7c0ae03", "000000080000000000000005", TG_OK},
    {"local millis", LOGICAL("long", "local-timestamp-millis"), TG_PG_TIMESTAMP, -1, "8ab0fdac8d37", "000000080000000000001388", TG_OK},
    {"micros to bigint", LOGICAL("long", "timestamp-micros"), TG_PG_INT8, -1, "0a", "000000080000000000000005", TG_OK},
    {"date", LOGICAL("int", "date"), TG_PG_DATE, -1, "9aab01", "0000000400000000", TG_OK},
    {"earliest date", LOGICAL("int", "date"), TG_PG_DATE, -1, "97f6a902", "00000004ffda97a7", TG_OK},
    {"date too early", LOGICAL("int", "date"), TG_PG_DATE, -1, "99f6a902", "no such time", TG_ERR_OUT_OF_RANGE},
    {"latest date", LOGICAL("int", "date"), TG_PG_DATE, -1, "b287d6fd0f", "000000047fda970c", TG_OK},
    {"date too late", LOGICAL("int", "date"), TG_PG_DATE, -1, "b487d6fd0f", "no such time", TG_ERR_OUT_OF_RANGE},
    {"smallest date", LOGICAL("int", "date"), TG_PG_DATE, -1, "ffffffff0f", "no such time", TG_ERR_OUT_OF_RANGE},
    {"int to date", "\"int\"", TG_PG_DATE, -1, "9cab01", "0000000400000001", TG_OK},
    {"date to timestamp", LOGICAL("int", "date"), TG_PG_TIMESTAMP, -1, "98ab01", "00000008ffffffebe228a000", TG_OK},
    {"date too late for a timestamp", LOGICAL("int", "date"), TG_PG_TIMESTAMPTZ, -1, "b287d6fd0f", "no such time", TG_ERR_OUT_OF_RANGE},
    {"date too early for a timestamp", LOGICAL("int", "date"), TG_PG_TIMESTAMPTZ, -1, "99f6a902", "no such time", TG_ERR_OUT_OF_RANGE},
    {"time in millis", LOGICAL("int", "time-millis"), TG_PG_TIME, -1, "feefb252", "00000008000000141dd75c18", TG_OK},
    {"time in micros", LOGICAL("long", "time-micros"), TG_PG_TIME, -1, "8080bbdd8305", "00000008000000141dd76000", TG_OK},
    {"time too late", LOGICAL("long", "time-micros"), TG_PG_TIME, -1, "8280bbdd8305", "within a day", TG_ERR_OUT_OF_RANGE},
    {"time below zero", LOGICAL("int", "time-millis"), TG_PG_TIME, -1, "01", "within a day", TG_ERR_OUT_OF_RANGE},
    {"duration", "{\"type\":\"fixed\",\"name\":\"f\",\"size\":12,\"logicalType\":\"duration\"}", TG_PG_INTERVAL, -1, "0e00000003000000a50f0000", "0000001000000000003d1c88000000030000000e", TG_OK},
    {"longest millis", "{\"type\":\"fixed\",\"name\":\"f\",\"size\":12,\"logicalType\":\"duration\"}", TG_PG_INTERVAL, -1, "0000000000000000ffffffff", "00000010000003e7fffffc180000000000000000", TG_OK},
    {"duration too long", "{\"type\":\"fixed\",\"name\":\"f\",\"size\":12,\"logicalType\":\"duration\"}", TG_PG_INTERVAL, -1, "000000800000000000000000", "interval", TG_ERR_OUT_OF_RANGE},
    {"duration cut off", "{\"type\":\"fixed\",\"name\":\"f\",\"size\":12,\"logicalType\":\"duration\"}", TG_PG_INTERVAL, -1, "0000000000000000000000", "ends within", TG_ERR_TRUNCATED},
    // clang-format on
};

static void
decode_of_text_and_times_gives_the_exact_bytes(void **state)
{
    (void)state;
    run_value_cases(cases, TG_COUNT_OF(cases));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decode_of_text_and_times_gives_the_exact_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
