/** What decode prints, for every kind of message and for what is none; and the program's exit codes. */
import { spawn } from 'node:child_process';
import { readFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fpmMessageType } from '../../../src/fpm/protobuf/decoder';
import { writeStatus, MAX_STATUS_FRAME } from '../../../src/fpm/status';
import { Inspector } from '../../../src/inspect/inspector';
import type { Direction } from '../../../src/inspect/stream';
import { jsonOf, textOf, totalsText } from '../../../src/inspect/text';
import { parsePrefix } from '../../../src/net/address';
import { attributes, bytesOf, hop, labels, message, neighbor, nexthop, route, u16, via } from '../fpm/messages';
import { connectionOf, pcapngOf } from './captures';

const FIXTURES = join(__dirname, '../../../../test/fixtures/fpm');

function frame(payload: Uint8Array, type = 1): Buffer {
  const header = Buffer.from([1, type, 0, 0]);
  header.writeUInt16BE(4 + payload.length, 2);
  return Buffer.concat([header, payload]);
}

/** The lines printed for a stream. */
function linesOf(bytes: Buffer, direction: Direction = 'fromZebra', json = false): string[] {
  let text = '';
  const inspector = new Inspector((view) => {
    if (view.kind !== 'event') text += json ? jsonOf(view) : textOf(view, true);
  });
  inspector.take({ kind: 'open', connection: 1, what: 'test', inStep: true });
  inspector.take({ kind: 'data', connection: 1, direction, bytes });
  inspector.take({ kind: 'close', connection: 1, reason: 'end' });
  return text.trimEnd().split('\n');
}

test('a route with everything that a route may have', () => {
  const metrics = attributes([[2, 1400]]);
  const mpls = attributes([[1, labels(100, 200)]]);
  const hops = Buffer.concat([
    hop(3, 0, [[5, '10.0.0.2']], 4),
    hop(5, 9, [
      [18, via('2001:db8::1')],
      [21, u16(1)],
      [22, mpls],
    ]),
  ]);
  const bytes = frame(
    route({ table: 0, rtmFlags: 0x4000 }, [
      [1, '10.9.0.0'],
      [15, 1000],
      [7, '10.0.0.1'],
      [0x8000 + 8, metrics],
      [0x8000 + 9, hops],
      [99, Buffer.from('abcd', 'hex')],
    ]),
  );
  expect(linesOf(bytes)).toEqual([
    '#1 zebra→server 0x000000 RTM_NEWROUTE [REQUEST REPLACE CREATE] 10.9.0.0/24 table 1000 bgp unicast ' +
      'via 10.0.0.2 interface 3 weight 1 | via 2001:db8::1 interface 5 weight 10 encap mpls 100/200 (OFFLOAD) STATUS offloaded',
    `    frame 0+${bytes.length}, message 4+${bytes.length - 4}, seq 0, pid 0; understood as routeAdd`,
    '    RTA_DST(1) 10.9.0.0',
    '    RTA_TABLE(15) 1000',
    '    RTA_PREFSRC(7) 10.0.0.1',
    '    RTA_METRICS(8)',
    '      mtu(2) 1400',
    '    RTA_MULTIPATH(9)',
    '      hop interface 3 hops 0 (ONLINK)',
    '        RTA_GATEWAY(5) 10.0.0.2',
    '      hop interface 5 hops 9',
    '        RTA_VIA(18) ipv6 2001:db8::1',
    '        RTA_ENCAP_TYPE(21) mpls',
    '        RTA_ENCAP(22)',
    '          MPLS_IPTUNNEL_DST(1) 100/200',
    '    attribute 99(99) hex abcd',
  ]);
});

const srh = (mode: number, ...segments: string[]): Buffer =>
  Buffer.concat([
    Buffer.from([mode, 0, 0, 0, 59, 4, 4, segments.length - 1, segments.length - 1, 0, 0, 0]),
    ...segments.map(bytesOf),
  ]);
const seg6local = attributes([
  [1, 9],
  [4, '10.0.0.9'],
  [11, attributes([[1, 4]])],
]);

test.each([
  [
    nexthop([
      [1, 7],
      [2, Buffer.from('05000000000000000600000001010000', 'hex')],
      [3, u16(1)],
    ]),
    'RTM_NEWNEXTHOP [REQUEST REPLACE CREATE] zebra nexthop 7 group 5 weight 1, 6 weight 258',
  ],
  [
    nexthop([
      [1, 8],
      [4, Buffer.alloc(0)],
    ]),
    'RTM_NEWNEXTHOP [REQUEST REPLACE CREATE] zebra blackhole nexthop 8',
  ],
  [
    nexthop(
      [
        [1, 9],
        [6, '10.0.0.2'],
        [5, 3],
        [7, u16(5)],
        [8, attributes([[1, srh(1, '2001:db8::2', '2001:db8::1')]])],
      ],
      104,
      2,
      4,
    ),
    'RTM_NEWNEXTHOP [REQUEST REPLACE CREATE] zebra nexthop 9 via 10.0.0.2 interface 3 ' +
      'encap seg6 mode encap segments 2001:db8::1 2001:db8::2 (ONLINK)',
  ],
  [nexthop([[1, 9]], 105), 'RTM_DELNEXTHOP [REQUEST NONREC CREATE] zebra nexthop 9'],
  [
    route({ family: 10, length: 64, type: 1 }, [
      [1, '2001:db8:1::'],
      [4, 2],
      [21, u16(7)],
      [22, seg6local],
    ]),
    'RTM_NEWROUTE [REQUEST REPLACE CREATE] 2001:db8:1::/64 table 254 bgp unicast interface 2 ' +
      'encap seg6local SEG6_LOCAL_ACTION End.B6, SEG6_LOCAL_NH4 10.0.0.9, SEG6_LOCAL_FLAVORS',
  ],
  [
    route({ family: 28, length: 20 }, [
      [1, labels(16)],
      [19, labels(17, 18)],
      [18, via('10.0.0.2')],
      [4, 3],
    ]),
    'RTM_NEWROUTE [REQUEST REPLACE CREATE] label 16 table 254 bgp unicast via 10.0.0.2 interface 3 encap labels 17/18',
  ],
  [route({ message: 25, length: 0, type: 0 }, []), 'RTM_DELROUTE [REQUEST NONREC CREATE] 0.0.0.0/0 table 254 bgp'],
  [
    neighbor(
      [
        [1, '10.0.0.2'],
        [2, Buffer.from('32260a2eccf1', 'hex')],
        [5, u16(10)],
        [7, 100],
      ],
      0x82,
      7,
      4,
      28,
      0x12,
    ),
    'RTM_NEWNEIGH [REQUEST REPLACE CREATE] 10.0.0.2 mac 32:26:0a:2e:cc:f1 interface 4 reachable permanent ' +
      '(SELF EXT_LEARNED)',
  ],
])('message %#', (bytes, line) => {
  const [first, ...more] = linesOf(frame(bytes));
  // Whether the FIB has a use for it is not this test's concern.
  expect(first?.replace(/ \(not used: .*\)$/, '')).toBe(`#1 zebra→server 0x000000 ${line}`);
  expect(more.join('\n')).not.toMatch(/!!/);
});

test('what the decoder does not use says why, and what is malformed where', () => {
  const link = message(16, Buffer.alloc(16), []);
  expect(linesOf(frame(link))).toEqual([
    '#1 zebra→server 0x000000 RTM_NEWLINK [REQUEST REPLACE CREATE] (not used: message type 16)',
    '    frame 0+36, message 4+32, seq 0, pid 0; skipped: message type 16',
    '    bytes 00000000000000000000000000000000',
  ]);
  const long = route({ length: 33 }, [[1, '10.0.0.0']]);
  expect(linesOf(frame(long)).at(-1)).toMatch(/^ {4}!! malformed at 0x000015: prefix length 33 of IPv4: 210000feba/);
  const overrun = route({}, [[1, '10.0.0.0']]);
  overrun.writeUInt16LE(50, 28);
  expect(linesOf(frame(overrun)).slice(-2)).toEqual([
    '    !! attribute length 50 of 8 bytes: 320001000a000000',
    '    !! malformed at 0x000020: attribute length 50 of 8 bytes: 320001000a000000',
  ]);
});

test("wrong lengths and types don't hide what follows", () => {
  const good = frame(
    route({}, [
      [1, '10.0.0.0'],
      [30, 5],
    ]),
  );
  const bad = frame(Buffer.alloc(20, 1));
  const lines = linesOf(Buffer.concat([bad, frame(Buffer.from('??'), 9), Buffer.from('no FPM at all'), good]));
  const offset = bad.length + 6;
  expect(lines.slice(0, 6)).toEqual([
    '#1 zebra→server 0x000004 MALFORMED netlink message length 16843009 of 20 bytes (20 bytes)',
    `    ${'01'.repeat(20)}`,
    '#1 zebra→server 0x000018 MALFORMED frame of unknown type 9 (6 bytes)',
    '    010900063f3f',
    `#1 zebra→server 0x0000${offset.toString(16)} MALFORMED FPM version 110 where 1 must be (13 bytes)`,
    `    ${Buffer.from('no FPM at all').toString('hex')}`,
  ]);
  expect(lines[6]).toMatch(/RTM_NEWROUTE .* 10\.0\.0\.0\/24 .* nexthop 5$/);
});

test('a status in the direction to zebra', () => {
  const buffer = Buffer.alloc(MAX_STATUS_FRAME);
  const report = { table: 254, ...parsePrefix('10.9.0.1/32')!, protocol: 196, status: 'failed' } as const;
  const end = writeStatus(buffer, 0, report, 'table');
  expect(linesOf(buffer.subarray(0, end), 'toZebra')[0]).toBe(
    '#1 server→zebra 0x000000 RTM_NEWROUTE [REQUEST] 10.9.0.1/32 table 254 static unicast (OFFLOAD_FAILED) STATUS failed',
  );
});

test('protobuf', () => {
  const type = fpmMessageType();
  const addRoute = {
    vrfId: 0,
    addressFamily: 1,
    subAddressFamily: 1,
    key: { prefix: { length: 20, bytes: Buffer.from([10, 1, 0xff]) } },
    routeType: 1,
    protocol: 9,
    metric: 50,
    nexthops: [{ ifId: { index: 3 } }],
  };
  const payload = Buffer.from(type.encode(type.fromObject({ type: 1, addRoute })).finish());
  const lines = linesOf(frame(payload, 2));
  expect(lines[0]).toBe('#1 zebra→server 0x000000 protobuf ADD_ROUTE 10.1.255.0/20');
  expect(lines[1]).toMatch(/protobuf; understood as routeAdd$/);
  expect(lines).toContain('          bytes 0a01ff');
  const broken = linesOf(frame(payload.subarray(0, 9), 2));
  expect(broken[0]).toMatch(/protobuf unreadable MALFORMED$/);
  expect(broken.at(-1)).toMatch(/!! malformed at 0x000004: protobuf: /);
});

test('JSON: one object a line, with what the text has', () => {
  const stream = readFileSync(join(FIXTURES, 'frr10.7-dplane.bin'));
  const objects = linesOf(stream, 'fromZebra', true).map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(objects.find(({ prefix }) => prefix === '198.18.4.0/24')).toMatchObject({
    kind: 'netlink',
    direction: 'fromZebra',
    message: 'RTM_NEWROUTE',
    flags: ['REQUEST', 'REPLACE', 'CREATE'],
    table: 254,
    protocol: 'static',
    routeType: 'blackhole',
    decoder: { updates: ['routeAdd'] },
  });
});

test('totals', () => {
  const inspector = new Inspector(() => undefined);
  inspector.take({ kind: 'open', connection: 1, what: 'test', inStep: true });
  inspector.take({ kind: 'data', connection: 1, direction: 'fromZebra', bytes: frame(nexthop([[1, 9]], 105)) });
  expect(totalsText(inspector.totals)).toBe(
    '1 connections, 1 frames, 1 updates, 0 not used, 0 malformed\nzebra→server: 1 RTM_DELNEXTHOP\n',
  );
});

describe('the program', () => {
  const folder = mkdtempSync(join(tmpdir(), 'decode-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  interface Ended {
    readonly status: number | null;
    readonly out: string;
    readonly err: string;
  }

  function run(args: readonly string[], input?: Buffer, readNothing = false): Promise<Ended> {
    const child = spawn(process.execPath, [join(__dirname, '../../../src/main.js'), ...args]);
    return new Promise((resolve) => {
      const [out, err]: Buffer[][] = [[], []];
      if (readNothing) child.stdout.once('data', () => child.stdout.destroy());
      else child.stdout.on('data', (chunk: Buffer) => out!.push(chunk));
      child.stderr.on('data', (chunk: Buffer) => err!.push(chunk));
      child.stdin.on('error', () => undefined);
      child.stdin.end(input ?? Buffer.alloc(0));
      child.once('close', (status) =>
        resolve({ status, out: Buffer.concat(out!).toString(), err: Buffer.concat(err!).toString() }),
      );
    });
  }

  const stream = readFileSync(join(FIXTURES, 'frr10.7-dplane.bin'));

  test('a capture from standard input, with times; counts on stderr', async () => {
    const { status, out, err } = await run(['decode', '--brief'], pcapngOf(connectionOf(stream, Buffer.alloc(0))));
    expect(status).toBe(0);
    expect(out).toMatch(
      /^2025-11-22T08:26:40\.001000Z -- connection 1: zebra at 10\.0\.0\.1:40000, server at 10\.0\.0\.2:2620\n/,
    );
    expect(out).toMatch(/^2025-11-22T08:26:40\.003000Z #1 zebra→server 0x000000 RTM_NEWNEXTHOP /m);
    expect(err).toMatch(/^capture: 1 connections, \d+ frames, \d+ updates, 0 not used, 0 malformed\n/);
  }, 30_000);

  test('a reader that goes away is no failure', async () => {
    const file = join(folder, 'long');
    writeFileSync(file, Buffer.concat(Array.from({ length: 300 }, () => stream)));
    expect(await run(['decode', file], undefined, true)).toMatchObject({ status: 0, err: '' });
  }, 30_000);

  test("1 for what can't be read, 2 for wrong usage", async () => {
    expect(await run(['decode', join(folder, 'nothing')])).toMatchObject({
      status: 1,
      err: expect.stringMatching(/^cannot read .*ENOENT/) as string,
    });
    expect(await run(['decode'])).toMatchObject({ status: 1, err: 'standard input is empty\n' });
    const text = join(folder, 'text');
    writeFileSync(text, '{ "name": "no capture" }\n');
    expect(await run(['decode', text])).toMatchObject({
      status: 1,
      err: `${text} is no capture (pcap, pcapng), no recording, and has no FPM message in it\n`,
    });
    expect((await run(['decode', '--port', '0', 'x'])).status).toBe(2);
    expect((await run(['replay', 'x', '--to', 'nowhere'])).status).toBe(2);
    expect((await run(['replay'])).status).toBe(2);
    expect(await run(['replay', 'x'])).toMatchObject({ status: 2, err: expect.stringMatching(/to/) as string });
  }, 60_000);
});
