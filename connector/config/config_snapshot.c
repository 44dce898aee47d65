#include <stdio.h>

#include "config_environment_internal.h"
#include "config_names_internal.h"
#include "config_places_internal.h"
#include "config_rules_internal.h"
#include "config_value_internal.h"

enum { MAX_SNAPSHOT_BYTES = 32 * 1024 * 1024, MAX_SINKS = 64, MAX_ROUTES = 1000 };

/* What the reader sees, and the memory that it lies in. */
typedef struct snapshot {
    tg_config_t config; /* first: a snapshot is found by its configuration */
    tg_arena_t *arena;
    tg_config_places_t places;
} snapshot_t;

/* One load under way. */
typedef struct load {
    tg_arena_t *scratch; /* tree, places, paths: until the load is over */
    tg_config_source_t source;
    tg_config_tree_t tree;
    tg_config_reader_t reader;
    tg_config_draft_t draft;
} load_t;

void
tg_config_free(tg_config_t *config)
{
    if (config != NULL) {
        /* The snapshot lies in its own arena. */
        tg_arena_free(((snapshot_t *)config)->arena);
    }
}

void
tg_config_where(const tg_config_t *config, const char *key, const char **ret_file, int *ret_line)
{
    tg_config_places_find(&((const snapshot_t *)config)->places, key, ret_file, ret_line);
}

/* Whether the file has something else where the key's group should be; that is reported already. */
static bool
is_blocked(config_setting_t *group, const char *name)
{
    const char *dot = strchr(name, '.');
    char outer[TG_CONFIG_PATH_BYTES];
    (void)snprintf(outer, sizeof outer, "%.*s", dot != NULL ? (int)(dot - name) : 0, name);
    config_setting_t *member = dot != NULL ? config_setting_get_member(group, outer) : NULL;
    return member != NULL && !config_setting_is_group(member);
}

/* Whether the name is there, but misspelt; that is reported already. */
static bool
is_misspelt(const tg_config_origin_t *origin, const tg_config_key_t *key)
{
    config_setting_t *group = origin->group;
    (void)tg_config_tree_find(origin->group, tg_config_key_name(key), &group);
    size_t n_before = strlen(key->path) - strlen(tg_config_key_leaf(key));
    for (int i = 0; i < config_setting_length(group); i++) {
        const char *name = config_setting_name(config_setting_get_elem(group, (unsigned)i));
        char pattern[TG_CONFIG_PATH_BYTES];
        (void)snprintf(pattern, sizeof pattern, "%.*s%s", (int)n_before, key->path, name);
        tg_config_nearest_t nearest;
        tg_config_nearest_init(&nearest, name);
        tg_config_nearest_offer(&nearest, tg_config_key_leaf(key));
        if (nearest.nearest != NULL && tg_config_keys_find(pattern) == NULL &&
            tg_config_keys_container(pattern) == TG_CONFIG_NO_CONTAINER) {
            return true;
        }
    }
    return false;
}

static void
add_missing(const load_t *load, const tg_config_origin_t *origin, const tg_config_key_t *key)
{
    const char *name = tg_config_key_name(key);
    const char *dot = strchr(name, '.');
    if (dot == NULL) {
        tg_config_rules_add(&load->draft, origin, name, "missing; write %s = %s;", name,
                            key->example);
    } else {
        tg_config_rules_add(&load->draft, origin, name, "missing; write %.*s: { %s = %s; };",
                            (int)(dot - name), name, dot + 1, key->example);
    }
}

/* All keys of one struct. */
static tg_status_t
fill(const load_t *load, tg_config_owner_t owner, const tg_config_origin_t *origin, void *values)
{
    for (size_t i = 0; i < tg_config_n_keys; i++) {
        const tg_config_key_t *key = &tg_config_keys[i];
        if (key->owner != owner) {
            continue;
        }
        const char *name = tg_config_key_name(key);
        config_setting_t *setting = tg_config_rules_setting(origin, name);
        TG_TRY(tg_config_value_default(&load->reader, key, values));
        if (setting != NULL) {
            char path[TG_CONFIG_PATH_BYTES];
            (void)snprintf(path, sizeof path, "%s%s", origin->path, name);
            TG_TRY(tg_config_value_read(&load->reader, key, path, setting, values));
        } else if (key->required && !is_blocked(origin->group, name) && !is_misspelt(origin, key)) {
            add_missing(load, origin, key);
        }
    }
    return TG_OK;
}

/* The groups in a list, as origins; what is no group was reported already. */
static tg_status_t
find_groups(const load_t *load, config_setting_t *list, const char *path, size_t max_groups,
            const tg_config_origin_t **ret_origins, size_t *ret_n)
{
    int n = list != NULL ? tg_config_tree_length(list) : 0;
    if ((size_t)n > max_groups) {
        tg_config_problems_add(load->draft.problems, tg_config_tree_place(&load->tree, list), path,
                               "has %d elements; at most %zu are allowed", n, max_groups);
        n = (int)max_groups;
    }
    tg_config_origin_t *origins = tg_arena_calloc(load->scratch, (size_t)n + 1, sizeof *origins);
    if (origins == NULL) {
        return TG_ERR_NO_MEMORY;
    }
    size_t n_groups = 0;
    for (int i = 0; i < n; i++) {
        config_setting_t *element = config_setting_get_elem(list, (unsigned)i);
        if (!config_setting_is_group(element)) {
            continue;
        }
        char element_path[TG_CONFIG_PATH_BYTES];
        (void)snprintf(element_path, sizeof element_path, "%s[%d].", path, i);
        origins[n_groups].group = element;
        origins[n_groups].path = tg_arena_strdup(load->scratch, element_path);
        if (origins[n_groups++].path == NULL) {
            return TG_ERR_NO_MEMORY;
        }
    }
    *ret_origins = origins;
    *ret_n = n_groups;
    return TG_OK;
}

/* Every topic to the table of its name, made by somebody else. */
static const tg_route_config_t DEFAULT_ROUTE = {
    .topic = "^.*", .table = "public.${topic}", .mode = TG_MODE_APPEND};

static tg_status_t
fill_routes(const load_t *load, tg_config_sink_origin_t *origin, tg_sink_config_t *sink)
{
    char path[TG_CONFIG_PATH_BYTES];
    (void)snprintf(path, sizeof path, "%sroutes", origin->sink.path);
    TG_TRY(find_groups(load, tg_config_rules_setting(&origin->sink, "routes"), path, MAX_ROUTES,
                       &origin->routes, &origin->n_routes));
    size_t n_routes = origin->n_routes > 0 ? origin->n_routes : 1;
    tg_route_config_t *routes = tg_arena_calloc(load->reader.arena, n_routes, sizeof *routes);
    if (routes == NULL) {
        return TG_ERR_NO_MEMORY;
    }
    routes[0] = DEFAULT_ROUTE;
    for (size_t i = 0; i < origin->n_routes; i++) {
        const tg_config_origin_t *route = &origin->routes[i];
        routes[i] =
            (tg_route_config_t){.line = tg_config_tree_place(&load->tree, route->group)->line};
        TG_TRY(fill(load, TG_CONFIG_OF_ROUTE, route, &routes[i]));
    }
    sink->routes = routes;
    sink->n_routes = n_routes;
    return TG_OK;
}

static tg_status_t
fill_sink(const load_t *load, tg_config_sink_origin_t *origin, tg_sink_config_t *sink)
{
    TG_TRY(fill(load, TG_CONFIG_OF_SINK, &origin->sink, sink));
    TG_TRY(fill_routes(load, origin, sink));
    if (sink->group == NULL && sink->name != NULL) {
        char group[TG_CONFIG_PATH_BYTES];
        (void)snprintf(group, sizeof group, "connect-%s", sink->name);
        sink->group = tg_arena_strdup(load->reader.arena, group);
        return sink->group == NULL ? TG_ERR_NO_MEMORY : TG_OK;
    }
    return TG_OK;
}

static tg_status_t
fill_sinks(load_t *load, tg_config_t *config)
{
    config_setting_t *list = tg_config_rules_setting(&load->draft.root, "sinks");
    if (list == NULL) {
        tg_config_rules_add(&load->draft, &load->draft.root, "sinks",
                            "missing; write sinks = ( { name = \"sensors\"; topics = [ \"sensors\" "
                            "]; } );");
    } else if (config_setting_length(list) == 0 && config_setting_is_aggregate(list) &&
               !config_setting_is_group(list)) {
        tg_config_rules_add(&load->draft, &load->draft.root, "sinks",
                            "must not be empty; write sinks = ( { name = \"sensors\"; topics = [ "
                            "\"sensors\" ]; } );");
    }
    const tg_config_origin_t *origins = NULL;
    size_t n_sinks = 0;
    TG_TRY(find_groups(load, list, "sinks", MAX_SINKS, &origins, &n_sinks));
    tg_sink_config_t *sinks = tg_arena_calloc(load->reader.arena, n_sinks + 1, sizeof *sinks);
    tg_config_sink_origin_t *draft = tg_arena_calloc(load->scratch, n_sinks + 1, sizeof *draft);
    if (sinks == NULL || draft == NULL) {
        return TG_ERR_NO_MEMORY;
    }
    for (size_t i = 0; i < n_sinks; i++) {
        draft[i].sink = origins[i];
        TG_TRY(fill_sink(load, &draft[i], &sinks[i]));
    }
    config->sinks = sinks;
    config->n_sinks = n_sinks;
    load->draft.sinks = draft;
    return TG_OK;
}

static tg_status_t
fill_config(load_t *load, tg_config_t *config)
{
    load->draft.root = (tg_config_origin_t){.group = tg_config_tree_root(&load->tree), .path = ""};
    load->draft.config = config;
    TG_TRY(fill(load, TG_CONFIG_OF_ROOT, &load->draft.root, config));
    TG_TRY(fill_sinks(load, config));
    tg_config_rules_check(&load->draft);
    return TG_OK;
}

static snapshot_t *
snapshot_new(void)
{
    tg_arena_t *arena = tg_arena_new(MAX_SNAPSHOT_BYTES);
    snapshot_t *snapshot = arena != NULL ? tg_arena_calloc(arena, 1, sizeof *snapshot) : NULL;
    if (snapshot == NULL) {
        tg_arena_free(arena);
        return NULL;
    }
    snapshot->arena = arena;
    return snapshot;
}

/* From text to values. TG_OK also when problems were added. */
static tg_status_t
interpret(load_t *load, snapshot_t *snapshot)
{
    tg_status_t status =
        tg_config_tree_parse(&load->tree, &load->source, load->scratch, load->draft.problems);
    if (status != TG_OK) {
        return status == TG_ERR_CONFIG ? TG_OK : status;
    }
    load->reader.tree = &load->tree;
    load->draft.tree = &load->tree;
    TG_TRY(
        tg_config_environment_apply(&load->tree, load->reader.environment, load->draft.problems));
    tg_config_tree_check(&load->tree, load->draft.problems);
    TG_TRY(fill_config(load, &snapshot->config));
    return tg_config_places_collect(&snapshot->places, &load->tree, snapshot->arena);
}

static tg_status_t
read_and_interpret(load_t *load, const char *path, snapshot_t *snapshot, tg_error_t *err)
{
    tg_config_problems_t *problems = load->draft.problems;
    tg_status_t status = tg_config_source_open(&load->source, path, load->scratch, problems, err);
    if (status == TG_ERR_IO || status == TG_ERR_NO_MEMORY) {
        return status;
    }
    if (status != TG_OK) {
        tg_config_place_t place = {.file = path, .order = TG_CONFIG_ORDER_FILE};
        tg_config_problems_add(problems, &place, "file", "%s", err->text);
        return TG_OK;
    }
    if (load->source.broken) {
        return TG_OK;
    }
    status = interpret(load, snapshot);
    tg_config_tree_done(&load->tree);
    return status == TG_OK ? TG_OK : tg_error_set(err, status, "no memory for %s", path);
}

/* What to return when the load went through: the problems decide. */
static tg_status_t
verdict(const char *path, tg_config_problems_t *problems, tg_error_t *err)
{
    if (tg_config_problems_no_memory(problems)) {
        return tg_error_set(err, TG_ERR_NO_MEMORY, "no memory for the problems of %s", path);
    }
    tg_config_problems_sort(problems);
    const tg_config_problem_t *first = tg_config_problems_at(problems, 0);
    if (first == NULL) {
        return TG_OK;
    }
    size_t n = tg_config_problems_total(problems);
    char line[32] = "";
    if (first->line > 0) {
        (void)snprintf(line, sizeof line, ":%d", first->line);
    }
    return tg_error_set(err, TG_ERR_CONFIG, "%zu %s in the configuration, first %s%s: %s: %s", n,
                        n == 1 ? "problem" : "problems", first->file, line, first->key,
                        first->text);
}

tg_status_t
tg_config_load(const char *path, char *const *environment, tg_config_problems_t *problems,
               tg_config_t **ret_config, tg_error_t *err)
{
    tg_error_t unread;
    err = err != NULL ? err : &unread;
    snapshot_t *snapshot = snapshot_new();
    load_t load = {.scratch = tg_arena_new(MAX_SNAPSHOT_BYTES),
                   .draft = {.problems = problems},
                   .reader = {.environment = environment, .problems = problems}};
    tg_status_t status = TG_ERR_NO_MEMORY;
    if (snapshot != NULL && load.scratch != NULL) {
        load.reader.arena = snapshot->arena;
        status = read_and_interpret(&load, path, snapshot, err);
        tg_config_source_done(&load.source);
    } else {
        (void)tg_error_set(err, status, "no memory for %s", path);
    }
    status = status == TG_OK ? verdict(path, problems, err) : status;
    tg_arena_free(load.scratch);
    if (status != TG_OK) {
        tg_config_free(snapshot != NULL ? &snapshot->config : NULL);
        return status;
    }
    *ret_config = &snapshot->config;
    return TG_OK;
}
