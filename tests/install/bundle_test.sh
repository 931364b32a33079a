#!/usr/bin/env bash
# Makes the bundle, unpacks it under a path with spaces, moves it, and runs its programs where neither the build, nor LibTorch, nor
# DCMTK's dictionary can be seen.
# Usage: bundle_test.sh SOURCE_DIR BUILD_DIR
# Exit status 77: all but the last was done, since this system grants no mount namespace.
set -euo pipefail
source_dir=$1 build_dir=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() {
  printf '%s\n' "$*" >&2
  exit 1
}

XZ_OPT="-0 -T2" "$source_dir/scripts/bundle.sh" --build "$build_dir" --out "$work/made here" >"$work/bundle.log"
mkdir "$work/first"
tar -C "$work/first" -xf "$work/made here"/pillar-*-linux-x86_64.tar.xz
rm -r "$work/made here"
mkdir "$work/a path with spaces"
mv "$work"/first/pillar-* "$work/a path with spaces/pillar"
bundle="$work/a path with spaces/pillar"

# What an older glibc lacks, and every library that is found outside of the bundle.
glibc='^(ld-linux-x86-64|libc|libm|libmvec|libdl|libpthread|librt|libutil|libresolv)\.so\.[0-9]+$'
for file in "$bundle"/bin/* "$bundle"/lib/*; do
  newest=$(objdump -T "$file" 2>/dev/null | sed -n 's/.*(\(GLIBC_2\.[0-9.]*\)).*/\1/p' | sort -V | tail -n 1)
  [ "$(printf '%s\nGLIBC_2.34\n' "$newest" | sort -V | tail -n 1)" = GLIBC_2.34 ] || fail "$file needs $newest"
  ! readelf -d "$file" | grep -E 'R(UN)?PATH' | grep -v '\[\$ORIGIN\(/\.\./lib\)\?\]' >&2 || fail "$file searches outside of the bundle"
  env -i ldd "$file" >"$work/ldd.txt"
  ! grep 'not found' "$work/ldd.txt" >&2 || fail "$file lacks a library"
  while read -r soname arrow path rest; do
    [ "$arrow" = "=>" ] || continue
    [[ $soname =~ $glibc ]] || [[ $path$rest == "$bundle"/* ]] || [[ "$path $rest" == "$bundle"/* ]] || fail "$file takes $soname from $path"
  done <"$work/ldd.txt"
done
[ -s "$bundle/share/doc/pillar/LICENSE" ]
# Each library but our two has its row and its package's licence.
[ "$(find "$bundle/lib" -type f ! -name 'libpillar*' | wc -l)" -eq "$(tail -n +2 "$bundle/share/doc/pillar/packages.tsv" | wc -l)" ]
while IFS=$'\t' read -r library package rest; do
  [ -n "$(find "$bundle/share/doc/pillar/licences/$package" -type f -size +0)" ] || fail "$library has no licence"
done < <(tail -n +2 "$bundle/share/doc/pillar/packages.tsv")

# A scan and a model, and the vector that the programs of the build make of them.
"$build_dir/bin/pillar-phantom" --out "$work/cohort" --studies 1 --size 48 --seed 1 --quiet
"$build_dir/bin/pillar-train" init --arch atlas-tiny-abdomen-ct --out "$work/model" --quiet
embed=(--model "$work/model" "$work/cohort/scans/PH000001" --split one --format csv --dtype fp32 --quiet)
"$build_dir/bin/pillar-eval" embed "${embed[@]}" --out "$work/expected"

namespace=(unshare --mount)
[ "$(id -u)" -eq 0 ] || namespace=(unshare --map-root-user --mount)
if ! "${namespace[@]}" mount -t tmpfs none "$work/first" 2>/dev/null; then
  echo "skipped: no mount namespace is granted, so the build cannot be hidden from the programs of the bundle"
  exit 77
fi
# A cluster's LD_LIBRARY_PATH may hold anything: here, libraries that are none.
mkdir "$work/others"
for library in libstdc++.so.6 libtorch_cpu.so libz.so.1; do
  echo "no library" >"$work/others/$library"
done
"${namespace[@]}" bash -euo pipefail -s "$bundle" "$work" "$source_dir" "$build_dir" "${embed[@]}" <<'HIDDEN'
bundle=$1 work=$2 build_dir=$4
cd "$work"
for folder in "$3" "$4" /usr/share/libdcmtk*; do
  [ ! -d "$folder" ] || mount -t tmpfs none "$folder"
done
[ ! -e "$build_dir/bin" ]
run() { env -i LD_LIBRARY_PATH="$work/others" "$bundle/bin/$1" "${@:2}"; }
for program in "$bundle"/bin/*; do
  [[ $(run "$(basename "$program")" --version) == "libpillar "* ]]
done
run pillar-phantom --out again --studies 1 --size 48 --seed 1 --quiet
diff -r cohort again
run pillar-rave encode cohort/scans --out samples --preset chest-ct --quiet
run pillar-rave verify samples --quiet
run pillar-train init --arch atlas-tiny-abdomen-ct --out model-again --quiet # a configuration of share/pillar
cmp model/model.safetensors model-again/model.safetensors
run pillar-eval embed "${@:5}" --out found
cmp expected/embeddings/one.csv found/embeddings/one.csv
run pillar-text --help >help.txt
grep -q 'pillar-text embed' help.txt
if run pillar-rave encode nowhere --out none --quiet 2>error.txt; then exit 1; fi
grep -q 'nowhere: no such file' error.txt
HIDDEN
