/** What `fpm2afi top` and the web view show, as lines and as tables of texts. How they are laid out is not decided here. Pure. */
import { age, loopText } from './show';
import type { Column } from './table';
import type { TopLoop, TopPort, TopView } from './top-model';
import { ROUTE_STATES } from './types';
import type { LatencyView, StatusView } from './status-types';

/** What needs attention, and what may. */
export type Mark = 'bad' | 'warn';

export interface TitledLine {
  readonly title: string;
  readonly text: string;
  readonly mark?: Mark;
}

export interface Grid {
  readonly columns: readonly Column[];
  readonly rows: readonly GridRow[];
}

export interface GridRow {
  readonly cells: readonly string[];
  readonly mark?: Mark;
  /** Where not all have room, those with the most of it stay. */
  readonly weight?: number;
}

const left = (title: string): Column => ({ title });
const right = (title: string): Column => ({ title, right: true });
const marked = (mark: Mark | undefined | false): { mark?: Mark } => (mark ? { mark } : {});

/** Which daemon, for how long; and when, over which time. */
export function headings({ time, seconds, status }: TopView): { readonly daemon: string; readonly when: string } {
  return {
    daemon: `fpm2afi ${status.version}, pid ${status.pid}, up ${age(status.uptimeSeconds)}`,
    when: `${time.slice(0, 19)}Z${seconds === undefined ? '' : `, ${seconds.toFixed(1)} s`}`,
  };
}

/** Sessions, the event loop, and rates. */
export function sessionLines({ rates, loop: lag, status }: TopView): TitledLine[] {
  const { fpm, afi, fib, loop } = status;
  const since = (moment: string): string => age((Date.parse(status.time) - Date.parse(moment)) / 1000);
  const peer = fpm.peer === undefined ? 'no zebra connected' : `zebra connected from ${fpm.peer}`;
  const isUp = afi.state === 'up' || afi.state === 'reprogramming';
  return [
    {
      title: 'FPM',
      text: `${peer} for ${since(fpm.since)}, feedback ${fpm.feedback ?? fpm.feedbackMode}`,
      ...marked(fpm.peer === undefined && 'bad'),
    },
    {
      title: 'AFI',
      text: `${afi.state} for ${since(afi.since)}, ${afi.entries} entries, server ${afi.server}`,
      ...marked(!isUp && 'bad'),
    },
    { title: 'Loop', text: lag === undefined ? `since start: ${loopText(loop)}` : lagText(lag) },
    {
      title: 'Rates/s',
      text: `routes changed ${short(rates.changes)}, told to zebra ${short(rates.statuses)}, FPM messages ${short(rates.messages)}`,
    },
    {
      title: '',
      text:
        `AFI operations ${short(rates.operations)}, refused ${short(rates.failed)}; ` +
        `${afi.opsInFlight} in flight, ${fib.dirty} routes waiting`,
      ...marked(rates.failed !== undefined && rates.failed > 0 && 'warn'),
    },
  ];
}

function lagText({ p50Ms, p99Ms, maxMs, ownMaxMs }: TopLoop): string {
  const own = ownMaxMs === undefined ? '' : `, own work ${short(ownMaxMs)} ms`;
  return `lag 50% ${short(p50Ms)} ms, 99% ${short(p99Ms)} ms, max ${short(maxMs)} ms${own}`;
}

/** Routes by state, and LSPs where there are any. */
export function routesGrid({ fib }: StatusView): Grid {
  const lsps = ROUTE_STATES.reduce((sum, state) => sum + fib.lsps[state], 0);
  const row = (title: string, total: number, of: StatusView['fib']['lsps'], stale: string): GridRow => ({
    cells: [title, String(total), ...ROUTE_STATES.map((state) => String(of[state])), stale],
    ...marked(of.failed > 0 && 'bad'),
  });
  return {
    columns: [
      left('      '),
      ...['Total', 'Offloaded', 'Trapped', 'Failed', 'Unresolved', 'Pending', 'Stale'].map(right),
    ],
    rows: [row('Routes', fib.routes, fib, String(fib.stale)), ...(lsps === 0 ? [] : [row('LSPs', lsps, fib.lsps, '')])],
  };
}

/** How long changes took until the vASIC, and zebra, had them. */
export function latencyGrid({ latency, status }: TopView): Grid {
  const cells = (view: LatencyView | undefined): string[] =>
    [view?.count, view?.p50Ms, view?.p99Ms, view?.maxMs].map(short);
  return {
    columns: [left('Latency, ms'), ...['Now', '50%', '99%', 'Max', 'Since start', '50%', '99%', 'Max'].map(right)],
    rows: [
      { cells: ['Acknowledged', ...cells(latency.acknowledged), ...cells(status.latency)] },
      { cells: ['Told to zebra', ...cells(latency.told), ...cells(status.told)] },
    ],
  };
}

/** What is up with a port, in at most 8 characters. */
function stateOf({ tapState, vasicState }: TopPort): string {
  if (tapState === 'absent') return 'no TAP';
  if (vasicState === 'down') return 'no link';
  if (tapState === 'down') return 'TAP down';
  return vasicState;
}

/** Ports with what passes them in a second. */
export function portsGrid({ ports }: TopView): Grid {
  return {
    columns: [right('Port'), left('TAP'), left('State')].concat(
      ['In/s', 'bit/s', 'Out/s', 'bit/s', 'Drops', 'Punt', 'Inj.'].map(right),
    ),
    rows: ports.map((port) => {
      const { index, tap, input, output, punt } = port;
      const state = stateOf(port);
      const drops = sum(input.drops, output.drops, punt.drops);
      return {
        cells: [
          ...[String(index), tap, state],
          ...[input.packets, input.bits, output.packets, output.bits, drops, punt.punted, punt.injected].map(short),
        ],
        ...marked(state !== 'up' ? 'bad' : drops !== undefined && drops > 0 && 'warn'),
        weight: sum(input.bits, output.bits, punt.punted, punt.injected) ?? 0,
      };
    }),
  };
}

/** The reasons for which packets went to the host at all. */
export function puntGrid({ punt }: TopView): Grid {
  const seen = punt.filter(({ passed = 0, dropped = 0, delivered = 0 }) => passed + dropped + delivered > 0);
  return {
    columns: [
      left('Punt'),
      ...['Passed/s', 'Dropped/s', 'Given/s', 'Limit/s', 'Passed', 'Dropped'].map((title) => right(title)),
    ],
    rows: seen.map(({ reason, rates, rate, passed, dropped }) => ({
      cells: [
        ...[reason, short(rates.passed), short(rates.dropped), short(rates.delivered)],
        ...[rate === 0 ? '-' : short(rate), short(passed), short(dropped)],
      ],
      ...marked(rates.dropped !== undefined && rates.dropped > 0 && 'warn'),
      weight: sum(rates.passed, rates.dropped, rates.delivered) ?? 0,
    })),
  };
}

/** The sum of those that are known; undefined: none is. */
export function sum(...values: readonly (number | undefined)[]): number | undefined {
  const known = values.filter((value) => value !== undefined);
  return known.length === 0 ? undefined : known.reduce((total, value) => total + value, 0);
}

const UNITS = ['', 'k', 'M', 'G', 'T', 'P'];

/** A number in at most five characters: `0.5`, `12`, `1.23k`, `45.6M`; `-` for what isn't known. */
export function short(value: number | undefined): string {
  if (value === undefined) return '-';
  if (value === 0) return '0';
  if (value < 0.1) return '<0.1';
  let [size, unit] = [value, 0];
  // 999.5 would be rounded to four digits.
  while (size >= 999.5 && unit < UNITS.length - 1) [size, unit] = [size / 1000, unit + 1];
  if (unit === 0) return size < 9.95 && !Number.isInteger(size) ? size.toFixed(1) : size.toFixed(0);
  return `${size.toFixed(size < 9.995 ? 2 : size < 99.95 ? 1 : 0)}${UNITS[unit]!}`;
}
