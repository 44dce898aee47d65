/*
 * Text from outside is bytes until it is proved to be UTF-8: one step of that proof.
 *
 * Source:    RFC 3629 (no surrogates, no overlong forms, nothing above U+10FFFF)
 * Threads:   any; no state
 */
#ifndef TG_BASE_UTF8_H
#define TG_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

/* What stands for a byte that is not UTF-8 (U+FFFD). */
#define TG_UTF8_REPLACEMENT "\xEF\xBF\xBD"

/* Length of the character at the start of text, and its code point (may be NULL); 0 when text is
 * empty, cut short or not UTF-8. */
size_t tg_utf8_step(tg_bytes_t text, uint32_t *ret_code);

/* A NUL byte is a valid character here; PostgreSQL does not take it, so look for it where that
 * matters. */
bool tg_utf8_is_valid(tg_bytes_t text);

#endif
