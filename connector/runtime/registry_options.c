#include "registry_options.h"

tg_registry_options_t
tg_registry_options_of(const tg_config_t *config, tg_log_t *log)
{
    return (tg_registry_options_t){
        .urls = config->registry.urls.items,
        .n_urls = config->registry.urls.n_items,
        .directory = config->registry.directory,
        .cache_directory = config->registry.cache_directory,
        .username = config->registry.username,
        .password = config->registry.password,
        .bearer_token = config->registry.bearer_token,
        .ca_file = config->registry.ca_file,
        .client_certificate_file = config->registry.certificate_file,
        .client_key_file = config->registry.key_file,
        .verify_host = config->registry.verify_host,
        .timeout_ms = config->registry.timeout_ms,
        .negative_ttl_ms = config->registry.negative_ttl_ms,
        .max_entries = config->registry.max_entries,
        .max_schema_bytes = config->registry.max_schema_bytes,
        .max_total_bytes = config->registry.max_total_bytes,
        .clock = tg_clock_system(),
        .log = log,
    };
}
