/*
 * The dead-letter topic: what was sent waits for its answer, which is drawn when it is sent.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "kafka/producer.h"
#include "sim_kafka.h"

typedef struct letter letter_t;

struct letter {
    letter_t *next;
    void *ticket;
    sim_record_t *record; /* NULL: a reference to a stored one */
    int64_t due_ms;
    tg_status_t outcome;
};

struct tg_producer {
    void (*on_delivered)(void *arg, void *ticket, const tg_error_t *error);
    void *arg;
    letter_t *letters;
};

static struct tg_producer the_producer;

tg_status_t
tg_producer_open(const tg_producer_options_t *options, tg_producer_t **ret_producer,
                 tg_error_t *err)
{
    (void)err;
    the_producer = (struct tg_producer){.on_delivered = options->on_delivered, .arg = options->arg};
    *ret_producer = &the_producer;
    return TG_OK;
}

static void
settle(tg_producer_t *producer, letter_t *letter, tg_status_t outcome)
{
    outcome = sim_world()->is_dead ? TG_ERR_CANCELLED : outcome;
    if (outcome == TG_OK && letter->record != NULL) {
        letter->record->is_buried = true;
    }
    if (letter->record != NULL) {
        sim_trace("letter of offset %" PRId64 ": %s", letter->record->offset,
                  tg_status_name(outcome));
    }
    tg_error_t error = {.status = outcome, .text = "drawn"};
    producer->on_delivered(producer->arg, letter->ticket, &error);
    free(letter);
    sim_happened();
}

void
sim_letters_settle(bool all)
{
    letter_t **link = &the_producer.letters;
    while (*link != NULL) {
        letter_t *letter = *link;
        if (!all && letter->due_ms > sim_now_ms()) {
            link = &letter->next;
            continue;
        }
        *link = letter->next;
        settle(&the_producer, letter, letter->outcome);
    }
}

int64_t
sim_letters_due_ms(void)
{
    int64_t due_ms = INT64_MAX;
    for (const letter_t *letter = the_producer.letters; letter != NULL; letter = letter->next) {
        due_ms = letter->due_ms < due_ms ? letter->due_ms : due_ms;
    }
    return due_ms;
}

void
tg_producer_close(tg_producer_t *producer, int64_t timeout_ms)
{
    (void)timeout_ms;
    while (producer->letters != NULL) {
        letter_t *letter = producer->letters;
        producer->letters = letter->next;
        settle(producer, letter, TG_ERR_CANCELLED);
    }
}

static const char *
header_text(const tg_outgoing_t *record, const char *name, char *text, size_t n_bytes)
{
    for (size_t i = 0; i < record->n_headers; i++) {
        if (strcmp(record->headers[i].name, name) == 0) {
            (void)snprintf(text, n_bytes, "%.*s", (int)record->headers[i].value.n_bytes,
                           (const char *)record->headers[i].value.data);
            return text;
        }
    }
    sim_fail("a dead letter lacks the header %s", name);
}

/* Which record it is, by its headers; its bytes must be the record's. */
static sim_record_t *
identify(const tg_outgoing_t *letter)
{
    char topic[32];
    char partition[32];
    char offset[32];
    (void)header_text(letter, "__connect.errors.topic", topic, sizeof topic);
    (void)header_text(letter, "__connect.errors.partition", partition, sizeof partition);
    (void)header_text(letter, "__connect.errors.offset", offset, sizeof offset);
    int lane = sim_lane_of(topic, (int32_t)strtol(partition, NULL, 10));
    int64_t number = strtoll(offset, NULL, 10);
    sim_record_t *record = sim_kafka_at(lane, number);
    if (record == NULL || record->offset != number) {
        sim_fail("dead letter of %s[%s] %s: no such record", topic, partition, offset);
    }
    if (!sim_kind_is_bad(record->kind)) {
        sim_fail("good record %s[%s] %s (kind %d) was dead-lettered", topic, partition, offset,
                 (int)record->kind);
    }
    if (letter->value.data == NULL
            ? record->offset >= sim_kafka_log_start(lane)
            : letter->value.n_bytes != record->n_bytes ||
                  memcmp(letter->value.data, record->bytes, record->n_bytes) != 0) {
        sim_fail("dead letter of %s[%s] %s has other bytes", topic, partition, offset);
    }
    return record;
}

tg_status_t
tg_producer_send(tg_producer_t *producer, const tg_outgoing_t *record, tg_error_t *err)
{
    const sim_faults_t *faults = &sim_world()->faults;
    sim_happened();
    if (record->ticket == NULL) {
        return TG_OK; /* a reference */
    }
    sim_record_t *of = identify(record);
    if (sim_chance(faults->letter_full)) {
        return tg_error_set(err, TG_ERR_FULL, "the queue is full");
    }
    tg_status_t outcome = TG_OK;
    if (sim_chance(faults->letter_large)) {
        outcome = TG_ERR_TOO_LARGE;
        if (sim_chance(300)) {
            return tg_error_set(err, outcome, "larger than the client takes");
        }
    } else if (sim_chance(faults->letter_fail)) {
        outcome = TG_ERR_TIMEOUT;
    }
    letter_t *letter = calloc(1, sizeof *letter);
    *letter = (letter_t){.next = producer->letters,
                         .ticket = record->ticket,
                         .record = of,
                         .due_ms = sim_now_ms() + sim_below(sim_chance(100) ? 3000 : 20),
                         .outcome = outcome};
    producer->letters = letter;
    return TG_OK;
}

tg_status_t
tg_producer_create_topic(tg_producer_t *producer, const char *topic, int32_t n_partitions,
                         int32_t replication_factor, int64_t timeout_ms, tg_error_t *err)
{
    (void)producer;
    (void)topic;
    (void)n_partitions;
    (void)replication_factor;
    (void)timeout_ms;
    return sim_chance(sim_world()->faults.kafka) ? tg_error_set(err, TG_ERR_TIMEOUT, "no broker")
                                                 : TG_OK;
}
