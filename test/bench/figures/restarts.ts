/**
 * What each restart costs: packets of 200 flows at 1,000 packets a second through the vASIC, flows that another neighbor
 * answers afterwards, sessions of OSPF, BGP and BFD, and AFI operations until all is as before; with 100,000 routes of BGP.
 * Only those of the bridge have a goal.
 */
import { exactly, none, type Figure } from '../../../lab/figure';
import { ospf } from '../../../lab/protocols/ospf';
import { measureRestart, startEchoes, type RestartResult } from '../../../lab/restart-measure';
import { buildRestarts } from '../../../lab/restarts-topology';
import type { Topology } from '../../../lab/topology';
import { sleep } from '../../../lab/wait';
import { errorText } from '../../../src/net/error-text';
import type { Measurement } from './measurement';

const ROUTES = 100_000;
const FLOWS = 200;
const INTERVAL_MS = 200;
const AWAY_MS = 5000;
/** For zebra's replay, bgpd's convergence and the sweep after it. */
const SETTLE_MS = 45_000;
const BFD = { intervalMs: 50, multiplier: 6 };
const KEEP_S = 60;

interface Case {
  readonly name: string;
  readonly what: string;
  /** Whether nothing may be lost. */
  readonly silent: boolean;
  /** Whether all routes come back by themselves. */
  readonly whole: boolean;
  readonly act: (topology: Topology) => Promise<void>;
  /** Before it is measured. */
  readonly prepare?: (topology: Topology) => Promise<void>;
}

const FPM_ARGS = ['-M', 'dplane_fpm_nl', '--asic-offload=notify_on_offload'];

async function restartBgpd({ routerFrr }: Topology): Promise<void> {
  await routerFrr.process('bgpd').kill('SIGTERM');
  await routerFrr.restart('bgpd');
}

const killZebra =
  (args: readonly string[]) =>
  async ({ routerFrr }: Topology): Promise<void> => {
    await routerFrr.process('zebra').kill('SIGKILL');
    await routerFrr.restart('zebra', [...FPM_ARGS, ...args]);
  };

const CASES: readonly Case[] = [
  {
    name: 'bridge.kill',
    what: 'bridge, kill -9',
    silent: true,
    whole: true,
    act: async ({ bridge }) => {
      await bridge.process().kill('SIGKILL');
      await bridge.restart();
    },
  },
  {
    name: 'bridge.stop',
    what: `bridge, stopped and started after ${AWAY_MS / 1000} s`,
    silent: true,
    whole: true,
    act: async ({ bridge }) => {
      await bridge.process().kill('SIGTERM');
      await sleep(AWAY_MS);
      await bridge.restart();
    },
  },
  {
    name: 'zebra.bgpd',
    what: 'zebra, kill -9, and bgpd, stopped',
    silent: false,
    whole: true,
    act: async (topology) => {
      await killZebra([])(topology);
      await restartBgpd(topology);
    },
  },
  {
    name: 'zebra.keep',
    what: `zebra -K ${KEEP_S}, kill -9`,
    silent: false,
    whole: false,
    act: killZebra(['-K', String(KEEP_S)]),
  },
  { name: 'zebra.kill', what: 'zebra, kill -9', silent: false, whole: false, act: killZebra([]), prepare: restartBgpd },
  {
    name: 'softvasic',
    what: 'softvasic, kill -9',
    silent: false,
    whole: true,
    prepare: restartBgpd,
    act: async ({ softvasic }) => {
      await softvasic.process().kill('SIGKILL');
      await softvasic.restart();
    },
  },
];

function figuresOf({ name, what, silent }: Case, result: RestartResult): Figure[] {
  const figure = (key: 'lost' | 'moved' | 'sessionsLost' | 'operations', words: string, unit: string): Figure => ({
    name: `restarts.${name}.${key}`,
    what: `${what}: ${words}`,
    unit,
    value: result[key],
    routes: ROUTES,
    ...(silent ? (key === 'operations' ? exactly(1, result[key]) : none(result[key])) : {}),
  });
  return [
    figure('lost', `packets lost of ${result.sent}`, 'packets'),
    figure('moved', `flows of ${FLOWS} that another neighbor answers afterwards`, 'flows'),
    figure('sessionsLost', 'sessions of OSPF, BGP and BFD lost, of 12', 'sessions'),
    figure('operations', 'AFI operations until all was as before (one is the base graph)', 'operations'),
  ];
}

/** It never became what it was before, and so nothing could be counted. */
function unsettled({ name, what }: Case): Figure {
  const words = `${what}: not as before in the end`;
  return { name: `restarts.${name}.unsettled`, what: words, unit: 'times', value: 1, routes: ROUTES, ...none(1) };
}

export const restarts: Measurement = {
  name: 'restarts',
  title: `Restarts with ${ROUTES} routes: packets, flows, sessions, operations`,
  measure: async (lab, say) => {
    const topology = await buildRestarts(lab, { ospf, routes: ROUTES, bfd: BFD });
    await startEchoes(topology);
    const figures: Figure[] = [];
    for (const one of CASES) {
      await one.prepare?.(topology);
      const routes = one.whole ? ROUTES : 0;
      const options = { routes, flows: FLOWS, intervalMs: INTERVAL_MS, settleMs: SETTLE_MS };
      try {
        const result = await measureRestart(topology, options, () => one.act(topology));
        say(`${one.what}: ${JSON.stringify(result)}`);
        figures.push(...figuresOf(one, result));
      } catch (error) {
        say(`${one.what}: ${errorText(error)}`);
        figures.push(unsettled(one));
      }
    }
    return figures;
  },
};
