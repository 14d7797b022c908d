/**
 * The little of BGP that the feeder speaks, as bytes: RFC 4271 with two-byte AS numbers, and RFC 4760's multiprotocol attributes for
 * IPv6 unicast. Writing only; of what comes in, the types of the messages.
 */
import type { Prefixes } from './prefixes';

export const OPEN = 1;
export const UPDATE = 2;
export const NOTIFICATION = 3;
export const KEEPALIVE = 4;

const HEADER = 19;
const MAX_MESSAGE = 4096;
/** An update's NLRI, so that with any attributes here it stays below a message's limit. */
const NLRI_BYTES = MAX_MESSAGE - 200;
const LONGEST_NLRI = 17;
const VERSION = 4;
/** Never: a table that takes long to go in must not end the session. */
const HOLD_SECONDS = 0;
const CAPABILITIES = 2;
const MULTIPROTOCOL = 1;
const UNICAST = 1;
const AFI = { 4: 1, 6: 2 } as const;

/** Attribute flags and types. */
const TRANSITIVE = 0x40;
const OPTIONAL_LONG = 0x90;
const ORIGIN = 1;
const AS_PATH = 2;
const AS_SEQUENCE = 2;
const NEXT_HOP = 3;
const MP_REACH = 14;
const MP_UNREACH = 15;

function message(type: number, ...body: readonly Uint8Array[]): Buffer {
  const whole = Buffer.concat([Buffer.alloc(HEADER, 0xff), ...body]);
  if (whole.length > MAX_MESSAGE) throw new Error(`a BGP message of ${whole.length} bytes`);
  whole.writeUInt16BE(whole.length, 16);
  whole[18] = type;
  return whole;
}

function u16(value: number): readonly [number, number] {
  return [value >> 8, value & 0xff];
}

/** OPEN with the multiprotocol capability for IPv4 and IPv6 unicast. `id` is four bytes. */
export function openMessage(as: number, id: Uint8Array): Buffer {
  const capability = (family: 4 | 6): number[] => [MULTIPROTOCOL, 4, 0, AFI[family], 0, UNICAST];
  const capabilities = [...capability(4), ...capability(6)];
  const parameters = [CAPABILITIES, capabilities.length, ...capabilities];
  return message(
    OPEN,
    Uint8Array.of(VERSION, ...u16(as), ...u16(HOLD_SECONDS), ...id, parameters.length, ...parameters),
  );
}

export function keepaliveMessage(): Buffer {
  return message(KEEPALIVE);
}

/** UPDATE that announces prefixes of one family with one nexthop (4 or 16 bytes). */
export function announceMessage(as: number, nexthop: Uint8Array, nlri: Uint8Array): Buffer {
  const path = [TRANSITIVE, ORIGIN, 1, 0, TRANSITIVE, AS_PATH, 4, AS_SEQUENCE, 1, ...u16(as)];
  if (nexthop.length === 4) {
    const attributes = Uint8Array.of(...path, TRANSITIVE, NEXT_HOP, 4, ...nexthop);
    return message(UPDATE, Uint8Array.of(0, 0, ...u16(attributes.length)), attributes, nlri);
  }
  const reach = [0, AFI[6], UNICAST, nexthop.length, ...nexthop, 0];
  const head = [...path, OPTIONAL_LONG, MP_REACH, ...u16(reach.length + nlri.length), ...reach];
  return message(UPDATE, Uint8Array.of(0, 0, ...u16(head.length + nlri.length), ...head), nlri);
}

/** UPDATE that withdraws prefixes. */
export function withdrawMessage(family: 4 | 6, nlri: Uint8Array): Buffer {
  if (family === 4) return message(UPDATE, Uint8Array.of(...u16(nlri.length)), nlri, Uint8Array.of(0, 0));
  const head = [OPTIONAL_LONG, MP_UNREACH, ...u16(3 + nlri.length), 0, AFI[6], UNICAST];
  return message(UPDATE, Uint8Array.of(0, 0, ...u16(head.length + nlri.length), ...head), nlri);
}

/** Collects prefixes for one message. */
export class Nlri {
  private readonly buffer = Buffer.alloc(NLRI_BYTES + LONGEST_NLRI);
  private at = 0;

  get isFull(): boolean {
    return this.at >= NLRI_BYTES;
  }

  get isEmpty(): boolean {
    return this.at === 0;
  }

  /** Adds prefix number `i`. */
  add({ addresses, lower, lengths }: Prefixes, i: number): void {
    const length = lengths[i]!;
    this.buffer[this.at++] = length;
    for (let bits = 0; bits < length; bits += 8) {
      const word = bits < 32 ? addresses[i]! : lower[i]!;
      this.buffer[this.at++] = (word >>> (24 - (bits % 32))) & 0xff;
    }
  }

  /** What was added, which is gone then; valid until the next `add`. */
  take(): Uint8Array {
    const taken = this.buffer.subarray(0, this.at);
    this.at = 0;
    return taken;
  }
}

/** Cuts a stream into messages and tells their types; throws at what is no BGP. */
export function messageReader(onType: (type: number) => void): (chunk: Buffer) => void {
  let held: Buffer = Buffer.alloc(0);
  return (chunk) => {
    held = Buffer.concat([held, chunk]);
    while (held.length >= HEADER && held.length >= held.readUInt16BE(16)) {
      const length = held.readUInt16BE(16);
      if (length < HEADER) throw new Error(`a BGP message of ${length} bytes`);
      const type = held[18]!;
      held = held.subarray(length);
      onType(type);
    }
  };
}
