#!/usr/bin/env bash
# Sets up, builds, and runs the main job on a demo cohort: twelve synthetic torsos and one real head CT.
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

step "A real head CT (Debian's invesalius-examples: raw int16 voxels), as a MetaImage and as a DICOM series"
mkdir -p "$demo/head"
tar -xzf /usr/share/doc/invesalius-examples/examples/Cranium.inv3 -C "$demo/head" --strip-components=1 --wildcards '*/matrix.dat'
cat >"$demo/head/head.mhd" <<'MHD'
ObjectType = Image
NDims = 3
DimSize = 256 256 108
ElementSpacing = 0.9570312 0.9570312 1.5
Offset = 0 0 0
TransformMatrix = 1 0 0 0 1 0 0 0 1
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

cat <<EOT

Made in $demo/:
  cohort/       DICOM series, reports (*.jsonl), labels.json, truth.csv
  samples/      RAVE samples, mapping.csv, failures.csv
  head.nii.gz   the real head CT, decoded: the same voxels as went in
  head.html     open it in a browser: three orientations, windows, values under the cursor
  phantom.png   contact sheet of a synthetic torso
Next: build/release/bin/pillar-rave --help, README.md
EOT
