#!/usr/bin/env bash
# `make deb-test`: the packages in out/deb on a Debian that has nothing else, 12 and 13. They are installed by apt, the example is checked,
# softvasic and fpm2afi are started by the ExecStart lines of their units, as their users and with their capabilities, in a network
# namespace; `fpm2afi show status` has to tell that the vASIC is programmed. Then they are removed, and purged, and what is left is compared
# with what was there before. Writes out/deb-test.json. As root; takes a minute, the first time two (the Debians are downloaded).
#
# Arguments: suites (bookworm trixie).  Environment: FPM2AFI_CACHE; KEEP=1 leaves the root folders.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
umask 022

die() {
  printf 'deb-test: %s\n' "$@" >&2
  exit 1
}
[ "$(id -u)" = 0 ] || die 'This needs root (a root folder, namespaces, TAPs): sudo make deb-test.'
command -v mmdebstrap >/dev/null || die 'mmdebstrap is missing. Remedy: make setup.'
compgen -G 'out/deb/fpm2afi_*.deb' >/dev/null || die 'There are no packages in out/deb. Remedy: make deb.'

CACHE=${FPM2AFI_CACHE:-/var/cache/fpm2afi}
SUITES=("$@")
((${#SUITES[@]} > 0)) || SUITES=(bookworm trixie)
mkdir -p "$CACHE/deb-test" out
WORK=$(mktemp -d)
NS=
ROOT=
PIDS=()
RESULTS=()

stop_programs() {
  ((${#PIDS[@]} == 0)) || kill "${PIDS[@]}" 2>/dev/null || true
  local pid
  for pid in "${PIDS[@]}"; do
    for _ in {1..100}; do [ -d "/proc/$pid" ] && sleep 0.1 || break; done
    kill -9 "$pid" 2>/dev/null || true
  done
  PIDS=()
}
clean() {
  stop_programs
  [ -z "$NS" ] || ip netns del "$NS" 2>/dev/null || true
  [ -z "$ROOT" ] || for sub in dev sys proc; do umount "$ROOT/$sub" 2>/dev/null || true; done
  # Never into a /dev that is still mounted there.
  [ "${KEEP:-}" = 1 ] || rm -rf --one-file-system "$WORK"
}
trap clean EXIT
trap 'exit 130' INT TERM

check() { # check NAME COMMAND…: one more check, passed when the command succeeds
  local name=$1 said
  shift
  if said=$("$@" 2>&1); then
    printf '  ok      %s\n' "$name"
    RESULTS+=("{\"suite\":\"$SUITE\",\"check\":\"$name\",\"passed\":true}")
  else
    printf '  FAILED  %s\n' "$name"
    printf '%s\n' "$said" | tail -n 30 | sed 's/^/          | /'
    RESULTS+=("{\"suite\":\"$SUITE\",\"check\":\"$name\",\"passed\":false}")
  fi
}

# A Debian as it comes, with what the packages need from the archive, so that no test waits for a download.
base() {
  local tar=$CACHE/deb-test/$SUITE.tar include=iproute2,libbpf1,libatomic1,libstdc++6
  [ ! -e "$tar" ] || return 0
  [ "$SUITE" = bookworm ] || include+=,nodejs
  echo "deb-test: getting Debian $SUITE ($tar, once) ..."
  local make=(mmdebstrap --variant=minbase --include="$include" "$SUITE" "$tar.making.tar")
  "${make[@]}" >"$WORK/log" 2>&1 || {
    # An older copy of the archive.
    grep -q 'Release file .*expired' "$WORK/log" &&
      "${make[@]}" --aptopt='Acquire::Check-Valid-Until "false"' >"$WORK/log" 2>&1
  } || die "Debian $SUITE could not be had: $(tail -n 3 "$WORK/log")"
  mv "$tar.making.tar" "$tar"
}

device() { mknod -m 666 "$ROOT/dev/$1" c "$2" "$3"; }
inside() { chroot "$ROOT" "$@"; }
# Files of packages and of their users; not what apt and dpkg note for themselves.
files() {
  (cd "$ROOT" && find . -xdev \( -path ./proc -o -path ./sys -o -path ./dev -o -path ./tmp -o -path ./run -o -path ./var/lib/dpkg \
    -o -path ./var/lib/apt -o -path ./var/cache -o -path ./var/log -o -path ./root \) -prune -o -printf '%P\n' | grep -Ev '^etc/(passwd|group|shadow|gshadow|sub[ug]id)-?$|^etc/\.pwd\.lock$' | sort)
}

unit() { sed -n "s/^$2=//p" "$ROOT/usr/lib/systemd/system/$1.service" | head -n 1; }

# Starts a unit's program as systemd would: its command line, environment file, user and capabilities.
start() { # start UNIT USER
  local unit=$1 user=$2 command environment caps
  command=$(unit "$unit" ExecStart)
  environment=$(unit "$unit" EnvironmentFile)
  caps=$(unit "$unit" AmbientCapabilities | tr 'A-Z ' 'a-z,' | sed 's/cap_/+/g')
  # What docs/operation.md adds for the kernel engine.
  [ "$unit" != softvasic ] || caps+=,+bpf,+perfmon
  local ids group
  group=$(unit "$unit" Group)
  ids="--reuid=$(inside id -u "$user") --regid=$(inside id -g "${group:-$user}") --clear-groups"
  # What the unit doesn't quote is split, as systemd does.
  local script="[ -z '$environment' ] || . '$environment'; exec setpriv $ids --bounding-set=-all,$caps --inh-caps=-all,$caps --ambient-caps=-all,$caps --no-new-privs $command"
  # Each of these gives its place to the next, so that this is the pid of the program.
  (exec ip netns exec "$NS" chroot "$ROOT" env -i PATH=/usr/bin:/bin sh -c "$script") >"$WORK/$SUITE-$unit.log" 2>&1 &
  PIDS+=($!)
}

programmed() {
  for _ in {1..150}; do
    inside fpm2afi show status --json >"$WORK/status" 2>"$WORK/status.err" &&
      sed -n '/"afi"/,/}/p' "$WORK/status" >"$WORK/afi" && ip -n "$NS" link show tap1 >/dev/null 2>&1 &&
      grep -Eq '"state": ?"up"' "$WORK/afi" && return 0
    sleep 0.2
  done
  cat "$WORK/status" "$WORK/status.err"
  tail -n 5 "$WORK/$SUITE-"*.log
  return 1
}

answers() { inside fpm2afi show status | grep -q '^AFI'; }
by_kernel() { inside fpm2afi show ports --json | grep -Eq '"(name|engine)": ?"kernel"'; }
left() { # left FILE…: no more than these is left of the packages
  files >"$WORK/after"
  local more
  more=$(comm -13 "$WORK/before" "$WORK/after")
  [ "$more" = "$(printf '%s\n' "$@")" ] || { echo "left: $more"; return 1; }
}
completes() {
  inside bash -c '. /usr/share/bash-completion/completions/fpm2afi; COMP_WORDS=(fpm2afi show ne); COMP_CWORD=2; _fpm2afi; echo "${COMPREPLY[*]}"' |
    grep -qx 'nexthops neighbors'
}
manual() { gzip -dc "$ROOT/usr/share/man/man8/$1.8.gz" | grep -q '^\.SH NAME'; }
of_private_node() { readlink "/proc/${PIDS[-1]}/exe" | grep -q /usr/lib/fpm2afi/node/bin/node; }
kept() { grep -qx '# mine' "$ROOT/etc/default/softvasic"; }

failed=0
for SUITE in "${SUITES[@]}"; do
  base
  ROOT=$WORK/$SUITE
  NS=fpm2afi-deb-$$
  mkdir "$ROOT" && tar xf "$CACHE/deb-test/$SUITE.tar" -C "$ROOT"
  # What udev makes on a machine; the machine's own /dev is none of its business.
  for sub in proc sys; do mount --bind "/$sub" "$ROOT/$sub"; done
  mount -t tmpfs -o mode=755 dev "$ROOT/dev"
  mkdir "$ROOT/dev/net" "$ROOT/dev/shm" && chmod 1777 "$ROOT/dev/shm"
  device null 1 3 && device zero 1 5 && device random 1 8 && device urandom 1 9 && device net/tun 10 200
  ln -s /proc/self/fd "$ROOT/dev/fd"
  mkdir "$ROOT/root/debs" && cp out/deb/*.deb "$ROOT/root/debs/"
  # Where Debian's own Node is new enough, apt has to do without ours.
  [ "$SUITE" = bookworm ] || rm "$ROOT"/root/debs/fpm2afi-node_*.deb
  files >"$WORK/before"
  echo "Debian $SUITE ($(cat "$ROOT/etc/debian_version"))"

  install=(inside env DEBIAN_FRONTEND=noninteractive sh -c 'apt-get -q -y --no-install-recommends -o APT::Sandbox::User=root "$@" /root/debs/*.deb' apt)
  check 'apt installs the packages' "${install[@]}" install
  check 'both programs tell their version' inside sh -c 'fpm2afi --version && softvasic --version'
  check 'the example configuration is fine' inside fpm2afi check-config /etc/fpm2afi/fpm2afi.example.yaml
  check 'man pages' eval 'manual fpm2afi && manual softvasic'
  check 'bash completes' completes

  ip netns add "$NS"
  ip -n "$NS" link set lo up
  for port in 0 1; do
    ip -n "$NS" link add "ge$port" type veth peer name "peer$port"
    ip -n "$NS" link set "ge$port" up && ip -n "$NS" link set "peer$port" up
  done
  printf '# mine\nSOFTVASIC_OPTIONS="--port ge0 --port ge1"\n' >"$ROOT/etc/default/softvasic"
  printf 'ports:\n  - { index: 0, tap: tap0 }\n  - { index: 1, tap: tap1 }\n' >"$ROOT/etc/fpm2afi/fpm2afi.yaml"
  # RuntimeDirectory= of the units.
  inside install -d -o fpm2afi -g fpm2afi /run/fpm2afi
  inside install -d -o nobody -g fpm2afi /run/softvasic /run/softvasic-state
  start softvasic nobody
  start fpm2afi-punt fpm2afi
  start fpm2afi fpm2afi
  check 'fpm2afi show status: the vASIC is programmed' programmed
  check 'fpm2afi show status answers in words' answers
  check 'softvasic, with the capabilities of docs/operation.md, forwards in the kernel' by_kernel
  [ "$SUITE" != bookworm ] || check 'it runs by the Node of fpm2afi-node' of_private_node
  stop_programs
  ip netns del "$NS" && NS=
  # Its users' numbers are other users' on this machine, whose processes are none of theirs.
  umount "$ROOT/proc"

  check 'installed again, the configuration stays' eval '"${install[@]}" --reinstall install && kept'
  check 'removed, nothing but configuration is left' eval 'inside apt-get -q -y remove fpm2afi softvasic fpm2afi-common fpm2afi-node &&
    left etc/default/softvasic etc/fpm2afi etc/fpm2afi/fpm2afi.example.yaml etc/fpm2afi/fpm2afi.yaml'
  check 'purged, only what the operator wrote himself' eval 'inside apt-get -q -y purge fpm2afi softvasic fpm2afi-common && left etc/fpm2afi etc/fpm2afi/fpm2afi.yaml'
  check 'the user is gone as well' eval '! grep -q "^fpm2afi:" "$ROOT/etc/passwd" "$ROOT/etc/group"'
  for sub in dev sys; do umount "$ROOT/$sub"; done
  ROOT=
done

printf '[\n%s\n]\n' "$(IFS=$'\n'; printf '%s\n' "${RESULTS[@]}" | sed '$!s/$/,/; s/^/  /')" >out/deb-test.json
failed=$(grep -c '"passed":false' out/deb-test.json || true)
echo "deb-test: ${#RESULTS[@]} checks, $failed failed; out/deb-test.json"
((failed == 0))
