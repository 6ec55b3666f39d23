#!/usr/bin/env bash
# usage: test_engine.sh PROGRAM MODULE: the program refuses an engine that was not built with it, and one that is not there.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/expect.sh"
program=$scratch/iteralign
cp "$1" "$program"
ask=("$program" generate --model "$source_dir/models/lab" --prompt hello)

expect "no engine beside the program" "the engine cannot be loaded" "${ask[@]}"
cp "$2" "$scratch/libiteralign_engine.so"
expect "an engine of another build" "the engine belongs to another build of the program (build the program again)" "${ask[@]}"
finish
