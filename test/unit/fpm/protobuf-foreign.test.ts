/**
 * Frames that Google's protobuf implementation wrote (test/tools/make-protobuf-fixtures.py), read by ours: every kind of
 * message, route type and protocol, against lines that a person checked.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { FPM_TYPE_PROTOBUF, FrameReader } from '../../../src/fpm/framing';
import { decodeProtobuf, fpmMessageType } from '../../../src/fpm/protobuf/decoder';
import { emptyRecord, recordInto } from './describe';

const DIRECTORY = join(__dirname, '../../../../test/fixtures/protobuf');
const stream = readFileSync(join(DIRECTORY, 'frames.bin'));
const { frames: names } = JSON.parse(readFileSync(join(DIRECTORY, 'frames.json'), 'utf8')) as { frames: string[] };
const payloads: Buffer[] = [];
new FrameReader((type, buffer, start, end) => {
  expect(type).toBe(FPM_TYPE_PROTOBUF);
  payloads.push(Buffer.from(buffer.subarray(start, end)));
}).push(stream);

test('each means what it should', () => {
  const lines = payloads.map((payload, i) => {
    const recorded = emptyRecord();
    decodeProtobuf(payload, 0, payload.length, recordInto(recorded));
    const skipped = recorded.skipped.map((reason) => `skipped ${reason}`);
    const malformed = recorded.malformed.map((reason) => `malformed ${reason}`);
    return `${names[i] ?? '?'}: ${[...recorded.lines, ...skipped, ...malformed].join(' + ')}`;
  });
  expect(`${lines.join('\n')}\n`).toBe(readFileSync(join(DIRECTORY, 'frames.expected.txt'), 'utf8'));
});

test('what our implementation writes of the same is the same, byte for byte', () => {
  const type = fpmMessageType();
  for (const payload of payloads) expect(Buffer.from(type.encode(type.decode(payload)).finish())).toEqual(payload);
});
