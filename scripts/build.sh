#!/usr/bin/env bash
# Configures and builds one preset. Usage: scripts/build.sh [release|asan|cuda]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
preset=${1:-release}
cmake --preset "$preset" >"/dev/null" || exit 1
cmake --build --preset "$preset"
