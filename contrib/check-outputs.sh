#!/usr/bin/env bash
# Checks every output and every file in contrib/ with the tool that reads it. A tool that is not installed is skipped aloud.
# JUNIT_XSD=FILE: also by the schema of Jenkins' xunit plugin (junit-10.xsd).
#   contrib/check-outputs.sh [BINARY]     default: that of `cargo build`, built if it is missing
set -uo pipefail
cd "$(dirname "$0")/.." || exit 2
binary=${1:-${CARGO_TARGET_DIR:-target}/debug/agentmon}
[[ -x $binary ]] || cargo build --locked --quiet || exit 2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0 checked=0 skipped=0

demo() { "$binary" --root fixtures/demo --home /home/dev -C /srv/shop.git --now 2026-11-20T23:30:00Z "$@"; }

# check TOOL NAME COMMAND...: runs the command if there is such a tool.
check() {
    local tool=$1 name=$2 said
    shift 2
    if ! command -v "$tool" >/dev/null 2>&1; then
        echo "SKIPPED: $name: $tool is not installed" >&2
        skipped=$((skipped + 1))
    elif said=$("$@" 2>&1); then
        checked=$((checked + 1))
    else
        printf 'FAILED: %s\n%s\n' "$name" "$said" >&2
        failed=$((failed + 1))
    fi
}

demo --format prometheus >"$work/agentmon.prom"
demo --format junit >"$work/agentmon.xml"
schemas=(status explain log clients report errors)
for name in "${schemas[@]}"; do
    case $name in explain | log) task=sku-parser ;; *) task= ;; esac
    demo "$name" ${task:+"$task"} --json >"$work/$name.json"
    "$binary" schema "$name" >"$work/$name.schema.json"
done
demo --template '{"text":"{failed} {stuck}","class":"{worst}","tooltip":"{names|html|json}"}' >"$work/bar.json"
"$binary" man --dir "$work/man" >/dev/null
"$binary" completions bash >"$work/agentmon.bash"
"$binary" completions zsh >"$work/agentmon.zsh"
"$binary" completions fish >"$work/agentmon.fish"

junit_counts() {
    python3 - "$work/agentmon.xml" <<'PYTHON'
import sys, junitparser
suites = junitparser.JUnitXml.fromfile(sys.argv[1])
cases = [case for suite in suites for case in suite]
assert len(cases) == suites.tests == 12 and suites.failures == 4, (len(cases), suites.tests, suites.failures)
PYTHON
}
all_vendor_yaml() {
    check-jsonschema --builtin-schema vendor.github-workflows contrib/github-actions.yml &&
        check-jsonschema --builtin-schema vendor.gitlab-ci contrib/gitlab-ci.yml
}
all_schemas() {
    # The log is a line of JSON for each entry.
    split -l 1 "$work/log.json" "$work/log-" || return
    check-jsonschema --schemafile "$work/log.schema.json" "$work"/log-* || return
    for name in "${schemas[@]}"; do
        [[ $name == log ]] || check-jsonschema --schemafile "$work/$name.schema.json" "$work/$name.json" || return
    done
}
no_man_warning() { mandoc -T lint -W warning "$work"/man/*.1; }
no_metric_warning() { promtool check metrics <"$work/agentmon.prom"; }

check promtool "metrics" no_metric_warning
check promtool "alert rules" promtool check rules contrib/prometheus/agentmon.rules.yml
check promtool "tests of the alert rules" promtool test rules contrib/prometheus/agentmon.test.yml
check xmllint "JUnit as XML" xmllint --noout --nonet "$work/agentmon.xml"
if [[ -n ${JUNIT_XSD-} ]]; then
    check xmllint "JUnit by its schema" xmllint --noout --nonet --schema "$JUNIT_XSD" "$work/agentmon.xml"
else
    echo "SKIPPED: JUnit by its schema: JUNIT_XSD is not set" >&2
    skipped=$((skipped + 1))
fi
check junitparser "JUnit" junit_counts
check check-jsonschema "JSON" all_schemas
check check-jsonschema "schemas of CI files" all_vendor_yaml
check jq "template as JSON" jq -e '.text == "2 2" and .class == "failed"' "$work/bar.json"
check jq "Grafana dashboard" jq -e '.panels | length == 5' contrib/grafana-dashboard.json
check yamllint "YAML" yamllint -d '{extends: relaxed, rules: {line-length: disable}}' contrib
check xmllint "launchd plist" xmllint --noout --nonet contrib/agentmon.plist
check systemd-analyze "systemd units" systemd-analyze verify contrib/systemd/agentmon.service contrib/systemd/agentmon.timer
check mandoc "manual pages" no_man_warning
check bash "bash completions" bash -n "$work/agentmon.bash"
check zsh "zsh completions" zsh -n "$work/agentmon.zsh"
check fish "fish completions" fish --no-execute "$work/agentmon.fish"
check shellcheck "shell scripts" shellcheck contrib/check-outputs.sh .ci/run

echo "outputs: $checked checked, $skipped skipped, $failed failed"
((failed == 0))
