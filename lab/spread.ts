/** How a vASIC spreads very many flows over paths: raw packets in by one port, and the MAC addresses they come out with. */
import { join } from 'node:path';
import type { LabNode } from './node';
import { logLines, logMark, waitForLine } from './process';
import { sleep } from './wait';

const PROGRAM = join(__dirname, 'spread-program.js');
/** Packets a second: few enough for a machine that has other work as well. */
const RATE = 20_000;
/** More than the packets under way need. */
const LINGER_MS = 300;

/** What `spread-program watch` prints. */
export interface SpreadReport {
  /** Hardware addresses of the paths seen. */
  readonly paths: readonly string[];
  /** By the flow's number: the index of its path; -1: no packet of it came. */
  readonly flows: readonly number[];
}

/** By the flow's number: its path's MAC; undefined: not seen. */
export type Spread = readonly (string | undefined)[];

export interface SpreadOptions {
  /** Sends into the vASIC's port with this MAC. */
  readonly sender: LabNode;
  readonly portMac: string;
  /** Is behind the port that leads to all paths. */
  readonly receiver: LabNode;
  readonly source: string;
  /** Any address of a prefix of at most 112 bits (IPv4: 16): the last 16 bits differ from flow to flow. */
  readonly destination: string;
  readonly flows: number;
}

/** Sends one packet of each flow and says which path it took. Nodes' interfaces are called veth. */
export async function measureSpread(options: SpreadOptions): Promise<Spread> {
  const { sender, portMac, receiver, source, destination, flows } = options;
  const mark = logMark(receiver.logFile('spread'));
  const family = destination.includes(':') ? '6' : '4';
  const watching = receiver.start('spread', [process.execPath, PROGRAM, 'watch', 'veth', family, String(flows)]);
  await waitForLine(watching.logFile, /^ready/, mark, 10_000);
  await sender.must(
    [process.execPath, PROGRAM, 'send', 'veth', portMac, source, destination, String(flows), String(RATE)],
    { timeoutMs: 20_000 + (flows * 1000 * 3) / RATE },
  );
  await sleep(LINGER_MS);
  await watching.kill('SIGTERM');
  const line = logLines(watching.logFile, mark).find((one) => one.startsWith('{'));
  if (line === undefined) throw new Error(`no report of the flows: see ${watching.logFile}`);
  const report = JSON.parse(line) as SpreadReport;
  return report.flows.map((path) => report.paths[path]);
}

export interface Distribution {
  /** Flows that were seen. */
  readonly flows: number;
  /** Paths that carry flows. */
  readonly paths: number;
  /** Of the path whose share differs most from its weight's: by how many percent of that. */
  readonly worstPercent: number;
  /** Flows that took a path not in `weights`. */
  readonly strays: number;
}

/** Compares a spread with the weights of the paths, by MAC. */
export function distributionOf(spread: Spread, weights: ReadonlyMap<string, number>): Distribution {
  const counts = new Map<string, number>();
  for (const path of spread) if (path !== undefined) counts.set(path, (counts.get(path) ?? 0) + 1);
  const flows = [...counts.values()].reduce((sum, count) => sum + count, 0);
  const total = [...weights.values()].reduce((sum, weight) => sum + weight, 0);
  const errors = [...weights].map(([path, weight]) => {
    const due = (flows * weight) / total;
    return (Math.abs((counts.get(path) ?? 0) - due) / due) * 100;
  });
  const strays = [...counts].reduce((sum, [path, count]) => sum + (weights.has(path) ? 0 : count), 0);
  return { flows, paths: counts.size, worstPercent: Math.max(...errors), strays };
}

export interface Moves {
  /** Percent of all flows seen both times that changed their path. */
  readonly percent: number;
  /** Of these, how many neither left nor joined `path`. */
  readonly needless: number;
}

/** What moved between two spreads when `path` (a MAC) left or came. */
export function movesOf(before: Spread, after: Spread, path: string): Moves {
  const both = before.flatMap((was, flow) => {
    const is = after[flow];
    return was === undefined || is === undefined ? [] : [{ was, is }];
  });
  const moved = both.filter(({ was, is }) => was !== is);
  return {
    percent: (moved.length / both.length) * 100,
    needless: moved.filter(({ was, is }) => was !== path && is !== path).length,
  };
}
