/**
 * The bench's growth with the table as a picture: what a route costs in time and in memory at each size, both axes logarithmic, as SVG
 * text. What falls or stays level to the right does not grow with the table.
 */
import type { Figure } from '../../lab/figure';

interface Series {
  /** Name of the figures, one for each size. */
  readonly figure: string;
  readonly label: string;
  readonly color: string;
}

interface Chart {
  readonly title: string;
  /** A figure's value as it is drawn. */
  readonly valueOf: (figure: Figure) => number;
  readonly series: readonly Series[];
}

const CHARTS: readonly Chart[] = [
  {
    title: 'replay: µs a route',
    valueOf: ({ value, routes }) => (1000 * value) / routes!,
    series: [
      { figure: 'replay.sink', label: 'sink', color: '#777777' },
      { figure: 'replay.acknowledged', label: 'acknowledged', color: '#0b6bcb' },
      { figure: 'replay.counted', label: 'counted by zebra', color: '#c2410c' },
    ],
  },
  {
    title: 'memory: bytes a route',
    valueOf: ({ value }) => value,
    series: [
      { figure: 'memory.bridge.1', label: 'fpm2afi, 1 group', color: '#0b6bcb' },
      { figure: 'memory.bridge.1000', label: 'fpm2afi, 1000 groups', color: '#7dafe6' },
      { figure: 'memory.vasic.1', label: 'softvasic, 1 group', color: '#15803d' },
      { figure: 'memory.vasic.1000', label: 'softvasic, 1000 groups', color: '#86c79b' },
    ],
  },
];

const WIDTH = 460;
const HEIGHT = 340;
const LEFT = 56;
const RIGHT = 16;
const TOP = 36;
const BOTTOM = 44;
const LEGEND_LINE = 15;
const STEPS = [1, 2, 5];

interface Point {
  readonly routes: number;
  readonly value: number;
}

/** 1, 2 and 5 times the powers of ten from the last that is not above `least` to the first that is not below `most`. */
function ticks(least: number, most: number): readonly number[] {
  const found: number[] = [];
  for (let power = Math.floor(Math.log10(least)); ; power++) {
    for (const step of STEPS) {
      const tick = step * 10 ** power;
      while (found.length > 0 && found[0]! < least && tick <= least) found.shift();
      found.push(tick);
      if (tick >= most) return found;
    }
  }
}

function scale(from: number, to: number, start: number, end: number): (value: number) => number {
  const span = Math.log(to / from) || 1;
  return (value) => Math.round(10 * (start + ((end - start) * Math.log(value / from)) / span)) / 10;
}

function text(x: number, y: number, anchor: 'start' | 'middle' | 'end', content: string): string {
  return `<text x="${x}" y="${y}" text-anchor="${anchor}">${content}</text>`;
}

function line(x1: number, y1: number, x2: number, y2: number): string {
  return `<line x1="${x1}" y1="${y1}" x2="${x2}" y2="${y2}" stroke="#dddddd"/>`;
}

/** The figures of one name, by size. */
function pointsOf(figures: readonly Figure[], name: string, valueOf: Chart['valueOf']): readonly Point[] {
  return figures
    .filter((figure) => figure.name === name && figure.routes !== undefined)
    .map((figure) => ({ routes: figure.routes!, value: valueOf(figure) }))
    .filter(({ value }) => value > 0)
    .sort((a, b) => a.routes - b.routes);
}

function panel({ title, valueOf, series }: Chart, figures: readonly Figure[]): string | undefined {
  const drawn = series
    .map((one) => ({ ...one, points: pointsOf(figures, one.figure, valueOf) }))
    .filter(({ points }) => points.length > 0);
  const all = drawn.flatMap(({ points }) => points);
  if (all.length === 0) return undefined;
  const sizes = [...new Set(all.map(({ routes }) => routes))].sort((a, b) => a - b);
  const levels = ticks(Math.min(...all.map(({ value }) => value)), Math.max(...all.map(({ value }) => value)));
  const [right, bottom] = [WIDTH - RIGHT, HEIGHT - BOTTOM];
  const x = scale(sizes[0]!, sizes.at(-1)!, LEFT, right);
  const y = scale(levels[0]!, levels.at(-1)!, bottom, TOP);
  return [
    text(LEFT, TOP - 14, 'start', title),
    ...levels.map((level) => line(LEFT, y(level), right, y(level)) + text(LEFT - 6, y(level) + 4, 'end', label(level))),
    ...sizes.map((size) => line(x(size), TOP, x(size), bottom) + text(x(size), bottom + 16, 'middle', label(size))),
    text((LEFT + right) / 2, HEIGHT - 8, 'middle', 'routes in the table'),
    ...drawn.map(({ points, color, label: name }, i) => {
      const path = points.map(({ routes, value }) => `${x(routes)},${y(value)}`);
      const dots = path.map((at) => `<circle cx="${at.split(',')[0]!}" cy="${at.split(',')[1]!}" r="3"/>`).join('');
      const legend = `<g fill="${color}">${text(right - 4, TOP + 12 + i * LEGEND_LINE, 'end', name)}</g>`;
      return `<polyline points="${path.join(' ')}" fill="none" stroke="${color}" stroke-width="2"/><g fill="${color}">${dots}</g>${legend}`;
    }),
  ].join('\n');
}

/** `1`, `0.5`, `20`, `10k`, `2M`. */
function label(value: number): string {
  if (value >= 1e6) return `${value / 1e6}M`;
  if (value >= 1e4) return `${value / 1e3}k`;
  return String(Math.round(value * 1000) / 1000);
}

/** The picture as SVG text; undefined: there is no figure to draw. */
export function plotSvg(figures: readonly Figure[]): string | undefined {
  const panels = CHARTS.map((chart) => panel(chart, figures)).filter((drawn) => drawn !== undefined);
  if (panels.length === 0) return undefined;
  const groups = panels.map((drawn, i) => `<g transform="translate(${i * WIDTH} 0)">\n${drawn}\n</g>`);
  const size = `width="${panels.length * WIDTH}" height="${HEIGHT}"`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" ${size} font-family="sans-serif" font-size="12" fill="#333333">`,
    '<rect width="100%" height="100%" fill="#ffffff"/>',
    ...groups,
    '</svg>\n',
  ].join('\n');
}
