/**
 * One screen of `fpm2afi top` as lines of text: sessions, rates, routes, latencies, ports, punt, problems. No line is longer than the
 * screen is wide; where there are more lines than it has, the long parts are cut and say by how much. Pure.
 */
import { knownText } from './show';
import { Table } from './table';
import { headings, latencyGrid, portsGrid, puntGrid, routesGrid, sessionLines, type Grid } from './top-grids';
import type { TopView } from './top-model';
import { wrapped } from './wrap';

/** How large the screen is, and what it can show. */
export interface Page {
  readonly columns: number;
  /** Absent: as many as it takes. */
  readonly rows?: number;
  readonly color: boolean;
}

/** Where tables, and all that isn't wrapped, end. */
const COLUMNS = 80;
const TITLE = 8;
const STYLES = { bold: '\x1b[1m', bad: '\x1b[31m', warn: '\x1b[33m' } as const;
const PLAIN = '\x1b[0m';

interface Line {
  readonly text: string;
  readonly style?: keyof typeof STYLES | undefined;
}

/** A part of the screen whose length isn't fixed; with what is said of `left` lines that have no room. */
interface Part {
  readonly head: readonly Line[];
  readonly lines: readonly Line[];
  readonly left: (left: number) => string;
  /** Which lines are kept: the first, or those with the most of this. */
  readonly weights?: readonly number[];
}

/** The lines of a screen, without their ends. */
export function topLines(view: TopView, page: Page): string[] {
  const known = knownText(view.status.afi.lastKnown).map((text): Line => ({ text, style: 'bad' }));
  const fixed = [...head(view), ...whole(routesGrid(view.status)), ...known, ...whole(latencyGrid(view))];
  const parts = [ports(view), punt(view), problems(view.status.problems, page.columns)];
  const all = [...fixed, ...parts.flatMap((part) => [...part.head, ...part.lines])];
  const lines = page.rows === undefined || all.length <= page.rows ? all : shortened(fixed, parts, page.rows);
  return lines.map((line) => drawn(line, page));
}

/** Without what can be done without: empty lines first, then what is too long of the parts. */
function shortened(fixed: readonly Line[], parts: readonly Part[], rows: number): Line[] {
  const isText = ({ text }: Line): boolean => text !== '';
  const heads = [...fixed, ...parts.flatMap((part) => part.head)].filter(isText).length;
  const wanted = parts.map(({ lines }) => lines.length);
  const room = shared(rows - heads, wanted);
  const rest = parts.flatMap((part, i) => [...part.head.filter(isText), ...kept(part, room[i]!)]);
  return [...fixed.filter(isText), ...rest].slice(0, rows);
}

/** A message in place of a screen, or below what was there. */
export function topNote(text: string, page: Page): string[] {
  const lines = text.split('\n').flatMap((paragraph) => wrapped(paragraph, page.columns));
  return lines.map((line) => drawn({ text: line, style: 'bad' }, page));
}

function drawn({ text, style }: Line, { columns, color }: Page): string {
  const cut = text.length > columns ? `${text.slice(0, columns - 1)}…` : text;
  return color && style !== undefined ? `${STYLES[style]}${cut}${PLAIN}` : cut;
}

/** Shares out `room` lines: who wants little gets it, the others the same. */
function shared(room: number, wanted: readonly number[]): number[] {
  const given = wanted.map(() => 0);
  for (let left = Math.max(0, room); left > 0;) {
    const open = wanted.flatMap((want, i) => (want > given[i]! ? [i] : []));
    if (open.length === 0) break;
    // The last of them first: problems.
    for (const i of open.slice(-left)) given[i]!++;
    left -= Math.min(left, open.length);
  }
  return given;
}

function kept({ lines, left, weights }: Part, room: number): readonly Line[] {
  if (lines.length <= room) return lines;
  if (room === 0) return [];
  const order = lines.map((_, i) => i);
  if (weights !== undefined) order.sort((a, b) => weights[b]! - weights[a]! || a - b);
  const chosen = order.slice(0, room - 1).sort((a, b) => a - b);
  return [...chosen.map((i) => lines[i]!), { text: left(lines.length - chosen.length) }];
}

function head(view: TopView): Line[] {
  const { daemon, when } = headings(view);
  return [
    { text: `${daemon}${when.padStart(COLUMNS - daemon.length)}`, style: 'bold' },
    ...sessionLines(view).map(({ title, text, mark }): Line => ({
      text: `${title.padEnd(TITLE)}${text}`,
      style: mark,
    })),
  ];
}

/** A table's header with an empty line before it, and its lines. */
function table({ columns, rows }: Grid): Pick<Part, 'head' | 'lines' | 'weights'> {
  const made = new Table(columns);
  for (const { cells } of rows) made.add([cells]);
  const [title, ...lines] = made.settle().split('\n').slice(0, -1);
  return {
    head: title === undefined ? [] : [{ text: '' }, { text: title, style: 'bold' }],
    lines: lines.map((text, i) => ({ text, style: rows[i]!.mark })),
    weights: rows.map(({ weight = 0 }) => weight),
  };
}

function whole(grid: Grid): Line[] {
  const { head: heads, lines } = table(grid);
  return [...heads, ...lines];
}

function ports(view: TopView): Part {
  return {
    ...table(portsGrid(view)),
    left: (count) => `… ${count} more ${count === 1 ? 'port' : 'ports'} with less traffic: fpm2afi show ports`,
  };
}

function punt(view: TopView): Part {
  return {
    ...table(puntGrid(view)),
    left: (count) => `… ${count} more ${count === 1 ? 'reason' : 'reasons'} with fewer packets: fpm2afi show punt`,
  };
}

function problems(all: readonly string[], columns: number): Part {
  const title = all.length === 0 ? 'No problems.' : 'Problems:';
  return {
    head: [{ text: '' }, { text: title, style: all.length === 0 ? undefined : 'bad' }],
    lines: all.flatMap((text) =>
      wrapped(text, columns - 4).map((line, i): Line => ({ text: `${i === 0 ? '  ' : '    '}${line}` })),
    ),
    left: (count) => `  … ${count} more ${count === 1 ? 'line' : 'lines'}: fpm2afi show status`,
  };
}
