#!/usr/bin/env bash
# Installs the build, builds the outside project against the install tree, and decodes a phantom with it.
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
