/** A figure of `make lab`: what was measured, how, and what it should be. */
import type { Lab } from '../lab/lab';

export interface Figure {
  readonly name: string;
  readonly what: string;
  readonly unit: string;
  readonly value: number;
  /** All single values behind `value`, where there are several. */
  readonly samples?: readonly number[];
  /** The goal in words, and whether `value` meets it; absent: there is none. */
  readonly goal?: string;
  readonly met?: boolean;
}

export interface Measurement {
  /** As in `make lab FIGURE=NAME`. */
  readonly name: string;
  readonly title: string;
  readonly measure: (lab: Lab, say: (line: string) => void) => Promise<readonly Figure[]>;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  if (sorted.length === 0) throw new Error('the median of nothing');
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** Rounded to a tenth. */
export const tenth = (value: number): number => Math.round(value * 10) / 10;
