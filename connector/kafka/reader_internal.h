/*
 * Reads single records again, by a handle of its own that is made at the first question.
 *
 * Threads:   any; one question at a time
 */
#ifndef TG_KAFKA_READER_INTERNAL_H
#define TG_KAFKA_READER_INTERNAL_H

#include "client_internal.h"
#include "kafka/consumer.h"

typedef struct tg_reader tg_reader_t;

tg_status_t tg_reader_open(const tg_kafka_client_options_t *options, tg_reader_t **ret_reader,
                           tg_error_t *err) TG_MUST_CHECK;
void tg_reader_close(tg_reader_t *reader);

tg_status_t tg_reader_fetch(tg_reader_t *reader, const tg_partition_t *partition,
                            int64_t timeout_ms, tg_message_t *ret_message,
                            tg_error_t *err) TG_MUST_CHECK;

#endif
