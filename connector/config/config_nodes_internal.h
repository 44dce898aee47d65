/*
 * The settings of a text before it is parsed, each with what it is inside of.
 *
 * Ownership: memory is the arena's; names are borrowed from the text
 */
#ifndef TG_CONFIG_NODES_INTERNAL_H
#define TG_CONFIG_NODES_INTERNAL_H

#include "base/arena.h"

enum { TG_CONFIG_MAX_NODES = 10000, TG_CONFIG_KEY_BYTES = 256 };

/* A named setting or an element of a list. */
typedef struct tg_config_node {
    int parent; /* -1: the text itself */
    const char *name;
    size_t n_name; /* 0: an element */
    int index;
    int line;
} tg_config_node_t;

typedef struct tg_config_nodes {
    tg_config_node_t *items; /* in the order of the text; TG_CONFIG_MAX_NODES fit */
    int n_items;
} tg_config_nodes_t;

/* items is NULL afterwards: no memory. */
void tg_config_nodes_init(tg_config_nodes_t *nodes, tg_arena_t *arena);

/* The index of the new node; -1: there are too many. */
int tg_config_nodes_add(tg_config_nodes_t *nodes, const tg_config_node_t *node);

/* "sinks[0].batch.max_rows"; "" for the text itself. */
void tg_config_nodes_key(const tg_config_nodes_t *nodes, int index,
                         char ret_key[TG_CONFIG_KEY_BYTES]);

/* An earlier one of the same name inside the same; -1: none. */
int tg_config_nodes_twin(const tg_config_nodes_t *nodes, int index);

/* The last one that begins at or before the line; -1: none. */
int tg_config_nodes_at(const tg_config_nodes_t *nodes, int line);

/* What would be right there: "write writers = 2;". */
void tg_config_nodes_remedy(const tg_config_nodes_t *nodes, int index,
                            char ret_text[TG_CONFIG_KEY_BYTES]);

#endif
