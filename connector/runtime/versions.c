#include "versions.h"

#include "database/connection.h"
#include "kafka/client.h"

const tg_version_t *
tg_versions(size_t *ret_n)
{
    static _Thread_local tg_version_t versions[3];
    versions[0] = (tg_version_t){"tidegate", TG_VERSION};
    versions[1] = (tg_version_t){"librdkafka", tg_kafka_library_version()};
    versions[2] = (tg_version_t){"libpq", tg_connection_library_version()};
    *ret_n = sizeof versions / sizeof versions[0];
    return versions;
}
