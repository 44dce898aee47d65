# shellcheck shell=bash
# Steps: one line each, with what came of it and its duration; the details go to a log.
# Expects STEP_LOG (a file) to be set by the script.

# What a step found, for its line: `note "already running"`.
note() {
    printf '%s\n' "$*" >"$STEP_LOG.note"
}

# step TITLE COMMAND... : runs the command in a subshell; when it fails, shows the end of its output
# and ends the script.
step() {
    local title=$1 started status=0 text
    shift
    rm -f "$STEP_LOG.note"
    printf '  %-22s' "$title"
    printf '\n== %s: %s\n' "$(date +%T)" "$title" >>"$STEP_LOG"
    : >"$STEP_LOG.step"
    started=$(now_ms)
    # Not as the condition of an `if`: that would switch errexit off inside the step.
    set +e
    (
        set -Eeuo pipefail
        trap - ERR EXIT
        "$@"
    ) </dev/null >"$STEP_LOG.step" 2>&1
    status=$?
    set -e
    cat "$STEP_LOG.step" >>"$STEP_LOG"
    if ((status != 0)); then
        printf 'failed after %s\n' "$(format_ms $(($(now_ms) - started)))"
        tail -n 15 "$STEP_LOG.step" | sed 's/^/      | /' >&2
        complain "$title failed (status $status); everything it said is in $STEP_LOG"
        exit 1
    fi
    text='done'
    [[ ! -s $STEP_LOG.note ]] || text=$(<"$STEP_LOG.note")
    printf '%-44s %8s\n' "$text" "$(format_ms $(($(now_ms) - started)))"
    rm -f "$STEP_LOG.step" "$STEP_LOG.note"
}
