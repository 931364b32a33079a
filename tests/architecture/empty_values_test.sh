#!/usr/bin/env bash
# No command of the documentation or of the demos gives a key no value ("model.init="): programs refuse that, and the empty
# text is ''.
# Usage: empty_values_test.sh SOURCE_DIR
set -euo pipefail
cd "$1"
pattern='(^|[ "])[a-z_]+(\.[a-z_0-9]+)+=(["\ ]|$)'
printf 'pillar-train finetune model.init= output=x\n' | grep -qE "$pattern" || {
  echo "the pattern does not find what it is for" >&2
  exit 1
}
if grep -nE "$pattern" README.md docs/*.md scripts/*.sh; then
  echo "a key without a value: write key='' for the empty text" >&2
  exit 1
fi
