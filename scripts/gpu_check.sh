#!/usr/bin/env bash
# Runs what needs a GPU and is not run elsewhere: tests of kernels and models against their twins on the CPU, then the benches, each
# step with a time limit. What they print and measure goes into a folder. Exit code 1 where a step failed, all others having run.
# Usage: scripts/gpu_check.sh [--bin DIR] [--out DIR] [--device cuda:0] [--arch NAME] [--size 384,384,384] [--only STEP,...] [--limit 120]
#   --bin     the programs and tests (build/cuda/bin; in a bundle made with --checks: its own bin)
#   --out     what is made here: a log and a JSON file a step (gpu-check)
#   --device  cuda:N; cpu runs the same steps on processors, to try this script
#   --arch    the architecture of the benches (atlas-small-abdomen-ct)
#   --size    D,H,W of the volumes of `pillar-bench atlas`
#   --only    of machine, device, windows, nn, model, atlas-bf16, atlas-tf32, atlas-fp32, atlas-graphs, launches and train, those that are wanted
#   --limit   seconds a step may take
set -uo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
bin=$here out=gpu-check device=cuda:0 arch=atlas-small-abdomen-ct size=384,384,384 only="" limit=120
[ -x "$bin/pillar-bench" ] || bin=$here/../build/cuda/bin
while [ $# -gt 0 ]; do
  case "$1" in
    --bin | --out | --device | --arch | --size | --only | --limit)
      [ $# -gt 1 ] || { printf 'gpu_check: %s takes a value\n' "$1" >&2; exit 2; }
      declare "${1#--}=$2"
      shift
      ;;
    -h | --help)
      sed -n '2,12s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"
      exit 0
      ;;
    *)
      printf 'gpu_check: unknown argument %s; try --help\n' "$1" >&2
      exit 2
      ;;
  esac
  shift
done
[ -x "$bin/pillar-bench" ] || { printf 'gpu_check: %s has no pillar-bench\n' "$bin" >&2; exit 1; }
mkdir -p "$out" || exit 1
dtypes="bf16 fp32"
case $device in cuda*) dtypes="bf16 tf32 fp32" ;; esac

failed=0
# step NAME COMMAND...
step() {
  local name=$1 begin=$SECONDS status=0
  shift
  [ -z "$only" ] || [[ ",$only," == *",$name,"* ]] || return 0
  timeout --kill-after=10 "$limit" "$@" >"$out/$name.log" 2>&1 || status=$?
  case $status in
    0) printf '%-12s ok, %d s\n' "$name" $((SECONDS - begin)) ;;
    124 | 137) printf '%-12s stopped after %d s (--limit)\n' "$name" "$limit" ;;
    *) printf '%-12s exit code %d, %d s: %s\n' "$name" "$status" $((SECONDS - begin)) "$(tail -n 1 "$out/$name.log")" ;;
  esac
  [ "$status" -eq 0 ] || failed=1
}

command -v nvidia-smi >/dev/null && step machine nvidia-smi
for room in device windows nn model; do
  step "$room" "$bin/${room}_tests" --gtest_brief=1 '--gtest_filter=*Kernel*:*Cuda*:*Tf32*:*Device*:Sent*:MergedAttention.*'
done
for dtype in $dtypes; do
  step "atlas-$dtype" "$bin/pillar-bench" atlas --device "$device" --arch "$arch" --size "$size" --dtype "$dtype" --json "$out/atlas-$dtype.json"
done
step atlas-graphs "$bin/pillar-bench" atlas --device "$device" --arch "$arch" --size "$size" --dtype bf16 --ours-only --cuda-graphs --json "$out/atlas-graphs.json"
step launches "$bin/pillar-bench" atlas --device "$device" --arch "$arch" --size "$size" --dtype bf16 --ours-only --launches --json "$out/launches.json"
step train "$bin/pillar-bench" train --device "$device" --arch "$arch" --batch 4 --micro 2 --dtype bf16 --checkpoint-blocks --json "$out/train.json"
exit $failed
