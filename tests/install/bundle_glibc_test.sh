#!/usr/bin/env bash
# scripts/bundle/glibc_needs.py on libraries made here: one that can be lowered runs with the stand-in's symbols, one that cannot is
# named and left as it was.
# Usage: bundle_glibc_test.sh SOURCE_DIR
set -euo pipefail
parts=$1/scripts/bundle
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

fail() {
  printf '%s\n' "$*" >&2
  exit 1
}
newest_of() { objdump -T "$1" | sed -n 's/.*(\(GLIBC_2\.[0-9.]*\)).*/\1/p' | sort -V | tail -n 1; }
lower() { python3 "$parts/glibc_needs.py" --most 2.34 --stand-in libpillar_glibc.so "$@"; }

cc -O1 -shared -fPIC "$parts/older_glibc.c" -o libpillar_glibc.so
cat >random.c <<'C'
#include <math.h>
#include <stdlib.h>
double length(double x, double y) { return hypot(x, y) + 0 * arc4random(); }
C
cc -O1 -fno-builtin -shared -fPIC random.c -o librandom.so -lm
if [ "$(newest_of librandom.so)" != GLIBC_2.36 ]; then
  echo "skipped: this system's glibc is not 2.36, which bundles are made with"
  exit 77
fi
cat >main.c <<'C'
#include <stdio.h>
double length(double x, double y);
int main(void) { printf("%g\n", length(3, 4)); }
C
cc main.c -o main -L. -lrandom -Wl,--no-as-needed -lpillar_glibc -Wl,-rpath,'$ORIGIN'

needs=$(lower librandom.so main)
[ "$needs" = 2.34 ] || fail "said to need $needs"
[ "$(newest_of librandom.so)" = GLIBC_2.2.5 ] || fail "still names $(newest_of librandom.so)"
[ "$(./main)" = 5 ] || fail "does not run"
LD_DEBUG=bindings ./main 2>&1 | grep -q 'librandom.so .*to .*libpillar_glibc.so.*arc4random' || fail "arc4random is not that of the stand-in"
cp librandom.so before.so
lower librandom.so >/dev/null
cmp librandom.so before.so

printf '#include <stdlib.h>\nunsigned die(void) { return arc4random_uniform(6) + arc4random(); }\n' >uniform.c
cc -shared -fPIC uniform.c -o libuniform.so
cp libuniform.so before.so
! lower librandom.so libuniform.so >said.txt 2>error.txt || fail "arc4random_uniform is supplied by nothing"
grep -qx 'libuniform.so: arc4random_uniform' error.txt || fail "$(cat error.txt)"
[ "$(wc -l <error.txt)" -eq 2 ] || fail "more than one symbol is named: $(cat error.txt)"
[ ! -s said.txt ]
cmp libuniform.so before.so

! lower main.c 2>error.txt || fail "a source was taken for a library"
grep -q 'main.c: no 64-bit little-endian ELF file' error.txt
