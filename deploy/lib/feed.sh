# shellcheck shell=bash
# Real input for the quickstart's topics: deploy/feed, and the weather set of vega-datasets (npm).

# shellcheck disable=SC2034 # for deploy/quickstart
FEED_TOPICS=(machine weather)
# shellcheck disable=SC2034
FEED_PARTITIONS=6
WEATHER_VERSION=3.2.1
WEATHER_FILE=seattle-weather-hourly-normals.csv
WEATHER_CACHE=weather-$WEATHER_VERSION

feed_obtain() {
    python_obtain "$DEPLOY_DIR/feed/requirements.txt"
    [[ -d $CACHE_DIR/$WEATHER_CACHE ]] || need_npm
    obtain "$WEATHER_CACHE" weather_download
}

weather_download() {
    local archive
    cd "$1" || return
    archive=$(npm pack --silent "vega-datasets@$WEATHER_VERSION")
    tar -xzf "$archive" --strip-components 2 "package/data/$WEATHER_FILE"
    rm "$archive"
}

feed() {
    "$(python_of "$DEPLOY_DIR/feed/requirements.txt")" "$DEPLOY_DIR/feed/feed.py" --bootstrap "$(kafka_bootstrap)" "$@"
}

feed_prepare() {
    feed prepare --registry "$(registry_url)" --schemas "$CHECKOUT_DIR/schemas/examples"
}

# feed_total TOPIC : how many records Kafka holds.
feed_total() {
    feed totals | json_number "$1"
}

# Sets FEED_COMMAND for `feed run`; the weather set goes in once, and stays.
feed_command() {
    FEED_COMMAND=(
        "$(python_of "$DEPLOY_DIR/feed/requirements.txt")" "$DEPLOY_DIR/feed/feed.py"
        --bootstrap "$(kafka_bootstrap)" run --registry "$(registry_url)"
        --schemas "$CHECKOUT_DIR/schemas/examples" --report "$STATE_DIR/feed/report.json" "$@"
    )
    if (($(feed_total weather) == 0)); then
        FEED_COMMAND+=(--weather "$CACHE_DIR/$WEATHER_CACHE/$WEATHER_FILE")
    fi
}

# Until it is stopped.
feed_start() {
    ! process_running feed || return 0
    mkdir -p "$STATE_DIR/feed"
    feed_command
    process_start feed "${FEED_COMMAND[@]}"
}

# feed_run SAMPLES : so much and no more.
feed_run() {
    mkdir -p "$STATE_DIR/feed"
    feed_command --samples "$1" --interval 0.05
    "${FEED_COMMAND[@]}"
}

feed_stop() {
    process_stop feed 15
}

# feed_acknowledged TOPIC : how many records of this feed the broker has acknowledged.
feed_acknowledged() {
    sed -n "s/.*\"$1\": {\"acknowledged\": \([0-9]*\).*/\1/p" "$STATE_DIR/feed/report.json"
}

json_number() {
    sed -n "s/.*\"$1\": \([0-9]*\).*/\1/p"
}
