#!/bin/busybox sh
# What machine-init.sh goes on with when scripts/in-machine.sh boots the machine: it gets the file system of the machine that it runs on, read only, with
# whatever is written kept in memory, and runs one command there. HOST_COMMAND, a file on that file system, comes by the kernel's command line.
mkdir -p /host /written /root
mount -t virtiofs host /host -o ro
mount -t tmpfs written /written
mkdir /written/upper /written/work
mount -t overlay -o lowerdir=/host,upperdir=/written/upper,workdir=/written/work overlay /root
for folder in proc sys dev; do mount --bind "/$folder" "/root/$folder"; done
mkdir -p /root/dev/shm /root/dev/pts
mount -t devpts devpts /root/dev/pts
mount -t tmpfs shm /root/dev/shm
mount -t tmpfs run /root/run
mount -t bpf bpf /root/sys/fs/bpf
# No terminal, for programs that would draw on it.
{ chroot /root /bin/bash "$HOST_COMMAND"; echo "$?" >/status; } 2>&1 | cat
echo "=== status $(cat /status)"
poweroff -f
