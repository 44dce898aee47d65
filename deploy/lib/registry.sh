# shellcheck shell=bash
# A schema registry: Apicurio Registry, from Maven Central. Confluent's API stands at REGISTRY_PATH.

REGISTRY_VERSION=2.6.13.Final
REGISTRY_CACHE=apicurio-registry-$REGISTRY_VERSION
REGISTRY_PATH=/apis/ccompat/v7

registry_obtain() {
    need_java
    need_command curl curl
    obtain "$REGISTRY_CACHE" registry_download
}

registry_download() {
    local archive="apicurio-registry-app-$REGISTRY_VERSION-all.tar.gz"
    maven_dependency copy "-Dartifact=io.apicurio:apicurio-registry-app:$REGISTRY_VERSION:tar.gz:all" \
        "-DoutputDirectory=$1"
    tar -xzf "$1/$archive" -C "$1"
    rm "$1/$archive"
}

registry_url() {
    printf 'http://127.0.0.1:%s%s' "$REGISTRY_PORT" "$REGISTRY_PATH"
}

# Expects REGISTRY_PORT.
registry_start() {
    local dir="$STATE_DIR/registry" jar="apicurio-registry-app-$REGISTRY_VERSION-runner.jar"
    ! process_running registry || return 0
    require_free_port "$REGISTRY_PORT" 'the schema registry'
    mkdir -p "$dir"
    # Out of the box it keeps schemas in memory only; a file lets their ids outlive it, as the
    # records that carry them do.
    process_start registry env \
        "REGISTRY_DATASOURCE_URL=jdbc:h2:file:$dir/schemas;WRITE_DELAY=0" \
        QUARKUS_DATASOURCE_JDBC_INITIAL_SIZE=2 QUARKUS_DATASOURCE_JDBC_MIN_SIZE=2 \
        QUARKUS_HTTP_HOST=127.0.0.1 "QUARKUS_HTTP_PORT=$REGISTRY_PORT" LOG_LEVEL=WARN REGISTRY_LOG_LEVEL=WARN \
        java -Xmx256m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -XX:+ExitOnOutOfMemoryError \
        -jar "$CACHE_DIR/$REGISTRY_CACHE/$jar"
}

registry_ready() {
    process_ready registry 90 curl -sf "$(registry_url)/subjects"
}

registry_stop() {
    process_stop registry
}
