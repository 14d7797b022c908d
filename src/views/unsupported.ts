/**
 * What the vASIC can't be told, as the control API shows it: MPLS label entries, EVPN MAC addresses and SRv6 segments that
 * the FIB keeps, and why a route with an encapsulation goes to the host.
 */
import type { EvpnView, PathView, LspView, SidView } from '../control/types';
import { describeEncap, describeLabels } from '../fib/describe-encap';
import type { Fib } from '../fib/fib';
import { leavesOf } from '../fib/leaves';
import type { NexthopGroup } from '../fib/nexthops';
import type { NexthopPath } from '../fib/updates';
import { formatAddress, formatMac } from '../net/address';
import { protocolName } from '../net/protocol';

const NO_MAPPING = 'no AFT mapping, Linux forwards it';

/** One path as it is shown. */
export function pathView(fib: Fib, path: NexthopPath, weight: number): PathView {
  const isPort = fib.interfaces.portOf(path.ifindex) !== undefined;
  const mac = path.gateway && fib.neighbors.find(path.ifindex, path.gateway)?.mac;
  const resolved = mac === undefined ? 'unresolved' : 'ready';
  return {
    ...(path.gateway === undefined ? {} : { gateway: formatAddress(path.gateway) }),
    interface: fib.interfaces.get(path.ifindex)?.name ?? '?',
    ifindex: path.ifindex,
    ...(mac === undefined ? {} : { mac: formatMac(mac) }),
    weight,
    state: !isPort || path.encap !== undefined ? 'host' : path.gateway === undefined ? 'glean' : resolved,
    ...(path.encap === undefined ? {} : { encap: describeEncap(path.encap) }),
  };
}

/** Why a group that comes to `unsupported` does, in plain words; undefined for any other. */
export function describeUnsupported(group: NexthopGroup): string | undefined {
  if (group.intent.kind !== 'punt' || group.intent.reason !== 'unsupported') return undefined;
  const causes = [...new Set(causesOf(group))];
  return causes.length === 0 ? undefined : `${causes.join('; ')}: ${NO_MAPPING}`;
}

function causesOf(group: NexthopGroup): string[] {
  return leavesOf(group).flatMap((leaf) => {
    switch (leaf.kind) {
      case 'path':
        return leaf.path.encap === undefined ? [] : [describeEncap(leaf.path.encap)];
      case 'fixed':
        return leaf.detail === undefined ? [] : [leaf.detail];
      case 'nested':
        return [`a group within a group (${leaf.group.name}), which the kernel takes neither`];
      case 'neighbor':
        return [];
    }
  });
}

/** zebra's MPLS label entries. */
export function* lspViews(fib: Fib): Generator<LspView> {
  for (const { value, stale } of fib.kept.lsps()) {
    const legs = value.paths.map((path) => ({
      ...pathView(fib, path, path.weight),
      state: 'host' as const,
      operation: describeLabels(path.outLabels),
    }));
    const operations = [...new Set(legs.map(({ operation }) => operation))].join('; ');
    yield {
      label: value.label,
      protocol: protocolName(value.protocol),
      legs,
      state: 'trapped',
      reason: `MPLS ${operations === '' ? 'without a nexthop' : operations}: ${NO_MAPPING}`,
      ...(stale ? { stale } : {}),
    };
  }
}

/** MAC addresses behind EVPN tunnels. */
export function* evpnViews(fib: Fib): Generator<EvpnView> {
  for (const { value, stale } of fib.kept.macs()) {
    const { vtep, nexthopId, vlan, vni, ifindex, bridge } = value;
    yield {
      mac: formatMac(value.mac),
      ...(vtep === undefined ? {} : { vtep: formatAddress(vtep) }),
      ...(nexthopId === undefined ? {} : { nexthopId }),
      ...(vlan === 0 ? {} : { vlan }),
      ...(vni === 0 ? {} : { vni }),
      interface: fib.interfaces.get(ifindex)?.name ?? '?',
      ifindex,
      ...(bridge === 0 ? {} : { bridge }),
      sticky: value.sticky,
      ...(stale ? { stale } : {}),
    };
  }
}

/** SRv6 local segments. */
export function* sidViews(fib: Fib): Generator<SidView> {
  for (const { value, stale } of fib.kept.sids()) {
    const { sid, behavior, format, nexthop, vrf } = value;
    yield {
      sid: formatAddress(sid),
      behavior,
      ...(format && { format: `${format.block}/${format.node}/${format.function}/${format.argument}` }),
      ...(vrf === undefined ? {} : { vrf }),
      ...(nexthop?.gateway && { gateway: formatAddress(nexthop.gateway) }),
      ...(nexthop && nexthop.ifindex !== 0 && { ifindex: nexthop.ifindex }),
      ...(stale ? { stale } : {}),
    };
  }
}
