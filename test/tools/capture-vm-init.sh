#!/bin/sh
# /init of the virtual machine of capture-vm.sh: makes interfaces, starts zebra with a sink as its FPM server, configures what
# needs kernel support that a container's kernel may lack (MPLS, VRFs, SRv6), and prints what zebra sent and says.
B=/bin/busybox
export PATH=/usr/lib/frr:/usr/sbin:/usr/bin:/sbin:/bin
$B mount -t proc proc /proc
$B mount -t sysfs sys /sys
$B mount -t devtmpfs dev /dev
$B mkdir -p /tmp /run/frr /var/log
$B chmod 1777 /tmp
$B chown -R frr:frr /run/frr
for module in ip_tunnel mpls_router mpls_iptunnel vrf dummy; do $B insmod "/modules/$module.ko" || echo "no $module"; done
echo 100000 >/proc/sys/net/mpls/platform_labels
echo 1 >/proc/sys/net/ipv4/ip_forward
echo 1 >/proc/sys/net/ipv6/conf/all/forwarding
ip link set lo up
ip link add red type vrf table 1001
ip link set red up
ip link add sr0 type dummy
ip link set sr0 up
for n in 0 1 2; do
  ip link add "d$n" type dummy
  [ "$n" != 2 ] || ip link set d2 master red
  echo 1 >"/proc/sys/net/mpls/conf/d$n/input"
  ip addr add "10.0.$n.1/24" dev "d$n"
  ip -6 addr add "2001:db8:0:$n::1/64" dev "d$n" nodad
  ip link set "d$n" up
done

# One file a connection.
perl -MIO::Socket::INET -e '
  my $server = IO::Socket::INET->new(LocalAddr => "127.0.0.1", LocalPort => 2620, Listen => 1, ReuseAddr => 1) or die $!;
  for (my $n = 1; my $peer = $server->accept; $n++) {
    open(my $file, ">", "/tmp/fpm.$n") or die $!;
    while (sysread($peer, my $bytes, 65536)) { last if -e "/tmp/hangup"; syswrite($file, $bytes); }
    close($peer);
    unlink("/tmp/hangup");
  }' >/tmp/sink.log 2>&1 &

for daemon in mgmtd zebra staticd; do
  case $daemon in zebra) args='-M dplane_fpm_nl' ;; *) args= ;; esac
  : >"/etc/frr/$daemon.conf"
  $daemon -d $args -A 127.0.0.1 >"/tmp/$daemon.log" 2>&1 </dev/null
  sleep 3
done

configure() {
  set -- "$@" end
  text='configure terminal'
  for line in "$@"; do text="$text
$line"; done
  echo "$text" | vtysh 2>&1
}
# Until zebra has sent nothing for a while.
settle() {
  before=-1
  now=$(cat /tmp/fpm.* 2>/dev/null | wc -c)
  while [ "$before" != "$now" ]; do
    sleep 4
    before=$now
    now=$(cat /tmp/fpm.* 2>/dev/null | wc -c)
  done
}
settle_after() {
  configure "$@"
  settle
}
emit() { # emit NAME: standard input, between markers
  echo "=== $1"
  base64
  echo "=== end"
}

settle_after 'fpm use-next-hop-groups' 'fpm address 127.0.0.1'
settle_after \
  'mpls lsp 100 10.0.0.2 200' \
  'mpls lsp 101 10.0.0.2 implicit-null' \
  'mpls lsp 102 10.0.0.2 201' 'mpls lsp 102 10.0.1.2 202' \
  'mpls lsp 103 2001:db8:0:1::2 203' \
  'mpls lsp 104 10.0.1.2 204'
settle_after \
  'ip route 198.18.1.0/24 10.0.0.2 label 16/17' \
  'ipv6 route 2001:db8:1::/48 2001:db8::2 label 18' \
  'ip route 198.18.2.0/24 10.0.0.2 label 19' 'ip route 198.18.2.0/24 10.0.1.2'
settle_after 'vrf red' 'ip route 198.18.1.0/24 10.0.2.2' 'ipv6 route 2001:db8:1::/48 2001:db8:0:2::2' 'exit-vrf'
settle_after 'ipv6 route 2001:db8:5::/48 2001:db8::2 segments 2001:db8:f::1/2001:db8:f::2'
settle_after 'segment-routing' 'srv6' 'locators' 'locator MAIN' 'prefix fcbb:bbbb:1::/48 block-len 32 node-len 16 func-bits 16' \
  'behavior usid' 'exit' 'exit' 'static-sids' \
  'sid fcbb:bbbb:1::/48 locator MAIN behavior uN' \
  'sid fcbb:bbbb:1:fe10::/64 locator MAIN behavior uDT4 vrf red' \
  'sid fcbb:bbbb:1:fe20::/64 locator MAIN behavior uDT6 vrf red' \
  'sid fcbb:bbbb:1:fe30::/64 locator MAIN behavior uDT46 vrf red' \
  'sid fcbb:bbbb:1:fe40::/64 locator MAIN behavior uA interface d0 nexthop 2001:db8::2'
settle_after 'no mpls lsp 104'
vtysh -c 'show mpls table json' >/tmp/lsps
# A new connection gets everything again.
: >/tmp/hangup
settle_after 'ip route 198.18.9.0/24 10.0.0.2'
sleep 8
settle
ip -o link >/tmp/links
ip -f mpls route >/tmp/kernel
vtysh -c 'show version' >/tmp/version
for name in fpm.1 fpm.2 lsps links kernel version; do emit "$name" <"/tmp/$name"; done
cat /tmp/*.log
echo 'capture complete'
$B poweroff -f
