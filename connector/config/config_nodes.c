#include <ctype.h>
#include <stdio.h>

#include "config_keys_internal.h"
#include "config_nodes_internal.h"

void
tg_config_nodes_init(tg_config_nodes_t *nodes, tg_arena_t *arena)
{
    *nodes = (tg_config_nodes_t){
        .items = tg_arena_calloc(arena, TG_CONFIG_MAX_NODES, sizeof *nodes->items)};
}

int
tg_config_nodes_add(tg_config_nodes_t *nodes, const tg_config_node_t *node)
{
    if (nodes->n_items == TG_CONFIG_MAX_NODES) {
        return -1;
    }
    nodes->items[nodes->n_items] = *node;
    return nodes->n_items++;
}

static size_t
append_key(const tg_config_nodes_t *nodes, int index, char *key)
{
    if (index < 0) {
        return 0;
    }
    const tg_config_node_t *node = &nodes->items[index];
    size_t n = append_key(nodes, node->parent, key);
    size_t n_left = TG_CONFIG_KEY_BYTES - n;
    int n_name = (int)(node->n_name < TG_CONFIG_KEY_BYTES ? node->n_name : TG_CONFIG_KEY_BYTES);
    int added = node->n_name == 0
                    ? snprintf(key + n, n_left, "[%d]", node->index)
                    : snprintf(key + n, n_left, "%s%.*s", n > 0 ? "." : "", n_name, node->name);
    n += added > 0 ? (size_t)added : 0;
    return n < TG_CONFIG_KEY_BYTES ? n : TG_CONFIG_KEY_BYTES - 1;
}

void
tg_config_nodes_key(const tg_config_nodes_t *nodes, int index, char ret_key[TG_CONFIG_KEY_BYTES])
{
    ret_key[0] = '\0';
    (void)append_key(nodes, index, ret_key);
}

int
tg_config_nodes_twin(const tg_config_nodes_t *nodes, int index)
{
    const tg_config_node_t *node = &nodes->items[index];
    for (int i = 0; i < index && node->n_name > 0; i++) {
        const tg_config_node_t *other = &nodes->items[i];
        if (other->parent == node->parent && other->n_name == node->n_name &&
            memcmp(other->name, node->name, node->n_name) == 0) {
            return i;
        }
    }
    return -1;
}

int
tg_config_nodes_at(const tg_config_nodes_t *nodes, int line)
{
    int found = -1;
    for (int i = 0; i < nodes->n_items && nodes->items[i].line <= line; i++) {
        found = i;
    }
    return found;
}

/* The key of the table that a node is; an element stands for its list. NULL: it is none. */
static const tg_config_key_t *
key_of(const tg_config_nodes_t *nodes, int index)
{
    char key[TG_CONFIG_KEY_BYTES];
    char pattern[TG_CONFIG_KEY_BYTES];
    tg_config_nodes_key(nodes, index, key);
    size_t n = 0;
    bool in_brackets = false;
    for (const char *at = key; *at != '\0'; at++) {
        in_brackets = *at == '[' || (in_brackets && *at != ']');
        if (!in_brackets || *at == '[') {
            pattern[n++] = *at;
        }
    }
    n -= n > 2 && pattern[n - 1] == ']' ? 2 : 0;
    pattern[n] = '\0';
    return tg_config_keys_find(pattern);
}

void
tg_config_nodes_remedy(const tg_config_nodes_t *nodes, int index,
                       char ret_text[TG_CONFIG_KEY_BYTES])
{
    const tg_config_key_t *key = key_of(nodes, index);
    const tg_config_node_t *node = index >= 0 ? &nodes->items[index] : NULL;
    if (key != NULL) {
        (void)snprintf(ret_text, TG_CONFIG_KEY_BYTES, "write %s = %s;", tg_config_key_leaf(key),
                       key->example);
    } else if (node != NULL && node->n_name > 0 && node->n_name < TG_CONFIG_KEY_BYTES / 2) {
        (void)snprintf(ret_text, TG_CONFIG_KEY_BYTES, "write %.*s = \"...\";", (int)node->n_name,
                       node->name);
    } else {
        (void)snprintf(ret_text, TG_CONFIG_KEY_BYTES, "write \"...\"");
    }
}
