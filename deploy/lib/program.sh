# shellcheck shell=bash
# The program as a service: tidegate run. Expects PROGRAM, CONFIG_FILE, HTTP_PORT.

program_start() {
    if process_running tidegate && program_is_current; then
        return 0
    fi
    process_stop tidegate 30
    require_free_port "$HTTP_PORT" "Tidegate's metrics"
    process_start tidegate "$PROGRAM" run -c "$CONFIG_FILE"
}

# Whether what runs is what was built and configured last.
program_is_current() {
    [[ ! $PROGRAM -nt $STATE_DIR/tidegate/pid && ! $CONFIG_FILE -nt $STATE_DIR/tidegate/pid ]]
}

program_ready() {
    process_ready tidegate 30 curl -sf "http://127.0.0.1:$HTTP_PORT/health/ready"
}

program_stop() {
    process_stop tidegate 30
}

# metric NAME [max] : the sum of a metric's series, or the greatest, as a whole number; empty when
# there are none.
metric() {
    curl -sf "http://127.0.0.1:$HTTP_PORT/metrics" | awk -v name="$1" -v max="${2:-}" '
        $1 == name || index($1, name "{") == 1 {
            if (max == "") value += $NF; else if ($NF > value) value = $NF
            found = 1
        }
        END { if (found) printf "%.0f", value }'
}

# How many series a metric has.
metric_series() {
    curl -sf "http://127.0.0.1:$HTTP_PORT/metrics" | grep -c "^$1{" || true
}
