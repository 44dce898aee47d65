/*
 * The listening socket: opened by us, so that what is wrong with the address is said by name.
 */
#ifndef TG_MONITORING_HTTP_INTERNAL_H
#define TG_MONITORING_HTTP_INTERNAL_H

#include <stdint.h>

#include "base/error.h"

/* address as in tg_http_options_t; the socket is owned, and listens. */
tg_status_t tg_http_listen(const char *address, int *ret_fd, uint16_t *ret_port,
                           tg_error_t *err) TG_MUST_CHECK;

#endif
