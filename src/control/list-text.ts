/**
 * A list as it comes from the daemon, one JSON object a line, made into a table. Of a million routes most differ by their prefix
 * only: what stands behind it is made into text once, and found again by the JSON that it was made of.
 */
import { parseLine } from './client';
import { LAYOUTS } from './show';
import type { Layout } from './show';
import { Table } from './table';
import type { ListName, ListViews, RouteView } from './types';

/** How the JSON of a route begins; what follows up to the next quote is its prefix. */
const HEAD = '{"prefix":"';
/** Texts kept at most: some megabytes. */
const MOST_TAILS = 10_000;

/** Makes text of a list's lines. */
export interface ListText {
  /** No line has come. */
  readonly empty: boolean;
  /** What can be printed now. Throws ControlError for what is no item. */
  add(line: string): string;
  /** What is left. */
  end(): string;
}

/** One for the named list. */
export function listText<N extends ListName>(list: N): ListText {
  const layout: Layout<ListViews[N]> = LAYOUTS[list];
  const table = new Table(layout.columns);
  const plain = (line: string): string => table.add(layout.row(parseLine(line) as ListViews[N]));
  const routes = list === 'routes' ? routeText(table) : plain;
  return {
    get empty() {
      return table.empty;
    },
    add: (line) => (table.settled ? routes(line) : plain(line)),
    end: () => table.settle(),
  };
}

/** Text of routes by a table whose widths are known. */
function routeText(table: Table): (line: string) => string {
  const tails = new Map<string, string>();
  return (line) => {
    const end = line.startsWith(HEAD) ? line.indexOf('"', HEAD.length) : -1;
    if (end < 0) return table.text(LAYOUTS.routes.row(parseLine(line) as RouteView));
    const prefix = line.slice(HEAD.length, end);
    const rest = line.slice(end);
    let tail = tails.get(rest);
    if (tail === undefined) {
      if (tails.size >= MOST_TAILS) tails.clear();
      const [first, ...more] = LAYOUTS.routes.row(parseLine(line) as RouteView);
      tail = table.text([['', ...first!.slice(1)], ...more]).slice(table.width(0));
      tails.set(rest, tail);
    }
    return prefix.padEnd(table.width(0)) + tail;
  };
}
