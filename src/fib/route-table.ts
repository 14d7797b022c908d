/**
 * The route table: every (table, prefix) that anybody told of, as rows of typed-array columns with an open-addressing
 * hash index over the key. No object per route exists, so a million routes cost tens of bytes each and no garbage
 * collection.
 *
 * A row number is a route's handle everywhere in the bridge. It stays valid until `free`; rows are then reused. Row 0 is
 * never used and means "none". The table owns keys and columns; what the columns mean is the Fib's business (fib.ts).
 *
 * IPv4 addresses live in `a0`; an IPv6 row has its first 32 bits there and the other 96 in a side pool (`ext`).
 */

/** Flag bits of a row (column `flags`). */
export const ROW = {
  /** zebra has the route. */
  zebra: 1,
  /** A local, broadcast or other address that always goes to the host. */
  host: 2,
  /** A known neighbor on a connected subnet. */
  neighbor: 4,
  /** zebra's route is a connected subnet on a port. */
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
} as const;

/** `programmed` value of an entry that the vASIC may hold with a target unknown to us. */
export const TARGET_UNKNOWN = 0xffffffff;

/** A route's key in machine words, reused between calls so that looking one up allocates nothing. */
export interface RouteKey {
  table: number;
  ip6: boolean;
  length: number;
  a0: number;
  a1: number;
  a2: number;
  a3: number;
}

export function newKey(): RouteKey {
  return { table: 0, ip6: false, length: 0, a0: 0, a1: 0, a2: 0, a3: 0 };
}

function word(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;
}

/** `word` with all but its first `bits` bits cleared; bits may be out of 0…32. */
function maskWord(value: number, bits: number): number {
  if (bits <= 0) return 0;
  return bits >= 32 ? value : (value & (0xffffffff << (32 - bits))) >>> 0;
}

/** Fills `key` with a prefix, masking host bits. */
export function setKey(key: RouteKey, table: number, bytes: Uint8Array, length: number): RouteKey {
  key.table = table;
  key.length = length;
  key.ip6 = bytes.length === 16;
  key.a0 = maskWord(word(bytes, 0), length);
  if (key.ip6) {
    key.a1 = maskWord(word(bytes, 4), length - 32);
    key.a2 = maskWord(word(bytes, 8), length - 64);
    key.a3 = maskWord(word(bytes, 12), length - 96);
  } else key.a1 = key.a2 = key.a3 = 0;
  return key;
}

/** Cuts a key's prefix to a shorter length. */
export function shortenKey(target: RouteKey, source: RouteKey, length: number): RouteKey {
  target.table = source.table;
  target.ip6 = source.ip6;
  target.length = length;
  target.a0 = maskWord(source.a0, length);
  target.a1 = maskWord(source.a1, length - 32);
  target.a2 = maskWord(source.a2, length - 64);
  target.a3 = maskWord(source.a3, length - 96);
  return target;
}

function hashKey(key: RouteKey): number {
  let h = Math.imul(key.a0 ^ (key.length << 8) ^ key.table, 0x9e3779b1);
  if (key.ip6) {
    h = Math.imul(h ^ key.a1 ^ (h >>> 15), 0x85ebca77);
    h = Math.imul(h ^ key.a2 ^ (h >>> 13), 0xc2b2ae3d);
    h = Math.imul(h ^ key.a3 ^ (h >>> 15), 0x27d4eb2f);
  }
  h ^= h >>> 15;
  h = Math.imul(h, 0x2c1b3c6d);
  return (h ^ (h >>> 13)) >>> 0;
}

function grown(column: Uint32Array, rows: number): Uint32Array<ArrayBuffer> {
  const larger = new Uint32Array(rows);
  larger.set(column);
  return larger;
}

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
  /** The hash index in segments, by the hash's first bits: each grows by itself, so that growing takes no time to speak of. */
  private readonly segments = Array.from({ length: SEGMENTS }, () => new Uint32Array(FIRST_SLOTS));
  private readonly segmentUsed = new Uint32Array(SEGMENTS);

  private a0 = new Uint32Array(this.capacity);
  private ext = new Uint32Array(this.capacity);
  private tables = new Uint32Array(this.capacity);
  private lengths = new Uint8Array(this.capacity);
  /** IPv6 words 1…3, three per slot; slot 0 unused; free slots are chained through the first word. */
  private pool = new Uint32Array(3);
  private poolUsed = 1;
  private poolFree = 0;
  private readonly scratch = newKey();

  /** Bits of ROW. */
  flags = new Uint16Array(this.capacity);
  /** zebra's rtm_protocol and metric. */
  protocol = new Uint8Array(this.capacity);
  metric = new Uint32Array(this.capacity);
  /** Replay generation in which zebra last sent the route (modulo 256). */
  generation = new Uint8Array(this.capacity);
  /** Nexthop set of zebra's route. */
  zebraSet = new Uint32Array(this.capacity);
  /** Nexthop set wanted in the vASIC; 0: no entry. */
  wanted = new Uint32Array(this.capacity);
  /** Nexthop set that the vASIC acknowledged; 0: no entry there; TARGET_UNKNOWN: must be written again. */
  programmed = new Uint32Array(this.capacity);
  /** Nexthop set of the operation in flight (with ROW.inFlight). */
  sent = new Uint32Array(this.capacity);
  /** What zebra was told last (an index into fib.ts's statuses; 0 nothing). */
  reported = new Uint8Array(this.capacity);
  /** When zebra sent the route, the vASIC acknowledged its entry, zebra was told (times.ts). */
  receivedAt = new Uint32Array(this.capacity);
  acknowledgedAt = new Uint32Array(this.capacity);
  reportedAt = new Uint32Array(this.capacity);
  /** Doubly linked list of the rows that want the same set. */
  nextInSet = new Uint32Array(this.capacity);
  prevInSet = new Uint32Array(this.capacity);

  /** Rows in use. */
  get size(): number {
    return this.used;
  }

  /** One more than the highest row number ever used; rows in between may be free. */
  get end(): number {
    return this.rows;
  }

  private matches(row: number, key: RouteKey): boolean {
    if (
      this.a0[row] !== key.a0 ||
      this.lengths[row] !== key.length ||
      this.tables[row] !== key.table ||
      (this.flags[row]! & ROW.ip6) !== (key.ip6 ? ROW.ip6 : 0)
    ) {
      return false;
    }
    if (!key.ip6) return true;
    const p = 3 * this.ext[row]!;
    return this.pool[p] === key.a1 && this.pool[p + 1] === key.a2 && this.pool[p + 2] === key.a3;
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
    if (row !== 0) this.freeHead = this.nextInSet[row]!;
    else {
      if (this.rows === this.capacity) this.growRows();
      row = this.rows++;
    }
    this.a0[row] = key.a0;
    this.lengths[row] = key.length;
    this.tables[row] = key.table;
    this.flags[row] = key.ip6 ? ROW.ip6 : 0;
    this.ext[row] = key.ip6 ? this.takePool(key) : 0;
    this.protocol[row] = 0;
    this.metric[row] = 0;
    this.generation[row] = 0;
    this.zebraSet[row] = 0;
    this.wanted[row] = 0;
    this.programmed[row] = 0;
    this.sent[row] = 0;
    this.reported[row] = 0;
    this.receivedAt[row] = 0;
    this.acknowledgedAt[row] = 0;
    this.reportedAt[row] = 0;
    this.nextInSet[row] = 0;
    this.prevInSet[row] = 0;
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
    const slot = this.ext[row]!;
    if (slot !== 0) {
      this.pool[3 * slot] = this.poolFree;
      this.poolFree = slot;
    }
    this.flags[row] = 0;
    this.nextInSet[row] = this.freeHead;
    this.freeHead = row;
    this.lengths[row] = 255;
    this.used--;
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
    key.a0 = this.a0[row]!;
    if (key.ip6) {
      const p = 3 * this.ext[row]!;
      key.a1 = this.pool[p]!;
      key.a2 = this.pool[p + 1]!;
      key.a3 = this.pool[p + 2]!;
    } else key.a1 = key.a2 = key.a3 = 0;
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

  private takePool(key: RouteKey): number {
    let slot = this.poolFree;
    if (slot !== 0) this.poolFree = this.pool[3 * slot]!;
    else {
      slot = this.poolUsed++;
      if (3 * slot + 3 > this.pool.length) this.pool = grown(this.pool, Math.max(3072, this.pool.length * 2));
    }
    this.pool[3 * slot] = key.a1;
    this.pool[3 * slot + 1] = key.a2;
    this.pool[3 * slot + 2] = key.a3;
    return slot;
  }

  private growSegment(segment: number): void {
    const index = this.segments[segment]!;
    const larger = new Uint32Array(index.length * 2);
    for (const row of index) if (row !== 0) insertInto(larger, row, hashKey(this.readKey(row, this.scratch)));
    this.segments[segment] = larger;
  }

  private growRows(): void {
    const rows = this.capacity < 65536 ? this.capacity * 2 : Math.ceil(this.capacity * 1.5);
    this.capacity = rows;
    this.a0 = grown(this.a0, rows);
    this.ext = grown(this.ext, rows);
    this.tables = grown(this.tables, rows);
    this.metric = grown(this.metric, rows);
    this.zebraSet = grown(this.zebraSet, rows);
    this.wanted = grown(this.wanted, rows);
    this.programmed = grown(this.programmed, rows);
    this.sent = grown(this.sent, rows);
    this.receivedAt = grown(this.receivedAt, rows);
    this.acknowledgedAt = grown(this.acknowledgedAt, rows);
    this.reportedAt = grown(this.reportedAt, rows);
    this.nextInSet = grown(this.nextInSet, rows);
    this.prevInSet = grown(this.prevInSet, rows);
    const small = (column: Uint8Array): Uint8Array<ArrayBuffer> => {
      const larger = new Uint8Array(rows);
      larger.set(column);
      return larger;
    };
    this.lengths = small(this.lengths);
    this.protocol = small(this.protocol);
    this.generation = small(this.generation);
    this.reported = small(this.reported);
    const flags = new Uint16Array(rows);
    flags.set(this.flags);
    this.flags = flags;
  }
}

function insertInto(index: Uint32Array, row: number, hash: number): void {
  const mask = index.length - 1;
  let i = hash & mask;
  while (index[i] !== 0) i = (i + 1) & mask;
  index[i] = row;
}

/** A key's address in network order: 4 or 16 new bytes. */
export function keyAddress(key: RouteKey): Uint8Array {
  const bytes = new Uint8Array(key.ip6 ? 16 : 4);
  storeAddress(key, bytes, 0);
  return bytes;
}

function storeAddress(key: RouteKey, bytes: Uint8Array, at: number): 4 | 16 {
  storeWord(bytes, at, key.a0);
  if (!key.ip6) return 4;
  storeWord(bytes, at + 4, key.a1);
  storeWord(bytes, at + 8, key.a2);
  storeWord(bytes, at + 12, key.a3);
  return 16;
}

function storeWord(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
}

/** A first-in first-out queue of row numbers. The caller keeps each row in it at most once, so it is bounded by the table. */
export class RowQueue {
  private ring = new Uint32Array(1024);
  private head = 0;
  private count = 0;

  get length(): number {
    return this.count;
  }

  push(row: number): void {
    if (this.count === this.ring.length) {
      const larger = new Uint32Array(this.ring.length * 2);
      for (let i = 0; i < this.count; i++) larger[i] = this.ring[(this.head + i) & (this.ring.length - 1)]!;
      this.ring = larger;
      this.head = 0;
    }
    this.ring[(this.head + this.count++) & (this.ring.length - 1)] = row;
  }

  /** The oldest row, removed; 0 when empty. */
  shift(): number {
    if (this.count === 0) return 0;
    const row = this.ring[this.head]!;
    this.head = (this.head + 1) & (this.ring.length - 1);
    this.count--;
    return row;
  }
}
