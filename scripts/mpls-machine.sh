#!/usr/bin/env bash
# Makes what `make mpls-interop` boots: Debian's cloud kernel, which has MPLS and VRFs, and an initramfs of a few megabytes with busybox,
# iproute2, test/interop/machine-init.sh and host-init.sh. Kept in CACHE/machine; made again when the kernel's package or a file of it changed.
#
# Options: --suite NAME      with the cloud kernel of that Debian suite, in CACHE/machine-NAME (make kernel-matrix)
# Environment: FPM2AFI_CACHE  where it is kept (/var/cache/fpm2afi)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
CACHE=${FPM2AFI_CACHE:-/var/cache/fpm2afi}
SUITE=
if [ $# = 2 ] && [ "$1" = --suite ] && [[ $2 =~ ^[a-z][a-z0-9-]*$ ]]; then
  SUITE=$2
elif [ $# -gt 0 ]; then
  echo 'usage: scripts/mpls-machine.sh [--suite NAME]' >&2
  exit 2
fi
TARGET=$CACHE/machine${SUITE:+-$SUITE}
INIT=test/interop/machine-init.sh
HOST_INIT=test/interop/host-init.sh
PACKAGES=(qemu-system-x86 busybox-static cpio iproute2)
# In the order in which they need each other.
MODULES=(virtio_ring virtio virtio_pci_modern_dev virtio_pci_legacy_dev virtio_pci failover net_failover virtio_net)
# Parts of virtio_pci in older kernels.
OPTIONAL=' virtio_pci_modern_dev virtio_pci_legacy_dev '
MODULES+=(ip_tunnel mpls_router mpls_gso mpls_iptunnel vrf dummy)
# For scripts/in-machine.sh.
MODULES+=(fuse virtiofs overlay tun veth sch_ingress cls_bpf)

say() { printf 'mpls-machine: %s\n' "$*"; }
die() {
  printf 'mpls-machine: %s\n' "$@" >&2
  exit 1
}
[ "$(id -u)" = 0 ] || die 'This needs root (packages): run it as root.'
[ "$(uname -m)" = x86_64 ] || die "The virtual machine is an x86-64 one; this is $(uname -m)."

export DEBIAN_FRONTEND=noninteractive
installed() { [ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }
missing=()
for package in "${PACKAGES[@]}"; do installed "$package" || missing+=("$package"); done
if ((${#missing[@]} > 0)); then
  say "installing ${missing[*]} ..."
  { apt-get -q update && apt-get -q -y --no-install-recommends install "${missing[@]}"; } >/dev/null ||
    die "apt-get could not install: ${missing[*]}"
fi

# Of another suite: with lists of its own, kept beside what is made.
APT=()
if [ -n "$SUITE" ]; then
  lists=$CACHE/machine-lists/$SUITE
  mkdir -p "$lists/lists/partial" "$lists/archives/partial"
  printf 'deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/debian %s main\n' "$SUITE" >"$lists/sources.list"
  APT=(-o "Dir::Etc::sourcelist=$lists/sources.list" -o Dir::Etc::sourceparts=- -o "Dir::State::lists=$lists/lists" -o "Dir::Cache=$lists")
  APT+=(-o Acquire::Check-Valid-Until=false)
  if [ ! -e "$TARGET/stamp" ]; then
    say "asking for the packages of Debian $SUITE ..."
    apt-get -q "${APT[@]}" update >/dev/null || die "The package lists of Debian $SUITE could not be fetched."
  fi
fi

kernel=$(apt-cache "${APT[@]}" depends linux-image-cloud-amd64 2>/dev/null | awk '/Depends: linux-image/ { print $2; exit }')
stamp=$({ printf '%s\n' "$kernel"; cat "$INIT" "$HOST_INIT" scripts/mpls-machine.sh; } | sha256sum | cut -d ' ' -f 1)
if [ -e "$TARGET/stamp" ] && { [ -z "$kernel" ] || [ "$(cat "$TARGET/stamp")" = "$stamp" ]; }; then exit 0; fi
[ -n "$kernel" ] || die 'No package linux-image-cloud-amd64 is known: Debian has it; run apt-get update there.'

say "making $TARGET from $kernel ..."
mkdir -p "$CACHE"
work=$(mktemp -d "$CACHE/.machine.XXXXXX")
trap 'rm -rf "$work"' EXIT
(cd "$work" && apt-get -q "${APT[@]}" download "$kernel" >/dev/null 2>&1) || die "The package $kernel could not be downloaded: run apt-get update."
dpkg-deb -x "$work"/linux-image-*.deb "$work/image"
tree=$work/tree
mkdir -p "$tree"/{bin,sbin,modules,etc}
cp /bin/busybox "$tree/bin/busybox"
for program in ip rtmon; do
  file=$(command -v "$program")
  cp "$file" "$tree/sbin/$program"
  while read -r library; do
    mkdir -p "$tree$(dirname "$library")"
    cp -L "$library" "$tree$library"
  done < <(ldd "$file" | grep -o '/[^ ]*')
done
for module in "${MODULES[@]}"; do
  file=$(find "$work/image" -path "*/lib/modules/*" -name "$module.ko*" -print -quit)
  case $file in
  *.ko) cp "$file" "$tree/modules/" ;;
  *.ko.xz) xz -dc "$file" >"$tree/modules/$module.ko" ;;
  *)
    grep -rqs --include=modules.builtin "/$module\.ko" "$work/image" || [[ $OPTIONAL == *" $module "* ]] || die "$kernel has no module $module."
    continue
    ;;
  esac
  printf '%s\n' "$module" >>"$tree/modules/order"
done
install -m 755 "$INIT" "$tree/init"
install -m 755 "$HOST_INIT" "$tree/host-init"
mkdir "$work/machine"
(cd "$tree" && find . | cpio --quiet -o -H newc | gzip -1) >"$work/machine/initramfs"
cp "$work"/image/boot/vmlinuz-* "$work/machine/vmlinuz"
printf '%s\n' "$stamp" >"$work/machine/stamp"
rm -rf "$TARGET"
mv "$work/machine" "$TARGET"
say "ready: $kernel"
