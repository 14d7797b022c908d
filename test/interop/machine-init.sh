#!/bin/busybox sh
# /init of the virtual machine that machine.ts starts: loads what MPLS needs, then does what it is told by the serial line. Each
# line is a number and a command; its output comes back with "| " before each line, and then "=== NUMBER STATUS".
/bin/busybox mkdir -p /bin /proc /sys /dev /run /tmp
/bin/busybox --install -s /bin
export PATH=/sbin:/bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mount -t tmpfs run /run
mkdir -p /run/netns
while read -r module; do insmod "/modules/$module.ko" || echo "cannot load $module"; done </modules/order
# busybox has an `ip` of its own, which the shell would prefer, and which knows no labels.
ip() { /sbin/ip "$@"; }
ip link set lo up
[ -z "$HOST_COMMAND" ] || exec /host-init
stty -echo </dev/console
echo; echo "=== kernel $(uname -r)"
echo "=== ready"
while read -r number line; do
  (eval "$line") >/tmp/output 2>&1 </dev/null
  status=$?
  sed 's/^/| /' /tmp/output
  echo "=== $number $status"
done </dev/console
poweroff -f
