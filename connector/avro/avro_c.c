#include <avro.h>

#include "avro_c_internal.h"

tg_status_t
tg_avro_c_accepts(const char *text, size_t n_bytes, tg_error_t *err)
{
    avro_schema_t schema = NULL;
    if (avro_schema_from_json_length(text, n_bytes, &schema) != 0) {
        return tg_error_set(err, TG_ERR_INVALID, "schema: avro-c rejects it: %s", avro_strerror());
    }
    avro_schema_decref(schema);
    return TG_OK;
}
