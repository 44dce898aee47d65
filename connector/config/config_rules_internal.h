/*
 * What keys must be to each other, once each is right by itself.
 *
 * Flow:      tree -> values -> draft -> [rules] -> problems
 */
#ifndef TG_CONFIG_RULES_INTERNAL_H
#define TG_CONFIG_RULES_INTERNAL_H

#include <regex.h>

#include "config_tree_internal.h"

/* Where a struct of the snapshot comes from. */
typedef struct tg_config_origin {
    config_setting_t *group; /* its group in the tree */
    const char *path;        /* "sinks[0].", with the dot; "" for the root */
} tg_config_origin_t;

typedef struct tg_config_sink_origin {
    tg_config_origin_t sink;
    const tg_config_origin_t *routes; /* as many as the file has; a default route has none */
    size_t n_routes;
} tg_config_sink_origin_t;

/* A snapshot that is not yet sealed. Strings that were missing or wrong are NULL. */
typedef struct tg_config_draft {
    const tg_config_tree_t *tree;
    tg_config_problems_t *problems;
    tg_config_t *config;
    tg_config_origin_t root;
    const tg_config_sink_origin_t *sinks; /* as many as config->n_sinks */
} tg_config_draft_t;

void tg_config_rules_check(const tg_config_draft_t *draft);

/* The parts, a file each. */
void tg_config_rules_check_root(const tg_config_draft_t *draft);
void tg_config_rules_check_sink(const tg_config_draft_t *draft, size_t index);
void tg_config_rules_check_routes(const tg_config_draft_t *draft, size_t index);

/* --- shared by them --- */

/* The setting of a key inside an origin; NULL: the file does not say it. */
config_setting_t *tg_config_rules_setting(const tg_config_origin_t *origin, const char *name);

/* Adds a problem of a key; its place is the setting's, else that of the group around it. */
void tg_config_rules_add(const tg_config_draft_t *draft, const tg_config_origin_t *origin,
                         const char *name, const char *format, ...) TG_PRINTF(4, 5);

/* The same for an element of a list. */
void tg_config_rules_add_element(const tg_config_draft_t *draft, const tg_config_origin_t *origin,
                                 const char *name, size_t index, const char *format, ...)
    TG_PRINTF(5, 6);

/* How a message names the value of a key: in quotes, or "the value" when it came from a file or a
 * variable that may hold a secret. */
enum { TG_CONFIG_QUOTED_BYTES = 96 };

void tg_config_rules_quote(const tg_config_origin_t *origin, const char *name, const char *value,
                           char ret_text[TG_CONFIG_QUOTED_BYTES]);

/* Letters, digits, '.', '_' and '-'. */
bool tg_config_rules_is_plain(const char *text);

/* Adds a problem when a name (NULL: none) has other characters. */
void tg_config_rules_check_plain(const tg_config_draft_t *draft, const tg_config_origin_t *origin,
                                 const char *name, const char *value);

/* What is wrong with a topic name or expression, in *ret_text; it follows the quoted value. false:
 * nothing. */
enum { TG_CONFIG_FAULT_BYTES = 256 };

bool tg_config_rules_topic_fault(const char *topic, char ret_text[TG_CONFIG_FAULT_BYTES]);

/* Compiles an expression that begins with '^'; false: see ret_text. Free with regfree. */
bool tg_config_rules_compile(const char *expression, regex_t *ret_regex,
                             char ret_text[TG_CONFIG_FAULT_BYTES]);

/* Whether name (exact) is taken by topic (exact or expression; a broken one takes nothing). */
bool tg_config_rules_matches(const char *topic, const char *name);

#endif
