/**
 * The stage: two routers that differ in what forwards, and one wire.
 *
 *   router tap0 … tap2 (TAPs)  zebra, staticd, fpm2afi ── mgmt0 ── vasic  softvasic on p0 … p2 ── ours0  … ours2  ┐
 *                                                                                                                 ├ wire
 *   linux  tap0 … tap2 (veth)  zebra, staticd          ────────────────────────────────────────── linux0 … linux2 ┘
 *
 * Names, MAC addresses, MTUs, addresses and routes are the same in both, so commands and frames are, too.
 */
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { PuntPolicers } from '../../src/config/types';
import { requestStatus } from '../../src/control/client';
import { startFrr } from '../../lab/frr';
import type { Lab } from '../../lab/lab';
import { link, type LabNode } from '../../lab/node';
import { waitForLine } from '../../lab/process';
import { ROUTER_MGMT, ROUTER_MGMT_MAC } from '../../lab/plan';
import { buildRouter, startPrograms } from '../../lab/router';
import { sleep, waitFor } from '../../lab/wait';
import { CONFIG, HOSTS, portMtu, portName, PORTS, routerMac, SIDES, wireName } from './plan';
import { isForgotten } from './forgotten';
import { leadsInto, lostSubnets } from './lost';
import { mayBeRefused } from './intended';
import type { Heard, WireCommand, WireFrame } from './wire';

/** What an event does, in words that can be printed and played again. */
export type Action =
  /** On both routers. */
  | { readonly on: 'routers'; readonly argv: readonly string[] }
  | { readonly on: 'rest' }
  /** The link of a port, at its far end. */
  | { readonly on: 'link'; readonly port: number; readonly up: boolean }
  | { readonly on: 'host'; readonly address: string; readonly generation?: number; readonly announce: boolean };

export interface Scene {
  /** Does it on both sides; what only one of the routers refused. */
  readonly act: (action: Action) => Promise<string | undefined>;
  /** Returns when both routers have nothing left to do; what their kernels' routes differ in. */
  readonly rest: () => Promise<readonly string[]>;
  /** Of those differences, the routes that one of the zebras alone is to blame for: plain Linux's forgot them there (forgotten.ts), or one lost a subnet (lost.ts). */
  readonly leftByZebra: (differences: readonly string[]) => Promise<readonly string[]>;
  readonly exchange: (frames: readonly WireFrame[], quietMs?: number) => Promise<readonly Heard[]>;
}

/** Both routers alike. Limits that depend on time are off: they aren't what is compared. */
const SYSCTLS = {
  'net.ipv4.ip_forward': 1,
  'net.ipv4.conf.all.rp_filter': 0,
  'net.ipv4.conf.default.rp_filter': 0,
  'net.ipv4.icmp_ratemask': 0,
  'net.ipv4.icmp_ratelimit': 0,
  'net.ipv4.ipfrag_time': 1,
  'net.ipv6.conf.all.forwarding': 1,
  'net.ipv6.conf.default.accept_dad': 0,
  'net.ipv6.conf.all.keep_addr_on_down': 1,
  'net.ipv6.conf.default.keep_addr_on_down': 1,
  'net.ipv6.icmp.ratelimit': 0,
  // Of all types only this one, which nobody here sends.
  'net.ipv6.icmp.ratemask': 128,
  'net.ipv6.ip6frag_time': 1,
};

/** Requests for neighbors are given up after 0.3 s, as nobody wants to wait for 3 s a thousand times. */
const NEIGHBORS = { retrans_time_ms: 100, locktime: 0, delay_first_probe_time: 1 };

/** No limits: what passes doesn't depend on how fast it comes. */
const POLICERS: Readonly<Record<keyof PuntPolicers, 0>> = {
  ...{
    noRoute: 0,
    glean: 0,
    local: 0,
    unresolved: 0,
    multicast: 0,
    broadcast: 0,
    linkLocal: 0,
    ttlExpired: 0,
    nonIp: 0,
  },
  ...{
    notAPort: 0,
    unsupported: 0,
    mtu: 0,
    ipOptions: 0,
    arp: 0,
    neighborDiscovery: 0,
    ospf: 0,
    isis: 0,
    bgp: 0,
    bfd: 0,
  },
  ...{ control: 0, tagged: 0, otherAddress: 0, hostPort: 0, labelTtl: 0, routerAlert: 0 },
};
const WIRE_MTU = 9000;
const QUIET_MS = 400;
/** Kernel routes that are given up waiting for are reported. */
const REST_MS = 4000;

async function quickNeighbors(router: LabNode): Promise<void> {
  for (const port of PORTS) {
    for (const family of ['ipv4', 'ipv6']) {
      const settings = Object.entries(NEIGHBORS).filter(([name]) => family === 'ipv4' || name !== 'locktime');
      await router.sysctl(
        Object.fromEntries(settings.map(([name, value]) => [`net.${family}.neigh.${portName(port)}.${name}`, value])),
      );
    }
  }
}

/** Builds it; returns when both routers have their routes. */
export async function openScene(lab: Lab): Promise<Scene> {
  const { router: ours, vasic } = await buildRouter(lab, true);
  const linux = await lab.node('linux');
  const wire = await lab.node('wire');
  await wire.sysctl({ 'net.ipv6.conf.all.disable_ipv6': 1, 'net.ipv6.conf.default.disable_ipv6': 1 });
  for (const router of [ours, linux]) await router.sysctl(SYSCTLS);
  await link(
    { node: linux, ifname: 'mgmt0', mac: ROUTER_MGMT_MAC, addresses: [`${ROUTER_MGMT}/24`] },
    { node: wire, ifname: 'mgmt0' },
  );
  for (const port of PORTS) {
    const mac = routerMac(port);
    const mtu = portMtu(port);
    const far = (side: 'ours' | 'linux') => ({ node: wire, ifname: wireName(side, port), mtu: WIRE_MTU });
    await link({ node: vasic, ifname: `p${port}`, mac, mtu }, { ...far('ours'), mac: `02:00:00:00:01:0${port}` });
    await link({ node: linux, ifname: portName(port), mac, mtu }, { ...far('linux'), mac: `02:00:00:00:02:0${port}` });
  }
  const program = wire.start('wire', [process.execPath, join(__dirname, 'wire-program.js')], { stdin: true });
  await waitForLine(program.logFile, /^ready/, 0, 10_000);
  const tell = (command: WireCommand): void => program.tell(JSON.stringify(command));
  for (const address of HOSTS) tell({ kind: 'host', address, generation: 0, announce: false });

  const settings = [
    'fpm.sweep.idle=500ms',
    'fpm.sweep.minimum=1s',
    ...Object.keys(POLICERS).map((name) => `punt.policers.${name}=0`),
  ];
  const { softvasic, bridge } = await startPrograms({ router: ours, vasic }, { ports: PORTS, settings });
  for (const router of [ours, linux]) await quickNeighbors(router);
  const daemons = ['staticd'] as const;
  const [plain, router] = await Promise.all([
    startFrr(lab, linux, { config: [...CONFIG, ''].join('\n'), daemons }),
    startFrr(lab, ours, {
      config: ['fpm address 127.0.0.1 port 2620', ...CONFIG, ''].join('\n'),
      daemons,
      zebraArgs: ['-M', 'dplane_fpm_nl', '--asic-offload=notify_on_offload'],
    }),
  ]);

  const socket = join(ours.dir, 'fpm2afi.sock');
  /** What changes while the bridge works; undefined while something is left to do. */
  const bridgeState = async (): Promise<string | undefined> => {
    for (const { process, logFile } of [softvasic, bridge]) {
      const end = process().ended();
      if (end !== undefined) throw new Error(`${logFile}: it ended, ${end.signal ?? `status ${end.status}`}`);
    }
    const { fpm, afi, fib } = await requestStatus(socket);
    const left = fib.dirty + fib.pending + afi.opsInFlight;
    if (left > 0 || fpm.state !== 'connected' || afi.state !== 'up') return undefined;
    return [fpm.updates, afi.opsSent, fib.routes, fib.offloaded, fib.unresolved].join();
  };
  const rest = async (): Promise<readonly string[]> => {
    const deadline = performance.now() + REST_MS;
    let before: string | undefined;
    for (;;) {
      await sleep(60);
      const now = await bridgeState();
      const routes = await Promise.all([kernelRoutes(linux), kernelRoutes(ours)]);
      const differences = differ(routes[0], routes[1]);
      const state = now === undefined ? undefined : [now, ...routes[1]].join('\n');
      if (state !== undefined && state === before && differences.length === 0) return [];
      if (performance.now() > deadline)
        return [...(now === undefined ? ['fpm2afi does not rest'] : []), ...differences];
      before = state;
    }
  };
  const onBoth = async (argv: readonly string[]): Promise<string | undefined> => {
    const [there, here] = await Promise.all([linux.exec(argv), ours.exec(argv)]);
    if ((there.status === 0) === (here.status === 0) || mayBeRefused(argv)) return undefined;
    const failed = there.status === 0 ? here : there;
    const who = there.status === 0 ? 'only ours' : 'only Linux';
    return `${argv.join(' ')}: ${who} refused it: ${`${failed.stderr}${failed.stdout}`.trim()}`;
  };
  let exchanges = 0;
  const scene: Scene = {
    act: async (action) => {
      switch (action.on) {
        case 'routers':
          return onBoth(action.argv);
        case 'rest':
          await rest();
          return undefined;
        case 'host':
          tell({ kind: 'host', generation: undefined, ...action });
          return undefined;
        case 'link':
          for (const side of SIDES) {
            await wire.must(['ip', 'link', 'set', wireName(side, action.port), action.up ? 'up' : 'down']);
          }
          return undefined;
      }
    },
    rest,
    leftByZebra: async (differences) => {
      const prefixes = differences.map(zebrasPrefix);
      const left = new Set<string>();
      const lost = (await Promise.all([plain, router].map(({ vtysh }) => lostSubnets(vtysh)))).flat();
      for (const [i, difference] of differences.entries()) {
        const prefix = prefixes[i];
        if (prefix === undefined) continue;
        const forgotten = difference.startsWith("only Linux's") && (await isForgotten(plain.vtysh, prefix));
        if (forgotten || leadsInto(difference, lost)) left.add(prefix);
      }
      // The other one may have a route by the default one instead.
      return differences.filter((_, i) => prefixes[i] !== undefined && left.has(prefixes[i]));
    },
    exchange: async (frames, quietMs = QUIET_MS) => {
      const answer = join(wire.dir, `answer-${exchanges++}.json`);
      tell({ kind: 'exchange', frames, quietMs, answer });
      await waitFor(() => existsSync(answer), { timeoutMs: 60_000, everyMs: 10, what: 'the wire to be quiet' });
      const heard = JSON.parse(readFileSync(answer, 'utf8')) as readonly Heard[];
      rmSync(answer);
      return heard;
    },
  };
  const ready = async (): Promise<boolean> => {
    const routes = await kernelRoutes(linux);
    return routes.some((line) => line.startsWith('2001:db8:77::')) && (await rest()).length === 0;
  };
  await waitFor(ready, { timeoutMs: 30_000, what: 'both routers to have the same routes' });
  return scene;
}

/** The kernel's routes, without what names one zebra's nexthop objects. */
async function kernelRoutes(node: LabNode): Promise<readonly string[]> {
  const [four, six] = await Promise.all([
    node.must(['ip', '-4', 'route', 'show', 'table', 'all']),
    node.must(['ip', '-6', 'route', 'show', 'table', 'all']),
  ]);
  const own = (line: string): boolean => line !== '' && !line.includes('mgmt0');
  return `${four}\n${six}`
    .replaceAll(/\n\t/g, ' ')
    .replaceAll(/ nhid \d+| expires \d+sec| (rt_)?offload(_failed)?| (rt_)?trap|(?<=weight 1) +/g, '')
    .split('\n')
    .map((line) => line.trim())
    .filter(own)
    .sort();
}

const ONLY = /^only \S+ kernel has: (.*)/;

/** The prefix of a route that only one kernel has and that zebra put there (`proto static`, or FRR's number of it). */
function zebrasPrefix(difference: string): string | undefined {
  const [, said = ''] = ONLY.exec(difference) ?? [];
  const route = /^(?:(?:blackhole|unreachable|prohibit) )?(\S+) .*\bproto (static|196)\b/.exec(said);
  if (route === null) return undefined;
  const [, text = ''] = route;
  if (text === 'default') return said.includes(':') ? '::/0' : '0.0.0.0/0';
  return text.includes('/') ? text : `${text}/${text.includes(':') ? 128 : 32}`;
}

function differ(linux: readonly string[], ours: readonly string[]): readonly string[] {
  const only = (who: string, a: readonly string[], b: readonly string[]) =>
    a.filter((line) => !b.includes(line)).map((line) => `only ${who} kernel has: ${line}`);
  return [...only("Linux's", linux, ours), ...only('our', ours, linux)];
}
