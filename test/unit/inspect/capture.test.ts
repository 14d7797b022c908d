/** Captures of all formats and link layers give the connection's bytes; what is broken is said, and the rest read. */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { sourceOf } from '../../../src/inspect/source';
import type { StreamEvent } from '../../../src/inspect/stream';
import { connectionOf, type LinkLayer, packetOf, pcapngOf, pcapOf, type TcpPacket } from './captures';

const CLIENT = readFileSync(join(__dirname, '../../../../test/fixtures/fpm/frr10.7-dplane.bin'));
const SERVER = Buffer.from('what the server says '.repeat(30));

/** Hands the file on in portions that fit nothing. */
async function* portions(file: Buffer, size = 777): AsyncGenerator<Buffer> {
  for (let at = 0; at < file.length; at += size) yield file.subarray(at, at + size);
}

async function eventsOf(file: Buffer, port = 2620): Promise<StreamEvent[]> {
  const events: StreamEvent[] = [];
  for await (const event of (await sourceOf(portions(file), port, 'test')).events) events.push(event);
  return events;
}

function bytesOf(events: readonly StreamEvent[], direction: string): Buffer {
  return Buffer.concat(events.map((e) => (e.kind === 'data' && e.direction === direction ? e.bytes : Buffer.alloc(0))));
}

const kindsOf = (events: readonly StreamEvent[]): string[] =>
  events.flatMap((e) => (e.kind === 'data' ? [] : e.kind === 'open' ? `open ${e.inStep}` : `${e.kind} ${e.reason}`));

const CONNECTION = connectionOf(CLIENT, SERVER);
const FIRST_TIME = CONNECTION[0]!.time;

const formats: readonly (readonly [string, (packets: readonly TcpPacket[], layer: LinkLayer) => Buffer])[] = [
  ['pcap', (packets, layer) => pcapOf(packets, { layer })],
  ['pcap, big endian', (packets, layer) => pcapOf(packets, { layer, big: true })],
  ['pcap, nanoseconds', (packets, layer) => pcapOf(packets, { layer, nano: true })],
  ['pcapng', (packets, layer) => pcapngOf(packets, { layer })],
  ['pcapng, big endian', (packets, layer) => pcapngOf(packets, { layer, big: true })],
];
const layers: readonly LinkLayer[] = ['ethernet', 'vlan', 'sll', 'sll2', 'null', 'raw'];

describe.each(formats)('%s', (_name, make) => {
  test.each(layers)('%s', async (layer) => {
    for (const v6 of [false, true]) {
      const events = await eventsOf(make(connectionOf(CLIENT, SERVER, 100, v6), layer));
      expect(bytesOf(events, 'fromZebra')).toEqual(CLIENT);
      expect(bytesOf(events, 'toZebra')).toEqual(SERVER);
      expect(kindsOf(events)).toEqual(['open true', 'close connection closed']);
      expect(events[0]).toMatchObject({ time: FIRST_TIME });
    }
  });
});

test('tcpdump reads the files that these tests make as they are meant', () => {
  const folder = mkdtempSync(join(tmpdir(), 'capture-'));
  try {
    for (const [i, [, make]] of formats.entries()) {
      const file = join(folder, `${i}.pcap`);
      writeFileSync(file, make(CONNECTION, 'ethernet'));
      const lines = execFileSync('tcpdump', ['-nn', '-r', file], {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'ignore'],
      })
        .trim()
        .split('\n');
      expect(lines).toHaveLength(CONNECTION.length);
      expect(lines[0]).toMatch(/IP 10\.0\.0\.1\.40000 > 10\.0\.0\.2\.2620: Flags \[S\]/);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('segments that come late, again, or overlapping', async () => {
  const data = CONNECTION.filter(({ payload }) => payload !== undefined);
  const rest = CONNECTION.filter(({ payload }) => payload === undefined);
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.nat(data.length - 1), fc.nat(99)), { maxLength: 20 }),
      fc.shuffledSubarray(data, { minLength: data.length }),
      async (again, shuffled) => {
        // Sent again with other bounds: they overlap what is known and what is new.
        const more = again.map(([which, cut]): TcpPacket => {
          const start = (which * 100 + cut) % CLIENT.length;
          const seq = (data[0]!.seq + start) >>> 0;
          return { ...data[0]!, seq, payload: CLIENT.subarray(start, start + 150) };
        });
        const events = await eventsOf(pcapOf([...rest.slice(0, 2), ...more, ...shuffled, ...rest.slice(2)]));
        expect(bytesOf(events, 'fromZebra')).toEqual(CLIENT);
        expect(bytesOf(events, 'toZebra')).toEqual(SERVER);
      },
    ),
    { numRuns: 60 },
  );
});

test('a segment that is missing is a gap, and the rest follows', async () => {
  const lost = CONNECTION.findIndex(({ payload }) => payload !== undefined) + 3;
  const events = await eventsOf(pcapOf(CONNECTION.filter((_packet, i) => i !== lost)));
  expect(kindsOf(events)).toEqual(['open true', 'gap 100 bytes are missing in the capture', 'close connection closed']);
  expect(bytesOf(events, 'fromZebra')).toEqual(Buffer.concat([CLIENT.subarray(0, 300), CLIENT.subarray(400)]));
});

test('a capture that begins in the middle, and one that ends there', async () => {
  const events = await eventsOf(pcapOf(CONNECTION.slice(4, 12)));
  expect(kindsOf(events)).toEqual(['open false', 'close the capture ends']);
  expect(bytesOf(events, 'fromZebra')).toEqual(CLIENT.subarray(200, 1000));
});

test('a connection that is reset, and another one of the same ports', async () => {
  const second = CONNECTION.map((packet) => ({ ...packet, seq: (packet.seq + 5000) >>> 0 }));
  const reset = { ...CONNECTION[2]!, payload: undefined, flags: 4 };
  const replaced = await eventsOf(pcapOf([...CONNECTION.slice(0, 10), ...second]));
  expect(kindsOf(replaced)).toEqual([
    'open true',
    'close replaced by a new connection of the same ports',
    'open true',
    'close connection closed',
  ]);
  const wasReset = await eventsOf(pcapOf([...CONNECTION.slice(0, 10), reset]));
  expect(kindsOf(wasReset)).toEqual(['open true', 'close connection reset']);
});

test('other ports, other packets, other link types are counted, and --port finds the connection', async () => {
  const other = CONNECTION.map((packet) => ({
    ...packet,
    fromPort: packet.fromPort === 2620 ? 7777 : packet.fromPort,
    toPort: packet.toPort === 2620 ? 7777 : packet.toPort,
  }));
  expect(kindsOf(await eventsOf(pcapOf(other)))).toEqual([
    `fault no TCP on port 2620 in ${other.length} packets (${other.length} TCP of other ports); see --port`,
  ]);
  expect(bytesOf(await eventsOf(pcapOf(other), 7777), 'fromZebra')).toEqual(CLIENT);
  const unknown = pcapOf(CONNECTION.slice(0, 2));
  unknown.writeUInt32LE(147, 20);
  expect(kindsOf(await eventsOf(unknown))).toEqual([
    'fault no TCP on port 2620 in 2 packets (2 link type 147); see --port',
  ]);
});

test('what is cut off or damaged is said', async () => {
  const file = pcapOf(CONNECTION);
  expect(kindsOf(await eventsOf(file.subarray(0, file.length - 3))).join()).toMatch(
    /fault the file ends within the packet/,
  );
  const damaged = Buffer.from(file);
  damaged.writeUInt32LE(0x7fffffff, 24 + 8);
  expect(kindsOf(await eventsOf(damaged))[0]).toMatch(/packet of 2147483647 bytes at offset 24: the file is damaged/);
  const ng = pcapngOf(CONNECTION);
  expect(kindsOf(await eventsOf(ng.subarray(0, ng.length - 3))).join()).toMatch(/fault the file ends within the block/);
});

test('any bytes behind a capture header, and any change of a capture, are survived', async () => {
  const files = [pcapOf(CONNECTION.slice(0, 8)), pcapngOf(CONNECTION.slice(0, 8), { layer: 'sll2' })];
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...files),
      fc.array(fc.tuple(fc.nat(2000), fc.nat(255)), { minLength: 1, maxLength: 8 }),
      fc.nat(2000),
      async (file, changes, cut) => {
        const bytes = Buffer.from(file.subarray(0, Math.max(12, file.length - (cut % 300))));
        for (const [at, value] of changes) bytes[4 + (at % (bytes.length - 4))] = value;
        await eventsOf(bytes);
      },
    ),
    { numRuns: 1500 },
  );
});

test('a packet cut to its snap length gives what is there', async () => {
  const packet = packetOf('raw', { ...CONNECTION[2]! });
  const record = Buffer.alloc(16);
  record.writeUInt32LE(packet.length - 40, 8);
  record.writeUInt32LE(packet.length, 12);
  const file = Buffer.concat([pcapOf([], { layer: 'raw' }), record, packet.subarray(0, packet.length - 40)]);
  expect(bytesOf(await eventsOf(file), 'fromZebra')).toEqual(CLIENT.subarray(0, 60));
});
