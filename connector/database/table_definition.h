/*
 * A table's definition as DDL.
 *
 * Promise:   names and literals are quoted, and a type is refused that could be more than a type,
 *            because names and types come from schemas that anybody may register
 */
#ifndef TG_DATABASE_TABLE_DEFINITION_H
#define TG_DATABASE_TABLE_DEFINITION_H

#include "base/buffer.h"
#include "database/catalog.h"
#include "object_name.h"

typedef struct tg_ddl_options {
    const char *timescaledb_schema; /* of the extension's functions; NULL: a plain table */
    bool create_schema;
    bool compress; /* the licence has compression */
} tg_ddl_options_t;

/* TG_ERR_CONFIG says what cannot work. */
tg_status_t tg_table_definition_check(const tg_table_definition_t *definition,
                                      tg_error_t *err) TG_MUST_CHECK;

/* Append statements, each with a semicolon and a line feed. The definition was checked. */
tg_status_t tg_table_definition_append_create(const tg_table_definition_t *definition,
                                              const tg_object_name_t *name,
                                              const tg_ddl_options_t *options,
                                              tg_buffer_t *sql) TG_MUST_CHECK;
tg_status_t tg_table_definition_append_columns(const tg_table_definition_t *definition,
                                               const tg_object_name_t *name,
                                               tg_buffer_t *sql) TG_MUST_CHECK;

#endif
