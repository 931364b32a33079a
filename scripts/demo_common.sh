# What the demos share; to be sourced, from the root of the tree.

step() { printf '\n== %s\n' "$*"; }
show() {
  local word line='$'
  for word in "$@"; do
    case "$word" in *[[:space:]\']*) line+=" \"$word\"" ;; *) line+=" $word" ;; esac
  done
  printf '%s\n' "$line"
  "$@"
}

# 1,000 studies to train on and 200 to validate, on the tiny model's grid. Hashed n-grams stand in for a language model.
# Usage: pretrain_demo FOLDER
pretrain_demo() {
  local data=$1
  show pillar-phantom --out "$data/cohort" --studies 1200 --size 48 --format enhanced --train 0.8334 --seed 7
  show pillar-rave encode --input-csv "$data/cohort/series.csv" --out "$data/samples"
  show pillar-text embed --json "$data/cohort/train.jsonl" --json "$data/cohort/valid.jsonl" \
    --json "$data/cohort/test.jsonl" --out "$data/text" --provider hash --width 256
  show pillar-text info "$data/text" --json "$data/cohort/train.jsonl"
  show pillar-train pretrain --config configs/pretrain/demo.yaml "data.root=$data" "output=$data/run"
}
