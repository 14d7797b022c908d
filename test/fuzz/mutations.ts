/** What is done to a valid frame. Each mutation is named, so that a report can say how often it was used. */
import { frameOf } from './corpus';
import type { Random } from './random';

export type Mutation = (frame: Buffer, random: Random, corpus: readonly Buffer[]) => Buffer;

const INTERESTING = [
  0, 1, 2, 3, 4, 7, 8, 15, 16, 27, 28, 31, 32, 33, 127, 128, 129, 255, 256, 32767, 32768, 65532, 65535,
];

/** Where the attributes of the frame's first message start, by its type. */
function attributesAt(frame: Buffer): number {
  const type = frame.length > 10 ? frame[8]! : 0;
  return 20 + (type === 104 || type === 105 ? 8 : 12);
}

/** The offsets of the first message's attributes, as far as their lengths make sense. */
function attributeOffsets(frame: Buffer): number[] {
  const offsets: number[] = [];
  for (let at = attributesAt(frame); at + 4 <= frame.length;) {
    const length = frame.readUInt16LE(at);
    if (length < 4 || at + length > frame.length) break;
    offsets.push(at);
    at += (length + 3) & ~3;
  }
  return offsets;
}

/** Rewrites the FPM length, and the message's where there is one message, to fit the bytes. */
function fitted(frame: Buffer): Buffer {
  if (frame.length > 0xffff) return fitted(frame.subarray(0, 0xffff));
  frame.writeUInt16BE(frame.length, 2);
  if (frame.length >= 20) frame.writeUInt32LE(frame.length - 4, 4);
  return frame;
}

function bomb(depth: number, type: number): Buffer {
  let inside = Buffer.alloc(0);
  for (let i = 0; i < depth && inside.length < 60_000; i++) {
    const around = Buffer.alloc(4 + inside.length);
    around.writeUInt16LE(around.length, 0);
    around.writeUInt16LE(type, 2);
    inside.copy(around, 4);
    inside = around;
  }
  return inside;
}

export const MUTATIONS: Readonly<Record<string, Mutation>> = {
  bits(frame, random) {
    const bytes = Buffer.from(frame);
    for (let i = 1 + random.below(8); i > 0; i--) bytes[random.below(bytes.length)]! ^= 1 << random.below(8);
    return bytes;
  },
  payloadBits(frame, random) {
    const bytes = Buffer.from(frame);
    for (let i = 1 + random.below(4); i > 0; i--) bytes[4 + random.below(bytes.length - 4)]! ^= 1 << random.below(8);
    return bytes;
  },
  bytes(frame, random) {
    const bytes = Buffer.from(frame);
    for (let i = 1 + random.below(6); i > 0; i--) bytes[4 + random.below(bytes.length - 4)] = random.below(256);
    return bytes;
  },
  truncated: (frame, random) => Buffer.from(frame.subarray(0, 1 + random.below(frame.length))),
  truncatedPayload(frame, random) {
    const bytes = Buffer.from(frame.subarray(0, 4 + random.below(frame.length - 3)));
    bytes.writeUInt16BE(bytes.length, 2);
    return bytes;
  },
  frameLength(frame, random) {
    const bytes = Buffer.from(frame);
    bytes.writeUInt16BE(random.below(2) === 0 ? random.pick(INTERESTING) : random.below(2 * frame.length), 2);
    return bytes;
  },
  messageLength(frame, random) {
    const bytes = Buffer.from(frame);
    if (bytes.length < 8) return bytes;
    const value = random.below(3);
    bytes.writeUInt32LE(
      value === 0 ? random.pick(INTERESTING) : value === 1 ? 0xffffffff - random.below(64) : random.below(200),
      4,
    );
    return bytes;
  },
  attributeLength(frame, random) {
    const bytes = Buffer.from(frame);
    const offsets = attributeOffsets(bytes);
    if (offsets.length === 0) return bytes;
    bytes.writeUInt16LE(random.below(2) === 0 ? random.pick(INTERESTING) : random.below(80), random.pick(offsets));
    return bytes;
  },
  attributeType(frame, random) {
    const bytes = Buffer.from(frame);
    const offsets = attributeOffsets(bytes);
    if (offsets.length === 0) return bytes;
    const type = random.below(36) | (random.below(4) << 14);
    bytes.writeUInt16LE(random.below(4) === 0 ? random.below(65536) : type, random.pick(offsets) + 2);
    return bytes;
  },
  attributeValue(frame, random) {
    const bytes = Buffer.from(frame);
    const offsets = attributeOffsets(bytes).filter((at) => bytes.readUInt16LE(at) >= 6);
    if (offsets.length === 0) return bytes;
    const at = random.pick(offsets);
    bytes.writeUInt16LE(random.pick(INTERESTING), at + 4 + 2 * random.below((bytes.readUInt16LE(at) - 4) >> 1));
    return bytes;
  },
  attributeMoved(frame, random, corpus) {
    const other = random.pick(corpus);
    const from = attributeOffsets(other);
    if (from.length === 0) return Buffer.from(frame);
    const at = random.pick(from);
    return fitted(Buffer.concat([frame, other.subarray(at, at + ((other.readUInt16LE(at) + 3) & ~3))]));
  },
  prefixLength(frame, random) {
    const bytes = Buffer.from(frame);
    if (bytes.length > 21) bytes[21] = random.below(2) === 0 ? 33 + random.below(96) : random.below(256);
    return bytes;
  },
  header(frame, random) {
    const bytes = Buffer.from(frame);
    if (bytes.length > 32) bytes[20 + random.below(12)] = random.below(256);
    return bytes;
  },
  messageType(frame, random) {
    const bytes = Buffer.from(frame);
    if (bytes.length >= 10)
      bytes.writeUInt16LE(random.pick([1, 2, 3, 4, 16, 24, 25, 28, 29, 104, 105, random.below(65536)]), 8);
    return bytes;
  },
  frameType(frame, random) {
    const bytes = Buffer.from(frame);
    bytes[1] = random.below(2) === 0 ? 3 - bytes[1]! : random.below(256);
    return bytes;
  },
  version(frame, random) {
    const bytes = Buffer.from(frame);
    bytes[0] = random.below(256);
    return bytes;
  },
  nested(frame, random) {
    const start = Math.min(frame.length, attributesAt(frame));
    const type = random.pick([8, 9, 22, 0x8009, 0x8016, 1, 2, 4]);
    const depth = random.below(64) === 0 ? 4000 : 1 + random.below(60);
    const encap = Buffer.from([6, 0, 21, 0, random.pick([1, 2, 4, 5, 7, 100]), 0, 0, 0]);
    return fitted(Buffer.concat([frame.subarray(0, start), encap, bomb(depth, type)]));
  },
  nestedProtobuf(_frame, random) {
    const depth = random.below(64) === 0 ? 60_000 : 1 + random.below(300);
    // Groups in groups; or fields in fields, each as long as what is left.
    if (random.below(2) === 0) return frameOf(Buffer.alloc(depth, 0x0b + 8 * random.below(12)), 2);
    const bytes = Buffer.alloc(2 * Math.min(depth, 120));
    for (let at = 0; at < bytes.length; at += 2) bytes.set([0x12 + 8 * random.below(3), bytes.length - at - 2], at);
    return frameOf(bytes, 2);
  },
  spliced(frame, random, corpus) {
    const other = random.pick(corpus);
    const bytes = Buffer.concat([
      frame.subarray(0, 4 + random.below(frame.length - 3)),
      other.subarray(random.below(other.length)),
    ]);
    if (random.below(4) > 0) bytes.writeUInt16BE(Math.min(0xffff, bytes.length), 2);
    return bytes;
  },
  joined(frame, random, corpus) {
    const bytes = Buffer.concat([
      frame,
      random.pick(corpus).subarray(4),
      Buffer.alloc(random.below(20), random.below(256)),
    ]);
    bytes.writeUInt16BE(Math.min(0xffff, bytes.length), 2);
    return bytes;
  },
  many(_frame, random) {
    const hops = Buffer.alloc(8 * (1 + random.below(random.below(64) === 0 ? 8000 : 40)));
    for (let at = 0; at < hops.length; at += 8)
      hops.set([8, 0, random.below(256), random.below(256), random.below(3)], at);
    const attribute = Buffer.alloc(4 + hops.length);
    attribute.writeUInt16LE(attribute.length, 0);
    attribute.writeUInt16LE(random.pick([9, 2, 1]), 2);
    hops.copy(attribute, 4);
    const head = Buffer.alloc(36);
    head.set([1, 1, 0, 0]);
    head.set([random.pick([24, 104]), 0, 1, 5], 8);
    head.set([2, 0, 0, 0, 254, 186, 0, 1], 20);
    return fitted(Buffer.concat([head.subarray(0, attributesAt(head)), attribute]));
  },
  random(_frame, random) {
    const bytes = Buffer.alloc(1 + random.below(200));
    for (let i = 0; i < bytes.length; i++) bytes[i] = random.below(256);
    return bytes;
  },
  randomPayload(_frame, random) {
    const bytes = Buffer.alloc(random.below(200));
    for (let i = 0; i < bytes.length; i++) bytes[i] = random.below(256);
    return frameOf(bytes, 1 + random.below(2));
  },
};
