// links: registry base
#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "answer_internal.h"
#include "base/arena.h"
#include "base/bytes.h"
#include "disk_format_internal.h"
#include "registered_schema_internal.h"
#include "type_names_internal.h"

enum { MAX_ARENA_BYTES = 1024 * 1024 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes);

static void
read_answers(tg_bytes_t body, tg_arena_t *arena)
{
    tg_answer_t answer = {0};
    tg_answer_error_t error;
    tg_error_t err;
    bool found = false;
    if (tg_answer_parse(body, arena, &answer, &err) == TG_OK) {
        assert(answer.schema != NULL);
        assert(answer.n_references <= TG_ANSWER_MAX_REFERENCES);
    }
    TG_IGNORE(tg_answer_parse_native_schema(body, arena, &answer, &err));     /* must not crash */
    TG_IGNORE(tg_answer_parse_native_references(body, arena, &answer, &err)); /* the same */
    tg_answer_parse_error(body, &error);
    (void)tg_answer_parse_list(body, "AVRO", &found);
}

static void
read_names(tg_bytes_t body, tg_arena_t *arena)
{
    static tg_type_names_t names;
    tg_error_t err;
    const char *text = tg_arena_strndup(arena, (const char *)body.data, body.n_bytes);
    if (text != NULL && tg_type_names_find(text, arena, &names, &err) == TG_OK) {
        for (size_t i = 0; i < names.used.count; i++) {
            assert(!tg_name_list_has(&names.defined, names.used.names[i]));
        }
    }
}

/* A file of the disk cache, as it stands and as a schema that is written and read again. */
static void
read_file(tg_bytes_t body)
{
    const tg_schema_key_t key = {.kind = TG_SCHEMA_KEY_ID, .id = 1};
    tg_registered_schema_t *schema = NULL;
    if (tg_disk_format_read(&key, body, &schema) == TG_OK) {
        tg_buffer_t file;
        tg_registered_schema_t *again = NULL;
        tg_buffer_init(&file, MAX_ARENA_BYTES);
        if (tg_disk_format_write(&key, schema, &file) == TG_OK) {
            tg_status_t status = tg_disk_format_read(&key, tg_buffer_view(&file), &again);
            assert(status == TG_OK && strcmp(again->text, schema->text) == 0);
        }
        tg_registered_schema_free(again);
        tg_buffer_done(&file);
    }
    tg_registered_schema_free(schema);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
    tg_arena_t *arena = tg_arena_new(MAX_ARENA_BYTES);
    if (arena != NULL) {
        const tg_bytes_t body = tg_bytes_of(data, n_bytes);
        read_answers(body, arena);
        read_names(body, arena);
        read_file(body);
    }
    tg_arena_free(arena);
    return 0;
}
