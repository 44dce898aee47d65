#include "registered_schema_internal.h"
#include "resolution_internal.h"

/* A reference that was met; open while what it needs is being resolved. */
typedef struct visit {
    const tg_reference_t *reference;
    bool open;
} visit_t;

typedef struct resolution {
    const tg_reference_source_t *source;
    tg_arena_t *arena;
    visit_t visits[TG_ANSWER_MAX_REFERENCES];
    size_t n_visits;
    const char *texts[TG_ANSWER_MAX_REFERENCES]; /* in the order of the result */
    size_t n_texts;
    size_t n_bytes;
    size_t max_bytes;
} resolution_t;

static tg_status_t resolve_all(resolution_t *self, const tg_answer_t *answer, int depth,
                               tg_error_t *err);

static visit_t *
find_visit(resolution_t *self, const tg_reference_t *reference)
{
    for (size_t i = 0; i < self->n_visits; i++) {
        const tg_reference_t *seen = self->visits[i].reference;
        if (strcmp(seen->subject, reference->subject) == 0 &&
            strcmp(seen->version, reference->version) == 0 &&
            strcmp(seen->group, reference->group) == 0) {
            return &self->visits[i];
        }
    }
    return NULL;
}

static tg_status_t
count_bytes(resolution_t *self, const char *text, tg_error_t *err)
{
    self->n_bytes += strlen(text) + 1;
    if (self->n_bytes > self->max_bytes) {
        return tg_error_set(err, TG_ERR_TOO_LARGE,
                            "with its references it has more than the %zu bytes that "
                            "registry.max_schema_bytes allows",
                            self->max_bytes);
    }
    return TG_OK;
}

/* The same text can be registered under two subjects; twice in a list, its types would clash. */
static void
add_text(resolution_t *self, const char *text)
{
    for (size_t i = 0; i < self->n_texts; i++) {
        if (strcmp(self->texts[i], text) == 0) {
            return;
        }
    }
    self->texts[self->n_texts++] = text;
}

static tg_status_t
open_visit(resolution_t *self, const tg_reference_t *reference, visit_t **ret_visit,
           tg_error_t *err)
{
    if (self->n_visits == TG_ANSWER_MAX_REFERENCES) {
        return tg_error_set(err, TG_ERR_TOO_LARGE, "it needs more than %d other schemas",
                            TG_ANSWER_MAX_REFERENCES);
    }
    visit_t *visit = &self->visits[self->n_visits++];
    *visit = (visit_t){.reference = reference, .open = true};
    *ret_visit = visit;
    return TG_OK;
}

static tg_status_t
resolve_one(resolution_t *self, const tg_reference_t *reference, int depth, tg_error_t *err)
{
    visit_t *visit = find_visit(self, reference);
    if (visit != NULL && visit->open) {
        return tg_error_set(err, TG_ERR_INVALID, "it needs itself: its references form a circle");
    }
    if (visit != NULL) {
        return TG_OK;
    }
    if (depth > TG_RESOLUTION_MAX_DEPTH) {
        return tg_error_set(err, TG_ERR_TOO_LARGE, "references are nested more than %d deep",
                            TG_RESOLUTION_MAX_DEPTH);
    }
    TG_TRY(open_visit(self, reference, &visit, err));
    tg_answer_t answer = {0};
    TG_TRY(self->source->fetch(self->source->arg, reference, self->arena, &answer, err));
    TG_TRY(count_bytes(self, answer.schema, err));
    TG_TRY(resolve_all(self, &answer, depth + 1, err));
    add_text(self, answer.schema);
    visit->open = false;
    return TG_OK;
}

static tg_status_t
resolve_all(resolution_t *self, const tg_answer_t *answer, int depth, tg_error_t *err)
{
    for (size_t i = 0; i < answer->n_references; i++) {
        const tg_reference_t *reference = &answer->references[i];
        tg_status_t status = resolve_one(self, reference, depth, err);
        if (status != TG_OK) {
            return tg_error_wrap(err, status, "its reference to subject \"%.200s\" version %.20s",
                                 reference->subject, reference->version);
        }
    }
    return TG_OK;
}

tg_status_t
tg_resolution_run(const tg_reference_source_t *source, const tg_answer_t *root, tg_arena_t *arena,
                  size_t max_bytes, tg_registered_schema_t **ret_schema, tg_error_t *err)
{
    resolution_t self = {.source = source, .arena = arena, .max_bytes = max_bytes};
    TG_TRY(count_bytes(&self, root->schema, err));
    TG_TRY(resolve_all(&self, root, 1, err));
    tg_registered_schema_t *schema =
        tg_registered_schema_new(root->schema, self.texts, self.n_texts);
    if (schema == NULL) {
        return tg_error_set(err, TG_ERR_NO_MEMORY, "no memory for a schema");
    }
    *ret_schema = schema;
    return TG_OK;
}
