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

# peer_try COMMAND OPTION... : adds the options for bench.py if the command does its work. The command is never a
# condition: that would switch errexit off inside it, and half a download would pass for a whole one.
peer_try() {
    local command=$1 status
    shift
    set +e
    (
        set -Eeuo pipefail
        "$command"
    ) >&2
    status=$?
    set -e
    ((status != 0)) || PEER_OPTIONS+=("$@")
}

# Sets PEER_OPTIONS for bench.py.
peers_obtain() {
    PEER_OPTIONS=()
    peer_try connect_obtain --connect "$CACHE_DIR/$(connect_cache)"
    peer_try telegraf_obtain --telegraf "$CACHE_DIR/$TELEGRAF_CACHE/telegraf"
}
