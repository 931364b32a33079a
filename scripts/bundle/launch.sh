#!/bin/sh
# Starts the program of this file's name in libexec/, with the LibTorch of a pip-installed torch: that of PILLAR_TORCH (the
# folder that has lib/libtorch_cpu.so), else that of the python3 on the path. Nothing of Python is run to the program's end.
wanted_torch=@TORCH@ # major and minor version: LibTorch's C++ interface changes with them
wanted_cuda=@CUDA@

self=$(readlink -f -- "$0")
name=${self##*/}
root=${self%/bin/*}

die() {
  printf '%s: %s\n' "$name" "$1" >&2
  exit 1
}

how="pip install 'torch==$wanted_torch.*', then set PILLAR_TORCH to its folder (.../site-packages/torch), or put its python3 first on the path"
if [ -n "${PILLAR_TORCH:-}" ]; then
  torch=$PILLAR_TORCH
  [ -f "$torch/lib/libtorch_cpu.so" ] || die "PILLAR_TORCH is $torch, which has no lib/libtorch_cpu.so: it takes the folder torch of a pip-installed torch $wanted_torch"
else
  command -v python3 >/dev/null || die "no torch: PILLAR_TORCH is not set, and there is no python3 on the path; $how"
  torch=$(python3 -c '
import importlib.util as find
spec = find.find_spec("torch")
print(spec.submodule_search_locations[0] if spec and spec.submodule_search_locations else "")' 2>/dev/null)
  [ -n "$torch" ] || die "no torch: PILLAR_TORCH is not set, and $(command -v python3) has no torch; $how"
  [ -f "$torch/lib/libtorch_cpu.so" ] || die "the torch of $(command -v python3) has no $torch/lib/libtorch_cpu.so; $how"
fi
torch=$(cd -- "$torch" && pwd) # the program may be started with a relative one, and change its folder
# version.py has the lines __version__ = '2.11.0+cu130' and cuda: Optional[str] = '13.0'.
version=$(sed -n "s/^__version__ = '\(.*\)'.*/\1/p" "$torch/version.py" 2>/dev/null)
cuda=$(sed -n "s/^cuda[^=]*= '\(.*\)'.*/\1/p" "$torch/version.py" 2>/dev/null)
case $version in
  "$wanted_torch".*) ;;
  *) die "$torch is torch ${version:-of a version that its version.py does not say}; this bundle takes torch $wanted_torch: $how" ;;
esac
case $cuda in
  "$wanted_cuda".*) ;;
  *) die "$torch is torch $version for ${cuda:+CUDA }${cuda:-processors alone}; this bundle takes that for CUDA $wanted_cuda: $how" ;;
esac
case $torch in
  *[:\;]*) die "$torch: a folder with ':' or ';' in its name cannot be searched for libraries" ;;
esac
LD_LIBRARY_PATH=$torch/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
export LD_LIBRARY_PATH
exec "$root/libexec/$name" "$@"
