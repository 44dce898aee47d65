# shellcheck shell=bash
# The database, of one of these kinds, remembered in $STATE_DIR/database.kind:
#   embedded   PGlite with TimescaleDB (embedded.sh)
#   native     a private cluster of an installed PostgreSQL that has TimescaleDB (postgres.sh)
#   plain      a private cluster without the extension (postgres.sh)

# database_choose KIND : "auto" is native where it is installed, else embedded.
database_choose() {
    local kind=$1
    if [[ $kind == auto ]]; then
        if postgres_has_timescaledb; then kind=native; else kind=embedded; fi
    fi
    case $kind in
    embedded | native | plain) ;;
    *) die "unknown kind of database: $kind (embedded, native, plain or auto)" ;;
    esac
    mkdir -p "$STATE_DIR"
    if [[ -f $STATE_DIR/database.kind && $(database_kind) != "$kind" ]]; then
        die "$STATE_DIR holds a database of kind $(database_kind), not $kind"
    fi
    printf '%s\n' "$kind" >"$STATE_DIR/database.kind"
}

database_kind() {
    cat "$STATE_DIR/database.kind"
}

database_url() {
    printf 'postgresql://postgres@127.0.0.1:%s/postgres' "$DATABASE_PORT"
}

database_obtain() {
    case $(database_kind) in
    embedded) embedded_obtain ;;
    native) postgres_need timescaledb ;;
    plain) postgres_need ;;
    esac
}

# database_start [NAME=VALUE...] : settings for a cluster of ours; they are remembered.
database_start() {
    local settings=() kind
    kind=$(database_kind)
    if (($# > 0)); then
        printf '%s\n' "$@" >"$STATE_DIR/database.settings"
    fi
    if [[ -f $STATE_DIR/database.settings ]]; then
        mapfile -t settings <"$STATE_DIR/database.settings"
    fi
    case $kind in
    embedded)
        embedded_start
        ;;
    native)
        postgres_need timescaledb
        postgres_create timescaledb "${settings[@]}"
        postgres_start
        as_postgres "$POSTGRES_BIN/psql" -qX -d "$(database_url)" \
            -c 'SET client_min_messages = warning' -c 'CREATE EXTENSION IF NOT EXISTS timescaledb'
        ;;
    plain)
        postgres_need
        postgres_create "${settings[@]}"
        postgres_start
        ;;
    esac
}

# pg_ctl waits by itself; the front end does not.
database_ready() {
    [[ $(database_kind) != embedded ]] || embedded_ready
}

database_running() {
    [[ -f $STATE_DIR/database.kind ]] || return 1
    case $(database_kind) in
    embedded) process_running database ;;
    native) postgres_need timescaledb && postgres_running ;;
    plain) postgres_need && postgres_running ;;
    esac
}

# database_stop [--immediate]
database_stop() {
    [[ -f $STATE_DIR/database.kind ]] || return 0
    case $(database_kind) in
    embedded) embedded_stop "$@" ;;
    native) postgres_need timescaledb && postgres_stop "$@" ;;
    plain) postgres_need && postgres_stop "$@" ;;
    esac
}

database_remove() {
    postgres_remove_dir database
    rm -f "$STATE_DIR/database.kind" "$STATE_DIR/database.settings"
}
