/**
 * Two ways to cross from one host to another with the same addresses, MACs and table: through softvasic, programmed by a real fpm2afi that
 * an FPM stream feeds, and through Linux, forwarding by itself. Port 0 leads to the receiver, port 1 to the sender.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Lab } from '../../lab/lab';
import { link, linkCounters, type LabNode } from '../../lab/node';
import { portMac, portName, tapName } from '../../lab/plan';
import type { Program } from '../../lab/programs';
import { buildRouter, forward, startPrograms } from '../../lab/router';
import { waitFor } from '../../lab/wait';
import { formatAddress } from '../../src/net/address';
import { requestStatus } from '../../src/control/client';
import { labelledCounts } from './labelled';
import { makePrefixes, makePrefixes6, prefixBytes } from './prefixes';
import { gateway6Of, gatewayOf, hopOf } from './stream';
import { FPM_PORT, neighborMac, tapsUp } from './topology';

/** How softvasic forwards: the TypeScript engine, or the kernel's by one of its hooks. */
export type Engine = 'engine' | 'tc' | 'xdp';
export const ENGINES: readonly Engine[] = ['engine', 'tc', 'xdp'];

/** What carries the packets, and the hosts at its ends. */
export interface Crossing {
  readonly name: 'softvasic' | 'linux';
  readonly sender: LabNode;
  readonly receiver: LabNode;
  /**
   * Gives it the whole table, of one family; returns when every route is in use. softvasic starts anew, with the engine. `labels`: it has those LSPs
   * and routes behind labels as well (labelled.ts), and Linux has none.
   */
  readonly load: (routes: number, family: 4 | 6, engine?: Engine, labels?: boolean) => Promise<void>;
  /** The process that forwards; undefined: the kernel does. */
  readonly pid: () => number | undefined;
}

export const SENDER = '10.1.0.2';
export const RECEIVER = '10.0.0.2';
/** The sender's and the receiver's only interface. */
export const HOST_PORT = 'eth0';
/** Gateways that the routes are spread over. */
export const NEXTHOPS = 64;
const PORTS = [0, 1] as const;
const SENDER6 = '2001:db8:0:1::2';
export const SENDER_MAC = '02:00:00:00:00:77';

/** The address that a host has its gateway at. */
export const gatewayAt = (port: number): string => `10.${port}.0.1`;

/** Packets that have reached the receiver's interface. */
export async function arrived({ receiver }: Pick<Crossing, 'receiver'>): Promise<number> {
  return (await linkCounters(receiver, HOST_PORT)).rxPackets;
}

/** The two hosts, each at its port of what stands between them. */
export async function buildHosts(
  lab: Lab,
  name: string,
  middle: LabNode,
): Promise<{ sender: LabNode; receiver: LabNode }> {
  const receiver = await lab.node(`${name}rx`);
  const sender = await lab.node(`${name}tx`);
  const ends = [
    { node: receiver, ifname: HOST_PORT, mac: neighborMac(0), addresses: [`${RECEIVER}/16`] },
    { node: sender, ifname: HOST_PORT, mac: SENDER_MAC, addresses: [`${SENDER}/16`] },
  ] as const;
  for (const port of PORTS) {
    await link({ node: middle, ifname: portName(port), mac: portMac(port) }, ends[port]);
    await ends[port].node.must(['ip', 'route', 'add', 'default', 'via', gatewayAt(port)]);
  }
  return { sender, receiver };
}

/** The ports' addresses and all neighbors, the same for TAPs and for Linux' own interfaces. */
async function address(node: LabNode, device: (port: number) => string): Promise<void> {
  const lines = PORTS.flatMap((port) => [
    `address replace ${gatewayAt(port)}/16 dev ${device(port)}`,
    `address replace 2001:db8:0:${port}::1/64 dev ${device(port)} nodad`,
  ]);
  for (const sender of [SENDER, SENDER6]) {
    lines.push(`neigh replace ${sender} lladdr ${SENDER_MAC} dev ${device(1)} nud permanent`);
  }
  for (let hop = 0; hop < NEXTHOPS; hop++) {
    for (const gateway of [gatewayOf, gateway6Of]) {
      const address = formatAddress(gateway(hop, 1).address);
      lines.push(`neigh replace ${address} lladdr ${neighborMac(hop)} dev ${device(0)} nud permanent`);
    }
  }
  await batch(node, lines);
}

async function batch(node: LabNode, lines: readonly string[]): Promise<void> {
  const file = join(node.dir, 'ip.batch');
  writeFileSync(file, `${lines.join('\n')}\n`);
  await node.must(['ip', '-batch', file], { timeoutMs: 300_000 });
}

/** What the generator hands over needs an interface that polls. */
export async function polls(middle: LabNode): Promise<void> {
  for (const port of PORTS) await middle.must(['ethtool', '-K', portName(port), 'gro', 'on']);
}

/** Linux between the two hosts. */
export async function buildLinux(lab: Lab): Promise<Crossing> {
  const middle = await lab.node('linux');
  const hosts = await buildHosts(lab, 'linux', middle);
  await forward(middle, true);
  await polls(middle);
  await address(middle, portName);
  const load = async (routes: number, family: 4 | 6): Promise<void> => {
    for (const old of ['-4', '-6']) {
      await middle.must(['ip', old, 'route', 'flush', 'proto', 'bgp'], { timeoutMs: 300_000 });
    }
    const prefixes = family === 4 ? makePrefixes(routes) : makePrefixes6(routes);
    const gatewayIn = family === 4 ? gatewayOf : gateway6Of;
    const line = (route: number): string => {
      const gateway = formatAddress(gatewayIn(hopOf(route, NEXTHOPS), 1).address);
      const prefix = `${formatAddress(prefixBytes(prefixes, route))}/${prefixes.lengths[route]!}`;
      return `route add ${prefix} via ${gateway} dev ${portName(0)} proto bgp`;
    };
    await batch(
      middle,
      Array.from({ length: routes }, (_, route) => line(route)),
    );
  };
  return { name: 'linux', ...hosts, load, pid: () => undefined };
}

/** softvasic between the two hosts, and a router with fpm2afi behind it; both start anew with each table. */
export async function buildSoftvasic(lab: Lab): Promise<Crossing> {
  const { router, vasic } = await buildRouter(lab, true);
  const hosts = await buildHosts(lab, 'vasic', vasic);
  let running: readonly Program[] = [];
  let table: { readonly kill: (signal: NodeJS.Signals) => Promise<unknown> } | undefined;
  const load = async (routes: number, family: 4 | 6, engine: Engine = 'engine', labels = false): Promise<void> => {
    await table?.kill('SIGTERM');
    const by = engine === 'engine' ? { engine } : { engine: 'kernel' as const, portMode: engine };
    for (const program of [...running].reverse()) await program.process().kill('SIGTERM');
    const { softvasic, bridge } = await startPrograms({ router, vasic }, { ports: PORTS, ...by });
    running = [softvasic, bridge];
    await polls(vasic);
    // A TAP that is given its MAC forgets its neighbors.
    await waitFor(() => tapsUp(router, PORTS), { timeoutMs: 20_000, what: 'the TAPs to be up' });
    await address(router, tapName);
    const shown = await router.must(['cat', ...PORTS.map((port) => `/sys/class/net/${tapName(port)}/ifindex`)]);
    const argv = [...[FPM_PORT, family, routes, NEXTHOPS].map(String), ...shown.trim().split('\n')];
    if (labels) argv.push('labels');
    const more = labels ? labelledCounts(NEXTHOPS) : { routes: 0, lsps: 0 };
    table = router.start('table', [process.execPath, join(__dirname, 'fpm-feed.js'), ...argv]);
    const status = () => requestStatus(join(router.dir, 'fpm2afi.sock'));
    const whole = async (): Promise<boolean> => {
      const { fib } = await status();
      return fib.offloaded >= routes + more.routes && fib.lsps.offloaded >= more.lsps;
    };
    await waitFor(whole, {
      timeoutMs: 60_000 + routes / 5,
      what: `${routes} routes in softvasic`,
    });
  };
  return { name: 'softvasic', ...hosts, load, pid: () => running[0]?.process().pid };
}
