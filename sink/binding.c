#include "binding.h"

#include <assert.h>
#include <stdlib.h>

enum { MAX_SCHEMAS = 10000, MAX_TABLES = 1000, MAX_BINDINGS = 20000, RECHECK_MS = 30000 };

typedef struct {
    tg_schema_key_t key;
    char *name;          /* key.name, ours */
    tg_schema_t *schema; /* NULL when error.status != TG_OK */
    tg_error_t error;
} known_schema_t;

struct tg_bindings {
    tg_bindings_options_t options;
    size_t n_schemas;
    known_schema_t *schemas;
    size_t n_tables;
    tg_table_plan_t **tables;
    size_t n_bindings;
    tg_binding_t **bindings;
};

tg_status_t
tg_bindings_new(const tg_bindings_options_t *options, tg_bindings_t **ret_bindings, tg_error_t *err)
{
    tg_bindings_t *bindings = calloc(1, sizeof *bindings);
    if (bindings == NULL) {
        return tg_error_set(err, TG_ERR_NO_MEMORY, "no memory for the schemas of a writer");
    }
    bindings->options = *options;
    *ret_bindings = bindings;
    return TG_OK;
}

void
tg_bindings_free(tg_bindings_t *bindings)
{
    if (bindings == NULL) {
        return;
    }
    for (size_t i = 0; i < bindings->n_bindings; i++) {
        tg_decode_plan_free(bindings->bindings[i]->decode);
        free(bindings->bindings[i]);
    }
    for (size_t i = 0; i < bindings->n_tables; i++) {
        tg_table_plan_free(bindings->tables[i]);
    }
    for (size_t i = 0; i < bindings->n_schemas; i++) {
        tg_schema_unref(bindings->schemas[i].schema);
        free(bindings->schemas[i].name);
    }
    free(bindings->bindings);
    free(bindings->tables);
    free(bindings->schemas);
    free(bindings);
}

/* Makes room for one more element of a list that doubles. */
static tg_status_t
list_reserve(void **list, const char *what, size_t n_items, size_t max_items, size_t item_bytes,
             tg_error_t *err)
{
    if (n_items == max_items) {
        return tg_error_set(err, TG_ERR_FULL,
                            "a writer holds at most %zu %s: split the topics over more sinks, or "
                            "restart to forget those of old records",
                            max_items, what);
    }
    if ((n_items & (n_items - 1)) != 0) {
        return TG_OK; /* not a power of two: there is room */
    }
    void *grown = realloc(*list, (n_items == 0 ? 1 : n_items * 2) * item_bytes);
    if (grown == NULL) {
        return tg_error_set(err, TG_ERR_NO_MEMORY, "no memory for the schemas of a writer");
    }
    *list = grown;
    return TG_OK;
}

tg_status_t
tg_bindings_table(tg_bindings_t *bindings, const char *table, const tg_route_config_t *route,
                  tg_table_plan_t **ret_plan, tg_error_t *err)
{
    for (size_t i = 0; i < bindings->n_tables; i++) {
        if (strcmp(tg_table_plan_table(bindings->tables[i]), table) == 0) {
            *ret_plan = bindings->tables[i];
            return TG_OK;
        }
    }
    void *list = bindings->tables;
    TG_TRY(list_reserve(&list, "tables", bindings->n_tables, MAX_TABLES, sizeof(tg_table_plan_t *),
                        err));
    bindings->tables = list;
    TG_TRY(tg_table_plan_new(table, route, bindings->options.log,
                             &bindings->tables[bindings->n_tables], err));
    *ret_plan = bindings->tables[bindings->n_tables++];
    return TG_OK;
}

/* Parses what the cache holds; a schema that is no schema is remembered as such. */
static tg_status_t
schema_learn(tg_bindings_t *bindings, const tg_schema_key_t *key,
             const tg_registered_schema_t *registered, known_schema_t **ret_known, tg_error_t *err)
{
    void *list = bindings->schemas;
    TG_TRY(list_reserve(&list, "schemas", bindings->n_schemas, MAX_SCHEMAS, sizeof(known_schema_t),
                        err));
    bindings->schemas = list;
    known_schema_t *known = (known_schema_t *)list + bindings->n_schemas;
    assert(list != NULL); /* list_reserve made room */
    *known = (known_schema_t){.key = *key};
    if (key->kind == TG_SCHEMA_KEY_NAME) {
        known->name = strdup(key->name);
        known->key.name = known->name;
        if (known->name == NULL) {
            return tg_error_set(err, TG_ERR_NO_MEMORY, "no memory for the schemas of a writer");
        }
    }
    tg_status_t status = tg_schema_new(registered->text, registered->references,
                                       registered->n_references, &known->schema, &known->error);
    if (status != TG_OK && tg_status_reaction(status) != TG_REACTION_POISON) {
        free(known->name);
        if (err != NULL) {
            *err = known->error;
        }
        return status;
    }
    known->error.status = status;
    bindings->n_schemas++;
    *ret_known = known;
    return TG_OK;
}

static known_schema_t *
known_find(const tg_bindings_t *bindings, const tg_schema_key_t *key)
{
    for (size_t i = 0; i < bindings->n_schemas; i++) {
        if (tg_schema_key_equal(&bindings->schemas[i].key, key)) {
            return &bindings->schemas[i];
        }
    }
    return NULL;
}

static tg_status_t
schema_find(tg_bindings_t *bindings, const tg_schema_key_t *key, tg_schema_t **ret_schema,
            tg_error_t *err)
{
    known_schema_t *known = known_find(bindings, key);
    if (known == NULL) {
        const tg_registered_schema_t *registered = NULL;
        TG_TRY(tg_schema_cache_lookup(bindings->options.schemas, key, bindings->options.wake,
                                      &registered, err));
        TG_TRY(schema_learn(bindings, key, registered, &known, err));
        assert(known != NULL);
    }
    if (known->error.status != TG_OK) {
        if (err != NULL) {
            *err = known->error;
        }
        return known->error.status;
    }
    *ret_schema = known->schema;
    return TG_OK;
}

static tg_binding_t *
binding_of(const tg_bindings_t *bindings, const tg_schema_t *schema, const tg_table_plan_t *table)
{
    for (size_t i = 0; i < bindings->n_bindings; i++) {
        if (bindings->bindings[i]->schema == schema && bindings->bindings[i]->table == table) {
            return bindings->bindings[i];
        }
    }
    return NULL;
}

bool
tg_binding_is_current(const tg_binding_t *binding)
{
    return binding->decode != NULL && binding->version == tg_table_plan_version(binding->table);
}

/* Compiles for the newest list of columns; a schema that does not fit is remembered. */
static tg_status_t
binding_compile(tg_bindings_t *bindings, tg_binding_t *binding, tg_error_t *err)
{
    tg_decode_plan_free(binding->decode);
    binding->decode = NULL;
    binding->n_truncated_seen = 0;
    binding->error.status = TG_OK;
    tg_status_t status =
        tg_table_plan_compile(binding->table, binding->schema, &bindings->options.decode,
                              &binding->decode, &binding->target, &binding->error);
    binding->version = tg_table_plan_version(binding->table);
    binding->error.status = status;
    binding->checked_ms = tg_clock_now_ms(bindings->options.clock);
    if (status == TG_OK || tg_status_reaction(status) == TG_REACTION_POISON) {
        return TG_OK;
    }
    if (err != NULL) {
        *err = binding->error;
    }
    return status;
}

tg_status_t
tg_bindings_find(tg_bindings_t *bindings, const tg_schema_key_t *key, tg_table_plan_t *table,
                 tg_binding_t **ret_binding, tg_error_t *err)
{
    tg_schema_t *schema = NULL;
    TG_TRY(schema_find(bindings, key, &schema, err));
    tg_binding_t *binding = binding_of(bindings, schema, table);
    if (binding != NULL && binding->error.status != TG_OK &&
        tg_clock_now_ms(bindings->options.clock) - binding->checked_ms <= RECHECK_MS) {
        if (err != NULL) {
            *err = binding->error;
        }
        return binding->error.status;
    }
    /* Compiled for the columns of an older generation it would lose those that only this schema
     * fills. */
    if (binding == NULL || binding->error.status != TG_OK ||
        binding->generation != tg_table_plan_generation(table) ||
        tg_table_plan_target(table) == NULL) {
        return tg_error_set(err, TG_ERR_MISSING, "the table is not read yet");
    }
    if (!tg_binding_is_current(binding)) {
        TG_TRY(binding_compile(bindings, binding, err));
        if (binding->error.status != TG_OK) {
            if (err != NULL) {
                *err = binding->error;
            }
            return binding->error.status;
        }
    }
    *ret_binding = binding;
    return TG_OK;
}

tg_status_t
tg_bindings_admit(tg_bindings_t *bindings, const tg_schema_key_t *key, tg_table_plan_t *table,
                  tg_connection_t *connection, tg_error_t *err)
{
    tg_schema_t *schema = NULL;
    TG_TRY(schema_find(bindings, key, &schema, err));
    tg_binding_t *binding = binding_of(bindings, schema, table);
    if (binding == NULL) {
        void *list = bindings->bindings;
        TG_TRY(list_reserve(&list, "pairs of schema and table", bindings->n_bindings, MAX_BINDINGS,
                            sizeof(tg_binding_t *), err));
        bindings->bindings = list;
        binding = calloc(1, sizeof *binding);
        if (binding == NULL) {
            return tg_error_set(err, TG_ERR_NO_MEMORY, "no memory for the schemas of a writer");
        }
        binding->schema = schema;
        binding->table = table;
        bindings->bindings[bindings->n_bindings++] = binding;
    } else if (binding->error.status != TG_OK) {
        tg_table_plan_invalidate(
            table); /* a mismatch looked at again: the table may have changed */
    } else if (tg_binding_is_current(binding)) {
        return TG_OK; /* another lane has asked already */
    }
    tg_error_t why = {.status = TG_OK};
    tg_status_t status = tg_table_plan_admit(table, connection, schema, &why);
    if (status == TG_OK) {
        binding->generation = tg_table_plan_generation(table);
        return binding_compile(bindings, binding, err);
    }
    binding->error = why;
    binding->error.status = status;
    binding->checked_ms = tg_clock_now_ms(bindings->options.clock);
    if (tg_status_reaction(status) == TG_REACTION_POISON) {
        return TG_OK;
    }
    binding->checked_ms -=
        RECHECK_MS + 1; /* the environment's fault: ask again at the next record */
    if (err != NULL) {
        *err = why;
    }
    return status;
}

void
tg_bindings_invalidate(tg_bindings_t *bindings)
{
    for (size_t i = 0; i < bindings->n_tables; i++) {
        tg_table_plan_invalidate(bindings->tables[i]);
    }
}

size_t
tg_bindings_n_schemas(const tg_bindings_t *bindings)
{
    return bindings->n_schemas;
}

size_t
tg_bindings_n_tables(const tg_bindings_t *bindings)
{
    return bindings->n_tables;
}

const tg_table_plan_t *
tg_bindings_table_at(const tg_bindings_t *bindings, size_t index)
{
    return bindings->tables[index];
}
