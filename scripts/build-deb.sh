#!/usr/bin/env bash
# `make deb`: Debian packages of what `npm pack` makes, for Debian 12 and 13, into out/deb. Four of them:
#   fpm2afi-common  the programs' files and the npm modules that they need
#   fpm2afi         the bridge: command, units, user, example, man page, completion
#   softvasic       the same of the software vASIC
#   fpm2afi-node    a Node for Debian 12, whose own is too old; as scripts/setup.sh gets one, from the npm registry
# Needs npm's modules (npm ci), clang and libbpf for the BPF program, dpkg-deb; no root. Files have the time of the last commit.
#
# Environment: FPM2AFI_CACHE  where the Node is kept (/var/cache/fpm2afi; else ~/.cache/fpm2afi)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
umask 022

die() {
  printf 'deb: %s\n' "$@" >&2
  exit 1
}

command -v dpkg-deb >/dev/null || die 'This needs Debian or Ubuntu (dpkg-deb).'
ARCH=$(dpkg --print-architecture)
case $ARCH in
amd64) NODE_ARCH=x64 ;;
arm64) NODE_ARCH=arm64 ;;
*) die "There are packages for amd64 and arm64; this is $ARCH." ;;
esac
NODE_MAJOR=22
CACHE=${FPM2AFI_CACHE:-/var/cache/fpm2afi}
mkdir -p "$CACHE" 2>/dev/null && [ -w "$CACHE" ] || CACHE=$HOME/.cache/fpm2afi
VERSION=$(node -p 'require("./package.json").version')-1
export SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || date +%s)}

OUT=$PWD/out/deb
WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT
rm -rf "$OUT" && mkdir -p "$OUT"

# --- what npm would install -------------------------------------------------------------------------------------------
npm pack --silent --pack-destination "$WORK" >/dev/null || die 'npm pack failed: see above.'
mkdir "$WORK/pack" && tar xzf "$WORK"/*.tgz --strip-components=1 -C "$WORK/pack"

# Modules that are needed to run: those of the lock file that are neither for development, nor only types, nor of other platforms.
mapfile -t modules < <(node -e '
  const { packages } = require("./package-lock.json");
  const { existsSync } = require("node:fs");
  for (const [path, { dev, optional }] of Object.entries(packages)) {
    if (path === "" || dev || path.includes("node_modules/@types/")) continue;
    if (existsSync(path)) console.log(path);
    else if (!optional) throw new Error(`${path} is not installed: npm ci`);
  }') || die 'The npm modules are incomplete: npm ci, then again.'
((${#modules[@]} > 0)) || die 'The npm modules are missing: npm ci, then again.'

# --- Node for Debian 12 -----------------------------------------------------------------------------------------------
NODE=$CACHE/deb-node-$NODE_MAJOR-$NODE_ARCH
if [ ! -x "$NODE/bin/node" ]; then
  mkdir "$WORK/node"
  (cd "$WORK/node" && npm pack --silent "node-linux-$NODE_ARCH@$NODE_MAJOR" >/dev/null && tar xzf ./*.tgz) ||
    die "Node $NODE_MAJOR could not be had from the npm registry: check the network (npm config get registry)."
  mkdir -p "$CACHE" && rm -rf "$NODE" && cp -r "$WORK/node/package" "$NODE"
fi
NODE_VERSION=$("$NODE/bin/node" -p 'process.versions.node')

# --- packages ---------------------------------------------------------------------------------------------------------
docs_of() { # docs_of PACKAGE FILE…
  local doc=$WORK/$1/usr/share/doc/$1
  mkdir -p "$doc"
  cp packaging/deb/copyright "$doc/copyright"
  shift
  (($# == 0)) || cp -r "$@" "$doc/"
}

program() { # program PACKAGE: its command, man page, completion
  local root=$WORK/$1
  mkdir -p "$root/usr/bin" "$root/usr/share/man/man8" "$root/usr/lib/systemd/system" \
    "$root/usr/share/bash-completion/completions" "$root/usr/share/zsh/vendor-completions"
  sed "s/@PROGRAM@/$1/" packaging/deb/launcher >"$root/usr/bin/$1"
  chmod 755 "$root/usr/bin/$1"
  gzip -9n <"$WORK/pack/dist/man/$1.8" >"$root/usr/share/man/man8/$1.8.gz"
  sed "s/ fpm2afi softvasic\$/ $1/; s/_fpm2afi/_$1/g" packaging/completion/fpm2afi.bash >"$root/usr/share/bash-completion/completions/$1"
  sed "1s/.*/#compdef $1/; s/_fpm2afi/_$1/g" packaging/completion/_fpm2afi >"$root/usr/share/zsh/vendor-completions/_$1"
}

build() { # build PACKAGE ARCHITECTURE VERSION DESCRIPTION [FIELD…]
  local package=$1 root=$WORK/$1
  mkdir -p "$root/DEBIAN"
  {
    printf 'Package: %s\nArchitecture: %s\nVersion: %s\n' "$package" "$2" "$3"
    printf 'Maintainer: the authors of fpm2afi <fpm2afi@localhost>\nSection: net\nPriority: optional\n'
    printf 'Installed-Size: %s\n' "$(du -sk --exclude=DEBIAN "$root" | cut -f1)"
    ((${#@} < 5)) || printf '%s\n' "${@:5}"
    printf 'Description: %s\n' "$4"
  } >"$root/DEBIAN/control"
  local script
  for script in postinst prerm postrm; do
    [ ! -e "packaging/deb/$package.$script" ] || install -m 755 "packaging/deb/$package.$script" "$root/DEBIAN/$script"
  done
  if [ -d "$root/etc" ]; then (cd "$root" && find etc -type f -printf '/%p\n' | sort) >"$root/DEBIAN/conffiles"; fi
  (cd "$root" && find . -path ./DEBIAN -prune -o -type f -printf '%P\0' | sort -z | xargs -0 md5sum) >"$root/DEBIAN/md5sums"
  find "$root" -exec touch --no-dereference --date="@$SOURCE_DATE_EPOCH" {} +
  dpkg-deb --root-owner-group -Zxz --build "$root" "$OUT" >/dev/null
}

LIB=$WORK/fpm2afi-common/usr/lib/fpm2afi
mkdir -p "$LIB"
cp -r "$WORK/pack/package.json" "$WORK/pack/bin" "$WORK/pack/proto" "$WORK/pack/web" "$WORK/pack/LICENSE" "$LIB/"
mkdir -p "$LIB/dist" && cp -r "$WORK/pack/dist/src" "$LIB/dist/"
find "$LIB/dist" -name '*.d.ts' -delete
for module in "${modules[@]}"; do
  mkdir -p "$LIB/$(dirname "$module")"
  cp -rT "$module" "$LIB/$module"
done
# For builds and for editors.
find "$LIB/node_modules" -type f \( -name '*.map' -o -name '*.ts' -o -name '*.d.cts' -o -name '*.d.mts' \) -delete
find "$LIB/node_modules" -name .bin -prune -exec rm -rf {} +
docs_of fpm2afi-common CHANGELOG.md
[ ! -e docs/dependencies.md ] || cp docs/dependencies.md "$WORK/fpm2afi-common/usr/share/doc/fpm2afi-common/"
build fpm2afi-common "$ARCH" "$VERSION" 'files of fpm2afi and softvasic
 The programs themselves are in the packages fpm2afi and softvasic.' \
  'Depends: libc6 (>= 2.28), libstdc++6, nodejs (>= 20) | fpm2afi-node' 'Recommends: libbpf1'

program fpm2afi
install -m 644 packaging/fpm2afi.service packaging/fpm2afi-punt.service "$WORK/fpm2afi/usr/lib/systemd/system/"
install -D -m 644 fpm2afi.example.yaml "$WORK/fpm2afi/etc/fpm2afi/fpm2afi.example.yaml"
mkdir -p "$WORK/fpm2afi/usr/share/fpm2afi" && cp -r "$WORK/pack/schemas" "$WORK/fpm2afi/usr/share/fpm2afi/"
docs_of fpm2afi README.md CHANGELOG.md docs packaging/prometheus packaging/grafana
build fpm2afi all "$VERSION" 'programs a vASIC with the routes of FRR
 zebra connects to it over FPM; it resolves nexthops, programs a forwarding plane
 over AFI (gRPC), and tells zebra what that really accepted.' \
  "Depends: fpm2afi-common (= $VERSION), passwd" 'Suggests: frr (>= 10.4), softvasic'

program softvasic
install -m 644 packaging/softvasic.service "$WORK/softvasic/usr/lib/systemd/system/"
install -D -m 644 packaging/deb/softvasic.default "$WORK/softvasic/etc/default/softvasic"
docs_of softvasic docs/afi.md
build softvasic all "$VERSION" 'software vASIC: an AFI server that forwards packets
 Forwards between Linux interfaces what AFI clients tell it, in the kernel (BPF)
 where that is possible.' "Depends: fpm2afi-common (= $VERSION)" 'Recommends: libbpf1' 'Suggests: fpm2afi'

# Half a minute of compression for a file that doesn't change: kept.
NODE_DEB=$NODE/fpm2afi-node_$NODE_VERSION-1_$ARCH.deb
if [ ! -e "$NODE_DEB" ]; then
  mkdir -p "$WORK/fpm2afi-node/usr/lib/fpm2afi/node/bin"
  install -m 755 "$NODE/bin/node" "$WORK/fpm2afi-node/usr/lib/fpm2afi/node/bin/node"
  docs_of fpm2afi-node
  # Its own licence, and those of what it is made of.
  [ ! -e "$NODE/LICENSE" ] || cp "$NODE/LICENSE" "$WORK/fpm2afi-node/usr/share/doc/fpm2afi-node/copyright"
  build fpm2afi-node "$ARCH" "$NODE_VERSION-1" "Node $NODE_MAJOR for fpm2afi
 For releases whose own nodejs is older than 20, such as Debian 12. Not in the path,
 and of no use to other programs." 'Depends: libc6 (>= 2.28), libstdc++6, libatomic1'
  mv "$OUT/$(basename "$NODE_DEB")" "$NODE_DEB"
fi
cp "$NODE_DEB" "$OUT/"

(cd "$OUT" && ls -l --block-size=k ./*.deb | awk '{ print "deb: out/deb/" substr($NF, 3), $5 }')
