/** The scanner reads what the server reads, and finds its way again where the server would give up. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { FrameReader } from '../../../src/fpm/framing';
import { FrameScanner } from '../../../src/inspect/frames';

const STREAM = readFileSync(join(__dirname, '../../../../test/fixtures/fpm/frr10.7-dplane.bin'));
const FRAMES: Buffer[] = [];
new FrameReader((_type, buffer, start, end) => FRAMES.push(Buffer.from(buffer.subarray(start - 4, end)))).push(STREAM);

interface Scanned {
  readonly frames: (readonly [offset: number, hex: string])[];
  readonly junk: (readonly [offset: number, length: number, reason: string])[];
}

function scan(stream: Buffer, cuts: readonly number[], inStep = true): Scanned {
  const seen: Scanned = { frames: [], junk: [] };
  const scanner = new FrameScanner(
    {
      frame: (_type, frame, offset) => seen.frames.push([offset, frame.toString('hex')]),
      junk: (reason, offset, length) => seen.junk.push([offset, length, reason]),
    },
    inStep,
  );
  let at = 0;
  for (const cut of [...cuts].sort((a, b) => a - b)) {
    scanner.push(stream.subarray(at, Math.max(at, cut)));
    at = Math.max(at, cut);
  }
  scanner.push(stream.subarray(at));
  scanner.break('the end');
  return seen;
}

const hexOf = (frames: readonly Buffer[]): string[] => frames.map((frame) => frame.toString('hex'));

test('any cut of a valid stream gives the same frames at the same offsets', () => {
  let offset = 0;
  const expected = FRAMES.map((frame) => {
    const at = offset;
    offset += frame.length;
    return [at, frame.toString('hex')];
  });
  fc.assert(
    fc.property(fc.array(fc.nat(STREAM.length), { maxLength: 30 }), fc.boolean(), (cuts, inStep) => {
      expect(scan(STREAM, cuts, inStep)).toEqual({ frames: expected, junk: [] });
    }),
  );
});

test('junk between frames is reported, and the frames behind it are found, however it is cut', () => {
  const junk = fc.uint8Array({ minLength: 20, maxLength: 300 }).map((bytes) => {
    // Neither a frame for the server nor one that looks like it.
    return Buffer.from(bytes.map((byte) => (byte < 2 ? 2 : byte)));
  });
  fc.assert(
    fc.property(junk, fc.nat(FRAMES.length), fc.array(fc.nat(5000), { maxLength: 10 }), (noise, where, cuts) => {
      const before = Buffer.concat(FRAMES.slice(0, where));
      const stream = Buffer.concat([before, noise, ...FRAMES.slice(where)]);
      const seen = scan(stream, cuts);
      expect(seen.frames.map(([, hex]) => hex)).toEqual(hexOf(FRAMES));
      expect(seen.junk).toEqual([[before.length, noise.length, expect.stringMatching(/^FPM version \d+ where 1/)]]);
    }),
    { numRuns: 300 },
  );
});

test('a stream that is joined in the middle of a frame', () => {
  const seen = scan(STREAM.subarray(10), [], false);
  expect(seen.junk).toEqual([[0, FRAMES[0]!.length - 10, 'the beginning is missing']]);
  expect(seen.frames.map(([, hex]) => hex)).toEqual(hexOf(FRAMES.slice(1)));
});

test.each([0, 3])('a frame of length %i is one junk; the next frame is found', (length) => {
  const broken = Buffer.from(FRAMES[1]!);
  broken.writeUInt16BE(length, 2);
  const seen = scan(Buffer.concat([FRAMES[0]!, broken, ...FRAMES.slice(2)]), []);
  expect(seen.junk).toEqual([[FRAMES[0]!.length, broken.length, `FPM frame length ${length}`]]);
  expect(seen.frames).toHaveLength(FRAMES.length - 1);
});

test('a frame that is not all there at the end', () => {
  const seen = scan(STREAM.subarray(0, STREAM.length - 5), []);
  expect(seen.frames).toHaveLength(FRAMES.length - 1);
  expect(seen.junk).toEqual([[STREAM.length - FRAMES.at(-1)!.length, FRAMES.at(-1)!.length - 5, 'the end']]);
});

test('nothing but headers that are wrong', () => {
  const bad = Buffer.concat(Array.from({ length: 20_000 }, () => Buffer.concat([FRAMES[0]!, Buffer.from([9])])));
  expect(scan(bad, []).frames).toHaveLength(20_000);
});
