// links: avro base
#include "avro_values.h"

static const value_case_t cases[] = {
    // clang-format off
    {"true", "\"boolean\"", TG_PG_BOOL, -1, "01", "0000000101", TG_OK},
    {"boolean 2", "\"boolean\"", TG_PG_BOOL, -1, "02", "malformed", TG_ERR_INVALID},
    {"no boolean", "\"boolean\"", TG_PG_BOOL, -1, "", "ends within", TG_ERR_TRUNCATED},
    {"int", "\"int\"", TG_PG_INT4, -1, "ffffffff0f", "0000000480000000", TG_OK},
    {"int to bigint", "\"int\"", TG_PG_INT8, -1, "01", "00000008ffffffffffffffff", TG_OK},
    {"int to smallint", "\"int\"", TG_PG_INT2, -1, "ffff03", "000000028000", TG_OK},
    {"int to smallint, too large", "\"int\"", TG_PG_INT2, -1, "808004", "does not fit", TG_ERR_OUT_OF_RANGE},
    {"int of 33 bits", "\"int\"", TG_PG_INT4, -1, "8080808010", "malformed", TG_ERR_INVALID},
    {"int of 33 bits to bigint", "\"int\"", TG_PG_INT8, -1, "8080808010", "malformed", TG_ERR_INVALID},
    {"int of 33 bits to smallint", "\"int\"", TG_PG_INT2, -1, "8080808010", "32 bits", TG_ERR_INVALID},
    {"long", "\"long\"", TG_PG_INT8, -1, "feffffffffffffffff01", "000000087fffffffffffffff", TG_OK},
    {"smallest long", "\"long\"", TG_PG_INT8, -1, "ffffffffffffffffff01", "000000088000000000000000", TG_OK},
    {"long to integer", "\"long\"", TG_PG_INT4, -1, "feffffff0f", "000000047fffffff", TG_OK},
    {"long to integer, too large", "\"long\"", TG_PG_INT4, -1, "8080808010", "cannot hold", TG_ERR_OUT_OF_RANGE},
    {"long to integer, too small", "\"long\"", TG_PG_INT4, -1, "8180808010", "cannot hold", TG_ERR_OUT_OF_RANGE},
    {"long to smallint", "\"long\"", TG_PG_INT2, -1, "0e", "000000020007", TG_OK},
    {"overlong zero", "\"long\"", TG_PG_INT8, -1, "8000", "000000080000000000000000", TG_OK},
    {"long of eleven bytes", "\"long\"", TG_PG_INT8, -1, "8080808080808080808000", "malformed", TG_ERR_INVALID},
    {"long beyond 64 bits", "\"long\"", TG_PG_INT8, -1, "ffffffffffffffffff02", "malformed", TG_ERR_INVALID},
    {"long cut off", "\"long\"", TG_PG_INT8, -1, "8080", "ends within", TG_ERR_TRUNCATED},
    {"long cut off at nine", "\"long\"", TG_PG_INT8, -1, "808080808080808080", "ends within", TG_ERR_TRUNCATED},
    {"long of 1 bytes", "\"long\"", TG_PG_INT8, -1, "40", "000000080000000000000020", TG_OK},
    {"long of 1 bytes before more", "[\"long\"]", TG_PG_INT8, -1, "0040", "000000080000000000000020", TG_OK},
    {"long of 2 bytes", "\"long\"", TG_PG_INT8, -1, "8040", "000000080000000000001000", TG_OK},
    {"long of 2 bytes before more", "[\"long\"]", TG_PG_INT8, -1, "008040", "000000080000000000001000", TG_OK},
    {"long of 3 bytes", "\"long\"", TG_PG_INT8, -1, "808040", "000000080000000000080000", TG_OK},
    {"long of 3 bytes before more", "[\"long\"]", TG_PG_INT8, -1, "00808040", "000000080000000000080000", TG_OK},
    {"long of 4 bytes", "\"long\"", TG_PG_INT8, -1, "80808040", "000000080000000004000000", TG_OK},
    {"long of 4 bytes before more", "[\"long\"]", TG_PG_INT8, -1, "0080808040", "000000080000000004000000", TG_OK},
    {"long of 5 bytes", "\"long\"", TG_PG_INT8, -1, "8080808040", "000000080000000200000000", TG_OK},
    {"long of 5 bytes before more", "[\"long\"]", TG_PG_INT8, -1, "008080808040", "000000080000000200000000", TG_OK},
    {"long of 6 bytes", "\"long\"", TG_PG_INT8, -1, "808080808040", "000000080000010000000000", TG_OK},
    {"long of 6 bytes before more", "[\"long\"]", TG_PG_INT8, -1, "00808080808040", "000000080000010000000000", TG_OK},
    {"long of 7 bytes", "\"long\"", TG_PG_INT8, -1, "80808080808040", "000000080000800000000000", TG_OK},
    {"long of 7 bytes before more", "[\"long\"]", TG_PG_INT8, -1, "0080808080808040", "000000080000800000000000", TG_OK},
    {"long of 8 bytes", "\"long\"", TG_PG_INT8, -1, "8080808080808040", "000000080040000000000000", TG_OK},
    {"long of 8 bytes before more", "[\"long\"]", TG_PG_INT8, -1, "008080808080808040", "000000080040000000000000", TG_OK},
    {"long of 9 bytes", "\"long\"", TG_PG_INT8, -1, "808080808080808040", "000000082000000000000000", TG_OK},
    {"long of 9 bytes before more", "[\"long\"]", TG_PG_INT8, -1, "00808080808080808040", "000000082000000000000000", TG_OK},
    {"long of 10 bytes", "\"long\"", TG_PG_INT8, -1, "86808080808080808001", "000000084000000000000003", TG_OK},
    {"long of 10 bytes before more", "[\"long\"]", TG_PG_INT8, -1, "0086808080808080808001", "000000084000000000000003", TG_OK},
    {"int to real", "\"int\"", TG_PG_FLOAT4, -1, "06", "0000000440400000", TG_OK},
    {"long to double", "\"long\"", TG_PG_FLOAT8, -1, "05", "00000008c008000000000000", TG_OK},
    {"int to numeric", "\"int\"", TG_PG_NUMERIC, -1, "b59f01", "0000000c0002000140000000000100cb", TG_OK},
    {"zero to numeric", "\"int\"", TG_PG_NUMERIC, -1, "00", "000000080000000000000000", TG_OK},
    {"long to numeric", "\"long\"", TG_PG_NUMERIC, -1, "ffffffffffffffffff01", "000000120005000440000000039a0d2c0170156516b0", TG_OK},
    {"long without tail to numeric", "\"long\"", TG_PG_NUMERIC, -1, "80f6e042", "0000000a00010001000000001b58", TG_OK},
    {"int to numeric(3,1)", "\"int\"", TG_PG_NUMERIC, 196613, "c801", "before the point", TG_ERR_OUT_OF_RANGE},
    {"int to numeric(3,1) that fits", "\"int\"", TG_PG_NUMERIC, 196613, "c601", "0000000a00010000000000000063", TG_OK},
    {"float", "\"float\"", TG_PG_FLOAT4, -1, "0000c03f", "000000043fc00000", TG_OK},
    {"float to double", "\"float\"", TG_PG_FLOAT8, -1, "cdcccc3d", "000000083fb99999a0000000", TG_OK},
    {"double", "\"double\"", TG_PG_FLOAT8, -1, "000000000000f07f", "000000087ff0000000000000", TG_OK},
    {"double to real", "\"double\"", TG_PG_FLOAT4, -1, "9a9999999999f13f", "000000043f8ccccd", TG_OK},
    {"infinity to real", "\"double\"", TG_PG_FLOAT4, -1, "000000000000f0ff", "00000004ff800000", TG_OK},
    {"double too large for real", "\"double\"", TG_PG_FLOAT4, -1, "1d4a9cf487820748", "does not fit", TG_ERR_OUT_OF_RANGE},
    {"float cut off", "\"float\"", TG_PG_FLOAT4, -1, "0000", "ends within", TG_ERR_TRUNCATED},
    {"float cut off to double", "\"float\"", TG_PG_FLOAT8, -1, "0000", "ends within", TG_ERR_TRUNCATED},
    {"double cut off", "\"double\"", TG_PG_FLOAT8, -1, "00000000000000", "ends within", TG_ERR_TRUNCATED},
    {"double to numeric", "\"double\"", TG_PG_NUMERIC, -1, "9a9999999999b93f", "0000000a0001ffff0000000103e8", TG_OK},
    {"double of many digits to numeric", "\"double\"", TG_PG_NUMERIC, -1, "f697dde387d632c1", "0000000e0003000140000004007b11d722c5", TG_OK},
    {"double of 17 digits to numeric", "\"double\"", TG_PG_NUMERIC, -1, "343333333333d33f", "000000120005ffff000000110bb80000000000000fa0", TG_OK},
    {"largest double to numeric", "\"double\"", TG_PG_NUMERIC, -1, "ffffffffffffef7f", "000000120005004d0000000000011f28246112fe0c55", TG_OK},
    {"smallest double to numeric", "\"double\"", TG_PG_NUMERIC, -1, "0100000000000000", "0000000a0001ffaf000001440005", TG_OK},
    {"NaN to numeric", "\"double\"", TG_PG_NUMERIC, -1, "000000000000f87f", "0000000800000000c0000000", TG_OK},
    {"infinity to numeric", "\"double\"", TG_PG_NUMERIC, -1, "000000000000f07f", "does not fit", TG_ERR_OUT_OF_RANGE},
    {"float to numeric", "\"float\"", TG_PG_NUMERIC, -1, "cdcccc3d", "0000000a0001ffff0000000103e8", TG_OK},
    {"float of many digits to numeric", "\"float\"", TG_PG_NUMERIC, -1, "0000804b", "0000000c0002000100000000068d1c30", TG_OK},
    {"double may be rounded", "\"double\"", TG_PG_NUMERIC, 327685, "000000000000c03f", "0000000a0001ffff0000000304e2", TG_OK},
    {"smallest float to numeric", "\"float\"", TG_PG_NUMERIC, -1, "01000000", "0000000a0001fff40000002d03e8", TG_OK},
    // clang-format on
};

static void
decode_of_numbers_gives_the_exact_bytes(void **state)
{
    (void)state;
    run_value_cases(cases, TG_COUNT_OF(cases));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decode_of_numbers_gives_the_exact_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
