# shellcheck shell=bash
# Stages of a test run: each goes on to the next whatever came of it, leaves a log, and is summed up at the
# end. Sourced by tests/run and .ci/run after deploy/lib/all.sh. Expects LOG_DIR.

STAGES_FAILED=0
STAGE_REPORT=()

stages_begin() {
    mkdir -p "$LOG_DIR/results"
    rm -f "$LOG_DIR"/results/*.xml "$LOG_DIR"/*.log
    STAGES_STARTED=$(now_ms)
}

# stage NAME COMMAND... : a stage whose failure is one failure; tests inside it count by themselves, by
# the JUnit files that they leave in $LOG_DIR/results/NAME*.xml.
stage() {
    local name=$1 started status=0 took log="$LOG_DIR/$1.log"
    shift
    printf '%-18s ' "$name"
    started=$(now_ms)
    set +e
    (
        set -Eeuo pipefail
        trap - ERR EXIT
        "$@"
    ) </dev/null >"$log" 2>&1
    status=$?
    set -e
    took=$(format_ms $(($(now_ms) - started)))
    if ((status == 0)); then
        printf 'passed %10s\n' "$took"
        STAGE_REPORT+=("$name=passed")
        return 0
    fi
    printf 'FAILED %10s   (status %d; %s)\n' "$took" "$status" "$log"
    # First what looks like the cause, wherever in the log it is, then how it ended.
    grep -nE '(^|[^_[:alnum:]])(error|FAILED|Failed|AssertionError)[: *]' "$log" | head -n 15 | sed 's/^/    > /' || true
    tail -n "${STAGE_TAIL:-40}" "$log" | sed 's/^/    | /'
    STAGE_REPORT+=("$name=failed")
    STAGES_FAILED=$((STAGES_FAILED + 1))
    return 0
}

# skip_stage NAME WHY
skip_stage() {
    printf '%-18s left out: %s\n' "$1" "$2"
}

# stages_end : the summary; its last line is "N passed, N failed". Fails when anything did.
stages_end() {
    printf '%-18s        %10s\n' 'all stages' "$(format_ms $(($(now_ms) - STAGES_STARTED)))"
    "$(python_base)" "$CHECKOUT_DIR/tests/support/tally.py" "$LOG_DIR/results" "${STAGE_REPORT[@]}"
}

# with_servers COMMAND... : runs it with real servers for the component tests that ask for them: a broker
# (TG_TEST_KAFKA), and a database (TIDEGATE_TEST_DATABASE_URL), which is a native TimescaleDB where there is
# one, else plain PostgreSQL.
with_servers() {
    local stack="$CHECKOUT_DIR/tests/support/stack" dir="$CHECKOUT_DIR/tests/.state/servers" kind=plain status=0
    ! postgres_has_timescaledb || kind=native
    "$stack" up --dir "$dir" --database "$kind" --no-registry
    TIDEGATE_TEST_DATABASE_URL=$(sed -n 's/^DATABASE_URL=//p' "$dir/env")
    TG_TEST_KAFKA=$(sed -n 's/^KAFKA_BOOTSTRAP=//p' "$dir/env")
    export TIDEGATE_TEST_DATABASE_URL TG_TEST_KAFKA
    "$@" || status=$?
    "$stack" down --dir "$dir"
    return "$status"
}
