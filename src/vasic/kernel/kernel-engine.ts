/**
 * The kernel engine of a softvasic: the program and its memory, the compiled copy of the sandbox's graph in that, and its ends at the
 * ports. Whether there is one is decided at the start, for the life of the process.
 *
 * Owner: the dataplane thread.
 */
import type { AftPortEngine } from '../../aft/model';
import { errorText } from '../../net/error-text';
import type { Logger } from '../../observe/log';
import type { FastPath } from '../engine/fast-path';
import { deadlineIn } from './deadline';
import { Forwarder, type TakeOverFault } from './forwarder';
import { forwarderTables } from './forwarder-tables';
import type { PortMode } from './hooks';
import { createFastPath } from './image';
import { KernelPort } from './kernel-port';
import { Legacy } from './legacy';
import { clearPorts } from './predecessors';

/** `auto`: the kernel, as far as it can; `kernel`: that, or no start; `engine`: TypeScript alone. */
export type EngineChoice = 'auto' | 'kernel' | 'engine';

/** Cloneable. */
export interface EngineOptions {
  readonly choice: EngineChoice;
  /** Bytes that the tables may grow to. */
  readonly maxBytes: number;
  /** By interface, where one was asked for. */
  readonly modes: Readonly<Record<string, PortMode>>;
  /** Linux is kept off the ports by softvasic. */
  readonly isolated: boolean;
  /** Seconds that the kernel goes on forwarding after the end of this process; 0: it stops with it. */
  readonly keepSeconds: number;
  /** A BPF file system, where what goes on is named. */
  readonly bpfFs: string;
}

/** 8 MiB, of which half are left when more is made ready: that takes as long as some ten thousand routes. */
const FIRST_WORDS = 1 << 21;
/** For nodes: neighbors, above all. */
const FIRST_COUNTERS = 4096;
const WORD = 4;
/** How often the deadline is put off. */
const BEAT_MS = 1000;
/** Tables that have as many entries as the earlier ones, or nearly so, and didn't change for so long, are complete. */
const SETTLED_MS = 500;
const NEARLY = 0.95;
/** Hosts that aren't found again at once, where tables are small. */
const FEW_ENTRIES = 8;
/** So are those with fewer, as routes may have gone meanwhile: after longer, as whoever fills them may be held up. */
const SETTLED_SMALLER_MS = 10_000;

/** What a port of the TypeScript engine alone is shown as. */
const ALONE = { name: 'engine', hook: 'AF_PACKET', packets: 0, slow: [] } as const;

export class KernelEngine {
  readonly ports: readonly KernelPort[];
  private readonly keepSeconds: number;
  private beatAt = 0;
  /** Until when earlier tables count at most; undefined: there are none, or it isn't known yet. */
  private takeOverBy: number | undefined;
  private path: FastPath | undefined;
  private changes = 0;
  private changedAt = 0;

  private constructor(
    private readonly forwarder: Forwarder,
    private readonly names: readonly string[],
    { choice, modes, isolated, keepSeconds }: EngineOptions,
    private readonly log: Logger,
  ) {
    const required = choice === 'kernel';
    this.keepSeconds = keepSeconds;
    // Before anything has a name: without a deadline it would go on for ever.
    if (keepSeconds > 0) forwarder.setDeadline(deadlineIn(keepSeconds));
    this.ports = names.map(
      (name, port) => new KernelPort(forwarder, { port, name, mode: modes[name], required, isolated, log }),
    );
  }

  /**
   * Loads the program, where that is wanted, and says in a line what forwards from now on. What an earlier softvasic left on the ports
   * is taken off, unless it is to go on for a while.
   * @returns undefined: the TypeScript engine alone
   * @throws Error with the remedy when `kernel` was asked for and can't be had
   */
  static start(names: readonly string[], options: EngineOptions, log: Logger): KernelEngine | undefined {
    const isWanted = options.choice !== 'engine';
    const legacy = isWanted ? legacyOf(options, log) : namesOf(options.bpfFs);
    const keepSeconds = legacy?.keeps === true ? options.keepSeconds : 0;
    const forwarder = isWanted ? load(names.length, { ...options, keepSeconds }, legacy, log) : undefined;
    if (!isWanted) log.info('the TypeScript engine forwards (--engine engine)');
    clearPorts(names, { legacy, inherits: forwarder !== undefined && keepSeconds > 0 }, log);
    legacy?.sweep();
    return forwarder && new KernelEngine(forwarder, names, { ...options, keepSeconds }, log);
  }

  /** For a new sandbox; the former one is closed. */
  fastPath(): FastPath {
    const tables = forwarderTables(this.forwarder, (reason) => this.log.error(reason, { code: 'vasic-kernel-tables' }));
    const path = createFastPath(tables, this.ports.length);
    this.path = path;
    return {
      ...path,
      taker: (port, frame) => {
        if (this.ports[port]!.hook === undefined) return { by: 'engine', reason: 'notAttached' };
        return this.forwarder.isLeft(port) ? { by: 'kernel', reason: 'earlierTables' } : path.taker(port, frame);
      },
    };
  }

  /** Whether changes of the tables had better wait a little (FastPath.isMakingRoom). */
  get isMakingRoom(): boolean {
    return this.path?.isMakingRoom() === true;
  }

  /** Who forwards what is received at a port. */
  facts(port: number): AftPortEngine {
    const { hook } = this.ports[port]!;
    const { received } = this.forwarder.portCounts(port);
    const slow = Object.entries(this.forwarder.slowCounts(port)).map(([reason, packets]) => ({ reason, packets }));
    return {
      name: hook === undefined ? 'engine' : 'kernel',
      hook: hook ?? ALONE.hook,
      packets: received.packets,
      slow,
    };
  }

  /** Whether the kernel is to go on after the end of this process. */
  get keeps(): boolean {
    return this.keepSeconds > 0;
  }

  /**
   * What time brings: the deadline is put off, and an earlier softvasic's tables are left once this one's are complete.
   * @param now milliseconds, monotonic
   * @param changes how many operations this one's tables have seen
   * @param entries how many entries they have
   */
  tick(now: number, changes: number, entries: () => number): void {
    this.forwarder.tick(now);
    if (!this.keeps) return;
    if (now >= this.beatAt) {
      this.beatAt = now + BEAT_MS;
      this.forwarder.setDeadline(deadlineIn(this.keepSeconds));
      this.forwarder.setEntries(entries());
    }
    if (this.forwarder.leftPorts > 0) this.awaitTables(now, changes, entries);
  }

  private awaitTables(now: number, changes: number, entries: () => number): void {
    if (this.takeOverBy === undefined) {
      this.takeOverBy = now + this.keepSeconds * 1000;
      this.log.info('an earlier softvasic left its tables in the kernel: they count until the new ones are complete', {
        ports: this.forwarder.leftPorts,
      });
    }
    if (changes !== this.changes) {
      this.changes = changes;
      this.changedAt = now;
    }
    const settled = changes > 0 ? now - this.changedAt : 0;
    const complete = settled >= SETTLED_SMALLER_MS || (settled >= SETTLED_MS && entries() >= this.enoughEntries());
    if (!complete && now < this.takeOverBy) return;
    if (!complete)
      this.log.warn(`the tables weren't filled within ${this.keepSeconds} s: the earlier ones end`, {
        code: 'vasic-takeover-late',
      });
    for (const fault of this.forwarder.takeOver()) this.complain(fault);
    this.takeOverBy = undefined;
    this.log.info('the kernel forwards by the new tables', { operations: changes });
  }

  private complain({ port, what, error }: TakeOverFault): void {
    const name = this.names[port]!;
    if (what === 'refused')
      this.log.warn(`port ${name} refused the new tables (${errorText(error)}): it is down until it is attached anew`, {
        code: 'vasic-port-slow',
      });
    else
      this.log.warn(`port ${name}: the kernel forwards nothing after the end of softvasic: ${errorText(error)}`, {
        code: 'vasic-not-kept',
      });
  }

  private enoughEntries(): number {
    const { leftEntries } = this.forwarder;
    return Math.min(NEARLY * leftEntries, leftEntries - FEW_ENTRIES);
  }

  /** Before ports are closed: with keepSeconds their programs stay. */
  leave(): void {
    if (this.keeps) for (const port of this.ports) port.leave();
  }

  close(): void {
    if (!this.keeps) for (const port of this.ports) port.detach();
    this.forwarder.close(this.keeps);
  }
}

/** @returns undefined: there is none here. @throws Error when `kernel` was asked for */
function load(ports: number, options: EngineOptions, legacy: Legacy | undefined, log: Logger): Forwarder | undefined {
  try {
    const maxHeapWords = Math.floor(options.maxBytes / WORD);
    const heapWords = Math.min(FIRST_WORDS, maxHeapWords);
    const forwarder = new Forwarder({
      ...{ ports, heapWords, maxHeapWords, counters: FIRST_COUNTERS },
      ...(legacy && { legacy, keeps: options.keepSeconds > 0 }),
    });
    log.info('the kernel forwards what it can, the TypeScript engine the rest');
    return forwarder;
  } catch (error) {
    if (options.choice === 'kernel') {
      throw new Error(`no kernel engine: ${errorText(error)}; --engine auto forwards without it`, { cause: error });
    }
    log.warn(`the TypeScript engine forwards, as there is no kernel engine: ${errorText(error)}`, {
      code: 'vasic-no-kernel-engine',
    });
    return undefined;
  }
}

/** Where there is anything to keep, and a file system for it. */
function legacyOf({ keepSeconds, bpfFs }: EngineOptions, log: Logger): Legacy | undefined {
  if (keepSeconds === 0) return namesOf(bpfFs);
  try {
    return new Legacy(bpfFs, true);
  } catch (error) {
    log.warn(`the kernel forwards nothing after the end of softvasic (--keep-forwarding): ${errorText(error)}`, {
      code: 'vasic-not-kept',
    });
    return namesOf(bpfFs);
  }
}

/** What earlier ones left under names; undefined: they left nothing, or this process may not see it. */
function namesOf(bpfFs: string): Legacy | undefined {
  try {
    return new Legacy(bpfFs, false);
  } catch {
    return undefined;
  }
}

/** As facts(), where there may be no kernel engine. */
export function engineOf(kernel: KernelEngine | undefined, port: number): AftPortEngine {
  return kernel === undefined ? ALONE : kernel.facts(port);
}
