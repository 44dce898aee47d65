/*
 * What the server's columnstore says, one look a minute: which chunks are compressed (rows that
 * fall in there are late), and whether direct compression fills its batches.
 */
#include "database/columnstore.h"

#include "writer_internal.h"

enum { LOOK_EVERY_MS = 60000 };

static tg_status_t
look_at_table(tg_writer_t *writer, const tg_copy_target_t *target, tg_error_t *err)
{
    TG_TRY(tg_chunk_watch_look(writer->chunk_watch, writer->connection, target->table_oid, err));
    /* How full the batches are is the same for all writers: the first one says it. */
    if (writer->index == 0 && target->direct_compress != TG_DIRECT_COMPRESS_OFF) {
        double rows = 0;
        TG_TRY(tg_columnstore_rows_per_batch(writer->connection, target->table_oid, &rows, err));
        tg_series_set(TG_SERIES(writer->env->metrics, TG_METRIC_SINK_COMPRESSED_BATCH_ROWS,
                                writer->env->sink->name, target->table_name),
                      rows);
    }
    return TG_OK;
}

void
tg_writer_look_at_columnstore(tg_writer_t *writer)
{
    int64_t now_ms = tg_clock_now_ms(writer->env->clock);
    if (now_ms - writer->columnstore_ms < LOOK_EVERY_MS) {
        return;
    }
    writer->columnstore_ms = now_ms;
    for (size_t i = 0; i < tg_bindings_n_tables(writer->bindings); i++) {
        const tg_copy_target_t *target =
            tg_table_plan_target(tg_bindings_table_at(writer->bindings, i));
        if (target == NULL || target->chunk_interval_us == 0 ||
            !tg_connection_is_open(writer->connection)) {
            continue;
        }
        tg_error_t why;
        if (look_at_table(writer, target, &why) != TG_OK) {
            TG_LOG_DEBUG(writer->env->log, "columnstore cannot be looked at",
                         TG_S("table", target->table_name), TG_S("error", why.text));
        }
    }
}
