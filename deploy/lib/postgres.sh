# shellcheck shell=bash
# A private PostgreSQL cluster, plain or with an installed TimescaleDB.

# The bin directory of the newest installed server, or of the newest that has the extension.
postgres_bin() {
    local with_extension=${1:-} bin sharedir
    while read -r bin; do
        if [[ -n $with_extension ]]; then
            sharedir=$("$bin/pg_config" --sharedir 2>/dev/null || postgres_sharedir "$bin")
            [[ -f $sharedir/extension/$with_extension.control ]] || continue
        fi
        printf '%s' "$bin"
        return 0
    done < <(postgres_bins)
    return 1
}

postgres_bins() {
    {
        find /usr/lib/postgresql -mindepth 3 -maxdepth 3 -path '*/bin/initdb' 2>/dev/null | sort -rV
        command -v initdb || true
    } | while read -r initdb; do dirname -- "$(readlink -f -- "$initdb")"; done
}

# Where Debian keeps it when the development package, and with it pg_config, is absent.
postgres_sharedir() {
    printf '/usr/share/postgresql/%s' "$(basename -- "$(dirname -- "$1")")"
}

postgres_has_timescaledb() {
    postgres_bin timescaledb >/dev/null
}

# postgres_need [timescaledb] : sets POSTGRES_BIN, installs a plain server when there is none.
postgres_need() {
    if ! POSTGRES_BIN=$(postgres_bin "${1:-}"); then
        [[ -z ${1:-} ]] || die "no installed PostgreSQL server has the extension $1"
        packages_need postgresql
        POSTGRES_BIN=$(postgres_bin) || die 'no PostgreSQL server found after installing it'
    fi
}

# The server refuses to run as root: then it is the user postgres's.
as_postgres() {
    if [[ $EUID -eq 0 ]]; then
        (cd / && runuser -u postgres -- "$@")
    else
        "$@"
    fi
}

# A directory of the server's own. As root that has to be one that the user postgres can reach, which
# a checkout in root's home or a private temporary directory is not; a link then stands in its place.
postgres_dir() {
    local dir="$STATE_DIR/$1" elsewhere
    if [[ ! -e $dir ]]; then
        mkdir -p "$STATE_DIR"
        if [[ $EUID -ne 0 ]] || as_postgres test -x "$STATE_DIR" 2>/dev/null; then
            mkdir "$dir"
        else
            elsewhere=$(mktemp -d "/var/tmp/tidegate-$1-XXXXXXXX")
            ln -s "$elsewhere" "$dir"
        fi
        [[ $EUID -ne 0 ]] || chown postgres: "$(readlink -f -- "$dir")"
    fi
    readlink -f -- "$dir"
}

# Removes such a directory and what its link points to.
postgres_remove_dir() {
    local dir="$STATE_DIR/$1"
    [[ -e $dir || -L $dir ]] || return 0
    rm -rf -- "$(readlink -f -- "$dir")"
    rm -rf -- "$dir"
}

# postgres_create [timescaledb] [NAME=VALUE...] : initdb once, then the settings each time.
postgres_create() {
    local dir preload=
    dir=$(postgres_dir database)
    if [[ ${1:-} == timescaledb ]]; then
        preload=timescaledb
        shift
    fi
    if [[ ! -f $dir/data/PG_VERSION ]]; then
        as_postgres "$POSTGRES_BIN/initdb" -D "$dir/data" -U postgres -A trust -E UTF8 --locale=C.UTF-8 --no-sync
    fi
    {
        say "listen_addresses = '127.0.0.1'"
        say "port = $DATABASE_PORT"
        say "unix_socket_directories = ''"
        say "max_connections = 200"
        say "shared_preload_libraries = '$preload'"
        [[ -z $preload ]] || say "timescaledb.telemetry_level = off"
        local setting
        for setting in "$@"; do
            say "${setting%%=*} = '${setting#*=}'"
        done
    } | as_postgres tee "$dir/data/tidegate.conf" >/dev/null
    if ! grep -q "^include 'tidegate.conf'" "$dir/data/postgresql.conf"; then
        say "include 'tidegate.conf'" | as_postgres tee -a "$dir/data/postgresql.conf" >/dev/null
    fi
}

postgres_running() {
    local dir="$STATE_DIR/database/data"
    [[ -d $dir ]] && as_postgres "$POSTGRES_BIN/pg_ctl" status -s -D "$(readlink -f -- "$dir")" >/dev/null
}

# Expects POSTGRES_BIN and DATABASE_PORT.
postgres_start() {
    local dir
    ! postgres_running || return 0
    require_free_port "$DATABASE_PORT" 'the database'
    dir=$(postgres_dir database)
    if ! as_postgres "$POSTGRES_BIN/pg_ctl" start -s -w -t 60 -D "$dir/data" -l "$dir/log"; then
        as_postgres tail -n 12 "$dir/log" >&2
        return 1
    fi
}

# postgres_stop [--immediate] : immediate is without a checkpoint, as a crash.
postgres_stop() {
    local mode=fast
    [[ ${1:-} != --immediate ]] || mode=immediate
    ! postgres_running || as_postgres "$POSTGRES_BIN/pg_ctl" stop -s -w -t 60 -m "$mode" \
        -D "$(readlink -f -- "$STATE_DIR/database/data")"
}
