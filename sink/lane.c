#include "lane.h"

#include <stdlib.h>

enum { RETRY_MIN_MS = 100, RETRY_MAX_MS = 10000 };

static const char *const STATES[] = {[TG_LANE_CLAIMING] = "claiming",
                                     [TG_LANE_STARTING] = "starting",
                                     [TG_LANE_RUNNING] = "running",
                                     [TG_LANE_STOPPED] = "stopped",
                                     [TG_LANE_RELEASED] = "released"};

const char *
tg_lane_state_name(tg_lane_state_t state)
{
    return STATES[state];
}

tg_lane_state_t
tg_lane_state(const tg_lane_t *lane)
{
    return (tg_lane_state_t)atomic_load(&lane->state);
}

tg_status_t
tg_lane_new(const char *topic, int32_t partition, tg_lane_t **ret_lane, tg_error_t *err)
{
    tg_lane_t *lane = calloc(1, sizeof *lane);
    char *name = strdup(topic);
    if (lane == NULL || name == NULL) {
        free(lane);
        free(name);
        return tg_error_set(err, TG_ERR_NO_MEMORY, "no memory for partition %s[%d]", topic,
                            partition);
    }
    atomic_init(&lane->n_refs, 1);
    lane->topic = name;
    lane->partition = partition;
    atomic_init(&lane->written_offset, -1);
    atomic_init(&lane->written_unix_ms, -1);
    atomic_init(&lane->pending_unix_ms, INT64_MAX);
    atomic_init(&lane->state, TG_LANE_CLAIMING);
    lane->hinted_offset = -1;
    lane->lagging_offset = -1;
    lane->entry = (tg_ledger_entry_t){.topic = name, .partition = partition, .next_offset = -1};
    lane->position = -1;
    tg_ledger_token_new(lane->entry.token);
    uint64_t seed;
    memcpy(&seed, lane->entry.token, sizeof seed);
    tg_retry_init(&lane->retry, RETRY_MIN_MS, RETRY_MAX_MS, seed);
    tg_retry_init(&lane->decoding, RETRY_MIN_MS, RETRY_MAX_MS, ~seed);
    lane->must_start = true;
    lane->missing_offset = -1;
    *ret_lane = lane;
    return TG_OK;
}

tg_lane_t *
tg_lane_ref(tg_lane_t *lane)
{
    atomic_fetch_add(&lane->n_refs, 1);
    return lane;
}

void
tg_lane_unref(tg_lane_t *lane)
{
    if (lane == NULL || atomic_fetch_sub(&lane->n_refs, 1) != 1) {
        return;
    }
    free(lane->table_name);
    free(lane->topic);
    free(lane);
}

void
tg_lane_seal(tg_lane_t *lane)
{
    tg_batch_t *batch = lane->open;
    lane->open = NULL;
    if (lane->last_sealed != NULL) {
        lane->last_sealed->next = batch;
    } else {
        lane->first_sealed = batch;
    }
    lane->last_sealed = batch;
}

tg_batch_t *
tg_lane_next_batch(tg_lane_t *lane)
{
    if (lane->first_sealed == NULL && lane->open != NULL && !tg_batch_is_empty(lane->open)) {
        tg_lane_seal(lane);
    }
    return lane->first_sealed;
}

tg_batch_t *
tg_lane_take_batch(tg_lane_t *lane)
{
    tg_batch_t *batch = lane->first_sealed;
    if (batch != NULL) {
        lane->first_sealed = batch->next;
        batch->next = NULL;
        if (lane->first_sealed == NULL) {
            lane->last_sealed = NULL;
        }
    }
    return batch;
}

size_t
tg_lane_buffered_bytes(const tg_lane_t *lane)
{
    size_t n_bytes = lane->open != NULL ? tg_batch_buffered_bytes(lane->open) : 0;
    for (const tg_batch_t *batch = lane->first_sealed; batch != NULL; batch = batch->next) {
        n_bytes += tg_batch_buffered_bytes(batch);
    }
    return n_bytes;
}

void
tg_lane_drop_pending(tg_lane_t *lane)
{
    if (lane->n_pending > lane->next_pending) {
        tg_messages_release(lane->pending + lane->next_pending,
                            lane->n_pending - lane->next_pending);
    }
    lane->next_pending = 0;
    lane->n_pending = 0;
}
