/**
 * The route entries that the vASIC has or may have: to which group each row's leads, how many there are in a table, and those
 * that an earlier bridge left there, which are adopted until zebra's replay has shown who wants them.
 */
import { AdoptedTargets } from './adopted-targets';
import { newKey, setKey } from './route-key';
import { ROW, TARGET_UNKNOWN } from './route-table';
import type { Rows } from './rows';

interface TableEntries {
  readonly table: number;
  entries: number;
}

/** Which entries are in the vASIC; `RouteTable.programmed` of a row in use is written here only. */
export class ProgrammedEntries {
  /** By table; those of the one asked for last are at hand. */
  private readonly tables = new Map<number, TableEntries>();
  private last: TableEntries = { table: -1, entries: 0 };
  private readonly targets = new AdoptedTargets();
  /** Entries were found in the vASIC since it was looked last whether anybody asked for them. */
  private mayHaveAdopted = false;
  private readonly key = newKey();

  constructor(private readonly rows: Rows) {}

  /** Entries of a table that the vASIC has or may have. */
  entriesIn(table: number): number {
    return this.tables.get(table)?.entries ?? 0;
  }

  /** The row's entry leads to this group; 0: it has none, TARGET_UNKNOWN: it may be anything. */
  set(row: number, group: number): void {
    const { routes } = this.rows;
    const before = routes.programmed[row]!;
    routes.programmed[row] = group;
    if ((before === 0) === (group === 0)) return;
    const table = routes.tableOf(row);
    if (this.last.table !== table) {
      let found = this.tables.get(table);
      if (found === undefined) this.tables.set(table, (found = { table, entries: 0 }));
      this.last = found;
    }
    this.last.entries += group === 0 ? -1 : 1;
  }

  /** An entry was found in the vASIC. `token`: of the node that it leads to. */
  adopt(table: number, bytes: Uint8Array, length: number, token?: number): void {
    const { routes } = this.rows;
    const row = routes.upsert(setKey(this.key, table, bytes, length));
    if (routes.programmed[row] !== 0 || (routes.flags[row]! & ROW.inFlight) !== 0) return;
    this.set(row, TARGET_UNKNOWN);
    if (token !== undefined) this.targets.set(row, token);
    if (routes.wanted[row] === 0) this.mayHaveAdopted = true;
    else this.rows.markDirty(row);
  }

  /** The node that the row's entry was found to lead to; undefined: not known, or written since. */
  targetOf(row: number): number | undefined {
    return this.targets.get(row);
  }

  /** The row is written: what was found there doesn't count any more. */
  forgetTarget(row: number): void {
    this.targets.delete(row);
  }

  /** How many entries were found in the vASIC that nobody has asked for since. */
  get adopted(): number {
    return this.mayHaveAdopted ? this.adoptedRows().length : 0;
  }

  /** Has entries removed that were adopted and nobody wants. Returns how many. */
  dropAdopted(): number {
    this.targets.clear();
    if (!this.mayHaveAdopted) return 0;
    this.mayHaveAdopted = false;
    const rows = this.adoptedRows();
    for (const row of rows) this.rows.markDirty(row);
    return rows.length;
  }

  /** The vASIC has nothing any more of what was found there. */
  forgetAdopted(): void {
    this.targets.clear();
    this.mayHaveAdopted = false;
  }

  private adoptedRows(): number[] {
    const { routes } = this.rows;
    const rows: number[] = [];
    for (let row = 1; row < routes.end; row++) {
      if (routes.live(row) && routes.wanted[row] === 0 && routes.programmed[row] === TARGET_UNKNOWN) rows.push(row);
    }
    return rows;
  }
}
