/**
 * What came of each frame at either router: every frame that came out and belongs to it, forwarded or as an answer. Of what a
 * router makes by itself the identification (IPv4) and the flow label (IPv6) are its own choice, and left out.
 */
import { formatAddress, formatMac } from '../../src/net/address';
import { write16 } from '../../src/net/checksum';
import { encode, idIn, portOf, type FrameSpec } from './frame';
import type { Side } from './plan';
import type { Heard, WireFrame } from './wire';

/** A frame that came out. */
export interface Seen {
  readonly port: number;
  /** Bytes, in hex, with what isn't compared set to zero. */
  readonly hex: string;
  readonly words: string;
}

export interface Difference {
  readonly spec: FrameSpec;
  readonly sent: readonly string[];
  readonly onlyLinux: readonly Seen[];
  readonly onlyOurs: readonly Seen[];
  /** What came out of both alike. */
  readonly both: readonly Seen[];
}

/** A frame on its way, with its bytes. */
export interface Sent {
  readonly spec: FrameSpec;
  readonly id: number;
  readonly frames: readonly Buffer[];
}

export const prepare = (spec: FrameSpec, id: number): Sent => ({ spec, id, frames: encode(spec, id) });

export const toWire = (sent: readonly Sent[]): readonly WireFrame[] =>
  sent.flatMap(({ spec, frames }) => frames.map((frame) => ({ port: spec.port, hex: frame.toString('hex') })));

const typeOf = (frame: Buffer): number => frame.readUInt16BE(12);
const isIp4 = (frame: Buffer): boolean => frame.length >= 34 && typeOf(frame) === 0x0800;
const isIp6 = (frame: Buffer): boolean => frame.length >= 54 && typeOf(frame) === 0x86dd;
const sourceOf = (frame: Buffer): Buffer | undefined =>
  isIp4(frame) ? frame.subarray(26, 30) : isIp6(frame) ? frame.subarray(22, 38) : undefined;

/** The ids of what was sent, by what a packet without the payload still shows. */
class Index {
  private readonly byId = new Map<number, Sent>();
  private readonly byLow = new Map<number, Sent>();
  private readonly byPort = new Map<number, Sent>();

  constructor(sent: readonly Sent[]) {
    for (const one of sent) {
      this.byId.set(one.id, one);
      this.byLow.set(one.id & 0xffff, one);
      this.byPort.set(portOf(one.id), one);
    }
  }

  /** Whose frame it is. */
  find(frame: Buffer): Sent | undefined {
    const id = idIn(frame);
    if (id !== undefined) return this.byId.get(id);
    return this.byHeader(frame) ?? this.byReset(frame) ?? this.byQuote(frame);
  }

  /** The same packet: its addresses and its identification or flow label. */
  private byHeader(frame: Buffer): Sent | undefined {
    const low = isIp4(frame) ? frame.readUInt16BE(18) : isIp6(frame) ? frame.readUInt16BE(16) : undefined;
    const found = low === undefined ? undefined : this.byLow.get(low);
    const from = sourceOf(frame);
    return found !== undefined && from !== undefined && found.frames.some((one) => one.includes(from))
      ? found
      : undefined;
  }

  /** A TCP reset: the port that it goes to. */
  private byReset(frame: Buffer): Sent | undefined {
    if (isIp4(frame) && frame[23] === 6 && frame.length >= 54) return this.byPort.get(frame.readUInt16BE(36));
    if (isIp6(frame) && frame[20] === 6 && frame.length >= 74) return this.byPort.get(frame.readUInt16BE(56));
    return undefined;
  }

  /** An ICMP error that quotes no more than headers. */
  private byQuote(frame: Buffer): Sent | undefined {
    if (isIp4(frame) && frame[23] === 1 && frame.length >= 62) return this.byLow.get(frame.readUInt16BE(46));
    if (isIp6(frame) && frame[20] === 58 && frame.length >= 102) return this.byLow.get(frame.readUInt16BE(64));
    return undefined;
  }
}

/** Sets to zero what a router chooses by itself in packets of its own. */
function normal(frame: Buffer, sent: Sent): Buffer {
  const from = sourceOf(frame);
  const isOwn = from !== undefined && !sent.frames.some((one) => sourceOf(one)?.equals(from) === true);
  if (!isOwn) return frame;
  const copy = Buffer.from(frame);
  if (isIp4(copy)) {
    write16(copy, 18, 0);
    write16(copy, 24, 0);
  } else {
    copy[15] = copy[15]! & 0xf0;
    write16(copy, 16, 0);
  }
  return copy;
}

/** In words without what differs from frame to frame: two of the same words are the same outcome. */
function wordsOf(frame: Buffer, sent: Sent): string {
  const from = sourceOf(frame);
  if (from === undefined) return `ethertype ${typeOf(frame).toString(16)}`;
  const six = from.length === 16;
  const original = sent.frames.some((one) => sourceOf(one)?.equals(from) === true);
  const proto = six ? frame[20] : frame[23];
  const at = 14 + (six ? 40 : 4 * (frame[14]! & 0xf));
  if (original)
    return (six ? frame[20] === 44 : (frame.readUInt16BE(20) & 0x3fff) !== 0) ? 'forwarded fragment' : 'forwarded';
  if ((proto === 1 || proto === 58) && frame.length > at + 1)
    return `ICMP${six ? 'v6' : ''} ${frame[at]}/${frame[at + 1]}`;
  return proto === 6 ? 'TCP reset' : `protocol ${proto}`;
}

function seenOf(heard: readonly Heard[], sent: readonly Sent[]): Map<Sent, Record<Side, Seen[]>> {
  const index = new Index(sent);
  const found = new Map<Sent, Record<Side, Seen[]>>(sent.map((one) => [one, { linux: [], ours: [] }]));
  for (const { side, port, hex } of heard) {
    const frame = Buffer.from(hex, 'hex');
    const owner = index.find(frame);
    if (owner === undefined) continue;
    found.get(owner)![side].push({ port, hex: normal(frame, owner).toString('hex'), words: wordsOf(frame, owner) });
  }
  return found;
}

/** What one list has more of than the other. */
function without(
  list: readonly Seen[],
  other: readonly Seen[],
): { readonly more: readonly Seen[]; readonly same: readonly Seen[] } {
  const left = [...other];
  const more: Seen[] = [];
  const same: Seen[] = [];
  for (const one of list) {
    const place = left.findIndex(({ port, hex }) => port === one.port && hex === one.hex);
    if (place < 0) more.push(one);
    else same.push(...left.splice(place, 1));
  }
  return { more, same };
}

/** Each frame's outcome at both; those that differ have something in `onlyLinux` or `onlyOurs`. */
export function outcomes(heard: readonly Heard[], sent: readonly Sent[]): readonly Difference[] {
  return [...seenOf(heard, sent)].map(([{ spec, frames }, { linux, ours }]) => {
    const { more: onlyLinux, same: both } = without(linux, ours);
    const { more: onlyOurs } = without(ours, linux);
    return { spec, sent: frames.map((frame) => frame.toString('hex')), onlyLinux, onlyOurs, both };
  });
}

export const differs = ({ onlyLinux, onlyOurs }: Difference): boolean => onlyLinux.length + onlyOurs.length > 0;

const list = (seen: readonly Seen[]): string =>
  seen.length === 0 ? 'nothing' : [...new Set(seen.map(({ words }) => words))].sort().join(' + ');

/** Names the difference, without addresses: the same fault gives the same signature. */
export function signature(difference: Difference): string {
  const { spec, onlyLinux, onlyOurs } = difference;
  const family = spec.packet.family === 'other' ? '' : ` IPv${spec.packet.family}`;
  return `${spec.kind}${family}: Linux ${list(onlyLinux)}, ours ${list(onlyOurs)}`;
}

/** A frame that came out, for people. */
export function describeSeen({ port, hex, words }: Seen): string {
  const frame = Buffer.from(hex, 'hex');
  const six = isIp6(frame);
  const addresses =
    !six && !isIp4(frame)
      ? ''
      : six
        ? ` ${formatAddress(frame.subarray(22, 38))} > ${formatAddress(frame.subarray(38, 54))} ttl ${frame[21]}`
        : ` ${formatAddress(frame.subarray(26, 30))} > ${formatAddress(frame.subarray(30, 34))} ttl ${frame[22]}`;
  return `port ${port} to ${formatMac(frame.subarray(0, 6))}: ${words}${addresses}, ${frame.length} bytes`;
}
