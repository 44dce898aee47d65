/*
 * Claims: how a lane finds out where it stands (design.md section 3, "Claim").
 *
 * Kafka is asked first, by a synchronous commit under the current generation: a lane that the group
 * has given to somebody else must not take the ledger row from its new owner. Then the row gets a
 * fresh token, committed synchronously.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "writer_internal.h"

enum {
    MAX_CLAIMS_AT_ONCE = 256,
    OFFSET_TIMEOUT_MS = 5000,
    VERIFY_EVERY_MS = 30000,
    START_TIMEOUT_MS = 60000 /* the poll thread may be waiting for a revocation */
};

typedef struct {
    size_t n;
    tg_lane_t *lanes[MAX_CLAIMS_AT_ONCE];
    tg_ledger_entry_t entries[MAX_CLAIMS_AT_ONCE];
} claim_set_t;

static bool
is_due(const tg_writer_t *writer, const tg_lane_t *lane, int64_t now_ms)
{
    if (lane->releasing || writer->draining || !tg_retry_is_due(&lane->retry, now_ms)) {
        return false;
    }
    switch (tg_lane_state(lane)) {
    case TG_LANE_CLAIMING:
        return true;
    case TG_LANE_STARTING: /* the answer is lost */
        return now_ms - lane->starting_ms >= START_TIMEOUT_MS;
    case TG_LANE_STOPPED:
        return now_ms >= lane->recheck_ms;
    case TG_LANE_RUNNING:
    case TG_LANE_RELEASED:
    default:
        return false;
    }
}

/* Takes the partition's queue when the lane has none yet. */
static bool
open_queue(tg_writer_t *writer, tg_lane_t *lane)
{
    if (lane->queue != NULL) {
        return true;
    }
    const tg_partition_t partition = {
        .topic = lane->topic, .partition = lane->partition, .offset = -1};
    tg_error_t why;
    tg_status_t status = tg_partition_queue_open(writer->env->consumer, &partition, &writer->wake,
                                                 &lane->queue, &why);
    if (status != TG_OK) {
        TG_IGNORE(tg_error_wrap(&why, status, "opening the queue of %s[%" PRId32 "]", lane->topic,
                                lane->partition));
        tg_writer_lane_failed(writer, lane, &why);
    }
    return status == TG_OK;
}

/* Lanes that have failed before claim alone, so that one bad lane does not hold up the others. */
static void
collect(tg_writer_t *writer, claim_set_t *set)
{
    int64_t now_ms = tg_clock_now_ms(writer->env->clock);
    set->n = 0;
    for (size_t i = 0; i < writer->n_lanes && set->n < MAX_CLAIMS_AT_ONCE; i++) {
        tg_lane_t *lane = writer->lanes[i];
        if (!is_due(writer, lane, now_ms)) {
            continue;
        }
        bool alone = lane->retry.n_failures > 1;
        if ((alone && set->n > 0) || !open_queue(writer, lane)) {
            continue;
        }
        set->lanes[set->n] = lane;
        set->entries[set->n] = lane->entry;
        tg_ledger_token_new(set->entries[set->n].token);
        set->n++;
        if (alone) {
            return;
        }
    }
}

static void
all_failed(tg_writer_t *writer, const claim_set_t *set, const tg_error_t *why)
{
    for (size_t i = 0; i < set->n; i++) {
        tg_writer_lane_failed(writer, set->lanes[i], why);
    }
}

/* Where a lane without a ledger row begins, by the configuration; resolved once, then the ledger
 * knows. */
static tg_status_t
resolve_start(tg_writer_t *writer, const tg_ledger_entry_t *entry, int64_t *ret_offset,
              tg_error_t *err)
{
    tg_writer_env_t *env = writer->env;
    const tg_partition_t partition = {.topic = entry->topic, .partition = entry->partition};
    if (env->sink->start == TG_START_COMMITTED) {
        int64_t committed = -1;
        TG_TRY(
            tg_consumer_committed(env->consumer, &partition, OFFSET_TIMEOUT_MS, &committed, err));
        if (committed >= 0) {
            *ret_offset = committed;
            return TG_OK;
        }
    }
    int64_t start = 0;
    int64_t end = 0;
    TG_TRY(tg_consumer_watermarks(env->consumer, &partition, OFFSET_TIMEOUT_MS, &start, &end, err));
    *ret_offset = env->sink->start == TG_START_LATEST ? end : start;
    return TG_OK;
}

/* Drops those whose start cannot be found now. After one that failed the others are not asked for:
 * each question may take seconds, and the batches of other lanes wait meanwhile. */
static void
resolve_starts(tg_writer_t *writer, claim_set_t *set)
{
    size_t kept = 0;
    tg_error_t why = {.status = TG_OK};
    for (size_t i = 0; i < set->n; i++) {
        tg_status_t status = TG_OK;
        if (set->entries[i].next_offset < 0 && why.status != TG_OK) {
            tg_writer_lane_failed(writer, set->lanes[i], &why);
            continue;
        }
        if (set->entries[i].next_offset < 0) {
            status = resolve_start(writer, &set->entries[i], &set->entries[i].next_offset, &why);
            tg_health_beat(writer->health);
        }
        if (status != TG_OK) {
            TG_IGNORE(tg_error_wrap(&why, status, "finding where %s[%d] begins",
                                    set->lanes[i]->topic, set->lanes[i]->partition));
            tg_writer_lane_failed(writer, set->lanes[i], &why);
            continue;
        }
        set->lanes[kept] = set->lanes[i];
        set->entries[kept++] = set->entries[i];
    }
    set->n = kept;
}

static tg_status_t
ask_kafka(tg_writer_t *writer, const claim_set_t *set, tg_error_t *err)
{
    tg_partition_t partitions[MAX_CLAIMS_AT_ONCE];
    for (size_t i = 0; i < set->n; i++) {
        partitions[i] = (tg_partition_t){.topic = set->entries[i].topic,
                                         .partition = set->entries[i].partition,
                                         .offset = set->entries[i].next_offset};
    }
    return tg_consumer_commit_sync(writer->env->consumer, partitions, set->n, err);
}

/* What is encoded may still be good: drop what the ledger already has, keep the rest if it joins
 * on. */
static bool
keep_batches(tg_writer_t *writer, tg_lane_t *lane, int64_t next_offset)
{
    while (lane->first_sealed != NULL && lane->first_sealed->next_offset <= next_offset) {
        tg_writer_batch_free(writer, tg_lane_take_batch(lane));
    }
    if (lane->first_sealed != NULL) {
        return lane->first_sealed->first_offset == next_offset;
    }
    if (lane->open != NULL) {
        return lane->open->first_offset == next_offset;
    }
    return lane->position == next_offset;
}

/* Asks the poll thread to fetch from position on. */
static void
lane_start(tg_writer_t *writer, tg_lane_t *lane)
{
    tg_lane_drop_pending(lane);
    lane->must_start = true;
    lane->start_number = ++writer->n_starts;
    lane->starting_ms = tg_clock_now_ms(writer->env->clock);
    tg_op_t *op = calloc(1, sizeof *op);
    if (op != NULL) {
        *op = (tg_op_t){.kind = TG_OP_START,
                        .lane = tg_lane_ref(lane),
                        .offset = lane->position,
                        .start_number = lane->start_number};
    }
    if (op == NULL || tg_queue_push(writer->env->control, op) != TG_OK) {
        if (op != NULL) {
            tg_lane_unref(op->lane);
            free(op);
        }
        tg_error_t why;
        TG_IGNORE(tg_error_set(&why, TG_ERR_FULL, "the poll thread does not keep up"));
        tg_writer_lane_set_state(writer, lane, TG_LANE_CLAIMING);
        tg_writer_lane_failed(writer, lane, &why);
        return;
    }
    tg_writer_lane_set_state(writer, lane, TG_LANE_STARTING);
    tg_consumer_interrupt(writer->env->consumer);
}

static void
lane_claimed(tg_writer_t *writer, tg_lane_t *lane, const tg_ledger_entry_t *entry)
{
    lane->entry = *entry;
    lane->seen_ms = tg_clock_now_ms(writer->env->clock);
    atomic_store(&lane->written_offset, entry->next_offset);
    tg_series_add(lane->series.claims, 1);
    tg_series_set(lane->series.next_offset, (double)entry->next_offset);
    bool kept = lane->position >= 0 && keep_batches(writer, lane, entry->next_offset);
    TG_LOG_INFO(writer->env->log, "lane claimed", TG_S("sink", writer->env->sink->name),
                TG_S("topic", lane->topic), TG_I("partition", lane->partition),
                TG_I("next_offset", entry->next_offset), TG_I("epoch", entry->epoch),
                TG_B("buffers_kept", kept));
    if (!kept) {
        tg_writer_lane_rewind(writer, lane);
        lane->position = entry->next_offset;
    }
    if (lane->must_start) {
        lane_start(writer, lane);
        return;
    }
    lane->maybe_more = true;
    tg_writer_lane_set_state(writer, lane, TG_LANE_RUNNING);
    tg_writer_lane_holds(lane);
}

/* A row that cannot be locked is held by somebody who neither commits nor leaves: end that session,
 * and claim again. */
static void
evict_holders(tg_writer_t *writer, const tg_ledger_t *ledger, const claim_set_t *set)
{
    int n = 0;
    tg_error_t why;
    tg_status_t status =
        tg_ledger_evict(ledger, writer->connection, set->entries, set->n, &n, &why);
    if (status != TG_OK) {
        TG_LOG_WARNING(writer->env->log, "a session that holds ledger rows cannot be ended",
                       TG_S("sink", writer->env->sink->name), TG_S("error", why.text));
    } else if (n > 0) {
        TG_LOG_WARNING(writer->env->log, "ended sessions that held ledger rows without going on",
                       TG_S("sink", writer->env->sink->name), TG_I("sessions", n));
    }
}

void
tg_writer_claim(tg_writer_t *writer)
{
    claim_set_t *set = malloc(sizeof *set);
    if (set == NULL) {
        return; /* the lanes are due again at the next turn */
    }
    collect(writer, set);
    const tg_ledger_t ledger = {.cluster_id = writer->env->cluster_id,
                                .sink = writer->env->sink->name};
    tg_error_t why = {.status = TG_OK};
    tg_status_t status = TG_OK;
    if (set->n > 0) {
        status = tg_ledger_read(&ledger, writer->connection, set->entries, set->n, &why);
    }
    if (status == TG_OK) {
        resolve_starts(writer, set);
    }
    if (status == TG_OK && set->n > 0) {
        status = ask_kafka(writer, set, &why);
    }
    if (status == TG_OK && set->n > 0) {
        TG_FAULT("writer.before_claim");
        status = tg_ledger_claim(&ledger, writer->connection, set->entries, set->n, &why);
    }
    if (status != TG_OK) {
        TG_IGNORE(tg_error_wrap(&why, status, "claiming lanes"));
        all_failed(writer, set, &why);
        if (!tg_connection_is_open(writer->connection)) {
            tg_writer_connection_lost(writer, &why);
        } else if (strcmp(why.sqlstate, "55P03") == 0) {
            evict_holders(writer, &ledger, set);
        }
    }
    for (size_t i = 0; status == TG_OK && i < set->n; i++) {
        lane_claimed(writer, set->lanes[i], &set->entries[i]);
    }
    free(set);
}

/* --- idle lanes --- */

static bool
is_idle(const tg_lane_t *lane)
{
    return tg_lane_state(lane) == TG_LANE_RUNNING && !lane->releasing &&
           lane->first_sealed == NULL && lane->open == NULL;
}

static void
collect_idle(const tg_writer_t *writer, claim_set_t *set)
{
    int64_t now_ms = tg_clock_now_ms(writer->env->clock);
    set->n = 0;
    for (size_t i = 0; i < writer->n_lanes && set->n < MAX_CLAIMS_AT_ONCE; i++) {
        tg_lane_t *lane = writer->lanes[i];
        if (is_idle(lane) && now_ms - lane->seen_ms >= VERIFY_EVERY_MS) {
            lane->seen_ms = now_ms;
            set->lanes[set->n] = lane;
            set->entries[set->n++] = lane->entry;
        }
    }
}

static void
compare_idle(tg_writer_t *writer, const claim_set_t *set)
{
    for (size_t i = 0; i < set->n; i++) {
        tg_lane_t *lane = set->lanes[i];
        if (set->entries[i].next_offset == lane->entry.next_offset) {
            continue;
        }
        TG_LOG_WARNING(writer->env->log, "the ledger has moved, claiming the lane again",
                       TG_S("sink", writer->env->sink->name), TG_S("topic", lane->topic),
                       TG_I("partition", lane->partition),
                       TG_I("expected", lane->entry.next_offset),
                       TG_I("found", set->entries[i].next_offset));
        tg_writer_lane_set_state(writer, lane, TG_LANE_CLAIMING);
    }
}

void
tg_writer_verify(tg_writer_t *writer)
{
    claim_set_t *set = malloc(sizeof *set);
    if (set == NULL) {
        return;
    }
    collect_idle(writer, set);
    const tg_ledger_t ledger = {.cluster_id = writer->env->cluster_id,
                                .sink = writer->env->sink->name};
    tg_error_t why = {.status = TG_OK};
    if (set->n > 0 &&
        tg_ledger_read(&ledger, writer->connection, set->entries, set->n, &why) == TG_OK) {
        compare_idle(writer, set);
    } else if (!tg_connection_is_open(writer->connection)) {
        TG_IGNORE(tg_error_wrap(&why, why.status, "comparing idle lanes with the ledger"));
        tg_writer_connection_lost(writer, &why);
    }
    free(set);
}
