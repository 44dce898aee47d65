// links: registry base
#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/error.h"
#include "registry/wire_format.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes);

/* The one header of the record: all of them at once, so that the first form that is asked for wins.
 */
typedef struct header {
    unsigned which; /* a bit for each name that is there */
    tg_bytes_t value;
} header_t;

static bool
find(const void *arg, const char *name, tg_bytes_t *ret_value)
{
    static const char *const NAMES[] = {"__value_schema_id",        "__key_schema_id",
                                        "apicurio.value.contentId", "apicurio.key.contentId",
                                        "apicurio.value.globalId",  "apicurio.key.globalId",
                                        "apicurio.value.encoding"};
    const header_t *header = arg;
    for (size_t i = 0; i < TG_COUNT_OF(NAMES); i++) {
        if (strcmp(NAMES[i], name) == 0 && (header->which >> i & 1U) != 0) {
            *ret_value = header->value;
            return true;
        }
    }
    return false;
}

/* Input: which headers there are, how long their value is, their value, the record's value. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
    if (n_bytes < 2) {
        return 0;
    }
    size_t n_header = data[1] % 32U;
    n_header = n_header < n_bytes - 2 ? n_header : n_bytes - 2;
    const header_t header = {.which = data[0], .value = tg_bytes_of(data + 2, n_header)};
    const tg_header_lookup_t lookup = {.find = find, .arg = &header};
    const tg_bytes_t value = tg_bytes_of(data + 2 + n_header, n_bytes - 2 - n_header);
    tg_schema_key_t key;
    tg_bytes_t body;
    tg_error_t err;
    tg_status_t status =
        tg_wire_format_parse(value, (data[0] & 0x80U) != 0, &lookup, &key, &body, &err);
    if (status == TG_OK) {
        char text[TG_SCHEMA_KEY_TEXT_BYTES];
        assert(body.data >= value.data && body.data + body.n_bytes == value.data + value.n_bytes);
        assert(tg_schema_key_text(&key, text, sizeof text)[0] != '\0');
        assert(tg_schema_key_equal(&key, &key));
    } else {
        assert(tg_status_reaction(status) == TG_REACTION_POISON);
    }
    return 0;
}
