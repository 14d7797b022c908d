/** Streams of many UDP flows with answers, to see who answers which flow and how long none does. */
import { join } from 'node:path';
import type { LabNode } from './node';
import { logLines, logMark, waitForLine, type Proc } from './process';

/** One flow. Times are Unix milliseconds at which packets were sent. */
export interface FlowReport {
  /** Its source port. */
  readonly port: number;
  readonly sent: number;
  /** Who answered from when to when, in order. */
  readonly answers: readonly {
    readonly by: string;
    readonly firstMs: number;
    readonly lastMs: number;
    readonly packets: number;
  }[];
  /** Packets without an answer, one after the other; the duration is up to the next answered one. */
  readonly gaps: readonly { readonly fromMs: number; readonly durationMs: number; readonly packets: number }[];
}

export interface FlowsReport {
  readonly intervalMs: number;
  readonly flows: readonly FlowReport[];
}

const PROGRAM = join(__dirname, 'flows-program.js');
export const FLOWS_PORT = 5301;

/** Answers datagrams to `address` on a node, naming itself by the node's name (up to 8 characters). */
export async function startEcho(node: LabNode, address: string): Promise<Proc> {
  const argv = [process.execPath, PROGRAM, 'echo', address, String(FLOWS_PORT), node.name];
  const mark = logMark(node.logFile('echo'));
  const started = node.start('echo', argv);
  await waitForLine(started.logFile, /^ready/, mark, 10_000);
  return started;
}

export interface FlowsOptions {
  readonly node: LabNode;
  readonly source: string;
  readonly target: string;
  readonly flows: number;
  /** Between two packets of one flow. */
  readonly intervalMs: number;
}

export interface RunningFlows {
  readonly argv: readonly string[];
  readonly stop: () => Promise<FlowsReport>;
}

/** Starts the flows; they run until stopped. */
export async function startFlows({ node, source, target, flows, intervalMs }: FlowsOptions): Promise<RunningFlows> {
  const argv = [
    ...[process.execPath, PROGRAM, 'send', source, target],
    ...[String(FLOWS_PORT), String(flows), String(intervalMs)],
  ];
  const mark = logMark(node.logFile('flows'));
  const started = node.start('flows', argv);
  await waitForLine(started.logFile, /^ready/, mark, 10_000);
  return {
    argv,
    stop: async () => {
      await started.kill('SIGTERM');
      const line = logLines(started.logFile, mark).find((one) => one.startsWith('{'));
      if (line === undefined) throw new Error(`the flows printed no report: see ${started.logFile}`);
      return JSON.parse(line) as FlowsReport;
    },
  };
}

export interface Failover {
  /** Flows that the failed one answered just before. */
  readonly moved: number;
  /** The others. */
  readonly stayed: number;
  /** Of the others, those that somebody else answered, or that lost packets, afterwards. */
  readonly disturbed: number;
  /** Moved flows that nobody answers any more. */
  readonly lost: number;
  /** Packets without an answer in moved flows. */
  readonly packetsLost: number;
  /** Over the moved flows: packets lost × interval. */
  readonly worstMs: number;
  readonly meanMs: number;
}

/** What became of the flows when `failed` went away at `atMs`. Gaps before that, or beginning long after it, don't count. */
export function failoverOf(report: FlowsReport, failed: string, atMs: number, untilMs: number): Failover {
  const counts = { moved: 0, stayed: 0, disturbed: 0, lost: 0, packetsLost: 0, worstMs: 0 };
  for (const { answers, gaps } of report.flows) {
    const before = answers.filter((run) => run.firstMs < atMs).at(-1)?.by;
    const after = answers.filter((run) => run.lastMs > atMs && run.firstMs < untilMs);
    const relevant = gaps.filter(
      (gap) => gap.fromMs + gap.durationMs > atMs && gap.fromMs > atMs - 2 * report.intervalMs && gap.fromMs < untilMs,
    );
    if (before !== failed) {
      counts.stayed++;
      if (relevant.length > 0 || after.some((run) => run.by !== before)) counts.disturbed++;
      continue;
    }
    counts.moved++;
    const lost = relevant.reduce((sum, gap) => sum + gap.packets, 0);
    counts.packetsLost += lost;
    counts.worstMs = Math.max(counts.worstMs, lost * report.intervalMs);
    if (!after.some((run) => run.by !== failed)) counts.lost++;
  }
  const meanMs = counts.moved === 0 ? 0 : (counts.packetsLost * report.intervalMs) / counts.moved;
  return { ...counts, meanMs };
}

/** How many flows each one answered in [fromMs, toMs]. */
export function sharesOf(report: FlowsReport, fromMs: number, toMs: number): ReadonlyMap<string, number> {
  const shares = new Map<string, number>();
  for (const { answers } of report.flows) {
    const run = answers.find((one) => one.lastMs >= fromMs && one.firstMs <= toMs);
    if (run !== undefined) shares.set(run.by, (shares.get(run.by) ?? 0) + 1);
  }
  return shares;
}
