#include "database/catalog.h"
#include "database/migrations.h"

#pragma GCC diagnostic ignored "-Wunused-parameter"

tg_status_t
tg_catalog_table(tg_connection_t *connection, const char *name, tg_table_t **ret_table,
                 tg_error_t *err)
{
    return tg_error_set(err, TG_ERR_INTERNAL, "not built yet");
}

void
tg_table_free(tg_table_t *table)
{
}

const char *
tg_table_name(const tg_table_t *table)
{
    return NULL;
}

const char *
tg_table_plain_name(const tg_table_t *table)
{
    return NULL;
}

uint32_t
tg_table_oid(const tg_table_t *table)
{
    return 0;
}

bool
tg_table_is_hypertable(const tg_table_t *table)
{
    return false;
}

const char *
tg_table_time_column(const tg_table_t *table)
{
    return NULL;
}

bool
tg_table_can_insert(const tg_table_t *table)
{
    return false;
}

size_t
tg_table_n_columns(const tg_table_t *table)
{
    return 0;
}

const tg_column_t *
tg_table_column(const tg_table_t *table, size_t index)
{
    return NULL;
}

tg_status_t
tg_catalog_server(tg_connection_t *connection, tg_server_info_t *ret_info, tg_error_t *err)
{
    return tg_error_set(err, TG_ERR_INTERNAL, "not built yet");
}

tg_status_t
tg_catalog_create_table(tg_connection_t *connection, const tg_table_definition_t *definition,
                        bool *ret_plain, tg_error_t *err)
{
    return tg_error_set(err, TG_ERR_INTERNAL, "not built yet");
}

tg_status_t
tg_catalog_add_columns(tg_connection_t *connection, const tg_table_definition_t *definition,
                       tg_error_t *err)
{
    return tg_error_set(err, TG_ERR_INTERNAL, "not built yet");
}

tg_status_t
tg_catalog_create_table_sql(const tg_table_definition_t *definition, bool with_timescaledb,
                            struct tg_buffer *sql, tg_error_t *err)
{
    return tg_error_set(err, TG_ERR_INTERNAL, "not built yet");
}

tg_status_t
tg_migrations_status(tg_connection_t *connection, tg_migration_status_t *ret_statuses, size_t max,
                     size_t *ret_n, tg_error_t *err)
{
    return tg_error_set(err, TG_ERR_INTERNAL, "not built yet");
}

tg_status_t
tg_migrations_up(tg_connection_t *connection,
                 void (*on_applied)(void *arg, const tg_migration_status_t *migration), void *arg,
                 size_t *ret_n_applied, tg_error_t *err)
{
    return tg_error_set(err, TG_ERR_INTERNAL, "not built yet");
}

tg_status_t
tg_migrations_check(tg_connection_t *connection, tg_error_t *err)
{
    return tg_error_set(err, TG_ERR_INTERNAL, "not built yet");
}
