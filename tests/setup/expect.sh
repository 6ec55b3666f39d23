# Sourced by the tests of this folder: a scratch folder that goes at the end, and what is expected of a command's output.
source_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
failures=0

# expect WHAT TEXT COMMAND...: the command's output has the text. expect_not: it has not. Both leave it in $output.
expect() { check "$1" "$2" 0 "${@:3}"; }
expect_not() { check "$1" "$2" 1 "${@:3}"; }
check() {
  local what=$1 text=$2 wanted=$3 found=0
  shift 3
  output=$("$@" 2>&1) || true
  # One line: cmake wraps its messages.
  grep -qF -- "$text" <<<"$(tr -s ' \n' ' ' <<<"$output")" || found=1
  [ $found = "$wanted" ] && return
  failures=$((failures + 1))
  printf 'FAILED: %s\n  wanted %s: %s\n  output: %s\n' "$what" "$([ "$wanted" = 0 ] && echo text || echo none of)" "$text" "$output"
}

finish() { echo "failures: $failures"; [ "$failures" = 0 ]; }
