/**
 * One screen of `fpm2afi top` as lines of text: sessions, rates, routes, latencies, ports, punt, problems. No line is longer than the
 * screen is wide; where there are more lines than it has, the long parts are cut and say by how much. Pure.
 */
import { age, knownText, loopText } from './show';
import { Table, type Column, type Row } from './table';
import type { TopPort, TopPunt, TopView } from './top-model';
import { ROUTE_STATES } from './types';
import type { LatencyView, StatusView } from './status-types';
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
  const fixed = [...head(view), ...routes(view.status), ...latencies(view)];
  const parts = [ports(view.ports), punt(view.punt), problems(view.status.problems, page.columns)];
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

function titled(title: string, text: string, style?: Line['style']): Line {
  return { text: `${title.padEnd(TITLE)}${text}`, style };
}

function head({ time, seconds, rates, status }: TopView): Line[] {
  const { fpm, afi, fib, version, pid, uptimeSeconds, loop } = status;
  const since = (moment: string): string => age((Date.parse(status.time) - Date.parse(moment)) / 1000);
  const name = `fpm2afi ${version}, pid ${pid}, up ${age(uptimeSeconds)}`;
  const when = `${time.slice(0, 19)}Z${seconds === undefined ? '' : `, ${seconds.toFixed(1)} s`}`;
  const peer = fpm.peer === undefined ? 'no zebra connected' : `zebra connected from ${fpm.peer}`;
  const feedback = fpm.feedback ?? fpm.feedbackMode;
  const isUp = afi.state === 'up' || afi.state === 'reprogramming';
  return [
    { text: `${name}${when.padStart(COLUMNS - name.length)}`, style: 'bold' },
    titled('FPM', `${peer} for ${since(fpm.since)}, feedback ${feedback}`, fpm.peer === undefined ? 'bad' : undefined),
    titled(
      'AFI',
      `${afi.state} for ${since(afi.since)}, ${afi.entries} entries, server ${afi.server}`,
      isUp ? undefined : 'bad',
    ),
    titled('Loop', loopText(loop)),
    titled(
      'Rates/s',
      `routes changed ${short(rates.changes)}, told to zebra ${short(rates.statuses)}, FPM messages ${short(rates.messages)}`,
    ),
    titled(
      '',
      `AFI operations ${short(rates.operations)}, refused ${short(rates.failed)}; ` +
        `${afi.opsInFlight} in flight, ${fib.dirty} routes waiting`,
      rates.failed ? 'warn' : undefined,
    ),
  ];
}

const left = (title: string): Column => ({ title });
const right = (title: string): Column => ({ title, right: true });

/** A table's lines, its header and an empty line before it. */
function table(columns: readonly Column[], rows: readonly Row[]): { head: Line[]; lines: Line[] } {
  const made = new Table(columns);
  for (const row of rows) made.add(row);
  const [title, ...lines] = made.settle().split('\n').slice(0, -1);
  return {
    head: title === undefined ? [] : [{ text: '' }, { text: title, style: 'bold' }],
    lines: lines.map((text) => ({ text })),
  };
}

function routes({ fib, afi }: StatusView): Line[] {
  const columns = [
    left('      '),
    right('Total'),
    ...['Offloaded', 'Trapped', 'Failed', 'Unresolved', 'Pending', 'Stale'].map(right),
  ];
  const lsps = ROUTE_STATES.reduce((sum, state) => sum + fib.lsps[state], 0);
  const counts = (of: StatusView['fib']['lsps']): string[] => ROUTE_STATES.map((state) => String(of[state]));
  const { head: heads, lines } = table(columns, [
    [['Routes', String(fib.routes), ...counts(fib), String(fib.stale)]],
    ...(lsps === 0 ? [] : [[['LSPs', String(lsps), ...counts(fib.lsps), '']]]),
  ]);
  const marked = lines.map(({ text }, i): Line => {
    const { failed } = i === 0 ? fib : fib.lsps;
    return { text, style: failed > 0 ? 'bad' : undefined };
  });
  return [...heads, ...marked, ...knownText(afi.lastKnown).map((text): Line => ({ text, style: 'bad' }))];
}

function latencies({ latency, status }: TopView): Line[] {
  const columns = [left('Latency, ms'), ...['Now', '50%', '99%', 'Max', 'Since start', '50%', '99%', 'Max'].map(right)];
  const cells = (view: LatencyView | undefined): string[] =>
    [view?.count, view?.p50Ms, view?.p99Ms, view?.maxMs].map(short);
  const rows = [
    ['Acknowledged', ...cells(latency.acknowledged), ...cells(status.latency)],
    ['Told to zebra', ...cells(latency.told), ...cells(status.told)],
  ];
  const { head: heads, lines } = table(
    columns,
    rows.map((row) => [row]),
  );
  return [...heads, ...lines];
}

/** What is up with a port, in at most 8 characters. */
function stateOf({ tapState, vasicState }: TopPort): string {
  if (tapState === 'absent') return 'no TAP';
  if (vasicState === 'down') return 'no link';
  if (tapState === 'down') return 'TAP down';
  return vasicState;
}

function ports(all: readonly TopPort[]): Part {
  const columns = [right('Port'), left('TAP'), left('State')].concat(
    ['In/s', 'bit/s', 'Out/s', 'bit/s', 'Drops', 'Punt', 'Inj.'].map(right),
  );
  const drops = (port: TopPort): number | undefined => sum(port.input.drops, port.output.drops, port.punt.drops);
  const { head: heads, lines } = table(
    columns,
    all.map((port) => [
      [
        ...[String(port.index), port.tap, stateOf(port)],
        ...[port.input.packets, port.input.bits, port.output.packets, port.output.bits].map(short),
        ...[drops(port), port.punt.punted, port.punt.injected].map(short),
      ],
    ]),
  );
  return {
    head: heads,
    lines: lines.map(({ text }, i) => ({
      text,
      style: stateOf(all[i]!) !== 'up' ? 'bad' : drops(all[i]!) ? 'warn' : undefined,
    })),
    weights: all.map((port) => sum(port.input.bits, port.output.bits, port.punt.punted, port.punt.injected) ?? 0),
    left: (count) => `… ${count} more ${count === 1 ? 'port' : 'ports'} with less traffic: fpm2afi show ports`,
  };
}

/** Of those that are known; undefined: none is. */
function sum(...values: readonly (number | undefined)[]): number | undefined {
  const known = values.filter((value) => value !== undefined);
  return known.length === 0 ? undefined : known.reduce((total, value) => total + value, 0);
}

function punt(all: readonly TopPunt[]): Part {
  const seen = all.filter(({ passed = 0, dropped = 0, delivered = 0 }) => passed + dropped + delivered > 0);
  const columns = [left('Punt')].concat(
    ['Passed/s', 'Dropped/s', 'Given/s', 'Limit/s', 'Passed', 'Dropped'].map(right),
  );
  const { head: heads, lines } = table(
    columns,
    seen.map(({ reason, rates, rate, passed, dropped }) => [
      [
        ...[reason, short(rates.passed), short(rates.dropped), short(rates.delivered)],
        ...[rate === 0 ? '-' : short(rate), short(passed), short(dropped)],
      ],
    ]),
  );
  return {
    head: heads,
    lines: lines.map(({ text }, i) => ({ text, style: seen[i]!.rates.dropped ? 'warn' : undefined })),
    weights: seen.map(({ rates }) => sum(rates.passed, rates.dropped, rates.delivered) ?? 0),
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

const UNITS = ['', 'k', 'M', 'G', 'T', 'P'];
