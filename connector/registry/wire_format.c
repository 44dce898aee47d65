#include "registry/wire_format.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/error.h"

enum {
    MAGIC_ID = 0x00,
    MAGIC_GUID = 0x01,
    ID_BYTES = 4,
    GUID_BYTES = 16,
    LONG_ID_BYTES = 8,
};

/* One header that can name a schema, and how its value is read. */
typedef struct header_form {
    const char *value_header;
    const char *key_header;
    tg_status_t (*parse)(tg_bytes_t header, tg_schema_key_t *ret_key, tg_error_t *err);
} header_form_t;

static int64_t
read_big_endian(const uint8_t *data, size_t n_bytes)
{
    uint64_t value = 0;
    for (size_t i = 0; i < n_bytes; i++) {
        value = value << 8 | data[i];
    }
    return n_bytes == ID_BYTES ? (int32_t)value : (int64_t)value;
}

/* An id as it is read, unless it is one that no registry gives. */
static tg_status_t
set_id(tg_schema_key_kind_t kind, int64_t id, tg_schema_key_t *ret_key, tg_error_t *err)
{
    if (id < 0) {
        return tg_error_set(err, TG_ERR_INVALID,
                            "the record names schema id %" PRId64
                            ", but ids are never negative: it was not written by a serializer of a "
                            "schema registry",
                            id);
    }
    *ret_key = (tg_schema_key_t){.kind = kind, .id = id};
    return TG_OK;
}

/* Magic byte and id or GUID, at the front of a payload or as the value of a header. */
static tg_status_t
parse_schema_id(tg_bytes_t bytes, const char *where, tg_schema_key_t *ret_key, size_t *ret_used,
                tg_error_t *err)
{
    if (bytes.n_bytes == 0) {
        return tg_error_set(err, TG_ERR_TRUNCATED,
                            "%s is empty, where a schema id should be (a byte 0 and 4 bytes of id, "
                            "or a byte 1 and a GUID)",
                            where);
    }
    uint8_t magic = bytes.data[0];
    if (magic != MAGIC_ID && magic != MAGIC_GUID) {
        return tg_error_set(
            err, TG_ERR_INVALID,
            "%s begins with byte 0x%02x, which is not the start of a schema id "
            "(0x00 or 0x01): was it written without a schema registry's serializer? "
            "For plain Avro, name its schema with fixed_schema",
            where, magic);
    }
    size_t needed = 1 + (size_t)(magic == MAGIC_ID ? ID_BYTES : GUID_BYTES);
    if (bytes.n_bytes < needed) {
        return tg_error_set(err, TG_ERR_TRUNCATED,
                            "%s ends after %zu bytes, inside its schema id of %zu bytes", where,
                            bytes.n_bytes, needed);
    }
    if (magic == MAGIC_ID) {
        TG_TRY(set_id(TG_SCHEMA_KEY_ID, read_big_endian(bytes.data + 1, ID_BYTES), ret_key, err));
    } else {
        *ret_key = (tg_schema_key_t){.kind = TG_SCHEMA_KEY_GUID};
        memcpy(ret_key->guid, bytes.data + 1, GUID_BYTES);
    }
    *ret_used = needed;
    return TG_OK;
}

static tg_status_t
parse_confluent_header(tg_bytes_t header, tg_schema_key_t *ret_key, tg_error_t *err)
{
    size_t used = 0;
    return parse_schema_id(header, "the header with the schema id", ret_key, &used, err);
}

static tg_status_t
parse_long_header(tg_bytes_t header, tg_schema_key_kind_t kind, tg_schema_key_t *ret_key,
                  tg_error_t *err)
{
    if (header.n_bytes != LONG_ID_BYTES) {
        return tg_error_set(err, header.n_bytes < LONG_ID_BYTES ? TG_ERR_TRUNCATED : TG_ERR_INVALID,
                            "the Apicurio header with the schema id has %zu bytes instead of 8",
                            header.n_bytes);
    }
    return set_id(kind, read_big_endian(header.data, LONG_ID_BYTES), ret_key, err);
}

/* Apicurio's Confluent-compatible API calls a content id just "id". */
static tg_status_t
parse_content_id_header(tg_bytes_t header, tg_schema_key_t *ret_key, tg_error_t *err)
{
    return parse_long_header(header, TG_SCHEMA_KEY_ID, ret_key, err);
}

static tg_status_t
parse_global_id_header(tg_bytes_t header, tg_schema_key_t *ret_key, tg_error_t *err)
{
    return parse_long_header(header, TG_SCHEMA_KEY_GLOBAL_ID, ret_key, err);
}

static const header_form_t HEADER_FORMS[] = {
    {"__value_schema_id", "__key_schema_id", parse_confluent_header},
    {"apicurio.value.contentId", "apicurio.key.contentId", parse_content_id_header},
    {"apicurio.value.globalId", "apicurio.key.globalId", parse_global_id_header},
};

static bool
find_header(const tg_header_lookup_t *headers, const char *name, tg_bytes_t *ret_value)
{
    return headers != NULL && headers->find != NULL &&
           headers->find(headers->arg, name, ret_value) && ret_value->data != NULL;
}

/* Apicurio's serializer can write Avro's JSON encoding; it says so in a header. */
static tg_status_t
check_encoding(const tg_header_lookup_t *headers, bool is_key, tg_error_t *err)
{
    tg_bytes_t encoding = {0};
    if (find_header(headers, is_key ? "apicurio.key.encoding" : "apicurio.value.encoding",
                    &encoding) &&
        tg_bytes_equal(encoding, tg_bytes_of_text("JSON"))) {
        return tg_error_set(err, TG_ERR_UNSUPPORTED,
                            "the record holds Avro in its JSON encoding (header apicurio.%s."
                            "encoding); set apicurio.registry.avro.encoding=BINARY in the producer",
                            is_key ? "key" : "value");
    }
    return TG_OK;
}

/* The key of the first header that names a schema; *ret_found: there is one. */
static tg_status_t
parse_headers(const tg_header_lookup_t *headers, bool is_key, tg_schema_key_t *ret_key,
              bool *ret_found, tg_error_t *err)
{
    for (size_t i = 0; i < TG_COUNT_OF(HEADER_FORMS); i++) {
        const header_form_t *form = &HEADER_FORMS[i];
        tg_bytes_t header = {0};
        if (find_header(headers, is_key ? form->key_header : form->value_header, &header)) {
            *ret_found = true;
            return form->parse(header, ret_key, err);
        }
    }
    *ret_found = false;
    return TG_OK;
}

tg_status_t
tg_wire_format_parse(tg_bytes_t value, bool is_key, const tg_header_lookup_t *headers,
                     tg_schema_key_t *ret_key, tg_bytes_t *ret_body, tg_error_t *err)
{
    if (value.data == NULL) {
        return tg_error_set(err, TG_ERR_INVALID, "the record has no %s, and so no schema",
                            is_key ? "key" : "value");
    }
    tg_schema_key_t key = {0};
    size_t used = 0;
    bool found = false;
    TG_TRY(parse_headers(headers, is_key, &key, &found, err));
    if (!found) {
        TG_TRY(parse_schema_id(value, is_key ? "the key" : "the value", &key, &used, err));
    }
    TG_TRY(check_encoding(headers, is_key, err));
    *ret_key = key;
    *ret_body = tg_bytes_of(value.data + used, value.n_bytes - used);
    return TG_OK;
}

const char *
tg_schema_key_guid_text(const uint8_t guid[16], char text[TG_GUID_TEXT_BYTES])
{
    static const char DIGITS[] = "0123456789abcdef";
    size_t at = 0;
    for (size_t i = 0; i < GUID_BYTES; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10) {
            text[at++] = '-';
        }
        text[at++] = DIGITS[guid[i] >> 4];
        text[at++] = DIGITS[guid[i] & 0x0f];
    }
    text[at] = '\0';
    return text;
}

const char *
tg_schema_key_text(const tg_schema_key_t *key, char *text, size_t n_bytes)
{
    char guid[TG_GUID_TEXT_BYTES];
    switch (key->kind) {
    case TG_SCHEMA_KEY_ID:
        (void)snprintf(text, n_bytes, "schema id %" PRId64, key->id);
        break;
    case TG_SCHEMA_KEY_GUID:
        (void)snprintf(text, n_bytes, "schema %s", tg_schema_key_guid_text(key->guid, guid));
        break;
    case TG_SCHEMA_KEY_GLOBAL_ID:
        (void)snprintf(text, n_bytes, "schema global id %" PRId64, key->id);
        break;
    case TG_SCHEMA_KEY_NAME:
        (void)snprintf(text, n_bytes, "schema \"%s\"", key->name != NULL ? key->name : "");
        break;
    }
    return text;
}

bool
tg_schema_key_equal(const tg_schema_key_t *a, const tg_schema_key_t *b)
{
    if (a->kind != b->kind) {
        return false;
    }
    switch (a->kind) {
    case TG_SCHEMA_KEY_ID:
    case TG_SCHEMA_KEY_GLOBAL_ID:
        return a->id == b->id;
    case TG_SCHEMA_KEY_GUID:
        return memcmp(a->guid, b->guid, sizeof a->guid) == 0;
    case TG_SCHEMA_KEY_NAME:
        return strcmp(a->name, b->name) == 0;
    }
    return false;
}
