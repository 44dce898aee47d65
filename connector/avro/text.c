#include "text_internal.h"

size_t
tg_utf8_character(const uint8_t *at, const uint8_t *end)
{
    static const struct {
        uint8_t mask, lead;
        uint32_t smallest;
    } rows[] = {{0x80, 0x00, 0}, {0xe0, 0xc0, 0x80}, {0xf0, 0xe0, 0x800}, {0xf8, 0xf0, 0x10000}};

    for (size_t n = 1; n <= TG_COUNT_OF(rows); n++) {
        if (at >= end || (*at & rows[n - 1].mask) != rows[n - 1].lead) {
            continue;
        }
        if ((size_t)(end - at) < n) {
            return 0;
        }
        uint32_t code = *at & (uint8_t)~rows[n - 1].mask;
        for (size_t i = 1; i < n; i++) {
            if ((at[i] & 0xc0) != 0x80) {
                return 0;
            }
            code = code << 6 | (at[i] & 0x3fU);
        }
        bool surrogate = code >= 0xd800 && code <= 0xdfff;
        return code < rows[n - 1].smallest || code > 0x10ffff || surrogate ? 0 : n;
    }
    return 0;
}

tg_status_t
tg_text_copy(tg_text_rules_t rules, const uint8_t *from, size_t n_bytes, uint8_t *out,
             size_t *ret_n_written, const char **ret_fault)
{
    const uint8_t *end = from + n_bytes;
    uint8_t *start = out;
    int64_t n_counted = 0;
    while (from < end) {
        size_t n = tg_utf8_character(from, end);
        if (n == 0) {
            *ret_fault = "the text is not valid UTF-8";
            return TG_ERR_INVALID;
        }
        if (*from == 0) {
            if (rules.nul_policy == TG_TEXT_NUL_REJECT) {
                *ret_fault = "the text holds a NUL character, which PostgreSQL cannot store";
                return TG_ERR_INVALID;
            }
            from++;
            continue;
        }
        n_counted += rules.limit_is_bytes ? (int64_t)n : 1;
        if (rules.limit >= 0 && n_counted > rules.limit && (*from != ' ' || rules.limit_is_bytes)) {
            *ret_fault = "the text is longer than the column";
            return TG_ERR_OUT_OF_RANGE;
        }
        memcpy(out, from, n);
        out += n;
        from += n;
    }
    *ret_n_written = (size_t)(out - start);
    return TG_OK;
}
