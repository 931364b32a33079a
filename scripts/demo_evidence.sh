#!/usr/bin/env bash
# Where scores come from, on the demo cohort: maps of every finding that the quick start's probe answers for, how often they
# point at the right place, and questions about change between two scans. Needs what scripts/quickstart.sh left. Run
# again, it keeps the scans and embeddings that are there.
# Usage: scripts/demo_evidence.sh [FOLDER]   (default: demo, that of the quickstart)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
demo=${1:-demo}
scripts/setup.sh
scripts/build.sh release programs
export PATH="$PWD/build/release/bin:$PATH"

source scripts/demo_common.sh

data="$demo/pretrain"
if [ ! -e "$demo/probe-trained/probe.safetensors" ] || [ ! -e "$data/run/export/model.safetensors" ]; then
  echo "error: $demo holds no quick start: scripts/quickstart.sh $demo" >&2
  exit 1
fi

step "Where each finding of the cohort is: masks on the scans' grids"
show pillar-phantom --out "$data/cohort" --studies 1200 --size 48 --format enhanced --train 0.8334 --seed 7 --masks

step "Embeddings of the test split once more, with the tokens that their numbers come from"
show pillar-eval embed --model "$data/run/export" --manifest "$data/samples/manifest.csv" --json "$data/cohort/test.jsonl" \
  --out "$data/cache-trained" --split test --batch-size 16 --evidence

step "Maps of ten questions on 100 studies"
show pillar-eval evidence --embeddings "$data/cache-trained" --probe "$demo/probe-trained/probe.safetensors" \
  --samples "$data/samples/manifest.csv" --question all --out "$demo/evidence"

step "Do they point at the findings?"
show pillar-eval localize --evidence "$demo/evidence" --truth "$data/cohort/localization.csv" --out "$demo/localization"

step "600 patients who come back: has something changed?"
change="$demo/change"
show pillar-phantom --out "$change/cohort" --studies 600 --size 48 --format enhanced --train 0.6 --seed 11 --follow-up 1
show pillar-rave encode --input-csv "$change/cohort/series.csv" --out "$change/samples"
for split in train valid test; do
  show pillar-eval embed --model "$data/run/export" --manifest "$change/samples/manifest.csv" --json "$change/cohort/$split.jsonl" \
    --out "$change/cache" --split "$split" --batch-size 16
done
show pillar-eval probe --embeddings "$change/cache" --labels "$change/cohort/change_labels.json" --pairs "$change/cohort/pairs.csv" \
  --out "$demo/probe-change" --solver lbfgs --standardize

cat <<EOT

Pages, each one file that opens anywhere:
  $demo/evidence/report.html                   the strongest place of every map; each study links its own page
  $demo/localization/report.html               hits, beside a centre prior and a random point
  $demo/probe-change/report.html               questions about change
  $demo/probe-change/comparison/report.html    against the probe that sees the current study alone
What the numbers mean: docs/evidence.md.
EOT
