/**
 * The BPF program in the kernel and the memory shared with it: loading it, the heap and the globals (layout.ts), counters, ports and
 * the hooks they hang on, and test runs. What is in the heap is not its business.
 *
 * More heap or more counters take another instance of the program, whose maps have other sizes: it gets a copy of the heap, shares the
 * globals, and takes the old one's place at each port between two packets.
 *
 * With a Legacy a port that an earlier softvasic left with its program on it keeps that, and so goes on forwarding by that one's tables,
 * until `takeOver`.
 *
 * Owner: the dataplane thread.
 */
import { setElement, testRun } from '../../sys/bpf';
import { BpfObject, type LoadRequest } from '../../sys/bpf-object';
import { close } from '../../sys/libc';
import { MappedMemory } from '../../sys/mapped-memory';
import { CounterMemory, possibleCpus, type Count } from './counters';
import { EarlierCounts } from './earlier-counts';
import { adoptedHook, hang, type Hook, type PortMode } from './hooks';
import * as layout from './layout';
import { LeftPorts } from './left-ports';
import type { Legacy } from './legacy';
import { NextProgram } from './next-program';
import { COUNTERS_OF_PORT, FIRST_SLOW_COUNTER, firstCounterOf, portAt, PortTable, type PortFacts } from './port-table';
import { readObject } from './program-file';

export interface ForwarderOptions {
  readonly ports: number;
  /** Words that the heap starts with and may grow to; rounded up to chunks. */
  readonly heapWords: number;
  readonly maxHeapWords: number;
  /** Counters for nodes, beside those of ports. */
  readonly counters: number;
  /** Where what hangs on ports is named, so that it outlives this process; absent: it doesn't. */
  readonly legacy?: Legacy;
  /** Whether it is to outlive this process; else what an earlier one left is taken off. */
  readonly keeps?: boolean;
}

/** What became of a frame in a test run. */
export interface Trial {
  readonly outcome: 'sent' | 'discarded' | 'slow';
  /** For `sent`: the output port. */
  readonly port: number;
  /** For `slow`: one of layout.REASON_NAMES. */
  readonly reason: string;
  /** The frame as it is afterwards. */
  readonly frame: Buffer;
  /** Nanoseconds of one run, on average. */
  readonly nanoseconds: number;
}

/** A port that didn't take the new program, or can't be named for a successor. */
export interface TakeOverFault {
  readonly port: number;
  readonly what: 'refused' | 'unnamed';
  readonly error: unknown;
}

const NAME = 'softvasic';
const PROGRAMS: Readonly<Record<PortMode, string>> = {
  xdp: 'forward_xdp',
  'xdp-generic': 'forward_xdp',
  tc: 'forward_tc',
};
const WORD = 4;
const CHUNK_BYTES = layout.CHUNK_WORDS * WORD;
const OUTCOMES: Readonly<Record<number, Trial['outcome']>> = {
  [layout.VERDICT_SENT]: 'sent',
  [layout.VERDICT_DISCARDED]: 'discarded',
  [layout.VERDICT_SLOW]: 'slow',
};

function chunksOf(words: number): number {
  return Math.max(1, Math.ceil(words / layout.CHUNK_WORDS));
}

export class Forwarder {
  /** Replaced when the heap grows, with the same contents; arrays from before see the new heap's beginning. */
  heap: Uint32Array;
  readonly globals: Uint32Array;
  /** The first number that a node's counter may have. */
  readonly firstCounter: number;
  private readonly object = readObject();
  private readonly cpus = possibleCpus();
  private readonly heapMemory: MappedMemory;
  private readonly globalsMemory = new MappedMemory(layout.GLOBAL_WORDS * WORD);
  private readonly counters: CounterMemory;
  private readonly maxChunks: number;
  private readonly hooks = new Map<number, Hook>();
  private readonly ports: PortTable;
  private readonly legacy: Legacy | undefined;
  private readonly keeps: boolean;
  /** Ports that still have their predecessor's program. */
  private readonly left = new LeftPorts();
  private readonly earlier = new EarlierCounts(this.cpus, COUNTERS_OF_PORT);
  /** tc's program, and XDP's once a port uses it: the verifier takes its time for each, and nothing is forwarded in TypeScript meanwhile. */
  private readonly wanted = new Set([PROGRAMS.tc]);
  private program: BpfObject;
  /** An instance with a larger heap, which shares this one's counters. */
  private readonly next = new NextProgram();

  /** @throws Error with cause and remedy: not built, no libbpf, no permission, the verifier's words */
  constructor(options: ForwarderOptions) {
    this.legacy = options.legacy;
    this.keeps = options.keeps ?? false;
    this.firstCounter = firstCounterOf(options.ports);
    this.maxChunks = chunksOf(options.maxHeapWords);
    const chunks = chunksOf(options.heapWords);
    const total = this.firstCounter + options.counters;
    this.program = this.load(chunks, total);
    this.heapMemory = new MappedMemory(this.maxChunks * CHUNK_BYTES);
    this.heap = new Uint32Array(this.heapMemory.place(this.program.mapFd('heap'), chunks * CHUNK_BYTES));
    const globals = this.globalsMemory.place(this.program.mapFd('.bss'), layout.GLOBAL_WORDS * WORD);
    this.globals = new Uint32Array(globals);
    this.globals[layout.GLOBAL_LAYOUT] = layout.LAYOUT_VERSION;
    this.counters = new CounterMemory(this.cpus);
    this.counters.add(this.program.mapFd('counters'), total);
    this.ports = new PortTable(this.globals, options.ports);
  }

  /** Words that the heap may grow to. */
  get maxHeapWords(): number {
    return this.maxChunks * layout.CHUNK_WORDS;
  }

  /** The number after the last counter. */
  get counterEnd(): number {
    return this.counters.numbers;
  }

  /**
   * Makes the heap at least so large, twice as large as it was where there is room. False: that is more than its maximum.
   * @throws Error when the kernel has no memory for it; everything is as before then
   */
  growHeap(words: number): boolean {
    const needed = chunksOf(words);
    if (needed <= this.chunks) return true;
    if (needed > this.maxChunks) return false;
    const chunks = this.chunksNext(needed);
    const next =
      this.next.take(chunks) ?? BpfObject.load(this.request(chunks, this.counters.numbers, '.bss', 'counters'));
    try {
      this.copyHeap(next.mapFd('heap'));
    } catch (error) {
      next.close();
      throw error;
    }
    this.succeed(next);
    this.heap = new Uint32Array(this.heapMemory.place(next.mapFd('heap'), chunks * CHUNK_BYTES));
    return true;
  }

  /** By the kernel: a mapping of the other's would take longer than the copying, as each of its pages is touched for the first time. */
  private copyHeap(to: number): void {
    for (let chunk = 0; chunk < this.chunks; chunk++) {
      const at = chunk * layout.CHUNK_WORDS;
      setElement(to, chunk, this.heap.subarray(at, at + layout.CHUNK_WORDS));
    }
  }

  /** The heap is soon to grow: what that takes is made ready meanwhile. */
  prepareHeap(): void {
    const chunks = this.chunksNext(1);
    if (this.next.isUnderWay || chunks === this.chunks) return;
    const request = this.request(chunks, this.counters.numbers, '.bss', 'counters');
    this.next.start(request, { name: 'heap', values: chunks, bytes: CHUNK_BYTES });
  }

  /** Whether that is still being made ready: the heap would grow only after a wait. */
  get isPreparingHeap(): boolean {
    return this.next.isLoading;
  }

  /** What is ready and wasn't needed for long gives its memory back. @param now milliseconds, monotonic */
  tick(now: number): void {
    this.next.tick(now);
  }

  private get chunks(): number {
    return this.heap.length / layout.CHUNK_WORDS;
  }

  /** That it grows to next: twofold, or as many as needed. */
  private chunksNext(needed: number): number {
    return Math.min(this.maxChunks, Math.max(needed, 2 * this.chunks));
  }

  /** Makes room for twice as many counters. The heap is copied for it. @throws Error when the kernel has no memory for it */
  growCounters(): void {
    const total = 2 * this.counters.numbers;
    const next = this.load(this.chunks, total, '.bss', 'heap');
    const counters = next.mapFd('counters');
    this.succeed(next);
    this.counters.add(counters, total);
    for (const [port, { by }] of this.hooks)
      if (this.keeps && by !== 'clsact' && !this.left.has(port))
        this.legacy?.keepCounters(this.ports.ifindexOf(port), by, next.mapFd('counters'));
  }

  /** Into `out`. */
  readCounter(number: number, out: Count): void {
    this.counters.read(number, out);
  }

  /** What the kernel counted at a port: packets received and dealt with, sent, discarded. */
  portCounts(port: number): { readonly received: Count; readonly sent: Count; readonly discarded: Count } {
    return { received: this.count(port, 0), sent: this.count(port, 1), discarded: this.count(port, 2) };
  }

  /** Reason → packets of a port that were left to the TypeScript engine; those that occurred. */
  slowCounts(port: number): Record<string, number> {
    const result: Record<string, number> = {};
    layout.REASON_NAMES.forEach((name, reason) => {
      const { packets } = this.count(port, FIRST_SLOW_COUNTER + reason);
      if (packets > 0) result[name] = packets;
    });
    return result;
  }

  /** Tells the program what a port is like now, and those of earlier ones whose tables are in force. */
  setPort(port: number, facts: PortFacts): void {
    this.ports.setFacts(port, facts);
    this.tellLeft(port);
  }

  /**
   * Hangs the program on a port's interface. `slowIfindex`: where packets for the TypeScript engine go, for `tc`.
   * @param isolated see hang()
   * @throws Error when the interface doesn't take it; the port is as before then
   */
  attach(port: number, ifindex: number, mode: PortMode, slowIfindex: number, isolated: boolean): Hook {
    this.detach(port);
    this.ports.give(port, ifindex, mode, slowIfindex);
    try {
      // Before what an earlier one left: takeOver() of several ports is not to end at one for which there is no program.
      const program = this.programFd(mode);
      const left = this.inherit(port, ifindex, mode, slowIfindex);
      const hook = left ?? hang(program, ifindex, mode, isolated);
      this.hooks.set(port, hook);
      if (left === undefined) this.keep(hook, ifindex);
      return hook;
    } catch (error) {
      if (this.hooks.has(port)) this.detach(port);
      else this.ports.take(port);
      throw error;
    }
  }

  /** Takes the program off a port's interface, whether that is still there or not. */
  detach(port: number): void {
    const hook = this.hooks.get(port);
    if (hook === undefined) return;
    this.hooks.delete(port);
    this.earlier.settle(port);
    this.left.remove(port, this.ports.ifindexOf(port));
    if (hook.by !== 'clsact') this.legacy?.forget(this.ports.ifindexOf(port), hook.by);
    hook.remove();
    this.ports.take(port);
  }

  // ---- predecessors and successors --------------------------------------------------------------------------------

  /** How many ports forward by the tables of an earlier softvasic. */
  get leftPorts(): number {
    return this.left.size;
  }

  /** Whether a port forwards by the tables of an earlier softvasic. */
  isLeft(port: number): boolean {
    return this.left.has(port);
  }

  /** Takes off what an earlier softvasic left on an interface that no program of this one hangs on. */
  takeOff(ifindex: number): void {
    this.legacy?.takeOff(ifindex);
  }

  /** Earlier tables send by a port as it is now. */
  private tellLeft(port: number): void {
    const at = portAt(port);
    const [mtu, flags] = [this.globals[at + layout.PORT_MTU]!, this.globals[at + layout.PORT_FLAGS]!];
    this.left.tell(this.ports.ifindexOf(port), mtu, flags);
  }

  /** The program that hangs on the interface goes on, and leaves packets to this process; undefined: there is none of that kind. */
  private inherit(port: number, ifindex: number, mode: PortMode, slowIfindex: number): Hook | undefined {
    const left = this.legacy?.find(ifindex);
    if (left === undefined) return undefined;
    const hook = adoptedHook(left.link, left.point);
    const { globals, counters } = left;
    if (!this.keeps || hook.mode !== mode || globals === undefined) {
      this.legacy!.forget(ifindex, left.point);
      left.release();
      hook.remove();
      return undefined;
    }
    for (const first of this.left.add(port, { ...left, globals }, ifindex, slowIfindex))
      if (counters !== undefined) this.earlier.watch(port, counters, first);
    // Where nothing was said of the port yet, that follows.
    if (this.globals[portAt(port) + layout.PORT_MTU] !== 0) this.tellLeft(port);
    return hook;
  }

  private keep(hook: Hook, ifindex: number): void {
    if (this.keeps && hook.link !== undefined && hook.by !== 'clsact')
      this.legacy?.keep(ifindex, hook.by, {
        link: hook.link,
        globals: this.program.mapFd('.bss'),
        counters: this.program.mapFd('counters'),
      });
  }

  /**
   * This process' tables are complete: its program takes the place of what earlier ones left, between two packets each, and their
   * tables end, at ports that this process hasn't got as well. A port whose hook refuses has nothing on it then.
   * @returns the ports where it didn't go well
   */
  takeOver(): readonly TakeOverFault[] {
    const faults = this.left.ports().flatMap((port) => this.replaceLeft(port) ?? []);
    // Now, as each port's program counts what it sends at the others.
    for (const port of this.left.ports()) this.earlier.settle(port);
    this.left.end();
    for (const { port, what } of faults) if (what === 'refused') this.detach(port);
    this.legacy?.sweep();
    return faults;
  }

  private replaceLeft(port: number): TakeOverFault | undefined {
    const hook = this.hooks.get(port)!;
    try {
      if (!hook.replace(this.programFd(hook.mode))) return undefined;
    } catch (error) {
      return { port, what: 'refused', error };
    }
    try {
      this.keep(hook, this.ports.ifindexOf(port));
      return undefined;
    } catch (error) {
      return { port, what: 'unnamed', error };
    }
  }

  /** Nothing is forwarded later than this (layout.ts: GLOBAL_DEADLINE), by what earlier ones left neither. */
  setDeadline(deadline: number): void {
    this.globals[layout.GLOBAL_DEADLINE] = deadline;
    this.left.setDeadline(deadline);
  }

  hookOf(port: number): Hook | undefined {
    return this.hooks.get(port);
  }

  /** What the program would do with a frame received on a port; it counts it, and sends nothing. The port needs no interface. */
  testRun(mode: PortMode, port: number, frame: Uint8Array, repeat = 1): Trial {
    const program = this.programFd(mode);
    this.globals[layout.GLOBAL_TEST_PORT] = port + 1;
    const run = testRun(program, frame, repeat);
    this.globals[layout.GLOBAL_TEST_PORT] = 0;
    return {
      outcome: OUTCOMES[this.globals[layout.GLOBAL_TEST_VERDICT]!]!,
      port: this.globals[layout.GLOBAL_TEST_OUT_PORT]!,
      reason: layout.REASON_NAMES[this.globals[layout.GLOBAL_TEST_REASON]!]!,
      frame: run.frame,
      nanoseconds: run.nanoseconds,
    };
  }

  /** How many entries the sandbox has, for a successor to know. */
  setEntries(entries: number): void {
    this.globals[layout.GLOBAL_ENTRIES] = entries;
  }

  /** The most entries of an earlier softvasic whose tables are in force. */
  get leftEntries(): number {
    return this.left.entries;
  }

  /**
   * The program's descriptor, for test runs by another thread as well; valid until the heap or the counters grow, or the first use of another mode.
   * @throws Error when the kernel doesn't take the program for this mode
   */
  programFd(mode: PortMode): number {
    const name = PROGRAMS[mode];
    if (!this.wanted.has(name)) {
      this.wanted.add(name);
      try {
        this.succeed(this.load(this.chunks, this.counters.numbers, '.bss', 'heap', 'counters'));
      } catch (error) {
        this.wanted.delete(name);
        throw error;
      }
    }
    return this.program.programFd(name);
  }

  /** `leave`: what hangs on ports by names stays there, and forwards by these tables. */
  close(leave = false): void {
    for (const [port, hook] of [...this.hooks]) {
      if (leave && hook.link !== undefined) close(hook.link);
      else this.detach(port);
    }
    this.next.drop();
    this.program.close();
    this.counters.release();
    this.earlier.close();
    this.globalsMemory.release();
    this.heapMemory.release();
  }

  /** An instance with so much room, in place of one that was made ready; the named maps are the present instance's. */
  private load(chunks: number, counters: number, ...shared: readonly string[]): BpfObject {
    // It would have other counters, or lack a program; and what it shares may go.
    this.next.drop();
    return BpfObject.load(this.request(chunks, counters, ...shared));
  }

  private request(chunks: number, counters: number, ...shared: readonly string[]): LoadRequest {
    const config = Buffer.alloc(8);
    config.writeUInt32LE(counters, 0);
    config.writeUInt32LE(process.arch === 'x64' ? 0 : 1, 4);
    const share = (map: string): { readonly shared?: number } =>
      shared.includes(map) ? { shared: this.program.mapFd(map) } : {};
    const maps = {
      '.rodata.config': { contents: config },
      '.bss': share('.bss'),
      heap: shared.includes('heap') ? share('heap') : { entries: chunks },
      counters: shared.includes('counters') ? share('counters') : { entries: counters * this.cpus },
    };
    return { name: NAME, bytes: this.object, programs: [...this.wanted], maps };
  }

  /** The next instance takes over at all ports. @throws Error; the next one is closed then, and the present one stays at all */
  private succeed(next: BpfObject): void {
    const done: Hook[] = [];
    try {
      for (const [port, hook] of this.hooks) {
        if (this.left.has(port)) continue;
        hook.replace(next.programFd(PROGRAMS[hook.mode]));
        done.push(hook);
      }
    } catch (error) {
      for (const hook of done) hook.replace(this.program.programFd(PROGRAMS[hook.mode]));
      next.close();
      throw error;
    }
    this.program.close();
    this.program = next;
  }

  private count(port: number, index: number): Count {
    const out = { packets: 0, bytes: 0 };
    this.counters.read(firstCounterOf(port) + index, out);
    this.earlier.addTo(out, port, index);
    return out;
  }
}
