#!/usr/bin/env bash
# Packs what is built into one file that runs where nothing is installed: programs, libraries (all but glibc and the driver), DICOM's
# dictionary, configurations and licences. Unpacked anywhere, also in a path with spaces, on x86-64 with glibc 2.34 or newer.
# Usage: scripts/bundle.sh [--cuda] [--checks] [--folder] [--build DIR] [--out DIR]
#   --cuda    for GPUs: of build/cuda; LibTorch is not packed but found in a pip-installed torch (docs/cluster.md)
#   --checks  with the tests that want a GPU, and gpu_check.sh, which runs them and the benches
#   --folder  leave the folder, and do not pack it
#   --build   the build to take (build/release; with --cuda build/cuda)
#   --out     where the bundle goes (build/bundle)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source scripts/bundle/steps.sh

cuda=no checks=no folder_only=no build="" out=build/bundle
while [ $# -gt 0 ]; do
  case "$1" in
    --cuda) cuda=yes ;;
    --checks) checks=yes ;;
    --folder) folder_only=yes ;;
    --build | --out)
      [ $# -gt 1 ] || usage_error "$1 takes a folder"
      if [ "$1" = --build ]; then build=$2; else out=$2; fi
      shift
      ;;
    -h | --help)
      sed -n '2,9s/^# \{0,1\}//p' "scripts/bundle.sh"
      exit 0
      ;;
    *) usage_error "unknown argument $1" ;;
  esac
  shift
done

preset=release
[ "$cuda" = no ] || preset=cuda
: "${build:=build/$preset}"
check_build
version=$(cached CMAKE_PROJECT_VERSION)
torch=$(cached PILLAR_TORCH_ROOT)
name=pillar-$version-linux-x86_64
if [ "$cuda" = yes ]; then
  cuda_major=$(torch_says cuda | cut -d. -f1)
  name=pillar-$version-cuda$cuda_major-linux-x86_64
fi

mkdir -p "$out"
work=$(mktemp -d "$out/.bundle.XXXXXX")
trap 'rm -rf "$work"' EXIT
bundle=$work/$name
install_ours
[ "$checks" = no ] || install_checks
copy_libraries
make_relocatable
allow_older_glibc
copy_data
copy_licences
[ "$cuda" = no ] || add_launchers
[ "$checks" = no ] || cp scripts/gpu_check.sh "$bundle/bin/"

if [ "$folder_only" = yes ]; then
  rm -rf "${out:?}/$name"
  mv "$bundle" "$out/$name"
  made=$out/$name
else
  say "packing"
  XZ_OPT="${XZ_OPT:--T0 -6}" tar -C "$work" --owner=0 --group=0 --sort=name -cJf "$work/$name.tar.xz" "$name"
  mv "$work/$name.tar.xz" "$out/"
  made=$out/$name.tar.xz
fi
say "$made: $(du -sm "$made" | cut -f1) MB, needs glibc $needs_glibc"
