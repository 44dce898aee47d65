/*
 * The SQL type of a single node, also for messages that say what would fit.
 */
#ifndef TG_AVRO_DERIVE_INTERNAL_H
#define TG_AVRO_DERIVE_INTERNAL_H

#include "schema_internal.h"

enum { TG_TYPE_SQL_BYTES = 64 };

/* The SQL type of the column that holds a node best (nullable ones as their value). */
void tg_derive_type_sql(const tg_node_t *node, char ret_sql[TG_TYPE_SQL_BYTES]);

#endif
