/** Label stacks (RFC 3032 2.1) as tests make and read them: their own reading of the bytes, that shares nothing with the engine. */
import { ETHERTYPE_MPLS } from '../../src/net/ethertypes';
import { finishIpv4 } from './ipv4-header';

/** What is to be written for one label. */
export type StackEntry = readonly [label: number, ttl: number, trafficClass?: number];

/** One label as it was read. */
export interface ReadLabel {
  readonly label: number;
  readonly ttl: number;
  readonly trafficClass: number;
}

const ETHER_BYTES = 14;
const BOTTOM = 0x100;

/** A label stack as bytes, outermost first. */
export function stackBytes(stack: readonly StackEntry[]): Buffer {
  const bytes = Buffer.alloc(4 * stack.length);
  stack.forEach(([label, ttl, trafficClass = 0], i) => {
    bytes.writeUInt32BE(label * 4096 + trafficClass * 512 + (i === stack.length - 1 ? BOTTOM : 0) + ttl, 4 * i);
  });
  return bytes;
}

/** Reads a stack that begins at `at`, and says where it ends; undefined: it is cut off. */
export function readStack(
  bytes: Buffer,
  at: number,
): { readonly stack: ReadLabel[]; readonly end: number } | undefined {
  const stack: ReadLabel[] = [];
  for (let end = at; end + 4 <= bytes.length;) {
    const entry = bytes.readUInt32BE(end);
    end += 4;
    stack.push({ label: entry >>> 12, ttl: entry & 0xff, trafficClass: (entry >>> 9) & 7 });
    if ((entry & BOTTOM) !== 0) return { stack, end };
  }
  return undefined;
}

/** An IPv4 packet behind these labels, outermost first, for the MAC address. */
export function labelledFrame(mac: Uint8Array, stack: readonly StackEntry[], to = '192.0.2.9', source = 1): Buffer {
  const ip = Buffer.alloc(40);
  ip.set([0x45, 0, 0, 40, 0, 0, 0, 0, 64, 17]);
  ip.set([198, 51, 100, source], 12);
  ip.set(to.split('.').map(Number), 16);
  finishIpv4(ip);
  return Buffer.concat([mac, Buffer.from('0202020202028847', 'hex'), stackBytes(stack), ip]);
}

/** The labels of a frame, outermost first; none: it has another ether type. @throws Error where the stack is cut off */
export function stackOf(frame: Buffer): readonly ReadLabel[] {
  if (frame.readUInt16BE(ETHER_BYTES - 2) !== ETHERTYPE_MPLS) return [];
  const read = readStack(frame, ETHER_BYTES);
  if (read === undefined) throw new Error(`a label stack without an end: ${frame.toString('hex')}`);
  return read.stack;
}
