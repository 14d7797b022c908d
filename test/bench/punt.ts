/**
 * Punt: a neighbor's pings to the router's own address, through softvasic, hostpath and TAP. `ping` runs with a real-time priority, so that
 * its own waking on a busy machine is no part of the round trip.
 */
import { atMost, hundredth, none, type Figure } from '../../lab/figure';
import { percentile } from './statistics';
import { PUNT_NEIGHBOR, PUNT_ROUTER, type BenchTopology } from './topology';

/** Seconds between two pings. */
const INTERVAL = '0.01';
const GOAL_MS = 5;

/** Gives the neighbor an address of its own; before the first `pings`. */
export async function preparePings({ neighbors }: BenchTopology): Promise<void> {
  await neighbors.must(['ip', 'address', 'add', `${PUNT_NEIGHBOR.address}/16`, 'dev', PUNT_NEIGHBOR.interface]);
}

/** Round trips in milliseconds of those answered. */
export async function pings({ neighbors }: BenchTopology, count: number): Promise<number[]> {
  const argv = ['chrt', '--rr', '1', 'ping', '-n', '-c', String(count), '-i', INTERVAL, '-W', '2', PUNT_ROUTER.address];
  const { stdout } = await neighbors.exec(argv, { timeoutMs: 120_000 });
  return [...stdout.matchAll(/time=([\d.]+) ms/g)].map((match) => Number(match[1]));
}

/** The figures of one series; `goal`: this is the series that a goal is set for. */
export function puntFigures(
  name: string,
  when: string,
  times: readonly number[],
  { sent, routes, goal }: { readonly sent: number; readonly routes: number; readonly goal: boolean },
): Figure[] {
  const figure = (share: number, label: string): Figure => {
    const value = hundredth(percentile(times, share));
    return {
      name: `${name}.${label}`,
      what: `punt round trip ${when}, ${label} of ${sent}`,
      unit: 'ms',
      value,
      routes,
    };
  };
  const p99 = figure(0.99, 'p99');
  const lost = sent - times.length;
  return [
    figure(0.5, 'p50'),
    goal ? { ...p99, ...atMost(GOAL_MS, 'ms', p99.value) } : p99,
    figure(1, 'max'),
    {
      name: `${name}.lost`,
      what: `pings without an answer, of ${sent}`,
      unit: 'packets',
      value: lost,
      routes,
      ...(goal ? none(lost) : {}),
    },
  ];
}
