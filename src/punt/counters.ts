/**
 * The punt worker's counters: one array of doubles in shared memory, written by the worker alone and read by the owner at
 * any time, so that reading them costs the worker nothing. Doubles count exactly to 2^53.
 *
 * Layout: general drops, then 256 punt reasons, then a block per port in the order of the configuration.
 */

/** Why a punted datagram or an injected frame was dropped, where that is no matter of one port. */
export const PUNT_DROPS = [
  /** Not from `punt.vasic`. */
  'foreignSender',
  /** Too short for the header, wrong version or wrong length. */
  'malformedHeader',
  /** An inject datagram sent to us. */
  'wrongDirection',
  'unknownSandbox',
  'unknownPort',
  /** The frame in it is shorter than an Ethernet header. */
  'shortFrame',
] as const;
export type PuntDrop = (typeof PUNT_DROPS)[number];

/** Why a packet of one port was dropped. */
export const PORT_DROPS = [
  /** Punted, but the TAP is administratively down. */
  'tapDown',
  /** Punted, but the TAP's queue is full. */
  'tapFull',
  'tapError',
  /** To inject, but the UDP socket is full or refused it. */
  'socketFull',
  /** To inject, but longer than a hostpath datagram can be. */
  'tooLong',
] as const;
export type PortDrop = (typeof PORT_DROPS)[number];

const REASONS = 256;
const PORT_FIELDS = ['punted', 'puntedBytes', 'injected', 'injectedBytes', ...PORT_DROPS] as const;
export type PortField = (typeof PORT_FIELDS)[number];

export interface PuntPortCounters {
  readonly index: number;
  readonly tap: string;
  /** vASIC → TAP, frames and their bytes. */
  readonly punted: number;
  readonly puntedBytes: number;
  /** TAP → vASIC. */
  readonly injected: number;
  readonly injectedBytes: number;
  readonly drops: Readonly<Record<PortDrop, number>>;
}

export interface PuntCounters {
  readonly ports: readonly PuntPortCounters[];
  /** Frames given to a TAP, by the reason in their header; reasons that occurred, ascending. */
  readonly reasons: readonly { readonly reason: number; readonly packets: number }[];
  readonly drops: Readonly<Record<PuntDrop, number>>;
  /** How often the worker died and was started again. */
  readonly restarts: number;
}

/** The shared array; owner and worker each make one over the same memory. */
export class CounterTable {
  private readonly cells: Float64Array;

  constructor(readonly memory: SharedArrayBuffer) {
    this.cells = new Float64Array(memory);
  }

  static create(ports: number): CounterTable {
    return new CounterTable(new SharedArrayBuffer(8 * (PUNT_DROPS.length + REASONS + ports * PORT_FIELDS.length)));
  }

  /** A table for other ports, with what this one counted: `from` has for each of them its slot here, or -1 for a new one. */
  copyFor(from: readonly number[]): CounterTable {
    const copy = CounterTable.create(from.length);
    const general = PUNT_DROPS.length + REASONS;
    copy.cells.set(this.cells.subarray(0, general));
    from.forEach((slot, to) => {
      if (slot < 0) return;
      const at = this.portCell(slot, PORT_FIELDS[0]);
      copy.cells.set(this.cells.subarray(at, at + PORT_FIELDS.length), copy.portCell(to, PORT_FIELDS[0]));
    });
    return copy;
  }

  drop(cause: PuntDrop): void {
    this.cells[PUNT_DROPS.indexOf(cause)]! += 1;
  }

  reason(reason: number): void {
    this.cells[PUNT_DROPS.length + reason]! += 1;
  }

  /** `slot`: the port's position in the configuration. */
  port(slot: number, field: PortField, amount = 1): void {
    this.cells[this.portCell(slot, field)]! += amount;
  }

  snapshot(ports: readonly { readonly index: number; readonly tap: string }[], restarts: number): PuntCounters {
    const read = (slot: number, field: PortField): number => this.cells[this.portCell(slot, field)]!;
    const reasons: { reason: number; packets: number }[] = [];
    for (let reason = 0; reason < REASONS; reason++) {
      const packets = this.cells[PUNT_DROPS.length + reason]!;
      if (packets > 0) reasons.push({ reason, packets });
    }
    return {
      ports: ports.map(({ index, tap }, slot) => ({
        index,
        tap,
        punted: read(slot, 'punted'),
        puntedBytes: read(slot, 'puntedBytes'),
        injected: read(slot, 'injected'),
        injectedBytes: read(slot, 'injectedBytes'),
        drops: record(PORT_DROPS, (cause) => read(slot, cause)),
      })),
      reasons,
      drops: record(PUNT_DROPS, (cause) => this.cells[PUNT_DROPS.indexOf(cause)]!),
      restarts,
    };
  }

  private portCell(slot: number, field: PortField): number {
    return PUNT_DROPS.length + REASONS + slot * PORT_FIELDS.length + PORT_FIELDS.indexOf(field);
  }
}

function record<K extends string>(keys: readonly K[], value: (key: K) => number): Record<K, number> {
  return Object.fromEntries(keys.map((key) => [key, value(key)])) as Record<K, number>;
}
