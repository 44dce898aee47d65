#include <stdlib.h>

#include "registered_schema_internal.h"

static size_t
size_of(const char *text, const char *const *references, size_t n_references)
{
    size_t n_bytes = sizeof(tg_registered_schema_t) + n_references * sizeof *references;
    for (size_t i = 0; i < n_references; i++) {
        n_bytes += strlen(references[i]) + 1;
    }
    return n_bytes + strlen(text) + 1;
}

/* Copies text to *at and moves *at behind it. */
static const char *
put(char **at, const char *text)
{
    size_t n_bytes = strlen(text) + 1;
    const char *copy = memcpy(*at, text, n_bytes);
    *at += n_bytes;
    return copy;
}

tg_registered_schema_t *
tg_registered_schema_new(const char *text, const char *const *references, size_t n_references)
{
    /* struct | pointers | texts: in this order everything is aligned. */
    tg_registered_schema_t *schema = malloc(size_of(text, references, n_references));
    if (schema == NULL) {
        return NULL;
    }
    const char **list = (const char **)(schema + 1);
    char *at = (char *)(list + n_references);
    for (size_t i = 0; i < n_references; i++) {
        list[i] = put(&at, references[i]);
    }
    *schema = (tg_registered_schema_t){
        .text = put(&at, text),
        .references = n_references > 0 ? list : NULL,
        .n_references = n_references,
    };
    return schema;
}

void
tg_registered_schema_free(tg_registered_schema_t *schema)
{
    free(schema);
}

size_t
tg_registered_schema_bytes(const tg_registered_schema_t *schema)
{
    return size_of(schema->text, schema->references, schema->n_references);
}
