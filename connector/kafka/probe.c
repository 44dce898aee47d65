/* What `tidegate check` wants to know about the cluster. */
#include <limits.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "client_internal.h"

typedef struct probe {
    tg_kafka_link_t link; /* first: librdkafka's opaque */
    rd_kafka_t *rk;
    rd_kafka_resp_err_t trouble; /* the most telling that was seen */
    char reason[TG_KAFKA_DETAIL_BYTES];
    int64_t until_ms;
} probe_t;

/* What an operator can act on outweighs what follows from it. */
static int
weight_of(rd_kafka_resp_err_t code)
{
    switch ((int)code) {
    case RD_KAFKA_RESP_ERR_NO_ERROR:
        return 0;
    case RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN:
        return 1;
    case RD_KAFKA_RESP_ERR__TRANSPORT:
        return 2;
    case RD_KAFKA_RESP_ERR__RESOLVE:
        return 3;
    default:
        return 4;
    }
}

static void
note_trouble(rd_kafka_t *rk, void *link, rd_kafka_resp_err_t code, const char *reason)
{
    (void)rk;
    probe_t *probe = link;
    if (weight_of(code) >= weight_of(probe->trouble)) {
        probe->trouble = code;
        (void)snprintf(probe->reason, sizeof probe->reason, "%s", reason);
    }
}

static int
left_ms(const probe_t *probe)
{
    int64_t left = probe->until_ms - tg_clock_now_ms(tg_clock_system());
    if (left < 1) {
        return 1;
    }
    return left > INT_MAX ? INT_MAX : (int)left;
}

static tg_status_t
fail(probe_t *probe, rd_kafka_resp_err_t code, const char *what, tg_error_t *err)
{
    (void)rd_kafka_poll(probe->rk, 0);
    bool told = probe->trouble != RD_KAFKA_RESP_ERR_NO_ERROR &&
                (code == RD_KAFKA_RESP_ERR__TRANSPORT || code == RD_KAFKA_RESP_ERR__TIMED_OUT);
    return tg_kafka_error_set(err, told ? probe->trouble : code, what, told ? probe->reason : NULL);
}

/* A topic that the list of all does not show may be one that we may not see. */
static tg_status_t
ask_for_topic(probe_t *probe, const char *name, tg_kafka_topic_info_t *ret_info, tg_error_t *err)
{
    rd_kafka_topic_t *topic = rd_kafka_topic_new(probe->rk, name, NULL);
    if (topic == NULL) {
        return tg_error_set(err, TG_ERR_CONFIG, "\"%s\" is not a topic name", name);
    }
    const struct rd_kafka_metadata *metadata = NULL;
    rd_kafka_resp_err_t code = rd_kafka_metadata(probe->rk, 0, topic, &metadata, left_ms(probe));
    rd_kafka_topic_destroy(topic);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
        return fail(probe, code, name, err);
    }
    tg_status_t status = TG_OK;
    *ret_info = (tg_kafka_topic_info_t){.exists = false};
    for (int i = 0; i < metadata->topic_cnt; i++) {
        const struct rd_kafka_metadata_topic *found = &metadata->topics[i];
        if (found->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
            *ret_info =
                (tg_kafka_topic_info_t){.exists = true, .n_partitions = found->partition_cnt};
        } else if (tg_kafka_status(found->err) != TG_ERR_MISSING) {
            char what[320];
            (void)snprintf(what, sizeof what, "topic %s", name);
            status = tg_kafka_error_set(err, found->err, what, NULL);
        }
    }
    rd_kafka_metadata_destroy(metadata);
    return status;
}

/* Sums up the topics that match: librdkafka subscribes by the same extended expressions. */
static tg_status_t
match_topics(const struct rd_kafka_metadata *all, const char *pattern,
             tg_kafka_topic_info_t *ret_info, tg_error_t *err)
{
    regex_t regex;
    int code = regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB);
    if (code != 0) {
        char reason[160];
        (void)regerror(code, &regex, reason, sizeof reason);
        return tg_error_set(err, TG_ERR_CONFIG, "\"%s\" is not a regular expression: %s", pattern,
                            reason);
    }
    *ret_info = (tg_kafka_topic_info_t){.exists = false};
    for (int i = 0; i < all->topic_cnt; i++) {
        if (regexec(&regex, all->topics[i].topic, 0, NULL, 0) == 0) {
            ret_info->exists = true;
            ret_info->n_partitions += all->topics[i].partition_cnt;
        }
    }
    regfree(&regex);
    return TG_OK;
}

static tg_status_t
look_up(probe_t *probe, const struct rd_kafka_metadata *all, const char *name,
        tg_kafka_topic_info_t *ret_info, tg_error_t *err)
{
    if (name[0] == '^') {
        return match_topics(all, name, ret_info, err);
    }
    for (int i = 0; i < all->topic_cnt; i++) {
        if (strcmp(all->topics[i].topic, name) == 0 &&
            all->topics[i].err == RD_KAFKA_RESP_ERR_NO_ERROR) {
            *ret_info = (tg_kafka_topic_info_t){.exists = true,
                                                .n_partitions = all->topics[i].partition_cnt};
            return TG_OK;
        }
    }
    return ask_for_topic(probe, name, ret_info, err);
}

static tg_status_t
run(probe_t *probe, const char *const *topics, size_t n_topics, tg_kafka_topic_info_t *ret_infos,
    int *ret_n_brokers, tg_error_t *err)
{
    const struct rd_kafka_metadata *all = NULL;
    rd_kafka_resp_err_t code = rd_kafka_metadata(probe->rk, 1, NULL, &all, left_ms(probe));
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
        return fail(probe, code, "asking Kafka for its brokers and topics", err);
    }
    tg_status_t status = TG_OK;
    for (size_t i = 0; i < n_topics && status == TG_OK; i++) {
        tg_kafka_topic_info_t info = {.exists = false};
        status = look_up(probe, all, topics[i], &info, err);
        if (status == TG_OK) {
            ret_infos[i] = info;
        }
    }
    if (status == TG_OK) {
        *ret_n_brokers = all->broker_cnt;
    }
    rd_kafka_metadata_destroy(all);
    return status;
}

tg_status_t
tg_kafka_probe(const tg_kafka_client_options_t *options, const char *const *topics, size_t n_topics,
               int64_t timeout_ms, tg_kafka_topic_info_t *ret_infos, int *ret_n_brokers,
               tg_error_t *err)
{
    probe_t probe = {.link = {.log = options->log, .role = "probe", .on_error = note_trouble},
                     .until_ms = tg_clock_now_ms(tg_clock_system()) + timeout_ms};
    rd_kafka_conf_t *conf = NULL;
    TG_TRY(tg_kafka_conf_new(options, &probe.link, &conf, err));
    tg_status_t status = tg_kafka_conf_set_user(conf, options, err);
    if (status != TG_OK) {
        rd_kafka_conf_destroy(conf);
        return status;
    }
    TG_TRY(tg_kafka_handle_new(RD_KAFKA_PRODUCER, conf, &probe.rk, err));
    tg_kafka_topic_info_t *infos = calloc(n_topics + 1, sizeof *infos);
    if (infos == NULL) {
        rd_kafka_destroy(probe.rk);
        return tg_error_set(err, TG_ERR_NO_MEMORY, "no memory for topic names");
    }
    status = run(&probe, topics, n_topics, infos, ret_n_brokers, err);
    for (size_t i = 0; i < n_topics && status == TG_OK; i++) {
        ret_infos[i] = infos[i];
    }
    free(infos);
    rd_kafka_destroy(probe.rk);
    return status;
}
