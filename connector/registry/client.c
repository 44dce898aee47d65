#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "answer_internal.h"
#include "base/arena.h"
#include "client_internal.h"
#include "registered_schema_internal.h"
#include "resolution_internal.h"
#include "transport_internal.h"
#include "verdict_internal.h"

enum {
    MAX_PATH_BYTES = 16 * 1024,
    ARENA_EXTRA_BYTES = 1024 * 1024,
    AWAY_MS = 10000,
};

struct tg_registry_client {
    tg_transport_t *transport;
    size_t i_url;                       /* the one that answered last, or the one being asked */
    bool is_api[TG_TRANSPORT_MAX_URLS]; /* has shown that it is the API */
    int64_t away_until_ms[TG_TRANSPORT_MAX_URLS]; /* gave no answer a moment ago */
    bool reached;                                 /* in the fetch at hand */
    int64_t timeout_ms;
    size_t max_schema_bytes;
    const tg_clock_t *clock;
    tg_log_t *log;
    tg_arena_t *arena; /* of the fetch at hand */
    tg_buffer_t path;
};

/* ---- one request ------------------------------------------------------------------------- */

static const char *
url_of(const tg_registry_client_t *client)
{
    return tg_transport_url(client->transport, client->i_url);
}

static tg_status_t
get(tg_registry_client_t *client, const char *path, int64_t timeout_ms,
    tg_transport_reply_t *ret_reply, tg_error_t *err)
{
    TG_TRY(tg_transport_get(client->transport, client->i_url, path, timeout_ms, ret_reply, err));
    client->reached = true;
    return TG_OK;
}

/* Nothing that a record could be blamed for. */
static tg_status_t
as_unavailable(tg_error_t *err)
{
    if (err != NULL) {
        err->status = TG_ERR_UNAVAILABLE;
    }
    return TG_ERR_UNAVAILABLE;
}

/* GET /schemas/types, which old registries lack, or /subjects: what knows one of them is the API.
 */
static tg_status_t
check_api(tg_registry_client_t *client, int64_t timeout_ms, tg_error_t *err)
{
    tg_transport_reply_t reply;
    bool has_avro = false;
    TG_TRY(get(client, "/schemas/types", timeout_ms, &reply, err));
    tg_status_t status = tg_verdict_of(&reply, url_of(client), err);
    bool is_types = status == TG_OK;
    if (status == TG_ERR_MISSING || status == TG_ERR_NOT_FOUND) {
        TG_TRY(get(client, "/subjects", timeout_ms, &reply, err));
        status = tg_verdict_of(&reply, url_of(client), err);
    }
    if (status == TG_ERR_MISSING || status == TG_ERR_NOT_FOUND) {
        return tg_verdict_wrong_api(&reply, url_of(client), "knows no schema types and no subjects",
                                    err);
    }
    if (status != TG_OK) {
        return status == TG_ERR_PERMISSION ? status : as_unavailable(err);
    }
    if (!tg_answer_parse_list(reply.body, "AVRO", &has_avro)) {
        return tg_verdict_wrong_api(&reply, url_of(client), "answers something else", err);
    }
    if (is_types && !has_avro) {
        return tg_error_set(err, TG_ERR_UNAVAILABLE, "%s does not offer the schema type AVRO",
                            url_of(client));
    }
    client->is_api[client->i_url] = true;
    return TG_OK;
}

/* A 404 without a code of the registry's own: the schema is unknown if the API is there at all. */
static tg_status_t
settle_missing(tg_registry_client_t *client, tg_error_t *err)
{
    if (!client->is_api[client->i_url]) {
        TG_TRY(check_api(client, client->timeout_ms, err));
    }
    return tg_error_set(err, TG_ERR_NOT_FOUND,
                        "%s answers 404: it does not know it, or not this kind of id",
                        url_of(client));
}

/* ---- one document ------------------------------------------------------------------------ */

static tg_status_t
add_path(tg_registry_client_t *client, const char *text, bool encode, tg_error_t *err)
{
    tg_status_t status = encode ? tg_transport_encode(&client->path, text)
                                : tg_buffer_append_text(&client->path, text);
    if (status == TG_ERR_FULL) {
        return tg_error_set(err, TG_ERR_TOO_LARGE,
                            "the path of the request would have more than %d bytes",
                            MAX_PATH_BYTES);
    }
    return status == TG_OK ? TG_OK
                           : tg_error_set(err, status, "no memory for a request to the registry");
}

/* parts: texts that alternate between verbatim and to be encoded, NULL at the end. */
static tg_status_t
set_path(tg_registry_client_t *client, const char *const *parts, tg_error_t *err)
{
    tg_buffer_reset(&client->path);
    bool encode = false;
    for (size_t i = 0; parts[i] != NULL; i++) {
        TG_TRY(add_path(client, parts[i], encode, err));
        encode = !encode;
    }
    return TG_OK;
}

/* GETs client->path. Only our own API can say in a 404 that a schema is unknown. */
static tg_status_t
get_document(tg_registry_client_t *client, bool is_native, tg_bytes_t *ret_body, tg_error_t *err)
{
    tg_transport_reply_t reply;
    const char *path = tg_buffer_text(&client->path);
    if (path == NULL) {
        return tg_error_set(err, TG_ERR_NO_MEMORY, "no memory for a request to the registry");
    }
    TG_TRY(get(client, path, client->timeout_ms, &reply, err));
    tg_status_t status = tg_verdict_of(&reply, url_of(client), err);
    if (status == TG_ERR_MISSING) {
        return is_native ? as_unavailable(err) : settle_missing(client, err);
    }
    if (status == TG_OK) {
        *ret_body = reply.body;
    }
    return status;
}

/* An answer that is not what this API gives comes from something else: the record is not at fault.
 */
static tg_status_t
settle_answer(tg_registry_client_t *client, tg_status_t status, tg_error_t *err)
{
    if (status == TG_ERR_INVALID) {
        const tg_error_t cause = *err;
        return tg_error_set(err, TG_ERR_UNAVAILABLE,
                            "%s: %.400s; is this the registry's Confluent-compatible API? for "
                            "Apicurio the URL ends in /apis/ccompat/v7",
                            url_of(client), cause.text);
    }
    if (status == TG_OK) {
        client->is_api[client->i_url] = true;
    }
    return status;
}

static tg_status_t
fetch_compatible(tg_registry_client_t *client, const char *const *parts, tg_arena_t *arena,
                 tg_answer_t *ret_answer, tg_error_t *err)
{
    tg_bytes_t body = {0};
    TG_TRY(set_path(client, parts, err));
    TG_TRY(get_document(client, false, &body, err));
    return settle_answer(client, tg_answer_parse(body, arena, ret_answer, err), err);
}

/* Apicurio's own API gives the schema and the list of its references at two paths. */
static tg_status_t
fetch_native(tg_registry_client_t *client, const char *const *parts, tg_arena_t *arena,
             tg_answer_t *ret_answer, tg_error_t *err)
{
    tg_bytes_t body = {0};
    tg_answer_t answer = {0};
    TG_TRY(set_path(client, parts, err));
    TG_TRY(get_document(client, true, &body, err));
    TG_TRY(tg_answer_parse_native_schema(body, arena, &answer, err));
    TG_TRY(add_path(client, "/references", false, err));
    TG_TRY(get_document(client, true, &body, err));
    TG_TRY(
        settle_answer(client, tg_answer_parse_native_references(body, arena, &answer, err), err));
    *ret_answer = answer;
    return TG_OK;
}

/* libcurl folds the dots away before it asks, as RFC 3986 says: from /apis/ccompat/v7 to
 * /apis/registry/v2. */
#define NATIVE_IDS    "/../../registry/v2/ids/globalIds/"
#define NATIVE_GROUPS "/../../registry/v2/groups/"

static bool
is_apicurio_url(const char *url)
{
    static const char TAIL[] = "/apis/ccompat/v";
    const char *tail = strstr(url, TAIL);
    if (tail == NULL) {
        return false;
    }
    const char *version = tail + strlen(TAIL);
    return *version != '\0' && version[strspn(version, "0123456789")] == '\0';
}

static tg_status_t
fetch_root(tg_registry_client_t *client, const tg_schema_key_t *key, tg_answer_t *ret_answer,
           tg_error_t *err)
{
    char id[TG_GUID_TEXT_BYTES];
    (void)snprintf(id, sizeof id, "%" PRId64, key->id);
    switch (key->kind) {
    case TG_SCHEMA_KEY_ID:
        return fetch_compatible(client,
                                (const char *[]){"/schemas/ids/", id, "?fetchMaxId=false", NULL},
                                client->arena, ret_answer, err);
    case TG_SCHEMA_KEY_GUID:
        (void)tg_schema_key_guid_text(key->guid, id);
        return fetch_compatible(client, (const char *[]){"/schemas/guids/", id, NULL},
                                client->arena, ret_answer, err);
    case TG_SCHEMA_KEY_GLOBAL_ID:
        if (!is_apicurio_url(url_of(client))) {
            return tg_error_set(err, TG_ERR_UNSUPPORTED,
                                "global ids are Apicurio's, and %s does not end in "
                                "/apis/ccompat/vN, so that its own API could be found; write with "
                                "apicurio.registry.use-id=contentId, or correct registry.url",
                                url_of(client));
        }
        return fetch_native(client, (const char *[]){NATIVE_IDS, id, NULL}, client->arena,
                            ret_answer, err);
    case TG_SCHEMA_KEY_NAME:
        break;
    }
    return tg_error_set(err, TG_ERR_UNSUPPORTED,
                        "schemas have names only in a directory (registry.directory)");
}

static tg_status_t
fetch_compatible_reference(void *arg, const tg_reference_t *reference, tg_arena_t *arena,
                           tg_answer_t *ret_answer, tg_error_t *err)
{
    return fetch_compatible(arg,
                            (const char *[]){"/subjects/", reference->subject, "/versions/",
                                             reference->version, "?deleted=true", NULL},
                            arena, ret_answer, err);
}

static tg_status_t
fetch_native_reference(void *arg, const tg_reference_t *reference, tg_arena_t *arena,
                       tg_answer_t *ret_answer, tg_error_t *err)
{
    return fetch_native(arg,
                        (const char *[]){NATIVE_GROUPS, reference->group, "/artifacts/",
                                         reference->subject, "/versions/", reference->version,
                                         NULL},
                        arena, ret_answer, err);
}

/* ---- the URLs in turn -------------------------------------------------------------------- */

static tg_status_t
fetch_from_one(tg_registry_client_t *client, const tg_schema_key_t *key,
               tg_registered_schema_t **ret_schema, tg_error_t *err)
{
    const tg_reference_source_t source = {
        .fetch = key->kind == TG_SCHEMA_KEY_GLOBAL_ID ? fetch_native_reference
                                                      : fetch_compatible_reference,
        .arg = client,
    };
    tg_answer_t root = {0};
    tg_arena_reset(client->arena);
    TG_TRY(fetch_root(client, key, &root, err));
    return tg_resolution_run(&source, &root, client->arena, client->max_schema_bytes, ret_schema,
                             err);
}

/* Worth asking another URL: it may be up, let us in, or have seen a schema that this one has not
 * yet. */
static bool
is_worth_asking_another(tg_status_t status)
{
    return status == TG_ERR_UNAVAILABLE || status == TG_ERR_PERMISSION ||
           status == TG_ERR_NOT_FOUND;
}

/* "Unknown" from one that answers is more than "away" from another, and a last word (go_on is
 * false) more than either; of equals the newest status counts, with all of them in the text. */
static void
merge(tg_error_t *all, const tg_error_t *one, bool go_on)
{
    if (all->status == TG_OK || !go_on ||
        (one->status == TG_ERR_NOT_FOUND && all->status != TG_ERR_NOT_FOUND)) {
        *all = *one;
    } else if (all->status != TG_ERR_NOT_FOUND) {
        const tg_error_t before = *all;
        TG_IGNORE(tg_error_set(all, one->status, "%.480s; %.480s", before.text, one->text));
    }
}

/* Asks the URL at hand, and notes whether it is there at all. */
static tg_status_t
try_url(tg_registry_client_t *client, const tg_schema_key_t *key,
        tg_registered_schema_t **ret_schema, bool *reached, tg_error_t *err)
{
    client->reached = false;
    tg_status_t status = fetch_from_one(client, key, ret_schema, err);
    client->away_until_ms[client->i_url] = status == TG_ERR_UNAVAILABLE && !client->reached
                                               ? tg_clock_now_ms(client->clock) + AWAY_MS
                                               : 0;
    *reached = *reached || client->reached;
    return status;
}

/* A URL that was away a moment ago is not waited for just to confirm that a schema is unknown. */
static bool
is_skipped(const tg_registry_client_t *client, size_t i_url, const tg_error_t *so_far)
{
    return so_far->status == TG_ERR_NOT_FOUND &&
           tg_clock_now_ms(client->clock) < client->away_until_ms[i_url];
}

tg_status_t
tg_registry_client_fetch(tg_registry_client_t *client, const tg_schema_key_t *key,
                         tg_registered_schema_t **ret_schema, bool *ret_reached, tg_error_t *err)
{
    const size_t n_urls = tg_transport_n_urls(client->transport);
    const size_t first = client->i_url;
    size_t answered = first;
    bool go_on = true;
    tg_error_t all = {0};
    *ret_reached = false;
    for (size_t i = 0; i < n_urls && go_on; i++) {
        size_t i_url = (first + i) % n_urls;
        if (is_skipped(client, i_url, &all)) {
            continue;
        }
        tg_error_t one = {0};
        client->i_url = i_url;
        tg_status_t status = try_url(client, key, ret_schema, ret_reached, &one);
        if (status == TG_OK) {
            return TG_OK;
        }
        if (status == TG_ERR_NOT_FOUND && all.status != TG_ERR_NOT_FOUND) {
            answered = i_url;
        }
        go_on = is_worth_asking_another(status);
        answered = go_on ? answered : i_url;
        merge(&all, &one, go_on);
    }
    client->i_url = answered;
    return tg_error_set(err, all.status, "%s", all.text);
}

tg_status_t
tg_registry_client_probe(tg_registry_client_t *client, int64_t timeout_ms, tg_error_t *err)
{
    const int64_t end_ms = tg_clock_now_ms(client->clock) + timeout_ms;
    tg_error_t all = {0};
    bool any = false;
    const size_t n_urls = tg_transport_n_urls(client->transport);
    for (size_t i = 0; i < n_urls; i++) {
        tg_error_t one = {0};
        int64_t left_ms = end_ms - tg_clock_now_ms(client->clock);
        client->i_url = i;
        if (check_api(client, left_ms > 1 ? left_ms : 1, &one) == TG_OK) {
            any = true;
            continue;
        }
        merge(&all, &one, true);
        if (n_urls > 1) {
            TG_LOG_WARNING(client->log, "a registry URL does not answer as it should",
                           TG_S("url", url_of(client)), TG_S("cause", one.text));
        }
    }
    return any ? TG_OK : tg_error_set(err, all.status, "%s", all.text);
}

/* ---- life -------------------------------------------------------------------------------- */

tg_status_t
tg_registry_client_open(const tg_registry_options_t *options, tg_registry_client_t **ret_client,
                        tg_error_t *err)
{
    TG_CLEANUP(tg_registry_client_closep) tg_registry_client_t *client = calloc(1, sizeof *client);
    if (client == NULL) {
        return tg_error_set(err, TG_ERR_NO_MEMORY, "no memory for the registry client");
    }
    client->timeout_ms = options->timeout_ms;
    client->max_schema_bytes = (size_t)options->max_schema_bytes;
    client->clock = options->clock;
    client->log = options->log;
    tg_buffer_init(&client->path, MAX_PATH_BYTES);
    /* All texts of one fetch, and their references' names beside them. */
    client->arena = tg_arena_new(2 * client->max_schema_bytes + ARENA_EXTRA_BYTES);
    if (client->arena == NULL) {
        return tg_error_set(err, TG_ERR_NO_MEMORY, "no memory for the registry client");
    }
    TG_TRY(tg_transport_open(options, &client->transport, err));
    *ret_client = TG_STEAL(client);
    return TG_OK;
}

void
tg_registry_client_close(tg_registry_client_t *client)
{
    if (client == NULL) {
        return;
    }
    tg_transport_close(client->transport);
    tg_arena_free(client->arena);
    tg_buffer_done(&client->path);
    free(client);
}

void
tg_registry_client_stop(tg_registry_client_t *client)
{
    tg_transport_stop(client->transport);
}

const char *
tg_registry_client_url(const tg_registry_client_t *client)
{
    return url_of(client);
}
