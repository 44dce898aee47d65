#include "kafka/message.h"

#include "message_internal.h"

static tg_timestamp_kind_t
kind_of(rd_kafka_timestamp_type_t type)
{
    switch (type) {
    case RD_KAFKA_TIMESTAMP_CREATE_TIME:
        return TG_TIMESTAMP_CREATE;
    case RD_KAFKA_TIMESTAMP_LOG_APPEND_TIME:
        return TG_TIMESTAMP_LOG_APPEND;
    case RD_KAFKA_TIMESTAMP_NOT_AVAILABLE:
    default:
        return TG_TIMESTAMP_NONE;
    }
}

void
tg_message_view(rd_kafka_message_t *handle, tg_message_t *ret_message)
{
    rd_kafka_timestamp_type_t type = RD_KAFKA_TIMESTAMP_NOT_AVAILABLE;
    int64_t unix_ms = rd_kafka_message_timestamp(handle, &type);
    *ret_message = (tg_message_t){
        .key = tg_bytes_of(handle->key, handle->key_len),
        .value = tg_bytes_of(handle->payload, handle->len),
        .offset = handle->offset,
        .timestamp_unix_ms = unix_ms,
        .timestamp_kind = kind_of(type),
        .handle = handle,
    };
}

/* Parsing happens at the first question; NULL: no headers, or they cannot be parsed. */
static const rd_kafka_headers_t *
headers_of(const tg_message_t *message)
{
    rd_kafka_headers_t *headers = NULL;
    if (message->handle == NULL ||
        rd_kafka_message_headers(message->handle, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR) {
        return NULL;
    }
    return headers;
}

bool
tg_message_has_headers(const tg_message_t *message)
{
    return headers_of(message) != NULL;
}

bool
tg_message_header(const tg_message_t *message, const char *name, tg_bytes_t *ret_value)
{
    const rd_kafka_headers_t *headers = headers_of(message);
    const void *data = NULL;
    size_t n_bytes = 0;
    if (headers == NULL ||
        rd_kafka_header_get_last(headers, name, &data, &n_bytes) != RD_KAFKA_RESP_ERR_NO_ERROR) {
        return false;
    }
    *ret_value = tg_bytes_of(data, n_bytes);
    return true;
}

void
tg_message_headers_visit(const tg_message_t *message,
                         void (*visit)(void *arg, const char *name, tg_bytes_t value), void *arg)
{
    const rd_kafka_headers_t *headers = headers_of(message);
    const char *name = NULL;
    const void *data = NULL;
    size_t n_bytes = 0;
    for (size_t i = 0;
         headers != NULL &&
         rd_kafka_header_get_all(headers, i, &name, &data, &n_bytes) == RD_KAFKA_RESP_ERR_NO_ERROR;
         i++) {
        visit(arg, name, tg_bytes_of(data, n_bytes));
    }
}

void
tg_messages_release(tg_message_t *messages, size_t n_messages)
{
    for (size_t i = 0; i < n_messages; i++) {
        if (messages[i].handle != NULL) {
            rd_kafka_message_destroy(messages[i].handle);
            messages[i].handle = NULL;
        }
    }
}
