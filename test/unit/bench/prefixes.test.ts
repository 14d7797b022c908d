/** The made-up table, and the destinations that the data plane's measurements send to. */
import { destinationsIn, makePrefixes } from '../../bench/prefixes';

test.each([10, 20_000])('every destination lies within a prefix of the table of %d routes', (routes) => {
  const { addresses, lengths } = makePrefixes(routes);
  const held = new Set(Array.from(addresses, (address, i) => `${address}/${lengths[i]!}`));
  const within = (address: number): boolean =>
    Array.from({ length: 33 }, (_, length) => {
      const span = 2 ** (32 - length);
      return `${Math.floor(address / span) * span}/${length}`;
    }).some((prefix) => held.has(prefix));
  const destinations = destinationsIn(routes, 1000);
  expect(Array.from(destinations).filter((address) => !within(address))).toEqual([]);
  // Prefixes that lie within each other may begin alike.
  expect(new Set(destinations).size).toBeGreaterThan(Math.min(routes, 1000) / 2);
});
