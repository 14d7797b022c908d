#!/usr/bin/env bash
# Records what a real zebra sends over FPM for MPLS, VRFs and SRv6, in a virtual machine, as that needs a kernel with these:
#     test/tools/capture-vm.sh OUTPUT-DIRECTORY      (as root; FRR_ROOT names a folder with FRR in it)
# Writes frr-vm.bin and frr-vm-replay.bin, the streams of two connections, and frr-vm.json, what zebra and the kernel say. The machine
# runs Debian's cloud kernel under qemu without hardware help, with FRR's root folder as its initramfs and no network.
# Needs qemu-system-x86, cpio, busybox-static, and apt-get for the kernel. Takes about two minutes.
set -euo pipefail
out=$1
root=${FRR_ROOT:-/var/cache/fpm2afi/frr/forky}
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cd "$work"
package=$(apt-cache depends linux-image-cloud-amd64 | awk '/Depends: linux-image/ { print $2; exit }')
apt-get -q download "$package" 2>/dev/null
dpkg-deb -x linux-image-*.deb image
mkdir tree
for part in bin etc lib lib64 sbin usr; do [ ! -e "$root/$part" ] || cp -a "$root/$part" tree/; done
rm -rf tree/usr/share/doc tree/usr/share/locale tree/usr/share/man tree/usr/share/perl
mkdir -p tree/proc tree/sys tree/dev tree/run tree/tmp tree/var tree/modules
cp /bin/busybox tree/usr/bin/busybox
[ -e tree/bin ] || ln -s usr/bin tree/bin
for module in ip_tunnel mpls_router mpls_iptunnel vrf dummy; do
  find image/lib/modules -name "$module.ko" -exec cp {} tree/modules/ \;
done
install -m 755 "$here/capture-vm-init.sh" tree/init
(cd tree && find . | cpio --quiet -o -H newc) >initramfs

timeout 900 qemu-system-x86_64 -accel tcg -m 1536 -kernel image/boot/vmlinuz-* -initrd initramfs -nographic -nic none \
  -no-reboot -append 'console=ttyS0 quiet panic=-1 rdinit=/init' >console 2>&1 </dev/null || true
tr -d '\r' <console >text
if ! grep -q '^capture complete' text; then
  tail -n 60 text >&2
  echo 'capture-vm: the machine did not finish: see above' >&2
  exit 1
fi
part() { awk -v name="=== $1" '$0 == "=== end" { on = 0 } on { print } $0 == name { on = 1 }' text | base64 -d; }
mkdir -p "$out"
part fpm.1 >"$out/frr-vm.bin"
part fpm.2 >"$out/frr-vm-replay.bin"
for name in lsps links kernel version; do part "$name" >"$name"; done
node -e '
  const { readFileSync, writeFileSync } = require("node:fs");
  const text = (name) => readFileSync(name, "utf8");
  const kernel = process.argv[2];
  const version = text("version").split("\n")[0], links = text("links").trim().split("\n").map((line) => line.replace(/ *<.*/, ""));
  const view = { version, kernel, links, kernelLsps: text("kernel").trim().split("\n"), lsps: JSON.parse(text("lsps")) };
  writeFileSync(process.argv[1], `${JSON.stringify(view, undefined, 1)}\n`);
' "$out/frr-vm.json" "$package"
grep -v '^[A-Za-z0-9+/=]\{60,\}$' text | tail -n 40 >"$work/messages" || true
[ -z "${VERBOSE:-}" ] || cat "$work/messages"
ls -l "$out"/frr-vm*
