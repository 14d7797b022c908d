/**
 * A page that shows the Grafana dashboard's panels where the dashboard has them, with series that Prometheus gave. It is drawn by this file, from the dashboard's
 * JSON: what is shown in which panel is right, how Grafana draws it is its own affair. Pure.
 */
import type { Panel } from '../dashboard/dashboard';
import type { Span } from '../dashboard/prometheus';

export interface Line {
  readonly name: string;
  readonly points: readonly (readonly [number, number])[];
}

export interface FilledPanel {
  readonly panel: Panel;
  readonly lines: readonly Line[];
}

const COLORS = ['#73bf69', '#5794f2', '#f2cc0c', '#ff780a', '#f2495c', '#b877d9', '#37c8c8', '#c4c4c4'];
const BACKGROUNDS: Readonly<Record<string, string>> = { green: '#2e7d32', red: '#b3261e' };
/** Of a row of the dashboard's grid, and of the whole page. */
const ROW_PX = 34;
export const PAGE_WIDTH = 1400;
const STYLE = `
  body { margin: 0; padding: 12px; background: #111217; color: #ccccdc; font: 12px/1.3 system-ui, sans-serif; width: ${PAGE_WIDTH - 24}px; }
  main { display: grid; grid-template-columns: repeat(24, 1fr); grid-auto-rows: ${ROW_PX}px; gap: 6px; }
  section { background: #181b1f; border: 1px solid #2c3235; border-radius: 3px; padding: 4px 8px; overflow: hidden; display: flex; flex-direction: column; }
  h1 { font-size: 18px; margin: 0 0 8px; } h2 { font-size: 12px; font-weight: 600; margin: 0 0 2px; }
  .row { background: none; border: 0; justify-content: end; font-size: 15px; }
  .value { font-size: 26px; font-weight: 600; color: white; flex: 1; display: flex; flex-wrap: wrap; gap: 0 14px; align-items: center; justify-content: center; }
  .value small { font-size: 11px; font-weight: 400; }
  svg { flex: 1; min-height: 0; width: 100%; } svg text { fill: #9a9fa8; font-size: 10px; }
  ul { list-style: none; margin: 0; padding: 0; display: flex; flex-wrap: wrap; gap: 0 10px; max-height: 30px; overflow: hidden; font-size: 10px; }
  i { display: inline-block; width: 10px; height: 3px; margin-right: 4px; vertical-align: middle; }
  footer { margin-top: 8px; color: #7b8087; }
`;

/** The page. */
export function dashboardPage(filled: readonly FilledPanel[], span: Span, heading: string, footer: string): string {
  const sections = filled.map((one) => section(one, span)).join('\n');
  return `<!doctype html><meta charset="utf-8"><style>${STYLE}</style><h1>${escape(heading)}</h1><main>${sections}</main><footer>${escape(footer)}</footer>`;
}

function section({ panel, lines }: FilledPanel, span: Span): string {
  const { x, y, w, h } = panel.place;
  const place = `grid-area: ${y + 1} / ${x + 1} / span ${h} / span ${w}`;
  const title = `<h2>${escape(panel.title)}</h2>`;
  if (panel.type === 'row') return `<section class="row" style="${place}">${escape(panel.title)}</section>`;
  if (panel.type === 'stat') {
    const color = BACKGROUNDS[colorOf(panel, lines)] ?? '#181b1f';
    return `<section style="${place}; background: ${color}">${title}<div class="value">${values(panel, lines)}</div></section>`;
  }
  const legend = lines.map(({ name }, i) => `<li><i style="background:${colorAt(i)}"></i>${escape(name)}</li>`);
  return `<section style="${place}">${title}${chart(panel, lines, span)}<ul>${legend.join('')}</ul></section>`;
}

const last = ({ points }: Line): number => points.findLast(([, value]) => Number.isFinite(value))?.[1] ?? NaN;
const colorAt = (i: number): string => COLORS[i % COLORS.length]!;

/** That of the worst. */
function colorOf({ thresholds }: Panel, lines: readonly Line[]): string {
  const colors = lines.map((line) => thresholds.findLast(({ from }) => last(line) >= from)?.color ?? 'red');
  return colors.includes('red') ? 'red' : (colors[0] ?? '');
}

function values(panel: Panel, lines: readonly Line[]): string {
  return lines
    .map((line) => {
      const value = last(line);
      const [size, name] = lines.length > 1 ? ['15px', `<small>${escape(line.name)}</small> `] : ['26px', ''];
      return `<span style="font-size: ${size}">${name}${escape(panel.words.get(value) ?? withUnit(value, panel.unit))}</span>`;
    })
    .join('');
}

const [LEFT, BOTTOM] = [50, 16];

function chart(panel: Panel, lines: readonly Line[], { start, end }: Span): string {
  // About what a panel of so many columns and rows has room for, so that texts are as wide as they should be.
  const [width, height] = [panel.place.w * (PAGE_WIDTH / 24) - 30, panel.place.h * (ROW_PX + 6) - 70];
  const stacked = panel.stacked ? stack(lines) : lines;
  const most = Math.max(
    ...stacked.flatMap(({ points }) => points.map(([, value]) => value)).filter(Number.isFinite),
    0,
  );
  const top = most === 0 ? 1 : most * 1.1;
  const xOf = (time: number): number => LEFT + ((time - start) / (end - start)) * (width - LEFT - 4);
  const yOf = (value: number): number => 4 + (1 - value / top) * (height - BOTTOM - 4);
  const at = ([time, value]: readonly [number, number]): string => `${xOf(time).toFixed(1)},${yOf(value).toFixed(1)}`;
  const grid = [0, 0.25, 0.5, 0.75, 1].map((part) => {
    const y = yOf(part * top).toFixed(1);
    return `<path d="M${LEFT},${y}H${width - 4}" stroke="#2c3235"/><text x="${LEFT - 4}" y="${y}" dy="3" text-anchor="end">${withUnit(part * top, panel.unit)}</text>`;
  });
  const times = [0, 1 / 3, 2 / 3].map((part) => {
    const time = start + part * (end - start);
    return `<text x="${xOf(time)}" y="${height - 3}">${new Date(time * 1000).toISOString().slice(11, 19)}</text>`;
  });
  const drawn = stacked.map(({ points }, i) => {
    const known = points.filter(([, value]) => Number.isFinite(value));
    const base = panel.stacked && i > 0 ? [...stacked[i - 1]!.points].reverse().map(at) : [];
    const floor = known.length === 0 ? [] : [`${xOf(known.at(-1)![0])},${yOf(0)}`, `${xOf(known[0]![0])},${yOf(0)}`];
    const area = [...known.map(at), ...(base.length > 0 ? base : floor)].join(' ');
    return (
      `<polygon points="${area}" fill="${colorAt(i)}" fill-opacity="${panel.stacked ? 0.3 : 0.05}"/>` +
      `<polyline points="${known.map(at).join(' ')}" fill="none" stroke="${colorAt(i)}" stroke-width="1.3"/>`
    );
  });
  return `<svg viewBox="0 0 ${width} ${height}" preserveAspectRatio="none">${[...grid, ...times, ...drawn].join('')}</svg>`;
}

/** Each on top of those before it. */
function stack(lines: readonly Line[]): Line[] {
  const sums = new Map<number, number>();
  return lines.map(({ name, points }) => ({
    name,
    points: points.map(([time, value]) => {
      const sum = (sums.get(time) ?? 0) + (Number.isFinite(value) ? value : 0);
      sums.set(time, sum);
      return [time, sum] as const;
    }),
  }));
}

function withUnit(value: number, unit: string): string {
  if (!Number.isFinite(value)) return '-';
  if (unit === 'percentunit') return `${(value * 100).toPrecision(2)} %`;
  if (unit === 'bytes') return `${(value / 2 ** 20).toFixed(0)} MiB`;
  if (unit === 's') return value !== 0 && value < 1 ? `${rounded(value * 1000)} ms` : `${rounded(value)} s`;
  const suffix = unit === 'pps' ? ' p/s' : unit === 'ops' ? '/s' : '';
  return `${value >= 1000 ? `${rounded(value / 1000)}k` : rounded(value)}${suffix}`;
}

const rounded = (value: number): string => String(Number(value.toPrecision(3)));

function escape(text: string): string {
  return text.replace(/[&<>"]/g, (char) => `&#${char.charCodeAt(0)};`);
}
