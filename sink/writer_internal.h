/*
 * The writer's inside, shared by the files that are its verbs: claim.c, decode.c, flush.c,
 * bisect.c, writer.c.
 */
#ifndef TG_SINK_WRITER_INTERNAL_H
#define TG_SINK_WRITER_INTERNAL_H

#include "base/fault.h"
#include "base/thread.h"
#include "chunk_watch.h"
#include "database/copy_exchange.h"
#include "writer.h"

enum { TG_STOPPED_RECHECK_MS = 30000 };

/* What the connection is busy with: one batch of one lane. */
typedef struct tg_flight {
    tg_lane_t *lane; /* NULL: nothing */
    tg_batch_t *batch;
    int64_t began_us;
    int64_t deadline_ms;
    int copy_index; /* the COPY that is being fed */
    int stage;      /* 0 header, 1 rows, 2 trailer, 3 done */
    size_t n_sent;  /* of the stage */
} tg_flight_t;

struct tg_writer {
    tg_writer_env_t *env;
    int index;
    char name[24]; /* "writer[0]" */
    tg_thread_t thread;
    tg_wake_t wake;
    tg_queue_t *ops;
    tg_connection_t *connection;
    tg_copy_exchange_t *exchange;
    bool was_connected;
    tg_retry_t reconnect;
    tg_bindings_t *bindings;
    size_t n_lanes, lanes_capacity;
    tg_lane_t **lanes;
    size_t next_lane; /* whose turn it is to be written */
    tg_batch_t *idle_batches;
    size_t buffered_bytes; /* in batches of all lanes */
    size_t max_buffered_bytes;
    tg_flight_t flight;
    bool draining;
    _Atomic bool stopping;
    _Atomic bool drained;
    uint64_t n_starts;
    tg_buffer_t sql;
    tg_buffer_t frame;   /* COPY header, then trailer */
    tg_buffer_t scratch; /* for sorting rows; trades places with a part's */
    tg_chunk_watch_t *chunk_watch;
    int64_t refused_retry_ms;
    int64_t stats_ms;
    int64_t columnstore_ms;
    int64_t stats_busy_us, stats_waiting_us;
    tg_health_part_t *health;
    tg_series_t *connected, *buffered, *waiting_ratio, *reconnects, *flush_seconds, *batch_rows,
        *latency_seconds, *schemas, *truncated, *direct_rows, *rowstore_rows, *sorted_batches;
};

/* --- batch_pool.c --- */
/* usual_bytes: what the lane's batches have held lately. */
tg_batch_t *tg_writer_batch_new(tg_writer_t *writer, int64_t first_offset, size_t usual_bytes);
void tg_writer_batch_free(tg_writer_t *writer, tg_batch_t *batch);

/* --- writer_lanes.c --- */
/* Takes the reference. */
void tg_writer_lane_add(tg_writer_t *writer, tg_lane_t *lane);
/* Lets go of the lane and gives the reference back: what is not written is somebody else's now. */
void tg_writer_lane_release(tg_writer_t *writer, tg_lane_t *lane);
/* The poll thread's answer to START. */
void tg_writer_lane_started(tg_writer_t *writer, tg_lane_t *lane, const tg_op_t *op);
void tg_writer_lane_set_state(tg_writer_t *writer, tg_lane_t *lane, tg_lane_state_t state);
/* A claim or flush did not work: notes why, and when to try again. */
void tg_writer_lane_failed(tg_writer_t *writer, tg_lane_t *lane, const tg_error_t *why);
/* The same, and a claim that works is no sign that it is over. */
void tg_writer_lane_refused(tg_writer_t *writer, tg_lane_t *lane, const tg_error_t *why);
/* The record at hand has to wait. */
void tg_writer_lane_cannot_decode(tg_writer_t *writer, tg_lane_t *lane, const tg_error_t *why);
/* The lane has its claim (and its fetch). */
void tg_writer_lane_holds(tg_lane_t *lane);
/* A batch was written. */
void tg_writer_lane_progressed(tg_lane_t *lane);
/* A record was dealt with. */
void tg_writer_lane_decodes(tg_lane_t *lane);
/* Forgets everything read and not written; the lane claims again and reads from the ledger's
 * offset. */
void tg_writer_lane_rewind(tg_writer_t *writer, tg_lane_t *lane);
void tg_writer_lane_stop(tg_writer_t *writer, tg_lane_t *lane, const tg_error_t *why);
/* The oldest timestamp that is read and not written, for freshness. */
void tg_writer_lane_note_pending(tg_lane_t *lane);
/* Every lane must find out where it stands. */
void tg_writer_claim_again(tg_writer_t *writer);
/* The connection is gone: every lane must find out where it stands. */
void tg_writer_connection_lost(tg_writer_t *writer, const tg_error_t *why);

/* One turn: everything that can be done without waiting, then waits for work. Tests call it. */
void tg_writer_step(tg_writer_t *writer);

/* --- claim.c --- */
/* Claims every lane that is due; the connection must be open and idle. */
void tg_writer_claim(tg_writer_t *writer);

/* Compares lanes that have nothing to write with the ledger, now and then: a server that crashed,
 * or a standby that took over, has lost its last appends, and no flush of theirs would tell. The
 * connection must be open and idle. */
void tg_writer_verify(tg_writer_t *writer);

/* --- decode.c --- */
/* Decodes a bounded number of records of one lane; true when there may be more to do at once. */
bool tg_writer_decode(tg_writer_t *writer, tg_lane_t *lane);
/* Runs catalogue work that lanes wait for; the connection must be open and idle. */
void tg_writer_admit(tg_writer_t *writer);

/* --- flush.c --- */
/* Begins to write the next batch, if one is ready and the connection is free; true when it did. */
bool tg_writer_flush_begin(tg_writer_t *writer);
/* Moves the flush in flight as far as it goes without waiting. */
void tg_writer_flush_pump(tg_writer_t *writer);
/* The lane has something that it may write now or later without a new claim. */
bool tg_writer_flush_is_owed(const tg_lane_t *lane);
/* The next moment at which a batch becomes due by linger, or INT64_MAX. */
int64_t tg_writer_flush_due_ms(const tg_writer_t *writer);

/* --- columnstore.c --- */
/* Now and then, with the connection open and idle: which chunks are compressed, and how full their
 * compressed batches are. */
void tg_writer_look_at_columnstore(tg_writer_t *writer);

/* --- bisect.c --- */
/* Finds the rows that the server rejects, dead-letters their records and takes them out of the
 * batch. The connection must be idle. TG_OK: write the batch again. TG_ERR_CANCELLED: no dead
 * letter is tolerated; the batch ends before the culprit now, which is the record at its
 * next_offset. */
tg_status_t tg_writer_bisect(tg_writer_t *writer, tg_lane_t *lane, tg_batch_t *batch,
                             tg_error_t *err) TG_MUST_CHECK;

#endif
