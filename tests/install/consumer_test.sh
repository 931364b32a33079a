#!/usr/bin/env bash
# Installs the build, builds the outside project against the install tree, decodes a phantom with it and trains a head.
# Usage: consumer_test.sh SOURCE_DIR BUILD_DIR BUILD_TYPE CXX_FLAGS
set -euo pipefail
source_dir=$1 build_dir=$2 build_type=$3 flags=$4
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cmake --install "$build_dir" --prefix "$work/in stall" >"$work/install.log"
cmake -S "$source_dir/examples/consumer" -B "$work/build" -DCMAKE_PREFIX_PATH="$work/in stall" \
  -DCMAKE_BUILD_TYPE="$build_type" -DCMAKE_CXX_FLAGS="$flags" >"$work/configure.log"
cmake --build "$work/build"

bin="$work/in stall/bin"
"$bin/pillar-phantom" --out "$work/cohort" --studies 1 --size 48 --seed 1 --format nifti --quiet
"$bin/pillar-rave" encode "$work/cohort"/scans/*.nii.gz --out "$work/samples" --set modality=CT --quiet
sample=$(find "$work/samples" -mindepth 1 -maxdepth 1 -type d | head -n 1)
"$work/build/mean_of_slices" "$sample" >"$work/means.txt"
lines=$(wc -l <"$work/means.txt")
[ "$lines" -eq 48 ] || {
  echo "expected 48 slices, got $lines:" >&2
  cat "$work/means.txt" >&2
  exit 1
}
# A torso in air: every slice's mean lies well between air and bone, and slices differ.
awk '{ if ($2 < -1000 || $2 > 100) exit 1; seen[$2] = 1 } END { if (length(seen) < 40) exit 1 }' "$work/means.txt"

"$bin/pillar-phantom" --out "$work/two" --studies 2 --size 48 --seed 1 --quiet
"$bin/pillar-train" init --arch atlas-tiny-abdomen-ct --out "$work/model" --quiet
"$work/build/linear_head" "$work/model" "$work/two/scans/PH000001" "$work/two/scans/PH000002" >"$work/losses.txt"
# Two scans told apart: the loss starts at ln 2 and falls at every step.
awk 'NR == 1 && ($2 < 0.69 || $2 > 0.70) { exit 1 } NR > 1 && !($2 < last) { exit 1 } { last = $2 } END { if (NR != 5) exit 1 }' \
  "$work/losses.txt" || {
  echo "expected five falling losses:" >&2
  cat "$work/losses.txt" >&2
  exit 1
}
if "$work/build/linear_head" "$work/model" "$work/two/scans/PH000001" "$work/none" 2>"$work/error.txt"; then
  echo "a scan that does not exist was taken" >&2
  exit 1
fi
grep -q "none: no such file" "$work/error.txt"
