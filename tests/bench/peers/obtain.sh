# shellcheck shell=bash
# The peers, from Maven Central and the Go module proxy, into the cache. What cannot be had is said and left out.

PEERS_DIR=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
TELEGRAF_VERSION=v1.37.0
TELEGRAF_CACHE=telegraf-$TELEGRAF_VERSION

connect_cache() {
    local sum
    sum=$(cksum <"$PEERS_DIR/pom.xml")
    printf 'peer-connect-%s' "${sum%% *}"
}

connect_obtain() {
    need_java
    obtain "$(connect_cache)" connect_download
}

connect_download() {
    maven_dependency copy-dependencies -f "$PEERS_DIR/pom.xml" "-DoutputDirectory=$1" -DincludeScope=runtime
}

telegraf_obtain() {
    have go || die 'Telegraf is built with Go, which is not installed'
    obtain "$TELEGRAF_CACHE" telegraf_build
}

# Telegraf's own way to build a small program: only the plug-ins that are measured.
telegraf_build() {
    GOBIN=$1 GOFLAGS='' nice go install -trimpath \
        -tags custom,inputs.kafka_consumer,parsers.avro,outputs.postgresql \
        "github.com/influxdata/telegraf/cmd/telegraf@$TELEGRAF_VERSION"
}

# peer_obtained COMMAND : whether it did its work. Never as a condition itself: that would switch errexit off inside it.
peer_obtained() {
    local status
    set +e
    (
        set -Eeuo pipefail
        "$@"
    ) >&2
    status=$?
    set -e
    return "$status"
}

# Sets PEER_OPTIONS for bench.py.
peers_obtain() {
    local obtained
    PEER_OPTIONS=()
    set +e
    peer_obtained connect_obtain
    obtained=$?
    ((obtained != 0)) || PEER_OPTIONS+=(--connect "$CACHE_DIR/$(connect_cache)")
    peer_obtained telegraf_obtain
    obtained=$?
    ((obtained != 0)) || PEER_OPTIONS+=(--telegraf "$CACHE_DIR/$TELEGRAF_CACHE/telegraf")
    set -e
}
