/**
 * The two engines side by side: a sandbox of the TypeScript engine alone, and one whose graph is compiled for the kernel's program
 * as well. Both get the same operations and frames. What the program would do is asked of decide(), and where a kernel is at hand of
 * the program itself (Judge).
 *
 * A frame that the program takes has to come out as the engine sends it, byte by byte and at the same port, or to be dropped by a discard
 * node there. One that it leaves to the engine has to be as it was, and goes through the second sandbox; so in the end all counters of
 * both have to be equal.
 */
import type { AftOperation } from '../../../src/aft/model';
import { sumBytes, write16, write32 } from '../../../src/net/checksum';
import type { Sandbox } from '../../../src/vasic/engine/api';
import { packetOf } from '../../../src/vasic/engine/packet';
import { createSandbox } from '../../../src/vasic/engine/sandbox/sandbox';
import { decide, type Decision, type KernelWords } from '../../../src/vasic/kernel/decide';
import { createFastPath, type KernelTables } from '../../../src/vasic/kernel/image';
import { createMemoryPort, type MemoryPort } from '../../bed/memory-port';
import type { Random } from '../random';
import { makeFrame, type TestFrame } from './frames';
import { MACS, PORTS, type GraphPlan, type Shape } from './graph-parts';
import { makeGraph } from './graphs';

/** What became of a frame in the program. */
export interface Judgement {
  readonly outcome: 'sent' | 'discarded' | 'slow';
  readonly port: number;
  readonly reason: string;
  readonly frame: Uint8Array;
}

/** Asks the program. */
export interface Judge {
  readonly name: string;
  /** Undefined: the kernel would not run it on such a frame. */
  judge(port: number, frame: Uint8Array): Judgement | undefined;
}

export interface Finding {
  readonly seed: number;
  readonly graph: number;
  readonly shape: Shape;
  readonly what: string;
  readonly detail: object;
}

/** How many frames went which way, by shape. */
export type Ways = Record<Shape, { frames: number; sent: number; discarded: number; slow: number }>;

export interface CompareResult {
  graphs: number;
  frames: number;
  /** Frames that leave with new labels in the program, and those without some that they had. */
  labelled: number;
  unlabelled: number;
  /** Frames that the program was run on. */
  judged: number;
  operations: number;
  refused: number;
  readonly ways: Ways;
  /** Reason → frames left to the engine. */
  readonly reasons: Record<string, number>;
  readonly findings: Finding[];
}

interface Outcome {
  readonly kind: 'sent' | 'punted' | 'dropped';
  readonly port: number;
  readonly frame: Uint8Array;
}

/** A sandbox on memory ports. */
class Bed {
  readonly ports: MemoryPort[];
  readonly sandbox: Sandbox;
  private punted: Outcome | undefined;

  constructor(fast: ReturnType<typeof createFastPath> | undefined) {
    this.ports = MACS.map((mac, port) =>
      createMemoryPort({ name: `p${port}`, mac, mtu: [1500, 1400, 9000, 600][port]! }),
    );
    const host = {
      punt: (_box: number, port: number, _reason: number, frame: Buffer, offset: number, length: number): void => {
        this.punted = { kind: 'punted', port, frame: Uint8Array.from(frame.subarray(offset, offset + length)) };
      },
    };
    const own = { id: 1, engine: 'trio', name: 'green', instance: '1', ports: this.ports, host, now: () => 0 };
    this.sandbox = createSandbox(fast === undefined ? own : { ...own, fastPath: fast });
  }

  receive({ port, frame }: TestFrame): Outcome {
    this.punted = undefined;
    this.sandbox.receive(port, packetOf(frame));
    const out = this.ports.findIndex(({ sent }) => sent.length > 0);
    if (out >= 0) return { kind: 'sent', port: out, frame: this.ports[out]!.sent.pop()!.frame };
    return this.punted ?? { kind: 'dropped', port, frame };
  }

  /** All that it counted, a line each. */
  counts(tokens: readonly number[]): string[] {
    const { inputPorts, outputPorts } = this.sandbox.info();
    const all: readonly object[] = [...inputPorts, ...outputPorts, ...this.sandbox.nodeInfo(tokens)];
    const drops = Object.entries(this.sandbox.drops()).sort(([a], [b]) => (a < b ? -1 : 1));
    return [...all, ...drops].map((one) => JSON.stringify(one));
  }
}

/** Where ports are told to the program. */
export type SetPort = (port: number, facts: { mtu: number; up: boolean }) => void;

export interface CompareOptions {
  readonly tables: KernelTables;
  readonly words: () => KernelWords;
  readonly setPort: SetPort;
  readonly judge?: Judge;
  /** Frames for a graph. */
  readonly frames: number;
}

const ROUNDS = 4;
const MAX_FINDINGS = 20;

export function newResult(): CompareResult {
  const way = (): Ways[Shape] => ({ frames: 0, sent: 0, discarded: 0, slow: 0 });
  const ways = { fpm2afi: way(), plain: way(), odd: way() };
  return {
    graphs: 0,
    frames: 0,
    labelled: 0,
    unlabelled: 0,
    judged: 0,
    operations: 0,
    refused: 0,
    ways,
    reasons: {},
    findings: [],
  };
}

/** Plays one graph; what was found is added to the result. */
export function compareGraph(random: Random, seed: number, options: CompareOptions, result: CompareResult): void {
  const graph = result.graphs++;
  const plan = makeGraph(random);
  const alone = new Bed(undefined);
  const both = new Bed(createFastPath(options.tables, PORTS));
  const find = (what: string, detail: object): void => {
    if (result.findings.length < MAX_FINDINGS) result.findings.push({ seed, graph, shape: plan.shape, what, detail });
  };
  const tokens = new Set<number>();
  const apply = (operation: AftOperation): void => {
    if (operation.kind === 'insert') for (const { token } of operation.insert.nodes) tokens.add(token);
    const [first, second] = [alone.sandbox.apply(operation), both.sandbox.apply(operation)];
    result.operations++;
    if (first !== undefined) result.refused++;
    if (JSON.stringify(first) !== JSON.stringify(second)) find('one sandbox refused it', { first, second });
  };
  for (const operation of plan.operations) apply(operation);
  for (let round = 0; round < ROUNDS; round++) {
    alone.ports.forEach((port, i) => {
      port.up = both.ports[i]!.up = random.below(8) !== 0;
      options.setPort(i, port);
    });
    for (let i = 0; i < options.frames / ROUNDS; i++)
      playFrame(makeFrame(random, plan.prefixes), plan, options, { alone, both, find, result });
    for (let i = random.below(4); i >= 0; i--) apply(plan.change());
  }
  const list = [...tokens];
  const [first, second] = [alone.counts(list), both.counts(list)];
  if (options.judge !== undefined) {
    const unequal = first.filter((line, i) => line !== second[i]);
    if (unequal.length > 0 || first.length !== second.length)
      find('counters differ', { alone: unequal, both: second.filter((line, i) => line !== first[i]) });
  }
  both.sandbox.close();
}

interface Playing {
  readonly alone: Bed;
  readonly both: Bed;
  readonly find: (what: string, detail: object) => void;
  readonly result: CompareResult;
}

function playFrame(
  test: TestFrame,
  { shape }: GraphPlan,
  options: CompareOptions,
  { alone, both, find, result }: Playing,
): void {
  const { port, frame } = test;
  const decision = decide(options.words(), port, frame);
  const hex = (bytes: Uint8Array): string => Buffer.from(bytes.subarray(0, 200)).toString('hex');
  const outcome = alone.receive(test);
  const ways = result.ways[shape];
  result.frames++;
  ways.frames++;
  ways[decision.verdict]++;
  if (decision.verdict === 'sent' && decision.labels.length > 0) result.labelled++;
  if (decision.verdict === 'sent' && decision.popped > 0) result.unlabelled++;
  if (decision.verdict === 'slow') result.reasons[decision.reason] = (result.reasons[decision.reason] ?? 0) + 1;
  const expected = expectation(decision, test);
  const about = { port, frame: hex(frame), decision, outcome: { ...outcome, frame: hex(outcome.frame) } };
  if (expected.outcome === 'sent') {
    if (
      outcome.kind !== 'sent' ||
      outcome.port !== expected.port ||
      Buffer.compare(outcome.frame, expected.frame) !== 0
    )
      find('decide() sends otherwise than the engine', { ...about, expected: hex(expected.frame) });
  } else if (expected.outcome === 'discarded' && outcome.kind !== 'dropped') find('decide() discards', about);
  // It counts what it takes: so there can be only one that is asked.
  const judgement = options.judge?.judge(port, frame);
  if (judgement !== undefined) {
    result.judged++;
    const same =
      judgement.outcome === expected.outcome &&
      (expected.outcome !== 'sent' || judgement.port === expected.port) &&
      (expected.outcome !== 'slow' || judgement.reason === expected.reason);
    const unlike = Buffer.compare(judgement.frame, expected.frame) !== 0;
    if (!same || unlike)
      find(`${options.judge!.name} does otherwise than decide()`, {
        ...about,
        judgement: { ...judgement, frame: hex(judgement.frame) },
      });
  }
  if (decision.verdict === 'slow' || judgement === undefined) both.receive(test);
}

/** What the frame has to be after what was decided. */
function expectation(decision: Decision, { frame }: TestFrame): Judgement {
  const unchanged = { port: 0, reason: '', frame };
  switch (decision.verdict) {
    case 'slow':
      return { ...unchanged, outcome: 'slow', reason: decision.reason };
    case 'discarded':
      return { ...unchanged, outcome: 'discarded' };
    case 'sent': {
      const { labels, length, macs, port, popped, hops } = decision;
      const ip = 14 + 4 * labels.length;
      const from = 14 + 4 * popped;
      const sent = new Uint8Array(length);
      sent.set(macs);
      write16(sent, 12, decision.type);
      labels.forEach((entry, i) => write32(sent, 14 + 4 * i, entry));
      sent.set(frame.subarray(from, from + length - ip), ip);
      if (hops === undefined) return { outcome: 'sent', port, reason: '', frame: sent };
      if (sent[ip]! >> 4 === 6) sent[ip + 7] = hops;
      else {
        sent[ip + 8] = hops;
        write16(sent, ip + 10, 0);
        write16(sent, ip + 10, ~sumBytes(sent, ip, ip + 20) & 0xffff);
      }
      return { outcome: 'sent', port, reason: '', frame: sent };
    }
  }
}
