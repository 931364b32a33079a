#!/usr/bin/env bash
# Sets up, builds, and runs the main job on a demo cohort, twelve synthetic torsos and one real head CT: from scans to
# samples, pictures and embeddings; then a small model pretrained on 1,000 synthetic studies and their reports (about
# a quarter of an hour in all on two processor cores). Run again, it keeps what is there.
# Usage: scripts/quickstart.sh [FOLDER]   (default: demo)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
demo=${1:-demo}
scripts/setup.sh
scripts/build.sh release
export PATH="$PWD/build/release/bin:$PATH"

step() { printf '\n== %s\n' "$*"; }
show() {
  printf '$ %s\n' "$*"
  "$@"
}

mkdir -p "$demo"
step "A cohort of DICOM series: synthetic torsos with findings, reports and labels"
show pillar-phantom --out "$demo/cohort" --studies 12 --size 96 --seed 1

step "A real head CT (Debian's invesalius-examples: raw int16 voxels, rows from back to front), as a MetaImage and as DICOM"
mkdir -p "$demo/head"
tar -xzf /usr/share/doc/invesalius-examples/examples/Cranium.inv3 -C "$demo/head" --strip-components=1 --wildcards '*/matrix.dat'
cat >"$demo/head/head.mhd" <<'MHD'
ObjectType = Image
NDims = 3
DimSize = 256 256 108
ElementSpacing = 0.9570312 0.9570312 1.5
Offset = 0 244.043 0
TransformMatrix = 1 0 0 0 -1 0 0 0 1
ElementType = MET_SHORT
ElementByteOrderMSB = False
ElementDataFile = matrix.dat
MHD
show pillar-rave encode "$demo/head/head.mhd" --out "$demo/head" --set modality=CT --overwrite
show pillar-rave decode "$demo/head/head.0.0" --out-dicom "$demo/head/dicom" --overwrite

step "Scans to RAVE samples: exact voxels (lossless), on the grid of the chest models"
show pillar-rave encode --input-csv "$demo/cohort/series.csv" --out "$demo/samples" --preset chest-ct
show pillar-rave encode "$demo/head/dicom" --out "$demo/samples"

step "Every sample decoded and checked"
show pillar-rave verify "$demo/samples"

step "A look"
show pillar-rave info "$demo/samples/head.0.0"
show pillar-rave decode "$demo/samples/head.0.0" --out "$demo/head.nii.gz" --overwrite
show pillar-rave view "$demo/samples/head.0.0" --out "$demo/head.html" --window 40,80
show pillar-rave view "$demo/samples/PH000001.1.0" --out "$demo/phantom.png" --window 40,400

step "What a model sees: one channel a window"
show pillar-rave view "$demo/samples/PH000001.1.0" --out "$demo/phantom-windows.html" --windows all
show pillar-rave view "$demo/samples/PH000001.1.0" --out "$demo/phantom-windows.png" --windows all
show pillar-rave view "$demo/samples/head.0.0" --out "$demo/head-windows.html" --windows brain,subdural,stroke,bone,temporal_bone,minmax

step "A model in the layout of the released ones, tiny and with random weights: its embeddings mean nothing until it is trained"
show pillar-train init --arch atlas-tiny-abdomen-ct --out "$demo/model" --seed 1 --overwrite

# This model sees 48 x 48 x 48 voxels of 7.5 mm, and a sample is never resampled: samples/ (1.25 mm) would give it the middle
# of the chest, and a warning for each. So the cohort is encoded once more, on the model's grid.
step "A cohort to embeddings"
show pillar-rave encode --input-csv "$demo/cohort/series.csv" --out "$demo/samples-7.5mm" --set "processing.resampling.target_spacing=[7.5,7.5,7.5]"
show pillar-eval embed --model "$demo/model" "$demo/samples-7.5mm" --out "$demo/cache" --split test
show ls "$demo/cache/embeddings/test"

# DICOM is resampled on the way, to the grid that the model's config.json asks for.
step "A DICOM folder to a vector, in one command"
show pillar-eval embed --model "$demo/model" "$demo/cohort/scans/PH000001" --out "$demo/cache" --split one-scan --format csv
show cut -d, -f1-8 "$demo/cache/embeddings/one-scan.csv"

# 1,000 studies to train on and 200 to validate, on the tiny model's grid. Hashed n-grams stand in for a language model.
step "Pretraining: images against the embeddings of their reports"
show pillar-phantom --out "$demo/pretrain/cohort" --studies 1200 --size 48 --format enhanced --train 0.8334 --seed 7
show pillar-rave encode --input-csv "$demo/pretrain/cohort/series.csv" --out "$demo/pretrain/samples"
show pillar-text embed --json "$demo/pretrain/cohort/train.jsonl" --json "$demo/pretrain/cohort/valid.jsonl" \
  --json "$demo/pretrain/cohort/test.jsonl" --out "$demo/pretrain/text" --provider hash --width 256
show pillar-text info "$demo/pretrain/text" --json "$demo/pretrain/cohort/train.jsonl"
show pillar-train pretrain --config configs/pretrain/demo.yaml "data.root=$demo/pretrain" "output=$demo/pretrain/run"
show pillar-eval embed --model "$demo/pretrain/run/export" "$demo/samples-7.5mm" --out "$demo/cache" --split pretrained

cat <<EOT

Made in $demo/:
  cohort/       DICOM series, reports (*.jsonl), labels.json, truth.csv
  samples/      RAVE samples, mapping.csv, failures.csv; samples-7.5mm/ the same scans on the tiny model's grid
  head.nii.gz   the real head CT, decoded: the same voxels as went in
  head.html     open it in a browser: three orientations, windows, values under the cursor
  phantom.png   contact sheet of a synthetic torso
  *-windows.*   every window of a slice side by side, and where the windows lie among the values
  model/        config.json and model.safetensors, not trained
  pretrain/     cohort, samples, text embeddings, and run/: report.html (curves), checkpoints/, export/ (the model)
  cache/        embeddings: numpy.load("$demo/cache/embeddings/test/PH000001.npz")["embedding"]; processed.csv, failures.csv
Next: open $demo/pretrain/run/report.html; build/release/bin/pillar-train pretrain --help, README.md
EOT
