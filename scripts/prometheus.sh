#!/usr/bin/env bash
# Gets what `make dashboard-test` and `make pictures` ask: Prometheus and promtool out of Debian's package (20 MB), into CACHE/prometheus. Nothing is
# installed on the machine.
#
# Environment: FPM2AFI_CACHE  where it is kept (/var/cache/fpm2afi)
set -euo pipefail
TARGET=${FPM2AFI_CACHE:-/var/cache/fpm2afi}/prometheus

die() {
  printf 'prometheus: %s\n' "$@" >&2
  exit 1
}
[ ! -x "$TARGET/prometheus" ] || exit 0
command -v apt-get >/dev/null || die 'This needs Debian or Ubuntu (apt-get).'
mkdir -p "$(dirname "$TARGET")"
work=$(mktemp -d "$(dirname "$TARGET")/.prometheus.XXXXXX")
trap 'rm -rf "$work"' EXIT
download() (cd "$work" && apt-get -q download prometheus >/dev/null 2>&1)
download || { apt-get -q update >/dev/null && download; } || die 'The package prometheus could not be downloaded: see what apt-get update says.'
dpkg-deb -x "$work"/prometheus_*.deb "$work/tree"
chmod 755 "$work/tree/usr/bin"
mv "$work/tree/usr/bin" "$TARGET"
