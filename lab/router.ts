/**
 * What every topology begins with: a router and its vASIC, the management link between them, and the two programs, one on
 * each. Port N of the vASIC is its interface pN and the router's tapN.
 */
import type { Lab } from './lab';
import { link, type LabNode } from './node';
import { ROUTER_MGMT, ROUTER_MGMT_MAC, VASIC_MGMT, VASIC_MGMT_MAC } from './plan';
import { startBridge, startSoftvasic } from './programs';
import type { Bridge, BridgeOptions, Program, SoftvasicOptions } from './programs';

export interface RouterAndVasic {
  readonly router: LabNode;
  readonly vasic: LabNode;
}

/** Lets a node forward whatever comes from wherever, IPv4 and with `ip6` IPv6 too. */
export async function forward(node: LabNode, ip6: boolean): Promise<void> {
  await node.sysctl({
    'net.ipv4.ip_forward': 1,
    'net.ipv4.conf.all.rp_filter': 0,
    'net.ipv4.conf.default.rp_filter': 0,
    ...(ip6 ? { 'net.ipv6.conf.all.forwarding': 1, 'net.ipv6.conf.default.accept_dad': 0 } : {}),
  });
}

/** Makes the two nodes, `router` and `vasic` unless they have other names, and mgmt0 between them. */
export async function buildRouter(
  lab: Lab,
  ip6: boolean,
  names = { router: 'router', vasic: 'vasic' },
): Promise<RouterAndVasic> {
  const router = await lab.node(names.router);
  const vasic = await lab.node(names.vasic);
  await forward(router, ip6);
  await link(
    { node: router, ifname: 'mgmt0', mac: ROUTER_MGMT_MAC, addresses: [`${ROUTER_MGMT}/24`] },
    { node: vasic, ifname: 'mgmt0', mac: VASIC_MGMT_MAC, addresses: [`${VASIC_MGMT}/24`] },
  );
  return { router, vasic };
}

export interface RouterPrograms {
  readonly softvasic: Program;
  readonly bridge: Bridge;
}

/** Starts softvasic on the vASIC, whose ports are there, and then fpm2afi on the router; returns when both answer. */
export async function startPrograms(
  { router, vasic }: RouterAndVasic,
  options: SoftvasicOptions & BridgeOptions,
): Promise<RouterPrograms> {
  const softvasic = await startSoftvasic(vasic, options);
  const bridge = await startBridge(router, options);
  return { softvasic, bridge };
}
