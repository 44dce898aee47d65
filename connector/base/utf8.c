#include "base/utf8.h"

/* The smallest code point that needs n bytes; a smaller one in n bytes is an overlong form. */
static const uint32_t SMALLEST[] = {0, 0, 0x80, 0x800, 0x10000};

size_t
tg_utf8_step(tg_bytes_t text, uint32_t *ret_code)
{
    if (text.n_bytes == 0) {
        return 0;
    }
    uint32_t code = text.data[0];
    size_t length = code < 0x80 ? 1 : code < 0xC2 ? 0 : code < 0xE0 ? 2 : code < 0xF0 ? 3 : 4;
    if (length == 0 || code > 0xF4 || length > text.n_bytes) {
        return 0;
    }
    if (length > 1) {
        code &= 0xFFU >> (length + 1);
    }
    for (size_t i = 1; i < length; i++) {
        if ((text.data[i] & 0xC0U) != 0x80U) {
            return 0;
        }
        code = code << 6 | (text.data[i] & 0x3FU);
    }
    if (code < SMALLEST[length] || code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF)) {
        return 0;
    }
    if (ret_code != NULL) {
        *ret_code = code;
    }
    return length;
}

bool
tg_utf8_is_valid(tg_bytes_t text)
{
    while (text.n_bytes > 0) {
        size_t length = tg_utf8_step(text, NULL);
        if (length == 0) {
            return false;
        }
        text = tg_bytes_of(text.data + length, text.n_bytes - length);
    }
    return true;
}
