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

/** Yields the lines of the table, without newlines; none at all, not even the header, when there are no rows. */
export async function* tableLines(
  columns: readonly Column[],
  rows: Iterable<Row> | AsyncIterable<Row>,
  lookAhead = 1000,
): AsyncGenerator<string> {
  const widths = columns.map((column) => column.title.length);
  const format = (cells: readonly string[]): string =>
    cells
      .map((cell, i) => (columns[i]!.right ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!)))
      .join('  ')
      .trimEnd();
  let waiting: Row[] | undefined = [];
  const start = function* (first: readonly Row[]): Generator<string> {
    for (const line of first.flat()) line.forEach((cell, i) => (widths[i] = Math.max(widths[i]!, cell.length)));
    yield format(columns.map((column) => column.title));
    for (const line of first.flat()) yield format(line);
  };
  for await (const row of rows) {
    if (waiting === undefined) {
      for (const line of row) yield format(line);
    } else if (waiting.push(row) >= lookAhead) {
      yield* start(waiting);
      waiting = undefined;
    }
  }
  if (waiting !== undefined && waiting.length > 0) yield* start(waiting);
}
