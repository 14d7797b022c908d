import fc from 'fast-check';
import { FPM_MAX_FRAME, FpmFramingError, FrameReader } from '../../../src/fpm/framing';

function frame(type: number, payload: Uint8Array, version = 1): Buffer {
  const header = Buffer.from([version, type, 0, 0]);
  header.writeUInt16BE(4 + payload.length, 2);
  return Buffer.concat([header, payload]);
}

interface Seen {
  readonly type: number;
  readonly payload: string;
  readonly offset: number;
}

/** What a reader makes of these chunks. */
function read(chunks: readonly Buffer[]): { seen: Seen[]; reader: FrameReader } {
  const seen: Seen[] = [];
  const reader = new FrameReader((type, buffer, start, end, offset) => {
    seen.push({ type, payload: buffer.toString('hex', start, end), offset });
  });
  for (const chunk of chunks) reader.push(chunk);
  return { seen, reader };
}

const frames = [
  frame(1, Buffer.from('0102030405060708', 'hex')),
  frame(2, Buffer.alloc(0)),
  frame(1, Buffer.alloc(40, 7)),
];
const stream = Buffer.concat(frames);
const whole = [
  { type: 1, payload: '0102030405060708', offset: 4 },
  { type: 2, payload: '', offset: 16 },
  { type: 1, payload: '07'.repeat(40), offset: 20 },
];

test('every pair of cuts gives the same frames', () => {
  for (let first = 0; first <= stream.length; first++) {
    for (let second = first; second <= stream.length; second++) {
      const chunks = [stream.subarray(0, first), stream.subarray(first, second), stream.subarray(second)];
      expect(read(chunks).seen).toEqual(whole);
    }
  }
});

test('byte by byte', () => {
  expect(read(Array.from(stream, (byte) => Buffer.from([byte]))).seen).toEqual(whole);
});

test('any frames under any cuts', () => {
  const payloads = fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 12 });
  const cuts = fc.array(fc.nat(4000), { maxLength: 20 });
  fc.assert(
    fc.property(payloads, cuts, (parts, at) => {
      const bytes = Buffer.concat(parts.map((part) => frame(1, part)));
      const sorted = [0, ...at.filter((cut) => cut < bytes.length).sort((a, b) => a - b), bytes.length];
      const chunks = sorted.slice(1).map((end, i) => bytes.subarray(sorted[i], end));
      const { seen, reader } = read(chunks);
      expect(seen.map(({ payload }) => payload)).toEqual(parts.map((part) => Buffer.from(part).toString('hex')));
      expect(reader.pending).toBe(0);
      expect(reader.offset).toBe(bytes.length);
    }),
  );
});

test('a frame whole in its chunk is not copied', () => {
  let given: Buffer | undefined;
  new FrameReader((_type, buffer) => (given = buffer)).push(stream);
  expect(given).toBe(stream);
});

test('the largest frame, cut in the middle', () => {
  const large = frame(1, Buffer.alloc(FPM_MAX_FRAME - 4, 9));
  const { seen, reader } = read([large.subarray(0, 30000), large.subarray(30000, 60000)]);
  expect(seen).toEqual([]);
  expect(reader.pending).toBe(60000);
  reader.push(Buffer.concat([large.subarray(60000), frames[0]!]));
  expect(seen.map(({ payload }) => payload.length / 2)).toEqual([FPM_MAX_FRAME - 4, 8]);
});

test.each([
  ['version', frame(1, Buffer.alloc(4), 2), /version 2/],
  ['length below the header', Buffer.from([1, 1, 0, 3]), /length 3/],
])('an impossible %s ends the stream, and says where', (_what, bad, message) => {
  const bytes = Buffer.concat([stream, bad]);
  for (let cut = 0; cut <= bytes.length; cut++) {
    let error: unknown;
    try {
      read([bytes.subarray(0, cut), bytes.subarray(cut)]);
    } catch (caught) {
      error = caught;
    }
    expect(error).toBeInstanceOf(FpmFramingError);
    expect((error as FpmFramingError).offset).toBe(stream.length);
    expect((error as FpmFramingError).message).toMatch(message);
  }
});
