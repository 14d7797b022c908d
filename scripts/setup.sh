#!/usr/bin/env bash
# Makes a bare Debian or Ubuntu machine ready for `make test` and `make demo`: packages, npm modules, the build, and a current
# FRR as a root folder of its own (the machine's own FRR, if any, is neither used nor touched). Every step looks first whether
# it is needed, so a second run takes about a second. Two runs at once wait for each other.
#
# Environment: FPM2AFI_CACHE  where the FRR root folder is kept (/var/cache/fpm2afi)
#              FPM2AFI_SUITE  the Debian suite FRR comes from (forky; trixie has 10.3, which cannot be told what was offloaded)
# Options: --suite NAME      another FRR beside it, in CACHE/frr/NAME; may be given several times (make frr-matrix needs
#                            bookworm and trixie)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
umask 022

usage() {
  echo 'usage: scripts/setup.sh [--suite NAME]...' >&2
  exit 2
}

CACHE=${FPM2AFI_CACHE:-/var/cache/fpm2afi}
SUITE=${FPM2AFI_SUITE:-forky}
SUITES=("$SUITE")
while (($# > 0)); do
  [[ $1 == --suite && ${2-} =~ ^[a-z][a-z0-9-]*$ ]] || usage
  # The first one stays the one that tests and demo use.
  [[ " ${SUITES[*]} " == *" $2 "* ]] || SUITES+=("$2")
  shift 2
done
PACKAGES=(iproute2 iputils-ping iputils-tracepath iperf3 tcpdump ethtool mmdebstrap ca-certificates debian-archive-keyring)
# For the test that makes the recorded protobuf frames again with another implementation than ours.
PACKAGES+=(python3-protobuf protobuf-compiler)
# softvasic's kernel engine: compiled by clang, loaded by libbpf.
PACKAGES+=(clang llvm libbpf-dev)
# For demo and tests of MPLS: VRFs by marks, on kernels without VRF devices.
PACKAGES+=(nftables)
# For the test of syslog; busybox-static, which takes its place for `make mpls-interop`, has it, too.
command -v busybox >/dev/null || PACKAGES+=(busybox)
# Certificates for the tests of TLS.
PACKAGES+=(openssl)
# What the documents' commands use.
PACKAGES+=(curl jq)
# For the test of the web view, which is left out without a browser, but in CI.
if [ "${CI-}" = true ] && [ -z "${FPM2AFI_BROWSER-}" ] && ! command -v google-chrome chromium >/dev/null; then
  PACKAGES+=(chromium-headless-shell)
fi
NODE_WANTED=20
NODE_FALLBACK=22

# Where an older machine's newer Node is put (see below); the Makefile looks there as well.
PATH=$CACHE/node/bin:$PATH

say() { printf 'setup: %s\n' "$*"; }
die() {
  printf 'setup: %s\n' "$@" >&2
  exit 1
}

LOG=$(mktemp)
STEP_PID=
trap 'rm -f "$LOG"' EXIT
trap '[ -z "$STEP_PID" ] || kill "$STEP_PID" 2>/dev/null; exit 130' INT TERM

# step TEXT COMMAND…: runs quietly, shows that it is still alive every five seconds, and what it said if it fails (status 1).
step() {
  local text=$1 start=$SECONDS
  shift
  say "$text ..."
  "$@" >"$LOG" 2>&1 </dev/null 9>&- &
  STEP_PID=$!
  local shown=$start
  while kill -0 "$STEP_PID" 2>/dev/null; do
    sleep 0.2
    if ((SECONDS - shown >= 5)); then
      shown=$SECONDS
      printf '       %3d s  %s\n' $((SECONDS - start)) "$(tail -n 1 "$LOG" | cut -c1-100 | tr -d '\r')"
    fi
  done
  local status=0
  wait "$STEP_PID" || status=$?
  STEP_PID=
  if ((status != 0)); then
    tail -n 30 "$LOG" | sed 's/^/       | /' >&2
    say "failed with status $status: $*" >&2
    return 1
  fi
  ((SECONDS - start < 2)) || say "done in $((SECONDS - start)) s"
}

installed() { [ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

APT_UPDATED=no
install_packages() {
  export DEBIAN_FRONTEND=noninteractive
  if [ "$APT_UPDATED" = no ]; then
    step 'apt-get update' apt-get -q update || die 'The package lists could not be fetched: check the network and /etc/apt/sources.list.'
    APT_UPDATED=yes
  fi
  step "installing $*" apt-get -q -y --no-install-recommends install "$@" ||
    die "apt-get could not install: $*" 'On Ubuntu, mmdebstrap and iperf3 are in the component "universe".'
}

[ "$(uname -s)" = Linux ] || die "This needs Linux (network namespaces); this is $(uname -s)."
[ "$(id -u)" = 0 ] || die 'This needs root (network namespaces, TAP devices, packages): run it as root, e.g. sudo make test.'
command -v apt-get >/dev/null || die 'This needs Debian or Ubuntu (apt-get): other systems are not supported by this script.'

mkdir -p "$CACHE/frr"
exec 9>"$CACHE/.setup.lock"
if ! flock -n 9; then
  say 'another setup is running; waiting for it'
  flock 9
fi

# --- packages ---------------------------------------------------------------------------------------------------------
missing=()
for package in "${PACKAGES[@]}"; do installed "$package" || missing+=("$package"); done
if ((${#missing[@]} > 0)); then install_packages "${missing[@]}"; fi

# --- Node -------------------------------------------------------------------------------------------------------------
node_major() { node -p 'process.versions.node.split(".")[0]' 2>/dev/null || echo 0; }
missing=()
command -v node >/dev/null || missing+=(nodejs)
command -v npm >/dev/null || missing+=(npm)
if ((${#missing[@]} > 0)); then
  install_packages "${missing[@]}"
  hash -r
fi
# An older release's packages have no current Node: the npm registry has it, as a plain archive with a binary in it.
if (($(node_major) < NODE_WANTED)); then
  case "$(uname -m)" in x86_64) arch=x64 ;; aarch64) arch=arm64 ;; *) arch= ;; esac
  if [ -n "$arch" ] && command -v npm >/dev/null; then
    fetch_node() {
      local into=$CACHE/.node.$$
      rm -rf "$into" && mkdir -p "$into" && cd "$into" && npm pack --silent "node-linux-$arch@$NODE_FALLBACK" &&
        tar xzf ./*.tgz && rm -rf "$CACHE/node" && mv package "$CACHE/node" && rm -rf "$into"
    }
    step "getting Node $NODE_FALLBACK from the npm registry into $CACHE/node" fetch_node || true
    hash -r
  fi
fi
if (($(node_major) < NODE_WANTED)); then
  die "Node $NODE_WANTED or newer is needed; this machine has $(node --version 2>/dev/null || echo none), and its packages have no newer one." \
    'Remedy: install Node from https://nodejs.org (unpack the Linux archive into /usr/local), then run this again.'
fi

# --- npm modules ------------------------------------------------------------------------------------------------------
# npm records what it installed in node_modules/.package-lock.json. Optional packages of other platforms are missing there.
modules_current() {
  node -e '
    const { readFileSync } = require("node:fs");
    const read = (file) => JSON.parse(readFileSync(file, "utf8")).packages;
    const wanted = read("package-lock.json"), have = read("node_modules/.package-lock.json");
    const same = (path) => have[path] !== undefined && have[path].version === wanted[path].version && have[path].integrity === wanted[path].integrity;
    const ok = Object.keys(wanted).every((path) => path === "" || same(path) || (have[path] === undefined && wanted[path].optional === true))
      && Object.keys(have).every((path) => wanted[path] !== undefined);
    process.exit(ok ? 0 : 1);
  ' 2>/dev/null
}
if ! modules_current; then
  step 'npm ci' npm ci --no-audit --no-fund || die 'npm ci failed: check the network and the npm registry (npm config get registry).'
fi

# --- build ------------------------------------------------------------------------------------------------------------
# What was compiled from a source that is gone would still be run by jest.
if [ -d dist ]; then
  while IFS= read -r compiled; do
    source=${compiled#dist/}
    [ -e "${source%.js}.ts" ] || rm -f "$compiled" "$compiled.map" "${compiled%.js}.d.ts"
  done < <(find dist/src dist/test dist/demo dist/lab -name '*.js' 2>/dev/null)
fi
newer=$(find src test demo lab package-lock.json tsconfig.json scripts/build-bpf.mjs \( -name '*.ts' -o -name '*.json' -o -name '*.[ch]' -o -name '*.mjs' \) -newer dist/.built -print -quit 2>/dev/null || true)
if [ ! -e dist/.built ] || [ -n "$newer" ]; then
  touch_time=$(mktemp)
  if ! step 'npm run build' npm run --silent build; then
    rm -f "$touch_time"
    die 'The sources do not compile.'
  fi
  # The time the build began: a source edited meanwhile is newer.
  mv "$touch_time" dist/.built
fi

# --- FRR --------------------------------------------------------------------------------------------------------------
make_root() { # make_root SUITE TARGET [mmdebstrap options]
  local suite=$1 target=$2
  shift 2
  rm -rf --one-file-system "$target"
  mmdebstrap --variant=apt --include=frr,iproute2 "$@" "$suite" "$target"
}
unpack_frr() { # unpack_frr SUITE: makes CACHE/frr/SUITE, unless it is there
  local suite=$1 root=$CACHE/frr/$1
  [ ! -x "$root/usr/lib/frr/zebra" ] || return 0
  [ ! -e "$root" ] || die "$root exists but holds no FRR." "Remedy: remove it (rm -r $root) and run this again."
  making=$CACHE/frr/.making.$$
  trap 'rm -rf --one-file-system "$LOG" "$making"' EXIT
  local text="unpacking FRR from Debian $suite into $root (about 200 MB, 15 to 60 s)"
  if ! step "$text" make_root "$suite" "$making"; then
    grep -Eq 'Release file .*(is expired|expired)' "$LOG" ||
      die "FRR could not be unpacked from Debian $suite: see above." 'FPM2AFI_SUITE chooses another Debian suite.'
    say "this archive's Release file has expired (an older copy of the archive): again without that check"
    step "$text" make_root "$suite" "$making" '--aptopt=Acquire::Check-Valid-Until "false"' || die "FRR could not be unpacked from Debian $suite: see above."
  fi
  [ -x "$making/usr/lib/frr/zebra" ] || die "Debian $suite gave a root folder without /usr/lib/frr/zebra."
  mv "$making" "$root"
}
rm -rf --one-file-system "$CACHE"/frr/.making.*
for suite in "${SUITES[@]}"; do unpack_frr "$suite"; done
ready="ready: Node $(node --version)"
for suite in "${SUITES[@]}"; do
  root=$CACHE/frr/$suite
  ready+=", FRR $(chroot "$root" /usr/lib/frr/zebra --version | sed -n '1s/^zebra version //p') in $root"
done
say "$ready"
