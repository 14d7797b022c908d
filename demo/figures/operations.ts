/**
 * How many AFI operations one change takes, with few routes behind it and with many: all go over one group of two legs, on
 * tap1 and tap2. The routes are the router's kernel's, which zebra takes up and sends like any other.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Figure } from '../lab/figure';
import { buildHostsTopology, hostAddress, type HostsTopology } from '../lab/hosts-topology';
import type { Lab } from '../lab/lab';
import { tapName } from '../lab/plan';
import { sleep, waitFor } from '../lab/wait';
import type { Measurement } from './measurement';
import { settledOperations } from './quiet';

const FEW = 10;
const MANY = 20_000;
const NEW_MAC = '32:26:0a:2e:cc:99';

async function addRoutes(lab: Lab, topology: HostsTopology, from: number, to: number): Promise<void> {
  const file = join(lab.logDir, `routes-${to}.batch`);
  const via = [1, 2].map((port) => `nexthop via ${hostAddress(port)} dev ${tapName(port)}`).join(' ');
  const lines: string[] = [];
  for (let i = from; i < to; i++) lines.push(`route add 20.${i >> 8}.${i & 255}.0/24 proto static ${via}`);
  writeFileSync(file, `${lines.join('\n')}\n`);
  await topology.router.must(['ip', '-batch', file], { timeoutMs: 60_000 });
  const wanted = to;
  await waitFor(async () => (await topology.bridge.status()).fib.offloaded >= wanted, {
    timeoutMs: 120_000,
    everyMs: 500,
    what: `${wanted} routes offloaded`,
  });
}

interface Counts {
  readonly mac: number;
  readonly down: number;
  readonly up: number;
}

async function countAll(topology: HostsTopology, mac: string): Promise<Counts> {
  const { hosts, bridge } = topology;
  const counted = async (act: () => Promise<void>): Promise<number> => {
    const before = await settledOperations(bridge);
    await act();
    return (await settledOperations(bridge)) - before;
  };
  const macChange = await counted(async () => {
    await hosts[1]!.must(['ip', 'link', 'set', 'veth', 'address', mac]);
    await hosts[1]!.exec(['ping', '-c', '1', '-W', '2', '10.1.1.1']);
    await waitFor(async () => (await bridge.routes()).some((route) => route.nexthops.some((leg) => leg.mac === mac)), {
      timeoutMs: 20_000,
      what: 'the new MAC in fpm2afi',
    });
  });
  const down = await counted(async () => {
    await hosts[2]!.must(['ip', 'link', 'set', 'veth', 'down']);
    await sleep(3000);
  });
  const up = await counted(async () => {
    await hosts[2]!.must(['ip', 'link', 'set', 'veth', 'up']);
    await sleep(3000);
  });
  return { mac: macChange, down, up };
}

export const operations: Measurement = {
  name: 'operations',
  title: `AFI operations of one change, with ${FEW} and with ${MANY} routes behind it`,
  measure: async (lab, say) => {
    const topology = await buildHostsTopology(lab);
    await waitFor(async () => (await topology.bridge.status()).fib.routes >= 3, { timeoutMs: 30_000, what: 'zebra' });
    await addRoutes(lab, topology, 0, FEW);
    const few = await countAll(topology, NEW_MAC);
    say(`with ${FEW} routes: ${JSON.stringify(few)}`);
    await addRoutes(lab, topology, FEW, MANY);
    const many = await countAll(topology, NEW_MAC.replace('99', '98'));
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
      figure('down', "a leg's link goes down"),
      figure('up', "a leg's link comes back"),
    ];
  },
};
