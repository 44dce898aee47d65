# shellcheck shell=bash
# PgBouncer in transaction pooling, before whatever serves DATABASE_PORT.

pgbouncer_need() {
    # Debian's package starts a service of its own, which this has nothing to do with.
    have pgbouncer || [[ -x /usr/sbin/pgbouncer ]] || packages_need pgbouncer
}

# Expects PGBOUNCER_PORT and DATABASE_PORT.
pgbouncer_start() {
    local dir program
    ! process_running pgbouncer || return 0
    require_free_port "$PGBOUNCER_PORT" PgBouncer
    dir=$(postgres_dir pgbouncer)
    program=$(command -v pgbouncer || printf /usr/sbin/pgbouncer)
    cat >"$dir/pgbouncer.ini" <<-INI
		[databases]
		* = host=127.0.0.1 port=$DATABASE_PORT user=postgres
		[pgbouncer]
		listen_addr = 127.0.0.1
		listen_port = $PGBOUNCER_PORT
		unix_socket_dir =
		auth_type = any
		pool_mode = transaction
		default_pool_size = 20
		max_client_conn = 200
		server_login_retry = 1
	INI
    chmod 644 "$dir/pgbouncer.ini"
    if [[ $EUID -eq 0 ]]; then
        process_start pgbouncer "$program" -u postgres "$dir/pgbouncer.ini"
    else
        process_start pgbouncer "$program" "$dir/pgbouncer.ini"
    fi
}

pgbouncer_ready() {
    process_ready pgbouncer 10 tcp_open 127.0.0.1 "$PGBOUNCER_PORT"
}

# pgbouncer_stop [--immediate]
pgbouncer_stop() {
    if [[ ${1:-} == --immediate ]]; then
        process_kill pgbouncer
    else
        process_stop pgbouncer 5
    fi
}
