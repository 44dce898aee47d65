/*
 * How this room makes librdkafka handles: configuration, log lines, and what an error code means to
 * us.
 *
 * Promise:   the first member of everything that is a handle's opaque is a tg_kafka_link_t
 * Threads:   _conf_*: any; the callbacks of a link run on librdkafka's threads (log) or on the
 *            thread that polls the handle (error)
 */
#ifndef TG_KAFKA_CLIENT_INTERNAL_H
#define TG_KAFKA_CLIENT_INTERNAL_H

#include <librdkafka/rdkafka.h>

#include "kafka/client.h"

#define TG_KAFKA_DETAIL_BYTES 512

typedef struct tg_kafka_link {
    tg_log_t *_Atomic log; /* borrowed; NULL: the owner has left the handle behind */
    const char *role; /* "member", "fetcher", "reader", "producer", "probe": names it in the log */
    /* May be NULL. reason is librdkafka's text. */
    void (*on_error)(rd_kafka_t *rk, void *link, rd_kafka_resp_err_t code, const char *reason);
} tg_kafka_link_t;

/* A configuration with what all handles share; link is borrowed for the handle's life. */
tg_status_t tg_kafka_conf_new(const tg_kafka_client_options_t *options, tg_kafka_link_t *link,
                              rd_kafka_conf_t **ret_conf, tg_error_t *err) TG_MUST_CHECK;

typedef struct tg_kafka_setting {
    const char *name;
    const char *value;
} tg_kafka_setting_t;

/* Our own settings: a refusal is a defect of ours. */
tg_status_t tg_kafka_conf_set(rd_kafka_conf_t *conf, const char *name, const char *value,
                              tg_error_t *err) TG_MUST_CHECK;
tg_status_t tg_kafka_conf_set_int(rd_kafka_conf_t *conf, const char *name, int64_t value,
                                  tg_error_t *err) TG_MUST_CHECK;
tg_status_t tg_kafka_conf_set_all(rd_kafka_conf_t *conf, const tg_kafka_setting_t *settings,
                                  size_t n_settings, tg_error_t *err) TG_MUST_CHECK;

/* For a property that only newer versions have: true when this one has it. */
bool tg_kafka_conf_try(rd_kafka_conf_t *conf, const char *name, const char *value);

/* The user's properties, over what is set so far. */
tg_status_t tg_kafka_conf_set_user(rd_kafka_conf_t *conf, const tg_kafka_client_options_t *options,
                                   tg_error_t *err) TG_MUST_CHECK;

/* Makes the handle; conf is taken in any case. */
tg_status_t tg_kafka_handle_new(rd_kafka_type_t type, rd_kafka_conf_t *conf, rd_kafka_t **ret_rk,
                                tg_error_t *err) TG_MUST_CHECK;

/* The status, and with it the reaction, that a code has when nothing more is known. */
tg_status_t tg_kafka_status(rd_kafka_resp_err_t code);

/* What the user can do about it, to be put behind a text; "" when there is nothing to add. */
const char *tg_kafka_advice(rd_kafka_resp_err_t code);

/* Fills err with "what: reason; advice". */
tg_status_t tg_kafka_error_set(tg_error_t *err, rd_kafka_resp_err_t code, const char *what,
                               const char *reason);

#endif
