/** Labels in FRR's words, as its zebra 10.7.1 prints them (libfrr's strings, and `show mpls table` seen). */
import { stackText } from '../../../src/net/labels';

test.each([
  [[200, 301], '200/301'],
  [[0, 16], 'IPv4 Explicit Null/16'],
  [[2], 'IPv6 Explicit Null'],
  [[1, 7, 3], 'Router Alert/Entropy Label Indicator/implicit-null'],
  [[15], 'Reserved (15)'],
  [[0xfffff], '1048575'],
])('%j', (labels, text) => {
  expect(stackText(labels)).toBe(text);
});
