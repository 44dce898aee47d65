/*
 * Text on its way into PostgreSQL: valid UTF-8, without NUL, not longer than the column.
 */
#ifndef TG_AVRO_TEXT_INTERNAL_H
#define TG_AVRO_TEXT_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "avro/decode_plan.h"

#define WORD_ONES  UINT64_C(0x0101010101010101)
#define WORD_HIGHS UINT64_C(0x8080808080808080)

/* High bits tell a byte that is NUL or not ASCII (one borrow more does not matter: it needs one).
 */
static inline uint64_t
text_odd_bytes(uint64_t word)
{
    return word | (word - WORD_ONES);
}

/* Copies n_bytes while looking for anything but the characters 1 to 127; false when there is one.
 * Writes up to 7 bytes more than n_bytes; reads nothing at or beyond end. */
static inline bool
text_copy_ascii(uint8_t *out, const uint8_t *from, size_t n_bytes, const uint8_t *end)
{
    uint64_t odd = 0;
    uint64_t word;
    size_t i = 0;
    for (; i + sizeof word <= n_bytes; i += sizeof word) {
        memcpy(&word, from + i, sizeof word);
        memcpy(out + i, &word, sizeof word);
        odd |= text_odd_bytes(word);
    }
    size_t n_left = n_bytes - i;
    if (n_left > 0 && (size_t)(end - from) - i >= sizeof word) {
        uint64_t mask = (UINT64_C(1) << (8 * n_left)) - 1;
        memcpy(&word, from + i, sizeof word);
        memcpy(out + i, &word, sizeof word);
        odd |= text_odd_bytes((word & mask) | (WORD_ONES & ~mask));
    } else {
        for (; i < n_bytes; i++) {
            out[i] = from[i];
            odd |= from[i] == 0 ? WORD_HIGHS : from[i];
        }
    }
    return (odd & WORD_HIGHS) == 0;
}

/* Length of the well-formed character at the start (1 to 4); 0: not UTF-8, or cut off. */
size_t tg_utf8_character(const uint8_t *at, const uint8_t *end);

typedef struct tg_text_rules {
    tg_text_nul_policy_t nul_policy;
    int32_t limit;       /* -1: none */
    bool limit_is_bytes; /* else characters; more spaces at the end are the server's to cut */
} tg_text_rules_t;

/* Copies by the rules; at most n_bytes are written. On failure *ret_fault says why. */
tg_status_t tg_text_copy(tg_text_rules_t rules, const uint8_t *from, size_t n_bytes, uint8_t *out,
                         size_t *ret_n_written, const char **ret_fault) TG_MUST_CHECK;

#endif
