#!/usr/bin/env bash
# Runs clang-tidy with the project's checks. Usage: scripts/tidy.sh [FILE...]   (default: every source; needs clang-tidy)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
command -v clang-tidy >/dev/null || {
  echo "tidy: clang-tidy is not installed (Debian: apt-get install clang-tidy)" >&2
  exit 1
}
# clang cannot read GCC's precompiled header, so it gets the header itself.
cmake --preset release -B build/tidy -DCMAKE_DISABLE_PRECOMPILE_HEADERS=ON >/dev/null
files=("$@")
[ ${#files[@]} -gt 0 ] || mapfile -t files < <(git ls-files 'src/*.cc' 'apps/*.cc')
printf '%s\0' "${files[@]}" |
  xargs -0 -n 4 -P "$(nproc)" clang-tidy -p build/tidy --quiet --extra-arg-before=-include --extra-arg-before="$PWD/src/pch.h"
