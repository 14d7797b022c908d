/** `show routes summary` as text: a table for each family and kernel table, as FRR's `show ip route summary`. Pure. */
import { tableText } from './show';
import { Table, type Column } from './table';
import { ROUTE_STATES, type RouteSourceView, type RouteSummaryView } from './types';

const COLUMNS: readonly Column[] = [
  { title: 'Source' },
  { title: 'Routes', right: true },
  ...ROUTE_STATES.map((state) => ({ title: state.charAt(0).toUpperCase() + state.slice(1), right: true })),
];

/** What is printed. */
export function summaryText({ sources, own }: RouteSummaryView): string {
  const parts = new Map<string, RouteSourceView[]>();
  for (const source of sources) {
    const title = `${source.family === 'ipv4' ? 'IPv4' : 'IPv6'}, table ${tableText(source)}`;
    parts.set(title, [...(parts.get(title) ?? []), source]);
  }
  const texts = [...parts].map(([title, list]) => `${title}\n${tableOf(list)}\n`);
  return `${texts.join('')}Own entries (addresses, hosts, multicast …): ${own}\n`;
}

function tableOf(sources: readonly RouteSourceView[]): string {
  const table = new Table(COLUMNS);
  const cells = (source: RouteSourceView): string[] =>
    [source.routes, ...ROUTE_STATES.map((state) => source[state])].map(String);
  for (const source of sources) table.add([[source.protocol, ...cells(source)]]);
  const total = (of: (source: RouteSourceView) => number): string =>
    String(sources.reduce((sum, source) => sum + of(source), 0));
  table.add([['Total', total(({ routes }) => routes), ...ROUTE_STATES.map((state) => total((one) => one[state]))]]);
  return table.settle();
}
