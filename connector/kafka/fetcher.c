#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/thread.h"
#include "fetcher_internal.h"

/* What one prefetched record costs besides its bytes: librdkafka keeps an operation of 896 bytes
 * (2.0.2, x86_64) for each. */
#define RECORD_OVERHEAD_BYTES 900
/* The smallest record on the wire: how many operations one fetched byte can become. */
#define RECORD_MIN_WIRE_BYTES 30

#define FETCH_MIN_BYTES 32768
#define FETCH_MAX_BYTES 1048576

#define N_NUDGES         64
#define NUDGE_MIN_MS     5
#define NUDGE_TIMEOUT_MS 200

typedef struct nudge {
    char topic[256]; /* Kafka's longest name has 249 characters */
    int32_t partition;
} nudge_t;

struct tg_fetcher {
    rd_kafka_t *rk;
    /* Half of what fills a queue. */
    size_t room_records;
    size_t room_bytes;
    /* Wakes librdkafka's broker threads; not running where fetch.queue.backoff.ms exists. */
    tg_thread_t nudger;
    pthread_mutex_t mutex; /* of all below */
    pthread_cond_t wanted;
    nudge_t nudges[N_NUDGES];
    size_t n_nudges;
    bool closing;
};

static const tg_kafka_setting_t fetcher_settings[] = {
    {"enable.auto.commit", "false"},
    {"enable.auto.offset.store", "false"},
    {"auto.offset.reset", "error"},
    {"enable.partition.eof", "false"},
    {"isolation.level", "read_committed"},
    {"check.crcs", "true"},
    /* While a request waits at the broker for partitions that are at their end, others that ran
     * empty meanwhile must wait for it. */
    {"fetch.wait.max.ms", "25"},
    {"fetch.error.backoff.ms", "100"},
};

tg_status_t
tg_fetcher_conf_new(const tg_kafka_client_options_t *options, tg_kafka_link_t *link,
                    rd_kafka_conf_t **ret_conf, tg_error_t *err)
{
    rd_kafka_conf_t *conf = NULL;
    TG_TRY(tg_kafka_conf_new(options, link, &conf, err));
    tg_status_t status =
        tg_kafka_conf_set_all(conf, fetcher_settings, TG_COUNT_OF(fetcher_settings), err);
    if (status == TG_OK) {
        status = tg_kafka_conf_set_user(conf, options, err);
    }
    if (status != TG_OK) {
        rd_kafka_conf_destroy(conf);
        return status;
    }
    *ret_conf = conf;
    return TG_OK;
}

/* --- sizes --- */

/* Leaves alone what the user has set. */
static tg_status_t
set_size(rd_kafka_conf_t *conf, const char *name, int64_t value, tg_error_t *err)
{
    char now[32];
    char pristine[32];
    size_t n_now = sizeof now;
    size_t n_pristine = sizeof pristine;
    rd_kafka_conf_t *untouched = rd_kafka_conf_new();
    bool same = rd_kafka_conf_get(conf, name, now, &n_now) == RD_KAFKA_CONF_OK &&
                rd_kafka_conf_get(untouched, name, pristine, &n_pristine) == RD_KAFKA_CONF_OK &&
                strcmp(now, pristine) == 0;
    rd_kafka_conf_destroy(untouched);
    return same ? tg_kafka_conf_set_int(conf, name, value, err) : TG_OK;
}

static int64_t
clamp(int64_t value, int64_t low, int64_t high)
{
    if (value < low) {
        return low;
    }
    return value > high ? high : value;
}

static size_t
get_size(const rd_kafka_conf_t *conf, const char *name)
{
    char text[32] = "0";
    size_t n_text = sizeof text;
    (void)rd_kafka_conf_get(conf, name, text, &n_text);
    return strtoul(text, NULL, 10);
}

/* Two limits hold a queue, and one more request may come on top of them: the number of records
 * bounds narrow ones, whose cost is the overhead; the bytes bound wide ones. */
static tg_status_t
set_sizes(rd_kafka_conf_t *conf, int64_t queued_max_bytes, size_t n_expected, tg_error_t *err)
{
    int64_t share = queued_max_bytes / (int64_t)(n_expected > 0 ? n_expected : 1);
    int64_t fetch = clamp(share / 2 * RECORD_MIN_WIRE_BYTES / RECORD_OVERHEAD_BYTES,
                          FETCH_MIN_BYTES, FETCH_MAX_BYTES);
    TG_TRY(set_size(conf, "queued.min.messages",
                    clamp(share / 2 / RECORD_OVERHEAD_BYTES, 64, 1000000), err));
    TG_TRY(set_size(conf, "queued.max.messages.kbytes", clamp(share / 2 / 1024, 64, 2097151), err));
    /* Records larger than that still come, one batch at a time. fetch.max.bytes, for all partitions
     * of a broker, follows from queued.max.messages.kbytes. */
    return set_size(conf, "fetch.message.max.bytes", fetch, err);
}

/* --- the nudger --- */

static bool
take_nudges(tg_fetcher_t *fetcher, nudge_t *ret_nudges, size_t *ret_n)
{
    (void)pthread_mutex_lock(&fetcher->mutex);
    while (fetcher->n_nudges == 0 && !fetcher->closing) {
        (void)pthread_cond_wait(&fetcher->wanted, &fetcher->mutex);
    }
    bool go_on = !fetcher->closing;
    memcpy(ret_nudges, fetcher->nudges, fetcher->n_nudges * sizeof *ret_nudges);
    *ret_n = fetcher->n_nudges;
    fetcher->n_nudges = 0;
    (void)pthread_mutex_unlock(&fetcher->mutex);
    return go_on;
}

/* Asks the leader for the end of the log: the answer does not matter, the traffic does. */
static void
ask_leader(tg_fetcher_t *fetcher, const nudge_t *nudge)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, nudge->topic, nudge->partition)->offset =
        RD_KAFKA_OFFSET_END;
    (void)rd_kafka_offsets_for_times(fetcher->rk, list, NUDGE_TIMEOUT_MS);
    rd_kafka_topic_partition_list_destroy(list);
}

/* Lets nudges gather, so that a partition asks at most once in a while. */
static void
pause_nudging(tg_fetcher_t *fetcher)
{
    struct timespec until;
    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += (long)NUDGE_MIN_MS * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_nsec -= 1000000000;
        until.tv_sec++;
    }
    (void)pthread_mutex_lock(&fetcher->mutex);
    while (!fetcher->closing &&
           pthread_cond_timedwait(&fetcher->wanted, &fetcher->mutex, &until) != ETIMEDOUT) {
    }
    (void)pthread_mutex_unlock(&fetcher->mutex);
}

static void *
nudger_main(void *arg)
{
    tg_fetcher_t *fetcher = arg;
    nudge_t nudges[N_NUDGES];
    size_t n_nudges = 0;
    while (take_nudges(fetcher, nudges, &n_nudges)) {
        for (size_t i = 0; i < n_nudges; i++) {
            ask_leader(fetcher, &nudges[i]);
        }
        pause_nudging(fetcher);
    }
    return NULL;
}

bool
tg_fetcher_has_room(const tg_fetcher_t *fetcher, size_t n_records, size_t n_bytes)
{
    return n_records >= fetcher->room_records || n_bytes >= fetcher->room_bytes;
}

void
tg_fetcher_nudge(tg_fetcher_t *fetcher, const char *topic, int32_t partition)
{
    if (!fetcher->nudger.running) {
        return;
    }
    (void)pthread_mutex_lock(&fetcher->mutex);
    size_t i = 0;
    while (i < fetcher->n_nudges && (fetcher->nudges[i].partition != partition ||
                                     strcmp(fetcher->nudges[i].topic, topic) != 0)) {
        i++;
    }
    /* With more than that many waiting, the broker threads are awake anyway. */
    if (i == fetcher->n_nudges && i < N_NUDGES) {
        nudge_t *nudge = &fetcher->nudges[fetcher->n_nudges++];
        (void)snprintf(nudge->topic, sizeof nudge->topic, "%s", topic);
        nudge->partition = partition;
        (void)pthread_cond_signal(&fetcher->wanted);
    }
    (void)pthread_mutex_unlock(&fetcher->mutex);
}

static void
init_nudges(tg_fetcher_t *fetcher)
{
    pthread_condattr_t attributes;
    (void)pthread_condattr_init(&attributes);
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&fetcher->wanted, &attributes);
    (void)pthread_condattr_destroy(&attributes);
    (void)pthread_mutex_init(&fetcher->mutex, NULL);
}

static void
stop_nudger(tg_fetcher_t *fetcher)
{
    (void)pthread_mutex_lock(&fetcher->mutex);
    fetcher->closing = true;
    (void)pthread_cond_broadcast(&fetcher->wanted);
    (void)pthread_mutex_unlock(&fetcher->mutex);
    tg_thread_join(&fetcher->nudger);
}

/* --- the handle --- */

tg_status_t
tg_fetcher_open(const rd_kafka_conf_t *conf, int64_t queued_max_bytes, size_t n_expected,
                tg_fetcher_t **ret_fetcher, tg_error_t *err)
{
    tg_fetcher_t *fetcher = calloc(1, sizeof *fetcher);
    if (fetcher == NULL) {
        return tg_error_set(err, TG_ERR_NO_MEMORY, "no memory for the fetching Kafka client");
    }
    rd_kafka_conf_t *sized = rd_kafka_conf_dup(conf);
    bool looks_again_by_itself = tg_kafka_conf_try(sized, "fetch.queue.backoff.ms", "10");
    tg_status_t status = set_sizes(sized, queued_max_bytes, n_expected, err);
    if (status != TG_OK) {
        rd_kafka_conf_destroy(sized);
        free(fetcher);
        return status;
    }
    fetcher->room_records = get_size(sized, "queued.min.messages") / 2 + 1;
    fetcher->room_bytes = get_size(sized, "queued.max.messages.kbytes") * 1024 / 2;
    init_nudges(fetcher);
    status = tg_kafka_handle_new(RD_KAFKA_CONSUMER, sized, &fetcher->rk, err);
    if (status == TG_OK && !looks_again_by_itself) {
        status = tg_thread_start(&fetcher->nudger, "kafka nudger", nudger_main, fetcher, err);
    }
    if (status != TG_OK) {
        tg_fetcher_close(fetcher);
        return status;
    }
    *ret_fetcher = fetcher;
    return TG_OK;
}

void
tg_fetcher_close(tg_fetcher_t *fetcher)
{
    if (fetcher == NULL) {
        return;
    }
    stop_nudger(fetcher);
    if (fetcher->rk != NULL) {
        rd_kafka_destroy(fetcher->rk);
    }
    (void)pthread_cond_destroy(&fetcher->wanted);
    (void)pthread_mutex_destroy(&fetcher->mutex);
    free(fetcher);
}

void
tg_fetcher_announce(tg_fetcher_t *fetcher, const char *topic)
{
    rd_kafka_topic_t *handle = rd_kafka_topic_new(fetcher->rk, topic, NULL);
    if (handle != NULL) {
        rd_kafka_topic_destroy(handle);
    }
}

tg_status_t
tg_fetcher_start(tg_fetcher_t *fetcher, const tg_partition_t *partition, rd_kafka_queue_t *queue,
                 rd_kafka_topic_t **ret_topic, tg_error_t *err)
{
    rd_kafka_topic_t *topic = rd_kafka_topic_new(fetcher->rk, partition->topic, NULL);
    if (topic == NULL ||
        rd_kafka_consume_start_queue(topic, partition->partition, partition->offset, queue) != 0) {
        rd_kafka_resp_err_t code = rd_kafka_last_error();
        if (topic != NULL) {
            rd_kafka_topic_destroy(topic);
        }
        return tg_error_set(
            err, TG_ERR_INTERNAL, "cannot begin to fetch %s[%d] at offset %" PRId64 ": %s",
            partition->topic, partition->partition, partition->offset, rd_kafka_err2str(code));
    }
    *ret_topic = topic;
    return TG_OK;
}

void
tg_fetcher_stop(tg_fetcher_t *fetcher, rd_kafka_topic_t *topic, int32_t partition)
{
    (void)fetcher;
    /* Waits for librdkafka's main thread, not for a broker. It raises the partition's version, by
     * which everything fetched so far is outdated and never given out. */
    (void)rd_kafka_consume_stop(topic, partition);
    rd_kafka_topic_destroy(topic);
}

void
tg_fetcher_poll(tg_fetcher_t *fetcher)
{
    (void)rd_kafka_poll(fetcher->rk, 0);
}

int64_t
tg_fetcher_cached_end(tg_fetcher_t *fetcher, const char *topic, int32_t partition)
{
    int64_t low = -1;
    int64_t high = -1;
    rd_kafka_resp_err_t code =
        rd_kafka_get_watermark_offsets(fetcher->rk, topic, partition, &low, &high);
    return code == RD_KAFKA_RESP_ERR_NO_ERROR && high >= 0 ? high : -1;
}

rd_kafka_t *
tg_fetcher_handle(tg_fetcher_t *fetcher)
{
    return fetcher->rk;
}
