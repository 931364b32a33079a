#!/usr/bin/env bash
# Configures and builds one preset: everything, or one target of it.
# Usage: scripts/build.sh [release|dev|asan|cuda] [TARGET]   (target "programs": the library and the programs, no tests)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
preset=${1:-release}
target=${2:-all}
cmake --preset "$preset" >"/dev/null" || exit 1
cmake --build --preset "$preset" --target "$target"
