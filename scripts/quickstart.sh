#!/usr/bin/env bash
# Sets up, builds, and runs the main job on a demo cohort, twelve synthetic torsos and one real head CT: from scans to
# samples, pictures and embeddings; then a small model pretrained on 1,000 synthetic studies and their reports, and the
# benchmark of what it learned. Nine minutes after the build on two processor cores. Run again, it keeps what is
# there.
# Usage: scripts/quickstart.sh [FOLDER]   (default: demo)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
demo=${1:-demo}
scripts/setup.sh
scripts/build.sh release programs
export PATH="$PWD/build/release/bin:$PATH"

source scripts/demo_common.sh

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
show pillar-eval embed --model "$demo/model" "$demo/cohort/scans/PH000001" --out "$demo/cache" --split one-scan --format csv --dtype fp32
show cut -d, -f1-8 "$demo/cache/embeddings/one-scan.csv"

step "Pretraining: images against the embeddings of their reports"
pretrain_demo "$demo/pretrain"

step "Embeddings of all 1,200 studies: the trained tower, and the same one untrained"
show pillar-train init --arch atlas-tiny-abdomen-ct --out "$demo/pretrain/untrained" --seed 0 --overwrite
for split in train valid test; do
  for tower in trained untrained; do
    model="$demo/pretrain/run/export"
    [ "$tower" = trained ] || model="$demo/pretrain/untrained"
    show pillar-eval embed --model "$model" --manifest "$demo/pretrain/samples/manifest.csv" --json "$demo/pretrain/cohort/$split.jsonl" \
      --out "$demo/pretrain/cache-$tower" --split "$split" --batch-size 16 --dtype bf16
  done
done

step "RATE: a linear probe for each finding on both, and the difference"
for tower in untrained trained; do
  show pillar-eval probe --embeddings "$demo/pretrain/cache-$tower" --labels "$demo/pretrain/cohort/labels.json" --out "$demo/probe-$tower" \
    --questions configs/rate/phantom_chest_abdomen.yaml --solver lbfgs --standardize --samples "$demo/pretrain/samples/manifest.csv"
done
show pillar-eval compare "$demo/probe-untrained" "$demo/probe-trained" --out "$demo/comparison"

step "RATE's labels out of the reports themselves, by rules in the place of a language model; against the truth, and the probe on them"
show pillar-rate extract --reports "$demo"/pretrain/cohort/{train,valid,test}.jsonl --questions configs/rate/phantom_chest_abdomen.yaml \
  --out "$demo/rate" --provider rules --rules configs/rate/phantom_rules.yaml
show pillar-rate agree "$demo/pretrain/cohort/labels.json" "$demo/rate/labels.json"
[ -e "$demo/audit" ] || show pillar-rate audit "$demo/rate" --out "$demo/audit"
show pillar-eval probe --embeddings "$demo/pretrain/cache-trained" --labels "$demo/rate/labels.json" --out "$demo/probe-rules" \
  --questions configs/rate/phantom_chest_abdomen.yaml --solver lbfgs --standardize

step "Without any training on labels: reports found by scans, findings by prompts"
show pillar-eval retrieve --model "$demo/pretrain/run/export" --embeddings "$demo/pretrain/cache-trained" --text "$demo/pretrain/text" \
  --out "$demo/retrieval" --report "Large right pleural effusion. The heart is enlarged." --provider hash --samples "$demo/pretrain/samples/manifest.csv"
show pillar-eval zero-shot --model "$demo/pretrain/run/export" --embeddings "$demo/pretrain/cache-trained" --prompts configs/rate/phantom_prompts.jsonl \
  --provider hash --text "$demo/pretrain/text" --labels "$demo/pretrain/cohort/labels.json" --out "$demo/zero-shot"

python3 - "$demo" <<'PY'
import json, sys

demo = sys.argv[1]
read = lambda run: json.load(open(f"{demo}/{run}/metrics.json"))
text = lambda i, sign="": f"{i['value']:{sign}.3f}  ({i['low']:{sign}.3f} to {i['high']:{sign}.3f})"
recall, found = read("retrieval"), read("comparison")["comparisons"][0]
difference = {"value": found["macro"]["difference"], "low": found["macro"]["low"], "high": found["macro"]["high"]}
print("\n== What pretraining on reports gave, on 100 studies that nothing was trained on (95 % intervals)")
for name, way in (("scan for a report", "text_to_image"), ("report for a scan", "image_to_text")):
    print(f"recall@5, {name}        {text(recall[way]['recall_at_5'])}  chance {recall['chance']['recall_at_5']:.3f}")
for run in ("untrained", "trained"):
    print(f"macro AUROC, {run:<9}            {text(read('probe-' + run)['macro']['auroc'])}")
print(f"difference                        {text(difference, '+')}")
print(f"macro AUROC, labels by rules      {text(read('probe-rules')['macro']['auroc'])}")
if difference["value"] < 0.10 or difference["low"] <= 0:
    sys.exit("error: the trained tower should win by 0.10 of macro AUROC or more, with an interval above 0")
PY

cat <<EOT

Pages, each one file that opens anywhere:
  $demo/comparison/report.html         trained against untrained, question by question
  $demo/probe-trained/report.html      the benchmark: AUROC, curves, the most confident errors with links to the scans
  $demo/audit/review.html              a sample of the labels, to be reviewed
  $demo/retrieval/report.html          the scans nearest to a report's words
  $demo/pretrain/run/report.html       the training run
  $demo/phantom-windows.html           what a model sees: every window of a scan
  $demo/head.html                      the real head CT

Made in $demo/ as well:
  cohort/       DICOM series, reports (*.jsonl), labels.json, truth.csv
  samples/      RAVE samples, mapping.csv, failures.csv; samples-7.5mm/ the same scans on the tiny model's grid
  head.nii.gz   the real head CT, decoded: the same voxels as went in
  model/        config.json and model.safetensors, not trained; cache/ embeddings made with it
  pretrain/     cohort, samples, text embeddings, caches of embeddings, and run/: checkpoints/, export/ (the model)
  rate/         labels.json out of the reports, the journal of the answers, the public engine's files
  probe-*/      the public evaluator's four files, metrics.csv, metrics.json, probe.safetensors
Next: build/release/bin/pillar-eval probe --help, README.md
EOT
