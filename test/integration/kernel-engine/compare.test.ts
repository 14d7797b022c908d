/** Random graphs and frames: what the program loaded into this kernel makes of them is what the TypeScript engine does. */
import { fuzzKernel, type KernelFuzzResult } from '../../fuzz/kernel/kernel-fuzz';

jest.setTimeout(120_000);

let result: KernelFuzzResult;

beforeAll(() => {
  result = fuzzKernel(4711, 250, { now: () => performance.now() });
});

test('every packet is sent, dropped or left to the engine as that has it, byte by byte, and all counters agree', () => {
  expect(result.findings).toEqual([]);
  expect(result.frames).toBe(25_000);
  expect(result.judged).toBeGreaterThan(20_000);
  expect(result.labelled).toBeGreaterThan(500);
  expect(result.unlabelled).toBeGreaterThan(300);
});

test('graphs of all shapes took part, and packets that go each way', () => {
  for (const { frames, sent, discarded, slow } of Object.values(result.ways)) {
    expect(Math.min(frames, sent, discarded, slow)).toBeGreaterThan(0);
  }
  expect(result.ways.plain.sent + result.ways.fpm2afi.sent).toBeGreaterThan(2000);
  const reasons = [
    'node',
    'host',
    'order',
    'ttl',
    'mtu',
    'martian',
    'options',
    'ipHeader',
    'port',
    'tagged',
    'policer',
  ];
  expect(Object.keys(result.reasons)).toEqual(expect.arrayContaining(reasons));
});
