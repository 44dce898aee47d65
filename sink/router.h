/*
 * Which table a topic's records go to, and by which route of the configuration.
 *
 * Flow:      topic of a lane -> [router] -> route, table name -> table plan
 * Promise:   the first route that matches wins, in the order of the file; without any routes a
 *            topic goes to the table of its own name in schema public. A part of a name that comes
 *            from a topic is quoted, so that dots in topics are safe; names past PostgreSQL's 63
 *            bytes are refused, never cut.
 * Errors:    TG_ERR_CONFIG (_new), TG_ERR_UNROUTED (_route)
 * Threads:   immutable once made, any
 */
#ifndef TG_SINK_ROUTER_H
#define TG_SINK_ROUTER_H

#include "base/buffer.h"
#include "config/config.h"

typedef struct tg_router tg_router_t;

/* sink is borrowed for the router's life. */
tg_status_t tg_router_new(const tg_sink_config_t *sink, tg_router_t **ret_router,
                          tg_error_t *err) TG_MUST_CHECK;
void tg_router_free(tg_router_t *router);
TG_DEFINE_FREEP(tg_router_t, tg_router_free)

/* Sets *ret_route (borrowed; a default route when the sink has none) and appends the table's name,
 * quoted for SQL, to table. */
tg_status_t tg_router_route(const tg_router_t *router, const char *topic,
                            const tg_route_config_t **ret_route, tg_buffer_t *table,
                            tg_error_t *err) TG_MUST_CHECK;

#endif
