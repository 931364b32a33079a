#!/usr/bin/env bash
# Installs what libpillar builds and tests with: Debian packages, LibTorch into .deps/python, and what tests compare with
# into .deps/python-test. Safe to run again.
# Usage: scripts/setup.sh [--cuda]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

die() {
  printf 'setup: %s\n' "$*" >&2
  exit 1
}
say() { printf 'setup: %s\n' "$*"; }
names_in() { sed -e 's/#.*//' -e '/^[[:space:]]*$/d' "$1"; }

cuda=no
for argument in "$@"; do
  case "$argument" in
    --cuda) cuda=yes ;;
    -h | --help)
      sed -n '2,4s/^# //p' "$0"
      exit 0
      ;;
    *)
      printf 'setup: unknown argument %s; the only one is --cuda\n' "$argument" >&2
      exit 2
      ;;
  esac
done

install_debian_packages() {
  command -v dpkg-query >/dev/null || die "this is not a Debian system: install the packages of scripts/apt-packages.txt by hand"
  local missing=() package
  for package in $(names_in scripts/apt-packages.txt); do
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
  done
  if [ ${#missing[@]} -eq 0 ]; then
    say "Debian packages: all there"
    return
  fi
  local as_root=()
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || die "needs root or sudo to install: ${missing[*]}"
    as_root=(sudo)
  fi
  say "Debian packages to install: ${missing[*]}"
  "${as_root[@]}" apt-get update -q >/dev/null || die "apt-get update failed: is the network there?"
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${missing[@]}" >/dev/null ||
    die "apt-get could not install: ${missing[*]}"
}

# install_wheels LIST NAME FOLDER. Those in .deps/python hold libraries and headers; no Python code of theirs is ever run.
install_wheels() {
  local list=$1 name=$2 folder=$3 wanted
  local stamp=$folder/.$name
  wanted=$(names_in "$list")
  if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$wanted" ]; then
    say "$name: all there"
    return
  fi
  say "$name: installing into $folder"
  mkdir -p "$folder"
  # shellcheck disable=SC2086  # one word a requirement
  PIP_ROOT_USER_ACTION=ignore python3 -m pip install --quiet --disable-pip-version-check --upgrade --no-deps \
    --only-binary=:all: --implementation cp --python-version 3.11 --target "$folder" $wanted ||
    die "pip could not install: $(echo $wanted)"
  printf '%s' "$wanted" >"$stamp"
}

install_debian_packages
install_wheels scripts/python-packages.txt libtorch .deps/python
install_wheels scripts/python-packages-test.txt test-packages .deps/python-test
if [ "$cuda" = yes ]; then
  install_wheels scripts/python-packages-cuda.txt cuda-libraries .deps/python
fi
[ -f .deps/python/torch/lib/libtorch_cpu.so ] || die ".deps/python has no libtorch_cpu.so: remove .deps and run this again"
say "done"
