#!/usr/bin/env bash
# A run that is killed (SIGKILL) at random moments, also while it writes a checkpoint, and started again each time ends
# with the weights and the losses of a run that nobody disturbed.
# Usage: kill_resume_test.sh PROGRAM_FOLDER WORK_FOLDER [KILLS] [SEED]
set -euo pipefail
programs=$(realpath "$1") work=$2 kills=${3:-3} seed=${4:-$RANDOM}
export PATH="$programs:$PATH" OMP_NUM_THREADS=1
RANDOM=$seed
echo "seed $seed, $kills kills"

source "$(dirname "${BASH_SOURCE[0]}")/run_helpers.sh"

rm -rf "$work"
mkdir -p "$work"
cd "$work"
pillar-phantom --out cohort --studies 24 --size 24 --format enhanced --seed 3 --train 0.75 -q
pillar-rave encode --input-csv cohort/series.csv --out samples --jobs 2 -q
pillar-text embed --json cohort/train.jsonl --json cohort/valid.jsonl --out text --provider hash --width 32 -q

make_architecture
cat >config.yaml <<YAML
output: run
model: {architecture: arch.json}
data:
  train: [{modality: abdomen_ct, manifest: samples/manifest.csv, json: cohort/train.jsonl, text: text}]
  validation: [{modality: abdomen_ct, manifest: samples/manifest.csv, json: cohort/valid.jsonl, text: text}]
train: {epochs: $((10 * kills)), batch_size: 6, micro_batch: 2, ema_decay: 0.9}
optimizer: {warmup_steps: 5, lr: 1.0e-3}
checkpoint: {every_steps: 1, keep: 2}
log: {every_steps: 1}
YAML

train() { pillar-train pretrain --config config.yaml "$@" -q >>out.txt 2>&1; }

train output=whole || fail "the undisturbed run: $(tail -3 out.txt)"
last=$(basename "$(ls -d whole/checkpoints/step-* | tail -1)")

newest() { { ls killed/checkpoints 2>/dev/null || true; } | sed -n "s/^step-0*\\([0-9]\\)/\\1/p" | sort -n | tail -1; }

for kill in $(seq "$kills"); do
  pillar-train pretrain --config config.yaml output=killed -q >>out.txt 2>&1 &
  process=$!
  # A few steps on from the kill before; then at any time, or while a checkpoint is being written.
  before=$(newest) goal=$((${before:-0} + RANDOM % 15))
  until [ "$(newest)" -ge "$goal" ] 2>/dev/null; do
    kill -0 $process 2>/dev/null || fail "ended before it was killed: $(tail -3 out.txt)"
    sleep 0.01
  done
  moment="at some time"
  if ((kill % 2 == 1)); then
    moment="while it wrote a checkpoint"
    until compgen -G 'killed/checkpoints/.partial-*' >/dev/null; do kill -0 $process 2>/dev/null || break; done
  else
    sleep "0.$((RANDOM % 4))$((RANDOM % 10))"
  fi
  kill -9 $process 2>/dev/null || fail "kill $kill came after the end"
  wait $process 2>/dev/null || true
  echo "kill $kill, $moment: newest checkpoint $(newest), half ones $(find killed/checkpoints -maxdepth 1 -name ".partial-*" | wc -l)"
done
train output=killed || fail "the resumed run: $(tail -3 out.txt)"

for file in model.safetensors optimizer.safetensors average.safetensors; do
  cmp "whole/checkpoints/$last/$file" "killed/checkpoints/$last/$file" || fail "$file differs"
done
cmp whole/export/model.safetensors killed/export/model.safetensors || fail "the exported model differs"
diff <(losses whole/metrics.jsonl) <(losses killed/metrics.jsonl) || fail "the loss curves differ"
[ "$(losses whole/metrics.jsonl | wc -l)" -ge 60 ] || fail "too short a run to say anything"
(cd "killed/checkpoints/$last" && sha256sum --quiet -c SHA256SUMS) || fail "checksums"
leftovers=$(find killed -name '.partial-*' -o -name '.removed-*')
[ -z "$leftovers" ] || fail "left behind: $leftovers"
echo "same weights, same losses after $kills kills"
