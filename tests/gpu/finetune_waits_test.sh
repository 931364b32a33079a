#!/usr/bin/env bash
# How often the CPU waits for the GPU in a step of finetuning: once, for its loss; with detection twice more for each micro-batch. The
# GPU is device/gpu_on_cpu, which counts; runs of two and of three steps differ by one.
# Usage: finetune_waits_test.sh PROGRAM_FOLDER WORK_FOLDER
set -euo pipefail
source=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
programs=$(realpath "$1") work=$2
export PATH="$programs:$PATH" OMP_NUM_THREADS=1

source "$source/train/run_helpers.sh"

rm -rf "$work"
mkdir -p "$work"
cd "$work"
make_cohort
python3 - <<'PY'
import csv

rows = list(csv.reader(open("cohort/survival.csv")))
with open("boxes.csv", "w", newline="") as out:
    writer = csv.writer(out)
    writer.writerow(rows[0] + ["boxes"])
    for number, row in enumerate(rows[1:]):
        writer.writerow([cell.replace("../samples", "samples") for cell in row] + ["[[4,5,6,12,15,18]]" if number % 2 else ""])
PY
cat >survival.yaml <<'YAML'
output: run
task: {kind: survival, horizon: 6}
model: {architecture: arch.json, features: attention, detection: {}}
data: {table: boxes.csv}
augment: {rotation: {probability: 1}}
train: {epochs: 1, batch_size: 6, micro_batch: 2}
evaluation: {bootstrap: 20}
checkpoint: {every_steps: 100}
log: {every_steps: 100}
YAML

# waits FRACTION LOSS: of a whole run
waits() {
  rm -rf run
  FAKE_CUDA_REPORT=report.txt pillar-train finetune --config survival.yaml --device cuda "data.train_fraction=$1" "$2" -q >out.txt 2>&1 ||
    fail "$2: $(tail -3 out.txt)"
  sed 's/.*waits \([0-9]*\) .*/\1/' report.txt
}
# expect WAITS LOSS
expect() {
  local two three
  two=$(waits 0.67 "$2") three=$(waits 1 "$2")
  [ $((three - two)) -eq "$1" ] || fail "$2: a step waits $((three - two)) times, not $1"
}
expect 1 loss.image_attention=1
expect 1 loss.region=1
expect 7 loss.detection=1
echo "a step of finetuning waits once, and twice more for each micro-batch where boxes are matched"
