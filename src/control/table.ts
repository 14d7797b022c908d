/**
 * Tables as FRR's show commands print them: a header, columns two spaces apart, no lines around. Rows may come by the
 * million, so the widths are those of the first rows; later cells that are wider push their line, nothing is cut.
 */
export interface Column {
  readonly title: string;
  /** Numbers stand at the right. */
  readonly right?: boolean;
}

/** The lines of one row; the second and further ones continue it. */
export type Row = readonly (readonly string[])[];

/** Rows that are looked at for the widths. */
const LOOK_AHEAD = 1000;

/** A table that is made row by row. Without rows it is nothing at all, not even a header. */
export class Table {
  private readonly widths: number[];
  private waiting: Row[] | undefined = [];
  private used = false;

  constructor(
    private readonly columns: readonly Column[],
    private readonly lookAhead = LOOK_AHEAD,
  ) {
    this.widths = columns.map((column) => column.title.length);
  }

  /** No row has come. */
  get empty(): boolean {
    return !this.used;
  }

  /** Whether the widths are known: from then on a row's text depends on nothing else. */
  get settled(): boolean {
    return this.waiting === undefined;
  }

  /** What can be printed now, its last line ended: nothing as long as widths are looked for. */
  add(row: Row): string {
    this.used = true;
    if (this.waiting === undefined) return this.text(row);
    return this.waiting.push(row) < this.lookAhead ? '' : this.settle();
  }

  /** Takes the widths from the rows that have come, and returns the header and these rows. */
  settle(): string {
    const rows = this.waiting ?? [];
    this.waiting = undefined;
    if (rows.length === 0) return '';
    for (const line of rows.flat()) {
      line.forEach((cell, i) => (this.widths[i] = Math.max(this.widths[i]!, cell.length)));
    }
    return `${this.line(this.columns.map((column) => column.title))}\n${rows.map((row) => this.text(row)).join('')}`;
  }

  /** One row's lines, by the present widths. */
  text(row: Row): string {
    return row.map((cells) => `${this.line(cells)}\n`).join('');
  }

  /** How wide the column is. */
  width(column: number): number {
    return this.widths[column]!;
  }

  private line(cells: readonly string[]): string {
    return cells
      .map((cell, i) => (this.columns[i]!.right ? cell.padStart(this.widths[i]!) : cell.padEnd(this.widths[i]!)))
      .join('  ')
      .trimEnd();
  }
}
