/**
 * An L3VPN: two edge routers and P between them, each of them FRR, fpm2afi and softvasic; two customers, each behind both:
 *
 *   red1 ── p2 ┐              ┌── p0 ══ p0 ┐      ┌ p2 ══ p0 ──┐              ┌ p2 ── red2
 *              ┴ pe1-vasic ───┴── p1 ══ p1 ┴ p-vasic ┴ p3 ══ p1 ┴─ pe2-vasic ─┴
 *  blue1 ── p3 ┘      │ pe1                 │ p                  │ pe2        └ p3 ── blue2
 *
 * (vpn-plan.ts has the addresses.) Two links between neighbors in the core, so that one can fail. Its packets may be larger than those of
 * customers, by what labels need.
 */
import { startFrr, type Frr } from '../frr';
import type { Lab } from '../lab';
import { link, type LabNode, type LinkEnd } from '../node';
import { portName, tapName } from '../plan';
import type { Bridge, Program } from '../programs';
import { buildRouter, startPrograms } from '../router';
import { waitFor } from '../wait';
import { makeVrfs, moveSubnets } from './linux-vrfs';
import { edgeConfig, pConfig } from './vpn-config';
import {
  CORE_LINKS,
  CORE_MTU,
  CUSTOMERS,
  customerPort,
  EDGES,
  edgeMac,
  LINK,
  ONLY_BLUE,
  pMac,
  portOfP,
  siteAddress,
  siteGateway,
  siteMac,
  tableOf,
  VRFS,
  type Customer,
  type Edge,
} from './vpn-plan';

/** A router with all that belongs to it. */
export interface MplsRouter {
  /** `pe1`, `p`, `pe2`. */
  readonly name: string;
  readonly router: LabNode;
  readonly vasic: LabNode;
  readonly frr: Frr;
  readonly bridge: Bridge;
  readonly softvasic: Program;
}

export interface VpnTopology {
  readonly lab: Lab;
  readonly edges: Readonly<Record<Edge, MplsRouter>>;
  readonly p: MplsRouter;
  /** The customer's host behind an edge router. */
  readonly site: (customer: Customer, edge: Edge) => LabNode;
}

/** Without these a link that goes down takes its IPv6 addresses with it; addresses are used at once. */
const IP6 = {
  'net.ipv6.conf.all.keep_addr_on_down': 1,
  'net.ipv6.conf.default.keep_addr_on_down': 1,
  'net.ipv6.conf.default.accept_dad': 0,
};

const PORTS: readonly number[] = [0, 1, 2, 3];

/** Builds it; returns when every program runs. The protocols converge afterwards. */
export async function buildVpn(lab: Lab, say: (line: string) => void = () => undefined): Promise<VpnTopology> {
  say('namespaces and links');
  const nodes = { 1: await nodesOf(lab, 'pe1'), 2: await nodesOf(lab, 'pe2') };
  const middle = await nodesOf(lab, 'p');
  const sites = new Map<string, LabNode>();
  for (const edge of EDGES) {
    const { vasic } = nodes[edge];
    for (const at of CORE_LINKS) {
      const port = portOfP(edge, at);
      await link(
        { node: vasic, ifname: portName(at), mac: edgeMac(edge, at), mtu: CORE_MTU },
        { node: middle.vasic, ifname: portName(port), mac: pMac(port), mtu: CORE_MTU },
      );
    }
    for (const customer of CUSTOMERS) {
      const port = customerPort(customer);
      const end = { node: vasic, ifname: portName(port), mac: edgeMac(edge, port) };
      sites.set(`${customer}${edge}`, await buildSite(lab, customer, edge, end));
    }
  }
  say('softvasic, fpm2afi and FRR on three routers');
  const [pe1, p, pe2] = await Promise.all([
    startRouter(lab, 'pe1', nodes[1], edgeConfig(1)),
    startRouter(lab, 'p', middle, pConfig()),
    startRouter(lab, 'pe2', nodes[2], edgeConfig(2)),
  ]);
  return {
    ...{ lab, edges: { 1: pe1, 2: pe2 }, p },
    site: (customer, edge) => sites.get(`${customer}${edge}`)!,
  };
}

type Nodes = Awaited<ReturnType<typeof buildRouter>>;

async function nodesOf(lab: Lab, name: string): Promise<Nodes> {
  const nodes = await buildRouter(lab, true, { router: name, vasic: `${name}-vasic` });
  await nodes.router.sysctl(IP6);
  return nodes;
}

async function startRouter(lab: Lab, name: string, nodes: Nodes, config: string): Promise<MplsRouter> {
  const { router } = nodes;
  const vrfs = name === 'p' ? [] : VRFS;
  await makeVrfs(router, vrfs);
  const portTables = Object.fromEntries(
    CUSTOMERS.filter(() => vrfs.length > 0).map((customer) => [customerPort(customer), tableOf(customer)]),
  );
  const programs = await startPrograms(nodes, { ports: PORTS, portTables, vrfs });
  const frr = await startFrr(lab, router, {
    ...{ config, daemons: ['staticd', 'ospfd', 'ldpd', ...(vrfs.length > 0 ? (['bgpd'] as const) : [])] },
    zebraArgs: ['-M', 'dplane_fpm_nl', '--asic-offload=notify_on_offload'],
    pretendMpls: true,
    pretendVrfs: vrfs,
  });
  for (const vrf of vrfs) {
    await addressed(router, vrf.taps);
    await moveSubnets(router, vrf);
  }
  return { name, ...nodes, frr, ...programs };
}

/** Waits until zebra has given the TAPs their addresses of both families. */
async function addressed(router: LabNode, taps: readonly string[]): Promise<void> {
  for (const tap of taps) {
    await waitFor(
      async () => {
        const shown = await router.must(['ip', '-o', 'address', 'show', 'dev', tap, 'scope', 'global']);
        return shown.includes(' inet ') && shown.includes(' inet6 ');
      },
      { timeoutMs: 20_000, what: `addresses of ${tap} on ${router.name}` },
    );
  }
}

async function buildSite(lab: Lab, customer: Customer, edge: Edge, router: LinkEnd): Promise<LabNode> {
  const node = await lab.node(`${customer}${edge}`);
  await node.sysctl(IP6);
  await link(router, {
    ...{ node, ifname: 'veth', mac: siteMac(edge, customer) },
    addresses: [`${siteGateway(edge, 4)}/24`, `${siteGateway(edge, 6)}/64`],
  });
  const addresses = [`${siteAddress(edge, 4)}/32`, `${siteAddress(edge, 6)}/128`];
  if (customer === 'blue' && edge === 2) addresses.push(`${ONLY_BLUE}/32`);
  for (const address of addresses) await node.must(['ip', 'address', 'add', address, 'dev', 'lo']);
  await node.must(['ip', 'route', 'add', 'default', 'via', LINK[4].router(edge)]);
  await node.must(['ip', '-6', 'route', 'add', 'default', 'via', LINK[6].router(edge)]);
  return node;
}

/** The TAP of a customer's port. */
export const customerTap = (customer: Customer): string => tapName(customerPort(customer));
