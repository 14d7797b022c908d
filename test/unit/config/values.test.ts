/** Durations and spelling suggestions. */
import fc from 'fast-check';
import { durationText, parseDuration } from '../../../src/config/values';
import { nearest } from '../../../src/config/nearest';

test.each([
  ['200ms', 200],
  ['5s', 5000],
  ['1.5s', 1500],
  ['2m', 120_000],
  ['1h', 3_600_000],
  ['5 s', 5000],
  ['0s', 0],
  ['5', undefined],
  ['-5s', undefined],
  ['5S', undefined],
  ['5sec', undefined],
  ['', undefined],
])('%j is %p ms', (text, ms) => {
  expect(parseDuration(text)).toBe(ms);
});

test('what durationText writes, parseDuration reads', () => {
  fc.assert(fc.property(fc.nat(100_000_000), (ms) => parseDuration(durationText(ms)) === ms));
  expect([0, 1, 1000, 1500, 60_000, 3_600_000].map(durationText)).toEqual(['0s', '1ms', '1s', '1500ms', '1m', '1h']);
});

test('suggestions are for slips only', () => {
  const keys = ['listen', 'feedback', 'zebraVty', 'sweep'];
  expect(nearest('lisen', keys)).toBe('listen');
  expect(nearest('Listen', keys)).toBe('listen');
  expect(nearest('swep', keys)).toBe('sweep');
  expect(nearest('color', keys)).toBeUndefined();
  expect(nearest('x', [])).toBeUndefined();
});
