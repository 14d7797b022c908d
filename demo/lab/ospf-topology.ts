/**
 * The topology of the original demonstration, in six namespaces:
 *
 *   router   zebra, ospfd and fpm2afi; tap0 … tap3, lo 10.0.255.100/32
 *   vasic    softvasic on p0 … p3; reached over mgmt0, 128.0.0.1 (router) to 128.0.0.16 (vasic)
 *   vrouterN zebra and ospfd behind pN: veth 103.30.{N*10}.3/24, lo 10.0.255.N/32
 *
 * The TAPs' addresses are zebra's configuration, so they come back whenever a TAP does. OSPF runs with a hello of 1 s and a
 * dead interval of 4 s, so that a watcher sees things move.
 */
import { startFrr, type Frr } from './frr';
import { at, entries, items, textAt } from './json';
import type { Lab } from './lab';
import { link, type LabNode } from './node';
import { startBridge, startSoftvasic, type Bridge, type Program } from './programs';
import { waitFor } from './wait';

export const PORTS: readonly number[] = [0, 1, 2, 3];
export const ROUTER_MGMT = '128.0.0.1';
export const VASIC_MGMT = '128.0.0.16';

export const tapName = (port: number): string => `tap${port}`;
export const subnet = (port: number): string => `103.30.${port * 10}.0/24`;
export const routerAddress = (port: number): string => `103.30.${port * 10}.1`;
export const vrouterAddress = (port: number): string => `103.30.${port * 10}.3`;
export const loopback = (port: number): string => `10.0.255.${port}`;
export const portMac = (port: number): string => `32:26:0a:2e:aa:f${port}`;
export const vrouterMac = (port: number): string => `32:26:0a:2e:cc:f${port}`;

export interface OspfOptions {
  /** Second loopback addresses that vrouter3 announces, e.g. prefixes that softvasic refuses. */
  readonly extraPrefixes?: readonly string[];
  /** Prefixes that softvasic refuses. */
  readonly refuse?: readonly string[];
  /** Settings of fpm2afi, as `fpm2afi run --set` takes them (KEY=VALUE). */
  readonly settings?: readonly string[];
  /** Told of each step. */
  readonly say?: (line: string) => void;
}

export interface OspfTopology {
  readonly lab: Lab;
  readonly router: LabNode;
  readonly vasic: LabNode;
  readonly vrouters: readonly LabNode[];
  readonly routerFrr: Frr;
  readonly vrouterFrr: readonly Frr[];
  readonly softvasic: Program;
  readonly bridge: Bridge;
}

const TIMERS = [' ip ospf hello-interval 1', ' ip ospf dead-interval 4'];
const OSPF = ['router ospf', ' timers throttle spf 0 50 200'];

function routerConfig(): string {
  return [
    'hostname router',
    'fpm address 127.0.0.1 port 2620',
    'interface lo',
    ' ip address 10.0.255.100/32',
    ...PORTS.flatMap((port) => [`interface ${tapName(port)}`, ` ip address ${routerAddress(port)}/24`, ...TIMERS]),
    ...OSPF,
    ' ospf router-id 10.0.255.100',
    ' network 10.0.255.100/32 area 0',
    ...PORTS.map((port) => ` network ${subnet(port)} area 0`),
    '',
  ].join('\n');
}

function vrouterConfig(port: number, extra: readonly string[]): string {
  const loopbacks = [`${loopback(port)}/32`, ...extra];
  return [
    `hostname vrouter${port}`,
    'interface lo',
    ...loopbacks.map((prefix) => ` ip address ${prefix}`),
    'interface veth',
    ` ip address ${vrouterAddress(port)}/24`,
    ...TIMERS,
    ...OSPF,
    ` ospf router-id ${loopback(port)}`,
    ...loopbacks.map((prefix) => ` network ${prefix} area 0`),
    ` network ${subnet(port)} area 0`,
    '',
  ].join('\n');
}

/** Builds the whole topology. Returns when every program runs; OSPF converges afterwards (`waitForOspf`). */
export async function buildOspfTopology(lab: Lab, options: OspfOptions = {}): Promise<OspfTopology> {
  const say = options.say ?? (() => undefined);
  say('namespaces and links');
  const router = await lab.node('router');
  const vasic = await lab.node('vasic');
  const vrouters: LabNode[] = [];
  for (const port of PORTS) vrouters.push(await lab.node(`vrouter${port}`));
  const forwarding = {
    'net.ipv4.ip_forward': 1,
    'net.ipv4.conf.all.rp_filter': 0,
    'net.ipv4.conf.default.rp_filter': 0,
  };
  for (const node of [router, ...vrouters]) await node.sysctl(forwarding);
  await link(
    { node: router, ifname: 'mgmt0', addresses: [`${ROUTER_MGMT}/24`] },
    { node: vasic, ifname: 'mgmt0', addresses: [`${VASIC_MGMT}/24`] },
  );
  for (const port of PORTS) {
    await link(
      { node: vasic, ifname: `p${port}`, mac: portMac(port) },
      { node: vrouters[port]!, ifname: 'veth', mac: vrouterMac(port) },
    );
  }

  say('softvasic and fpm2afi');
  const softvasic = await startSoftvasic(vasic, {
    address: VASIC_MGMT,
    client: ROUTER_MGMT,
    ports: PORTS.map((port) => `p${port}`),
    refuse: options.refuse ?? [],
  });
  const bridge = await startBridge(router, {
    vasic: VASIC_MGMT,
    address: ROUTER_MGMT,
    taps: PORTS.map(tapName),
    settings: options.settings ?? [],
  });

  say('FRR on the router and the four vrouters');
  const frr = (node: LabNode, config: string, zebraArgs: readonly string[] = []) =>
    startFrr(lab, node, { config, daemons: ['ospfd'], zebraArgs });
  const [routerFrr, ...vrouterFrr] = await Promise.all([
    frr(router, routerConfig(), ['-M', 'dplane_fpm_nl', '--asic-offload=notify_on_offload']),
    ...vrouters.map((node, port) => frr(node, vrouterConfig(port, port === 3 ? (options.extraPrefixes ?? []) : []))),
  ]);
  return { lab, router, vasic, vrouters, routerFrr, vrouterFrr, softvasic, bridge };
}

/** `Full/DR` and the like of each OSPF neighbour of a router, by the interface it is on. */
export async function ospfNeighbors(frr: Frr): Promise<ReadonlyMap<string, string>> {
  const shown = at(await frr.json('show ip ospf neighbor json'), 'neighbors');
  const found = new Map<string, string>();
  for (const [, list] of entries(shown)) {
    for (const neighbor of items(list)) {
      found.set(textAt(neighbor, 'ifaceName').split(':')[0] ?? '', textAt(neighbor, 'nbrState'));
    }
  }
  return found;
}

/** Waits until the router has a Full neighbour on every TAP and zebra calls the route to every loopback offloaded. */
export async function waitForOspf(topology: OspfTopology, timeoutMs: number): Promise<void> {
  await waitFor(
    async () => {
      const neighbors = await ospfNeighbors(topology.routerFrr);
      return PORTS.every((port) => neighbors.get(tapName(port))?.startsWith('Full') === true);
    },
    { timeoutMs, what: 'OSPF neighbours Full on tap0 to tap3' },
  );
  await waitFor(
    async () => {
      const routes = await topology.routerFrr.json('show ip route ospf json');
      return PORTS.every((port) => at(routes, `${loopback(port)}/32`, 0, 'offloaded') === true);
    },
    { timeoutMs, what: 'the four loopbacks offloaded in zebra' },
  );
}
