#!/bin/bash
# The first program of the machine of `make units-test`. In namespaces of its own it makes of a root folder what systemd expects of a
# machine, with two ports and a management interface that lead to hosts, and gives its place (process 1) to systemd.
#
#   machine-init.sh ROOT
set -euo pipefail
root=$1
PATH=/usr/sbin:/usr/bin:/sbin:/bin

mount --make-rprivate /
mount --bind "$root" "$root"
mount -t proc proc "$root/proc"
mount -t sysfs sys "$root/sys"
# The network's settings are this machine's own, all others are those of the machine that it runs on.
mount --bind "$root/proc/sys/net" "$root/proc/sys/net"
mount --rbind "$root/proc/sys" "$root/proc/sys"
mount -o remount,bind,ro "$root/proc/sys"
mount -t cgroup2 cgroup "$root/sys/fs/cgroup"
mount -t bpf -o mode=700 bpf "$root/sys/fs/bpf"
mount -t tmpfs -o mode=755 run "$root/run"
mount -t tmpfs -o mode=755 dev "$root/dev"
mkdir -p "$root"/dev/{net,shm,pts} && chmod 1777 "$root/dev/shm"
mount -t devpts -o newinstance,ptmxmode=666 devpts "$root/dev/pts"
device() { mknod -m 666 "$root/dev/$1" c "$2" "$3"; }
device null 1 3
device zero 1 5
device full 1 7
device random 1 8
device urandom 1 9
device tty 5 0
device net/tun 10 200
ln -s pts/ptmx "$root/dev/ptmx"
ln -s /proc/self/fd "$root/dev/fd"

# Behind ge0 and ge1 are the hosts h0 and h1, behind mg0 is the operator.
chroot "$root" /bin/bash -euc '
  ip link set lo up
  echo 1 >/proc/sys/net/ipv4/ip_forward
  link() { # link IFNAME NETNS ADDRESS
    ip netns add "$2"
    ip link add "$1" type veth peer name eth0 netns "$2"
    ip link set "$1" up
    ip -n "$2" link set eth0 up
    ip -n "$2" address add "$3" dev eth0
  }
  link ge0 h0 10.1.0.2/24
  link ge1 h1 10.1.1.2/24
  link mg0 operator 192.0.2.2/24
  ip -n h0 route add default via 10.1.0.1
  ip -n h1 route add default via 10.1.1.1
  ip address add 192.0.2.1/24 dev mg0
'

mkdir -p "$root/oldroot"
cd "$root"
pivot_root . oldroot
umount -l /oldroot
exec env -i container=fpm2afi PATH="$PATH" /lib/systemd/systemd --log-target=journal --show-status=no
