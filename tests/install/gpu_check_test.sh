#!/usr/bin/env bash
# scripts/gpu_check.sh with processors in the GPU's place: a step leaves its log and its figures, and one that fails or takes too long
# is said by name.
# Usage: gpu_check_test.sh SOURCE_DIR BUILD_DIR
set -euo pipefail
script=$1/scripts/gpu_check.sh bin=$2/bin
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() {
  printf '%s\n' "$*" >&2
  exit 1
}
# refused STATUS TEXT ARGUMENT...
refused() {
  local status=0
  "$script" "${@:3}" >"$work/output.txt" 2>&1 || status=$?
  [ "$status" -eq "$1" ] && grep -qF -- "$2" "$work/output.txt" || fail "expected $1 and '$2' of ${*:3}; got $status: $(cat "$work/output.txt")"
}
refused 2 "unknown argument --cpu" --cpu
refused 2 "--out takes a value" --out
refused 1 "has no pillar-bench" --bin "$work"

"$script" --bin "$bin" --device cpu --arch atlas-tiny-abdomen-ct --size 48,48,48 --only device,atlas-bf16 --limit 300 --out "$work/a check" \
  >"$work/said.txt" || fail "$(cat "$work/said.txt" "$work/a check/"*.log)"
for step in device atlas-bf16; do
  grep -q "^$step *ok, " "$work/said.txt" || fail "no word of $step: $(cat "$work/said.txt")"
  [ -s "$work/a check/$step.log" ] || fail "$step has no log"
done
[ "$(ls "$work/a check")" = "$(printf 'atlas-bf16.json\natlas-bf16.log\ndevice.log')" ] || fail "made: $(ls "$work/a check")"
python3 -m json.tool "$work/a check/atlas-bf16.json" >"$work/json.txt" || fail "the figures are no JSON"

# Programs that fail and that hang.
mkdir "$work/bin"
printf '#!/bin/sh\nsleep 60\n' >"$work/bin/pillar-bench"
printf '#!/bin/sh\necho no such luck\nexit 3\n' >"$work/bin/nn_tests"
printf '#!/bin/sh\nexit 0\n' | tee "$work/bin/device_tests" "$work/bin/windows_tests" >"$work/bin/model_tests"
chmod +x "$work/bin"/*
refused 1 "nn           exit code 3" --bin "$work/bin" --device cpu --limit 1 --out "$work/bad"
grep -qF "no such luck" "$work/output.txt" || fail "the last line of a step that fails is not said"
grep -q "^train *stopped after 1 s (--limit)" "$work/output.txt" || fail "no word of what took too long: $(cat "$work/output.txt")"
