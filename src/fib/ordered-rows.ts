/**
 * The rows of the route table in the order in which FRR shows routes: IPv4 before IPv6, table by table, by address, a shorter prefix
 * before the longer ones in it. The table itself has no order (its index is a hash), may hold millions of rows, and changes while
 * a slow reader takes them; so nothing is copied, and nobody's turn of the event loop is held up:
 *
 * A first pass over the rows takes some of them as samples, which cut the keys into ranges of about RANGE rows. Then the rows of some
 * ranges at a time are gathered by a pass over the table, and each range is sorted and handed out in portions. What is held is
 * a few hundred kilobytes. A pass over a million rows takes milliseconds and is made in slices.
 *
 * What changes meanwhile: a row that is gone, or stands for another route by now, is left out; a route that came may be missed. None is
 * handed out twice, and the order always holds.
 */
import { hashKey, newKey, type RouteKey } from './route-key';
import type { RouteTable } from './route-table';

/** Rows in a range; sorting so many takes a millisecond or two. */
const RANGE = 8192;
/** Ranges gathered by one pass over the table. */
const RANGES_A_PASS = 16;
/** Rows looked at in one go. */
const SLICE = 65_536;
/** Rows handed out in one go. */
export const PORTION = 2000;
/** Samples taken, whatever the size of the table. */
const SAMPLES = 4096;
/** A range of IPv4 rows is sorted by numbers of 53 bits: address, length, and a place of so many bits. */
const PLACE_BITS = 15;

const NOTHING = new Uint32Array(0);

/**
 * Yields the live rows that are `wanted`, sorted, in portions. After each of them, an empty one above all, the caller may let others have
 * a turn; a portion's rows are valid until then.
 */
export function* orderedRows(routes: RouteTable, wanted: (row: number) => boolean): Generator<Uint32Array> {
  const bounds = yield* rangeBounds(routes, wanted);
  for (let first = 0; first <= bounds.length; first += RANGES_A_PASS) {
    const before = routes.freed;
    const ranges = yield* gather(routes, wanted, bounds, first);
    for (const [at, all] of ranges.entries()) {
      const [low, high] = [bounds[first + at - 1], bounds[first + at]];
      const rows = routes.freed === before ? all : all.filter((row) => isBetween(routes, row, low, high));
      const { freed } = routes;
      const sorted = sort(routes, rows);
      const hashes = sorted.map((row) => hashOf(routes, row));
      for (let from = 0; from < sorted.length; from += PORTION) {
        const portion = sorted.subarray(from, from + PORTION);
        if (routes.freed === freed) yield portion.filter(wanted);
        else
          yield portion.filter((row, i) => hashOf(routes, row) === hashes[from + i] && routes.live(row) && wanted(row));
      }
    }
  }
}

/** Keys that cut the wanted rows into ranges of about the same size, ascending; none where one range holds them all. */
function* rangeBounds(routes: RouteTable, wanted: (row: number) => boolean): Generator<Uint32Array, RouteKey[]> {
  const every = Math.max(1, Math.floor(routes.size / SAMPLES));
  const samples: RouteKey[] = [];
  let found = 0;
  for (let row = 1; row < routes.end; row++) {
    if (row % SLICE === 0) yield NOTHING;
    if (routes.live(row) && wanted(row) && ++found % every === 0) samples.push(routes.readKey(row, newKey()));
  }
  samples.sort(compareKeys);
  const ranges = Math.ceil(found / RANGE);
  const bounds: RouteKey[] = [];
  for (let range = 1; range < ranges; range++) bounds.push(samples[Math.floor((range * samples.length) / ranges)]!);
  return bounds;
}

/** The wanted rows of the ranges from the `first` on, each range for itself. */
function* gather(
  routes: RouteTable,
  wanted: (row: number) => boolean,
  bounds: readonly RouteKey[],
  first: number,
): Generator<Uint32Array, number[][]> {
  const low = bounds[first - 1];
  const inner = bounds.slice(first, first + RANGES_A_PASS - 1);
  const high = bounds[first + RANGES_A_PASS - 1];
  const ranges = Array.from({ length: inner.length + 1 }, (): number[] => []);
  for (let row = 1; row < routes.end; row++) {
    if (row % SLICE === 0) yield NOTHING;
    if (isBetween(routes, row, low, high) && wanted(row)) ranges[rangeOf(routes, row, inner)]!.push(row);
  }
  return ranges;
}

/** Whether the row is in use and its key is not before the one and before the other; absent: no limit. */
function isBetween(routes: RouteTable, row: number, low: RouteKey | undefined, high: RouteKey | undefined): boolean {
  return (
    routes.live(row) &&
    (low === undefined || routes.compareToKey(row, low) >= 0) &&
    (high === undefined || routes.compareToKey(row, high) < 0)
  );
}

/** How many of the bounds, which ascend, the row has reached. */
function rangeOf(routes: RouteTable, row: number, bounds: readonly RouteKey[]): number {
  let [low, high] = [0, bounds.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (routes.compareToKey(row, bounds[middle]!) >= 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

function sort(routes: RouteTable, rows: readonly number[]): Uint32Array {
  const [first] = rows;
  const table = first === undefined ? 0 : routes.tableOf(first);
  const plain =
    rows.length <= 1 << PLACE_BITS && rows.every((row) => !routes.isIp6(row) && routes.tableOf(row) === table);
  if (!plain) return Uint32Array.from(rows).sort((a, b) => routes.compare(a, b));
  // Numbers are sorted several times faster than by a function that compares.
  const keys = Float64Array.from(rows, (row, place) => {
    const { a0, length } = routes.readKey(row, scratch);
    return (a0 * 64 + length) * (1 << PLACE_BITS) + place;
  }).sort();
  return Uint32Array.from(keys, (key) => rows[key % (1 << PLACE_BITS)]!);
}

const scratch = newKey();

function hashOf(routes: RouteTable, row: number): number {
  return hashKey(routes.readKey(row, scratch));
}

/** The order of the rows; less than 0: `a` comes first. */
export function compareKeys(a: RouteKey, b: RouteKey): number {
  return (
    Number(a.ip6) - Number(b.ip6) ||
    a.table - b.table ||
    a.a0 - b.a0 ||
    a.a1 - b.a1 ||
    a.a2 - b.a2 ||
    a.a3 - b.a3 ||
    a.length - b.length
  );
}
