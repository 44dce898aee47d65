# shellcheck shell=bash
# Background processes with a pid file each. A service NAME lives in $STATE_DIR/NAME: pid, log, data.
# Expects STATE_DIR.

# When a process started, in ticks since the boot: with the pid it names one process for good, as
# pids alone are used again.
process_start_time() {
    local stat fields
    stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
    # The command's name, in parentheses, may hold spaces.
    read -ra fields <<<"${stat##*) }"
    # One that has ended, with all its threads, does nothing any more, though nobody has buried it yet.
    if [[ ${fields[0]} == Z ]]; then
        set -- "/proc/$1/task"/*
        (($# > 1)) || return 1
    fi
    printf '%s' "${fields[19]}"
}

process_pid() {
    local pid started
    read -r pid started 2>/dev/null <"$STATE_DIR/$1/pid" || return 1
    [[ $(process_start_time "$pid") == "$started" ]] || return 1
    printf '%s' "$pid"
}

process_running() {
    process_pid "$1" >/dev/null
}

process_log() {
    printf '%s' "$STATE_DIR/$1/log"
}

# process_start NAME COMMAND... : in a session of its own, so that Ctrl-C reaches only the script.
process_start() {
    local name=$1 dir="$STATE_DIR/$1" pid
    shift
    mkdir -p "$dir"
    [[ ! -f $dir/log ]] || mv -f "$dir/log" "$dir/log.previous"
    setsid "$@" >"$dir/log" 2>&1 </dev/null &
    pid=$!
    printf '%s %s\n' "$pid" "$(process_start_time "$pid")" >"$dir/pid"
}

# process_ready NAME SECONDS COMMAND... : waits until the command succeeds, as long as the process
# lives; shows the end of its log when it does not get there.
process_ready() {
    local name=$1 seconds=$2
    shift 2
    if ! wait_until "$seconds" "$name" process_ready_or_gone "$name" "$@" || ! process_running "$name"; then
        complain "$name did not start; the end of $(process_log "$name"):"
        tail -n 12 "$(process_log "$name")" >&2 || true
        return 1
    fi
}

process_ready_or_gone() {
    local name=$1
    shift
    ! process_running "$name" || "$@"
}

# process_signal NAME SIGNAL
process_signal() {
    local pid
    pid=$(process_pid "$1") || return 0
    kill -s "$2" "$pid" 2>/dev/null || true
}

# process_stop NAME [SECONDS] : asks, waits, and only then forces.
process_stop() {
    local name=$1 seconds=${2:-15}
    process_signal "$name" TERM
    if ! wait_until "$seconds" "$name ends" process_gone "$name"; then
        process_kill "$name"
    fi
    rm -f "$STATE_DIR/$name/pid"
}

# process_kill NAME : at once, as a crash would.
process_kill() {
    process_signal "$1" KILL
    wait_until 5 "$1 is gone" process_gone "$1"
    rm -f "$STATE_DIR/$1/pid"
}

process_gone() {
    ! process_running "$1"
}

# require_free_port PORT WHAT : says who is wrong before a service fails to bind.
require_free_port() {
    if tcp_open 127.0.0.1 "$1"; then
        complain "port $1, wanted for $2, is in use by another program; choose others with --port-base"
        return 1
    fi
}
