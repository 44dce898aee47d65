/*
 * From messages to rows: framing, schema, plan, encode; what cannot be written becomes a dead
 * letter.
 *
 * A turn is bounded (QUANTUM records), so that the socket is looked at often: the server must never
 * wait for us.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "writer_internal.h"

enum { QUANTUM = 512, ROW_BOOKKEEPING_BYTES = sizeof(uint32_t) };

/* What became of one record. */
typedef enum {
    VERDICT_DONE,   /* encoded, skipped or dead-lettered */
    VERDICT_WAIT,   /* same record again later: a bell will ring, or the lane's backoff says when */
    VERDICT_SEALED, /* the open batch was full: same record again, at once */
    VERDICT_STOPPED, /* the lane cannot go on */
} verdict_t;

static bool
find_header(const void *arg, const char *name, tg_bytes_t *ret_value)
{
    return tg_message_header(arg, name, ret_value);
}

static tg_status_t
schema_key_of(const tg_writer_t *writer, const tg_message_t *message, tg_schema_key_t *ret_key,
              tg_bytes_t *ret_body, tg_error_t *err)
{
    if (writer->env->sink->fixed_schema != NULL) {
        *ret_key =
            (tg_schema_key_t){.kind = TG_SCHEMA_KEY_NAME, .name = writer->env->sink->fixed_schema};
        *ret_body = message->value;
        return TG_OK;
    }
    const tg_header_lookup_t headers = {.find = find_header, .arg = message};
    return tg_wire_format_parse(message->value, false,
                                tg_message_has_headers(message) ? &headers : NULL, ret_key,
                                ret_body, err);
}

static verdict_t
dead_letter(tg_writer_t *writer, tg_lane_t *lane, const tg_message_t *message, tg_stage_t stage,
            const tg_error_t *reason)
{
    const tg_dead_letter_origin_t origin = {.topic = lane->topic,
                                            .partition = lane->partition,
                                            .writer = writer->index,
                                            .table = lane->table_name,
                                            .wake = &writer->wake};
    tg_error_t why;
    tg_status_t status = tg_dead_letters_send(writer->env->dead_letters, &origin, message, stage,
                                              reason, lane->open, &why);
    switch (tg_status_reaction(status)) {
    case TG_REACTION_NONE:
        return VERDICT_DONE;
    case TG_REACTION_RETRY:
        tg_writer_lane_cannot_decode(writer, lane, &why);
        return VERDICT_WAIT;
    case TG_REACTION_POISON:
    case TG_REACTION_ABORT:
    case TG_REACTION_FATAL:
    default:
        tg_writer_lane_stop(writer, lane, &why);
        return VERDICT_STOPPED;
    }
}

/* The plan for the record's schema; the last one is nearly always the one. */
static tg_status_t
find_binding(tg_writer_t *writer, tg_lane_t *lane, const tg_schema_key_t *key, tg_error_t *err)
{
    if (lane->has_key && lane->binding != NULL && tg_schema_key_equal(&lane->key, key) &&
        tg_binding_is_current(lane->binding)) {
        return TG_OK;
    }
    lane->binding = NULL;
    lane->key = *key;
    lane->has_key = true;
    return tg_bindings_find(writer->bindings, key, lane->table, &lane->binding, err);
}

/* Where records of the topic go; asked once per lane. */
static tg_status_t
find_table(tg_writer_t *writer, tg_lane_t *lane, tg_error_t *err)
{
    if (lane->table != NULL) {
        return TG_OK;
    }
    tg_buffer_t name;
    tg_buffer_init(&name, 1024);
    tg_status_t status =
        tg_router_route(writer->env->router, lane->topic, &lane->route, &name, err);
    const char *text = status == TG_OK ? tg_buffer_text(&name) : NULL;
    if (status == TG_OK && text != NULL) {
        free(lane->table_name);
        lane->table_name = strdup(text);
    }
    tg_buffer_done(&name);
    TG_TRY(status);
    if (lane->table_name == NULL) {
        return tg_error_set(err, TG_ERR_NO_MEMORY, "no memory for the table of topic %s",
                            lane->topic);
    }
    return tg_bindings_table(writer->bindings, lane->table_name, lane->route, &lane->table, err);
}

static verdict_t
map_failed(tg_writer_t *writer, tg_lane_t *lane, const tg_message_t *message, tg_stage_t stage,
           const tg_error_t *why)
{
    if (why->status == TG_ERR_AGAIN) {
        return VERDICT_WAIT; /* the registry's answer rings the bell */
    }
    if (why->status == TG_ERR_MISSING) {
        lane->wants_admit = true;
        return VERDICT_WAIT;
    }
    if (tg_status_reaction(why->status) == TG_REACTION_POISON) {
        return dead_letter(writer, lane, message, stage, why);
    }
    if (tg_status_reaction(why->status) == TG_REACTION_RETRY) {
        tg_writer_lane_cannot_decode(writer, lane, why);
        return VERDICT_WAIT;
    }
    tg_writer_lane_stop(writer, lane, why);
    return VERDICT_STOPPED;
}

static verdict_t
seal_or_poison(tg_writer_t *writer, tg_lane_t *lane, const tg_message_t *message)
{
    if (!tg_batch_is_empty(lane->open)) {
        tg_lane_seal(lane);
        return VERDICT_SEALED;
    }
    tg_error_t why;
    TG_IGNORE(tg_error_set(
        &why, TG_ERR_TOO_LARGE,
        "its row does not fit into a batch; raise batch.max_bytes above the record's size"));
    return dead_letter(writer, lane, message, TG_STAGE_VALUE_CONVERTER, &why);
}

static verdict_t
encode(tg_writer_t *writer, tg_lane_t *lane, const tg_message_t *message, tg_bytes_t body)
{
    tg_batch_part_t *part = NULL;
    if (tg_batch_part(lane->open, lane->binding->target, &part) != TG_OK) {
        return seal_or_poison(writer, lane, message);
    }
    size_t before = part->rows.n_bytes;
    tg_error_t why;
    tg_status_t status = tg_decode_plan_decode(lane->binding->decode, body, &part->rows, &why);
    if (status == TG_OK) {
        size_t n_bytes = part->rows.n_bytes - before;
        status = tg_batch_row_added(lane->open, part, message->offset, n_bytes);
        if (status == TG_OK) {
            writer->buffered_bytes += n_bytes + ROW_BOOKKEEPING_BYTES;
            return VERDICT_DONE;
        }
        part->rows.n_bytes = before;
        TG_IGNORE(tg_error_set(&why, status, "no room for a row"));
    }
    if (status == TG_ERR_FULL) {
        return seal_or_poison(writer, lane, message);
    }
    return map_failed(writer, lane, message, TG_STAGE_VALUE_CONVERTER, &why);
}

static verdict_t
decode_one(tg_writer_t *writer, tg_lane_t *lane, const tg_message_t *message)
{
    if (message->value.data == NULL) {
        tg_series_add(lane->series.tombstones, 1);
        return VERDICT_DONE;
    }
    tg_schema_key_t key;
    tg_bytes_t body = {.data = NULL};
    tg_error_t why;
    tg_status_t status = TG_OK;
    if ((int64_t)message->value.n_bytes > writer->env->sink->errors.max_record_bytes) {
        status = tg_error_set(&why, TG_ERR_TOO_LARGE,
                              "the record has %zu bytes, errors.max_record_bytes allows %" PRId64,
                              message->value.n_bytes, writer->env->sink->errors.max_record_bytes);
    } else {
        status = schema_key_of(writer, message, &key, &body, &why);
    }
    if (status != TG_OK) {
        return map_failed(writer, lane, message, TG_STAGE_VALUE_CONVERTER, &why);
    }
    status = find_table(writer, lane, &why);
    if (status == TG_OK) {
        status = find_binding(writer, lane, &key, &why);
    }
    if (status != TG_OK) {
        bool is_mapping = status == TG_ERR_MISMATCH || status == TG_ERR_UNROUTED;
        return map_failed(writer, lane, message,
                          is_mapping ? TG_STAGE_TRANSFORMATION : TG_STAGE_VALUE_CONVERTER, &why);
    }
    return encode(writer, lane, message, body);
}

/* --- one turn --- */

static bool
open_is_full(const tg_writer_t *writer, const tg_lane_t *lane)
{
    const tg_batch_t *batch = lane->open;
    return (int64_t)batch->n_rows >= atomic_load(&writer->env->max_rows) ||
           (int64_t)batch->n_bytes >= atomic_load(&writer->env->max_bytes);
}

static bool
refill(tg_writer_t *writer, tg_lane_t *lane)
{
    lane->next_pending = 0;
    lane->n_pending = 0;
    tg_error_t why;
    tg_status_t status = tg_partition_queue_consume(lane->queue, lane->pending, TG_LANE_MAX_PENDING,
                                                    &lane->n_pending, &why);
    if (status == TG_ERR_MISSING_OFFSETS) {
        int64_t start = -1;
        int64_t end = -1;
        tg_error_t ignored;
        TG_IGNORE(tg_consumer_watermarks(
            writer->env->consumer,
            &(tg_partition_t){.topic = lane->topic, .partition = lane->partition}, 5000, &start,
            &end, &ignored)); /* without an answer the message says -1 */
        TG_IGNORE(tg_error_set(
            &why, status,
            "%s[%d]: the ledger continues at offset %" PRId64 ", but Kafka has %" PRId64
            " to %" PRId64 "; offsets %" PRId64 " to %" PRId64
            " are missing. Nothing is skipped in silence: restore the "
            "records, or set next_offset in tidegate.sink_offsets to where it shall go on",
            lane->topic, lane->partition, lane->position, start, end,
            lane->position < start ? lane->position : end,
            lane->position < start ? start : lane->position));
        lane->missing_offset = lane->position;
        lane->must_start = true;
        tg_writer_lane_stop(writer, lane, &why);
        return false;
    }
    if (tg_status_reaction(status) == TG_REACTION_ABORT) {
        /* What was fetched has a hole: fetch again. What is encoded is good, and may be in flight.
         */
        lane->must_start = true;
        tg_writer_lane_set_state(writer, lane, TG_LANE_CLAIMING);
        tg_writer_lane_refused(writer, lane, &why);
        return false;
    }
    if (status != TG_OK) {
        TG_LOG_WARNING(writer->env->log, "partition cannot be read at the moment",
                       TG_S("sink", writer->env->sink->name), TG_S("topic", lane->topic),
                       TG_I("partition", lane->partition), TG_S("error", why.text));
    }
    lane->maybe_more = lane->n_pending > 0;
    return lane->n_pending > 0;
}

/* The record at hand is dealt with. */
static void
advance(tg_lane_t *lane, const tg_message_t *message)
{
    tg_batch_covered(lane->open, message->offset, message->timestamp_unix_ms);
    lane->position = message->offset + 1;
    tg_writer_lane_decodes(lane);
}

/* A batch that takes the record at offset. */
static bool
ensure_open(tg_writer_t *writer, tg_lane_t *lane, int64_t offset)
{
    if (lane->open != NULL && open_is_full(writer, lane)) {
        tg_lane_seal(lane);
    }
    if (lane->open == NULL) {
        lane->open = tg_writer_batch_new(writer, lane->position, lane->usual_bytes);
    }
    if (lane->open != NULL && !tg_batch_reaches(lane->open, offset)) {
        tg_batch_skip_to(lane->open, offset);
        tg_lane_seal(lane);
        lane->position = offset;
        lane->open = tg_writer_batch_new(writer, offset, lane->usual_bytes);
    }
    if (lane->open == NULL) {
        tg_error_t why;
        TG_IGNORE(tg_error_set(&why, TG_ERR_NO_MEMORY, "no memory for a batch"));
        tg_writer_lane_cannot_decode(writer, lane, &why);
    }
    return lane->open != NULL;
}

/* What all lanes together may hold. A lane that cannot write at the moment stops at a share of it,
 * so that it never holds up the others, and each lane has a small share for itself. */
static bool
has_room(const tg_writer_t *writer, const tg_lane_t *lane)
{
    size_t max = writer->max_buffered_bytes;
    bool waits = lane->first_sealed != NULL && writer->n_lanes > 1;
    if (lane->retry.n_failures == 0 && writer->buffered_bytes < (waits ? max / 4 * 3 : max)) {
        return true;
    }
    return tg_lane_buffered_bytes(lane) < max / (4 * writer->n_lanes);
}

static void
count_truncated(tg_writer_t *writer, const tg_lane_t *lane)
{
    if (lane->binding == NULL || lane->binding->decode == NULL) {
        return;
    }
    uint64_t n = tg_decode_plan_n_truncated_nanos(lane->binding->decode);
    if (n > lane->binding->n_truncated_seen) {
        tg_series_add(writer->truncated, (int64_t)(n - lane->binding->n_truncated_seen));
        lane->binding->n_truncated_seen = n;
    }
}

bool
tg_writer_decode(tg_writer_t *writer, tg_lane_t *lane)
{
    verdict_t verdict = VERDICT_DONE;
    int64_t n_records = 0;
    int64_t n_redelivered = 0;
    while (n_records + n_redelivered < QUANTUM && has_room(writer, lane)) {
        if (lane->next_pending == lane->n_pending && !refill(writer, lane)) {
            break;
        }
        tg_message_t *message = &lane->pending[lane->next_pending];
        if (message->offset < lane->position) {
            n_redelivered++; /* librdkafka may deliver again after a rewind: the ledger cannot see
                                that */
        } else {
            if (!ensure_open(writer, lane, message->offset)) {
                verdict = VERDICT_WAIT;
                break;
            }
            verdict = decode_one(writer, lane, message);
            if (verdict == VERDICT_SEALED) {
                continue;
            }
            if (verdict != VERDICT_DONE) {
                break;
            }
            advance(lane, message);
            n_records++;
        }
        tg_messages_release(message, 1);
        lane->next_pending++;
    }
    if (n_records > 0) {
        tg_series_add(lane->series.records, n_records);
        tg_writer_lane_note_pending(lane);
        count_truncated(writer, lane);
    }
    if (n_redelivered > 0) {
        tg_series_add(lane->series.redelivered, n_redelivered);
    }
    return verdict == VERDICT_DONE && tg_lane_state(lane) == TG_LANE_RUNNING &&
           (lane->next_pending < lane->n_pending || lane->maybe_more) && has_room(writer, lane);
}

void
tg_writer_admit(tg_writer_t *writer)
{
    for (size_t i = 0; i < writer->n_lanes; i++) {
        tg_lane_t *lane = writer->lanes[i];
        if (!lane->wants_admit || tg_lane_state(lane) != TG_LANE_RUNNING ||
            !tg_retry_is_due(&lane->decoding, tg_clock_now_ms(writer->env->clock))) {
            continue;
        }
        tg_health_beat(writer->health);
        tg_error_t why;
        tg_status_t status =
            tg_bindings_admit(writer->bindings, &lane->key, lane->table, writer->connection, &why);
        tg_series_set(writer->schemas, (double)tg_bindings_n_schemas(writer->bindings));
        if (status == TG_OK) {
            lane->wants_admit = false;
            lane->maybe_more = true;
            tg_writer_lane_decodes(lane);
        } else {
            TG_IGNORE(tg_error_wrap(&why, status, "preparing table %s", lane->table_name));
            tg_writer_lane_cannot_decode(writer, lane, &why);
        }
        if (!tg_connection_is_open(writer->connection)) {
            tg_writer_connection_lost(writer, &why);
            return;
        }
    }
}
