#include "database/catalog.h"
#include "database/connection.h"
#include "database/copy_exchange.h"
#include "database/migrations.h"

#pragma GCC diagnostic ignored "-Wunused-parameter"

tg_status_t
tg_connection_new(const tg_connection_options_t *options, tg_connection_t **ret_connection,
                  tg_error_t *err)
{
    return tg_error_set(err, TG_ERR_INTERNAL, "not built yet");
}

void
tg_connection_free(tg_connection_t *connection)
{
}

tg_status_t
tg_connection_open(tg_connection_t *connection, tg_error_t *err)
{
    return tg_error_set(err, TG_ERR_INTERNAL, "not built yet");
}

void
tg_connection_close(tg_connection_t *connection)
{
}

bool
tg_connection_is_open(const tg_connection_t *connection)
{
    return false;
}

const char *
tg_connection_name(const tg_connection_t *connection)
{
    return NULL;
}

int
tg_connection_server_version(const tg_connection_t *connection)
{
    return 0;
}

tg_status_t
tg_connection_query(tg_connection_t *connection, const char *sql, const char *const *parameters,
                    int n_parameters, tg_result_t **ret_result, tg_error_t *err)
{
    return tg_error_set(err, TG_ERR_INTERNAL, "not built yet");
}

tg_status_t
tg_connection_execute(tg_connection_t *connection, const char *sql, tg_error_t *err)
{
    return tg_error_set(err, TG_ERR_INTERNAL, "not built yet");
}

void
tg_result_free(tg_result_t *result)
{
}

int
tg_result_n_rows(const tg_result_t *result)
{
    return 0;
}

int
tg_result_n_columns(const tg_result_t *result)
{
    return 0;
}

const char *
tg_result_text(const tg_result_t *result, int row, int column)
{
    return NULL;
}

int64_t
tg_result_int64(const tg_result_t *result, int row, int column)
{
    return 0;
}

bool
tg_result_bool(const tg_result_t *result, int row, int column)
{
    return false;
}

const char *
tg_result_column_name(const tg_result_t *result, int column)
{
    return NULL;
}

tg_status_t
tg_copy_exchange_new(tg_connection_t *connection, tg_copy_exchange_t **ret_exchange,
                     tg_error_t *err)
{
    return tg_error_set(err, TG_ERR_INTERNAL, "not built yet");
}

void
tg_copy_exchange_free(tg_copy_exchange_t *exchange)
{
}

tg_status_t
tg_copy_exchange_begin(tg_copy_exchange_t *exchange, const char *sql, int64_t deadline_ms,
                       tg_error_t *err)
{
    return tg_error_set(err, TG_ERR_INTERNAL, "not built yet");
}

tg_exchange_state_t
tg_copy_exchange_pump(tg_copy_exchange_t *exchange)
{
    return TG_EXCHANGE_FAILED;
}

tg_exchange_state_t
tg_copy_exchange_state(const tg_copy_exchange_t *exchange)
{
    return TG_EXCHANGE_FAILED;
}

int
tg_copy_exchange_copy_index(const tg_copy_exchange_t *exchange)
{
    return 0;
}

tg_status_t
tg_copy_exchange_put(tg_copy_exchange_t *exchange, tg_bytes_t bytes, size_t *ret_taken,
                     tg_error_t *err)
{
    return tg_error_set(err, TG_ERR_INTERNAL, "not built yet");
}

tg_status_t
tg_copy_exchange_copy_done(tg_copy_exchange_t *exchange, tg_error_t *err)
{
    return tg_error_set(err, TG_ERR_INTERNAL, "not built yet");
}

void
tg_copy_exchange_abort(tg_copy_exchange_t *exchange)
{
}

const tg_error_t *
tg_copy_exchange_error(const tg_copy_exchange_t *exchange)
{
    return NULL;
}

bool
tg_copy_exchange_outcome_unknown(const tg_copy_exchange_t *exchange)
{
    return false;
}

int64_t
tg_copy_exchange_failed_row(const tg_copy_exchange_t *exchange)
{
    return 0;
}

int
tg_copy_exchange_failed_copy(const tg_copy_exchange_t *exchange)
{
    return 0;
}

const tg_result_t *
tg_copy_exchange_rows(const tg_copy_exchange_t *exchange, int n)
{
    return NULL;
}

int
tg_copy_exchange_fd(const tg_copy_exchange_t *exchange)
{
    return 0;
}

short
tg_copy_exchange_events(const tg_copy_exchange_t *exchange)
{
    return 0;
}

int64_t
tg_copy_exchange_server_busy_us(const tg_copy_exchange_t *exchange)
{
    return 0;
}

int64_t
tg_copy_exchange_server_waiting_us(const tg_copy_exchange_t *exchange)
{
    return 0;
}

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
