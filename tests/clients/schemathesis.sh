#!/usr/bin/env bash
# Some 5,000 generated operations against the binary, as an administrator: tests/clients/schemathesis.sh [BINARY] [CASES].
# No answer may be a 5xx, break the specification or contradict the schema. About ten minutes.
set -euo pipefail
[ $# -eq 0 ] || { BINARY=$(realpath "$1") && export BINARY; }
cases=${2:-5000}
cd "$(dirname "$0")"
source server.sh
trap finish EXIT

venv=../../target/schemathesis-venv
if [ ! "$venv/installed" -nt requirements-schemathesis.txt ]; then
  python3 -m venv "$venv"
  "$venv/bin/pip" install --quiet --disable-pip-version-check -r requirements-schemathesis.txt
  touch "$venv/installed"
fi

start
# Pages that hold something.
! command -v node >/dev/null || node seed.mjs
operations=$("$venv/bin/python" -c 'import schemathesis_hooks as h; print(len(h.SCHEMA.query_type.fields) + len(h.SCHEMA.mutation_type.fields))')
export ANSWERS=$SERVER/answers SCHEMATHESIS_HOOKS=schemathesis_hooks
: >"$ANSWERS"
status=0
"$venv/bin/st" run "$HOST_URL/graphql" --header "Authorization: Bearer $TOKEN" --phases fuzzing --checks sound \
  --max-examples $(((cases + operations - 1) / operations)) --seed "${SEED:-11}" --continue-on-failure || status=$?
echo "$(wc -l <"$ANSWERS") answers, $(grep -c wrong "$ANSWERS" || true) of them wrong"
kill -0 "$(cat "$SERVER/pid")"
exit "$status"
