/** A packet's way through a vASIC as text, whoever asked for it: `fpm2afi trace` and `softvasic aft test`. Pure functions. */
import { stackText } from '../net/labels';
import type { TraceOutcome, TraceStep, TraceView } from './explain-types';

/** A line for each node, in columns. */
export function stepLines(steps: readonly TraceStep[]): string[] {
  const cells = steps.map(({ token, type, purpose, detail }) => [String(token), type, purpose, detail] as const);
  const width = (column: 0 | 1 | 2): number => Math.max(0, ...cells.map((row) => row[column].length));
  const [tokens, types, purposes] = [width(0), width(1), width(2)];
  return cells.map(([token, type, purpose, detail]) =>
    `  ${token.padStart(tokens)}  ${type.padEnd(types)}  ${purpose.padEnd(purposes)}  ${detail}`.trimEnd(),
  );
}

/** Which engine takes it; no line where the vASIC has one way only. */
export function engineLines(engine: TraceView['engine']): string[] {
  if (engine === undefined) return [];
  const { name, reason } = engine;
  if (name === 'kernel' && reason !== undefined)
    return [`the kernel decides on it by the tables of the softvasic before, until these are complete (${reason})`];
  const why = reason === undefined ? '' : `: the kernel leaves it (${reason})`;
  return [name === 'kernel' ? 'the kernel forwards it' : `the TypeScript engine takes it${why}`];
}

/** What becomes of it. */
export function outcomeText(outcome: TraceOutcome): string {
  switch (outcome.kind) {
    case 'output': {
      const { port, tap, sourceMac, destinationMac, ttl, labels } = outcome;
      const stack = labels === undefined ? '' : `, label ${stackText(labels)}`;
      const hops = ttl === undefined ? '' : `, with TTL ${ttl}`;
      return `leaves by port ${port} (${tap}), from ${sourceMac} to ${destinationMac}${stack}${hops}`;
    }
    case 'punt':
      return `goes to the host: ${outcome.reasonName}`;
    case 'discard':
      return `is dropped: ${outcome.reason}`;
  }
}
