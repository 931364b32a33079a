#!/usr/bin/env bash
# Finetuning of every kind of outcome and table: one class of several, a part of the training studies, masks in place of boxes,
# faults of a whole table in one message, a run that is killed, and runs held against each other.
# Usage: finetune_kinds_test.sh PROGRAM_FOLDER WORK_FOLDER
set -euo pipefail
programs=$(realpath "$1") work=$2
export PATH="$programs:$PATH" OMP_NUM_THREADS=1

source "$(dirname "${BASH_SOURCE[0]}")/run_helpers.sh"

rm -rf "$work"
mkdir -p "$work"
cd "$work"
make_cohort
# How much there is to see, as one class of three.
awk -F, 'BEGIN { OFS = "," } { sub(/\.\.\/samples/, "samples") } NR == 1 { print $1, $2, $3, $4, "burden"; next }
  { n = $5 + $6 + $10; print $1, $2, $3, $4, n == 0 ? "none" : n == 1 ? "some" : "much" }' cohort/findings.csv >classes.csv
cat >classes.yaml <<'YAML'
output: run
task: {kind: multiclass, label: burden, classes: [none, some, much]}
model: {architecture: arch.json}
data: {table: classes.csv, class_balanced: true}
train: {epochs: 3, batch_size: 6, micro_batch: 2}
evaluation: {bootstrap: 50, threshold: youden}
checkpoint: {every_steps: 1}
log: {every_steps: 1}
YAML

train() { pillar-train finetune "$@" -q >>out.txt 2>&1; }

train --config classes.yaml output=classes || fail "classes: $(tail -3 out.txt)"
train --config classes.yaml output=classes-2 --nproc 2 || fail "classes on two processes: $(tail -3 out.txt)"
diff <(losses classes/metrics.jsonl | grep train) <(losses classes-2/metrics.jsonl | grep train) || fail "two processes train otherwise"
python3 - classes <<'PY' || fail "the numbers of classes are not those of its predictions"
import csv, json, sys

run = sys.argv[1]
names = ["none", "some", "much"]
rows = list(csv.DictReader(open(f"{run}/predictions/test.csv")))
table = [[0] * 3 for _ in names]
for row in rows:
    truths = [row[f"{name}:truth"] for name in names]
    assert sorted(truths) == ["0", "0", "1"], truths
    said = max(range(3), key=lambda k: (float(row[names[k]]), -k))
    table[truths.index("1")][said] += 1
    assert abs(sum(float(row[name]) for name in names) - 1) < 1e-6
metrics = json.load(open(f"{run}/metrics.json"))
assert metrics["classes"]["true_by_said"] == table, (metrics["classes"], table)
right = sum(table[k][k] for k in range(3)) / sum(map(sum, table))
assert abs(metrics["classes"]["accuracy"]["value"] - right) < 1e-12
assert metrics["thresholds"]["rule"] == "youden" and metrics["thresholds"]["chosen_on"] == "dev"
assert list(csv.reader(open(f"{run}/confusion.csv")))[0] == ["true", *names]
PY
pillar-eval compare classes classes-2 --out compared --bootstrap 20 -q >compared.txt || fail "compare"
grep -q "much" compared/compare.csv || fail "compare does not know the classes"

# A part of the training studies is of each class, and the same part whoever asks.
train --config classes.yaml output=part data.train_fraction=0.5 || fail "half of the studies: $(tail -3 out.txt)"
pillar-train finetune --config classes.yaml output=part data.train_fraction=0.5 --dry-run >plan.txt
python3 - classes part <<'PY' || fail "half of the training studies is not half of each class"
import json, sys

whole, part = (json.load(open(f"{run}/metrics.json")) for run in sys.argv[1:])
assert part["counts"]["test"] == whole["counts"]["test"]
for a, b in zip(whole["questions"], part["questions"]):
    assert abs(a["train_positive"] / 2 - b["train_positive"]) <= 1, (a, b)
PY

# A run that is killed in the middle ends as one that was not.
pillar-train finetune --config classes.yaml output=killed -q >>out.txt 2>&1 &
victim=$!
for _ in $(seq 600); do
  [ -e killed/checkpoints ] && [ "$(ls killed/checkpoints | wc -l)" -ge 2 ] && break
  sleep 0.05
done
kill -9 $victim 2>/dev/null || true
wait $victim 2>/dev/null || true
train --config classes.yaml output=killed || fail "going on after a kill: $(tail -3 out.txt)"
cmp classes/export/model.safetensors killed/export/model.safetensors || fail "a run that was killed ends with other weights"
cmp classes/predictions/test.csv killed/predictions/test.csv || fail "a run that was killed predicts otherwise"

# A mask of a box is the box.
python3 - <<'PY'
import csv, gzip, struct

box = (4, 5, 6, 12, 15, 18)
header = bytearray(348)
struct.pack_into("<i", header, 0, 348)
struct.pack_into("<8h", header, 40, 3, 24, 24, 24, 1, 1, 1, 1)
struct.pack_into("<2h", header, 70, 2, 8)  # uint8
struct.pack_into("<8f", header, 76, 1, 15, 15, 15, 0, 0, 0, 0)
struct.pack_into("<f", header, 108, 352)
header[123] = 2  # mm
struct.pack_into("<2h", header, 252, 0, 1)
struct.pack_into("<12f", header, 280, 15, 0, 0, 0, 0, 15, 0, 0, 0, 0, 15, 0)
header[344:348] = b"n+1\0"
inside = lambda d, h, w: box[0] <= d < box[3] and box[1] <= h < box[4] and box[2] <= w < box[5]
voxels = bytes(inside(d, h, w) for d in range(24) for h in range(24) for w in range(24))
open("mask of a box.nii.gz", "wb").write(gzip.compress(bytes(header) + bytes(4) + voxels))
rows = list(csv.reader(open("cohort/survival.csv")))
for kind, cell in (("mask_path", "mask of a box.nii.gz"), ("boxes", "[[%d,%d,%d,%d,%d,%d]]" % box)):
    with open(f"{kind}.csv", "w", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(rows[0] + [kind])
        for number, row in enumerate(rows[1:]):
            writer.writerow([cell.replace("../samples", "samples") for cell in row] + [cell if number % 2 else ""])
PY
cat >survival.yaml <<'YAML'
output: run
task: {kind: survival, horizon: 6}
model: {architecture: arch.json, features: attention}
data: {table: boxes.csv}
loss: {image_attention: 1, volume_attention: 1}
augment: {rotation: {probability: 1}}
train: {epochs: 1, batch_size: 6, micro_batch: 2}
evaluation: {bootstrap: 20}
log: {every_steps: 1}
YAML
for kind in mask_path boxes; do
  train --config survival.yaml output=$kind data.table=$kind.csv || fail "$kind: $(tail -3 out.txt)"
done
diff <(losses mask_path/metrics.jsonl | grep train) <(losses boxes/metrics.jsonl | grep train) || fail "a mask of a box trains otherwise"
train --config survival.yaml output=plain data.table=boxes.csv loss.image_attention=0 loss.volume_attention=0
if diff -q <(losses plain/metrics.jsonl | grep train) <(losses boxes/metrics.jsonl | grep train) >diff.txt; then fail "annotations change nothing"; fi
if pillar-eval compare boxes mask_path --out never -q >survival.txt 2>&1; then fail "runs of survival were compared"; fi
grep -q "no questions" survival.txt || fail "compare says of survival: $(cat survival.txt)"

# Every fault of the table is in one message.
python3 - <<'PY'
import csv

rows = list(csv.reader(open("boxes.csv")))
rows[2][5] = "-1"
rows[3][5] = "9"
rows[4][3] = "samples/absent"
rows[5][4] = "3"
rows[7][0] = rows[6][0]
csv.writer(open("faults.csv", "w", newline="")).writerows(rows)
PY
if pillar-train finetune --config survival.yaml output=bad data.table=faults.csv -q >faults.txt 2>&1; then fail "a table full of faults was taken"; fi
for words in "row 2, column time_at_event" "row 3, column time_at_event" "row 4" "row 5, column y" "row 7"; do
  grep -q "$words" faults.txt || fail "'$words' is not in: $(cat faults.txt)"
done
[ -z "$(ls bad/checkpoints 2>/dev/null)" ] || fail "a run of a table full of faults was begun"
echo "classes, a part, a kill, masks and faults: as they should be"
