#!/usr/bin/env bash
# Holds every source to .clang-format as clang-format 14 reads it; other versions format otherwise. Where there is none, says
# so and ends with 77, which ctest takes for "skipped".
# Usage: format_test.sh SOURCE_DIR
set -euo pipefail
cd "$1"
tool=$(command -v clang-format-14 || command -v clang-format || true)
if [ -z "$tool" ] || ! "$tool" --version | grep -q "version 14\."; then
  echo "skipped: clang-format 14 is not installed (Debian bookworm: apt-get install clang-format-14)"
  exit 77
fi
mapfile -t files < <(find apps bench examples include src tests -name '*.cc' -o -name '*.h' -o -name '*.cu' | sort)
[ "${#files[@]}" -gt 100 ] || { echo "found no sources to check" >&2; exit 1; }
printf '%s\0' "${files[@]}" | xargs -0 -n 40 -P 2 "$tool" --dry-run -Werror
