#include "dead_letter.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include <jansson.h>

#include "base/utf8.h"

enum {
    MAX_OUTSTANDING_BYTES = 32 << 20,
    QUEUE_MAX_BYTES = 64 << 20,
    MAX_HEADERS = 16,
    CREATE_TIMEOUT_MS = 5000,
    CREATE_AGAIN_MS = 60000
};

/* One dead letter on its way; a copy is kept until it is acknowledged, because the broker may
 * refuse it. */
typedef struct letter letter_t;

struct letter {
    letter_t *next; /* among the refused */
    tg_dead_letters_t *letters;
    tg_batch_t *batch;
    tg_wake_t *wake;
    char *topic;
    int32_t partition;
    int writer;
    int64_t offset;
    int64_t timestamp_unix_ms;
    tg_stage_t stage;
    tg_error_t reason;
    char *table;    /* NULL: not known */
    uint8_t *bytes; /* key, then value */
    bool has_key;
    bool has_value;
    size_t n_key_bytes;
    size_t n_value_bytes;
    json_t *headers; /* [{"name", "value" (hex or null)}] */
};

struct tg_dead_letters {
    const tg_sink_config_t *sink;
    tg_producer_t *producer; /* NULL: no topic configured */
    const tg_clock_t *clock;
    tg_metrics_t *metrics;
    tg_log_t *log;
    pthread_mutex_t lock; /* the fields below */
    size_t outstanding_bytes;
    letter_t *refused;
    bool topic_made;
    int64_t make_again_ms;
};

static const char *
stage_name(tg_stage_t stage)
{
    static const char *const NAMES[] = {[TG_STAGE_VALUE_CONVERTER] = "VALUE_CONVERTER",
                                        [TG_STAGE_TRANSFORMATION] = "TRANSFORMATION",
                                        [TG_STAGE_TASK_PUT] = "TASK_PUT"};
    return NAMES[stage];
}

static void
letter_free(letter_t *letter)
{
    if (letter == NULL) {
        return;
    }
    json_decref(letter->headers);
    free(letter->topic);
    free(letter->table);
    free(letter->bytes);
    free(letter);
}

static size_t
letter_bytes(const letter_t *letter)
{
    return sizeof *letter + letter->n_key_bytes + letter->n_value_bytes;
}

/* The letter is dealt with: its batch may go on. */
static void
letter_settle(letter_t *letter, bool failed)
{
    tg_dead_letters_t *letters = letter->letters;
    (void)pthread_mutex_lock(&letters->lock);
    letters->outstanding_bytes -= letter_bytes(letter);
    (void)pthread_mutex_unlock(&letters->lock);
    if (letter->batch != NULL) {
        if (failed) {
            atomic_store(&letter->batch->dead_letter_failed, true);
        }
        atomic_fetch_sub(&letter->batch->n_pending_dead_letters, 1);
    }
    tg_wake_signal(letter->wake);
    letter_free(letter);
}

static void
on_delivered(void *arg, void *ticket, const tg_error_t *error)
{
    tg_dead_letters_t *letters = arg;
    letter_t *letter = ticket;
    if (letter == NULL) {
        return; /* the reference of a stored one: the row is the truth */
    }
    if (error->status == TG_ERR_TOO_LARGE) {
        tg_wake_t *wake = letter->wake;
        (void)pthread_mutex_lock(&letters->lock);
        letter->next = letters->refused;
        letters->refused = letter;
        (void)pthread_mutex_unlock(&letters->lock);
        tg_wake_signal(wake);
        return;
    }
    if (error->status != TG_OK) {
        TG_LOG_ERROR(letters->log, "dead letter not acknowledged, the lane will repeat it",
                     TG_S("sink", letters->sink->name), TG_S("topic", letter->topic),
                     TG_I("partition", letter->partition), TG_I("offset", letter->offset),
                     TG_S("error", error->text));
    }
    letter_settle(letter, error->status != TG_OK);
}

tg_status_t
tg_dead_letters_open(const tg_dead_letters_options_t *options, tg_dead_letters_t **ret_letters,
                     tg_error_t *err)
{
    tg_dead_letters_t *letters = calloc(1, sizeof *letters);
    if (letters == NULL) {
        return tg_error_set(err, TG_ERR_NO_MEMORY, "no memory for the dead letters of sink %s",
                            options->sink->name);
    }
    letters->sink = options->sink;
    letters->clock = options->clock;
    letters->metrics = options->metrics;
    letters->log = options->log;
    (void)pthread_mutex_init(&letters->lock, NULL);
    if (options->sink->errors.dead_letter_topic != NULL) {
        tg_producer_options_t producer = {.client = options->client,
                                          .queue_max_bytes = QUEUE_MAX_BYTES,
                                          .on_delivered = on_delivered,
                                          .arg = letters};
        tg_status_t status = tg_producer_open(&producer, &letters->producer, err);
        if (status != TG_OK) {
            tg_dead_letters_close(letters, 0);
            return status;
        }
    }
    *ret_letters = letters;
    return TG_OK;
}

void
tg_dead_letters_close(tg_dead_letters_t *letters, int64_t timeout_ms)
{
    if (letters == NULL) {
        return;
    }
    if (letters->producer != NULL) {
        tg_producer_close(letters->producer, timeout_ms);
    }
    while (letters->refused != NULL) {
        letter_t *letter = letters->refused;
        letters->refused = letter->next;
        letter_free(letter);
    }
    (void)pthread_mutex_destroy(&letters->lock);
    free(letters);
}

/* --- making one --- */

static char *
hex_of(tg_bytes_t bytes)
{
    char *text = malloc(bytes.n_bytes * 2 + 1);
    for (size_t i = 0; text != NULL && i < bytes.n_bytes; i++) {
        static const char DIGITS[] = "0123456789abcdef";
        text[2 * i] = DIGITS[bytes.data[i] >> 4];
        text[2 * i + 1] = DIGITS[bytes.data[i] & 15];
    }
    if (text != NULL) {
        text[bytes.n_bytes * 2] = '\0';
    }
    return text;
}

static void
keep_header(void *arg, const char *name, tg_bytes_t value)
{
    json_t *headers = arg;
    char *hex = value.data != NULL ? hex_of(value) : NULL;
    /* A header without memory for it is lost from the stored copy only, never from the topic. */
    (void)json_array_append_new(headers, json_pack("{s:s, s:s?}", "name", name, "value", hex));
    free(hex);
}

static letter_t *
letter_new(tg_dead_letters_t *letters, const tg_dead_letter_origin_t *origin,
           const tg_message_t *message, tg_stage_t stage, const tg_error_t *reason)
{
    letter_t *letter = calloc(1, sizeof *letter);
    if (letter == NULL) {
        return NULL;
    }
    letter->letters = letters;
    letter->wake = origin->wake;
    letter->topic = strdup(origin->topic);
    letter->table = origin->table != NULL ? strdup(origin->table) : NULL;
    letter->partition = origin->partition;
    letter->writer = origin->writer;
    letter->offset = message->offset;
    letter->timestamp_unix_ms = message->timestamp_unix_ms;
    letter->stage = stage;
    letter->reason = *reason;
    letter->has_key = message->key.data != NULL;
    letter->has_value = message->value.data != NULL;
    letter->n_key_bytes = message->key.n_bytes;
    letter->n_value_bytes = message->value.n_bytes;
    letter->bytes = malloc(letter->n_key_bytes + letter->n_value_bytes + 1);
    letter->headers = json_array();
    if (letter->topic == NULL || letter->bytes == NULL || letter->headers == NULL) {
        letter_free(letter);
        return NULL;
    }
    if (message->key.data != NULL && letter->n_key_bytes > 0) {
        memcpy(letter->bytes, message->key.data, letter->n_key_bytes);
    }
    if (message->value.data != NULL && letter->n_value_bytes > 0) {
        memcpy(letter->bytes + letter->n_key_bytes, message->value.data, letter->n_value_bytes);
    }
    tg_message_headers_visit(message, keep_header, letter->headers);
    return letter;
}

/* The headers that are added, with the memory that their numbers need. */
typedef struct {
    tg_header_t items[MAX_HEADERS];
    size_t n_items;
    char partition[16], offset[24], task[16], stored[24];
} header_set_t;

static void
header_add(header_set_t *set, const char *name, const char *text)
{
    if (text != NULL && *text != '\0' && set->n_items < MAX_HEADERS) {
        set->items[set->n_items++] = (tg_header_t){.name = name, .value = tg_bytes_of_text(text)};
    }
}

static void
header_set_fill(header_set_t *set, const letter_t *letter)
{
    set->n_items = 0;
    (void)snprintf(set->partition, sizeof set->partition, "%" PRId32, letter->partition);
    (void)snprintf(set->offset, sizeof set->offset, "%" PRId64, letter->offset);
    (void)snprintf(set->task, sizeof set->task, "%d", letter->writer);
    header_add(set, "__connect.errors.topic", letter->topic);
    header_add(set, "__connect.errors.partition", set->partition);
    header_add(set, "__connect.errors.offset", set->offset);
    header_add(set, "__connect.errors.connector.name", letter->letters->sink->name);
    header_add(set, "__connect.errors.task.id", set->task);
    header_add(set, "__connect.errors.stage", stage_name(letter->stage));
    header_add(set, "__connect.errors.class.name", "io.tidegate.TimescaleSinkConnector");
    header_add(set, "__connect.errors.exception.class.name", tg_status_name(letter->reason.status));
    header_add(set, "__connect.errors.exception.message", letter->reason.text);
    header_add(set, "__tidegate.errors.sqlstate", letter->reason.sqlstate);
    header_add(set, "__tidegate.errors.table", letter->table);
}

/* Made on first need; a failure (no right to create it, say) shows again when the record is
 * produced, and is tried again after a while: asking takes seconds when no broker answers. */
static void
make_topic_once(tg_dead_letters_t *letters)
{
    int64_t now_ms = tg_clock_now_ms(letters->clock);
    (void)pthread_mutex_lock(&letters->lock);
    bool wait = letters->topic_made || now_ms < letters->make_again_ms;
    letters->make_again_ms = wait ? letters->make_again_ms : now_ms + CREATE_AGAIN_MS;
    (void)pthread_mutex_unlock(&letters->lock);
    if (wait) {
        return;
    }
    tg_error_t why;
    tg_status_t status = tg_producer_create_topic(
        letters->producer, letters->sink->errors.dead_letter_topic, 1,
        (int32_t)letters->sink->errors.dead_letter_replication_factor, CREATE_TIMEOUT_MS, &why);
    if (status != TG_OK) {
        TG_LOG_WARNING(
            letters->log, "dead-letter topic could not be created, trying to use it as it is",
            TG_S("sink", letters->sink->name),
            TG_S("topic", letters->sink->errors.dead_letter_topic), TG_S("error", why.text));
    }
    (void)pthread_mutex_lock(&letters->lock);
    letters->topic_made = status == TG_OK;
    (void)pthread_mutex_unlock(&letters->lock);
}

static bool
reserve_bytes(tg_dead_letters_t *letters, size_t n_bytes)
{
    (void)pthread_mutex_lock(&letters->lock);
    /* One letter alone is always let through, however large. */
    bool admitted = letters->outstanding_bytes == 0 ||
                    letters->outstanding_bytes + n_bytes <= MAX_OUTSTANDING_BYTES;
    if (admitted) {
        letters->outstanding_bytes += n_bytes;
    }
    (void)pthread_mutex_unlock(&letters->lock);
    return admitted;
}

static void
release_bytes(tg_dead_letters_t *letters, size_t n_bytes)
{
    (void)pthread_mutex_lock(&letters->lock);
    letters->outstanding_bytes -= n_bytes;
    (void)pthread_mutex_unlock(&letters->lock);
}

static tg_status_t
produce(tg_dead_letters_t *letters, letter_t *letter, const tg_message_t *message, tg_error_t *err)
{
    header_set_t set;
    header_set_fill(&set, letter);
    tg_outgoing_t record = {.topic = letters->sink->errors.dead_letter_topic,
                            .key = message->key,
                            .value = message->value,
                            .timestamp_unix_ms = message->timestamp_unix_ms,
                            .headers_of = message,
                            .headers = set.items,
                            .n_headers = set.n_items,
                            .ticket = letter};
    return tg_producer_send(letters->producer, &record, err);
}

static void
count_and_log(tg_dead_letters_t *letters, const tg_dead_letter_origin_t *origin,
              const tg_message_t *message, tg_stage_t stage, const tg_error_t *reason)
{
    tg_series_add(TG_SERIES(letters->metrics, TG_METRIC_SINK_DEAD_LETTERS_TOTAL,
                            letters->sink->name, stage_name(stage)),
                  1);
    TG_LOG_WARNING(letters->log,
                   letters->producer != NULL ? "record dead-lettered" : "record dropped",
                   TG_S("sink", letters->sink->name), TG_S("topic", origin->topic),
                   TG_I("partition", origin->partition), TG_I("offset", message->offset),
                   TG_S("stage", stage_name(stage)), TG_S("error", reason->text));
}

tg_status_t
tg_dead_letters_send(tg_dead_letters_t *letters, const tg_dead_letter_origin_t *origin,
                     const tg_message_t *message, tg_stage_t stage, const tg_error_t *reason,
                     tg_batch_t *batch, tg_error_t *err)
{
    if (letters->sink->errors.tolerance == TG_TOLERANCE_NONE) {
        return tg_error_set(err, TG_ERR_CANCELLED,
                            "the record at offset %" PRId64
                            " cannot be written (%s), and errors.tolerance is "
                            "\"none\"; correct the cause, or set errors.tolerance = \"all\" with a "
                            "dead_letter_topic",
                            message->offset, reason->text);
    }
    if (letters->producer == NULL) {
        count_and_log(letters, origin, message, stage, reason);
        batch->n_dead_letters++;
        return TG_OK;
    }
    make_topic_once(letters);
    letter_t *letter = letter_new(letters, origin, message, stage, reason);
    if (letter == NULL) {
        return tg_error_set(err, TG_ERR_NO_MEMORY, "no memory for a dead letter");
    }
    size_t n_bytes = letter_bytes(letter);
    if (!reserve_bytes(letters, n_bytes)) {
        letter_free(letter);
        return tg_error_set(err, TG_ERR_FULL, "too many dead letters wait for the broker");
    }
    letter->batch = batch;
    atomic_fetch_add(&batch->n_pending_dead_letters, 1);
    tg_status_t status = produce(letters, letter, message, err);
    if (status == TG_ERR_TOO_LARGE) {
        on_delivered(letters, letter, &(tg_error_t){.status = TG_ERR_TOO_LARGE});
    } else if (status != TG_OK) {
        atomic_fetch_sub(&batch->n_pending_dead_letters, 1);
        release_bytes(letters, n_bytes);
        letter_free(letter);
        return status;
    }
    batch->n_dead_letters++;
    count_and_log(letters, origin, message, stage, reason);
    return TG_OK;
}

/* --- those that the broker refused --- */

bool
tg_dead_letters_has_refused(tg_dead_letters_t *letters)
{
    (void)pthread_mutex_lock(&letters->lock);
    bool has = letters->refused != NULL;
    (void)pthread_mutex_unlock(&letters->lock);
    return has;
}

/* An error's text may quote a record, or have been cut within a character; the server takes only
 * UTF-8. */
static char *
utf8_of(const char *text)
{
    size_t n_bytes = strlen(text);
    char *sound = malloc(n_bytes * (sizeof TG_UTF8_REPLACEMENT - 1) + 1);
    size_t n = 0;
    for (size_t i = 0; sound != NULL && i < n_bytes;) {
        size_t step = tg_utf8_step(tg_bytes_of(text + i, n_bytes - i), NULL);
        if (step > 0) {
            memcpy(sound + n, text + i, step);
            n += step;
            i += step;
        } else {
            memcpy(sound + n, TG_UTF8_REPLACEMENT, sizeof TG_UTF8_REPLACEMENT - 1);
            n += sizeof TG_UTF8_REPLACEMENT - 1;
            i++;
        }
    }
    if (sound != NULL) {
        sound[n] = '\0';
    }
    return sound;
}

/* bytea in hex input format, or NULL. */
static char *
bytea_of(bool present, const uint8_t *data, size_t n_bytes)
{
    if (!present) {
        return NULL;
    }
    char *hex = hex_of(tg_bytes_of(data, n_bytes));
    size_t n_text_bytes = hex != NULL ? strlen(hex) + sizeof "\\x" : 0;
    char *text = hex != NULL ? malloc(n_text_bytes) : NULL;
    if (text != NULL) {
        (void)snprintf(text, n_text_bytes, "\\x%s", hex);
    }
    free(hex);
    return text;
}

static tg_status_t
letter_store(const letter_t *letter, const char *cluster_id, tg_connection_t *connection,
             char *ret_id, size_t n_id_bytes, tg_error_t *err)
{
    static const char SQL[] = "INSERT INTO tidegate.dead_letters (cluster_id, sink, topic, "
                              "partition, record_offset, stage, error,"
                              " sqlstate, key, value, headers, record_time) VALUES ($1, $2, $3, "
                              "$4::int, $5::bigint, $6, $7, $8,"
                              " $9::bytea, $10::bytea, $11::jsonb, CASE WHEN $12::bigint >= 0"
                              " THEN to_timestamp($12::bigint / 1000.0) END) RETURNING id";
    char partition[16];
    char offset[24];
    char timestamp[24];
    (void)snprintf(partition, sizeof partition, "%" PRId32, letter->partition);
    (void)snprintf(offset, sizeof offset, "%" PRId64, letter->offset);
    (void)snprintf(timestamp, sizeof timestamp, "%" PRId64, letter->timestamp_unix_ms);
    char *key = bytea_of(letter->has_key, letter->bytes, letter->n_key_bytes);
    char *value =
        bytea_of(letter->has_value, letter->bytes + letter->n_key_bytes, letter->n_value_bytes);
    char *error = utf8_of(letter->reason.text);
    char *headers = json_dumps(letter->headers, JSON_COMPACT);
    const char *const parameters[] = {cluster_id,
                                      letter->letters->sink->name,
                                      letter->topic,
                                      partition,
                                      offset,
                                      stage_name(letter->stage),
                                      error != NULL ? error : "no memory for the text",
                                      letter->reason.sqlstate[0] != '\0' ? letter->reason.sqlstate
                                                                         : NULL,
                                      key,
                                      value,
                                      headers,
                                      timestamp};
    tg_result_t *result = NULL;
    tg_status_t status = tg_connection_query(connection, SQL, parameters,
                                             (int)TG_COUNT_OF(parameters), &result, err);
    if (status == TG_OK) {
        (void)snprintf(ret_id, n_id_bytes, "%s", tg_result_text(result, 0, 0));
    }
    tg_result_free(result);
    free(headers);
    free(error);
    free(value);
    free(key);
    return status;
}

/* Tells the readers of the topic where the record is. The row is the truth: a lost reference loses
 * nothing. */
static void
produce_reference(tg_dead_letters_t *letters, const letter_t *letter, const char *id)
{
    header_set_t set;
    header_set_fill(&set, letter);
    header_add(&set, "__tidegate.errors.stored_in", "tidegate.dead_letters");
    header_add(&set, "__tidegate.errors.stored_id", id);
    tg_outgoing_t record = {.topic = letters->sink->errors.dead_letter_topic,
                            .timestamp_unix_ms = letter->timestamp_unix_ms,
                            .headers = set.items,
                            .n_headers = set.n_items};
    tg_error_t why;
    if (tg_producer_send(letters->producer, &record, &why) != TG_OK) {
        TG_LOG_WARNING(letters->log, "reference to a stored dead letter not produced",
                       TG_S("id", id), TG_S("error", why.text));
    }
}

tg_status_t
tg_dead_letters_store_refused(tg_dead_letters_t *letters, const char *cluster_id,
                              tg_connection_t *connection, tg_error_t *err)
{
    for (;;) {
        (void)pthread_mutex_lock(&letters->lock);
        letter_t *letter = letters->refused;
        if (letter != NULL) {
            letters->refused = letter->next;
        }
        (void)pthread_mutex_unlock(&letters->lock);
        if (letter == NULL) {
            return TG_OK;
        }
        char id[24];
        tg_status_t status = letter_store(letter, cluster_id, connection, id, sizeof id, err);
        if (status != TG_OK) {
            (void)pthread_mutex_lock(&letters->lock);
            letter->next = letters->refused;
            letters->refused = letter;
            (void)pthread_mutex_unlock(&letters->lock);
            return tg_error_wrap(err, status,
                                 "storing a dead letter that the broker finds too large");
        }
        produce_reference(letters, letter, id);
        letter_settle(letter, false);
    }
}
