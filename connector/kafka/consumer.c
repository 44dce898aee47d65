#include "kafka/consumer.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "consumer_internal.h"

#define CLOSE_TIMEOUT_MS 5000

static const tg_kafka_setting_t member_settings[] = {
    {"enable.auto.commit", "false"},       {"enable.auto.offset.store", "false"},
    {"auto.offset.reset", "error"},        {"enable.partition.eof", "false"},
    {"isolation.level", "read_committed"}, {"partition.assignment.strategy", "cooperative-sticky"},
};

/* --- opening --- */

static tg_status_t
configure_member(const tg_consumer_options_t *options, rd_kafka_conf_t *conf, tg_error_t *err)
{
    int64_t session_ms = options->session_timeout_ms;
    TG_TRY(tg_kafka_conf_set_all(conf, member_settings, TG_COUNT_OF(member_settings), err));
    TG_TRY(tg_kafka_conf_set(conf, "group.id", options->group, err));
    TG_TRY(tg_kafka_conf_set_int(conf, "session.timeout.ms", session_ms, err));
    TG_TRY(tg_kafka_conf_set_int(conf, "heartbeat.interval.ms",
                                 session_ms / 3 < 3000 ? session_ms / 3 : 3000, err));
    if (options->instance_id != NULL && options->instance_id[0] != '\0') {
        TG_TRY(tg_kafka_conf_set(conf, "group.instance.id", options->instance_id, err));
    }
    rd_kafka_conf_set_events(conf, RD_KAFKA_EVENT_REBALANCE | RD_KAFKA_EVENT_ERROR |
                                       RD_KAFKA_EVENT_OFFSET_COMMIT);
    return tg_kafka_conf_set_user(conf, &options->client, err);
}

static tg_status_t
open_member(tg_consumer_t *consumer, const tg_consumer_options_t *options, tg_error_t *err)
{
    rd_kafka_conf_t *conf = NULL;
    TG_TRY(tg_kafka_conf_new(&options->client, consumer->member_link, &conf, err));
    tg_status_t status = configure_member(options, conf, err);
    if (status != TG_OK) {
        rd_kafka_conf_destroy(conf);
        return status;
    }
    TG_TRY(tg_kafka_handle_new(RD_KAFKA_CONSUMER, conf, &consumer->member, err));
    (void)rd_kafka_poll_set_consumer(consumer->member);
    consumer->events = rd_kafka_queue_get_consumer(consumer->member);
    return TG_OK;
}

static tg_status_t
subscribe(tg_consumer_t *consumer, const tg_consumer_options_t *options, tg_error_t *err)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(8);
    for (size_t i = 0; i < options->n_topics; i++) {
        rd_kafka_topic_partition_list_add(list, options->topics[i], RD_KAFKA_PARTITION_UA);
    }
    rd_kafka_resp_err_t code = rd_kafka_subscribe(consumer->member, list);
    rd_kafka_topic_partition_list_destroy(list);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
        return tg_error_set(err, TG_ERR_CONFIG,
                            "cannot subscribe to the topics: %s; check their names and that the "
                            "regular expressions (they begin with ^) are well-formed",
                            rd_kafka_err2str(code));
    }
    return TG_OK;
}

/* A broker that drops a connection is news only when none is left; the errors that matter reach the
 * member too. */
static void
log_fetcher_error(rd_kafka_t *rk, void *link, rd_kafka_resp_err_t code, const char *reason)
{
    (void)rk;
    const tg_kafka_link_t *self = link;
    TG_LOG_WARNING(self->log, "fetching is in trouble", TG_S("error", rd_kafka_err2name(code)),
                   TG_S("text", reason));
}

static tg_status_t
open_parts(tg_consumer_t *consumer, const tg_consumer_options_t *options, tg_error_t *err)
{
    TG_TRY(tg_fetcher_conf_new(&options->client, &consumer->fetcher_link, &consumer->fetcher_conf,
                               err));
    TG_TRY(tg_reader_open(&options->client, &consumer->reader, err));
    TG_TRY(open_member(consumer, options, err));
    return subscribe(consumer, options, err);
}

/* Its threads go on, without us: they may neither log through us nor be waited for. */
static void
abandon_member(tg_consumer_t *consumer)
{
    rd_kafka_set_log_level(consumer->member, 0);
    consumer->member_link->log = NULL;
    rd_kafka_queue_destroy(consumer->events);
    consumer->events = NULL;
    consumer->member = NULL;
    consumer->member_link = NULL;
}

static void
free_consumer(tg_consumer_t *consumer)
{
    if (consumer->events != NULL) {
        rd_kafka_queue_destroy(consumer->events);
    }
    if (consumer->member != NULL) {
        rd_kafka_destroy_flags(consumer->member, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
    }
    tg_fetcher_close(consumer->fetcher);
    tg_reader_close(consumer->reader);
    if (consumer->fetcher_conf != NULL) {
        rd_kafka_conf_destroy(consumer->fetcher_conf);
    }
    if (consumer->cluster_id != NULL) {
        rd_kafka_mem_free(NULL, consumer->cluster_id);
    }
    (void)pthread_mutex_destroy(&consumer->cluster_id_mutex);
    tg_assignment_done(&consumer->assignment);
    free(consumer->member_link);
    free(consumer);
}

tg_status_t
tg_consumer_open(const tg_consumer_options_t *options, tg_consumer_t **ret_consumer,
                 tg_error_t *err)
{
    if (options->n_topics == 0) {
        return tg_error_set(err, TG_ERR_CONFIG, "a sink needs at least one topic");
    }
    tg_consumer_t *consumer = calloc(1, sizeof *consumer);
    tg_kafka_link_t *link = calloc(1, sizeof *link);
    if (consumer == NULL || link == NULL) {
        free(consumer);
        free(link);
        return tg_error_set(err, TG_ERR_NO_MEMORY, "no memory for a Kafka consumer");
    }
    consumer->log = options->client.log;
    *link = (tg_kafka_link_t){.log = consumer->log, .role = "member"};
    consumer->member_link = link;
    consumer->fetcher_link =
        (tg_kafka_link_t){.log = consumer->log, .role = "fetcher", .on_error = log_fetcher_error};
    consumer->on = options->events;
    consumer->queued_max_bytes = options->queued_max_bytes;
    consumer->is_static = options->instance_id != NULL && options->instance_id[0] != '\0';
    tg_assignment_init(&consumer->assignment);
    (void)pthread_mutex_init(&consumer->cluster_id_mutex, NULL);
    tg_status_t status = open_parts(consumer, options, err);
    if (status != TG_OK) {
        free_consumer(consumer);
        return status;
    }
    *ret_consumer = consumer;
    return TG_OK;
}

/* --- events --- */

static void
handle_fatal(tg_consumer_t *consumer)
{
    char reason[TG_KAFKA_DETAIL_BYTES];
    rd_kafka_resp_err_t code = rd_kafka_fatal_error(consumer->member, reason, sizeof reason);
    tg_error_t err = {.status = TG_OK};
    if (code == RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID) {
        (void)tg_error_set(&err, TG_ERR_CONFIG,
                           "another process has joined the group with the same instance_id and has "
                           "taken this one's place; give each process an instance_id of its own");
    } else {
        (void)tg_error_set(&err, TG_ERR_INTERNAL, "the Kafka consumer has failed for good: %s",
                           reason);
    }
    atomic_store(&consumer->failed, true);
    tg_rebalance_let_go_of_all(consumer);
    consumer->on.on_error(consumer->on.arg, &err);
}

static void
handle_error(tg_consumer_t *consumer, rd_kafka_event_t *event)
{
    rd_kafka_resp_err_t code = rd_kafka_event_error(event);
    const char *reason = rd_kafka_event_error_string(event);
    tg_error_t err = {.status = TG_OK};
    if (rd_kafka_event_error_is_fatal(event)) {
        handle_fatal(consumer);
        return;
    }
    switch ((int)code) {
    case RD_KAFKA_RESP_ERR__TRANSPORT:
    case RD_KAFKA_RESP_ERR__RESOLVE:
        /* One broker of several, or an idle connection that was closed. */
        (void)snprintf(consumer->last_trouble, sizeof consumer->last_trouble, "%s", reason);
        return;
    case RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN:
        (void)tg_error_set(&err, TG_ERR_UNAVAILABLE, "no broker can be reached (%s); %s",
                           consumer->last_trouble[0] != '\0' ? consumer->last_trouble : reason,
                           tg_kafka_advice(code));
        break;
    case RD_KAFKA_RESP_ERR__MAX_POLL_EXCEEDED:
        (void)tg_error_set(&err, TG_ERR_UNAVAILABLE,
                           "the poll thread was held up for longer than max.poll.interval.ms; the "
                           "group is joined again (%s)",
                           reason);
        break;
    default:
        (void)tg_kafka_error_set(&err, code, "Kafka consumer", reason);
        break;
    }
    consumer->on.on_error(consumer->on.arg, &err);
}

static void
handle_commit(tg_consumer_t *consumer, rd_kafka_event_t *event)
{
    rd_kafka_resp_err_t code = rd_kafka_event_error(event);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR && code != RD_KAFKA_RESP_ERR__NO_OFFSET) {
        /* A hint only: the ledger is the truth, and the next commit says more. */
        TG_LOG_DEBUG(consumer->log, "offsets not committed", TG_S("error", rd_kafka_err2str(code)));
    }
}

static void
handle(tg_consumer_t *consumer, rd_kafka_event_t *event)
{
    switch (rd_kafka_event_type(event)) {
    case RD_KAFKA_EVENT_REBALANCE:
        if (rd_kafka_event_error(event) == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS) {
            tg_rebalance_assigned(consumer, rd_kafka_event_topic_partition_list(event));
        } else {
            tg_rebalance_revoked(consumer, rd_kafka_event_topic_partition_list(event));
        }
        break;
    case RD_KAFKA_EVENT_ERROR:
        handle_error(consumer, event);
        break;
    case RD_KAFKA_EVENT_OFFSET_COMMIT:
        handle_commit(consumer, event);
        break;
    case RD_KAFKA_EVENT_FETCH: {
        const tg_error_t err = {.status = TG_ERR_INTERNAL,
                                .text = "a record came to the group member, which fetches none"};
        consumer->on.on_error(consumer->on.arg, &err);
        break;
    }
    default:
        break;
    }
    rd_kafka_event_destroy(event);
}

void
tg_consumer_poll(tg_consumer_t *consumer, int64_t timeout_ms)
{
    int wait_ms = timeout_ms > INT_MAX ? INT_MAX : (int)timeout_ms;
    rd_kafka_event_t *event = rd_kafka_queue_poll(consumer->events, wait_ms);
    while (event != NULL) {
        handle(consumer, event);
        event = rd_kafka_queue_poll(consumer->events, 0);
    }
    if (consumer->fetcher != NULL) {
        tg_fetcher_poll(consumer->fetcher);
    }
}

void
tg_consumer_interrupt(tg_consumer_t *consumer)
{
    rd_kafka_queue_yield(consumer->events);
}

/* --- closing --- */

static bool
is_before(int64_t until_ms)
{
    return tg_clock_now_ms(tg_clock_system()) < until_ms;
}

/* librdkafka before 2.3 aborts the process when a member is destroyed that has joined the group but
 * has not been assigned anything yet, if only nothing (its issue 4381). */
static bool
is_half_joined(tg_consumer_t *consumer)
{
    if (consumer->was_assigned || rd_kafka_version() >= 0x02030000) {
        return false;
    }
    char *id = rd_kafka_memberid(consumer->member);
    bool joined = id != NULL && id[0] != '\0';
    if (id != NULL) {
        rd_kafka_mem_free(consumer->member, id);
    }
    return joined;
}

/* A dynamic member unsubscribes first: once librdkafka is closing it can no longer answer an
 * assignment that comes meanwhile, and would wait for that for ever (its issue 4527, fixed in 2.4).
 * A static member must not, because it would leave the group. */
static void
leave_group(tg_consumer_t *consumer, int64_t until_ms)
{
    if (!consumer->is_static) {
        (void)rd_kafka_unsubscribe(consumer->member);
    }
    bool quiet = false;
    while ((!quiet || (!consumer->is_static && consumer->assignment.n_entries > 0)) &&
           is_before(until_ms)) {
        rd_kafka_event_t *event =
            rd_kafka_queue_poll(consumer->events, consumer->is_static ? 0 : 20);
        quiet = event == NULL;
        if (event != NULL) {
            handle(consumer, event);
        }
    }
}

/* Returns whether the member may be destroyed: else that might never return. */
static bool
close_member(tg_consumer_t *consumer, int64_t until_ms)
{
    bool half_joined = is_half_joined(consumer);
    while (half_joined && !consumer->was_assigned && is_before(until_ms)) {
        tg_consumer_poll(consumer, 20);
    }
    half_joined = half_joined && !consumer->was_assigned;
    leave_group(consumer, until_ms);
    rd_kafka_queue_t *farewell = rd_kafka_queue_new(consumer->member);
    rd_kafka_error_t *error = rd_kafka_consumer_close_queue(consumer->member, farewell);
    /* After a fatal error librdkafka refuses to close, and destroys without it. */
    bool closed = error != NULL;
    if (error != NULL) {
        rd_kafka_error_destroy(error);
    }
    while (!closed && is_before(until_ms)) {
        rd_kafka_event_t *event = rd_kafka_queue_poll(farewell, 20);
        if (event != NULL) {
            handle(consumer, event);
        }
        closed = rd_kafka_consumer_closed(consumer->member) != 0;
    }
    rd_kafka_queue_destroy(farewell);
    return closed && !half_joined;
}

void
tg_consumer_close(tg_consumer_t *consumer)
{
    if (consumer == NULL) {
        return;
    }
    consumer->closing = true;
    bool sound = close_member(consumer, tg_clock_now_ms(tg_clock_system()) + CLOSE_TIMEOUT_MS);
    tg_rebalance_let_go_of_all(consumer);
    if (!sound) {
        TG_LOG_WARNING(consumer->log,
                       "the Kafka client did not come to an end in time and is left behind",
                       TG_S("librdkafka", rd_kafka_version_str()));
        abandon_member(consumer);
    }
    free_consumer(consumer);
}
