#!/usr/bin/env bash
# Sets up, builds and runs every test. Usage: scripts/test.sh [release|asan]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
preset=${1:-release}
scripts/setup.sh
scripts/build.sh "$preset"
ctest --preset "$preset"
