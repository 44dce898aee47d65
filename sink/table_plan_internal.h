/*
 * The inside of a table plan, shared by table_plan.c (columns, targets) and table_evolution.c
 * (creation, new columns).
 */
#ifndef TG_SINK_TABLE_PLAN_INTERNAL_H
#define TG_SINK_TABLE_PLAN_INTERNAL_H

#include "avro/derive.h"
#include "base/arena.h"
#include "database/catalog.h"
#include "database/columnstore.h"
#include "table_plan.h"

/* PostgreSQL's own limit. */
enum { TG_TABLE_PLAN_MAX_COLUMNS = 1600 };

/* A target with what it depends on: one that is asked for again is found, so that reading the
 * catalogue anew, however often, costs no memory. */
typedef struct made_target made_target_t;

struct made_target {
    made_target_t *next;
    const char *signature; /* COPY statement and types */
    tg_copy_target_t target;
};

struct tg_table_plan {
    const tg_route_config_t *route;
    tg_log_t *log;
    char *name;        /* quoted for SQL */
    tg_arena_t *arena; /* targets */
    tg_table_t *table; /* NULL: read the catalogue first */
    tg_columnstore_t columnstore;
    const tg_copy_target_t *target;
    made_target_t *made;
    int n_made;
    /* the columns that the schemas seen fill, in COPY order; borrowed from table */
    size_t n_columns;
    tg_plan_column_t *columns;
    uint64_t generation;
    uint64_t version;
};

/* table_plan.c: reads the table and what the server knows of its columnstore. */
tg_status_t tg_table_plan_read(tg_table_plan_t *plan, tg_connection_t *connection,
                               tg_error_t *err) TG_MUST_CHECK;

/* table_evolution.c */
tg_status_t tg_table_plan_create(tg_table_plan_t *plan, tg_connection_t *connection,
                                 const tg_schema_t *schema, const tg_derived_table_t *derived,
                                 tg_error_t *err) TG_MUST_CHECK;
tg_status_t tg_table_plan_evolve(tg_table_plan_t *plan, tg_connection_t *connection,
                                 const tg_derived_table_t *derived, tg_error_t *err) TG_MUST_CHECK;

#endif
