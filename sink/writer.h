/*
 * A thread with one database connection, and the lanes that it owns.
 *
 * Flow:      lanes -> [writer] -> one flush at a time -> PostgreSQL; it decodes while the server
 *            digests
 * Promise:   a partition has one writer, so order within it holds and writers never meet on a
 *            ledger row; the writer never waits for anything but its doorbell and its socket,
 *            except in claims, DDL and reconnects, which have deadlines
 * Ops:       poll thread -> writer: ADD, STARTED, REMOVE, DRAIN;  writer -> poll thread: START
 *            (claimed, fetch from offset)
 * Threads:   _start, _stop and _post: the poll thread
 */
#ifndef TG_SINK_WRITER_H
#define TG_SINK_WRITER_H

#include "base/queue.h"
#include "dead_letter.h"
#include "lane.h"
#include "router.h"

typedef enum tg_op_kind {
    TG_OP_ADD,     /* poll -> writer: the lane is yours, claim it */
    TG_OP_STARTED, /* poll -> writer: records come from offset on */
    TG_OP_REMOVE,  /* poll -> writer: let go of the lane */
    TG_OP_DRAIN,   /* poll -> writer: read no more, write what is encoded, set drained */
    TG_OP_START    /* writer -> poll: claimed; fetch from offset */
} tg_op_kind_t;

typedef struct tg_op {
    tg_op_kind_t kind;
    tg_lane_t *lane; /* a reference of its own, or NULL */
    int64_t offset;
    uint64_t start_number;
    bool failed; /* STARTED: could not start; the writer claims again */
} tg_op_t;

/* What all writers of a sink share. Borrowed, must outlive them. */
typedef struct tg_writer_env {
    const tg_sink_config_t *sink;
    tg_connection_options_t database;
    int64_t statement_timeout_ms;
    int64_t lock_timeout_ms;
    _Atomic int64_t max_rows; /* reloadable */
    _Atomic int64_t max_bytes;
    _Atomic int64_t linger_ms;
    tg_consumer_t *consumer;
    tg_router_t *router;
    tg_schema_cache_t *schemas;
    tg_dead_letters_t *dead_letters;
    tg_metrics_t *metrics;
    tg_health_t *health;
    const tg_clock_t *clock;
    tg_log_t *log;
    tg_queue_t *control;    /* writer -> poll thread */
    tg_wake_t *released;    /* rung when a lane was released or a writer has drained */
    const char *cluster_id; /* set before the first ADD */
} tg_writer_env_t;

typedef struct tg_writer tg_writer_t;

tg_status_t tg_writer_start(tg_writer_env_t *env, int index, tg_writer_t **ret_writer,
                            tg_error_t *err) TG_MUST_CHECK;

/* Asks it to leave and waits for it. What is not written is left to Kafka. */
void tg_writer_stop(tg_writer_t *writer);

/* After _stop, and after the dead letters are closed: their acknowledgements refer to the writer's
 * batches. */
void tg_writer_free(tg_writer_t *writer);

/* Takes the reference in lane (may be NULL). Fails only when the program is out of memory or the
 * writer is stuck. */
tg_status_t tg_writer_post(tg_writer_t *writer, tg_op_kind_t kind, tg_lane_t *lane, int64_t offset,
                           uint64_t start_number, bool failed) TG_MUST_CHECK;

tg_wake_t *tg_writer_wake(tg_writer_t *writer);
bool tg_writer_has_drained(const tg_writer_t *writer);

#endif
