# The service under test: sourced by the scripts here, run by the clients as `server.sh restart`, and by people as
# `bash server.sh run node subscribers.mjs`.
# shellcheck shell=bash
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
export BINARY=${BINARY:-$here/../../target/debug/prospectus}

# Not of those that the system gives to connections: one of them might have it while the service restarts.
free_port() {
  python3 - <<'PYTHON'
import random, socket
for port in random.sample(range(20_000, 32_768), 100):
    with socket.socket() as one:
        if one.connect_ex(("127.0.0.1", port)):
            print(port)
            break
PYTHON
}

# A folder, a port and the settings; once for all scripts that follow.
if [ -z "${SERVER:-}" ]; then
  SERVER=$(mktemp -d)
  port=$(free_port)
  export SERVER LISTEN=127.0.0.1:$port HOST_URL=http://127.0.0.1:$port
  export DATABASE_URL=${DATABASE_URL:-sqlite://$SERVER/prospectus.db}
  export ADMIN_TOKEN=an-admin-token-for-clients TOKEN=an-admin-token-for-clients
  export IPO_SCHEDULE=off PRICE_SCHEDULE=off MARKET_SCHEDULE=off MODELS_DIR=$SERVER/models
  # Nothing here may reach a provider.
  export ALPHA_VANTAGE_BASE_URL=http://127.0.0.1:9 NSE_BASE_URL=http://127.0.0.1:9 NSE_ARCHIVE_URL=http://127.0.0.1:9
  unset ALPHA_VANTAGE_API_KEY
fi

# Waits until it can serve.
ready() {
  for _ in $(seq 600); do
    if curl --silent --fail --output /dev/null "$HOST_URL/readyz"; then return; fi
    kill -0 "$(cat "$SERVER/pid")" 2>/dev/null || break
    sleep 0.1
  done
  echo "the service did not start:" >&2
  tail -n 20 "$SERVER/log" >&2
  return 1
}

start() {
  (cd "$SERVER" && exec "$BINARY" serve) </dev/null >>"$SERVER/log" 2>&1 &
  echo $! >"$SERVER/pid"
  ready
}

# end SIGNAL: ends it and waits until it is gone.
end() {
  local pid
  pid=$(cat "$SERVER/pid" 2>/dev/null) || return 0
  kill "-$1" "$pid" 2>/dev/null || true
  while kill -0 "$pid" 2>/dev/null; do sleep 0.05; done
}

# Killed, and after a while on the same port and database again.
restart() {
  end KILL
  sleep 0.5
  start
}

# Ends it for good and takes its folder away.
finish() {
  end TERM
  rm -rf "$SERVER"
}

# run COMMAND...: the command beside a service of its own.
run() {
  trap finish EXIT
  start
  "$@"
}

if [ "${BASH_SOURCE[0]}" = "$0" ]; then "$@"; fi
