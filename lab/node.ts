/**
 * A node of the lab: one network namespace, with the commands that run in it. Nothing here changes the namespace of the
 * machine itself: interfaces are made inside the namespaces they belong to.
 */
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execute, must, type ExecOptions, type ExecResult } from './exec';
import { items, numberAt, textAt } from './json';
import { startProcess, type Proc, type ProcessOptions } from './process';
import { runDir } from './state';
import { LAB_VARIABLE } from './sweep';

export interface LabNode {
  /** The node's short name, e.g. `router`. */
  readonly name: string;
  /** The namespace's name, e.g. `f2a-demo-router`. */
  readonly netns: string;
  /** Its own folder for sockets and configuration files. */
  readonly dir: string;
  /** Runs a command in the namespace and waits for its end. */
  readonly exec: (argv: readonly string[], options?: ExecOptions) => Promise<ExecResult>;
  /** The same; throws unless it succeeds. Returns standard output. */
  readonly must: (argv: readonly string[], options?: ExecOptions) => Promise<string>;
  /** Starts a long-running process; its log is NODE-NAME.log in the lab's log folder. */
  readonly start: (name: string, argv: readonly string[], options?: ProcessOptions) => Proc;
  /** Where `start` writes what the process of that name prints. */
  readonly logFile: (name: string) => string;
  /** Makes `name` a command of this node: a shell script found first in its PATH. */
  readonly command: (name: string, script: string) => void;
  /** Sets sysctls (names with dots). */
  readonly sysctl: (settings: Readonly<Record<string, string | number>>) => Promise<void>;
}

/** What the lab tells a node about itself. */
export interface NodeContext {
  readonly labId: string;
  readonly logDir: string;
  /** Told of every process started. */
  readonly onStart: (process: Proc) => void;
}

/** The namespace of a node. */
export function netnsName(labId: string, node: string): string {
  return `f2a-${labId}-${node}`;
}

/** Makes the namespace with its loopback up. Its name must be in the lab's state already. */
export async function createNode(name: string, context: NodeContext): Promise<LabNode> {
  const netns = netnsName(context.labId, name);
  const dir = join(runDir(context.labId), name);
  const bin = join(dir, 'bin');
  mkdirSync(bin, { recursive: true });
  const env = { ...process.env, PATH: `${bin}:${process.env.PATH ?? ''}`, [LAB_VARIABLE]: context.labId };
  const inside = (argv: readonly string[]) => ['ip', 'netns', 'exec', netns, ...argv];
  await must(['ip', 'netns', 'add', netns]);
  await must(['ip', '-n', netns, 'link', 'set', 'lo', 'up']);
  const logFile = (what: string) => join(context.logDir, `${name}-${what}.log`);
  const node: LabNode = {
    name,
    logFile,
    netns,
    dir,
    exec: (argv, options) => execute(inside(argv), { ...options, env }),
    must: (argv, options) => must(inside(argv), { ...options, env }),
    start: (what, argv, options) => {
      const started = startProcess(what, inside(argv), logFile(what), env, options);
      context.onStart(started);
      return started;
    },
    command: (what, script) => {
      const file = join(bin, what);
      writeFileSync(file, `#!/bin/sh\n${script}\n`);
      chmodSync(file, 0o755);
    },
    sysctl: async (settings) => {
      for (const [key, value] of Object.entries(settings)) {
        const file = `/proc/sys/${key.replaceAll('.', '/')}`;
        await must(inside(['sh', '-c', 'echo "$1" >"$0"', file, String(value)]));
      }
    },
  };
  return node;
}

/** One end of a link. */
export interface LinkEnd {
  readonly node: LabNode;
  readonly ifname: string;
  /** Colon notation; absent: the kernel's choice. */
  readonly mac?: string;
  readonly mtu?: number;
  /** With prefix length. */
  readonly addresses?: readonly string[];
}

/** A veth pair between two nodes (or twice the same), both ends up. */
export async function link(a: LinkEnd, b: LinkEnd): Promise<void> {
  const mac = (end: LinkEnd) => (end.mac === undefined ? [] : ['address', end.mac]);
  await must([
    ...['ip', '-n', a.node.netns, 'link', 'add', a.ifname, ...mac(a), 'type', 'veth'],
    ...['peer', 'name', b.ifname, ...mac(b), 'netns', b.node.netns],
  ]);
  for (const end of [a, b]) {
    if (end.mtu !== undefined) {
      await must(['ip', '-n', end.node.netns, 'link', 'set', end.ifname, 'mtu', String(end.mtu)]);
    }
    for (const address of end.addresses ?? []) {
      await must(['ip', '-n', end.node.netns, 'address', 'add', address, 'dev', end.ifname]);
    }
    await must(['ip', '-n', end.node.netns, 'link', 'set', end.ifname, 'up']);
  }
}

export interface LinkCounters {
  readonly rxPackets: number;
  readonly rxBytes: number;
  readonly txPackets: number;
  readonly txBytes: number;
}

/** An interface's counters as `ip -s -j link` shows them. */
export async function linkCounters(node: LabNode, ifname: string): Promise<LinkCounters> {
  const shown = JSON.parse(await node.must(['ip', '-s', '-j', 'link', 'show', 'dev', ifname])) as unknown;
  const counter = (direction: string, what: string) => numberAt(shown, 0, 'stats64', direction, what) ?? 0;
  return {
    rxPackets: counter('rx', 'packets'),
    rxBytes: counter('rx', 'bytes'),
    txPackets: counter('tx', 'packets'),
    txBytes: counter('tx', 'bytes'),
  };
}

/** The names of a node's interfaces. */
export async function linkNames(node: LabNode): Promise<readonly string[]> {
  const shown = JSON.parse(await node.must(['ip', '-j', 'link', 'show'])) as unknown;
  return items(shown).map((entry) => textAt(entry, 'ifname'));
}

/** Packets that the namespace's own stack forwarded, IPv4 or IPv6. */
export async function forwardedPackets(node: LabNode, family: 4 | 6): Promise<number> {
  if (family === 4) return ipCounter(node, 'ForwDatagrams');
  const found = /^Ip6OutForwDatagrams\s+(\d+)$/m.exec(await node.must(['cat', '/proc/net/snmp6']));
  if (found === null) throw new Error(`/proc/net/snmp6 in ${node.netns} has no Ip6OutForwDatagrams`);
  return Number(found[1]);
}

/** A counter of the namespace's own IPv4 stack from /proc/net/snmp, e.g. `ForwDatagrams`. */
export async function ipCounter(node: LabNode, name: string): Promise<number> {
  const lines = (await node.must(['cat', '/proc/net/snmp'])).split('\n').filter((line) => line.startsWith('Ip: '));
  const column = (lines[0] ?? '').split(' ').indexOf(name);
  const value = Number((lines[1] ?? '').split(' ')[column]);
  if (column < 0 || !Number.isFinite(value)) throw new Error(`/proc/net/snmp in ${node.netns} has no Ip ${name}`);
  return value;
}
