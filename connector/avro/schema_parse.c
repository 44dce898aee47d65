#include <stdio.h>
#include <string.h>

#include "schema_internal.h"

enum { MAX_NAME_BYTES = 512 };

/* One reading: the texts share the named types and the ceilings. */
typedef struct parser {
    tg_schema_t *schema;
    json_t *named; /* full name -> position in types */
    tg_node_t **types;
    size_t n_types;
    size_t n_started; /* nodes begun; schema->n_nodes counts those finished */
    size_t max_nodes;
    tg_error_t *err;
} parser_t;

/* Where in the text: what names are relative to, and how deep. */
typedef struct place {
    const char *space; /* "" for none */
    int depth;
} place_t;

static tg_status_t read_node(parser_t *parser, json_t *json, place_t place, tg_node_t **ret_node);

static tg_status_t
no_memory(parser_t *parser)
{
    /* In constants, so that the compiler sees that this is never a success. */
    return tg_schema_no_room(parser->schema->arena, parser->err) == TG_ERR_TOO_LARGE
               ? TG_ERR_TOO_LARGE
               : TG_ERR_NO_MEMORY;
}

static tg_status_t
begin_node(parser_t *parser, tg_node_kind_t kind, tg_node_t **ret_node)
{
    if (parser->n_started == parser->max_nodes) {
        (void)tg_error_set(parser->err, TG_ERR_TOO_LARGE, "schema: more than %d types",
                           TG_SCHEMA_MAX_NODES);
        return TG_ERR_TOO_LARGE; /* said as a constant, so that gcc sees that no node is no success
                                  */
    }
    tg_node_t *node = tg_arena_calloc(parser->schema->arena, 1, sizeof *node);
    if (node == NULL) {
        return no_memory(parser);
    }
    node->kind = kind;
    node->index = UINT32_MAX;
    parser->n_started++;
    *ret_node = node;
    return TG_OK;
}

/* Children are finished before their parents, so that an index only grows upwards. */
static tg_status_t
finish_node(parser_t *parser, tg_node_t *node)
{
    int depth = 0;
    for (size_t i = 0; node->symbols == NULL && i < node->n_children; i++) {
        const tg_node_t *child =
            node->kind == TG_NODE_RECORD ? node->fields[i].node : node->branches[i];
        depth = child->depth > depth ? child->depth : depth;
    }
    node->depth = depth + 1;
    if (node->depth > TG_SCHEMA_MAX_DEPTH) {
        return tg_error_set(parser->err, TG_ERR_TOO_LARGE, "schema: nested deeper than %d levels",
                            TG_SCHEMA_MAX_DEPTH);
    }
    node->index = (uint32_t)parser->schema->n_nodes;
    parser->schema->nodes[parser->schema->n_nodes++] = node;
    return TG_OK;
}

/* The specification allows ASCII letters, digits and "_"; Java's library always took any letter,
 * and so do we, as long as it is UTF-8 (jansson has seen to that). */
static bool
is_name(const char *text, size_t n_bytes)
{
    for (size_t i = 0; i < n_bytes; i++) {
        uint8_t byte = (uint8_t)text[i];
        bool letter = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || byte == '_' ||
                      byte >= 0x80;
        if (!letter && (i == 0 || byte < '0' || byte > '9')) {
            return false;
        }
    }
    return n_bytes > 0;
}

static bool
primitive_kind(const char *name, tg_node_kind_t *ret_kind)
{
    static const char *const names[] = {"null",  "boolean", "int",   "long",
                                        "float", "double",  "bytes", "string"};
    for (size_t i = 0; i < TG_COUNT_OF(names); i++) {
        if (strcmp(names[i], name) == 0) {
            *ret_kind = (tg_node_kind_t)i;
            return true;
        }
    }
    return false;
}

/* Joins a namespace and a simple name; a name with a dot is complete as it is. */
static tg_status_t
join_name(parser_t *parser, const char *space, const char *name, const char **ret_full)
{
    char full[2 * MAX_NAME_BYTES + 2];
    bool complete = strchr(name, '.') != NULL || *space == '\0';
    if (strlen(name) > MAX_NAME_BYTES || strlen(space) > MAX_NAME_BYTES) {
        (void)tg_error_set(parser->err, TG_ERR_TOO_LARGE, "schema: a name longer than %d bytes",
                           MAX_NAME_BYTES);
        return TG_ERR_TOO_LARGE;
    }
    (void)snprintf(full, sizeof full, "%s%s%s", complete ? "" : space, complete ? "" : ".", name);
    /* ".x" is x in no namespace */
    *ret_full = tg_arena_strdup(parser->schema->arena, *full == '.' ? full + 1 : full);
    return *ret_full != NULL ? TG_OK : no_memory(parser);
}

static tg_status_t
space_of(parser_t *parser, const char *full_name, const char **ret_space)
{
    const char *dot = strrchr(full_name, '.');
    *ret_space =
        dot == NULL ? ""
                    : tg_arena_strndup(parser->schema->arena, full_name, (size_t)(dot - full_name));
    return *ret_space != NULL ? TG_OK : no_memory(parser);
}

/* Gives the node its full name, makes it known, and moves the place into its namespace. */
static tg_status_t
read_name(parser_t *parser, const json_t *json, tg_node_t *node, place_t *place)
{
    const char *name = json_string_value(json_object_get(json, "name"));
    const char *space = json_string_value(json_object_get(json, "namespace"));
    if (name == NULL) {
        return tg_error_set(parser->err, TG_ERR_INVALID, "schema: a %s without a name",
                            tg_node_branch_name(node));
    }
    const char *full = NULL;
    TG_TRY(join_name(parser, space != NULL ? space : place->space, name, &full));
    const char *dot = strrchr(full, '.');
    const char *simple = dot != NULL ? dot + 1 : full;
    tg_node_kind_t unused;
    if (!is_name(simple, strlen(simple)) || (dot == NULL && primitive_kind(full, &unused))) {
        return tg_error_set(parser->err, TG_ERR_INVALID, "schema: \"%s\" is not a name", full);
    }
    if (json_object_get(parser->named, full) != NULL) {
        return tg_error_set(parser->err, TG_ERR_INVALID, "schema: %s is defined twice", full);
    }
    if (json_object_set_new(parser->named, full, json_integer((json_int_t)parser->n_types)) != 0) {
        return no_memory(parser);
    }
    parser->types[parser->n_types++] = node;
    node->name = full;
    return space_of(parser, full, &place->space);
}

static tg_status_t
read_field(parser_t *parser, json_t *json, const tg_node_t *record, place_t place,
           tg_field_t *field)
{
    TG_TRY(tg_schema_read_text(parser->schema, json_object_get(json, "name"), &field->name,
                               parser->err));
    if (field->name == NULL || !is_name(field->name, strlen(field->name))) {
        return tg_error_set(parser->err, TG_ERR_INVALID, "schema: %s has a field without a name",
                            record->name);
    }
    json_t *type = json_object_get(json, "type");
    if (type == NULL) {
        return tg_error_set(parser->err, TG_ERR_INVALID, "schema: %s.%s has no type", record->name,
                            field->name);
    }
    TG_TRY(read_node(parser, type, place, &field->node));
    TG_TRY(tg_schema_read_aliases(parser->schema, json_object_get(json, "aliases"), &field->aliases,
                                  parser->err));
    TG_TRY(tg_schema_read_default(parser->schema, json_object_get(json, "default"),
                                  &field->default_json, parser->err));
    TG_TRY(tg_schema_read_text(parser->schema, json_object_get(json, "doc"), &field->doc,
                               parser->err));
    return tg_schema_read_properties(parser->schema, json, &field->properties, parser->err);
}

/* Notes name in set; false: it was there already. */
static bool
is_first(json_t *set, const char *name, bool *ret_no_memory)
{
    if (json_object_get(set, name) != NULL) {
        return false;
    }
    *ret_no_memory = json_object_set_new(set, name, json_true()) != 0;
    return true;
}

static tg_status_t
read_fields(parser_t *parser, const json_t *fields, tg_node_t *node, place_t place, json_t *seen)
{
    size_t n_fields = json_array_size(fields);
    node->fields = tg_arena_calloc(parser->schema->arena, n_fields + 1, sizeof *node->fields);
    if (node->fields == NULL || seen == NULL) {
        return no_memory(parser);
    }
    for (size_t i = 0; i < n_fields; i++) {
        tg_field_t *field = &node->fields[i];
        TG_TRY(read_field(parser, json_array_get(fields, i), node, place, field));
        bool full = false;
        if (!is_first(seen, field->name, &full)) {
            return tg_error_set(parser->err, TG_ERR_INVALID, "schema: %s has two fields \"%s\"",
                                node->name, field->name);
        }
        if (full) {
            return no_memory(parser);
        }
    }
    node->n_children = n_fields;
    return TG_OK;
}

static tg_status_t
read_record(parser_t *parser, json_t *json, place_t place, tg_node_t *node)
{
    TG_TRY(read_name(parser, json, node, &place));
    const json_t *fields = json_object_get(json, "fields");
    if (!json_is_array(fields)) {
        return tg_error_set(parser->err, TG_ERR_INVALID, "schema: record %s has no fields",
                            node->name);
    }
    json_t *seen = json_object();
    tg_status_t status = read_fields(parser, fields, node, place, seen);
    json_decref(seen);
    return status;
}

static tg_status_t
read_symbols(parser_t *parser, const json_t *symbols, tg_node_t *node, json_t *seen)
{
    size_t n_symbols = json_array_size(symbols);
    node->symbols = tg_arena_calloc(parser->schema->arena, n_symbols, sizeof *node->symbols);
    if (node->symbols == NULL || seen == NULL) {
        return no_memory(parser);
    }
    for (size_t i = 0; i < n_symbols; i++) {
        const char *text = NULL;
        TG_TRY(tg_schema_read_text(parser->schema, json_array_get(symbols, i), &text, parser->err));
        bool full = false;
        if (text == NULL || !is_name(text, strlen(text)) || !is_first(seen, text, &full)) {
            return tg_error_set(parser->err, TG_ERR_INVALID,
                                "schema: enum %s: symbol %zu is not a name, or there twice",
                                node->name, i);
        }
        if (full) {
            return no_memory(parser);
        }
        node->symbols[i] = text;
    }
    node->n_children = n_symbols;
    return TG_OK;
}

static tg_status_t
read_enum(parser_t *parser, json_t *json, place_t place, tg_node_t *node)
{
    TG_TRY(read_name(parser, json, node, &place));
    const json_t *symbols = json_object_get(json, "symbols");
    if (json_array_size(symbols) == 0) {
        return tg_error_set(parser->err, TG_ERR_INVALID, "schema: enum %s has no symbols",
                            node->name);
    }
    json_t *seen = json_object();
    tg_status_t status = read_symbols(parser, symbols, node, seen);
    json_decref(seen);
    return status;
}

static tg_status_t
read_fixed(parser_t *parser, json_t *json, place_t place, tg_node_t *node)
{
    TG_TRY(read_name(parser, json, node, &place));
    const json_t *size = json_object_get(json, "size");
    if (!json_is_integer(size) || json_integer_value(size) < 0 ||
        json_integer_value(size) > INT32_MAX) {
        return tg_error_set(parser->err, TG_ERR_INVALID, "schema: fixed %s has no valid size",
                            node->name);
    }
    node->size = (size_t)json_integer_value(size);
    return TG_OK;
}

static tg_status_t
read_element(parser_t *parser, json_t *json, place_t place, tg_node_t *node)
{
    const char *key = node->kind == TG_NODE_ARRAY ? "items" : "values";
    json_t *element = json_object_get(json, key);
    node->branches = tg_arena_calloc(parser->schema->arena, 1, sizeof(tg_node_t *));
    if (node->branches == NULL) {
        return no_memory(parser);
    }
    if (element == NULL) {
        return tg_error_set(parser->err, TG_ERR_INVALID, "schema: %s without \"%s\"",
                            node->kind == TG_NODE_ARRAY ? "an array" : "a map", key);
    }
    TG_TRY(read_node(parser, element, place, &node->branches[0]));
    node->n_children = 1;
    return TG_OK;
}

static tg_status_t
read_branches(parser_t *parser, const json_t *json, place_t place, tg_node_t *node, json_t *seen)
{
    size_t n_branches = json_array_size(json);
    node->branches = tg_arena_calloc(parser->schema->arena, n_branches + 1, sizeof(tg_node_t *));
    if (node->branches == NULL || seen == NULL) {
        return no_memory(parser);
    }
    for (size_t i = 0; i < n_branches; i++) {
        tg_node_t *branch = NULL;
        TG_TRY(read_node(parser, json_array_get(json, i), place, &branch));
        node->branches[i] = branch;
        bool full = false;
        if (branch != NULL && (branch->kind == TG_NODE_UNION ||
                               !is_first(seen, tg_node_branch_name(branch), &full))) {
            return tg_error_set(parser->err, TG_ERR_INVALID,
                                "schema: a union holds another union or \"%s\" twice",
                                tg_node_branch_name(branch));
        }
        if (full) {
            return no_memory(parser);
        }
    }
    node->n_children = n_branches;
    return TG_OK;
}

static tg_status_t
read_union(parser_t *parser, const json_t *json, place_t place, tg_node_t **ret_node)
{
    if (json_array_size(json) == 0) {
        return tg_error_set(parser->err, TG_ERR_INVALID, "schema: a union without branches");
    }
    tg_node_t *node = NULL;
    TG_TRY(begin_node(parser, TG_NODE_UNION, &node));
    json_t *seen = json_object();
    tg_status_t status = read_branches(parser, json, place, node, seen);
    json_decref(seen);
    TG_TRY(status);
    TG_TRY(finish_node(parser, node));
    *ret_node = node;
    return TG_OK;
}

static tg_status_t
read_primitive(parser_t *parser, tg_node_kind_t kind, json_t *json, tg_node_t **ret_node)
{
    tg_node_t *node = NULL;
    TG_TRY(begin_node(parser, kind, &node));
    if (json != NULL) {
        tg_schema_read_logical(node, json);
        TG_TRY(tg_schema_read_properties(parser->schema, json, &node->properties, parser->err));
    }
    TG_TRY(finish_node(parser, node));
    *ret_node = node;
    return TG_OK;
}

/* A type by name: a primitive, else one defined before, in this namespace or in none. */
static tg_status_t
read_reference(parser_t *parser, const char *name, place_t place, json_t *json,
               tg_node_t **ret_node)
{
    tg_node_kind_t kind;
    if (primitive_kind(name, &kind)) {
        return read_primitive(parser, kind, json, ret_node);
    }
    const char *full = NULL;
    TG_TRY(join_name(parser, place.space, name, &full));
    const json_t *position = json_object_get(parser->named, full);
    if (position == NULL) {
        position = json_object_get(parser->named, name);
    }
    if (position == NULL) {
        return tg_error_set(parser->err, TG_ERR_INVALID, "schema: type \"%s\" is not defined",
                            name);
    }
    *ret_node = parser->types[json_integer_value(position)];
    return TG_OK;
}

static bool
complex_kind(const char *name, tg_node_kind_t *ret_kind)
{
    static const struct {
        const char *name;
        tg_node_kind_t kind;
    } rows[] = {
        {"record", TG_NODE_RECORD}, {"error", TG_NODE_RECORD}, {"enum", TG_NODE_ENUM},
        {"array", TG_NODE_ARRAY},   {"map", TG_NODE_MAP},      {"fixed", TG_NODE_FIXED},
    };

    for (size_t i = 0; i < TG_COUNT_OF(rows); i++) {
        if (strcmp(rows[i].name, name) == 0) {
            *ret_kind = rows[i].kind;
            return true;
        }
    }
    return false;
}

static tg_status_t
read_body(parser_t *parser, json_t *json, place_t place, tg_node_t *node)
{
    if (node->kind == TG_NODE_RECORD) {
        return read_record(parser, json, place, node);
    }
    if (node->kind == TG_NODE_ENUM) {
        return read_enum(parser, json, place, node);
    }
    return node->kind == TG_NODE_FIXED ? read_fixed(parser, json, place, node)
                                       : read_element(parser, json, place, node);
}

static tg_status_t
read_object(parser_t *parser, json_t *json, place_t place, tg_node_t **ret_node)
{
    json_t *type = json_object_get(json, "type");
    const char *name = json_string_value(type);
    if (name == NULL) {
        if (type == NULL) {
            return tg_error_set(parser->err, TG_ERR_INVALID, "schema: an object without a type");
        }
        /* {"type": {"type": "string"}}: not in the specification, but written by many. */
        return read_node(parser, type, place, ret_node);
    }
    tg_node_kind_t kind;
    if (!complex_kind(name, &kind)) {
        return read_reference(parser, name, place, json, ret_node);
    }
    tg_node_t *node = NULL;
    TG_TRY(begin_node(parser, kind, &node));
    TG_TRY(read_body(parser, json, place, node));
    TG_TRY(
        tg_schema_read_text(parser->schema, json_object_get(json, "doc"), &node->doc, parser->err));
    TG_TRY(tg_schema_read_properties(parser->schema, json, &node->properties, parser->err));
    tg_schema_read_logical(node, json);
    TG_TRY(finish_node(parser, node));
    *ret_node = node;
    return TG_OK;
}

static tg_status_t
read_node(parser_t *parser, json_t *json, place_t place, tg_node_t **ret_node)
{
    if (++place.depth > TG_SCHEMA_MAX_DEPTH + 1) {
        return tg_error_set(parser->err, TG_ERR_TOO_LARGE, "schema: nested deeper than %d levels",
                            TG_SCHEMA_MAX_DEPTH);
    }
    const char *name = json_string_value(json);
    if (name != NULL) {
        return read_reference(parser, name, place, NULL, ret_node);
    }
    if (json_is_array(json)) {
        return read_union(parser, json, place, ret_node);
    }
    if (json_is_object(json)) {
        return read_object(parser, json, place, ret_node);
    }
    return tg_error_set(parser->err, TG_ERR_INVALID,
                        "schema: a type must be a name, an object or a list");
}

static tg_status_t
read_text(parser_t *parser, const char *text, tg_node_t **ret_node)
{
    if (strnlen(text, TG_SCHEMA_MAX_TEXT_BYTES + 1) > TG_SCHEMA_MAX_TEXT_BYTES) {
        return tg_error_set(parser->err, TG_ERR_TOO_LARGE, "schema: longer than %d bytes",
                            TG_SCHEMA_MAX_TEXT_BYTES);
    }
    json_error_t fault;
    json_t *json = json_loads(text, JSON_DECODE_ANY, &fault);
    /* Where jansson runs out of memory it leaves the text empty. */
    if (json == NULL &&
        (fault.text[0] == '\0' || json_error_code(&fault) == json_error_out_of_memory)) {
        return no_memory(parser);
    }
    if (json == NULL) {
        return tg_error_set(parser->err, TG_ERR_INVALID, "schema: not JSON: %s, line %d, column %d",
                            fault.text, fault.line, fault.column);
    }
    tg_status_t status = read_node(parser, json, (place_t){.space = "", .depth = 0}, ret_node);
    json_decref(json);
    return status;
}

static tg_status_t
read_texts(parser_t *parser, const char *text, const char *const *references, size_t n_references)
{
    tg_node_t *node = NULL;
    for (size_t i = 0; i < n_references; i++) {
        tg_status_t status = read_text(parser, references[i], &node);
        if (status != TG_OK) {
            return tg_error_wrap(parser->err, status, "reference %zu", i + 1);
        }
    }
    TG_TRY(read_text(parser, text, &node));
    parser->schema->root = node;
    return TG_OK;
}

tg_status_t
tg_schema_parse(tg_schema_t *schema, const char *text, const char *const *references,
                size_t n_references, tg_error_t *err)
{
    if (n_references > TG_SCHEMA_MAX_REFERENCES) {
        return tg_error_set(err, TG_ERR_TOO_LARGE, "schema: more than %d references",
                            TG_SCHEMA_MAX_REFERENCES);
    }
    parser_t parser = {.schema = schema, .named = json_object(), .err = err};
    /* A type takes at least four bytes of text (an int in a list of branches: "int"). */
    parser.max_nodes = strlen(text) / 4 + 1;
    for (size_t i = 0; i < n_references; i++) {
        parser.max_nodes += strlen(references[i]) / 4 + 1;
    }
    if (parser.max_nodes > TG_SCHEMA_MAX_NODES) {
        parser.max_nodes = TG_SCHEMA_MAX_NODES;
    }
    schema->nodes = tg_arena_alloc(schema->arena, parser.max_nodes * sizeof(tg_node_t *));
    parser.types = tg_arena_alloc(schema->arena, parser.max_nodes * sizeof(tg_node_t *));
    tg_status_t status = TG_OK;
    if (parser.named == NULL || schema->nodes == NULL || parser.types == NULL) {
        status = no_memory(&parser);
    } else {
        status = read_texts(&parser, text, references, n_references);
    }
    json_decref(parser.named);
    return status;
}
