#!/usr/bin/env bash
# Holds the tree to docs/architecture.md: a room includes only the rooms its row allows, and a public header includes
# nothing but the standard library, our own headers and LibTorch's core tensor.
# Usage: rooms_test.sh SOURCE_DIR
set -euo pipefail
cd "$1"
declare -A allowed=([core]="core" [image]="core image" [rave]="core image rave" [model]="core device image windows nn model" [viz]="core image metrics viz" [phantom]="core image phantom" [text]="core http text" [data]="core device image rave windows model text data" [train]="core device data metrics model nn world train" [eval]="core metrics labels text model data embed eval" [windows]="core device windows" [world]="core device world" [labels]="core labels" [metrics]="core labels metrics" [embed]="core metrics model data embed" [http]="core http" [device]="core device" [nn]="core device nn")
bad=0
complain() {
  echo "$*" >&2
  bad=1
}

for folder in src/*/; do
  room=$(basename "$folder")
  [ -n "${allowed[$room]:-}" ] || complain "src/$room: a room without a row here and in docs/architecture.md"
  while IFS=: read -r file line target; do
    case " ${allowed[$room]:-} " in
      *" $target "*) ;;
      *) complain "$file:$line: room $room may not include $target" ;;
    esac
  done < <(grep -rnoE '^#include "(pillar/)?[a-z_]+/' $(ls -d "include/pillar/$room" 2>/dev/null) "src/$room" |
    sed -E 's/^([^:]+):([0-9]+):#include "(pillar\/)?([a-z_]+)\/$/\1:\2:\4/')
done

while IFS=: read -r file line header; do
  complain "$file:$line: a public header may not include $header"
done < <(grep -rnE '^#include' include/pillar |
  grep -vE '#include ("pillar/|<ATen/core/Tensor\.h>|<[a-z_0-9]+>$)' || true)

[ "$(grep -rlE '^#include' include/pillar | wc -l)" -gt 10 ] || complain "found no headers to check"
exit $bad
