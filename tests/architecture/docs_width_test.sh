#!/usr/bin/env bash
# Holds README.md and docs/*.md to lines of under 150 columns, so that they read well in a terminal and a change shows as
# the sentence that changed. Code blocks are left alone, and so are lines that are one long address.
# Usage: docs_width_test.sh SOURCE_DIR
set -euo pipefail
cd "$1"
export LC_ALL=C.UTF-8 # columns are characters, not bytes
docs=(README.md docs/*.md)
[ "${#docs[@]}" -gt 5 ] || { echo "found no documents to check" >&2; exit 1; }
bad=0
for file in "${docs[@]}"; do
  in_code=0 number=0
  while IFS= read -r line; do
    number=$((number + 1))
    [[ $line =~ ^\ *\`\`\` ]] && in_code=$((1 - in_code))
    [ "$in_code" -eq 1 ] || [ "${#line}" -lt 150 ] || [[ $line =~ https?://[^\ ]{100} ]] || {
      echo "$file:$number: ${#line} columns; a line of a document has at most 149" >&2
      bad=1
    }
  done <"$file"
done
exit $bad
