/*
 * One Kafka partition on its way into the database: where it stands, what is read, what is encoded
 * and not yet written.
 *
 *              claim ok, position kept                        release (any state)
 *   CLAIMING ------------------------------> RUNNING              |
 *      ^  ^ \                                 |  |                v
 *      |  |  `--claim ok--> STARTING ---------'  |             RELEASED
 *      |  |                 (poll thread         |
 *      |  |-- fenced, connection lost, rewind ---|
 *      `----- STOPPED <--------------------------'
 *             (an operator must act; looked at again every 30 s)
 *
 * Trouble is of two kinds, each with a backoff of its own: with claims and writing (retry), and
 * with what comes next (decoding): a registry that is away holds up no row that is encoded.
 *
 * Flow:      partition queue -> [lane] -> batches -> writer
 * Promise:   records below next_offset of the ledger are dropped and counted before they are
 *            decoded; offsets are never assumed contiguous; the batches cover the offsets without a
 *            hole, in order: entry.next_offset = first batch.first_offset, batch.next_offset = next
 *            batch.first_offset, ... <= position
 * Ownership: shared between the poll thread and its writer (_ref/_unref)
 * Threads:   the writer, except where a field says otherwise
 */
#ifndef TG_SINK_LANE_H
#define TG_SINK_LANE_H

#include <stdatomic.h>

#include "base/retry.h"
#include "batch.h"
#include "binding.h"
#include "kafka/consumer.h"
#include "ledger.h"
#include "monitoring/health.h"
#include "monitoring/metrics.h"

typedef enum tg_lane_state {
    TG_LANE_CLAIMING,
    TG_LANE_STARTING,
    TG_LANE_RUNNING,
    TG_LANE_STOPPED,
    TG_LANE_RELEASED
} tg_lane_state_t;

enum { TG_LANE_MAX_PENDING = 128 };

typedef struct tg_lane_series {
    tg_series_t *records, *rows, *batches, *bytes, *tombstones, *redelivered, *fenced, *claims;
    tg_series_t *next_offset;
} tg_lane_series_t;

typedef struct tg_lane {
    _Atomic int32_t n_refs;
    char *topic;
    int32_t partition;
    int writer;

    /* any thread */
    _Atomic int64_t written_offset;  /* next_offset that is committed; -1: not known */
    _Atomic int64_t written_unix_ms; /* newest timestamp written; -1: none */
    _Atomic int64_t pending_unix_ms; /* oldest timestamp read and not written; INT64_MAX: none */
    _Atomic bool released;
    _Atomic int state; /* tg_lane_state_t; the writer writes */

    /* poll thread */
    bool revoked;
    bool fetching;
    int64_t hinted_offset; /* last commit to Kafka */
    tg_series_t *lag_records, *lag_seconds;

    /* whoever reads the metrics, under the sink's lock */
    int64_t lagging_offset, lagging_unix_ms; /* what was written when it began to lag */

    /* writer */
    tg_partition_queue_t *queue;
    const tg_route_config_t *route;
    char *table_name;
    tg_table_plan_t *table;
    tg_ledger_entry_t entry; /* token, epoch, next_offset as the ledger has it */
    int64_t position;        /* next offset to decode; -1: not known */
    int64_t seen_ms;         /* when the ledger was last known to say so */
    bool must_start;         /* what the queue holds does not join on to position */
    uint64_t start_number;   /* the fetch that we wait for */
    int64_t starting_ms;     /* since when */
    bool maybe_more;         /* the queue may hold something */
    bool releasing;
    tg_retry_t retry;    /* claims and flushes */
    tg_retry_t decoding; /* the record at hand */
    bool blocked;        /* a batch or record was refused: only progress proves that it is over */
    bool replanned;      /* the catalogue was read again since the last commit */
    int64_t recheck_ms;  /* STOPPED: when to look again */
    int64_t missing_offset; /* what Kafka did not have; -1: nothing */
    size_t usual_bytes;     /* of its last batch */
    tg_batch_t *open;
    tg_batch_t *first_sealed, *last_sealed;
    bool in_flight; /* first_sealed is being written */
    /* messages taken from the queue and not yet decoded: [next_pending, n_pending) */
    size_t next_pending, n_pending;
    tg_message_t pending[TG_LANE_MAX_PENDING];
    /* the binding of the last record */
    bool has_key;
    tg_schema_key_t key;
    tg_binding_t *binding;
    bool wants_admit; /* key needs the database before it can go on */
    tg_lane_series_t series;
    tg_health_part_t *health;
} tg_lane_t;

tg_status_t tg_lane_new(const char *topic, int32_t partition, tg_lane_t **ret_lane,
                        tg_error_t *err) TG_MUST_CHECK;
tg_lane_t *tg_lane_ref(tg_lane_t *lane);
void tg_lane_unref(tg_lane_t *lane);

const char *tg_lane_state_name(tg_lane_state_t state);
tg_lane_state_t tg_lane_state(const tg_lane_t *lane);

/* Seals the open batch and puts it behind the others. */
void tg_lane_seal(tg_lane_t *lane);

/* The batch that would be written next; seals the open one if there is no other and it has
 * something. NULL: nothing. */
tg_batch_t *tg_lane_next_batch(tg_lane_t *lane);

/* Takes the first sealed batch out. */
tg_batch_t *tg_lane_take_batch(tg_lane_t *lane);

/* What its batches hold. */
size_t tg_lane_buffered_bytes(const tg_lane_t *lane);

/* Gives messages back that were not decoded. */
void tg_lane_drop_pending(tg_lane_t *lane);

#endif
