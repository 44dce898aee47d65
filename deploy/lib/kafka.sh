# shellcheck shell=bash
# Apache Kafka 4.1, one node (KRaft), from Maven Central.

KAFKA_VERSION=4.1.0
KAFKA_CACHE=kafka-$KAFKA_VERSION

kafka_obtain() {
    need_java
    obtain "$KAFKA_CACHE" kafka_download
}

kafka_download() {
    maven_dependency copy-dependencies -f "$DEPLOY_DIR/kafka/pom.xml" "-DoutputDirectory=$1" -DincludeScope=runtime
}

kafka_bootstrap() {
    printf '127.0.0.1:%s' "$KAFKA_PORT"
}

# Sets KAFKA_JAVA, the command that runs a class of Kafka's.
kafka_java() {
    local level=-Dorg.slf4j.simpleLogger
    # The serial collector and a small heap: a broker for one machine's worth of records.
    KAFKA_JAVA=(
        java -Xms256m "-Xmx${KAFKA_HEAP_MB:-512}m" -XX:+UseSerialGC -XX:+ExitOnOutOfMemoryError
        "$level.showDateTime=true" "$level.dateTimeFormat=HH:mm:ss.SSS" "$level.defaultLogLevel=warn"
        "$level.log.kafka.server.KafkaRaftServer=info"
        -cp "$CACHE_DIR/$KAFKA_CACHE/*"
    )
}

# Expects KAFKA_PORT and KAFKA_CONTROLLER_PORT.
kafka_start() {
    local dir="$STATE_DIR/kafka"
    ! process_running kafka || return 0
    require_free_port "$KAFKA_PORT" Kafka
    require_free_port "$KAFKA_CONTROLLER_PORT" "Kafka's controller"
    mkdir -p "$dir"
    sed -e "s|@PORT@|$KAFKA_PORT|g" -e "s|@CONTROLLER_PORT@|$KAFKA_CONTROLLER_PORT|g" \
        -e "s|@DATA_DIR@|$dir/data|g" "$DEPLOY_DIR/kafka/server.properties.in" >"$dir/server.properties"
    kafka_java
    if [[ ! -f $dir/data/meta.properties ]]; then
        "${KAFKA_JAVA[@]}" kafka.tools.StorageTool format --config "$dir/server.properties" \
            --cluster-id "$(kafka_new_cluster_id)"
    fi
    process_start kafka "${KAFKA_JAVA[@]}" kafka.Kafka "$dir/server.properties"
}

# 16 random bytes in Kafka's base 64, without the signs that a command line could take for an option.
kafka_new_cluster_id() {
    head -c 16 /dev/urandom | base64 | tr '+/' 'Kk' | tr -d '='
}

kafka_ready() {
    process_ready kafka 60 grep -q 'Kafka Server started' "$(process_log kafka)"
}

kafka_stop() {
    process_stop kafka 30
}
