/** The screen of `top`: what is in it, and that it fits whatever it is shown on. */
import { topView, type TopView } from '../../../src/control/top-model';
import { short } from '../../../src/control/top-grids';
import { topLines, topNote } from '../../../src/control/top-text';
import type { StatusView } from '../../../src/control/status-types';
import { PORTS, PUNT, STATUS } from './backend';

const PAGE = { columns: 80, color: false };
const at = <T>(atMs: number, value: T): { atMs: number; value: T } => ({ atMs, value });
const sampleAt = (atMs: number, packets: number, delays = STATUS.loop.delays): Parameters<typeof topView>[1] => ({
  status: at(atMs, {
    ...STATUS,
    fpm: { ...STATUS.fpm, messages: packets },
    loop: { ...STATUS.loop, delays },
  }),
  ports: at(atMs, [{ ...PORTS[0]!, input: { packets, bytes: 125 * packets, drops: 0 } }, PORTS[1]!]),
  punt: at(atMs, PUNT),
});
const DELAYS = [
  { upToMs: 0, count: 590 },
  { upToMs: 2, count: 9 },
  { upToMs: 9, count: 1 },
  { upToMs: 11, count: 1 },
];
const VIEW = topView(sampleAt(0, 1000), sampleAt(2000, 24_456, DELAYS));

/** All as large as can be: a million routes, names as long as Linux has them, long sentences. */
const LARGE: TopView = {
  ...VIEW,
  status: {
    ...VIEW.status,
    version: '10.20.30',
    pid: 4_194_304,
    uptimeSeconds: 9e7,
    fpm: { ...STATUS.fpm, peer: '[2001:db8:1234:5678:9abc:def0:1234:5678]:65535', statuses: 9_999_999 },
    afi: { ...STATUS.afi, server: `unix:/run/${'x'.repeat(90)}`, lastKnown: STATUS.time, entries: 9_999_999 },
    fib: {
      ...STATUS.fib,
      ...{ routes: 9_999_999, offloaded: 9_999_999, trapped: 9_999_999, failed: 9_999_999, unresolved: 9_999_999 },
      ...{ pending: 9_999_999, stale: 9_999_999, dirty: 9_999_999 },
      lsps: { offloaded: 999_999, trapped: 999_999, failed: 999_999, unresolved: 999_999, pending: 999_999 },
    },
    latency: { count: 1e12, p50Ms: 4_194_303, p99Ms: 4_194_303, maxMs: 4_194_303, buckets: [] },
    told: { count: 1e12, p50Ms: 4_194_303, p99Ms: 4_194_303, maxMs: 4_194_303, buckets: [] },
    problems: Array.from({ length: 8 }, (_, i) => `problem ${i} ${'word '.repeat(30)}${'/long/path'.repeat(12)}`),
  },
  loop: { count: 1e12, p50Ms: 4_194_303, p99Ms: 4_194_303, maxMs: 4_194_303, ownMaxMs: 4_194_303, buckets: [] },
  rates: { changes: 123_456, messages: 123_456, statuses: 123_456, operations: 123_456, failed: 123_456 },
  latency: { acknowledged: { ...STATUS.latency, count: 1e12 }, told: { ...STATUS.told, count: 1e12 } },
  ports: Array.from({ length: 64 }, (_, index) => ({
    ...{ index, tap: 'abcdefghijklmno', tapState: 'down', vasicState: 'up' },
    input: { packets: 1.481e9, bits: 9.999e12 * (index + 1), drops: 0.25 },
    output: { packets: 1.481e9, bits: 9.999e12, drops: 1.234e9 },
    punt: { punted: 123_456, injected: 123_456, drops: 123_456 },
  })),
  punt: Array.from({ length: 24 }, (_, i) => ({
    ...{ reason: `aLongReasonName${i}`, passed: 1e15, dropped: 1e15, rate: 123_456_789, delivered: 1e15 },
    rates: { passed: 123_456 + i, dropped: 123_456, delivered: 123_456 },
  })),
};

test('the screen', () => {
  expect(topLines(VIEW, PAGE).join('\n')).toBe(`\
fpm2afi 0.1.0, pid 4711, up 1d02h03m                 2026-01-02T12:00:00Z, 2.0 s
FPM     zebra connected from 127.0.0.1:40404 for 00:07:17, feedback table
AFI     up for 01:00:00, 1023 entries, server 127.0.0.1:50051
Loop    lag 50% 0 ms, 99% 2 ms, max 9 ms
Rates/s routes changed 0, told to zebra 0, FPM messages 11.7k
        AFI operations 0, refused 0; 1 in flight, 0 routes waiting

        Total  Offloaded  Trapped  Failed  Unresolved  Pending  Stale
Routes      8          3        2       1           1        1      0
LSPs        3          2        1       0           0        0

Latency, ms    Now  50%  99%  Max  Since start  50%  99%  Max
Acknowledged     0    -    -    -           40    3   17   17
Told to zebra    0    -    -    -           38    8   25   25

Port  TAP   State    In/s  bit/s  Out/s  bit/s  Drops  Punt  Inj.
   0  tap0  up      11.7k  11.7M      0      0      0     0     0
   1  tap1  no TAP      -      -      -      -      0     0     0

Punt   Passed/s  Dropped/s  Given/s  Limit/s  Passed  Dropped
glean         0          0        0    1.00k   1.20k    31.0k

Problems:
  1 route was refused by the AFI server: fpm2afi show routes --state failed`);
});

test('what is not connected, and what is well', () => {
  const fpm: StatusView['fpm'] = JSON.parse(JSON.stringify({ ...STATUS.fpm, state: 'listening', peer: undefined }));
  const status = { ...STATUS, fpm, problems: [] };
  const lines = topLines({ ...VIEW, status: { ...status, afi: { ...STATUS.afi, state: 'down' } } }, PAGE);
  expect(lines[1]).toBe('FPM     no zebra connected for 00:07:17, feedback table');
  expect(lines[2]).toMatch(/^AFI {5}down for /);
  expect(lines.at(-1)).toBe('No problems.');
});

test.each([
  ['TAP down', 'down', 'up'],
  ['no link', 'down', 'down'],
  ['no TAP', 'absent', 'up'],
  ['unknown', 'up', 'unknown'],
] as const)('a port is called %s', (text, tapState, vasicState) => {
  const lines = topLines({ ...VIEW, ports: [{ ...VIEW.ports[0]!, tapState, vasicState }] }, PAGE);
  expect(lines.find((line) => line.includes('tap0'))).toContain(`tap0  ${text} `);
});

test.each([VIEW, LARGE])('no line is longer than the screen is wide', (view) => {
  for (const columns of [20, 79, 80, 132]) {
    for (const line of topLines(view, { columns, color: false })) {
      expect([line, line.length <= columns]).toEqual([line, true]);
    }
  }
});

test('at 80 columns no table is cut, however large its numbers; long addresses, times and words are', () => {
  const cut = topLines(LARGE, PAGE).filter((line) => line.endsWith('…'));
  expect(cut.map((line) => line.slice(0, 8).trim()).filter((title) => title !== '/lon')).toEqual(['FPM', 'AFI']);
});

test('a short screen: all parts are begun, what is left out is counted, the busiest ports stay', () => {
  for (const rows of [20, 24, 40]) {
    const lines = topLines(LARGE, { ...PAGE, rows });
    expect(lines).toHaveLength(rows);
    if (rows === 20) continue;
    const left = lines.flatMap((line) => /… (\d+) more (\w+)/.exec(line)?.slice(1) ?? []);
    const count = (mark: string): number => lines.filter((line) => line.includes(mark)).length;
    const [ports, reasons] = [count('abcdefghijklmno'), count('aLongReason')];
    expect(left.slice(0, 4)).toEqual([String(64 - ports), 'ports', String(24 - reasons), 'reasons']);
    expect(lines.at(-1)).toMatch(/^ {2}… \d+ more lines: fpm2afi show status$/);
    // Port 63 has the most traffic.
    if (ports > 0) expect(lines.some((line) => line.startsWith('  63 '))).toBe(true);
  }
});

test('a screen that all fits on has its empty lines; one with a line less has none', () => {
  const all = topLines(VIEW, PAGE);
  expect(topLines(VIEW, { ...PAGE, rows: all.length })).toEqual(all);
  expect(topLines(VIEW, { ...PAGE, rows: all.length - 1 })).toEqual(all.filter((line) => line !== ''));
});

test('color: marks what is wrong, and adds nothing else', () => {
  const colored = topLines(VIEW, { ...PAGE, color: true });
  const [red, plain] = ['\x1b[31m', '\x1b[0m'];
  const bare = (line: string): string =>
    ['\x1b[1m', red, '\x1b[33m', plain].reduce((text, code) => text.replace(code, ''), line);
  expect(colored.map(bare)).toEqual(topLines(VIEW, PAGE));
  const [well, wrong] = ['tap0', 'tap1'].map((tap) => colored.find((line) => line.includes(tap))!);
  expect([wrong!.startsWith(red), wrong!.endsWith(plain), well!.startsWith(' ')]).toEqual([true, true, true]);
});

test('a note is wrapped', () => {
  expect(topNote('one two three\nfour', { columns: 8, color: false })).toEqual(['one two', 'three', 'four']);
});

test.each([
  [undefined, '-'],
  [0, '0'],
  [0.01, '<0.1'],
  [0.5, '0.5'],
  [9.96, '10'],
  [12.4, '12'],
  [999, '999'],
  [999.6, '1.00k'],
  [1234, '1.23k'],
  [9996, '10.0k'],
  [99_960, '100k'],
  [999_600, '1.00M'],
  [45_600_000, '45.6M'],
  [1e12, '1.00T'],
])('%p is written %s', (value, text) => expect(short(value)).toBe(text));
