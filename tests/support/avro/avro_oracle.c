#include "avro_oracle.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <avro.h>

enum { MAX_BODY_BYTES = 1 << 20, MAX_TEXT = 40, MAX_ITEMS = 5 };

struct avro_oracle {
    avro_schema_t schema;
    avro_value_iface_t *iface;
    avro_value_t value;
    avro_reader_t reader;
    avro_writer_t writer;
    char *body;
};

avro_oracle_t *
avro_oracle_new(const char *schema_text)
{
    avro_oracle_t *oracle = calloc(1, sizeof *oracle);
    if (oracle == NULL ||
        avro_schema_from_json_length(schema_text, strlen(schema_text), &oracle->schema) != 0) {
        free(oracle);
        return NULL;
    }
    oracle->iface = avro_generic_class_from_schema(oracle->schema);
    avro_generic_value_new(oracle->iface, &oracle->value);
    oracle->reader = avro_reader_memory("", 0);
    oracle->body = malloc(MAX_BODY_BYTES);
    oracle->writer = avro_writer_memory(oracle->body, MAX_BODY_BYTES);
    return oracle;
}

void
avro_oracle_free(avro_oracle_t *oracle)
{
    if (oracle == NULL) {
        return;
    }
    avro_value_decref(&oracle->value);
    avro_value_iface_decref(oracle->iface);
    avro_schema_decref(oracle->schema);
    avro_reader_free(oracle->reader);
    avro_writer_free(oracle->writer);
    free(oracle->body);
    free(oracle);
}

bool
avro_oracle_read(avro_oracle_t *oracle, const uint8_t *body, size_t n_bytes)
{
    /* The loop of avro-c's own tools (avrocat): one value, reset before each record. */
    avro_value_reset(&oracle->value);
    avro_reader_memory_set_source(oracle->reader, (const char *)body, (int64_t)n_bytes);
    return avro_value_read(oracle->reader, &oracle->value) == 0;
}

const char *
avro_oracle_error(void)
{
    return avro_strerror();
}

uint64_t
avro_oracle_random(uint64_t *random)
{
    *random ^= *random >> 12;
    *random ^= *random << 25;
    *random ^= *random >> 27;
    return *random * UINT64_C(0x2545f4914f6cdd1d);
}

/* Numbers of every length, and the ends of the range. */
static int64_t
random_long(uint64_t *random)
{
    uint64_t kind = avro_oracle_random(random);
    if (kind % 16 == 0) {
        return kind % 32 == 0 ? INT64_MIN : INT64_MAX;
    }
    return (int64_t)avro_oracle_random(random) >> (kind >> 32) % 64;
}

/* Their JSON text must read back as an integer or as a real, so not between 10^18 and 10^21. */
static double
random_double(uint64_t *random)
{
    uint64_t kind = avro_oracle_random(random) % 8;
    double small = (double)(int32_t)avro_oracle_random(random);
    switch (kind) {
    case 0:
        return small;
    case 1:
        return small / 100;
    case 2:
        return small * 1e-300 / 7;
    case 3:
        return small * 1e290 / 3;
    case 4:
        return small * 5e-324;
    case 5:
        return avro_oracle_random(random) % 3 == 0 ? (double)NAN
               : small < 0                         ? -(double)INFINITY
                                                   : (double)INFINITY;
    default:
        return small / 3;
    }
}

static size_t
random_text(uint64_t *random, char *ret_text)
{
    static const char *const pieces[] = {"a",  "B", "7", " ", "\"", "\\",
                                         "\n", "é", "€", "😀", "\t", "<"};
    bool plain = avro_oracle_random(random) % 2 == 0;
    size_t n_pieces = avro_oracle_random(random) % (MAX_TEXT / 4);
    size_t n = 0;
    for (size_t i = 0; i < n_pieces; i++) {
        const char *piece = pieces[avro_oracle_random(random) % (plain ? 3 : 12)];
        memcpy(ret_text + n, piece, strlen(piece));
        n += strlen(piece);
    }
    ret_text[n] = '\0';
    return n;
}

static void fill(avro_value_t *value, uint64_t *random, int depth);

static void
fill_bytes(avro_value_t *value, uint64_t *random)
{
    char bytes[MAX_TEXT];
    size_t n = avro_oracle_random(random) % MAX_TEXT;
    if (avro_value_get_type(value) == AVRO_FIXED) {
        n = (size_t)avro_schema_fixed_size(avro_value_get_schema(value));
    }
    for (size_t i = 0; i < n; i++) {
        bytes[i] = (char)avro_oracle_random(random);
    }
    if (avro_value_get_type(value) == AVRO_FIXED) {
        avro_value_set_fixed(value, bytes, n);
    } else {
        avro_value_set_bytes(value, bytes, n);
    }
}

static void
fill_items(avro_value_t *value, uint64_t *random, int depth)
{
    avro_value_t child;
    size_t n = depth > 4 ? 0 : avro_oracle_random(random) % MAX_ITEMS;
    for (size_t i = 0; i < n; i++) {
        char key[MAX_TEXT + 8];
        if (avro_value_get_type(value) == AVRO_ARRAY) {
            avro_value_append(value, &child, NULL);
        } else {
            size_t length = random_text(random, key);
            (void)snprintf(key + length, 8, "%zu", i);
            avro_value_add(value, key, &child, NULL, NULL);
        }
        fill(&child, random, depth + 1);
    }
}

static void
fill_nested(avro_value_t *value, uint64_t *random, int depth)
{
    avro_value_t child;
    size_t n = 0;
    if (avro_value_get_type(value) == AVRO_RECORD) {
        avro_value_get_size(value, &n);
        for (size_t i = 0; i < n; i++) {
            avro_value_get_by_index(value, i, &child, NULL);
            fill(&child, random, depth + 1);
        }
    } else if (avro_value_get_type(value) == AVRO_UNION) {
        n = avro_schema_union_size(avro_value_get_schema(value));
        avro_value_set_branch(value, (int)(avro_oracle_random(random) % n), &child);
        fill(&child, random, depth + 1);
    } else {
        fill_items(value, random, depth);
    }
}

static void
fill(avro_value_t *value, uint64_t *random, int depth)
{
    char text[MAX_TEXT + 8];
    switch (avro_value_get_type(value)) {
    case AVRO_NULL:
        avro_value_set_null(value);
        return;
    case AVRO_BOOLEAN:
        avro_value_set_boolean(value, (int)(avro_oracle_random(random) & 1));
        return;
    case AVRO_INT32:
        avro_value_set_int(value, (int32_t)(random_long(random) >> 32));
        return;
    case AVRO_INT64:
        avro_value_set_long(value, random_long(random));
        return;
    case AVRO_FLOAT:
        avro_value_set_float(value, (float)(int16_t)avro_oracle_random(random) / 16);
        return;
    case AVRO_DOUBLE:
        avro_value_set_double(value, random_double(random));
        return;
    case AVRO_STRING:
        avro_value_set_string_len(value, text, random_text(random, text) + 1);
        return;
    case AVRO_BYTES:
    case AVRO_FIXED:
        fill_bytes(value, random);
        return;
    case AVRO_ENUM:
        avro_value_set_enum(
            value, (int)(avro_oracle_random(random) % (uint64_t)avro_schema_enum_number_of_symbols(
                                                          avro_value_get_schema(value))));
        return;
    case AVRO_RECORD:
    case AVRO_UNION:
    case AVRO_ARRAY:
    case AVRO_MAP:
    case AVRO_LINK:
    default:
        fill_nested(value, random, depth);
    }
}

bool
avro_oracle_encode_random(avro_oracle_t *oracle, uint64_t *random, const uint8_t **ret_body,
                          size_t *ret_n_bytes)
{
    avro_value_reset(&oracle->value);
    fill(&oracle->value, random, 0);
    avro_writer_reset(oracle->writer);
    if (avro_value_write(oracle->writer, &oracle->value) != 0) {
        return false;
    }
    *ret_body = (const uint8_t *)oracle->body;
    *ret_n_bytes = (size_t)avro_writer_tell(oracle->writer);
    return true;
}

static json_t *to_json(const avro_value_t *value);

static json_t *
base64(const void *data, size_t n_bytes)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const uint8_t *bytes = data;
    char *text = malloc(n_bytes * 2 + 8);
    size_t n = 0;
    for (size_t i = 0; i < n_bytes; i += 3) {
        uint8_t three[3] = {0};
        size_t n_here = n_bytes - i < 3 ? n_bytes - i : 3;
        memcpy(three, bytes + i, n_here);
        text[n++] = digits[three[0] >> 2];
        text[n++] = digits[(three[0] & 3) << 4 | three[1] >> 4];
        text[n++] = n_here > 1 ? digits[(three[1] & 15) << 2 | three[2] >> 6] : '=';
        text[n++] = n_here > 2 ? digits[three[2] & 63] : '=';
    }
    json_t *json = json_stringn(text, n);
    free(text);
    return json;
}

static json_t *
real(double value)
{
    return isnan(value)   ? json_string("NaN")
           : isinf(value) ? json_string(value < 0 ? "-Infinity" : "Infinity")
                          : json_real(value);
}

static json_t *
items_to_json(const avro_value_t *value, bool list)
{
    json_t *json = list ? json_array() : json_object();
    size_t n = 0;
    avro_value_get_size(value, &n);
    for (size_t i = 0; i < n; i++) {
        avro_value_t child;
        const char *name = NULL;
        avro_value_get_by_index(value, i, &child, &name);
        if (list) {
            json_array_append_new(json, to_json(&child));
        } else {
            json_object_set_new(json, name, to_json(&child));
        }
    }
    return json;
}

static int
shape_of(avro_schema_t schema)
{
    switch (avro_typeof(schema)) {
    case AVRO_NULL:
        return 0;
    case AVRO_BOOLEAN:
        return 1;
    case AVRO_INT32:
    case AVRO_INT64:
    case AVRO_FLOAT:
    case AVRO_DOUBLE:
        return 2;
    case AVRO_ARRAY:
        return 3;
    case AVRO_RECORD:
    case AVRO_MAP:
        return 4;
    case AVRO_STRING:
    case AVRO_BYTES:
    case AVRO_ENUM:
    case AVRO_FIXED:
    case AVRO_UNION:
    case AVRO_LINK:
    default:
        return 5;
    }
}

static bool
is_ambiguous(avro_schema_t schema)
{
    int seen[6] = {0};
    for (size_t i = 0; i < avro_schema_union_size(schema); i++) {
        if (seen[shape_of(avro_schema_union_branch(schema, (int)i))]++ > 0) {
            return true;
        }
    }
    return false;
}

static json_t *
union_to_json(const avro_value_t *value)
{
    avro_value_t child;
    int branch = 0;
    avro_schema_t schema = avro_value_get_schema(value);
    avro_value_get_discriminant(value, &branch);
    avro_value_get_current_branch(value, &child);
    json_t *json = to_json(&child);
    if (!is_ambiguous(schema) || json_is_null(json)) {
        return json;
    }
    avro_schema_t chosen = avro_schema_union_branch(schema, branch);
    json_t *object = json_object();
    json_object_set_new(object, avro_schema_type_name(chosen), json);
    return object;
}

static json_t *
text_to_json(const avro_value_t *value)
{
    const char *text = NULL;
    const void *data = NULL;
    size_t n = 0;
    int position = 0;
    switch ((int)avro_value_get_type(value)) {
    case AVRO_STRING:
        avro_value_get_string(value, &text, &n);
        return json_stringn(text, n - 1);
    case AVRO_BYTES:
        avro_value_get_bytes(value, &data, &n);
        return base64(data, n);
    case AVRO_FIXED:
        avro_value_get_fixed(value, &data, &n);
        return base64(data, n);
    default:
        avro_value_get_enum(value, &position);
        return json_string(avro_schema_enum_get(avro_value_get_schema(value), position));
    }
}

static json_t *
to_json(const avro_value_t *value)
{
    int flag = 0;
    int32_t int32 = 0;
    int64_t int64 = 0;
    float single = 0;
    double number = 0;
    switch (avro_value_get_type(value)) {
    case AVRO_NULL:
        return json_null();
    case AVRO_BOOLEAN:
        avro_value_get_boolean(value, &flag);
        return json_boolean(flag);
    case AVRO_INT32:
        avro_value_get_int(value, &int32);
        return json_integer(int32);
    case AVRO_INT64:
        avro_value_get_long(value, &int64);
        return json_integer(int64);
    case AVRO_FLOAT:
        avro_value_get_float(value, &single);
        return real((double)single);
    case AVRO_DOUBLE:
        avro_value_get_double(value, &number);
        return real(number);
    case AVRO_RECORD:
    case AVRO_MAP:
        return items_to_json(value, false);
    case AVRO_ARRAY:
        return items_to_json(value, true);
    case AVRO_UNION:
        return union_to_json(value);
    case AVRO_STRING:
    case AVRO_BYTES:
    case AVRO_FIXED:
    case AVRO_ENUM:
    case AVRO_LINK:
    default:
        return text_to_json(value);
    }
}

json_t *
avro_oracle_field(avro_oracle_t *oracle, size_t index)
{
    avro_value_t field;
    return avro_value_get_by_index(&oracle->value, index, &field, NULL) == 0 ? to_json(&field)
                                                                             : NULL;
}
