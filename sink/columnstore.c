/*
 * Whether direct compression does what it should, as the server sees it: one look a minute, by the
 * first writer for all.
 */
#include "database/columnstore.h"

#include "writer_internal.h"

enum { LOOK_EVERY_MS = 60000 };

static void
look_at_table(tg_writer_t *writer, const tg_copy_target_t *target)
{
    double rows = 0;
    tg_error_t why;
    if (tg_columnstore_rows_per_batch(writer->connection, target->table_oid, &rows, &why) ==
        TG_OK) {
        tg_series_set(TG_SERIES(writer->env->metrics, TG_METRIC_SINK_COMPRESSED_BATCH_ROWS,
                                writer->env->sink->name, target->table_name),
                      rows);
    } else {
        TG_LOG_DEBUG(writer->env->log, "compressed batches cannot be looked at",
                     TG_S("table", target->table_name), TG_S("error", why.text));
    }
}

void
tg_writer_look_at_columnstore(tg_writer_t *writer)
{
    int64_t now_ms = tg_clock_now_ms(writer->env->clock);
    if (writer->index != 0 || now_ms - writer->columnstore_ms < LOOK_EVERY_MS) {
        return;
    }
    writer->columnstore_ms = now_ms;
    for (size_t i = 0; i < tg_bindings_n_tables(writer->bindings); i++) {
        const tg_copy_target_t *target =
            tg_table_plan_target(tg_bindings_table_at(writer->bindings, i));
        if (target != NULL && target->direct_compress != TG_DIRECT_COMPRESS_OFF &&
            tg_connection_is_open(writer->connection)) {
            look_at_table(writer, target);
        }
    }
}
