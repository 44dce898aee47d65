/*
 * One Kafka record as the rest of the program sees it: views into librdkafka's fetch buffer, no
 * copy.
 *
 * Flow:      broker -> librdkafka -> partition queue -> [message] -> lane
 * Ownership: the views are borrowed until tg_messages_release(); handle is owned by librdkafka
 * Threads:   the thread that consumed it
 */
#ifndef TG_KAFKA_MESSAGE_H
#define TG_KAFKA_MESSAGE_H

#include <stdbool.h>

#include "base/bytes.h"
#include "base/error.h"

typedef enum tg_timestamp_kind {
    TG_TIMESTAMP_NONE,
    TG_TIMESTAMP_CREATE,     /* set by the producer */
    TG_TIMESTAMP_LOG_APPEND, /* set by the broker */
} tg_timestamp_kind_t;

typedef struct tg_message {
    tg_bytes_t key;   /* data NULL: no key */
    tg_bytes_t value; /* data NULL: tombstone */
    int64_t offset;
    int64_t timestamp_unix_ms; /* -1: none */
    tg_timestamp_kind_t timestamp_kind;
    void *handle;
} tg_message_t;

/* Whether it has any header. librdkafka parses anew at each question about a record without
 * headers, which costs more than decoding a narrow record: ask this once, before asking for names.
 */
bool tg_message_has_headers(const tg_message_t *message);

/* The last header of that name (Kafka allows several). False: no such header. A null value has data
 * NULL. */
bool tg_message_header(const tg_message_t *message, const char *name, tg_bytes_t *ret_value);

/* Calls visit for each header in order. */
void tg_message_headers_visit(const tg_message_t *message,
                              void (*visit)(void *arg, const char *name, tg_bytes_t value),
                              void *arg);

/* Gives them back to librdkafka; handles become NULL, views invalid. */
void tg_messages_release(tg_message_t *messages, size_t n_messages);

#endif
