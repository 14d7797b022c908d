/** The Grafana dashboard as Grafana reads it: its variables, its panels, and what it asks Prometheus for them. */
import { readFileSync } from 'node:fs';
import { at, items, numberAt, textAt } from '../../lab/json';

const FILE = 'packaging/grafana/fpm2afi.json';

/** A query of a panel. */
export interface Target {
  readonly refId: string;
  readonly expr: string;
  readonly legend: string;
}

export interface Panel {
  readonly title: string;
  /** `row`, `stat` or `timeseries`. */
  readonly type: string;
  readonly place: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly unit: string;
  readonly stacked: boolean;
  /** Texts that stand for values. */
  readonly words: ReadonlyMap<number, string>;
  /** Colors from the value on; the first has none. */
  readonly thresholds: readonly { readonly from: number; readonly color: string }[];
  readonly targets: readonly Target[];
}

export interface Variable {
  readonly name: string;
  /** `datasource` or `query`. */
  readonly type: string;
  readonly query: string;
  readonly multi: boolean;
}

export interface Dashboard {
  readonly variables: readonly Variable[];
  readonly panels: readonly Panel[];
}

export function readDashboard(): Dashboard {
  const json = JSON.parse(readFileSync(FILE, 'utf8')) as unknown;
  return {
    variables: items(at(json, 'templating', 'list')).map((one) => ({
      name: textAt(one, 'name'),
      type: textAt(one, 'type'),
      query: textAt(one, 'query'),
      multi: at(one, 'multi') === true,
    })),
    panels: items(at(json, 'panels')).map(panelOf),
  };
}

function panelOf(json: unknown): Panel {
  const side = (name: string): number => numberAt(json, 'gridPos', name) ?? 0;
  const defaults = at(json, 'fieldConfig', 'defaults');
  const words = items(at(defaults, 'mappings')).flatMap((mapping) =>
    Object.entries((at(mapping, 'options') ?? {}) as object).map(([value, to]): [number, string] => [
      Number(value),
      textAt(to, 'text'),
    ]),
  );
  return {
    title: textAt(json, 'title'),
    type: textAt(json, 'type'),
    place: { x: side('x'), y: side('y'), w: side('w'), h: side('h') },
    unit: textAt(defaults, 'unit'),
    stacked: at(defaults, 'custom', 'stacking', 'mode') === 'normal',
    words: new Map(words),
    thresholds: items(at(defaults, 'thresholds', 'steps')).map((step) => ({
      from: numberAt(step, 'value') ?? -Infinity,
      color: textAt(step, 'color'),
    })),
    targets: items(at(json, 'targets')).map((target) => ({
      refId: textAt(target, 'refId'),
      expr: textAt(target, 'expr'),
      legend: textAt(target, 'legendFormat'),
    })),
  };
}

/** Values of the variables. A list is one of several that are chosen. */
export type Values = Readonly<Record<string, string | readonly string[]>>;

/** A query with these values, put in as Grafana puts them in. Throws on a variable that isn't there. */
export function substitute(query: string, values: Values): string {
  return query.replace(/\$(?:\{(\w+)\}|(\w+))/g, (_, braced?: string, bare?: string) => {
    const name = braced ?? bare!;
    const value = values[name];
    if (value === undefined) throw new Error(`no variable $${name}`);
    if (typeof value === 'string') return value;
    const escaped = value.map((one) => one.replace(/[\\^$.*+?()[\]{}|]/g, '\\\\$&'));
    return escaped.length === 1 ? escaped[0]! : `(${escaped.join('|')})`;
  });
}

/** What a series is called in the legend. */
export function legendOf({ legend }: Target, labels: Readonly<Record<string, string>>): string {
  return legend.replace(/\{\{\s*(\w+)\s*\}\}/g, (_, name: string) => labels[name] ?? '');
}
