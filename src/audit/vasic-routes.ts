/**
 * The route entries of the vASIC, read back as a stream and compared with what the FIB knows to be acknowledged.
 *
 * Both change while the stream lasts, so what looks wrong is only suspected at first, and read a second time: a difference is
 * what is wrong in both, and was acknowledged before the second reading began and not touched since. Of each row two bits are
 * kept; of entries that no row stands for, a bounded number by name.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Programmer } from '../afi/programmer';
import type { AfiTransport } from '../afi/transport';
import type { AftEntry, Token } from '../aft/model';
import type { Fib } from '../fib/fib';
import { newKey, setKey } from '../fib/route-key';
import { ROW, TARGET_UNKNOWN } from '../fib/route-table';
import { encodeTime } from '../fib/times';
import { formatPrefix, type Prefix } from '../net/address';
import type { Findings } from './findings';
import { RowBits } from './row-bits';

/** What is compared. */
export interface VasicParts {
  readonly fib: Fib;
  readonly programmer: Programmer;
  readonly transport: Pick<AfiTransport, 'find'>;
  /** The FIB's clock: milliseconds, monotonic. */
  readonly now: () => number;
}

/** What a repair has to write, or to remove. */
export interface EntryRepairs {
  readonly rows: RowBits;
  readonly foreign: readonly ForeignEntry[];
}

/** An entry that no row stands for. */
interface ForeignEntry extends Pick<Prefix, 'bytes' | 'length'> {
  readonly table: number;
}

/** Entries without a row that are kept by name; the second reading, and a repair, go by these. */
const MOST_FOREIGN = 10_000;
/** Targets that are remembered for the words of a difference. */
const MOST_TARGETS = 1000;
/** Rows looked at in one turn of the event loop. */
const ROWS_PER_TURN = 32_768;

interface Reading {
  readonly seen: RowBits;
  /** Not as acknowledged. */
  readonly wrong: RowBits;
  /** By table and prefix as text. */
  readonly foreign: Map<string, ForeignEntry>;
  readonly targets: Map<number, Token>;
  entries: number;
}

/** Compares, and adds to the findings. Rejects when the vASIC can't be read. */
export async function auditEntries(parts: VasicParts, findings: Findings): Promise<EntryRepairs> {
  const first = await read(parts, undefined);
  findings.compared += first.entries;
  const suspected = first.foreign.size > 0 || !first.wrong.rows().next().done;
  if (!suspected) return { rows: first.wrong, foreign: [] };
  const second = await read(parts, first);
  await report(parts, second, findings);
  return { rows: second.wrong, foreign: [...second.foreign.values()] };
}

/** One reading; with `before`, only of what was suspected then. */
async function read(parts: VasicParts, before: Reading | undefined): Promise<Reading> {
  const { fib, programmer, transport, now } = parts;
  const { routes } = fib.rows;
  const began = encodeTime(now());
  const end = before?.wrong.end ?? routes.end;
  const reading: Reading = {
    seen: new RowBits(end),
    wrong: new RowBits(end),
    foreign: new Map(),
    targets: new Map(),
    entries: 0,
  };
  const key = newKey();
  /** Its entry was acknowledged before this reading, and nothing is under way. */
  const settled = (row: number): boolean =>
    routes.live(row) &&
    (routes.flags[row]! & (ROW.dirty | ROW.inFlight)) === 0 &&
    routes.programmed[row] !== TARGET_UNKNOWN &&
    routes.acknowledgedAt[row]! < began;
  const right = (row: number, next: Token): boolean => {
    const programmed = routes.programmed[row]!;
    if (programmed === TARGET_UNKNOWN) return true;
    const token = programmed === 0 ? undefined : programmer.tables.tokenOfGroup(programmed);
    return programmed !== 0 && (token === undefined || token === next);
  };
  const take = (table: number, { key: entryKey, next }: AftEntry): void => {
    const { data } = entryKey;
    if (data.kind !== 'prefix') return;
    reading.entries++;
    const row = routes.find(setKey(key, table, data.bytes, data.length));
    if (row === 0) {
      const text = entryName(fib, table, data);
      const wanted = before === undefined ? reading.foreign.size < MOST_FOREIGN : before.foreign.has(text);
      if (wanted) reading.foreign.set(text, { table, bytes: Uint8Array.from(data.bytes), length: data.length });
    } else if (row < end) {
      reading.seen.add(row);
      if (right(row, next) || before?.wrong.has(row) === false) return;
      reading.wrong.add(row);
      if (reading.targets.size < MOST_TARGETS) reading.targets.set(row, next);
    }
  };
  const read = new Set<number>();
  for (const { table, tokens } of [...programmer.tables.vrfs.all()]) {
    read.add(table);
    for await (const { entries } of transport.find({ entriesOf: tokens.tree })) {
      for (const entry of entries) take(table, entry);
    }
  }
  for (let row = 1; row < end; row++) {
    if (row % ROWS_PER_TURN === 0) await nextTurn();
    if (!settled(row) || !read.has(routes.tableOf(row))) reading.wrong.delete(row);
    else if (routes.programmed[row] !== 0 && !reading.seen.has(row) && before?.wrong.has(row) !== false) {
      reading.wrong.add(row);
    }
  }
  // A row may have come for it while the stream lasted.
  for (const [text, { table, bytes, length }] of reading.foreign) {
    if (routes.find(setKey(key, table, bytes, length)) !== 0) reading.foreign.delete(text);
  }
  return reading;
}

/** A prefix, with its table where that isn't the default VRF's. */
export function entryName(fib: Fib, table: number, prefix: Pick<Prefix, 'bytes' | 'length'>): string {
  return table === fib.vrfs.defaultTable ? formatPrefix(prefix) : `${formatPrefix(prefix)} table ${table}`;
}

async function report({ fib, programmer }: VasicParts, reading: Reading, findings: Findings): Promise<void> {
  const { routes } = fib.rows;
  let looked = 0;
  for (const row of reading.wrong.rows()) {
    if (++looked % ROWS_PER_TURN === 0) await nextTurn();
    const programmed = routes.programmed[row]!;
    const what = (): string => entryName(fib, routes.tableOf(row), fib.rows.prefixOf(row));
    if (!reading.seen.has(row)) {
      findings.add('missing', () => ({ what: what(), why: 'acknowledged, and the vASIC has no such entry' }));
    } else if (programmed === 0) {
      findings.add('surplus', () => ({ what: what(), why: 'the vASIC has an entry for it and should have none' }));
    } else {
      findings.add('differs', () => ({
        what: what(),
        why:
          `its entry leads to node ${reading.targets.get(row) ?? '?'}, ` +
          `acknowledged was ${programmer.tables.tokenOfGroup(programmed) ?? '?'}`,
      }));
    }
  }
  for (const what of reading.foreign.keys()) {
    findings.add('surplus', () => ({ what, why: 'the vASIC has an entry for it that nothing here made' }));
  }
}
