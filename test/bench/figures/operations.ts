/**
 * How many AFI operations one change takes, with few routes behind it and with many: all go over one group of two paths, on
 * tap1 and tap2. The routes are the router's kernel's, which zebra takes up and sends like any other. A group that changes under
 * its id comes from a program in zebra's place: zebra itself gives every route a new id then.
 */
import { join } from 'node:path';
import type { Figure } from '../../../lab/figure';
import { buildHostsTopology, hostAddress, type HostsTopology } from '../../../lab/hosts-topology';
import type { Lab } from '../../../lab/lab';
import { tapName } from '../../../lab/plan';
import { sleep, waitFor } from '../../../lab/wait';
import { ipBatch } from './ip-batch';
import type { Measurement } from './measurement';
import { settledOperations } from './quiet';

const FEW = 10;
const MANY = 100_000;
const PORTION = 10_000;
/** The program that comes in zebra's place has none of its routes but these few. */
const FAST_SWEEP = ['fpm.sweep.idle=500ms', 'fpm.sweep.minimum=1s', 'fpm.sweep.loss=100'];
/** For the kernel to tell of a link. */
const SETTLE_MS = 3000;
const PROGRAM = join(__dirname, '..', '..', '..', 'lab', 'group-program.js');
const NEW_MAC = '32:26:0a:2e:cc:99';

/** In portions: a zebra whose netlink socket overflows never hears of the rest. */
async function addRoutes(lab: Lab, topology: HostsTopology, from: number, to: number): Promise<void> {
  const via = [1, 2].map((port) => `nexthop via ${hostAddress(port)} dev ${tapName(port)}`).join(' ');
  for (let first = from; first < to; first += PORTION) {
    const end = Math.min(to, first + PORTION);
    const lines: string[] = [];
    for (let i = first; i < end; i++)
      lines.push(`route add ${20 + (i >> 16)}.${(i >> 8) & 255}.${i & 255}.0/24 proto static ${via}`);
    await ipBatch(lab, topology.router, lines);
    await offloaded(topology, end);
  }
}

/** Waits for so many routes, and no others than a few of known neighbors. */
async function offloaded({ bridge }: HostsTopology, wanted: number): Promise<void> {
  const look = async (): Promise<boolean> => {
    const now = (await bridge.status()).fib.offloaded;
    return now >= wanted && now < wanted + FEW;
  };
  await waitFor(look, { timeoutMs: 240_000, everyMs: 500, what: `${wanted} routes offloaded` });
}

/** The operations that `act` causes. */
async function counted({ bridge }: HostsTopology, act: () => Promise<void>): Promise<number> {
  const before = await settledOperations(bridge);
  await act();
  return (await settledOperations(bridge)) - before;
}

interface Counts {
  readonly mac: number;
  readonly down: number;
  readonly up: number;
  readonly groupLess: number;
  readonly groupMore: number;
}

async function countLinks(topology: HostsTopology, mac: string): Promise<Pick<Counts, 'mac' | 'down' | 'up'>> {
  const { hosts, router } = topology;
  const macChange = await counted(topology, async () => {
    await hosts[1]!.must(['ip', 'link', 'set', 'veth', 'address', mac]);
    await hosts[1]!.exec(['ping', '-c', '1', '-W', '2', hostAddress(1, 1)]);
    await waitFor(async () => (await router.must(['fpm2afi', 'show', 'neighbors'])).includes(mac), {
      timeoutMs: 20_000,
      what: 'the new MAC in fpm2afi',
    });
  });
  const setLink = async (state: string): Promise<void> => {
    await hosts[2]!.must(['ip', 'link', 'set', 'veth', state]);
    await sleep(SETTLE_MS);
  };
  const down = await counted(topology, () => setLink('down'));
  const up = await counted(topology, () => setLink('up'));
  return { mac: macChange, down, up };
}

/** Puts a program in zebra's place, with so many routes over one group, and has it change the group. */
async function countGroup(topology: HostsTopology, routes: number): Promise<Pick<Counts, 'groupLess' | 'groupMore'>> {
  const { router } = topology;
  const hops: string[] = [];
  for (const port of [1, 2]) {
    const ifindex = await router.must(['cat', `/sys/class/net/${tapName(port)}/ifindex`]);
    hops.push(ifindex.trim(), hostAddress(port));
  }
  const program = router.start('group', [process.execPath, PROGRAM, String(routes), ...hops]);
  await offloaded(topology, routes);
  const change = (): Promise<number> =>
    counted(topology, async () => {
      process.kill(program.pid, 'SIGUSR2');
      await sleep(SETTLE_MS);
    });
  const groupLess = await change();
  const groupMore = await change();
  await program.kill('SIGTERM');
  return { groupLess, groupMore };
}

export const operations: Measurement = {
  name: 'operations',
  title: `AFI operations of one change, with ${FEW} and with ${MANY} routes behind it`,
  measure: async (lab, say) => {
    const topology = await buildHostsTopology(lab, { settings: FAST_SWEEP });
    await waitFor(async () => (await topology.bridge.status()).fib.routes >= 3, { timeoutMs: 30_000, what: 'zebra' });
    await addRoutes(lab, topology, 0, FEW);
    const fewLinks = await countLinks(topology, NEW_MAC);
    await addRoutes(lab, topology, FEW, MANY);
    const manyLinks = await countLinks(topology, NEW_MAC.replace('99', '98'));
    // Two masters would take turns.
    await topology.frr.process('zebra').kill('SIGTERM');
    const few: Counts = { ...fewLinks, ...(await countGroup(topology, FEW)) };
    const many: Counts = { ...manyLinks, ...(await countGroup(topology, MANY)) };
    say(`with ${FEW} routes: ${JSON.stringify(few)}`);
    say(`with ${MANY} routes: ${JSON.stringify(many)}`);
    const figure = (key: keyof Counts, what: string): Figure => ({
      name: `operations.${key}`,
      what: `${what}: AFI operations with ${MANY} routes behind it (samples: with ${FEW}, with ${MANY})`,
      unit: 'operations',
      value: many[key],
      samples: [few[key], many[key]],
      goal: `the same number as with ${FEW} routes`,
      met: few[key] === many[key],
    });
    return [
      figure('mac', 'a nexthop changes its MAC'),
      figure('down', "a path's link goes down"),
      figure('up', "a path's link comes back"),
      figure('groupLess', 'a group loses a path'),
      figure('groupMore', 'a group gets a path'),
    ];
  },
};
