# shellcheck shell=bash
# Words that every script here speaks: messages, steps with their duration, waiting with a deadline.
# Sourced, never run. Expects `set -Eeuo pipefail`.

DEPLOY_DIR=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck disable=SC2034 # for the other files here
CHECKOUT_DIR=$(dirname -- "$DEPLOY_DIR")
# Downloads and everything made of them alone: shared by all checkouts, safe to delete.
CACHE_DIR=${XDG_CACHE_HOME:-${HOME:-/var/cache}/.cache}/tidegate

say() {
    printf '%s\n' "$*"
}

complain() {
    printf '%s: %s\n' "$(basename -- "$0")" "$*" >&2
}

die() {
    complain "$@"
    exit 1
}

have() {
    command -v "$1" >/dev/null 2>&1
}

# Runs a command as root: directly, or with sudo.
as_root() {
    if [[ $EUID -eq 0 ]]; then
        "$@"
    elif have sudo; then
        sudo "$@"
    else
        die "root is needed for: $* (run as root, or install sudo)"
    fi
}

now_ms() {
    local now=${EPOCHREALTIME/[.,]/}
    printf '%s' "${now%???}"
}

# format_ms MILLISECONDS -> "12.3 s"
format_ms() {
    printf '%d.%d s' $(($1 / 1000)) $(($1 % 1000 / 100))
}

# wait_until SECONDS WHAT COMMAND... : polls until the command succeeds. There is no better signal
# from other people's services than to ask them.
wait_until() {
    local seconds=$1 what=$2 deadline
    shift 2
    deadline=$(($(now_ms) + seconds * 1000))
    until "$@" >/dev/null 2>&1; do
        if (($(now_ms) > deadline)); then
            complain "$what: not within $seconds s"
            return 1
        fi
        sleep 0.1
    done
}

tcp_open() {
    (exec 3<>"/dev/tcp/$1/$2") 2>/dev/null
}

# with_lock NAME COMMAND... : one at a time on this machine, for what goes into the cache.
with_lock() {
    local name=$1
    shift
    mkdir -p "$CACHE_DIR"
    (
        flock 9
        "$@"
    ) 9>"$CACHE_DIR/$name.lock"
}

# obtain NAME COMMAND... : makes $CACHE_DIR/NAME once; the command gets an empty directory to fill.
# An interrupted download leaves nothing behind that looks whole.
obtain() {
    local name=$1
    [[ -d $CACHE_DIR/$name ]] || with_lock "$name" obtain_locked "$@"
}

obtain_locked() {
    local name=$1 scratch="$CACHE_DIR/$1.partial"
    shift
    [[ ! -d $CACHE_DIR/$name ]] || return 0
    rm -rf "$scratch"
    mkdir -p "$scratch"
    "$@" "$scratch"
    mv "$scratch" "$CACHE_DIR/$name"
}
