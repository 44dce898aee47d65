/*
 * Any Avro value as JSON text, straight from its bytes; scalars also as plain text.
 *
 *   int, long, float, double, decimal   numbers, exact; NaN and infinities as strings
 *   bytes, fixed                        base64
 *   date, time, timestamp, duration     ISO 8601, with all their digits
 *   union                               the value; {"branch": value} where two branches look alike
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "numeric_internal.h"
#include "read_internal.h"
#include "temporal_internal.h"
#include "text_internal.h"

enum { CHUNK_BYTES = 4096, ESCAPED_BYTES = 6, NUMBER_BYTES = 40 };

static tg_status_t put_value(tg_run_t *run, const tg_node_t *node, int32_t size);

static tg_status_t
put_chars(tg_run_t *run, const char *chars, size_t n_chars)
{
    TG_TRY(tg_run_ensure(run, n_chars));
    run->out = put_bytes(run->out, chars, n_chars);
    return TG_OK;
}

static tg_status_t
put_char(tg_run_t *run, char c)
{
    return put_chars(run, &c, 1);
}

static tg_status_t
put_word(tg_run_t *run, const char *word)
{
    return put_chars(run, word, strlen(word));
}

/* A quoted text that needs no escapes. */
static tg_status_t
put_quoted(tg_run_t *run, const char *chars, size_t n_chars, bool quoted)
{
    TG_TRY(quoted ? put_char(run, '"') : TG_OK);
    TG_TRY(put_chars(run, chars, n_chars));
    return quoted ? put_char(run, '"') : TG_OK;
}

/* Two characters for the escapes that have a letter; the room is there. */
static uint8_t *
put_escape(uint8_t *out, uint8_t byte)
{
    static const char hex[] = "0123456789abcdef";
    static const char letters[32] = {
        ['\b'] = 'b', ['\f'] = 'f', ['\n'] = 'n', ['\r'] = 'r', ['\t'] = 't'};
    *out++ = '\\';
    if (byte >= 32 || letters[byte] != 0) {
        *out++ = byte >= 32 ? byte : (uint8_t)letters[byte];
        return out;
    }
    out = put_bytes(out, "u00", 3);
    *out++ = (uint8_t)hex[byte >> 4];
    *out++ = (uint8_t)hex[byte & 15];
    return out;
}

static tg_status_t
put_character(tg_run_t *run, const uint8_t *at, size_t n_bytes)
{
    if (n_bytes == 0) {
        return run_fail(run, TG_ERR_INVALID, "a text is not valid UTF-8");
    }
    if (*at == 0) {
        /* jsonb cannot hold it either, not even as \u0000 */
        return run->plan->options.nul_policy == TG_TEXT_NUL_STRIP
                   ? TG_OK
                   : run_fail(run, TG_ERR_INVALID,
                              "a text holds a NUL character, which PostgreSQL cannot store");
    }
    if (*at < 32 || *at == '"' || *at == '\\') {
        run->out = put_escape(run->out, *at);
    } else {
        run->out = put_bytes(run->out, at, n_bytes);
    }
    return TG_OK;
}

static tg_status_t
put_string(tg_run_t *run, tg_bytes_t text)
{
    const uint8_t *at = text.data;
    const uint8_t *end = at + text.n_bytes;
    TG_TRY(put_char(run, '"'));
    while (at < end) {
        size_t n_chunk = (size_t)(end - at) < CHUNK_BYTES ? (size_t)(end - at) : CHUNK_BYTES;
        const uint8_t *chunk_end = at + n_chunk;
        /* the last character may reach beyond the chunk */
        TG_TRY(tg_run_ensure(run, (n_chunk + 4) * ESCAPED_BYTES));
        while (at < chunk_end) {
            size_t n = tg_utf8_character(at, end);
            TG_TRY(put_character(run, at, n));
            at += n;
        }
    }
    return put_char(run, '"');
}

static tg_status_t
put_base64(tg_run_t *run, tg_bytes_t bytes)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    TG_TRY(tg_run_ensure(run, bytes.n_bytes / 3 * 4 + 8));
    *run->out++ = '"';
    for (size_t i = 0; i < bytes.n_bytes; i += 3) {
        size_t n = bytes.n_bytes - i;
        uint32_t bits = (uint32_t)bytes.data[i] << 16;
        bits |= n > 1 ? (uint32_t)bytes.data[i + 1] << 8 : 0;
        bits |= n > 2 ? bytes.data[i + 2] : 0;
        *run->out++ = (uint8_t)digits[bits >> 18];
        *run->out++ = (uint8_t)digits[bits >> 12 & 63];
        *run->out++ = n > 1 ? (uint8_t)digits[bits >> 6 & 63] : '=';
        *run->out++ = n > 2 ? (uint8_t)digits[bits & 63] : '=';
    }
    *run->out++ = '"';
    return TG_OK;
}

static tg_status_t
put_integer(tg_run_t *run, int64_t value)
{
    char text[NUMBER_BYTES];
    char *at = text + sizeof text;
    uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    do {
        *--at = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest > 0);
    if (value < 0) {
        *--at = '-';
    }
    return put_chars(run, at, (size_t)(text + sizeof text - at));
}

static tg_status_t
put_zeros(tg_run_t *run, size_t n_zeros)
{
    TG_TRY(tg_run_ensure(run, n_zeros));
    memset(run->out, '0', n_zeros);
    run->out += n_zeros;
    return TG_OK;
}

/* The point stands within the digits, or before them. */
static tg_status_t
put_fraction(tg_run_t *run, const char *digits, size_t n_digits, size_t n_behind)
{
    if (n_digits > n_behind) {
        TG_TRY(put_chars(run, digits, n_digits - n_behind));
        TG_TRY(put_char(run, '.'));
        return put_chars(run, digits + n_digits - n_behind, n_behind);
    }
    TG_TRY(put_word(run, "0."));
    TG_TRY(put_zeros(run, n_behind - n_digits));
    return put_chars(run, digits, n_digits);
}

/* digits * 10^-scale without an exponent */
static tg_status_t
put_plain(tg_run_t *run, bool negative, const char *digits, size_t n_digits, int32_t scale)
{
    TG_TRY(put_chars(run, "-", negative ? 1 : 0));
    if (scale > 0) {
        return put_fraction(run, digits, n_digits, (size_t)scale);
    }
    bool zero = n_digits == 1 && *digits == '0';
    TG_TRY(put_chars(run, digits, n_digits));
    return put_zeros(run, zero ? 0 : 0 - (size_t)(int64_t)scale);
}

static tg_status_t
put_real(tg_run_t *run, tg_decimal_t value)
{
    char digits[NUMBER_BYTES];
    int n = snprintf(digits, sizeof digits, "%" PRIu64, value.digits);
    int32_t exponent = n - 1 - value.scale; /* of the first digit */
    if (exponent >= -7 && exponent < 21) {
        return put_plain(run, value.negative, digits, (size_t)n, value.scale);
    }
    char text[NUMBER_BYTES];
    int length = snprintf(text, sizeof text, "%s%c%s%se%d", value.negative ? "-" : "", digits[0],
                          n > 1 ? "." : "", digits + 1, exponent);
    return put_chars(run, text, (size_t)length);
}

static tg_status_t
put_not_finite(tg_run_t *run, double value, bool quoted)
{
    const char *word = isnan(value) ? "NaN" : value < 0 ? "-Infinity" : "Infinity";
    return put_quoted(run, word, strlen(word), quoted);
}

static tg_status_t
put_decimal(tg_run_t *run, const tg_node_t *node, int32_t size)
{
    tg_bytes_t unscaled;
    int32_t scale = 0;
    TG_TRY(read_decimal(run, node, size, &unscaled, &scale));
    char digits[TG_NUMERIC_MAX_TEXT];
    size_t n_digits = 0;
    bool negative = false;
    const char *fault = NULL;
    if (scale > TG_NUMERIC_MAX_SCALE || scale < -TG_NUMERIC_MAX_DIGITS) {
        return run_fail(run, TG_ERR_OUT_OF_RANGE, "a decimal's scale is beyond PostgreSQL's");
    }
    if (tg_numeric_digits(unscaled, digits, &n_digits, &negative, &fault) != TG_OK) {
        return run_fail(run, TG_ERR_OUT_OF_RANGE, fault);
    }
    return put_plain(run, negative, digits, n_digits, scale);
}

static tg_status_t
put_time(tg_run_t *run, const tg_node_t *node, bool quoted)
{
    int64_t value = 0;
    TG_TRY(read_long(run, &value));
    if (node->kind == TG_NODE_INT && (value < INT32_MIN || value > INT32_MAX)) {
        return run_fail(run, TG_ERR_INVALID, "an Avro int has more than 32 bits");
    }
    char text[TG_TEMPORAL_TEXT_BYTES];
    tg_logical_t logical = node->logical;
    int64_t units = 1000;
    if (logical == TG_LOGICAL_TIME_MICROS || logical == TG_LOGICAL_TIMESTAMP_MICROS ||
        logical == TG_LOGICAL_LOCAL_MICROS) {
        units = 1000000;
    } else if (logical == TG_LOGICAL_TIMESTAMP_NANOS || logical == TG_LOGICAL_LOCAL_NANOS) {
        units = 1000000000;
    }
    bool utc = logical == TG_LOGICAL_TIMESTAMP_MILLIS || logical == TG_LOGICAL_TIMESTAMP_MICROS ||
               logical == TG_LOGICAL_TIMESTAMP_NANOS;
    size_t n = logical == TG_LOGICAL_DATE ? tg_temporal_date_text(value, text)
               : logical == TG_LOGICAL_TIME_MILLIS || logical == TG_LOGICAL_TIME_MICROS
                   ? tg_temporal_time_text(value, units, text)
                   : tg_temporal_timestamp_text(value, units, utc, text);
    return put_quoted(run, text, n, quoted);
}

static tg_status_t
put_uuid(tg_run_t *run, bool quoted)
{
    static const char hex[] = "0123456789abcdef";
    tg_bytes_t bytes;
    TG_TRY(read_run(run, 16, &bytes));
    char text[36];
    size_t n = 0;
    for (size_t i = 0; i < bytes.n_bytes; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10) {
            text[n++] = '-';
        }
        text[n++] = hex[bytes.data[i] >> 4];
        text[n++] = hex[bytes.data[i] & 15];
    }
    return put_quoted(run, text, n, quoted);
}

static tg_status_t
put_duration(tg_run_t *run, bool quoted)
{
    tg_bytes_t bytes;
    TG_TRY(read_run(run, 12, &bytes));
    char text[TG_TEMPORAL_TEXT_BYTES];
    size_t n = tg_temporal_duration_text(load_u32_le(bytes.data), load_u32_le(bytes.data + 4),
                                         load_u32_le(bytes.data + 8), text);
    return put_quoted(run, text, n, quoted);
}

static tg_status_t
put_floating(tg_run_t *run, const tg_node_t *node, bool quoted)
{
    float single = 0;
    double value = 0;
    if (node->kind == TG_NODE_DOUBLE) {
        TG_TRY(read_double(run, &value));
        return isfinite(value) ? put_real(run, tg_decimal_of_double(value))
                               : put_not_finite(run, value, quoted);
    }
    TG_TRY(read_float(run, &single));
    return isfinite(single) ? put_real(run, tg_decimal_of_float(single))
                            : put_not_finite(run, (double)single, quoted);
}

/* Everything but string, bytes and plain fixed: these differ between JSON and plain text. */
static tg_status_t
put_scalar(tg_run_t *run, const tg_node_t *node, int32_t size, bool quoted)
{
    int64_t number = 0;
    bool flag = false;
    if (node->logical == TG_LOGICAL_DECIMAL || node->logical == TG_LOGICAL_BIG_DECIMAL) {
        return put_decimal(run, node, size);
    }
    if (node->kind == TG_NODE_FIXED) {
        return node->logical == TG_LOGICAL_UUID ? put_uuid(run, quoted) : put_duration(run, quoted);
    }
    if (node->kind == TG_NODE_FLOAT || node->kind == TG_NODE_DOUBLE) {
        return put_floating(run, node, quoted);
    }
    if (node->kind == TG_NODE_BOOLEAN) {
        TG_TRY(read_boolean(run, &flag));
        return put_word(run, flag ? "true" : "false");
    }
    if (node->logical != TG_LOGICAL_NONE) {
        return put_time(run, node, quoted);
    }
    TG_TRY(read_long(run, &number));
    if (node->kind == TG_NODE_INT && (number < INT32_MIN || number > INT32_MAX)) {
        return run_fail(run, TG_ERR_INVALID, "an Avro int has more than 32 bits");
    }
    return put_integer(run, number);
}

static tg_status_t
put_key(tg_run_t *run, const char *key)
{
    TG_TRY(put_string(run, tg_bytes_of_text(key)));
    return put_char(run, ':');
}

static tg_status_t
put_record(tg_run_t *run, const tg_node_t *node)
{
    TG_TRY(put_char(run, '{'));
    for (size_t i = 0; i < node->n_children; i++) {
        TG_TRY(i > 0 ? put_char(run, ',') : TG_OK);
        TG_TRY(put_key(run, node->fields[i].name));
        TG_TRY(put_value(run, node->fields[i].node, TG_SIZE_PREFIXED));
    }
    return put_char(run, '}');
}

static tg_status_t
put_item(tg_run_t *run, const tg_node_t *node, bool first)
{
    tg_bytes_t key;
    TG_TRY(first ? TG_OK : put_char(run, ','));
    if (node->kind == TG_NODE_MAP) {
        TG_TRY(read_sized(run, TG_SIZE_PREFIXED, &key));
        TG_TRY(put_string(run, key));
        TG_TRY(put_char(run, ':'));
    }
    return put_value(run, node->branches[0], TG_SIZE_PREFIXED);
}

static tg_status_t
put_items(tg_run_t *run, const tg_node_t *node, uint64_t count, bool first)
{
    for (uint64_t i = 0; i < count; i++) {
        TG_TRY(put_item(run, node, first && i == 0));
    }
    return TG_OK;
}

static tg_status_t
put_blocks(tg_run_t *run, const tg_node_t *node)
{
    bool map = node->kind == TG_NODE_MAP;
    size_t item_bytes = node->branches[0]->min_bytes + (map ? 1 : 0);
    bool first = true;
    uint64_t count = 0;
    int64_t n_bytes = -1;
    TG_TRY(put_char(run, map ? '{' : '['));
    do {
        TG_TRY(read_block(run, item_bytes, &count, &n_bytes));
        TG_TRY(put_items(run, node, count, first));
        first = false;
    } while (count > 0);
    return put_char(run, map ? '}' : ']');
}

static tg_status_t
put_union(tg_run_t *run, const tg_node_t *node)
{
    size_t branch = 0;
    TG_TRY(read_branch(run, node->n_children, &branch));
    const tg_node_t *value = node->branches[branch];
    if (!node->tagged || value->kind == TG_NODE_NULL) {
        return put_value(run, value, TG_SIZE_PREFIXED);
    }
    TG_TRY(put_char(run, '{'));
    TG_TRY(put_key(run, tg_node_branch_name(value)));
    TG_TRY(put_value(run, value, TG_SIZE_PREFIXED));
    return put_char(run, '}');
}

static tg_status_t
put_nested(tg_run_t *run, const tg_node_t *node)
{
    if (run->depth >= run->plan->options.max_depth) {
        return run_fail(run, TG_ERR_TOO_LARGE, "the value is nested too deeply");
    }
    run->depth++;
    tg_status_t status = node->kind == TG_NODE_RECORD  ? put_record(run, node)
                         : node->kind == TG_NODE_UNION ? put_union(run, node)
                                                       : put_blocks(run, node);
    run->depth--;
    return status;
}

static tg_status_t
put_binary(tg_run_t *run, const tg_node_t *node, int32_t size)
{
    tg_bytes_t bytes;
    size = node->kind == TG_NODE_FIXED ? (int32_t)node->size : size;
    if (node->logical != TG_LOGICAL_NONE) {
        return put_scalar(run, node, size, true);
    }
    TG_TRY(read_sized(run, size, &bytes));
    return put_base64(run, bytes);
}

static tg_status_t
put_value(tg_run_t *run, const tg_node_t *node, int32_t size)
{
    tg_bytes_t bytes;
    const char *symbol = NULL;
    switch (node->kind) {
    case TG_NODE_NULL:
        return put_word(run, "null");
    case TG_NODE_RECORD:
    case TG_NODE_ARRAY:
    case TG_NODE_MAP:
    case TG_NODE_UNION:
        return put_nested(run, node);
    case TG_NODE_STRING:
        TG_TRY(read_sized(run, size, &bytes));
        return put_string(run, bytes);
    case TG_NODE_ENUM:
        TG_TRY(read_symbol(run, node, &symbol));
        return put_quoted(run, symbol, strlen(symbol), true);
    case TG_NODE_BYTES:
    case TG_NODE_FIXED:
        return put_binary(run, node, size);
    case TG_NODE_BOOLEAN:
    case TG_NODE_INT:
    case TG_NODE_LONG:
    case TG_NODE_FLOAT:
    case TG_NODE_DOUBLE:
    default:
        return put_scalar(run, node, size, true);
    }
}

/* Fills in the length in front of what was written since start, and holds varchar(n) to n. */
static tg_status_t
close_field(tg_run_t *run, const tg_step_t *step, size_t start)
{
    uint8_t *field = run->buffer->data + start;
    size_t n_bytes = (size_t)(run->out - field) - 4;
    int64_t n_characters = 0;
    for (size_t i = 0; step->limit >= 0 && i < n_bytes; i++) {
        n_characters += (field[4 + i] & 0xc0) != 0x80;
    }
    if (step->limit >= 0 && n_characters > step->limit) {
        return run_fail(run, TG_ERR_OUT_OF_RANGE, "the text is longer than the column");
    }
    (void)put_u32(field, (uint32_t)n_bytes);
    return TG_OK;
}

tg_status_t
tg_run_json(tg_run_t *run, const tg_step_t *step)
{
    TG_TRY(tg_run_ensure(run, 8));
    size_t start = (size_t)(run->out - run->buffer->data);
    /* A null around everything is SQL's NULL, not JSON's. */
    const uint8_t *before = run->at;
    if (step->node->kind == TG_NODE_UNION) {
        size_t branch = 0;
        TG_TRY(read_branch(run, step->node->n_children, &branch));
        if (step->node->branches[branch]->kind == TG_NODE_NULL) {
            run->out = put_null(run->out);
            return step->not_null ? run_fail(run, TG_ERR_OUT_OF_RANGE,
                                             "the value is null and the column is NOT NULL")
                                  : TG_OK;
        }
        run->at = before;
    }
    run->out += 4;
    if (step->type_oid == TG_PG_JSONB) {
        *run->out++ = 1;
    }
    TG_TRY(put_value(run, step->node, step->size));
    return close_field(run, step, start);
}

tg_status_t
tg_run_scalar_text(tg_run_t *run, const tg_step_t *step)
{
    TG_TRY(tg_run_ensure(run, 4));
    size_t start = (size_t)(run->out - run->buffer->data);
    run->out += 4;
    TG_TRY(put_scalar(run, step->node, step->size, false));
    return close_field(run, step, start);
}
