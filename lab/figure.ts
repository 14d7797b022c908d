/** A figure of `make lab` or `make bench`: what was measured, how, and what it should be; and the report of many. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { dirname } from 'node:path';

export interface Figure {
  readonly name: string;
  readonly what: string;
  readonly unit: string;
  readonly value: number;
  /** How many routes the table had, where that matters. */
  readonly routes?: number;
  /** All single values behind `value`, where there are several. */
  readonly samples?: readonly number[];
  /** The goal in words, and whether `value` meets it; absent: there is none. */
  readonly goal?: string;
  readonly met?: boolean;
}

/** The figures of one measurement. */
export interface Measured {
  readonly name: string;
  readonly title: string;
  /** What repeats it. */
  readonly command: string;
  readonly figures: readonly Figure[];
  /** Why it could not be (wholly) measured. */
  readonly error?: string;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  if (sorted.length === 0) throw new Error('the median of nothing');
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** Rounded to a tenth. */
export const tenth = (value: number): number => Math.round(value * 10) / 10;

/** Rounded to a hundredth. */
export const hundredth = (value: number): number => Math.round(value * 100) / 100;

/** A goal that `value` must not exceed. */
export function atMost(limit: number, unit: string, value: number): { readonly goal: string; readonly met: boolean } {
  return { goal: `at most ${limit} ${unit}`, met: value <= limit };
}

/** A goal that `value` must reach. */
export function atLeast(limit: number, unit: string, value: number): { readonly goal: string; readonly met: boolean } {
  return { goal: `at least ${limit} ${unit}`, met: value >= limit };
}

/** A number that `value` has to be. */
export function exactly(wanted: number, value: number): { readonly goal: string; readonly met: boolean } {
  return { goal: `exactly ${wanted}`, met: value === wanted };
}

/** The goal that there be none of it. */
export function none(value: number): { readonly goal: string; readonly met: boolean } {
  return { goal: 'none', met: value === 0 };
}

/** The value, with the range of its samples where there are several: `12.3 ms (11.9 … 14)`. */
export function figureText({ value, unit, samples }: Figure): string {
  const range =
    samples === undefined || samples.length < 2 ? '' : ` (${Math.min(...samples)} … ${Math.max(...samples)})`;
  return `${value} ${unit}${range}`;
}

/** One figure as a line for people. */
export function figureLine(figure: Figure): string {
  const { name, routes, goal, met } = figure;
  const size = routes === undefined ? '' : ` at ${routes.toLocaleString('en')} routes`;
  const verdict = goal === undefined ? '' : `   goal: ${goal}: ${met === true ? 'met' : 'NOT met'}`;
  return `${met === false ? '✗' : '✓'} ${name}${size}: ${figureText(figure)}${verdict}`;
}

/** What a report says in one line. */
function summaryOf(measured: readonly Measured[]): string {
  const figures = measured.flatMap((one) => one.figures);
  const goals = figures.filter(({ met }) => met !== undefined);
  const failed = measured.filter(({ error }) => error !== undefined);
  return [
    `${figures.length} figures`,
    `${goals.filter(({ met }) => met === true).length} of ${goals.length} goals met`,
    ...failed.map(({ name }) => `${name} could not be measured`),
  ].join(', ');
}

/** Writes the report; `ok` in it: everything was measured, and every goal is met. Returns the summary. */
export function writeFigures(file: string, measured: readonly Measured[]): string {
  const checks = measured.flatMap(({ name, command, figures, error }) => [
    ...figures.map((figure) => ({ ...figure, command, observed: figureText(figure), ok: figure.met ?? true })),
    ...(error === undefined ? [] : [{ name, command, observed: error, ok: false }]),
  ]);
  const summary = summaryOf(measured);
  const machine = `${cpus().length} × ${cpus()[0]?.model ?? 'CPU'}, Node ${process.version}`;
  const report = { ok: checks.every(({ ok }) => ok), summary, when: new Date().toISOString(), machine, checks };
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${JSON.stringify(report, null, 2)}\n`);
  return summary;
}
