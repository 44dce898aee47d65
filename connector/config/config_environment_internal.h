/*
 * TIDEGATE_SINKS__0__BATCH__MAX_ROWS=5000 over sinks[0].batch.max_rows.
 *
 * Promise:   a variable that names no key is a problem, with the nearest name; an index may be the
 *            next free one, which adds an element; TIDEGATE_FAULT, TIDEGATE_CONFIG, TIDEGATE_TEST_*
 * and what Kubernetes sets for a service named tidegate are not ours
 */
#ifndef TG_CONFIG_ENVIRONMENT_INTERNAL_H
#define TG_CONFIG_ENVIRONMENT_INTERNAL_H

#include "config_tree_internal.h"

tg_status_t tg_config_environment_apply(tg_config_tree_t *tree, char *const *environment,
                                        tg_config_problems_t *problems) TG_MUST_CHECK;

#endif
