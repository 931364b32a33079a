#!/usr/bin/env bash
# Installs the build, builds the examples as an outside project against the install tree, and runs each of them on phantoms.
# Usage: consumer_test.sh SOURCE_DIR BUILD_DIR BUILD_TYPE CXX_FLAGS
set -euo pipefail
source_dir=$1 build_dir=$2 build_type=$3 flags=$4
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cmake --install "$build_dir" --prefix "$work/in stall" >"$work/install.log"
cmake -S "$source_dir/examples" -B "$work/build" -DCMAKE_PREFIX_PATH="$work/in stall" \
  -DCMAKE_BUILD_TYPE="$build_type" -DCMAKE_CXX_FLAGS="$flags" >"$work/configure.log"
cmake --build "$work/build" --parallel 2

bin="$work/in stall/bin" scans="$work/cohort/scans" model="$work/model"
"$bin/pillar-phantom" --out "$work/cohort" --studies 14 --size 48 --seed 1 --quiet
"$bin/pillar-rave" encode "$scans" --out "$work/samples" --preset none --quiet
"$bin/pillar-train" init --arch atlas-tiny-abdomen-ct --out "$model" --quiet

# expect WHAT FILE AWK_PROGRAM: the program's exit status says whether FILE holds what it should.
expect() {
  awk "$3" "$2" || {
    echo "expected $1:" >&2
    cat "$2" >&2
    exit 1
  }
}

sample=$(find "$work/samples" -mindepth 1 -maxdepth 1 -type d | sort | head -n 1)
"$work/build/slices" "$sample" >"$work/means.txt"
# A torso in air: every slice's mean lies well between air and bone, and slices differ.
expect "48 means of slices" "$work/means.txt" \
  '{ if ($2 < -1000 || $2 > 100) exit bad = 1; seen[$2] = 1 } END { exit bad || NR != 48 || length(seen) < 40 }'

"$work/build/embed" "$model" "$scans/PH000001" >"$work/vector.txt"
"$bin/pillar-eval" embed --model "$model" "$scans/PH000001" --out "$work/one" --split new --format csv --quiet
tail -n 1 "$work/one/embeddings/new.csv" | tr , '\n' | tail -n +2 | paste "$work/vector.txt" - >"$work/both.txt"
expect "the vector that pillar-eval embed gives" "$work/both.txt" \
  'function abs(x) { return x < 0 ? -x : x } { if (NF != 2 || abs($1 - $2) > 1e-4 * (1 + abs($2))) exit bad = 1 } END { exit bad || NR < 100 }'

for split in train test; do
  "$bin/pillar-eval" embed --model "$model" --manifest "$work/samples/manifest.csv" --json "$work/cohort/$split.jsonl" \
    --out "$work/cache" --split $split --quiet
done
"$work/build/probe" "$work/cache" "$work/cohort/labels.json" >"$work/probe.txt"
expect "an AUROC for each of ten questions" "$work/probe.txt" '$0 !~ /AUROC (-?nan|[01]\.[0-9]+) / { exit bad = 1 } END { exit bad || NR != 10 }'

"$work/build/head" "$model" "$scans/PH000001" "$scans/PH000002" >"$work/losses.txt"
# Two scans told apart: the loss starts at ln 2 and falls at every step.
expect "five falling losses" "$work/losses.txt" \
  'NR == 1 && ($2 < 0.69 || $2 > 0.70) { exit bad = 1 } NR > 1 && !($2 < last) { exit bad = 1 } { last = $2 } END { exit bad || NR != 5 }'
if "$work/build/head" "$model" "$scans/PH000001" "$work/none" 2>"$work/error.txt"; then
  echo "a scan that does not exist was taken" >&2
  exit 1
fi
grep -q "none: no such file" "$work/error.txt"

"$work/build/tour" "$scans/PH000001" "$work/tour" >"$work/tour.txt"
for line in "the same voxels: yes" "10 slices read" "3 channels" "2 embeddings of 8 numbers" "AUROC 0.750" "loss 0."; do
  grep -qF "$line" "$work/tour.txt" || {
    echo "the tour does not say '$line':" >&2
    cat "$work/tour.txt" >&2
    exit 1
  }
done
