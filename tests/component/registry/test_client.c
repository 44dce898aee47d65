// links: registry base
// libs: openssl
#include <stdio.h>

#include "base/clock.h"
#include "client_internal.h"
#include "registered_schema_internal.h"
#include "scripted_registry.h"
#include "tg_test.h"

#define INT_SCHEMA "{\"schema\":\"\\\"int\\\"\"}"

typedef struct room {
    scripted_registry_t registry;
    char url[2][96];
    const char *urls[2];
    tg_registry_options_t options;
    tg_manual_clock_t clock;
    tg_registry_client_t *client;
} room_t;

/* A client of one scripted registry whose base path is path. */
static room_t *
open_room(const scripted_answer_t *answers, const char *path)
{
    static room_t room;
    memset(&room, 0, sizeof room);
    scripted_start(&room.registry, answers);
    tg_manual_clock_init(&room.clock, 1000);
    (void)snprintf(room.url[0], sizeof room.url[0], "http://127.0.0.1:%d%s", room.registry.port,
                   path);
    room.urls[0] = room.url[0];
    room.options = (tg_registry_options_t){.urls = room.urls,
                                           .n_urls = 1,
                                           .timeout_ms = 5000,
                                           .max_schema_bytes = 4096,
                                           .clock = &room.clock.clock};
    tg_error_t err = {0};
    ASSERT_OK(tg_registry_client_open(&room.options, &room.client, &err));
    return &room;
}

static void
close_room(room_t *room)
{
    tg_registry_client_close(room->client);
    scripted_stop(&room->registry);
}

static tg_status_t
fetch(room_t *room, tg_schema_key_t key, tg_registered_schema_t **ret_schema, tg_error_t *err)
{
    bool reached = false;
    return tg_registry_client_fetch(room->client, &key, ret_schema, &reached, err);
}

static tg_status_t
fetch_id(room_t *room, int64_t id, tg_registered_schema_t **ret_schema, tg_error_t *err)
{
    return fetch(room, (tg_schema_key_t){.kind = TG_SCHEMA_KEY_ID, .id = id}, ret_schema, err);
}

typedef struct answer_case {
    const char *name;
    scripted_answer_t answer;
    tg_status_t status;
    const char *text; /* somewhere in the message */
} answer_case_t;

#define ID_1_PATH "/schemas/ids/1?fetchMaxId=false"

static void
client_of_every_kind_of_answer_gives_its_status(void **state)
{
    (void)state;
    const answer_case_t cases[] = {
        {"avro by default", {ID_1_PATH, 200, NULL, NULL, INT_SCHEMA}, TG_OK, ""},
        {"avro said",
         {ID_1_PATH, 200, NULL, NULL, "{\"schema\":\"\\\"int\\\"\",\"schemaType\":\"AVRO\"}"},
         TG_OK,
         ""},
        {"protobuf",
         {ID_1_PATH, 200, NULL, NULL, "{\"schema\":\"x\",\"schemaType\":\"PROTOBUF\"}"},
         TG_ERR_UNSUPPORTED,
         "PROTOBUF"},
        {"unknown schema",
         {ID_1_PATH, 404, NULL, NULL, "{\"error_code\":40403,\"message\":\"Schema not found\"}"},
         TG_ERR_NOT_FOUND,
         "40403: Schema not found"},
        {"unknown subject",
         {ID_1_PATH, 404, NULL, NULL, "{\"error_code\":40401,\"message\":\"Subject\"}"},
         TG_ERR_NOT_FOUND,
         "40401"},
        {"invalid by the registry's word",
         {ID_1_PATH, 422, NULL, NULL, "{\"error_code\":42201,\"message\":\"Bad\\nthing\"}"},
         TG_ERR_INVALID,
         "42201: Bad thing"},
        {"no login",
         {ID_1_PATH, 401, NULL, NULL, "{\"error_code\":401,\"message\":\"Who?\"}"},
         TG_ERR_PERMISSION,
         "registry.username"},
        {"forbidden",
         {ID_1_PATH, 403, "text/html", NULL, "<html>no</html>"},
         TG_ERR_PERMISSION,
         "read access"},
        {"overloaded", {ID_1_PATH, 429, NULL, NULL, ""}, TG_ERR_UNAVAILABLE, "429"},
        {"store error",
         {ID_1_PATH, 500, NULL, NULL, "{\"error_code\":50001,\"message\":\"Store\"}"},
         TG_ERR_UNAVAILABLE,
         "50001: Store"},
        {"gateway", {ID_1_PATH, 502, "text/html", NULL, "<html>"}, TG_ERR_UNAVAILABLE, "502"},
        {"login page",
         {ID_1_PATH, 200, "text/html", NULL, "<html>"},
         TG_ERR_UNAVAILABLE,
         "Confluent-compatible"},
        {"other JSON",
         {ID_1_PATH, 200, NULL, NULL, "{\"hello\":1}"},
         TG_ERR_UNAVAILABLE,
         "no \"schema\""},
        {"bad request of something else",
         {ID_1_PATH, 400, "text/html", NULL, "<html>"},
         TG_ERR_UNAVAILABLE,
         "HTML instead of JSON"},
        {"other method",
         {ID_1_PATH, 405, NULL, NULL, "{\"error_code\":405,\"message\":\"\"}"},
         TG_ERR_UNAVAILABLE,
         "Confluent-compatible"},
        {"redirect",
         {ID_1_PATH, 301, NULL, "Location: http://user:secret@127.0.0.1:9/elsewhere?token=x", ""},
         TG_ERR_UNAVAILABLE,
         "redirect to http://127.0.0.1:9/elsewhere,"},
        {"nothing", {ID_1_PATH, 204, NULL, NULL, ""}, TG_ERR_UNAVAILABLE, "without a schema"},
        {"hang up", {ID_1_PATH, 0, NULL, NULL, ""}, TG_ERR_UNAVAILABLE, "Empty reply"},
    };
    for (size_t i = 0; i < TG_COUNT_OF(cases); i++) {
        const scripted_answer_t answers[] = {cases[i].answer, {.path = NULL}};
        room_t *room = open_room(answers, "");
        tg_registered_schema_t *schema = NULL;
        tg_error_t err = {0};
        tg_status_t status = fetch_id(room, 1, &schema, &err);
        if (status != cases[i].status || strstr(err.text, cases[i].text) == NULL ||
            strstr(err.text, "secret") != NULL) {
            fail_msg("%s: %s: %s", cases[i].name, tg_status_name(status), err.text);
        }
        if (status == TG_OK) {
            assert_string_equal(schema->text, "\"int\"");
        } else {
            assert_int_equal(err.status, status);
            assert_null(schema);
        }
        tg_registered_schema_free(schema);
        close_room(room);
    }
}

/* Without a code of the registry's own a 404 may come from any web server: the record must not be
 * blamed for a wrong URL. */
static void
client_of_a_bare_404_asks_whether_the_api_is_there(void **state)
{
    (void)state;
    const char *bare = "{\"error_code\":404,\"message\":\"HTTP 404 Not Found\"}";
    const scripted_answer_t wrong_url[] = {{ID_1_PATH, 404, NULL, NULL, bare},
                                           {"/schemas/types", 404, NULL, NULL, bare},
                                           {"/subjects", 404, NULL, NULL, bare},
                                           {.path = NULL}};
    const scripted_answer_t right_url[] = {{ID_1_PATH, 404, NULL, NULL, bare},
                                           {"/schemas/types", 200, NULL, NULL, "[\"AVRO\"]"},
                                           {.path = NULL}};
    const scripted_answer_t old_registry[] = {{ID_1_PATH, 404, NULL, NULL, bare},
                                              {"/schemas/types", 404, NULL, NULL, bare},
                                              {"/subjects", 200, NULL, NULL, "[]"},
                                              {.path = NULL}};

    const struct {
        const scripted_answer_t *answers;
        tg_status_t status;
    } cases[] = {{wrong_url, TG_ERR_UNAVAILABLE},
                 {right_url, TG_ERR_NOT_FOUND},
                 {old_registry, TG_ERR_NOT_FOUND}};

    for (size_t i = 0; i < TG_COUNT_OF(cases); i++) {
        room_t *room = open_room(cases[i].answers, "");
        tg_registered_schema_t *schema = NULL;
        tg_error_t err = {0};
        ASSERT_FAILS(fetch_id(room, 1, &schema, &err), cases[i].status);
        assert_int_equal(err.status, cases[i].status);
        close_room(room);
    }
}

static void
client_by_guid_asks_for_the_guid(void **state)
{
    (void)state;
    const scripted_answer_t answers[] = {
        {"/schemas/guids/01234567-89ab-cdef-0011-223344556677", 200, NULL, NULL, INT_SCHEMA},
        {.path = NULL}};
    room_t *room = open_room(answers, "");
    tg_registered_schema_t *schema = NULL;
    tg_error_t err = {0};
    tg_schema_key_t key = {.kind = TG_SCHEMA_KEY_GUID,
                           .guid = {0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef, 0x00, 0x11,
                                    0x22, 0x33, 0x44, 0x55, 0x66, 0x77}};
    ASSERT_OK(fetch(room, key, &schema, &err));
    assert_string_equal(schema->text, "\"int\"");
    tg_registered_schema_free(schema);
    close_room(room);
}

static void
client_resolves_references_in_the_order_of_need(void **state)
{
    (void)state;
    const scripted_answer_t answers[] = {
        {ID_1_PATH, 200, NULL, NULL,
         "{\"schema\":\"top\",\"references\":[{\"name\":\"n\",\"subject\":\"a/b \\u00fc&?\","
         "\"version\":2},{\"name\":\"n\",\"subject\":\"base\",\"version\":1}]}"},
        {"/subjects/a%2Fb%20%C3%BC%26%3F/versions/2?deleted=true", 200, NULL, NULL,
         "{\"schema\":\"middle\",\"references\":[{\"name\":\"n\",\"subject\":\"base\","
         "\"version\":1}]}"},
        {"/subjects/base/versions/1?deleted=true", 200, NULL, NULL,
         "{\"schema\":\"bottom\",\"references\":null}"},
        {.path = NULL}};
    room_t *room = open_room(answers, "/");
    tg_registered_schema_t *schema = NULL;
    tg_error_t err = {0};
    ASSERT_OK(fetch_id(room, 1, &schema, &err));
    assert_string_equal(schema->text, "top");
    assert_int_equal(schema->n_references, 2);
    assert_string_equal(schema->references[0], "bottom");
    assert_string_equal(schema->references[1], "middle");
    assert_int_equal(scripted_count(&room->registry), 3);
    tg_registered_schema_free(schema);
    close_room(room);
}

static void
client_of_a_missing_reference_names_it(void **state)
{
    (void)state;
    const scripted_answer_t answers[] = {
        {ID_1_PATH, 200, NULL, NULL,
         "{\"schema\":\"top\",\"references\":[{\"subject\":\"gone\",\"version\":7}]}"},
        {.path = NULL}};
    room_t *room = open_room(answers, "");
    tg_registered_schema_t *schema = NULL;
    tg_error_t err = {0};
    ASSERT_FAILS(fetch_id(room, 1, &schema, &err), TG_ERR_NOT_FOUND);
    assert_non_null(strstr(err.text, "\"gone\" version 7"));
    close_room(room);
}

static void
client_of_a_subject_too_long_for_a_path_is_too_large(void **state)
{
    (void)state;
    static char body[30000];
    (void)snprintf(body, sizeof body,
                   "{\"schema\":\"t\",\"references\":[{\"subject\":\"%020000d\",\"version\":1}]}",
                   0);
    const scripted_answer_t answers[] = {{ID_1_PATH, 200, NULL, NULL, body}, {.path = NULL}};
    room_t *room = open_room(answers, "");
    tg_registry_client_close(room->client);
    room->options.max_schema_bytes = 100000;
    tg_registered_schema_t *schema = NULL;
    tg_error_t err = {0};
    ASSERT_OK(tg_registry_client_open(&room->options, &room->client, &err));
    ASSERT_FAILS(fetch_id(room, 1, &schema, &err), TG_ERR_TOO_LARGE);
    close_room(room);
}

static void
client_of_too_large_an_answer_says_which_limit(void **state)
{
    (void)state;
    char body[8192];
    memset(body, 'x', sizeof body - 1);
    body[sizeof body - 1] = '\0';
    const scripted_answer_t answers[] = {{ID_1_PATH, 200, NULL, NULL, body},
                                         {"/schemas/ids/2?fetchMaxId=false", 500, NULL, NULL, body},
                                         {.path = NULL}};
    room_t *room = open_room(answers, "");
    tg_registered_schema_t *schema = NULL;
    tg_error_t err = {0};
    ASSERT_FAILS(fetch_id(room, 1, &schema, &err), TG_ERR_TOO_LARGE);
    assert_non_null(strstr(err.text, "registry.max_schema_bytes"));
    /* An error page may be as long as it likes. */
    ASSERT_FAILS(fetch_id(room, 2, &schema, &err), TG_ERR_UNAVAILABLE);
    close_room(room);
}

/* ---- Apicurio's global ids ---------------------------------------------------------------- */

#define NATIVE "/apis/registry/v2"

static void
client_by_global_id_uses_apicurios_own_api(void **state)
{
    (void)state;
    const scripted_answer_t answers[] = {
        {NATIVE "/ids/globalIds/5", 200, NULL, NULL, "{\"type\":\"record\",\"name\":\"T\"}"},
        {NATIVE "/ids/globalIds/5/references", 200, NULL, NULL,
         "[{\"groupId\":\"g/1\",\"artifactId\":\"a b\",\"version\":\"1.0\",\"name\":\"N\"}]"},
        {NATIVE "/groups/g%2F1/artifacts/a%20b/versions/1.0", 200, NULL, NULL, "\"int\""},
        {NATIVE "/groups/g%2F1/artifacts/a%20b/versions/1.0/references", 200, NULL, NULL,
         "[{\"artifactId\":\"c\",\"version\":\"2\"}]"},
        {NATIVE "/groups/default/artifacts/c/versions/2", 200, NULL, NULL, "\"long\""},
        {NATIVE "/groups/default/artifacts/c/versions/2/references", 200, NULL, NULL, "[]"},
        {NATIVE "/ids/globalIds/6", 404, NULL, NULL,
         "{\"error_code\":404,\"name\":\"ArtifactNotFoundException\",\"message\":\"none\"}"},
        {NATIVE "/ids/globalIds/7", 404, NULL, NULL,
         "{\"error_code\":404,\"name\":\"NotFoundException\",\"message\":\"no path\"}"},
        {NATIVE "/ids/globalIds/8", 200, NULL, NULL, "syntax = \"proto3\";"},
        {.path = NULL}};
    room_t *room = open_room(answers, "/apis/ccompat/v7");
    tg_schema_key_t key = {.kind = TG_SCHEMA_KEY_GLOBAL_ID, .id = 5};
    tg_registered_schema_t *schema = NULL;
    tg_error_t err = {0};
    ASSERT_OK(fetch(room, key, &schema, &err));
    assert_int_equal(schema->n_references, 2);
    assert_string_equal(schema->references[0], "\"long\"");
    assert_string_equal(schema->references[1], "\"int\"");
    tg_registered_schema_free(schema);
    schema = NULL;
    key.id = 6;
    ASSERT_FAILS(fetch(room, key, &schema, &err), TG_ERR_NOT_FOUND);
    key.id = 7;
    ASSERT_FAILS(fetch(room, key, &schema, &err), TG_ERR_UNAVAILABLE);
    key.id = 8;
    ASSERT_FAILS(fetch(room, key, &schema, &err), TG_ERR_UNSUPPORTED);
    close_room(room);
}

static void
client_by_global_id_at_another_registry_is_unsupported(void **state)
{
    (void)state;
    const scripted_answer_t answers[] = {{.path = NULL}};
    const char *const paths[] = {"", "/apis/ccompat/v", "/apis/ccompat/v7/x", "/apis/ccompat"};
    for (size_t i = 0; i < TG_COUNT_OF(paths); i++) {
        room_t *room = open_room(answers, paths[i]);
        tg_schema_key_t key = {.kind = TG_SCHEMA_KEY_GLOBAL_ID, .id = 5};
        tg_registered_schema_t *schema = NULL;
        tg_error_t err = {0};
        ASSERT_FAILS(fetch(room, key, &schema, &err), TG_ERR_UNSUPPORTED);
        assert_non_null(strstr(err.text, "contentId"));
        assert_int_equal(scripted_count(&room->registry), 0);
        close_room(room);
    }
}

/* ---- several URLs -------------------------------------------------------------------------- */

typedef struct pair {
    scripted_registry_t registries[2];
    char text[2][64];
    const char *urls[2];
    tg_registry_client_t *client;
} pair_t;

static pair_t *
open_pair(const scripted_answer_t *first, const scripted_answer_t *second)
{
    static pair_t pair;
    memset(&pair, 0, sizeof pair);
    const scripted_answer_t *answers[2] = {first, second};
    for (size_t i = 0; i < 2; i++) {
        scripted_start(&pair.registries[i], answers[i]);
        (void)snprintf(pair.text[i], sizeof pair.text[i], "http://127.0.0.1:%d",
                       pair.registries[i].port);
        pair.urls[i] = pair.text[i];
    }
    const tg_registry_options_t options = {.urls = pair.urls,
                                           .n_urls = 2,
                                           .timeout_ms = 5000,
                                           .max_schema_bytes = 4096,
                                           .clock = tg_clock_system()};
    tg_error_t err = {0};
    ASSERT_OK(tg_registry_client_open(&options, &pair.client, &err));
    return &pair;
}

static void
close_pair(pair_t *pair)
{
    tg_registry_client_close(pair->client);
    scripted_stop(&pair->registries[0]);
    scripted_stop(&pair->registries[1]);
}

static tg_status_t
fetch_pair(pair_t *pair, int64_t id, tg_error_t *err)
{
    tg_schema_key_t key = {.kind = TG_SCHEMA_KEY_ID, .id = id};
    tg_registered_schema_t *schema = NULL;
    bool reached = false;
    tg_status_t status = tg_registry_client_fetch(pair->client, &key, &schema, &reached, err);
    tg_registered_schema_free(schema);
    return status;
}

static void
client_with_a_bad_first_url_stays_with_the_second(void **state)
{
    (void)state;
    const scripted_answer_t bad[] = {{ID_1_PATH, 503, NULL, NULL, ""}, {.path = NULL}};
    const scripted_answer_t good[] = {{ID_1_PATH, 200, NULL, NULL, INT_SCHEMA}, {.path = NULL}};
    pair_t *pair = open_pair(bad, good);
    tg_error_t err = {0};
    ASSERT_OK(fetch_pair(pair, 1, &err));
    ASSERT_OK(fetch_pair(pair, 1, &err));
    assert_int_equal(scripted_count(&pair->registries[0]), 1);
    assert_int_equal(scripted_count(&pair->registries[1]), 2);
    assert_string_equal(tg_registry_client_url(pair->client), pair->urls[1]);
    /* To a probe, one that is right is enough. */
    ASSERT_FAILS(tg_registry_client_probe(pair->client, 5000, &err), TG_ERR_UNAVAILABLE);
    const scripted_answer_t types[] = {{"/schemas/types", 200, NULL, NULL, "[\"AVRO\"]"},
                                       {.path = NULL}};
    scripted_change(&pair->registries[1], types);
    ASSERT_OK(tg_registry_client_probe(pair->client, 5000, &err));
    close_pair(pair);
}

static void
client_of_a_schema_that_one_url_lacks_asks_the_other(void **state)
{
    (void)state;
    const scripted_answer_t late[] = {{.path = NULL}};
    const scripted_answer_t good[] = {{ID_1_PATH, 200, NULL, NULL, INT_SCHEMA}, {.path = NULL}};
    pair_t *pair = open_pair(late, good);
    tg_error_t err = {0};
    ASSERT_OK(fetch_pair(pair, 1, &err));
    ASSERT_FAILS(fetch_pair(pair, 2, &err), TG_ERR_NOT_FOUND);
    close_pair(pair);
}

static void
client_believes_unknown_from_one_url_while_the_other_is_away(void **state)
{
    (void)state;
    const scripted_answer_t away[] = {{"/schemas/ids/2?fetchMaxId=false", 0, NULL, NULL, ""},
                                      {"/schemas/ids/3?fetchMaxId=false", 0, NULL, NULL, ""},
                                      {.path = NULL}};
    const scripted_answer_t empty[] = {{.path = NULL}};
    pair_t *pair = open_pair(away, empty);
    tg_error_t err = {0};
    ASSERT_FAILS(fetch_pair(pair, 2, &err), TG_ERR_NOT_FOUND);
    assert_string_equal(tg_registry_client_url(pair->client), pair->urls[1]);
    /* And does not wait for the other again, just to hear it confirmed. */
    size_t before = scripted_count(&pair->registries[0]);
    ASSERT_FAILS(fetch_pair(pair, 3, &err), TG_ERR_NOT_FOUND);
    assert_int_equal(scripted_count(&pair->registries[0]), before);
    close_pair(pair);
}

static void
client_stays_with_the_url_that_answered_whatever_it_said(void **state)
{
    (void)state;
    const scripted_answer_t away[] = {{ID_1_PATH, 0, NULL, NULL, ""}, {.path = NULL}};
    const scripted_answer_t protobuf[] = {
        {ID_1_PATH, 200, NULL, NULL, "{\"schema\":\"x\",\"schemaType\":\"PROTOBUF\"}"},
        {.path = NULL}};
    const scripted_answer_t empty[] = {{.path = NULL}};

    const struct {
        const scripted_answer_t *first;
        const scripted_answer_t *second;
        tg_status_t status;
        size_t stays_with;
    } cases[] = {
        {away, protobuf, TG_ERR_UNSUPPORTED, 1},
        {away, empty, TG_ERR_NOT_FOUND, 1},
        {empty, away, TG_ERR_NOT_FOUND, 0},
    };

    for (size_t i = 0; i < TG_COUNT_OF(cases); i++) {
        pair_t *pair = open_pair(cases[i].first, cases[i].second);
        tg_error_t err = {0};
        ASSERT_FAILS(fetch_pair(pair, 1, &err), cases[i].status);
        assert_string_equal(tg_registry_client_url(pair->client), pair->urls[cases[i].stays_with]);
        close_pair(pair);
    }
}

static void
client_without_any_answer_names_every_url_and_cause(void **state)
{
    (void)state;
    const scripted_answer_t broken[] = {{ID_1_PATH, 500, NULL, NULL, ""}, {.path = NULL}};
    const scripted_answer_t closed[] = {{ID_1_PATH, 0, NULL, NULL, ""}, {.path = NULL}};
    pair_t *pair = open_pair(broken, closed);
    tg_error_t err = {0};
    ASSERT_FAILS(fetch_pair(pair, 1, &err), TG_ERR_UNAVAILABLE);
    assert_non_null(strstr(err.text, pair->urls[0]));
    assert_non_null(strstr(err.text, pair->urls[1]));
    close_pair(pair);
}

/* ---- probe --------------------------------------------------------------------------------- */

static void
client_probe_says_what_is_wrong(void **state)
{
    (void)state;
    const answer_case_t cases[] = {
        {"good", {"/schemas/types", 200, NULL, NULL, "[\"JSON\",\"AVRO\"]"}, TG_OK, ""},
        {"no avro",
         {"/schemas/types", 200, NULL, NULL, "[\"JSON\"]"},
         TG_ERR_UNAVAILABLE,
         "type AVRO"},
        {"html",
         {"/schemas/types", 200, "text/html", NULL, "<html>"},
         TG_ERR_UNAVAILABLE,
         "HTML instead of JSON): is this the registry's Confluent-compatible API? for Apicurio the "
         "URL ends in /apis/ccompat/v7"},
        {"login", {"/schemas/types", 401, NULL, NULL, ""}, TG_ERR_PERMISSION, "registry.password"},
        {"away", {"/schemas/types", 0, NULL, NULL, ""}, TG_ERR_UNAVAILABLE, "http://127.0.0.1:"},
    };
    for (size_t i = 0; i < TG_COUNT_OF(cases); i++) {
        const scripted_answer_t answers[] = {cases[i].answer, {.path = NULL}};
        room_t *room = open_room(answers, "");
        tg_error_t err = {0};
        tg_status_t status = tg_registry_client_probe(room->client, 5000, &err);
        if (status != cases[i].status || strstr(err.text, cases[i].text) == NULL) {
            fail_msg("%s: %s: %s", cases[i].name, tg_status_name(status), err.text);
        }
        close_room(room);
    }
}

int
main(void)
{
    (void)setenv("no_proxy", "*", 1); /* nothing here is for the proxy of this machine */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(client_of_every_kind_of_answer_gives_its_status),
        cmocka_unit_test(client_of_a_bare_404_asks_whether_the_api_is_there),
        cmocka_unit_test(client_by_guid_asks_for_the_guid),
        cmocka_unit_test(client_resolves_references_in_the_order_of_need),
        cmocka_unit_test(client_of_a_missing_reference_names_it),
        cmocka_unit_test(client_of_a_subject_too_long_for_a_path_is_too_large),
        cmocka_unit_test(client_of_too_large_an_answer_says_which_limit),
        cmocka_unit_test(client_by_global_id_uses_apicurios_own_api),
        cmocka_unit_test(client_by_global_id_at_another_registry_is_unsupported),
        cmocka_unit_test(client_with_a_bad_first_url_stays_with_the_second),
        cmocka_unit_test(client_of_a_schema_that_one_url_lacks_asks_the_other),
        cmocka_unit_test(client_believes_unknown_from_one_url_while_the_other_is_away),
        cmocka_unit_test(client_stays_with_the_url_that_answered_whatever_it_said),
        cmocka_unit_test(client_without_any_answer_names_every_url_and_cause),
        cmocka_unit_test(client_probe_says_what_is_wrong),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
