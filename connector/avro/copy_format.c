#include "avro/copy_format.h"

#include "copy_write_internal.h"

tg_status_t
tg_copy_put_header(tg_buffer_t *out)
{
    /* Signature, then two int32: no flags, no header extension. */
    static const uint8_t header[TG_COPY_HEADER_BYTES] = {
        'P', 'G', 'C', 'O', 'P', 'Y', '\n', 0xff, '\r', '\n', 0, 0, 0, 0, 0, 0, 0, 0, 0};
    return tg_buffer_append(out, header, sizeof header);
}

tg_status_t
tg_copy_put_trailer(tg_buffer_t *out)
{
    static const uint8_t trailer[TG_COPY_TRAILER_BYTES] = {0xff, 0xff};
    return tg_buffer_append(out, trailer, sizeof trailer);
}

size_t
tg_copy_row_bytes(tg_bytes_t rows)
{
    size_t at = 2;
    if (rows.n_bytes < at) {
        return 0;
    }
    int16_t n_fields = (int16_t)load_u16(rows.data);
    if (n_fields < 0) {
        return 0;
    }
    for (int16_t i = 0; i < n_fields; i++) {
        if (rows.n_bytes - at < 4) {
            return 0;
        }
        int32_t n_bytes = (int32_t)load_u32(rows.data + at);
        at += 4;
        if (n_bytes < -1) {
            return 0;
        }
        size_t length = n_bytes > 0 ? (size_t)n_bytes : 0;
        if (length > rows.n_bytes - at) {
            return 0;
        }
        at += length;
    }
    return at;
}
