/**
 * What the vASIC can't be told, as the control API shows it: EVPN MAC addresses and SRv6 segments that the FIB keeps, and why a route with an encapsulation goes to the host.
 */
import type { EvpnView, PathView, SidView } from '../control/types';
import { describeEncap } from '../fib/describe-encap';
import type { Fib } from '../fib/fib';
import { leavesOf } from '../fib/leaves';
import type { NexthopGroup } from '../fib/nexthops';
import { MALFORMED, type Encap, type NexthopPath } from '../fib/updates';
import { formatAddress, formatMac } from '../net/address';

const NO_MAPPING = 'no AFT mapping, Linux forwards it';

/** One path as it is shown. */
export function pathView(fib: Fib, path: NexthopPath, weight: number): PathView {
  const mac = path.gateway && fib.neighbors.find(path.ifindex, path.gateway)?.mac;
  return {
    ...(path.gateway === undefined ? {} : { gateway: formatAddress(path.gateway) }),
    interface: fib.interfaces.get(path.ifindex)?.name ?? '?',
    ifindex: path.ifindex,
    ...(mac === undefined ? {} : { mac: formatMac(mac) }),
    weight,
    state: stateOf(fib, path, mac !== undefined),
    ...(path.encap === undefined ? {} : { encap: describeEncap(path.encap) }),
  };
}

function stateOf(fib: Fib, { ifindex, encap, gateway }: NexthopPath, hasMac: boolean): PathView['state'] {
  if (fib.interfaces.portOf(ifindex) === undefined || isForeign(encap)) return 'host';
  if (gateway === undefined) return 'glean';
  if (!fib.interfaces.isUp(ifindex)) return 'down';
  return hasMac ? 'ready' : 'unresolved';
}

/** Why a group that comes to `unsupported` does, in plain words; undefined for any other. */
export function describeUnsupported(group: NexthopGroup): string | undefined {
  if (group.intent.kind !== 'punt' || group.intent.reason !== 'unsupported') return undefined;
  const causes = [...new Set(causesOf(group))];
  if (causes.length === 0) return undefined;
  return `${causes.join('; ')}: ${causes.includes(MALFORMED) ? 'Linux forwards it' : NO_MAPPING}`;
}

/** Of how many routes and nexthop ids the last message could not be read. */
export function countMalformed(fib: Fib): { readonly routes: number; readonly nexthops: number } {
  const count = { routes: 0, nexthops: 0 };
  for (const { content, zebraId, namedBy, deleted } of fib.rows.nexthops.all()) {
    if (content.kind !== 'fixed' || content.detail !== MALFORMED) continue;
    if (zebraId === undefined) count.routes += namedBy;
    else if (!deleted) count.nexthops++;
  }
  return count;
}

/** What `status` says of them; undefined: there are none. */
export function malformedProblem(fib: Fib): string | undefined {
  const { routes, nexthops } = countMalformed(fib);
  const some = (count: number, what: string): string[] =>
    count === 0 ? [] : [`${count} ${what}${count === 1 ? '' : 's'}`];
  const what = [...some(routes, 'route'), ...some(nexthops, 'nexthop')].join(' and ');
  if (what === '') return undefined;
  return `zebra sent ${what} in messages that could not be read; until it sends them again the host forwards: see the log for "dropped a malformed message"`;
}

/** Whether nothing in the vASIC corresponds to it. */
function isForeign(encap: Encap | undefined): encap is Encap {
  return encap !== undefined && encap.kind !== 'mpls';
}

function causeOf({ encap, gateway, outLabels }: NexthopPath): string[] {
  if (isForeign(encap)) return [describeEncap(encap)];
  const isLabelled = encap !== undefined || outLabels !== undefined;
  return isLabelled && gateway === undefined ? ['labels onto an interface, with no neighbor to send to'] : [];
}

function causesOf(group: NexthopGroup): string[] {
  return leavesOf(group).flatMap((leaf) => {
    switch (leaf.kind) {
      case 'path':
        return causeOf(leaf.path);
      case 'fixed':
        return leaf.detail === undefined ? [] : [leaf.detail];
      case 'nested':
        return [`a group within a group (${leaf.group.name}), which the kernel takes neither`];
      case 'neighbor':
        return [];
    }
  });
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
