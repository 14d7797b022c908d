/**
 * The route table: every (table, prefix) that anybody told of, as rows of typed-array columns with an open-addressing
 * hash index over the key. No object per route exists, so a million routes cost tens of bytes each and no garbage
 * collection.
 *
 * A row number is a route's handle everywhere in the bridge. It stays valid until `free`; rows are then reused. Row 0 is
 * never used and means "none". The table owns keys and columns; what the columns mean is the Fib's business (fib.ts).
 *
 * IPv4 addresses live in `a0`; an IPv6 row has there the number of its four words in a side pool.
 *
 * Growing copies the columns one by one while the last rows are being filled: all at once would hold up the event loop.
 */
import { hashKey, keyAddress, newKey, storeAddress, type RouteKey } from './route-key';

/** Flag bits of a row (column `flags`). */
export const ROW = {
  /** zebra has the route. */
  zebra: 1,
  /** A local, broadcast or other address that always goes to the host. */
  host: 2,
  /** A known neighbor on a connected subnet. */
  neighbor: 4,
  /** Its route is a connected subnet on a port. */
  connected: 8,
  /** Waiting in the programming queue. */
  dirty: 16,
  /** An operation for its entry is in flight. */
  inFlight: 32,
  /** The vASIC refused what is wanted now. */
  failed: 64,
  /** Waiting in the status queue. */
  notify: 128,
  /** An IPv6 row. */
  ip6: 256,
  /** A change by zebra that the vASIC has not acknowledged: how long that takes is counted. */
  timed: 512,
  /** zebra has sent the route and was told nothing of it since: how long that takes is counted. */
  untold: 1024,
  /** An own address makes it a connected subnet, whatever zebra says (own-subnets.ts). */
  subnet: 2048,
} as const;

/** `programmed` value of an entry that the vASIC may hold with a target unknown to us. */
export const TARGET_UNKNOWN = 0xffffffff;

function grown(column: Uint32Array, length: number): Uint32Array<ArrayBuffer> {
  const larger = new Uint32Array(length);
  larger.set(column);
  return larger;
}

const WIDE_COLUMNS = [
  'a0',
  'tables',
  'metric',
  'routeGroup',
  'wanted',
  'programmed',
  'receivedAt',
  'acknowledgedAt',
  'reportedAt',
  'nextInGroup',
  'prevInGroup',
] as const;
const NARROW_COLUMNS = ['lengths', 'protocol', 'generation', 'reported'] as const;
/** The flags are one more. */
const COLUMNS = WIDE_COLUMNS.length + NARROW_COLUMNS.length + 1;
/** Growing begins when this part of the rows is left. */
const SPARE = 1 / 8;

const SEGMENT_BITS = 6;
const SEGMENTS = 1 << SEGMENT_BITS;
const FIRST_SLOTS = 32;

function segmentOf(hash: number): number {
  return hash >>> (32 - SEGMENT_BITS);
}

export class RouteTable {
  private capacity = 1024;
  private rows = 1;
  private freeHead = 0;
  private used = 0;
  private gone = 0;
  /** The hash index in segments, by the hash's first bits: each grows by itself, so that growing takes no time to speak of. */
  private readonly segments = Array.from({ length: SEGMENTS }, () => new Uint32Array(FIRST_SLOTS));
  private readonly segmentUsed = new Uint32Array(SEGMENTS);

  private a0 = new Uint32Array(this.capacity);
  private tables = new Uint32Array(this.capacity);
  private lengths = new Uint8Array(this.capacity);
  /** IPv6 addresses, four words per slot; slot 0 unused; free slots are chained through the first word. */
  private pool = new Uint32Array(4);
  private poolUsed = 1;
  private poolFree = 0;
  /** Rows that there will be when growing is done, how many columns have grown, and the row at which the next one does. */
  private target = 2 * this.capacity;
  private columnsGrown = 0;
  private growAt = nextGrowth(this.capacity, 0);
  private readonly scratch = newKey();

  /** Bits of ROW. */
  flags = new Uint16Array(this.capacity);
  /** zebra's rtm_protocol and metric. */
  protocol = new Uint8Array(this.capacity);
  metric = new Uint32Array(this.capacity);
  /** Replay generation in which zebra last sent the route (`nextGeneration`); 0: in none that is known still. */
  generation = new Uint8Array(this.capacity);
  /** Nexthop group of zebra's route. */
  routeGroup = new Uint32Array(this.capacity);
  /** Nexthop group wanted in the vASIC; 0: no entry. */
  wanted = new Uint32Array(this.capacity);
  /** Nexthop group that the vASIC acknowledged; 0: no entry there; TARGET_UNKNOWN: must be written again. */
  programmed = new Uint32Array(this.capacity);
  /** What zebra was told last (an index into fib.ts's statuses; 0 nothing). */
  reported = new Uint8Array(this.capacity);
  /** When zebra sent the route, the vASIC acknowledged its entry, zebra was told (times.ts). */
  receivedAt = new Uint32Array(this.capacity);
  acknowledgedAt = new Uint32Array(this.capacity);
  reportedAt = new Uint32Array(this.capacity);
  /** Doubly linked list of the rows that want the same group. */
  nextInGroup = new Uint32Array(this.capacity);
  prevInGroup = new Uint32Array(this.capacity);

  /** The replay generation after this one. After 255 they start over, and what an earlier one confirmed counts as confirmed by none. */
  nextGeneration(generation: number): number {
    if (generation < 255) return generation + 1;
    this.generation.fill(0);
    return 1;
  }

  /** Rows in use. */
  get size(): number {
    return this.used;
  }

  /** How often a row was given back: as long as that doesn't change, each row number stands for the same route. */
  get freed(): number {
    return this.gone;
  }

  /** One more than the highest row number ever used; rows in between may be free. */
  get end(): number {
    return this.rows;
  }

  private matches(row: number, key: RouteKey): boolean {
    if (
      this.lengths[row] !== key.length ||
      this.tables[row] !== key.table ||
      (this.flags[row]! & ROW.ip6) !== (key.ip6 ? ROW.ip6 : 0)
    ) {
      return false;
    }
    if (!key.ip6) return this.a0[row] === key.a0;
    const { pool } = this;
    const p = 4 * this.a0[row]!;
    return pool[p] === key.a0 && pool[p + 1] === key.a1 && pool[p + 2] === key.a2 && pool[p + 3] === key.a3;
  }

  /** The row of this key, or 0. */
  find(key: RouteKey): number {
    return this.findHashed(key, hashKey(key));
  }

  private findHashed(key: RouteKey, hash: number): number {
    const index = this.segments[segmentOf(hash)]!;
    const mask = index.length - 1;
    for (let i = hash & mask; ; i = (i + 1) & mask) {
      const row = index[i]!;
      if (row === 0 || this.matches(row, key)) return row;
    }
  }

  /** The row of this key, made if there was none (all columns zero, `programmed` included). */
  upsert(key: RouteKey): number {
    const hash = hashKey(key);
    const found = this.findHashed(key, hash);
    if (found !== 0) return found;
    let row = this.freeHead;
    if (row !== 0) this.freeHead = this.nextInGroup[row]!;
    else {
      row = this.rows++;
      if (row === this.growAt) this.growColumn();
    }
    this.a0[row] = key.ip6 ? this.takePool(key) : key.a0;
    this.lengths[row] = key.length;
    this.tables[row] = key.table;
    this.flags[row] = key.ip6 ? ROW.ip6 : 0;
    this.protocol[row] = 0;
    this.metric[row] = 0;
    this.generation[row] = 0;
    this.routeGroup[row] = 0;
    this.wanted[row] = 0;
    this.programmed[row] = 0;
    this.reported[row] = 0;
    this.receivedAt[row] = 0;
    this.acknowledgedAt[row] = 0;
    this.reportedAt[row] = 0;
    this.nextInGroup[row] = 0;
    this.prevInGroup[row] = 0;
    this.used++;
    const segment = segmentOf(hash);
    const filled = ++this.segmentUsed[segment]!;
    if (filled * 2 > this.segments[segment]!.length) this.growSegment(segment);
    insertInto(this.segments[segment]!, row, hash);
    return row;
  }

  /** Gives a row back. The caller has unlinked it from every list. */
  free(row: number): void {
    const key = this.readKey(row, newKey());
    const hash = hashKey(key);
    const segment = segmentOf(hash);
    const index = this.segments[segment]!;
    const mask = index.length - 1;
    let i = hash & mask;
    while (index[i] !== row) i = (i + 1) & mask;
    // Backward-shift deletion keeps probe chains whole without tombstones.
    for (let j = (i + 1) & mask; index[j] !== 0; j = (j + 1) & mask) {
      const home = hashKey(this.readKey(index[j]!, key)) & mask;
      if (((j - home) & mask) >= ((j - i) & mask)) {
        index[i] = index[j]!;
        i = j;
      }
    }
    index[i] = 0;
    this.segmentUsed[segment]!--;
    if (this.isIp6(row)) {
      const slot = this.a0[row]!;
      this.pool[4 * slot] = this.poolFree;
      this.poolFree = slot;
    }
    this.flags[row] = 0;
    this.nextInGroup[row] = this.freeHead;
    this.freeHead = row;
    this.lengths[row] = 255;
    this.used--;
    this.gone++;
  }

  /** Whether the row number is in use. */
  live(row: number): boolean {
    return row > 0 && row < this.rows && this.lengths[row] !== 255;
  }

  /** Reads a row's key into `key`. */
  readKey(row: number, key: RouteKey): RouteKey {
    key.table = this.tables[row]!;
    key.length = this.lengths[row]!;
    key.ip6 = (this.flags[row]! & ROW.ip6) !== 0;
    if (key.ip6) {
      const p = 4 * this.a0[row]!;
      key.a0 = this.pool[p]!;
      key.a1 = this.pool[p + 1]!;
      key.a2 = this.pool[p + 2]!;
      key.a3 = this.pool[p + 3]!;
    } else {
      key.a0 = this.a0[row]!;
      key.a1 = key.a2 = key.a3 = 0;
    }
    return key;
  }

  tableOf(row: number): number {
    return this.tables[row]!;
  }

  lengthOf(row: number): number {
    return this.lengths[row]!;
  }

  isIp6(row: number): boolean {
    return (this.flags[row]! & ROW.ip6) !== 0;
  }

  /** The row's address in network order: 4 or 16 new bytes. */
  addressOf(row: number): Uint8Array {
    return keyAddress(this.readKey(row, this.scratch));
  }

  /** The same into `bytes` from `at`; returns how many: 4 or 16. */
  copyAddress(row: number, bytes: Uint8Array, at: number): 4 | 16 {
    return storeAddress(this.readKey(row, this.scratch), bytes, at);
  }

  /** Which of two rows comes first in a listing (ordered-rows.ts): less than 0 for `a`. */
  compare(a: number, b: number): number {
    const key = this.scratch;
    return this.compareToKey(a, this.readKey(b, key));
  }

  /** The same of a row and a key. */
  compareToKey(row: number, key: RouteKey): number {
    const ip6 = (this.flags[row]! & ROW.ip6) !== 0;
    if (ip6 !== key.ip6) return ip6 ? 1 : -1;
    const table = this.tables[row]! - key.table;
    if (table !== 0) return table;
    const a0 = this.a0[row]!;
    if (!ip6) return a0 - key.a0 || this.lengths[row]! - key.length;
    const { pool } = this;
    const p = 4 * a0;
    return (
      pool[p]! - key.a0 ||
      pool[p + 1]! - key.a1 ||
      pool[p + 2]! - key.a2 ||
      pool[p + 3]! - key.a3 ||
      this.lengths[row]! - key.length
    );
  }

  private takePool(key: RouteKey): number {
    let slot = this.poolFree;
    if (slot !== 0) this.poolFree = this.pool[4 * slot]!;
    else {
      slot = this.poolUsed++;
      if (4 * slot + 4 > this.pool.length) this.pool = grown(this.pool, Math.max(4096, this.pool.length * 1.5));
    }
    const at = 4 * slot;
    this.pool[at] = key.a0;
    this.pool[at + 1] = key.a1;
    this.pool[at + 2] = key.a2;
    this.pool[at + 3] = key.a3;
    return slot;
  }

  private growSegment(segment: number): void {
    const index = this.segments[segment]!;
    const larger = new Uint32Array(index.length * 2);
    for (const row of index) if (row !== 0) insertInto(larger, row, hashKey(this.readKey(row, this.scratch)));
    this.segments[segment] = larger;
  }

  /** Gives the next column its new length; after the last one the table has grown. */
  private growColumn(): void {
    const rows = this.target;
    const wide = WIDE_COLUMNS[this.columnsGrown];
    const narrow = NARROW_COLUMNS[this.columnsGrown - WIDE_COLUMNS.length];
    if (wide !== undefined) this[wide] = grown(this[wide], rows);
    else if (narrow !== undefined) {
      const larger = new Uint8Array(rows);
      larger.set(this[narrow]);
      this[narrow] = larger;
    } else {
      const larger = new Uint16Array(rows);
      larger.set(this.flags);
      this.flags = larger;
    }
    if (++this.columnsGrown === COLUMNS) {
      this.capacity = rows;
      this.columnsGrown = 0;
      this.target = rows < 65536 ? rows * 2 : Math.ceil(rows * 1.5);
    }
    this.growAt = nextGrowth(this.capacity, this.columnsGrown);
  }
}

/** The row at which the next column grows, when some have: the last one does before the rows are used up. */
function nextGrowth(capacity: number, columnsGrown: number): number {
  const step = Math.floor((capacity * SPARE) / COLUMNS);
  return capacity - (COLUMNS - columnsGrown) * step;
}

function insertInto(index: Uint32Array, row: number, hash: number): void {
  const mask = index.length - 1;
  let i = hash & mask;
  while (index[i] !== 0) i = (i + 1) & mask;
  index[i] = row;
}
