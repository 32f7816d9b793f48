#!/usr/bin/env bash
# Runs a command beside real Trillian servers on a real PostgreSQL, all of them thrown away afterwards.
#
#   interop/trillian-postgres.sh COMMAND [ARGUMENT…]
#
# Builds trillian_log_server and trillian_log_signer where they are not built yet (TRILLIAN_BIN, default bin/trillian below the
# repository), starts a database cluster on a unix socket and the servers on loopback, and sets TEST_TRILLIAN=host:port for the
# command. PostgreSQL 15 or newer is taken from the machine; root on Debian may have it installed.
set -euo pipefail

version=v1.8.0
repository=$(cd "$(dirname "$0")/.." && pwd)
bin=${TRILLIAN_BIN:-$repository/bin/trillian}
work=$(mktemp -d)
pids=()
as_database=()

stop() {
	local status=$? pid
	if ((status != 0)); then
		tail -n 20 "$work/server.log" "$work/signer.log" "$work/socket/postgres.log" >&2 2>/dev/null || true
	fi
	for pid in "${pids[@]}"; do kill -KILL "$pid" 2>/dev/null || true; done # their orderly stop takes 5 s each, for nothing here
	for pid in "${pids[@]}"; do wait "$pid" 2>/dev/null || true; done
	if [[ -f $work/db/postmaster.pid ]]; then
		"${as_database[@]}" "$postgres/pg_ctl" -D "$work/db" -m immediate -w stop >/dev/null || true
	fi
	rm -rf "$work"
	exit "$status"
}

find_postgres() {
	local candidate
	for candidate in $(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -rV) $(pg_config --bindir 2>/dev/null); do
		[[ -x $candidate/initdb ]] && { echo "$candidate"; return; }
	done
}

free_port() {
	local port
	while :; do
		port=$((20000 + RANDOM % 12000))
		(exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || { echo "$port"; return; }
	done
}

# healthy PORT asks a Trillian server's HTTP endpoint.
healthy() {
	local line
	{ exec 3<>"/dev/tcp/127.0.0.1/$1"; } 2>/dev/null || return 1
	printf 'GET /healthz HTTP/1.0\r\n\r\n' >&3
	read -r -t 5 line <&3 || line=
	exec 3>&-
	[[ $line == *" 200 "* ]]
}

wait_healthy() { # NAME PORT PID
	local i
	for i in $(seq 150); do
		healthy "$2" && return
		kill -0 "$3" 2>/dev/null || break
		sleep 0.2
	done
	echo "$0: $1 does not answer on port $2" >&2
	return 1
}

start_database() {
	postgres=$(find_postgres)
	if [[ -z $postgres && $EUID -eq 0 ]] && command -v apt-get >/dev/null; then
		apt-get update -q >"$work/apt.log" && DEBIAN_FRONTEND=noninteractive apt-get install -q -y postgresql >>"$work/apt.log"
		postgres=$(find_postgres)
	fi
	[[ -n $postgres ]] || { echo "$0: no PostgreSQL server found; install the package postgresql" >&2; return 1; }
	mkdir -m 700 "$work/db" "$work/socket"
	if [[ $EUID -eq 0 ]]; then # PostgreSQL refuses to run as root
		as_database=(runuser -u postgres --)
		chmod 711 "$work"
		chown postgres "$work/db" "$work/socket"
	fi
	cd "$work/socket" # a folder that the database's user may enter
	"${as_database[@]}" "$postgres/initdb" -D "$work/db" -U trillian -A trust -E UTF8 --no-sync >"$work/initdb.log"
	"${as_database[@]}" "$postgres/pg_ctl" -D "$work/db" -w -l "$work/socket/postgres.log" \
		-o "-c listen_addresses='' -c unix_socket_directories=$work/socket" start >"$work/pg_ctl.log"
	"$postgres/psql" -q -X -v ON_ERROR_STOP=1 -h "$work/socket" -U trillian -d postgres -c 'CREATE DATABASE trillian'
	"$postgres/psql" -q -X -v ON_ERROR_STOP=1 -h "$work/socket" -U trillian -d trillian -f "$1" >"$work/schema.log"
	cd "$repository"
}

start_trillian() {
	# Without the generic plan a bad join costs over a second for each batch.
	local uri="postgresql:///trillian?host=$work/socket&user=trillian&options=-c%20plan_cache_mode%3Dforce_generic_plan"
	local common=(--storage_system=postgresql --quota_system=noop "--postgresql_uri=$uri")
	local rpc http signer_http
	rpc=$(free_port) http=$(free_port) signer_http=$(free_port)
	"$bin/trillian_log_server" "${common[@]}" --rpc_endpoint="127.0.0.1:$rpc" --http_endpoint="127.0.0.1:$http" >"$work/server.log" 2>&1 &
	pids+=($!)
	wait_healthy trillian_log_server "$http" $!
	"$bin/trillian_log_signer" "${common[@]}" --rpc_endpoint="127.0.0.1:$(free_port)" --http_endpoint="127.0.0.1:$signer_http" \
		--force_master --sequencer_interval=20ms --batch_size=1024 >"$work/signer.log" 2>&1 &
	pids+=($!)
	wait_healthy trillian_log_signer "$signer_http" $!
	export TEST_TRILLIAN=127.0.0.1:$rpc
}

[[ $# -gt 0 ]] || { echo "usage: $0 COMMAND [ARGUMENT…]" >&2; exit 2; }
trap stop EXIT
trap 'exit 130' INT TERM
caller=$PWD
if [[ ! -x $bin/trillian_log_signer ]]; then
	CGO_ENABLED=0 GOBIN=$bin go install "github.com/google/trillian/cmd/trillian_log_server@$version" "github.com/google/trillian/cmd/trillian_log_signer@$version"
fi
schema=$(cd "$repository" && go list -m -f '{{.Dir}}' github.com/google/trillian)/storage/postgresql/schema/storage.sql
start_database "$schema"
start_trillian
cd "$caller"
"$@"
