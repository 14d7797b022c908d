/**
 * What the punt worker does with packets: datagrams from the vASIC to the TAP of their port, frames from a TAP to the
 * vASIC. One call handles one bounded batch of one source, so no port and no direction starves another; the poll loop
 * around it is in worker.ts. Knows no descriptors, so that it can be tested with plain arrays.
 */
import { HOSTPATH_HEADER, HOSTPATH_MAX_FRAME, decodeHostpathHeader, encodeHostpathHeader } from '../hostpath/header';
import { formatSockaddr, sameEndpoint } from '../net/sockaddr';
import type { CounterTable, PortDrop, PuntDrop } from './counters';

/** Frames taken from one TAP before the next source has its turn; also the size of a UDP batch. */
export const BATCH = 32;
const ETHERNET_HEADER = 14;
/** A datagram of the sandbox that was heard of last is accepted until the owner names one. */
export const ANY_SANDBOX = -1;

/** The UDP side, as src/sys/udp.ts gives it. */
export interface DatagramIo {
  receive(handler: (slot: Buffer, length: number, from: Buffer) => void): number;
  reserve(): Buffer;
  commit(length: number, to: Uint8Array): void;
  flush(): void;
  readonly stats: { readonly sendDrops: number; readonly lastSendError: string };
}

/** The TAP side: of the port at `slot` of the configuration. */
export interface FrameIo {
  /** The frame's length, or -1 when none is waiting. */
  read(slot: number, buffer: Buffer): number;
  /** `tapDown`, `tapFull`, `tapError` when it could not be written. */
  write(slot: number, frame: Buffer): 'written' | PortDrop;
}

export interface PumpOptions {
  readonly udp: DatagramIo;
  readonly taps: FrameIo;
  /** Hostpath port indexes, in the order of the configuration. */
  readonly ports: readonly number[];
  /** Packed sockaddr of the vASIC's side. */
  readonly vasic: Buffer;
  readonly counters: CounterTable;
  /** The owner's choice of sandbox id, or ANY_SANDBOX. */
  readonly sandbox: () => number;
  /** Told of every drop that is counted; `detail` for people. */
  readonly dropped: (cause: PuntDrop | PortDrop, detail: () => string) => void;
}

export interface Pump {
  /** Handles one batch of datagrams. Returns how many there were. */
  punt(): number;
  /** Handles one batch of frames of the TAP at `slot`. Returns how many there were. */
  inject(slot: number): number;
}

export function createPump(options: PumpOptions): Pump {
  const { udp, taps, ports, vasic, counters } = options;
  const slotOf = new Map(ports.map((index, slot) => [index, slot]));
  let heardSandbox = 0;

  function drop(cause: PuntDrop, detail: () => string): void {
    counters.drop(cause);
    options.dropped(cause, detail);
  }

  function punted(datagram: Buffer, size: number, from: Buffer): void {
    if (!sameEndpoint(from, vasic)) {
      drop('foreignSender', () => `from ${formatSockaddr(from)}`);
      return;
    }
    const header = decodeHostpathHeader(datagram, size);
    if (typeof header === 'string') {
      drop('malformedHeader', () => `${header}: ${datagram.toString('hex', 0, Math.min(size, HOSTPATH_HEADER))}`);
      return;
    }
    if (header.direction !== 'punt') {
      drop('wrongDirection', () => `port ${header.port}`);
      return;
    }
    const sandbox = options.sandbox();
    if (sandbox !== ANY_SANDBOX && header.sandbox !== sandbox) {
      drop('unknownSandbox', () => `sandbox ${header.sandbox}, ours is ${sandbox}`);
      return;
    }
    const slot = slotOf.get(header.port);
    if (slot === undefined) {
      drop('unknownPort', () => `port ${header.port} is not in the configuration`);
      return;
    }
    if (header.length < HOSTPATH_HEADER + ETHERNET_HEADER) {
      drop('shortFrame', () => `${header.length - HOSTPATH_HEADER} bytes, port ${header.port}`);
      return;
    }
    heardSandbox = header.sandbox;
    const result = taps.write(slot, datagram.subarray(HOSTPATH_HEADER, header.length));
    if (result === 'written') {
      counters.port(slot, 'punted');
      counters.port(slot, 'puntedBytes', header.length - HOSTPATH_HEADER);
      counters.reason(header.reason);
    } else {
      counters.port(slot, result);
      options.dropped(result, () => `port ${header.port}`);
    }
  }

  function inject(slot: number): number {
    const refusedBefore = udp.stats.sendDrops;
    const known = options.sandbox();
    const sandbox = known === ANY_SANDBOX ? heardSandbox : known;
    let frames = 0;
    let sent = 0;
    let bytes = 0;
    while (frames < BATCH) {
      const datagram = udp.reserve();
      const length = taps.read(slot, datagram.subarray(HOSTPATH_HEADER));
      if (length < 0) break;
      frames++;
      if (length > HOSTPATH_MAX_FRAME) {
        counters.port(slot, 'tooLong');
        options.dropped('tooLong', () => `${length} bytes, port ${ports[slot]}`);
        continue;
      }
      const total = HOSTPATH_HEADER + length;
      encodeHostpathHeader(datagram, { direction: 'inject', reason: 0, length: total, sandbox, port: ports[slot]! });
      udp.commit(total, vasic);
      sent++;
      bytes += length;
    }
    udp.flush();
    const refused = udp.stats.sendDrops - refusedBefore;
    counters.port(slot, 'injected', sent - refused);
    // Which of a batch were refused is not known; their mean size is near enough.
    counters.port(slot, 'injectedBytes', sent === 0 ? 0 : bytes - Math.round((bytes * refused) / sent));
    if (refused > 0) {
      counters.port(slot, 'socketFull', refused);
      options.dropped('socketFull', () => `port ${ports[slot]}: ${udp.stats.lastSendError}`);
    }
    return frames;
  }

  return { punt: () => udp.receive(punted), inject };
}
