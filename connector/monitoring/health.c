#include "monitoring/health.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include <jansson.h>

#include "base/utf8.h"
#include "health_internal.h"

enum { MAX_REASON_BYTES = TG_ERROR_TEXT_BYTES };

struct tg_health_part {
    tg_health_t *health;
    tg_health_part_t *next;
    char *name;
    tg_health_state_t state;
    bool was_up;
    int64_t since_us;
    char reason[MAX_REASON_BYTES];
    _Atomic int64_t beat_limit_us; /* 0: no heartbeat expected */
    _Atomic int64_t beat_us;
};

struct tg_health {
    pthread_mutex_t lock; /* over the list, and all of a part but its beats */
    const tg_clock_t *clock;
    tg_health_part_t *parts; /* in the order of _add */
};

static const char *const STATES[] = {
    [TG_HEALTH_STARTING] = "starting",
    [TG_HEALTH_UP] = "up",
    [TG_HEALTH_DEGRADED] = "degraded",
    [TG_HEALTH_DOWN] = "down",
};

static const char *const VERDICTS[] = {
    [TG_HEALTH_VERDICT_HEALTHY] = "healthy",
    [TG_HEALTH_VERDICT_DEGRADED] = "degraded",
    [TG_HEALTH_VERDICT_STARTING] = "starting",
    [TG_HEALTH_VERDICT_UNHEALTHY] = "unhealthy",
};

tg_health_t *
tg_health_new(const tg_clock_t *clock)
{
    tg_health_t *health = calloc(1, sizeof *health);
    if (health != NULL) {
        (void)pthread_mutex_init(&health->lock, NULL);
        health->clock = clock;
    }
    return health;
}

static void
part_free(tg_health_part_t *part)
{
    free(part->name);
    free(part);
}

void
tg_health_free(tg_health_t *health)
{
    if (health == NULL) {
        return;
    }
    while (health->parts != NULL) {
        tg_health_part_t *next = health->parts->next;
        part_free(health->parts);
        health->parts = next;
    }
    (void)pthread_mutex_destroy(&health->lock);
    free(health);
}

tg_health_part_t *
tg_health_add(tg_health_t *health, const char *name)
{
    tg_health_part_t *part = calloc(1, sizeof *part);
    if (part == NULL) {
        return NULL;
    }
    part->name = strdup(name);
    if (part->name == NULL) {
        free(part);
        return NULL;
    }
    part->health = health;
    part->since_us = tg_clock_now_us(health->clock);
    atomic_init(&part->beat_us, part->since_us);
    (void)pthread_mutex_lock(&health->lock);
    tg_health_part_t **at = &health->parts;
    while (*at != NULL) {
        at = &(*at)->next;
    }
    *at = part;
    (void)pthread_mutex_unlock(&health->lock);
    return part;
}

void
tg_health_remove(tg_health_t *health, tg_health_part_t *part)
{
    if (part == NULL) {
        return;
    }
    (void)pthread_mutex_lock(&health->lock);
    for (tg_health_part_t **at = &health->parts; *at != NULL; at = &(*at)->next) {
        if (*at == part) {
            *at = part->next;
            break;
        }
    }
    (void)pthread_mutex_unlock(&health->lock);
    part_free(part);
}

void
tg_health_set(tg_health_part_t *part, tg_health_state_t state, const char *reason)
{
    if (part == NULL) {
        return;
    }
    tg_health_t *health = part->health;
    int64_t now_us = tg_clock_now_us(health->clock);
    (void)pthread_mutex_lock(&health->lock);
    if (part->state != state) {
        part->state = state;
        part->since_us = now_us;
    }
    part->was_up = part->was_up || state == TG_HEALTH_UP;
    (void)snprintf(part->reason, sizeof part->reason, "%s", reason != NULL ? reason : "");
    (void)pthread_mutex_unlock(&health->lock);
}

void
tg_health_expect_beat(tg_health_part_t *part, int64_t limit_ms)
{
    if (part != NULL) {
        tg_health_beat(part);
        atomic_store(&part->beat_limit_us, limit_ms > 0 ? limit_ms * 1000 : 0);
    }
}

void
tg_health_beat(tg_health_part_t *part)
{
    if (part != NULL) {
        atomic_store(&part->beat_us, tg_clock_now_us(part->health->clock));
    }
}

/* What is told about one part; a heart that stands still overrides what the part said of itself. */
typedef struct part_view {
    tg_health_state_t state;
    int64_t since_us;
    bool was_up;
    bool is_stuck;
    char reason[MAX_REASON_BYTES];
} part_view_t;

static part_view_t
view_of(const tg_health_part_t *part, int64_t now_us)
{
    part_view_t view = {.state = part->state, .since_us = part->since_us, .was_up = part->was_up};
    memcpy(view.reason, part->reason, sizeof view.reason);
    int64_t limit_us = atomic_load(&part->beat_limit_us);
    int64_t beat_us = atomic_load(&part->beat_us);
    if (limit_us > 0 && now_us - beat_us > limit_us) {
        view.state = TG_HEALTH_DOWN;
        view.since_us = beat_us;
        view.is_stuck = true;
        (void)snprintf(view.reason, sizeof view.reason,
                       "no sign of life for %" PRId64 " ms, %" PRId64
                       " ms are allowed: the thread hangs",
                       (now_us - beat_us) / 1000, limit_us / 1000);
    }
    return view;
}

static tg_health_verdict_t
verdict_of(const part_view_t *view, bool only_beats)
{
    if (only_beats) {
        return view->is_stuck ? TG_HEALTH_VERDICT_UNHEALTHY : TG_HEALTH_VERDICT_HEALTHY;
    }
    if (view->state == TG_HEALTH_DOWN) {
        return TG_HEALTH_VERDICT_UNHEALTHY;
    }
    if (!view->was_up) {
        return TG_HEALTH_VERDICT_STARTING;
    }
    return view->state == TG_HEALTH_UP ? TG_HEALTH_VERDICT_HEALTHY : TG_HEALTH_VERDICT_DEGRADED;
}

/* JSON must be UTF-8; a server's message need not be. NULL: no memory. */
static json_t *
json_of_text(const char *text)
{
    json_t *json = json_string(text);
    if (json != NULL || tg_utf8_is_valid(tg_bytes_of_text(text))) {
        return json;
    }
    tg_buffer_t repaired;
    tg_buffer_init(&repaired, 4 * strlen(text));
    tg_status_t status = TG_OK;
    for (tg_bytes_t rest = tg_bytes_of_text(text); rest.n_bytes > 0 && status == TG_OK;) {
        size_t length = tg_utf8_step(rest, NULL);
        status = length > 0 ? tg_buffer_append(&repaired, rest.data, length)
                            : tg_buffer_append_text(&repaired, TG_UTF8_REPLACEMENT);
        length = length > 0 ? length : 1;
        rest = tg_bytes_of(rest.data + length, rest.n_bytes - length);
    }
    if (status == TG_OK) {
        json = json_stringn((const char *)repaired.data, repaired.n_bytes);
    }
    tg_buffer_done(&repaired);
    return json;
}

static json_t *
json_of_part(const char *name, const part_view_t *view, int64_t now_us)
{
    json_t *json = json_object();
    int rc = json_object_set_new(json, "name", json_of_text(name));
    rc |= json_object_set_new(json, "state", json_string(STATES[view->state]));
    if (view->reason[0] != '\0') {
        rc |= json_object_set_new(json, "reason", json_of_text(view->reason));
    }
    rc |= json_object_set_new(json, "since_ms", json_integer((now_us - view->since_us) / 1000));
    if (rc != 0) {
        json_decref(json);
        return NULL;
    }
    return json;
}

static int
append_dumped(const char *text, size_t n_bytes, void *arg)
{
    return tg_buffer_append(arg, text, n_bytes) == TG_OK ? 0 : -1;
}

/* Goes over the parts under the lock; says how many are not as they should be, and the worst. */
static tg_status_t
collect(tg_health_t *health, bool only_beats, json_t *parts, tg_health_verdict_t *ret_worst)
{
    tg_status_t status = TG_OK;
    tg_health_verdict_t worst = TG_HEALTH_VERDICT_HEALTHY;
    (void)pthread_mutex_lock(&health->lock);
    int64_t now_us = tg_clock_now_us(health->clock);
    for (tg_health_part_t *part = health->parts; part != NULL; part = part->next) {
        part_view_t view = view_of(part, now_us);
        tg_health_verdict_t verdict = verdict_of(&view, only_beats);
        worst = verdict > worst ? verdict : worst;
        if (json_array_append_new(parts, json_of_part(part->name, &view, now_us)) != 0) {
            status = TG_ERR_NO_MEMORY;
            break;
        }
    }
    /* Before anything has said that it works, nothing does. */
    if (health->parts == NULL && !only_beats) {
        worst = TG_HEALTH_VERDICT_STARTING;
    }
    (void)pthread_mutex_unlock(&health->lock);
    *ret_worst = worst;
    return status;
}

tg_status_t
tg_health_report(tg_health_t *health, bool only_beats, tg_buffer_t *out,
                 tg_health_verdict_t *ret_verdict)
{
    size_t before = out->n_bytes;
    tg_health_verdict_t verdict = TG_HEALTH_VERDICT_HEALTHY;
    json_t *root = json_object();
    json_t *parts = json_array();
    tg_status_t status = collect(health, only_beats, parts, &verdict);
    int rc = json_object_set_new(root, "status", json_string(VERDICTS[verdict]));
    rc |= json_object_set(root, "parts", parts);
    if (status == TG_OK && rc != 0) {
        status = TG_ERR_NO_MEMORY;
    }
    if (status == TG_OK && json_dump_callback(root, append_dumped, out, JSON_COMPACT) != 0) {
        status = TG_ERR_FULL;
    }
    json_decref(parts);
    json_decref(root);
    if (status != TG_OK) {
        out->n_bytes = before;
        return status;
    }
    *ret_verdict = verdict;
    return TG_OK;
}

tg_status_t
tg_health_render_live(tg_health_t *health, tg_buffer_t *out, bool *ret_ok)
{
    tg_health_verdict_t verdict = TG_HEALTH_VERDICT_HEALTHY;
    TG_TRY(tg_health_report(health, true, out, &verdict));
    *ret_ok = verdict == TG_HEALTH_VERDICT_HEALTHY;
    return TG_OK;
}

tg_status_t
tg_health_render_ready(tg_health_t *health, tg_buffer_t *out, bool *ret_ok)
{
    tg_health_verdict_t verdict = TG_HEALTH_VERDICT_HEALTHY;
    TG_TRY(tg_health_report(health, false, out, &verdict));
    *ret_ok = verdict == TG_HEALTH_VERDICT_HEALTHY || verdict == TG_HEALTH_VERDICT_DEGRADED;
    return TG_OK;
}
