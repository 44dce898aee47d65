// links: avro base
#include "avro_values.h"

static const value_case_t cases[] = {
    // clang-format off
    {"decimal", "{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":10,\"scale\":2}", TG_PG_NUMERIC, -1, "043039", "0000000c0002000000000002007b1194", TG_OK},
    {"negative decimal", "{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":10,\"scale\":2}", TG_PG_NUMERIC, -1, "02ff", "0000000a0001ffff400000020064", TG_OK},
    {"zero decimal", "{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":10,\"scale\":2}", TG_PG_NUMERIC, -1, "0200", "000000080000000000000002", TG_OK},
    {"decimal of no bytes", "{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":10,\"scale\":2}", TG_PG_NUMERIC, -1, "00", "000000080000000000000002", TG_OK},
    {"decimal of scale 4", "{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":10,\"scale\":4}", TG_PG_NUMERIC, -1, "08f8a432eb", "0000000e0003000140000004000109291a85", TG_OK},
    {"decimal with sign bytes", "{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":10,\"scale\":0}", TG_PG_NUMERIC, -1, "1affffffffffffffffffffffff85", "0000000a0001000040000000007b", TG_OK},
    {"decimal of 63 bits", "{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":25,\"scale\":3}", TG_PG_NUMERIC, -1, "107fffffffffffffff", "00000012000500030000000324070e880e6512a71f86", TG_OK},
    {"smallest of 64 bits", "{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":25,\"scale\":3}", TG_PG_NUMERIC, -1, "12ff8000000000000000", "00000012000500034000000324070e880e6512a71f90", TG_OK},
    {"decimal of 65 bits", "{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":25,\"scale\":0}", TG_PG_NUMERIC, -1, "12010000000000000000", "00000012000500040000000007341a5802e103bb0650", TG_OK},
    {"decimal of 129 bits", "{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":50,\"scale\":1}", TG_PG_NUMERIC, -1, "22ff00000000000000000000000000000000", "0000001e000b0009400000010022011a0e55082d210f12191d241d071e0204791770", TG_OK},
    {"decimal of 30 bytes", "{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":80,\"scale\":30}", TG_PG_NUMERIC, -1, "3c359ba2b98ca11d6864a331b45ae7114c01ffbdcf60cc16e692fb63c6e219", "0000002e0013000a0000001e0024270412f20db81b3c241f004e09931b361142194903eb230c0b9d1fd720f814b51d3a1324", TG_OK},
    {"decimal ten to the forty", "{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":50,\"scale\":3}", TG_PG_NUMERIC, -1, "221d6329f1c35ca4bfabb9f5610000000000", "0000000a0001000900000003000a", TG_OK},
    {"decimal with leading zeros", "{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":40,\"scale\":39}", TG_PG_NUMERIC, -1, "0207", "0000000a0001fff6000000270046", TG_OK},
    {"decimal beyond numeric(5,2)", "{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":10,\"scale\":2}", TG_PG_NUMERIC, 327686, "060186a0", "before the point", TG_ERR_OUT_OF_RANGE},
    {"decimal within numeric(5,2)", "{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":10,\"scale\":2}", TG_PG_NUMERIC, 327686, "06fe7961", "0000000c000200004000000203e726ac", TG_OK},
    {"digits that are zero may go", "{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":10,\"scale\":4}", TG_PG_NUMERIC, 327686, "04300c", "0000000c0002000000000004000108fc", TG_OK},
    {"digits would be lost", "{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":10,\"scale\":4}", TG_PG_NUMERIC, 327686, "043039", "behind the point", TG_ERR_OUT_OF_RANGE},
    {"numeric(3,-2)", "{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":10,\"scale\":0}", TG_PG_NUMERIC, 198658, "0601863c", "0000000c0002000100000000000926ac", TG_OK},
    {"numeric(3,-2) too precise", "{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":10,\"scale\":0}", TG_PG_NUMERIC, 198658, "06018646", "behind the point", TG_ERR_OUT_OF_RANGE},
    {"decimal in a fixed", "{\"type\":\"fixed\",\"name\":\"f\",\"size\":4,\"logicalType\":\"decimal\",\"precision\":9,\"scale\":1}", TG_PG_NUMERIC, -1, "ffffff85", "0000000c0002000040000001000c0bb8", TG_OK},
    {"decimal to double", "{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":10,\"scale\":2}", TG_PG_FLOAT8, -1, "04cfc7", "00000008c05edccccccccccd", TG_OK},
    {"decimal to text", "{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":10,\"scale\":3}", TG_PG_TEXT, -1, "02d3", "000000062d302e303435", TG_OK},
    {"decimal of scale 0 to text", "{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":10,\"scale\":0}", TG_PG_TEXT, -1, "0401c2", "00000003343530", TG_OK},
    {"decimal scale beyond numeric", "{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":20000,\"scale\":16384}", TG_PG_NUMERIC, -1, "0201", "scale", TG_ERR_OUT_OF_RANGE},
    {"big-decimal", LOGICAL("bytes", "big-decimal"), TG_PG_NUMERIC, -1, "0804cfc706", "0000000c0002000040000003000c0d7a", TG_OK},
    {"big-decimal of negative scale", LOGICAL("bytes", "big-decimal"), TG_PG_NUMERIC, -1, "06020c05", "0000000c0002000100000000000107d0", TG_OK},
    {"big-decimal to text", LOGICAL("bytes", "big-decimal"), TG_PG_TEXT, -1, "06020c05", "000000053132303030", TG_OK},
    {"zero of negative scale to text", LOGICAL("bytes", "big-decimal"), TG_PG_TEXT, -1, "06020005", "0000000130", TG_OK},
    {"big-decimal to double", LOGICAL("bytes", "big-decimal"), TG_PG_FLOAT8, -1, "06020f02", "000000083ff8000000000000", TG_OK},
    {"big-decimal malformed", LOGICAL("bytes", "big-decimal"), TG_PG_NUMERIC, -1, "0202", "big-decimal", TG_ERR_INVALID},
    {"big-decimal with more behind", LOGICAL("bytes", "big-decimal"), TG_PG_NUMERIC, -1, "0802010000", "big-decimal", TG_ERR_INVALID},
    {"big-decimal of absurd scale", LOGICAL("bytes", "big-decimal"), TG_PG_NUMERIC, -1, "0e0201feffffff0f", "scale", TG_ERR_OUT_OF_RANGE},
    {"big-decimal of absurd scale to text", LOGICAL("bytes", "big-decimal"), TG_PG_TEXT, -1, "0e0201ffffffff0f", "scale", TG_ERR_OUT_OF_RANGE},
    {"big-decimal too large for numeric", LOGICAL("bytes", "big-decimal"), TG_PG_NUMERIC, -1, "0a020afdff0f", "before the point", TG_ERR_OUT_OF_RANGE},
    {"big-decimal too large for a double", LOGICAL("bytes", "big-decimal"), TG_PG_FLOAT8, -1, "0802019f06", "does not fit", TG_ERR_OUT_OF_RANGE},
    {"int to text", "\"int\"", TG_PG_TEXT, -1, "53", "000000032d3432", TG_OK},
    {"smallest long to text", "\"long\"", TG_PG_TEXT, -1, "ffffffffffffffffff01", "000000142d39323233333732303336383534373735383038", TG_OK},
    {"int of 33 bits to text", "\"int\"", TG_PG_TEXT, -1, "8080808010", "32 bits", TG_ERR_INVALID},
    {"boolean to text", "\"boolean\"", TG_PG_TEXT, -1, "00", "0000000566616c7365", TG_OK},
    {"double to text", "\"double\"", TG_PG_TEXT, -1, "9a9999999999b93f", "00000003302e31", TG_OK},
    {"large double to text", "\"double\"", TG_PG_TEXT, -1, "355800662deb41fe", "000000082d312e3565333030", TG_OK},
    {"1e21 to text", "\"double\"", TG_PG_TEXT, -1, "50efe2d6e41a4b44", "0000000431653231", TG_OK},
    {"1e20 to text", "\"double\"", TG_PG_TEXT, -1, "408cb5781daf1544", "00000015313030303030303030303030303030303030303030", TG_OK},
    {"small double to text", "\"double\"", TG_PG_TEXT, -1, "48afbc9af2d75a3e", "00000006322e35652d38", TG_OK},
    {"negative zero to text", "\"double\"", TG_PG_TEXT, -1, "0000000000000080", "000000022d30", TG_OK},
    {"NaN to text", "\"double\"", TG_PG_TEXT, -1, "000000000000f87f", "000000034e614e", TG_OK},
    {"float to text", "\"float\"", TG_PG_TEXT, -1, "33335340", "00000003332e33", TG_OK},
    {"date to text", LOGICAL("int", "date"), TG_PG_TEXT, -1, "dac402", "0000000a323032362d31312d3234", TG_OK},
    {"time to text", LOGICAL("int", "time-millis"), TG_PG_TEXT, -1, "d887f125", "0000000a31313a30323a30332e35", TG_OK},
    {"micros to text", LOGICAL("long", "timestamp-micros"), TG_PG_TEXT, -1, "808cd5bef4c0b006", "0000001b323032362d31312d32345431313a30323a30332e3132333435365a", TG_OK},
    {"local nanos to text", LOGICAL("long", "local-timestamp-nanos"), TG_PG_TEXT, -1, "01", "0000001d313936392d31322d33315432333a35393a35392e393939393939393939", TG_OK},
    {"smallest micros to text", LOGICAL("long", "timestamp-micros"), TG_PG_TEXT, -1, "ffffffffffffffffff01", "0000001e2d3239303330382d31322d32315431393a35393a30352e3232343139325a", TG_OK},
    {"largest micros to text", LOGICAL("long", "timestamp-micros"), TG_PG_TEXT, -1, "feffffffffffffffff01", "0000001e2b3239343234372d30312d31305430343a30303a35342e3737353830375a", TG_OK},
    {"leap day to text", LOGICAL("int", "date"), TG_PG_TEXT, -1, "90ac01", "0000000a323030302d30322d3239", TG_OK},
    {"duration to text", "{\"type\":\"fixed\",\"name\":\"f\",\"size\":12,\"logicalType\":\"duration\"}", TG_PG_TEXT, -1, "0e00000003000000a50f0000", "0000000d5031344d334454342e30303553", TG_OK},
    {"text too long", "\"int\"", TG_PG_VARCHAR, 7, "f2c001", "longer", TG_ERR_OUT_OF_RANGE},
    {"year 0 to text", LOGICAL("int", "date"), TG_PG_TEXT, -1, "f5e457", "0000000a303030302d31322d3331", TG_OK},
    // clang-format on
};

static void
decode_of_decimals_and_scalars_as_text_gives_the_exact_bytes(void **state)
{
    (void)state;
    run_value_cases(cases, TG_COUNT_OF(cases));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decode_of_decimals_and_scalars_as_text_gives_the_exact_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
