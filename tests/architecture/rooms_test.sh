#!/usr/bin/env bash
# Holds the tree to its plan: a room includes only rooms of its row (USES in src/<room>/CMakeLists.txt), the table of
# docs/architecture.md has the same rows, a room's private headers are its own, and a public header includes nothing but
# the standard library, our public headers and LibTorch's core tensor.
# Usage: rooms_test.sh SOURCE_DIR ROOMS_FILE   (ROOMS_FILE: a line "room: uses" for each room, as CMake writes it)
set -euo pipefail
rooms_file=$(realpath "$2")
cd "$1"
declare -A uses=()
while IFS=: read -r room row; do uses[$room]=$row; done <"$rooms_file"
bad=0
complain() {
  echo "$*" >&2
  bad=1
}

# FILE:LINE:HEADER of every quoted include below the given folders.
includes_of() { grep -rnoE '^#include "[^"]+' --include='*.cc' --include='*.h' --include='*.cu' --include='*.inc' "$@" | sed 's/#include "//'; }

[ ${#uses[@]} -gt 10 ] || complain "$rooms_file: names ${#uses[@]} rooms"
for folder in src/*/ include/pillar/*/; do
  room=$(basename "$folder")
  [ -n "${uses[$room]+x}" ] || complain "$folder: a folder that is no room (pillar_room in its CMakeLists.txt)"
done

checked=0
for room in "${!uses[@]}"; do
  while IFS=: read -r file line header; do
    checked=$((checked + 1))
    case "$header" in
      pillar/*) target=${header#pillar/} public=yes ;;
      *) target=$header public=no ;;
    esac
    target=${target%%/*}
    case " $room ${uses[$room]} " in
      *" $target "*) ;;
      *) complain "$file:$line: room $room may not include $target ($header)" ;;
    esac
    case "$header" in
      ../* | */../*) complain "$file:$line: $header goes round the fence" ;;
    esac
    if [ "$public" = no ] && [ "$target" != "$room" ] && [[ "$header" != "$target"/shared/* ]]; then
      complain "$file:$line: $header is private to $target"
    fi
    if [ "$public" = no ] && [[ "$file" == include/* ]]; then
      complain "$file:$line: a public header may not include $header, which is not installed"
    fi
  done < <(includes_of "src/$room" $(ls -d "include/pillar/$room" 2>/dev/null))
done
[ "$checked" -gt 500 ] || complain "found no more than $checked includes to check"

# Tests of a room reach its private headers and, like everybody, what other rooms lend. Helpers are their own folder's or tests/support's.
while IFS=: read -r file line header; do
  room=${file#tests/} room=${room%%/*}
  case "$header" in
    pillar/* | support/* | "$room"/* | */shared/*) ;;
    */*)
      case "$room" in
        apps) ;; # includes sources of apps/
        *) complain "$file:$line: tests of $room may not include $header" ;;
      esac
      ;;
  esac
done < <(includes_of tests)

while IFS=: read -r file line header; do
  complain "$file:$line: a public header may not include $header"
done < <(grep -rnE '^#include' include/pillar | grep -vE '#include ("pillar/|<ATen/core/Tensor\.h>|<[a-z_0-9]+>$)' || true)

# The table of rooms: | room | may use |
for room in "${!uses[@]}"; do
  row=$(sed -nE "s/^\| $room \| ([^|]*) \|\$/\1/p" docs/architecture.md | tr -d ',`')
  expected=$(echo ${uses[$room]})
  expected=${expected:-nothing}
  [ "$(echo $row)" = "$expected" ] || complain "docs/architecture.md: room $room may use '$expected', its row says '$(echo $row)'"
done
exit $bad
