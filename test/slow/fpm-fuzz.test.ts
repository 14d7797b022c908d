/** A short run of `make fuzz` (test/fuzz), always with the same seed; and that its checks find what they are for. */
import { performance } from 'node:perf_hooks';
import { corpus, frameOf } from '../fuzz/corpus';
import { fuzz } from '../fuzz/fuzz';
import { MUTATIONS } from '../fuzz/mutations';
import { checkFrame, isInStep, sessionOf } from '../fuzz/properties';
import { Random } from '../fuzz/random';

jest.setTimeout(120_000);

test('20,000 mutated frames, nothing found', () => {
  const { findings, mutations, properties } = fuzz(1, 20_000, { now: () => performance.now() });
  expect(findings).toEqual([]);
  expect(Math.min(...Object.values(mutations))).toBeGreaterThan(500);
  expect(Math.min(...Object.values(properties))).toBeGreaterThan(20);
});

test('a run is made again by its seed', () => {
  const frames = (seed: number): string[] => {
    const random = new Random(seed);
    const seeds = corpus();
    return Object.values(MUTATIONS).map((mutate) => mutate(random.pick(seeds), random, seeds).toString('hex'));
  };
  expect(frames(7)).toEqual(frames(7));
  expect(frames(7)).not.toEqual(frames(8));
});

test('the corpus is valid: every frame is understood, and every kind of update is among them', () => {
  const kinds = new Set<string>();
  for (const frame of corpus()) {
    const { events, broken, fault } = sessionOf([frame]);
    expect([broken, fault]).toEqual([false, undefined]);
    expect(events.filter((event) => event.startsWith('malformed'))).toEqual([]);
    for (const event of events) kinds.add(/"kind":"(\w+)"/.exec(event)?.[1] ?? event);
  }
  const known = ['routeAdd', 'routeDelete', 'nexthopAdd', 'nexthopDelete', 'neighborAdd', 'neighborDelete'];
  for (const kind of [...known, 'lspAdd', 'lspDelete']) expect(kinds).toContain(kind);
});

test('a frame that is lost is found to be', () => {
  const sentinel = corpus()[0]!;
  const wrong = frameOf(Buffer.alloc(0));
  expect(isInStep(wrong)).toBe(true);
  expect(checkFrame(wrong, sentinel, sessionOf([sentinel]).events)).toBeUndefined();
  expect(checkFrame(wrong, sentinel, ['something else'])).toBe('the valid frame behind it was lost');
});
