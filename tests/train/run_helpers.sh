# What tests of whole trainings share; to be sourced.

fail() {
  echo "FAILED: $*" >&2
  exit 1
}

# Makes arch.json here: a tiny tower with everything that draws or keeps state, dropout, drop-path and BatchNorm.
make_architecture() {
cat >arch.json <<'JSON'
{"model": {"stages": [1, 1], "atlas_args": {"dim": 16, "num_heads": 2, "mlp_ratio": 2.0, "qkv_bias": true,
                                            "drop": 0.1, "attn_drop": 0.1, "drop_path": 0.1}},
 "modalities": {"abdomen_ct": {"image_size": [24, 24, 24], "patch_size": [6, 6, 6], "in_chans": 3, "num_features": 8,
                               "merge_ratio": [2, 2, 2], "local2global": [2, 2, 2]}},
 "preprocess": {"abdomen_ct": {"target_spacing_xyz_mm": [15, 15, 15], "size_dhw": [24, 24, 24], "windows": "default"}}}
JSON
}

# Makes cohort/ and samples/ here, of 36 studies with findings and outcomes, and the architecture that takes them.
make_cohort() {
pillar-phantom --out cohort --studies 36 --size 24 --format enhanced --seed 3 --train 0.5 -q
pillar-rave encode --input-csv cohort/series.csv --out samples --jobs 2 -q
make_architecture
}

# Time and speed are no part of a loss curve.
losses() { python3 -c '
import json, sys
for line in open(sys.argv[1]):
    row = json.loads(line)
    print(row["phase"], row["step"], [(k, v) for k, v in sorted(row.items()) if not k.endswith("_s") and k not in ("wall_time", "wait_share")])
' "$1"; }
