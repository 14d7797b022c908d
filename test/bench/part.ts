/** One part of `make bench`: what measures some figures, in labs of its own. */
import type { Figure } from '../../lab/figure';

/** What a goal is set for; a smaller table shows the growth, and how much of it is a program's start. */
export const FULL_TABLE = 1_000_000;

/** A goal that only a full table has. */
export function forFullTable<T extends object>(routes: number, goal: T): T | Record<string, never> {
  return routes >= FULL_TABLE ? goal : {};
}

export interface BenchOptions {
  /** Sizes of the table, growing. */
  readonly sizes: readonly number[];
  /** Different nexthops (groups of one path) in it. */
  readonly nexthops: number;
  /** Route updates of the soak. */
  readonly changes: number;
  /** How often what is repeated is measured. */
  readonly runs: number;
  /** Few routes, little time. */
  readonly quick: boolean;
}

const FEW_RUNS = 2;

/** How often something is measured that takes minutes with a full table. */
export function fewRuns({ runs, quick }: BenchOptions): number {
  return quick ? 1 : Math.min(FEW_RUNS, runs);
}

export interface BenchPart {
  /** As in `--only NAME`. */
  readonly name: string;
  readonly title: string;
  /**
   * Calls `found` with figures as soon as it has them, so that a run that is cut short leaves what it has. Throws where something could
   * not be measured.
   */
  readonly measure: (
    options: BenchOptions,
    found: (figures: readonly Figure[]) => void,
    say: (line: string) => void,
  ) => Promise<void>;
}
