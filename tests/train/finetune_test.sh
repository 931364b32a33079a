#!/usr/bin/env bash
# Finetuning as a user runs it: two processes train as one does, a run that was killed ends as one that was not, what is frozen
# stays bit for bit, a run out of patience stays over, --evaluate writes no checkpoint, and what is wrong is named.
# Usage: finetune_test.sh PROGRAM_FOLDER WORK_FOLDER
set -euo pipefail
programs=$(realpath "$1") work=$2
export PATH="$programs:$PATH" OMP_NUM_THREADS=1

source "$(dirname "${BASH_SOURCE[0]}")/run_helpers.sh"

rm -rf "$work"
mkdir -p "$work"
cd "$work"
make_cohort
cat >labels.yaml <<'YAML'
output: run
task: {kind: multilabel, labels: [lung_nodule, pleural_effusion, cardiomegaly]}
model: {architecture: arch.json, hidden_width: 8, dropout: 0.1}
data: {table: cohort/findings.csv}
train: {epochs: 3, batch_size: 6, micro_batch: 2, probe_epochs: 1}
optimizer: {lr: 1.0e-3, layer_decay: 0.8}
evaluation: {bootstrap: 50}
checkpoint: {every_steps: 1}
log: {every_steps: 1}
YAML
cat >survival.yaml <<'YAML'
output: run
task: {kind: survival, horizon: 6}
model: {architecture: arch.json, features: attention, detection: {width: 16, feed_forward: 16}}
data: {table: survival.csv, class_balanced: true}
loss: {image_attention: 1, volume_attention: 1, detection: 1, region: 1}
train: {epochs: 2, batch_size: 6, micro_batch: 2, freeze: stem}
evaluation: {bootstrap: 50}
log: {every_steps: 1}
YAML
# A box for every second study.
awk -F, 'BEGIN { OFS = "," } NR == 1 { print $0, "boxes"; next } { sub(/\.\.\/samples/, "samples"); print $0, NR % 2 ? "\"[[4,5,6,12,15,18]]\"" : "" }' \
  cohort/survival.csv >survival.csv

train() { pillar-train finetune "$@" -q >>out.txt 2>&1; }

for task in labels survival; do
  train --config $task.yaml output=$task-1 || fail "$task on one process: $(tail -3 out.txt)"
  train --config $task.yaml output=$task-2 --nproc 2 || fail "$task on two processes: $(tail -3 out.txt)"
  diff <(losses $task-1/metrics.jsonl | grep train) <(losses $task-2/metrics.jsonl | grep train) || fail "$task: two processes train otherwise"
  for file in export/config.json export/model.safetensors predictions/dev.csv predictions/test.csv metrics.json metrics.csv report.html; do
    [ -s $task-1/$file ] || fail "$task: no $file"
  done
done

train --config labels.yaml output=killed --max-steps 4
[ ! -e killed/metrics.json ] || fail "a run that is not at its end was judged"
train --config labels.yaml output=killed || fail "going on: $(tail -3 out.txt)"
cmp labels-1/export/model.safetensors killed/export/model.safetensors || fail "a run that was stopped ends with other weights"
cmp labels-1/predictions/test.csv killed/predictions/test.csv || fail "a run that was stopped predicts otherwise"

train --config labels.yaml output=frozen model.init=labels-1 train.freeze=backbone train.probe_epochs=0 || fail "frozen: $(tail -3 out.txt)"
python3 - labels-1 frozen <<'PY' || fail "what is frozen moved, or the head did not"
import json, struct, sys

def tensors(run):
    data = open(f"{run}/export/model.safetensors", "rb").read()
    size = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8 : 8 + size])
    begin = 8 + size
    return {k: data[begin + v["data_offsets"][0] : begin + v["data_offsets"][1]] for k, v in header.items() if k != "__metadata__"}

before, after = tensors(sys.argv[1]), tensors(sys.argv[2])
moved = {name.split(".")[1] for name in before if before[name] != after[name]}
sys.exit(moved != {"head_models"})
PY

train --config labels.yaml output=patient train.epochs=20 train.patience_epochs=1 optimizer.lr=1e-8 || fail "patience: $(tail -3 out.txt)"
steps=$(ls patient/checkpoints | tail -1)
[ "$(losses patient/metrics.jsonl | grep -c validation)" -lt 20 ] || fail "a run without progress went on to its end"
train --config labels.yaml output=patient train.epochs=20 train.patience_epochs=1 optimizer.lr=1e-8
[ "$(ls patient/checkpoints | tail -1)" = "$steps" ] || fail "a run out of patience went on when started again"

before=$(ls -R labels-1/checkpoints labels-1/export | md5sum)
pillar-train finetune --config labels.yaml output=labels-1 --evaluate -q >judged.txt || fail "--evaluate"
grep -q "macro AUROC" judged.txt || fail "--evaluate says nothing"
[ "$before" = "$(ls -R labels-1/checkpoints labels-1/export | md5sum)" ] || fail "--evaluate wrote checkpoints"

refused() {
  local words=$1
  shift
  if pillar-train finetune "$@" -q >refused.txt 2>&1; then fail "not refused: $*"; fi
  grep -q -- "$words" refused.txt || fail "'$words' is not in: $(cat refused.txt)"
}
sed '2s/,1,/,2,/' cohort/findings.csv | sed 's#\.\./samples#samples#' >bad.csv
refused "row 1, column" --config labels.yaml output=bad data.table=bad.csv
sed 's/"dim": 16/"dim": 32/; s/"num_features": 8/"num_features": 16/' arch.json >wider.json
refused "another architecture" --config labels.yaml output=bad model.init=labels-1 model.architecture=wider.json
refused "did you mean" --config labels.yaml output=bad train.epoch=3
refused "task.labels" --config labels.yaml output=bad "task.labels=[]"
echo "two processes as one, stopped as not, frozen as it was"
