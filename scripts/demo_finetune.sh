#!/usr/bin/env bash
# Finetuning on the demo cohort: does the tower that scripts/quickstart.sh pretrained on reports learn findings from a tenth
# of the labels better than one that starts from random weights? Three seeds of each, then an ensemble's predictions on
# scans, and a survival model whose attention can be looked at. About 6 minutes on two processor cores after the
# quickstart, whose files it uses; what is not there of them it makes. Run again, it keeps what is there.
# Usage: scripts/demo_finetune.sh [FOLDER]   (default: demo, that of the quickstart)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
demo=${1:-demo}
scripts/setup.sh
scripts/build.sh release programs
export PATH="$PWD/build/release/bin:$PATH"

source scripts/demo_common.sh

data="$demo/pretrain"
if [ ! -e "$data/run/export/model.safetensors" ] || [ ! -e "$data/cohort/findings.csv" ]; then
  step "The pretrained tower of the quickstart: 1,000 studies and their reports"
  mkdir -p "$demo"
  pretrain_demo "$data"
fi

step "Ten findings from 100 labelled studies: from the pretrained tower, and from random weights"
for seed in 0 1 2; do
  show pillar-train finetune --config configs/finetune/multilabel.yaml "data.root=$data" "seed=$seed" \
    data.train_fraction=0.1 "model.init=$data/run" "output=$demo/finetune/pretrained-$seed"
  show pillar-train finetune --config configs/finetune/multilabel.yaml "data.root=$data" "seed=$seed" \
    data.train_fraction=0.1 "model.init=''" model.architecture=atlas-tiny-abdomen-ct model.pad_value=-1024 "output=$demo/finetune/scratch-$seed"
done

step "Predictions of the three seeds together, for scans of the test split"
samples=()
while read -r accession; do samples+=("$data/samples/$accession.1.0"); done < <(awk -F, '$3 == "test" && n++ < 8 { print $1 }' "$data/cohort/findings.csv")
show pillar-eval predict --model "$demo/finetune/pretrained-0" --model "$demo/finetune/pretrained-1" --model "$demo/finetune/pretrained-2" \
  "${samples[@]}" --out "$demo/finetune/predictions.csv"

step "Survival by attention pooling: a made-up outcome that a nodule brings on sooner (docs/pillar-phantom.md), which voxels of 7.5 mm hardly show"
show pillar-train finetune --config configs/finetune/demo_survival.yaml "data.root=$data" "model.init=$data/run" "output=$demo/finetune/survival"
show pillar-eval predict --model "$demo/finetune/survival" "${samples[@]:0:3}" --out "$demo/finetune/survival.csv" --maps "$demo/finetune/maps"

python3 - "$demo" <<'PY'
import json, statistics, sys

demo = sys.argv[1]
macro = lambda run: json.load(open(f"{demo}/finetune/{run}/metrics.json"))["macro"]["auroc"]["value"]
print("\n== Macro AUROC over ten findings, 100 test studies, 100 labelled studies to learn from")
runs = {}
for name in ("scratch", "pretrained"):
    runs[name] = [macro(f"{name}-{seed}") for seed in range(3)]
    each = "  ".join(f"{value:.3f}" for value in runs[name])
    print(f"{name:<12} mean {statistics.mean(runs[name]):.3f}  spread {statistics.stdev(runs[name]):.3f}  (seeds: {each})")
gains = [after - before for before, after in zip(runs["scratch"], runs["pretrained"])]
print(f"difference   mean {statistics.mean(gains):+.3f}  (seeds: {'  '.join(f'{gain:+.3f}' for gain in gains)})")
if statistics.mean(gains) <= 0:
    sys.exit("error: the pretrained tower should win")
PY
cat <<EOT

  $demo/finetune/pretrained-0/report.html    the training run
  $demo/finetune/predictions.csv             probabilities and logits of an ensemble of three
  $demo/finetune/maps/                       where the survival model looked, as NIfTI, PNG and pages
EOT
