# shellcheck shell=bash disable=SC2154
# The steps of scripts/bundle.sh, which sources this: each works on its variables (bundle: the folder that is made; build; torch;
# cuda and checks: yes or no; name; version).

oldest_glibc=2.34 # RHEL 9's; what Debian 12 compiles needs it in any case (__libc_start_main)

say() { printf 'bundle: %s\n' "$*"; }
die() {
  printf 'bundle: %s\n' "$*" >&2
  exit 1
}
usage_error() {
  printf 'bundle: %s; try --help\n' "$*" >&2
  exit 2
}

# What the build was configured with.
cached() { sed -n "s/^$1:[A-Z]*=//p" "$build/CMakeCache.txt"; }

# A line of torch's version.py: __version__ = '2.11.0+cu130', cuda: Optional[str] = '13.0'.
torch_says() { sed -n "s/^$1[^=]*= '\(.*\)'.*/\1/p" "$torch/version.py"; }

check_build() {
  local tool
  for tool in cmake cc patchelf dpkg-query python3 xz; do
    command -v "$tool" >/dev/null || die "there is no $tool: scripts/setup.sh installs what is needed"
  done
  if [ "$cuda" = yes ]; then
    local module
    for module in cuda nccl graph; do
      [ -f "$build/lib/libpillar_$module.so" ] ||
        die "$build/lib has no libpillar_$module.so: scripts/setup.sh --cuda, then scripts/build.sh cuda programs"
    done
  fi
  [ -x "$build/bin/pillar-eval" ] || die "$build/bin has no pillar-eval: scripts/build.sh $preset programs"
  ! cached PILLAR_SANITIZE | grep -qix on || die "$build is built with sanitizers, whose runtime cannot be carried away"
}

# Programs, libpillar and configurations, by the rules of `cmake --install`; headers and CMake's files are left out.
install_ours() {
  say "$name: programs and libraries of $build"
  cmake --install "$build" --prefix "$work/installed" --strip >/dev/null
  mkdir -p "$bundle/lib" "$bundle/share"
  mv "$work/installed/bin" "$bundle/bin"
  mv "$work/installed/share/pillar" "$bundle/share/pillar"
  # By its soname alone: the other names are for the linker.
  cp "$work/installed"/lib*/libpillar.so.[0-9] "$bundle/lib/"
  if [ "$cuda" = yes ]; then
    cp "$work/installed"/lib*/libpillar_{cuda,nccl,graph}.so "$bundle/lib/"
  fi
}

# The tests of rooms that compute on GPUs.
install_checks() {
  local room
  for room in device windows nn model; do
    [ -x "$build/bin/${room}_tests" ] || die "$build/bin has no ${room}_tests: scripts/build.sh $preset"
    strip -o "$bundle/bin/${room}_tests" "$build/bin/${room}_tests"
  done
}

# Every shared library that the programs reach, under its soname. $work/sources says where each came from.
copy_libraries() {
  local soname arrow path rest
  ldd "$build"/bin/pillar-{phantom,rave,text,train,eval,rate,bench} | sort -u >"$work/ldd"
  ! grep 'not found' "$work/ldd" >&2 || die "a library of $build is missing"
  while read -r soname arrow path rest; do
    [ "$arrow" = "=>" ] || continue # the kernel's vdso, the dynamic linker
    case $soname in
      libpillar.so.*) continue ;;
      # glibc
      libc.so.6 | libm.so.6 | libmvec.so.1 | libdl.so.2 | libpthread.so.0 | librt.so.1 | libutil.so.1 | libresolv.so.2 | libanl.so.1 | libnsl.so.1) continue ;;
      # The driver's
      libcuda.so.* | libnvidia-*) continue ;;
    esac
    # What comes with a pip-installed torch
    if [ "$cuda" = yes ]; then
      case $(realpath "$path") in "$(realpath "$torch")"/* | "$(realpath "$torch/..")"/nvidia/*) continue ;; esac
    fi
    [ -e "$bundle/lib/$soname" ] || cp -L "$path" "$bundle/lib/$soname"
    printf '%s\t%s\n' "$soname" "$(realpath "$path")" >>"$work/sources"
  done <"$work/ldd"
  sort -u -o "$work/sources" "$work/sources"
}

# RPATH, not RUNPATH, for it goes before LD_LIBRARY_PATH, which many clusters set.
make_relocatable() {
  local file
  say "$(ls "$bundle/lib" | wc -l) libraries"
  chmod u+w "$bundle"/lib/* "$bundle"/bin/*
  for file in "$bundle"/bin/*; do
    patchelf --force-rpath --set-rpath '$ORIGIN/../lib' "$file"
  done
  for file in "$bundle"/lib/*; do
    patchelf --force-rpath --set-rpath '$ORIGIN' "$file"
  done
}

# Debian 12's glibc is 2.36. What its libraries want of 2.35 and 2.36 is supplied by libpillar_glibc.so.
allow_older_glibc() {
  local stand_in=$bundle/lib/libpillar_glibc.so
  cc -O2 -Wall -Wextra -Werror -shared -fPIC -s scripts/bundle/older_glibc.c -o "$stand_in"
  patchelf --add-needed libpillar_glibc.so "$bundle"/lib/libpillar.so.[0-9]
  needs_glibc=$(python3 scripts/bundle/glibc_needs.py --most "$oldest_glibc" --stand-in "$stand_in" "$bundle"/bin/* "$bundle"/lib/*) || exit 1
}

# The version of DCMTK's dictionary is that of its library: the paths stand in it.
copy_data() {
  local paths path
  mkdir -p "$bundle/share/pillar/dicom"
  paths=$(strings "$bundle"/lib/libdcmdata.so.* | grep -x '/.*/dicom\.dic:/.*') || die "libdcmdata names no dictionary"
  for path in ${paths//:/ }; do
    cp "$path" "$bundle/share/pillar/dicom/"
  done
}

# share/doc/pillar: our licence; packages.tsv, which says of each library the package and the source that it came from; and the
# licences of these packages, with those of Debian's that they refer to.
copy_licences() {
  local doc=$bundle/share/doc/pillar site soname path package about
  local -A owner=() facts=()
  site=$(realpath "$torch/..")
  mkdir -p "$doc/licences"
  cp LICENSE docs/licences.md docs/cluster.md "$doc/"
  cp -rL /usr/share/common-licenses "$doc/licences/common-licenses"
  # Of a file in /usr/lib Debian's lists may say /lib: without /usr both are the same.
  while IFS=: read -r package about path; do
    path=${path:-$about}
    path=${path# }
    owner[${path#/usr}]=$package
  done < <(cut -f2 "$work/sources" | sed 'p;s#^/usr##' | xargs -d '\n' dpkg-query -S 2>/dev/null)
  while IFS=$'\t' read -r package about; do
    facts[$package]=$about
  done < <(dpkg-query -W -f '${Package}\t${Version}\t${source:Package} ${source:Version}\n')

  printf 'library\tpackage\tversion\tsource package\n' >"$doc/packages.tsv"
  while IFS=$'\t' read -r soname path; do
    package=${owner[${path#/usr}]:-}
    if [ -n "$package" ]; then
      mkdir -p "$doc/licences/$package"
      cp -L "/usr/share/doc/$package/copyright" "$doc/licences/$package/"
      printf '%s\t%s\t%s\n' "$soname" "$package" "${facts[$package]}" >>"$doc/packages.tsv"
    else
      about=$(grep -lF "${path#"$site"/}," "$site"/*.dist-info/RECORD | head -n 1) || die "$path belongs to no package: its licence is not known"
      about=${about%/RECORD}
      package=$(basename "$about" .dist-info)
      mkdir -p "$doc/licences/${package%-*}"
      cp -r "$about"/licenses/. "$doc/licences/${package%-*}/"
      printf '%s\t%s\t%s\t%s\n' "$soname" "${package%-*}" "${package##*-}" "wheel of PyPI" >>"$doc/packages.tsv"
    fi
  done <"$work/sources"
}

# The programs themselves move to libexec/; what stands in bin/ finds torch first.
add_launchers() {
  local program wanted
  wanted=$(torch_says __version__ | cut -d. -f1,2)
  mv "$bundle/bin" "$bundle/libexec"
  mkdir "$bundle/bin"
  for program in "$bundle"/libexec/*; do
    sed -e "s/@TORCH@/$wanted/" -e "s/@CUDA@/$cuda_major/" scripts/bundle/launch.sh >"$bundle/bin/$(basename "$program")"
    chmod 755 "$bundle/bin/$(basename "$program")"
  done
}
