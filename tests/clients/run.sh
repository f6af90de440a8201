#!/usr/bin/env bash
# The clients that people use, against the binary: tests/clients/run.sh [BINARY]. It installs what package-lock.json and
# requirements.txt lock, starts the binary on SQLite in a temporary folder, and prints a table. What can't run here for
# want of a tool or of a registry is said; with REQUIRE_CLIENTS=1 that is an error.
set -uo pipefail
[ $# -eq 0 ] || BINARY=$(realpath "$1") && export BINARY
cd "$(dirname "$0")" || exit 1

table=()
failed=0
skipped=0

note() { table+=("$(printf '%-8s %3ss  %s' "$1" "$2" "$3")"); }

# A program has ten minutes; what is a function here has as long as it takes.
limited() { if [ "$(type -t "$1")" = file ]; then timeout 600 "$@"; else "$@"; fi; }

# What a step answers with that can't be done here.
NOT_HERE=75

# step WHAT NEEDS COMMAND...: runs the command if the programs are there.
step() {
  local what=$1 needs=$2 began=$SECONDS need
  shift 2
  for need in $needs; do
    if ! command -v "$need" >/dev/null; then
      note skipped 0 "$what: $need is not here"
      skipped=$((skipped + 1))
      return 1
    fi
  done
  printf '\n%s\n' "$what"
  limited "$@"
  case $? in
    0) note ok $((SECONDS - began)) "$what" ;;
    "$NOT_HERE")
      note skipped $((SECONDS - began)) "$what: the registry can't be reached"
      skipped=$((skipped + 1))
      return 1
      ;;
    *)
      note FAILED $((SECONDS - began)) "$what"
      failed=$((failed + 1))
      return 1
      ;;
  esac
}

# again COMMAND...: a registry may fail for a moment.
again() { "$@" || { sleep 5 && "$@"; }; }

node_modules() {
  [ node_modules/.package-lock.json -nt package-lock.json ] && return
  again npm ci --ignore-scripts --no-audit --no-fund --loglevel=error && return
  npm ping --fetch-retries=0 --fetch-timeout=20000 >/dev/null 2>&1 || return $NOT_HERE
  return 1
}

# No virtual environment, which is a package of its own in Debian.
python_packages=$(realpath ../..)/target/clients-python
python_packages() {
  [ "$python_packages/installed" -nt requirements.txt ] && return
  rm -rf "$python_packages"
  again python3 -m pip install --quiet --disable-pip-version-check --target "$python_packages" -r requirements.txt &&
    touch "$python_packages/installed" && return
  python3 -m pip download --quiet --disable-pip-version-check --no-deps --dest "$SERVER" gql >/dev/null 2>&1 || return $NOT_HERE
  return 1
}

style() { (cd ../.. && tests/clients/node_modules/.bin/eslint --config tests/clients/eslint.config.mjs schema.graphql); }

types() { node types/generate.mjs && node_modules/.bin/tsc --project types; }

# Its persisted operations are what the service has as registered ones.
relay_compiler() {
  rm -rf relay/__generated__ && mkdir -p relay/__generated__ && echo '{}' >relay/__generated__/operations.json
  (cd relay && ../node_modules/.bin/relay-compiler --output quiet-with-errors relay.config.json) &&
    node relay/register.mjs "$TRUSTED_DOCUMENTS"
}

# shellcheck source=tests/clients/server.sh
source server.sh
set +e
trap finish EXIT
# The page is served from another port than the API.
PAGE_ORIGIN=http://127.0.0.1:$(free_port)
# Answers say what is left of it.
export RATE_LIMIT=200000
export PAGE_ORIGIN CORS_ORIGINS=$PAGE_ORIGIN TRUSTED_DOCUMENTS=$SERVER/operations
CHROMIUM=${CHROMIUM:-$(command -v chromium || command -v chromium-browser || command -v google-chrome)}
export CHROMIUM

if step "Node's packages" "node npm" node_modules; then
  step "the schema's style: graphql-eslint" "" style
  step "nothing released is broken: graphql-inspector" "" node evolution.mjs
  step "generated types, compiled strictly: graphql-codegen" "" types
  step "relay-compiler" "" relay_compiler
  step "the service starts" "curl $BINARY" start || exit 1
  step "data to read" "" node seed.mjs
  step "Apollo Client" "" node apollo.mjs
  step "urql" "" node urql.mjs
  step "Relay" "" node relay.mjs
  step "graphql-request" "" node graphql-request.mjs
  step "audit of GraphQL over HTTP" "" node audit.mjs
  step "GraphQL over HTTP, case by case" "" node protocol-http.mjs
  step "validation, beside graphql-js" "" node validation.mjs
  step "WebSocket and events, case by case" "" node protocol-socket.mjs
  step "a page on another origin: examples/web" "${CHROMIUM:-chromium}" node page.mjs
  if step "Python's packages" "python3" python_packages; then
    step "gql (Python)" "" env PYTHONPATH="$python_packages" python3 gql_client.py
  fi
fi

printf '\n'
printf '%s\n' "${table[@]}"
if [ "$failed" -gt 0 ]; then exit 1; fi
if [ "$skipped" -gt 0 ] && [ "${REQUIRE_CLIENTS:-}" = 1 ]; then
  echo "$skipped not run, and REQUIRE_CLIENTS is set"
  exit 1
fi
