#!/usr/bin/env bash
# Runs a command in the virtual machine of `make mpls-interop`, whose kernel has VRF devices and MPLS, in this directory and with this machine's
# files: it sees all of them, and what it writes is gone with it. It has no network, one processor without hardware help, and takes ten times as long;
# the lab waits as much longer there (FPM2AFI_LAB_PATIENCE). Exit status: the command's.
#
#   scripts/in-machine.sh COMMAND...     (as root)
#
# Environment: FPM2AFI_CACHE   where scripts/mpls-machine.sh keeps the machine (/var/cache/fpm2afi)
#              FPM2AFI_SUITE_KERNEL  the machine with that Debian suite's kernel (scripts/mpls-machine.sh --suite)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
CACHE=${FPM2AFI_CACHE:-/var/cache/fpm2afi}
MACHINE=$CACHE/machine${FPM2AFI_SUITE_KERNEL:+-$FPM2AFI_SUITE_KERNEL}
MEMORY=2048M
TIMEOUT=1500

die() {
  printf 'in-machine: %s\n' "$@" >&2
  exit 1
}
[ $# -gt 0 ] || { echo 'usage: scripts/in-machine.sh COMMAND...' >&2 && exit 2; }
[ -e "$MACHINE/vmlinuz" ] || die "No kernel in $MACHINE: run scripts/mpls-machine.sh."
daemon=
for file in "$(command -v virtiofsd || true)" /usr/lib/qemu/virtiofsd /usr/libexec/virtiofsd; do
  if [ -x "$file" ]; then daemon=$file && break; fi
done
[ -n "$daemon" ] || die 'There is no virtiofsd: Debian 12 has it in qemu-system-common, later ones in the package virtiofsd.'

work=$(mktemp -d "$CACHE/.in-machine.XXXXXX")
files=
trap '[ -z "$files" ] || kill "$files" 2>/dev/null || true; rm -rf "$work"' EXIT
{
  printf 'export PATH=%q HOME=/tmp FPM2AFI_CACHE=%q FPM2AFI_LAB_PATIENCE=10 NO_COLOR=1\n' "$PATH" "$CACHE"
  printf 'cd %q && exec' "$PWD"
  printf ' %q' "$@"
  printf '\n'
} >"$work/command"

"$daemon" --socket-path="$work/socket" -o source=/ -o cache=always -o sandbox=chroot -f >"$work/virtiofsd" 2>&1 &
files=$!
for _ in {1..50}; do [ -S "$work/socket" ] || sleep 0.1; done
[ -S "$work/socket" ] || die "virtiofsd did not start: $(cat "$work/virtiofsd")"
timeout "$TIMEOUT" qemu-system-x86_64 -accel tcg -smp 1 -m "$MEMORY" -nodefaults -nographic -no-reboot -serial stdio \
  -object "memory-backend-memfd,id=memory,size=$MEMORY,share=on" -machine pc,memory-backend=memory \
  -chardev "socket,id=files,path=$work/socket" -device vhost-user-fs-pci,chardev=files,tag=host \
  -kernel "$MACHINE/vmlinuz" -initrd "$MACHINE/initramfs" \
  -append "console=ttyS0 quiet panic=-1 rdinit=/init HOST_COMMAND=$work/command" </dev/null | sed -u 's/\r$//' | tee "$work/console" || true
status=$(sed -n 's/^=== status //p' "$work/console" | tail -n 1)
[ -n "$status" ] || die "The machine did not come to the end of the command (in ${TIMEOUT} s)."
exit "$status"
