#!/usr/bin/env bash
# tools/check-skips: a skip that the list does not name is a failure, and so is one whose cause is not given here.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/expect.sh"
project=$scratch/project
mkdir -p "$project/tools" "$project/tests"
cp "$source_dir/tools/check-skips" "$project/tools/"
cat > "$project/tests/expected_skips.txt" <<'E2'
# what | test | why
absent | data\.Files/.* | is published as a repository
tools | data\.Other | is here
always | engine: Peer\..* | its peer runs it
E2
results() { printf '<testsuite>%s</testsuite>' "$*" > "$scratch/tests.xml"; }
skipped() { printf '<testcase name="%s"><skipped message="SKIP_RETURN_CODE=77"/></testcase>' "$1"; }
said() { printf '<testcase name="%s"><system-out>%s</system-out></testcase>' "$1" "$2"; }
run_check() { "$project/tools/check-skips" "$scratch/tests.xml" && echo passed; }

results "$(said data.A "all is well")"
expect "no skip" "passed" run_check
results "$(skipped data.Files/0)" "$(said engine "[  SKIPPED ] Peer.Logits (0 ms)
[  SKIPPED ] 1 test, listed below:
[  SKIPPED ] Peer.Logits")"
expect "expected skips" "passed" run_check
results "$(skipped data.Strange)"
expect "a skip that nobody expects" "unexpected skip: data.Strange" run_check
results "$(skipped data.Other)"
expect "a skip whose cause is not given" "unexpected skip: data.Other" run_check
results "$(said peers.test_a "ok   one
skipped: the model is not here")"
expect "a part of a script" "unexpected skip: peers.test_a: the model is not here" run_check
finish
