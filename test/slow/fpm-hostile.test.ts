/** Bytes that nobody would send on purpose: whatever they are, the decoders return, and what comes out is well-formed. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import type { FpmUpdate } from '../../src/fib/updates';
import { FrameReader } from '../../src/fpm/framing';
import { decodeNetlink } from '../../src/fpm/netlink/decoder';
import { decodeProtobuf } from '../../src/fpm/protobuf/decoder';
import { maskAddress } from '../../src/net/address';

const DIRECTORY = join(__dirname, '../../../test/fixtures/fpm');

/** Payloads of all frames recorded. */
const payloads: Buffer[] = [];
for (const file of readdirSync(DIRECTORY).filter((name) => name.endsWith('.bin'))) {
  const reader = new FrameReader((_type, buffer, start, end) =>
    payloads.push(Buffer.from(buffer.subarray(start, end))),
  );
  reader.push(readFileSync(join(DIRECTORY, file)));
}

/** Payloads of protobuf frames made by another implementation. */
const messages: Buffer[] = [];
new FrameReader((_type, buffer, start, end) => messages.push(Buffer.from(buffer.subarray(start, end)))).push(
  readFileSync(join(DIRECTORY, '../protobuf/frames.bin')),
);

function wellFormed(update: FpmUpdate): void {
  if (update.kind === 'routeAdd' || update.kind === 'routeDelete') {
    const { family, bytes, length } = update.prefix;
    expect(bytes.length).toBe(family === 4 ? 4 : 16);
    expect(length).toBeLessThanOrEqual(8 * bytes.length);
    expect(bytes).toEqual(maskAddress(bytes, length));
    // The older module names none in what it withdraws.
    if (update.kind === 'routeAdd') expect(update.table).toBeGreaterThan(0);
  }
  if (update.kind === 'routeAdd' && update.target.kind === 'paths') {
    expect(update.target.paths.length).toBeGreaterThan(0);
    for (const path of update.target.paths) {
      expect([undefined, 4, 16]).toContain(path.gateway?.length);
      expect(path.weight).toBeGreaterThanOrEqual(1);
      expect(path.gateway !== undefined || path.ifindex !== 0 || path.encap !== undefined).toBe(true);
    }
  }
}

type Decode = typeof decodeNetlink;

/** Decodes `bytes` in the middle of a larger buffer whose other bytes must not matter. */
function decodeIn(decode: Decode, bytes: Uint8Array, surroundings: number): string[] {
  const buffer = Buffer.alloc(bytes.length + 64, surroundings);
  buffer.set(bytes, 32);
  const events: string[] = [];
  decode(buffer, 32, 32 + bytes.length, {
    update: (update) => {
      wellFormed(update);
      events.push(JSON.stringify(update));
    },
    message: (type) => void events.push(`message ${type}`),
    skipped: (reason) => void events.push(`skipped ${reason}`),
    malformed: (reason, offset) => {
      expect(offset).toBeGreaterThanOrEqual(0);
      expect(offset).toBeLessThanOrEqual(bytes.length);
      events.push(`malformed ${reason} ${offset}`);
    },
  });
  return events;
}

const mutatedOf = (originals: readonly Buffer[]): fc.Arbitrary<Buffer> =>
  fc
    .tuple(
      fc.nat(originals.length - 1),
      fc.array(fc.tuple(fc.nat(400), fc.nat(255)), { minLength: 1, maxLength: 6 }),
      fc.option(fc.nat(400)),
    )
    .map(([which, changes, cut]) => {
      const bytes = Buffer.from(originals[which]!);
      for (const [at, value] of changes) bytes[at % bytes.length] = value;
      return cut === null ? bytes : bytes.subarray(0, cut % (bytes.length + 1));
    });
const mutated = mutatedOf(payloads);

test('recorded messages with bytes changed and cut', () => {
  fc.assert(
    fc.property(mutated, (bytes) => {
      // Nothing beyond the bounds has a say in what comes out.
      expect(decodeIn(decodeNetlink, bytes, 0)).toEqual(decodeIn(decodeNetlink, bytes, 0xff));
    }),
    { numRuns: 4000 },
  );
});

test('any bytes as netlink', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      decodeIn(decodeNetlink, bytes, 0);
    }),
    { numRuns: 1000 },
  );
});

test('any bytes as protobuf', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      expect(decodeIn(decodeProtobuf, bytes, 0).length).toBeLessThanOrEqual(1);
    }),
    { numRuns: 1000 },
  );
});

test('protobuf messages with bytes changed and cut', () => {
  fc.assert(
    fc.property(mutatedOf(messages), (bytes) => {
      const events = decodeIn(decodeProtobuf, bytes, 0);
      expect(events).toHaveLength(1);
      expect(decodeIn(decodeProtobuf, bytes, 0xff)).toEqual(events);
    }),
    { numRuns: 4000 },
  );
});

test('every field of a protobuf message, at every depth, with every wire type', () => {
  const inner = (depth: number): Buffer[] => {
    const bodies = depth === 0 ? [Buffer.alloc(0), Buffer.from([1, 2, 3, 4, 5, 6, 7, 8])] : inner(depth - 1);
    const made: Buffer[] = [];
    for (let field = 1; field <= 16; field++) {
      for (let wire = 0; wire <= 7; wire++) {
        const tag = (field << 3) | wire;
        const key = tag < 0x80 ? [tag] : [(tag & 0x7f) | 0x80, tag >> 7];
        for (const body of depth === 0 ? bodies : bodies.filter((_, i) => i % 37 === (field + wire) % 37)) {
          made.push(Buffer.from([...key, ...(wire === 2 ? [body.length] : []), ...body]));
        }
      }
    }
    return made;
  };
  const types = [1, 2, 3, 4].map((type) => Buffer.from([8, type]));
  for (const body of [...inner(0), ...inner(1), ...inner(2)]) {
    for (const type of types) expect(decodeIn(decodeProtobuf, Buffer.concat([type, body]), 0)).toHaveLength(1);
  }
});

test('a protobuf message of nothing but nested groups', () => {
  expect(decodeIn(decodeProtobuf, Buffer.alloc(65000, 0x7b), 0)).toEqual([
    expect.stringMatching(/^malformed protobuf/),
  ]);
});

test('the longest multipath and the longest group that a frame can hold', () => {
  const hops = Buffer.alloc(65464);
  for (let at = 0; at < hops.length; at += 8) hops.set([8, 0, 0, 0, 1], at);
  const message = Buffer.alloc(16 + 12 + 4 + hops.length);
  message.writeUInt32LE(message.length, 0);
  message.writeUInt16LE(24, 4);
  message.set([2, 0, 0, 0, 254, 186, 0, 1], 16);
  message.writeUInt16LE(4 + hops.length, 28);
  message.writeUInt16LE(9, 30);
  hops.copy(message, 32);
  const events = decodeIn(decodeNetlink, message, 0);
  expect(events[1]?.match(/"ifindex":1/g)).toHaveLength(65464 / 8);
});
