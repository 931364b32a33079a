#!/usr/bin/env bash
# What of a bundle for GPUs can be tested without one: arguments, a build that lacks the CUDA modules, and how a program finds torch.
# Usage: bundle_cuda_test.sh SOURCE_DIR
set -euo pipefail
source_dir=$1
cd "$source_dir"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() {
  printf '%s\n' "$*" >&2
  exit 1
}
# refused STATUS TEXT COMMAND...: the command ends with that status, and says the text on one line.
refused() {
  local status=0
  "${@:3}" >"$work/output.txt" 2>&1 || status=$?
  [ "$status" -eq "$1" ] && grep -qF -- "$2" "$work/output.txt" || fail "expected $1 and '$2' of ${*:3}; got $status: $(cat "$work/output.txt")"
}

mkdir -p "$work/build/lib"
refused 1 "has no libpillar_cuda.so: scripts/setup.sh --cuda, then scripts/build.sh cuda programs" "$source_dir/scripts/bundle.sh" --cuda --build "$work/build"
refused 1 "has no pillar-eval: scripts/build.sh release programs" "$source_dir/scripts/bundle.sh" --build "$work/build"
refused 2 "unknown argument --gpu" "$source_dir/scripts/bundle.sh" --gpu
refused 2 "--out takes a folder" "$source_dir/scripts/bundle.sh" --out

# torch_folder NAME VERSION CUDA: what a pip-installed torch has that is looked at. CUDA: as version.py says it.
torch_folder() {
  mkdir -p "$work/$1/torch/lib"
  touch "$work/$1/torch/lib/libtorch_cpu.so" "$work/$1/torch/__init__.py"
  printf "from typing import Optional\n\n__version__ = '%s'\ndebug = False\ncuda: Optional[str] = %s\n" "$2" "$3" >"$work/$1/torch/version.py"
}
torch_folder "built with" 2.11.0+cu130 "'13.0'"
torch_folder "good one" 2.11.1+cu130 "'13.2'"
torch_folder older 2.10.0+cu130 "'13.0'"
torch_folder cuda12 2.11.0+cu128 "'12.8'"
torch_folder processors 2.11.0+cpu None
torch_folder colon:ed 2.11.0+cu130 "'13.0'"

# A bundle whose one program says what it was started with.
bundle="$work/a bundle" torch="$work/built with/torch" cuda_major=13
mkdir -p "$bundle/bin"
printf '#!/bin/sh\nprintf "%%s\\n" "$LD_LIBRARY_PATH" "$@"\n' >"$bundle/bin/pillar-eval"
chmod +x "$bundle/bin/pillar-eval"
source "$source_dir/scripts/bundle/steps.sh"
add_launchers
ln -s "$bundle/bin/pillar-eval" "$work/pillar-eval" # as in a folder of the user's PATH

# started FOLDERS PROGRAM VARIABLE=VALUE...: the program runs, its libraries are looked for in FOLDERS, and its words are whole.
started() {
  local said
  said=$(env -i PATH="$PATH" "${@:3}" "$2" embed "two words") || fail "$2 does not start"
  [ "$said" = "$(printf '%s\nembed\ntwo words' "$1")" ] || fail "$2 started with: $said"
}
for program in "$bundle/bin/pillar-eval" "$work/pillar-eval"; do
  started "$work/good one/torch/lib" "$program" PILLAR_TORCH="$work/good one/torch"
  started "$work/good one/torch/lib:/their/lib" "$program" PILLAR_TORCH="$work/good one/torch" LD_LIBRARY_PATH=/their/lib
  started "$work/good one/torch/lib" "$program" PYTHONPATH="$work/good one" # what python3 finds
done

run=(env -i PATH="$PATH" PYTHONNOUSERSITE=1)
refused 1 "pillar-eval: PILLAR_TORCH is $work/nowhere, which has no lib/libtorch_cpu.so" "${run[@]}" PILLAR_TORCH="$work/nowhere" "$bundle/bin/pillar-eval"
refused 1 "$work/older/torch is torch 2.10.0+cu130; this bundle takes torch 2.11" "${run[@]}" PILLAR_TORCH="$work/older/torch" "$bundle/bin/pillar-eval"
refused 1 "is torch 2.11.0+cu128 for CUDA 12.8; this bundle takes that for CUDA 13" "${run[@]}" PILLAR_TORCH="$work/cuda12/torch" "$bundle/bin/pillar-eval"
refused 1 "is torch 2.11.0+cpu for processors alone; this bundle takes that for CUDA 13" "${run[@]}" PYTHONPATH="$work/processors" "$bundle/bin/pillar-eval"
refused 1 "cannot be searched for libraries" "${run[@]}" PILLAR_TORCH="$work/colon:ed/torch" "$bundle/bin/pillar-eval"
rm "$work/older/torch/version.py"
refused 1 "of a version that its version.py does not say" "${run[@]}" PILLAR_TORCH="$work/older/torch" "$bundle/bin/pillar-eval"

# No torch at all: a python3 without one, and no python3.
mkdir "$work/tools"
for tool in readlink sed; do
  ln -s "$(command -v "$tool")" "$work/tools/$tool"
done
refused 1 "there is no python3 on the path; pip install 'torch==2.11.*'" env -i PATH="$work/tools" "$bundle/bin/pillar-eval"
printf '#!/bin/sh\nexec %s -I -S "$@"\n' "$(command -v python3)" >"$work/tools/python3"
chmod +x "$work/tools/python3"
refused 1 "$work/tools/python3 has no torch; pip install 'torch==2.11.*'" env -i PATH="$work/tools" "$bundle/bin/pillar-eval"
