/**
 * The bench's lab: a router (FRR with bgpd, fpm2afi) with four TAPs of /16 each, a vASIC whose ports lead to one namespace of
 * neighbors, and a namespace that feeds bgpd. `fpm2afi punt` holds the TAPs in a process of its own, so that they stay up, and
 * zebra keeps its table, while the bridge is started anew.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startFrr, type Frr } from '../../demo/lab/frr';
import type { Lab } from '../../demo/lab/lab';
import { link, type LabNode } from '../../demo/lab/node';
import { numberAt } from '../../demo/lab/json';
import { AFI_PORT, distDir, HOSTPATH_CLIENT_PORT, HOSTPATH_VASIC_PORT } from '../../demo/lab/programs';
import { waitFor } from '../../demo/lab/wait';
import { formatAddress, formatMac } from '../../src/net/address';
import { gatewayOf } from './stream';

export const PORTS = 4;
export const ROUTER_MGMT = '128.0.0.1';
export const VASIC_MGMT = '128.0.0.16';
export const FPM_PORT = 2620;
const FEED_ROUTER = '192.168.255.1';
const FEED_PEER = '192.168.255.2';
const PEER_AS = 65001;

export const tapName = (port: number): string => `tap${port}`;
export const neighborMac = (hop: number): string => formatMac(Uint8Array.of(2, 1, 0, 0, hop >> 8, hop));
export const portMac = (port: number): string => `32:26:0a:2e:aa:f${port}`;

export interface BenchTopology {
  readonly lab: Lab;
  readonly router: LabNode;
  readonly vasic: LabNode;
  readonly neighbors: LabNode;
  readonly feeder: LabNode;
  readonly frr: Frr;
}

function frrConfig(): string {
  return [
    'hostname router',
    'router bgp 65000',
    ' bgp router-id 192.168.255.1',
    ' no bgp ebgp-requires-policy',
    ' no bgp default ipv4-unicast',
    ` neighbor ${FEED_PEER} remote-as ${PEER_AS}`,
    ` neighbor ${FEED_PEER} ebgp-multihop 4`,
    ` neighbor ${FEED_PEER} passive`,
    ' address-family ipv4 unicast',
    `  neighbor ${FEED_PEER} activate`,
    '',
  ].join('\n');
}

/** Builds everything but vASIC and bridge; zebra has no FPM address yet. */
export async function buildBench(lab: Lab, nexthops: number): Promise<BenchTopology> {
  const router = await lab.node('router');
  const vasic = await lab.node('vasic');
  const neighbors = await lab.node('neighbors');
  const feeder = await lab.node('feeder');
  await router.sysctl({ 'net.ipv4.ip_forward': 1 });
  const mgmt = (node: LabNode, address: string) => ({ node, ifname: 'mgmt0', addresses: [`${address}/24`] });
  await link(mgmt(router, ROUTER_MGMT), mgmt(vasic, VASIC_MGMT));
  await link(
    { node: router, ifname: 'feed0', addresses: [`${FEED_ROUTER}/30`] },
    { node: feeder, ifname: 'feed0', addresses: [`${FEED_PEER}/30`] },
  );
  for (let port = 0; port < PORTS; port++) {
    await link(
      { node: vasic, ifname: `p${port}`, mac: portMac(port) },
      { node: neighbors, ifname: `n${port}`, mac: neighborMac(port) },
    );
  }
  await startPuntProcess(router);
  for (let port = 0; port < PORTS; port++) {
    await router.must(['ip', 'address', 'add', `10.${port}.0.1/16`, 'dev', tapName(port)]);
    await router.must(['ip', 'link', 'set', tapName(port), 'up']);
  }
  const lines = Array.from({ length: nexthops }, (_, hop) => {
    const { port, address } = gatewayOf(hop, PORTS);
    return `neigh replace ${formatAddress(address)} lladdr ${neighborMac(hop)} dev ${tapName(port)} nud permanent`;
  });
  await router.must(['sh', '-c', `printf '%s\\n' "$0" | ip -batch -`, lines.join('\n')]);
  const zebraArgs = ['-M', 'dplane_fpm_nl', '--asic-offload=notify_on_offload'];
  const frr = await startFrr(lab, router, { config: frrConfig(), daemons: ['bgpd'], zebraArgs });
  return { lab, router, vasic, neighbors, feeder, frr };
}

/** Whether the TAPs of these ports are up and have carrier. */
export async function tapsUp(router: LabNode, ports: readonly number[]): Promise<boolean> {
  const shown = await Promise.all(ports.map((port) => router.exec(['ip', 'link', 'show', tapName(port)])));
  return shown.every(({ stdout }) => stdout.includes('LOWER_UP'));
}

async function startPuntProcess(router: LabNode): Promise<void> {
  const file = join(router.dir, 'punt.yaml');
  const ports = Array.from({ length: PORTS }, (_, port) => port);
  const lines = [
    `afi: { server: '${VASIC_MGMT}:${AFI_PORT}' }`,
    'ports:',
    ...ports.map((port) => `  - { index: ${port}, tap: ${tapName(port)}, mac: '${portMac(port)}' }`),
    'punt:',
    '  mode: external',
    `  listen: ${ROUTER_MGMT}:${HOSTPATH_CLIENT_PORT}`,
    `  vasic: ${VASIC_MGMT}:${HOSTPATH_VASIC_PORT}`,
  ];
  writeFileSync(file, `${lines.join('\n')}\n`);
  const punt = router.start('punt', [process.execPath, join(distDir(), 'src/main.js'), 'punt', '--config', file]);
  const up = async () => punt.ended() !== undefined || (await tapsUp(router, ports));
  await waitFor(up, { timeoutMs: 20_000, what: `the TAPs to be up (log: ${punt.logFile})` });
  if (punt.ended() !== undefined) throw new Error(`fpm2afi punt ended: see ${punt.logFile}`);
}

/** Feeds bgpd; returns when zebra has every route. */
export async function feed({ feeder, frr }: BenchTopology, routes: number, nexthops: number): Promise<void> {
  const argv = [FEED_ROUTER, PEER_AS, routes, nexthops, PORTS].map(String);
  feeder.start('feeder', [process.execPath, join(__dirname, 'feeder.js'), ...argv]);
  await waitFor(async () => (await ribRoutes(frr)) >= routes, {
    timeoutMs: 60_000 + routes / 2,
    everyMs: 1000,
    what: `${routes} BGP routes in zebra`,
  });
}

async function summary(frr: Frr, column: string): Promise<number> {
  const shown = await frr.json('show ip route summary json');
  const protocols = (shown as { routes?: readonly unknown[] }).routes ?? [];
  return protocols.reduce<number>((sum, entry) => {
    const type = (entry as { type?: string }).type;
    return type === 'ebgp' || type === 'bgp' ? sum + (numberAt(entry, column) ?? 0) : sum;
  }, 0);
}

/** BGP routes in zebra's RIB. */
export function ribRoutes(frr: Frr): Promise<number> {
  return summary(frr, 'rib');
}

/** BGP routes that zebra counts as offloaded. */
export function offloadedRoutes(frr: Frr): Promise<number> {
  return summary(frr, 'fibOffLoaded');
}

/** Has zebra (re)connect its FPM, which makes it replay everything. */
export async function connectFpm(frr: Frr, on: boolean): Promise<void> {
  await frr.vtysh(`configure terminal\n${on ? `fpm address 127.0.0.1 port ${FPM_PORT}` : 'no fpm address'}`);
}
