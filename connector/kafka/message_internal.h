/*
 * From librdkafka's message to ours.
 */
#ifndef TG_KAFKA_MESSAGE_INTERNAL_H
#define TG_KAFKA_MESSAGE_INTERNAL_H

#include <librdkafka/rdkafka.h>

#include "kafka/message.h"

/* handle is taken: tg_messages_release gives it back. */
void tg_message_view(rd_kafka_message_t *handle, tg_message_t *ret_message);

#endif
