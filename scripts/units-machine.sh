#!/usr/bin/env bash
# Makes what `make units-test` boots: a Debian with systemd and FRR, as a tar file in CACHE/units-test. Once for each suite.
#
# Arguments: suites (bookworm trixie).  Environment: FPM2AFI_CACHE
set -euo pipefail
CACHE=${FPM2AFI_CACHE:-/var/cache/fpm2afi}

die() {
  printf 'units-machine: %s\n' "$@" >&2
  exit 1
}
[ "$(id -u)" = 0 ] || die 'This needs root (namespaces, cgroups): sudo make units-test.'
command -v mmdebstrap >/dev/null || die 'mmdebstrap is missing. Remedy: make setup.'
mkdir -p "$CACHE/units-test"
log=$(mktemp)
trap 'rm -f "$log"' EXIT

for suite in "$@"; do
  tar=$CACHE/units-test/$suite.tar
  [ ! -e "$tar" ] || continue
  include=systemd,systemd-sysv,frr,iproute2,iputils-ping,procps,libbpf1,libatomic1,libstdc++6
  [ "$suite" = bookworm ] || include+=,nodejs
  echo "units-machine: getting Debian $suite with systemd and FRR ($tar, once) ..."
  make=(mmdebstrap --variant=minbase --include="$include" "$suite" "$tar.making.tar")
  "${make[@]}" >"$log" 2>&1 || {
    # An older copy of the archive.
    grep -q 'Release file .*expired' "$log" && "${make[@]}" --aptopt='Acquire::Check-Valid-Until "false"' >"$log" 2>&1
  } || die "Debian $suite could not be had: $(tail -n 3 "$log")"
  mv "$tar.making.tar" "$tar"
done
