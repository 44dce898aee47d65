#include "sim_kafka.h"

#include <stdio.h>
#include <stdlib.h>

#include "kafka/consumer.h"

enum {
    MAX_RECORDS = 4000,
    ROW_SCHEMA_A = 1,
    ROW_SCHEMA_AB = 2,
    ROW_SCHEMA_C = 3,
    MISFIT = 4,
    UNKNOWN = 9
};

/* A message that was given out: memory of its own, so that a late look at it is seen. */
typedef struct {
    uint8_t *bytes;
} lent_t;

struct tg_partition_queue {
    int lane;
    tg_wake_t *wake;
};

typedef struct {
    sim_record_t *records;
    size_t n_records;
    int64_t log_start, log_end;
    int64_t committed;
    bool vouched; /* the group has said that the lane is ours */
    /* the group */
    bool ours; /* in the group's eyes */
    bool told; /* in the process's eyes */
    bool give_politely;
    bool to_give;
    /* the fetch */
    tg_partition_queue_t *queue;
    bool is_started;
    bool is_broken;
    tg_status_t broken;
    int64_t position;
    int64_t again_from; /* redelivery: comes once more; -1: none */
    int64_t again_to;
} partition_t;

struct tg_consumer {
    tg_consumer_events_t events;
    bool rung;
    int64_t polled_ms;
};

static partition_t the_partitions[SIM_LANES];
static struct tg_consumer the_consumer;
static int64_t the_n_borrowed;

int
sim_lane_of(const char *topic, int32_t partition)
{
    return (topic[1] - '0') * SIM_PARTITIONS + partition;
}

const char *
sim_lane_topic(int lane)
{
    return lane / SIM_PARTITIONS == 0 ? "t0" : "t1";
}

int32_t
sim_lane_partition(int lane)
{
    return lane % SIM_PARTITIONS;
}

bool
sim_kind_is_row(sim_kind_t kind)
{
    return kind == SIM_GOOD_A || kind == SIM_GOOD_AB || kind == SIM_GOOD_C;
}

bool
sim_kind_is_bad(sim_kind_t kind)
{
    return !sim_kind_is_row(kind) && kind != SIM_TOMBSTONE;
}

void
sim_kafka_open(void)
{
    for (int i = 0; i < SIM_LANES; i++) {
        int64_t start = sim_below(3) * 100;
        the_partitions[i] = (partition_t){.records = calloc(MAX_RECORDS, sizeof(sim_record_t)),
                                          .log_start = start,
                                          .log_end = start,
                                          .committed = -1,
                                          .again_from = -1};
    }
    the_n_borrowed = 0;
}

void
sim_kafka_close(void)
{
    for (int i = 0; i < SIM_LANES; i++) {
        free(the_partitions[i].records);
    }
}

/* --- the log --- */

sim_record_t *
sim_kafka_at(int lane, int64_t offset)
{
    partition_t *p = &the_partitions[lane];
    size_t low = 0;
    size_t high = p->n_records;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (p->records[middle].offset < offset) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < p->n_records ? &p->records[low] : NULL;
}

int64_t
sim_kafka_log_start(int lane)
{
    return the_partitions[lane].log_start;
}

int64_t
sim_kafka_log_end(int lane)
{
    return the_partitions[lane].log_end;
}

static size_t
put_long(uint8_t *out, int64_t value)
{
    uint64_t zigzag = ((uint64_t)value << 1) ^ (uint64_t)(value >> 63);
    size_t n = 0;
    while (zigzag >= 0x80) {
        out[n++] = (uint8_t)(zigzag | 0x80);
        zigzag >>= 7;
    }
    out[n++] = (uint8_t)zigzag;
    return n;
}

static sim_kind_t
draw_kind(void)
{
    if (sim_chance(930)) {
        return (sim_kind_t)sim_below(SIM_TOMBSTONE);
    }
    return (sim_kind_t)(SIM_TOMBSTONE + sim_below(SIM_KINDS - SIM_TOMBSTONE));
}

/* The id tells lane and offset, the other fields follow from it: a row can be checked alone. */
static void
encode(sim_record_t *record, int lane)
{
    static const uint8_t SCHEMAS[SIM_KINDS] = {
        [SIM_GOOD_A] = ROW_SCHEMA_A,   [SIM_GOOD_AB] = ROW_SCHEMA_AB,
        [SIM_GOOD_C] = ROW_SCHEMA_C,   [SIM_BAD_FRAME] = 1,
        [SIM_BAD_ID] = UNKNOWN,        [SIM_BAD_FIT] = MISFIT,
        [SIM_BAD_BODY] = ROW_SCHEMA_A, [SIM_BAD_ROW] = ROW_SCHEMA_A,
        [SIM_BAD_ROW_2] = ROW_SCHEMA_A};
    int64_t id = ((int64_t)lane << SIM_LANE_SHIFT) | record->offset;
    uint8_t *at = record->bytes;
    *at++ = record->kind == SIM_BAD_FRAME ? 7 : 0;
    *at++ = 0;
    *at++ = 0;
    *at++ = 0;
    *at++ = SCHEMAS[record->kind];
    if (record->kind == SIM_BAD_FIT) {
        *at++ = 2; /* the text "x" */
        *at++ = 'x';
    } else {
        at += put_long(at, id);
        int64_t first = record->kind == SIM_GOOD_C ? id + 3 : id + 1;
        first = record->kind == SIM_BAD_ROW ? -1 : record->kind == SIM_BAD_ROW_2 ? -2 : first;
        if (record->kind != SIM_BAD_BODY) {
            at += put_long(at, first);
        }
        if (record->kind == SIM_GOOD_AB) {
            at += put_long(at, id + 2);
        }
    }
    record->n_bytes = (size_t)(at - record->bytes);
}

static void
ring(partition_t *p)
{
    if (p->queue != NULL && p->queue->wake != NULL) {
        tg_wake_signal(p->queue->wake);
    }
}

void
sim_kafka_produce(int lane, int n_records)
{
    partition_t *p = &the_partitions[lane];
    for (int i = 0; i < n_records && p->n_records < MAX_RECORDS; i++) {
        if (sim_chance(100)) { /* compacted away, or a transaction's marker */
            p->log_end += 1 + (sim_chance(30) ? INT64_C(5000000000) : sim_below(5));
        }
        sim_record_t *record = &p->records[p->n_records++];
        *record = (sim_record_t){.offset = p->log_end++,
                                 .kind = draw_kind(),
                                 .timestamp_unix_ms = sim_now_ms() - sim_below(50)};
        encode(record, lane);
    }
    ring(p);
    sim_happened();
}

void
sim_kafka_truncate(int lane)
{
    partition_t *p = &the_partitions[lane];
    sim_record_t *record = sim_kafka_at(lane, p->log_start);
    if (record != NULL && p->log_end > record->offset) {
        int64_t index = record - p->records;
        int64_t n_left = (int64_t)p->n_records - index;
        p->log_start = p->records[index + sim_below(n_left)].offset;
        sim_happened();
    }
}

/* --- messages --- */

static void
lend(const sim_record_t *record, tg_message_t *ret_message)
{
    lent_t *lent = calloc(1, sizeof *lent);
    lent->bytes = malloc(record->n_bytes + 1);
    memcpy(lent->bytes, record->bytes, record->n_bytes);
    bool is_null = record->kind == SIM_TOMBSTONE;
    *ret_message = (tg_message_t){.value = is_null ? tg_bytes_of(NULL, 0)
                                                   : tg_bytes_of(lent->bytes, record->n_bytes),
                                  .offset = record->offset,
                                  .timestamp_unix_ms = record->timestamp_unix_ms,
                                  .handle = lent};
    the_n_borrowed++;
}

void
tg_messages_release(tg_message_t *messages, size_t n_messages)
{
    for (size_t i = 0; i < n_messages; i++) {
        lent_t *lent = messages[i].handle;
        if (lent != NULL) {
            free(lent->bytes);
            free(lent);
            messages[i].handle = NULL;
            the_n_borrowed--;
        }
    }
}

bool
tg_message_has_headers(const tg_message_t *message)
{
    (void)message;
    return false;
}

bool
tg_message_header(const tg_message_t *message, const char *name, tg_bytes_t *ret_value)
{
    (void)message;
    (void)name;
    (void)ret_value;
    return false;
}

void
tg_message_headers_visit(const tg_message_t *message,
                         void (*visit)(void *arg, const char *name, tg_bytes_t value), void *arg)
{
    (void)message;
    (void)visit;
    (void)arg;
}

int64_t
sim_kafka_n_borrowed(void)
{
    return the_n_borrowed;
}

/* --- the queue of a partition --- */

tg_status_t
tg_partition_queue_open(tg_consumer_t *consumer, const tg_partition_t *partition, tg_wake_t *wake,
                        tg_partition_queue_t **ret_queue, tg_error_t *err)
{
    (void)consumer;
    int lane = sim_lane_of(partition->topic, partition->partition);
    if (sim_chance(sim_world()->faults.kafka)) {
        return tg_error_set(err, TG_ERR_UNAVAILABLE, "the queue cannot be had");
    }
    if (!the_partitions[lane].told) {
        return tg_error_set(err, TG_ERR_FENCED, "not assigned");
    }
    tg_partition_queue_t *queue = calloc(1, sizeof *queue);
    *queue = (tg_partition_queue_t){.lane = lane, .wake = wake};
    the_partitions[lane].queue = queue;
    *ret_queue = queue;
    return TG_OK;
}

void
tg_partition_queue_close(tg_partition_queue_t *queue)
{
    if (queue == NULL) {
        return;
    }
    if (the_partitions[queue->lane].queue == queue) {
        the_partitions[queue->lane].queue = NULL;
        the_partitions[queue->lane].is_started = false;
    }
    free(queue);
}

static tg_status_t
break_fetch(partition_t *p, tg_status_t status, tg_error_t *err)
{
    p->is_broken = true;
    p->broken = status;
    sim_happened();
    return tg_error_set(err, status, "the fetch broke");
}

tg_status_t
tg_partition_queue_consume(tg_partition_queue_t *queue, tg_message_t *messages, size_t max_messages,
                           size_t *ret_n, tg_error_t *err)
{
    partition_t *p = &the_partitions[queue->lane];
    *ret_n = 0;
    if (p->queue != queue || !p->is_started || sim_world()->is_dead) {
        return TG_OK; /* an old queue, or nothing is fetched */
    }
    if (p->is_broken) {
        return tg_error_set(err, p->broken, "the fetch is broken");
    }
    if (p->position < p->log_start || p->position > p->log_end) {
        return break_fetch(p, TG_ERR_MISSING_OFFSETS, err);
    }
    if (sim_chance(sim_world()->faults.fetch)) {
        return sim_chance(500) ? break_fetch(p, TG_ERR_LOST, err)
                               : tg_error_set(err, TG_ERR_UNAVAILABLE, "a broker is away");
    }
    if (sim_chance(sim_world()->faults.redeliver) && p->position > p->log_start) {
        p->again_from = p->log_start + sim_below(p->position - p->log_start);
        p->again_to = p->position;
    }
    size_t n_wanted = 1 + (size_t)sim_below((int64_t)max_messages);
    size_t n = 0;
    while (n < n_wanted) {
        bool again = p->again_from >= 0;
        sim_record_t *record = sim_kafka_at(queue->lane, again ? p->again_from : p->position);
        if (again && (record == NULL || record->offset >= p->again_to)) {
            p->again_from = -1;
            continue;
        }
        if (record == NULL) {
            break;
        }
        lend(record, &messages[n++]);
        *(again ? &p->again_from : &p->position) = record->offset + 1;
        sim_happened();
    }
    *ret_n = n;
    return TG_OK;
}

/* --- the consumer --- */

tg_status_t
tg_consumer_open(const tg_consumer_options_t *options, tg_consumer_t **ret_consumer,
                 tg_error_t *err)
{
    (void)err;
    the_consumer = (struct tg_consumer){.events = options->events};
    for (int i = 0; i < SIM_LANES; i++) {
        the_partitions[i].told = false;
        the_partitions[i].to_give = false;
    }
    *ret_consumer = &the_consumer;
    return TG_OK;
}

static void
let_go(int lane, bool lost)
{
    const tg_partition_t partition = {
        .topic = sim_lane_topic(lane), .partition = sim_lane_partition(lane), .offset = -1};
    the_consumer.events.on_revoked(the_consumer.events.arg, &partition, 1, lost);
    the_partitions[lane].told = false;
    the_partitions[lane].is_started = false;
    the_partitions[lane].queue = NULL; /* a lane that hangs still holds its own, dead one */
    sim_happened();
}

void
tg_consumer_close(tg_consumer_t *consumer)
{
    (void)consumer;
    for (int i = 0; i < SIM_LANES; i++) {
        if (the_partitions[i].told) {
            let_go(i, false);
        }
    }
}

void
sim_kafka_give(int lane, bool to_us, bool politely)
{
    partition_t *p = &the_partitions[lane];
    if (!to_us && p->told && politely) {
        p->to_give = true; /* the poll thread lets go first */
        return;
    }
    p->to_give = false;
    p->vouched = false;
    p->ours = to_us;
    sim_happened();
}

void
sim_kafka_check_claim(int lane)
{
    if (!the_partitions[lane].vouched) {
        sim_fail("lane %d is claimed although the group has not said that it is ours", lane);
    }
}

bool
sim_kafka_is_rivals(int lane)
{
    return !the_partitions[lane].ours;
}

void
tg_consumer_poll(tg_consumer_t *consumer, int64_t timeout_ms)
{
    (void)timeout_ms;
    consumer->rung = false;
    consumer->polled_ms = sim_now_ms();
    for (int i = 0; i < SIM_LANES; i++) {
        partition_t *p = &the_partitions[i];
        if (p->told && !p->ours) {
            let_go(i, true);
        } else if (p->told && p->to_give) {
            let_go(i, false);
            p->ours = false;
        } else if (!p->told && p->ours) {
            p->told = true;
            const tg_partition_t partition = {
                .topic = sim_lane_topic(i), .partition = sim_lane_partition(i), .offset = -1};
            consumer->events.on_assigned(consumer->events.arg, &partition, 1);
            sim_happened();
        }
        p->to_give = false;
    }
}

bool
sim_kafka_poll_is_due(void)
{
    return the_consumer.rung || sim_now_ms() - the_consumer.polled_ms >= 500;
}

tg_status_t
tg_consumer_start_partition(tg_consumer_t *consumer, const tg_partition_t *partition,
                            tg_error_t *err)
{
    (void)consumer;
    partition_t *p = &the_partitions[sim_lane_of(partition->topic, partition->partition)];
    if (!p->told || p->queue == NULL || sim_chance(sim_world()->faults.kafka)) {
        return tg_error_set(err, TG_ERR_UNAVAILABLE, "cannot start");
    }
    p->is_started = true;
    p->is_broken = false;
    p->position = partition->offset;
    p->again_from = -1;
    ring(p);
    sim_happened();
    return TG_OK;
}

tg_status_t
tg_consumer_stop_partition(tg_consumer_t *consumer, const tg_partition_t *partition,
                           tg_error_t *err)
{
    (void)consumer;
    (void)err;
    the_partitions[sim_lane_of(partition->topic, partition->partition)].is_started = false;
    return TG_OK;
}

void
tg_consumer_commit_async(tg_consumer_t *consumer, const tg_partition_t *partitions,
                         size_t n_partitions)
{
    tg_error_t ignored;
    TG_IGNORE(tg_consumer_commit_sync(consumer, partitions, n_partitions, &ignored));
}

tg_status_t
tg_consumer_commit_sync(tg_consumer_t *consumer, const tg_partition_t *partitions,
                        size_t n_partitions, tg_error_t *err)
{
    (void)consumer;
    sim_happened();
    if (sim_world()->is_dead || sim_chance(sim_world()->faults.kafka)) {
        return tg_error_set(err, TG_ERR_TIMEOUT, "the coordinator does not answer");
    }
    for (size_t i = 0; i < n_partitions; i++) {
        partition_t *p = &the_partitions[sim_lane_of(partitions[i].topic, partitions[i].partition)];
        p->vouched = false;
        if (!p->told || !p->ours) {
            return tg_error_set(err, TG_ERR_FENCED, "not ours");
        }
    }
    for (size_t i = 0; i < n_partitions; i++) {
        partition_t *p = &the_partitions[sim_lane_of(partitions[i].topic, partitions[i].partition)];
        p->committed = partitions[i].offset;
        p->vouched = true;
    }
    return TG_OK;
}

tg_status_t
tg_consumer_committed(tg_consumer_t *consumer, const tg_partition_t *partition, int64_t timeout_ms,
                      int64_t *ret_offset, tg_error_t *err)
{
    (void)consumer;
    (void)timeout_ms;
    (void)err;
    *ret_offset = the_partitions[sim_lane_of(partition->topic, partition->partition)].committed;
    return TG_OK;
}

tg_status_t
tg_consumer_watermarks(tg_consumer_t *consumer, const tg_partition_t *partition, int64_t timeout_ms,
                       int64_t *ret_start, int64_t *ret_end, tg_error_t *err)
{
    (void)consumer;
    (void)timeout_ms;
    const partition_t *p = &the_partitions[sim_lane_of(partition->topic, partition->partition)];
    if (sim_world()->is_dead || sim_chance(sim_world()->faults.kafka)) {
        return tg_error_set(err, TG_ERR_TIMEOUT, "no broker answers");
    }
    *ret_start = p->log_start;
    *ret_end = p->log_end;
    return TG_OK;
}

int64_t
tg_consumer_cached_end(tg_consumer_t *consumer, const tg_partition_t *partition)
{
    (void)consumer;
    return the_partitions[sim_lane_of(partition->topic, partition->partition)].log_end;
}

tg_status_t
tg_consumer_cluster_id(tg_consumer_t *consumer, int64_t timeout_ms, const char **ret_id,
                       tg_error_t *err)
{
    (void)consumer;
    (void)timeout_ms;
    if (sim_chance(sim_world()->faults.kafka)) {
        return tg_error_set(err, TG_ERR_TIMEOUT, "no broker answers");
    }
    *ret_id = "it's a cluster";
    return TG_OK;
}

void
tg_consumer_interrupt(tg_consumer_t *consumer)
{
    consumer->rung = true;
}

tg_status_t
tg_consumer_fetch_one(tg_consumer_t *consumer, const tg_partition_t *partition, int64_t timeout_ms,
                      tg_message_t *ret_message, tg_error_t *err)
{
    (void)consumer;
    (void)timeout_ms;
    int lane = sim_lane_of(partition->topic, partition->partition);
    if (sim_world()->is_dead || sim_chance(sim_world()->faults.kafka * 2)) {
        return tg_error_set(err, TG_ERR_UNAVAILABLE, "no broker answers");
    }
    sim_record_t *record = sim_kafka_at(lane, partition->offset);
    if (partition->offset < the_partitions[lane].log_start || record == NULL ||
        record->offset != partition->offset) {
        return tg_error_set(err, TG_ERR_NOT_FOUND, "gone");
    }
    lend(record, ret_message);
    return TG_OK;
}
