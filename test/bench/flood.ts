/**
 * Floods of 64-byte UDP packets through a crossing, made and counted in the kernel: a sender in user space does a few hundred thousand
 * packets a second and hides whatever is faster. The kernel carries a frame from the generator as far as it can within the generator's own
 * call, so what forwards in the kernel has the rest of one core, and what a packet costs there is the time that a flood takes
 * longer than one straight into the sink, in turn with it. What forwards in user space has the other core.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Lab } from '../../lab/lab';
import { link, type LabNode } from '../../lab/node';
import { portMac, portName } from '../../lab/plan';
import { logLines, logMark, type Proc } from '../../lab/process';
import { sleep, waitFor } from '../../lab/wait';
import { arrived, buildHosts, gatewayAt, HOST_PORT, polls, SENDER_MAC, type Crossing } from './crossing';
import type { GeneratorReport } from './generator';
import type { LabelCase } from './labelled';
import { neighborMac } from './topology';

/** For what is still under way when the generator ends. */
const SETTLE_MS = 300;

/** What is sent, and for how long: packets to destinations all over a table of so many routes, or with labels. */
export interface Flow {
  readonly routes: number;
  readonly family: 4 | 6;
  readonly seconds: number;
  readonly labels?: LabelCase;
}

export interface Flood {
  /** Packets that reached the receiver, in thousands a second. */
  readonly kpps: number;
  readonly sentKpps: number;
  readonly lost: number;
  /**
   * The generator's core's time by packet delivered, in nanoseconds: sending it, receiving it, and what forwards in the kernel. Not the time for which
   * another program had the core.
   */
  readonly coreNs: number;
  /** CPU time of the process that forwards, by packet delivered; NaN where the kernel does. */
  readonly processNs: number;
}

/** What a flood goes through. */
export type FloodPath = Pick<Crossing, 'sender' | 'receiver' | 'pid'>;

/** Nanoseconds for forwarding a packet alone. @param straight a flood straight into a sink, in turn with the other */
export function ownNs(through: Flood, straight: Flood): number {
  return through.coreNs - straight.coreNs;
}

/** Nanoseconds that all threads of a process have run; NaN without one. */
function cpuNs(pid: number | undefined): number {
  if (pid === undefined) return NaN;
  const tasks = `/proc/${pid}/task`;
  return readdirSync(tasks)
    .map((task) => Number(readFileSync(join(tasks, task, 'schedstat'), 'utf8').split(' ')[0]))
    .reduce((sum, ns) => sum + ns, 0);
}

/** Hangs a program of packet-program.js on an interface; returns when it is there. */
async function hang(node: LabNode, argv: readonly string[]): Promise<Proc> {
  const [program = ''] = argv;
  const mark = logMark(node.logFile(program));
  const running = node.start(program, [process.execPath, join(__dirname, 'packet-program.js'), ...argv]);
  await waitFor(() => running.ended() !== undefined || logLines(running.logFile, mark).includes('ready'), {
    timeoutMs: 10_000,
    what: `${program} on ${node.name}`,
  });
  if (running.ended() !== undefined) {
    throw new Error(`${program} ended: ${logLines(running.logFile, mark).join(' / ')}`);
  }
  return running;
}

async function withSink<T>(node: LabNode, ifname: string, work: () => Promise<T>): Promise<T> {
  const sink = await hang(node, ['sink', ifname]);
  try {
    return await work();
  } finally {
    await sink.kill('SIGTERM');
  }
}

/**
 * The first core that this process may use. Where the generator moves to another, the interfaces' work stays behind on the old one for a while; the
 * two run side by side then, the faster one fills the ring between them, and up to a fifth of the packets is lost that way, by Linux as well.
 */
function firstCore(): string {
  const allowed = /^Cpus_allowed_list:\s*(\d+)/m.exec(readFileSync('/proc/self/status', 'utf8'));
  return allowed?.[1] ?? '0';
}

async function generate(node: LabNode, flow: Flow): Promise<GeneratorReport> {
  const numbers = [flow.family, flow.routes, flow.seconds].map(String);
  const program = ['taskset', '-c', firstCore(), process.execPath, join(__dirname, 'generator.js')];
  const argv = [...program, HOST_PORT, portMac(1), ...numbers];
  if (flow.labels !== undefined) argv.push(flow.labels);
  return JSON.parse(await node.must(argv, { timeoutMs: 60_000 })) as GeneratorReport;
}

/** Floods a crossing, or what has nothing between the two hosts. */
export function flood(path: FloodPath, flow: Flow): Promise<Flood> {
  return withSink(path.receiver, HOST_PORT, async () => {
    const before = await arrived(path);
    const cpuBefore = cpuNs(path.pid());
    const { sent, ms, waitedMs } = await generate(path.sender, flow);
    await sleep(SETTLE_MS);
    const delivered = (await arrived(path)) - before;
    return {
      kpps: delivered / ms,
      sentKpps: sent / ms,
      lost: Math.max(0, sent - delivered),
      coreNs: ((ms - waitedMs) * 1e6) / delivered,
      processNs: (cpuNs(path.pid()) - cpuBefore) / delivered,
    };
  });
}

/** Two hosts with nothing between them: what the generator and the sink can do. */
export async function buildStraight(lab: Lab): Promise<FloodPath> {
  const sender = await lab.node('straighttx');
  const receiver = await lab.node('straightrx');
  await link({ node: sender, ifname: HOST_PORT }, { node: receiver, ifname: HOST_PORT });
  return { sender, receiver, pid: () => undefined };
}

/**
 * Two hosts with a program between them that sends on whatever comes, as it is: what takes the least time in softvasic's place. By Linux it is the most
 * that can be seen here.
 */
export async function buildWire(lab: Lab): Promise<FloodPath> {
  const middle = await lab.node('wire');
  const hosts = await buildHosts(lab, 'wire', middle);
  await hang(middle, ['wire', portName(1), portName(0)]);
  return { ...hosts, pid: () => undefined };
}

/** The same by tc, and both ways, so that the hosts can talk: each takes the other for its gateway. */
export async function buildWireTc(lab: Lab): Promise<FloodPath> {
  const middle = await lab.node('wiretc');
  const { sender, receiver } = await buildHosts(lab, 'wiretc', middle);
  await polls(middle);
  await hang(middle, ['wire_tc', portName(1), portName(0)]);
  await hang(middle, ['wire_tc', portName(0), portName(1)]);
  const forever = ['dev', HOST_PORT, 'nud', 'permanent'];
  await sender.must(['ip', 'neigh', 'replace', gatewayAt(1), 'lladdr', neighborMac(0), ...forever]);
  await receiver.must(['ip', 'neigh', 'replace', gatewayAt(0), 'lladdr', SENDER_MAC, ...forever]);
  return { sender, receiver, pid: () => undefined };
}
