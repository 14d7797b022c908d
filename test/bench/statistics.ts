/** Medians and percentiles of a few figures, and the table that people read. */

export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
  readonly runs: number;
}

/** The value below which `share` (0…1) of the values lie. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? NaN;
}

export function spread(values: readonly number[]): Spread {
  const round = (value: number): number => Math.round(value * 100) / 100;
  const middle = (percentile(values, 0.5) + percentile(values, 0.5 - 0.5 / values.length)) / 2;
  const [median, min, max] = [
    values.length % 2 === 0 ? middle : percentile(values, 0.5),
    Math.min(...values),
    Math.max(...values),
  ].map(round);
  return { median: median!, min: min!, max: max!, runs: values.length };
}

/** `12.3 (11.9 … 14.0)`, or the value alone of a single run. */
export function spreadText({ median, min, max, runs }: Spread, unit: string): string {
  return runs === 1 ? `${median} ${unit}` : `${median} ${unit} (${min} … ${max})`;
}
