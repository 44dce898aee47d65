/*
 * The value of a column's default when it is a constant, out of pg_get_expr's text.
 */
#ifndef TG_DATABASE_CONSTANT_DEFAULT_H
#define TG_DATABASE_CONSTANT_DEFAULT_H

#include "base/arena.h"

/* 'a''b'::text -> a'b; 0, -1.5, true as they are. NULL: NULL::text, a call, an operator or anything
 * else that is not one literal with casts behind it; also no memory. Borrowed from arena. */
const char *tg_constant_default(const char *expression, tg_arena_t *arena);

#endif
