#!/bin/sh
# Two hosts, a softvasic between them, and the forwarding graph of router.aft; then a ping. As root. All of it is in network namespaces
# of its own, which are gone at the end. SOFTVASIC names another softvasic than the one in PATH.
set -eu
softvasic=${SOFTVASIC:-softvasic}
script=$(dirname "$0")/router.aft
ns=aft$$
dir=$(mktemp -d)
vasic=

cleanup() {
  [ -z "$vasic" ] || { kill "$vasic" 2>/dev/null && wait "$vasic" || :; }
  for node in vasic a b; do ip netns delete "$ns-$node" 2>/dev/null || :; done
  rm -r "$dir"
}
trap cleanup EXIT
trap 'exit 1' INT TERM

for node in vasic a b; do
  ip netns add "$ns-$node"
  ip -n "$ns-$node" link set dev lo up
done

# A port of the vASIC, and the host behind it. The host is told the port's hardware address: nobody answers ARP for it here.
wire() { # wire PORT PORT_MAC HOST HOST_MAC NETWORK
  ip -n "$ns-vasic" link add name "$1" address "$2" type veth peer name eth0 address "$4" netns "$ns-$3"
  ip -n "$ns-vasic" link set dev "$1" up
  ip -n "$ns-$3" link set dev eth0 up
  ip -n "$ns-$3" address add "$5.2/24" dev eth0
  ip -n "$ns-$3" neighbor add "$5.1" lladdr "$2" dev eth0 nud permanent
  ip -n "$ns-$3" route add default via "$5.1"
}
wire ge0 02:00:00:00:0a:01 a 02:00:00:00:0a:02 10.71.0
wire ge1 02:00:00:00:0b:01 b 02:00:00:00:0b:02 10.72.0

ip netns exec "$ns-vasic" $softvasic --port ge0 --port ge1 --listen "unix:$dir/afi.sock" >"$dir/log" 2>&1 &
vasic=$!
until [ -S "$dir/afi.sock" ]; do
  kill -0 "$vasic" 2>/dev/null || { cat "$dir/log" >&2; exit 1; }
  sleep 0.1
done

aft() { $softvasic aft --server "unix:$dir/afi.sock" "$@"; }
aft run "$script"
ip netns exec "$ns-a" ping -c 3 -i 0.2 -W 5 10.72.0.2
# An ICMP echo as if host b had sent it: host a answers, and the answer goes to b, who asked nothing.
aft inject in ge1 src=10.72.0.2 dst=10.71.0.2 proto=icmp
aft show --entries
