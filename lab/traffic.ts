/** Traffic and its observation: ping, iperf3, tcpdump. */
import { at, numberAt, textAt } from './json';
import type { LabNode } from './node';
import { logLines, logMark, type Proc } from './process';
import { waitFor } from './wait';

export interface PingResult {
  readonly argv: readonly string[];
  readonly sent: number;
  readonly received: number;
  /** What ping printed. */
  readonly text: string;
}

/** Pings with small packets, five a second. `count` packets, waiting `waitS` seconds for the last answer. */
export async function ping(
  node: LabNode,
  target: string,
  options: { readonly source?: string; readonly count?: number; readonly ttl?: number; readonly waitS?: number } = {},
): Promise<PingResult> {
  const argv = ['ping', '-n', '-c', String(options.count ?? 3), '-i', '0.2', '-W', String(options.waitS ?? 1)];
  if (options.ttl !== undefined) argv.push('-t', String(options.ttl));
  if (options.source !== undefined) argv.push('-I', options.source);
  argv.push(target);
  const result = await node.exec(argv, { timeoutMs: 60_000 });
  const counts = /(\d+) packets transmitted, (\d+) received/.exec(result.stdout);
  const text = `${result.stdout}${result.stderr}`.trim();
  return { argv, sent: Number(counts?.[1] ?? 0), received: Number(counts?.[2] ?? 0), text };
}

/** The command of one ping whose packet may take so many hops. */
export function pingOnce(hops: number, source: string, target: string): string[] {
  return ['ping', '-n', '-c', '1', '-W', '2', '-t', String(hops), '-I', source, target];
}

export interface IperfResult {
  readonly argv: readonly string[];
  /** Payload bytes that reached the server. */
  readonly bytes: number;
  readonly bitsPerSecond: number;
  readonly retransmits: number;
  readonly seconds: number;
}

export interface IperfOptions {
  readonly client: LabNode;
  readonly clientAddress: string;
  readonly server: LabNode;
  readonly serverAddress: string;
  readonly seconds: number;
  /** How many TCP streams at a time; absent: one. */
  readonly streams?: number;
}

/** TCP from client to server, each bound to the address given. Throws with iperf3's own words when it fails. */
export async function iperf(options: IperfOptions): Promise<IperfResult> {
  const server = options.server.start('iperf3', ['iperf3', '-s', '-1', '-B', options.serverAddress]);
  try {
    const listening = async () =>
      server.ended() !== undefined || /:5201\s/.test(await options.server.must(['ss', '-ltn']));
    await waitFor(listening, { timeoutMs: 5_000, everyMs: 50, what: `iperf3's server on ${options.server.name}` });
    if (server.ended() !== undefined) {
      throw new Error(`iperf3's server ended at once: ${logLines(server.logFile).at(-1) ?? 'it said nothing'}`);
    }
    const argv = [
      'iperf3',
      '-c',
      options.serverAddress,
      '-B',
      options.clientAddress,
      '-t',
      String(options.seconds),
      '-J',
      ...(options.streams === undefined ? [] : ['-P', String(options.streams)]),
    ];
    argv.push('--connect-timeout', '5000');
    const done = await options.client.exec(argv, { timeoutMs: (options.seconds + 20) * 1000 });
    let report: unknown;
    try {
      report = JSON.parse(done.stdout) as unknown;
    } catch {
      throw new Error(`iperf3 printed no report (status ${done.status}): ${done.stderr.trim()}`);
    }
    const failure = textAt(report, 'error');
    if (failure !== '') throw new Error(`iperf3: ${failure}`);
    return {
      argv,
      bytes: numberAt(report, 'end', 'sum_received', 'bytes') ?? 0,
      bitsPerSecond: numberAt(report, 'end', 'sum_received', 'bits_per_second') ?? 0,
      retransmits: numberAt(report, 'end', 'sum_sent', 'retransmits') ?? 0,
      seconds: numberAt(at(report, 'end', 'sum_received'), 'seconds') ?? 0,
    };
  } finally {
    await server.kill('SIGKILL');
  }
}

export interface Capture {
  readonly argv: readonly string[];
  /** Ends the capture; one line for each packet, as tcpdump prints it (-n -l, and -t without times, -tt with). */
  readonly stop: () => Promise<readonly string[]>;
}

/**
 * The longest packet that tcpdump takes, and so the size of each slot of its ring. With its own default of 256 KiB there are no more than seven
 * slots, and what comes while they are full is lost.
 */
export const SLOTS = ['-s', '2048'];

/** Starts tcpdump on an interface and returns once it listens. With `times` each line begins with its Unix time in seconds. */
export async function capture(
  node: LabNode,
  ifname: string,
  filter: readonly string[] = [],
  { times = false } = {},
): Promise<Capture> {
  const argv = ['tcpdump', '-i', ifname, '-n', '-l', times ? '-tt' : '-t', '--immediate-mode', ...SLOTS, ...filter];
  const name = `tcpdump-${ifname}`;
  const mark = logMark(node.logFile(name));
  const started: Proc = node.start(name, argv);
  await waitFor(() => logLines(started.logFile, mark).some((line) => line.startsWith('listening on')), {
    timeoutMs: 10_000,
    everyMs: 20,
    what: `tcpdump on ${ifname} of ${node.name}`,
  });
  return {
    argv,
    stop: async () => {
      await started.kill('SIGINT');
      return logLines(started.logFile, mark).filter(
        (line) => !/^(tcpdump: |listening on|\d+ packets? |Warning: )/.test(line) && line.trim() !== '',
      );
    },
  };
}
