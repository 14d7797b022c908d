/** The bench's figures as a table for people, with the goals beside them. */
import { figureText, type Measured } from '../../lab/figure';

type Row = readonly string[];

function columns(rows: readonly Row[]): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  const line = (row: Row): string =>
    row
      .map((cell, i) => cell.padEnd(widths[i]!))
      .join('  ')
      .trimEnd();
  return rows.map(line).join('\n');
}

/** One table per part: what, at how many routes, median (least … most), goal. */
export function reportText(measured: readonly Measured[]): string {
  const tables = measured.map(({ title, figures, error }) => {
    const rows = figures.map((figure): Row => {
      const { name, routes, goal, met } = figure;
      const verdict = goal === undefined ? '' : `${goal}: ${met === true ? 'met' : 'NOT met'}`;
      return [name, routes?.toLocaleString('en') ?? '', figureText(figure), verdict];
    });
    const failed = error === undefined ? '' : `\ncould not be measured: ${error}`;
    return `\n${title}\n${columns([['figure', 'routes', 'median (least … most)', 'goal'], ...rows])}${failed}`;
  });
  return tables.join('\n');
}
