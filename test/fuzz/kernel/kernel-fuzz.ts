/** One run of the two engines side by side: so many random graphs from one seed, and the kernel's program asked what it does with each frame. */
import { Random } from '../random';
import { compareGraph, newResult, type CompareResult } from './compare';
import { HOOKS, openJudge, type JudgedHook, type KernelJudge } from './judge';

export const FRAMES_OF_GRAPH = 100;
/** One graph of so many is played to the program for XDP: the kernel takes long to begin a test run of that. */
const XDP_EVERY = 10;
const PROGRESS = 500;

export interface KernelFuzzResult extends CompareResult {
  readonly slowestMs: number;
  readonly slowestSeed: number;
}

export interface KernelFuzzHooks {
  /** Before each graph, with its number, for a watchdog. */
  alive?(graph: number): void;
  progress?(graphs: number, findings: number): void;
  /** Milliseconds, monotonic. */
  now(): number;
}

/**
 * Plays graphs with the seeds from `seed` on; each is the same by itself. Stops at the limit of findings.
 * @throws Error with cause and remedy where the kernel doesn't take the program
 */
export function fuzzKernel(seed: number, graphs: number, hooks: KernelFuzzHooks): KernelFuzzResult {
  const judges = new Map<JudgedHook, KernelJudge>();
  const result = newResult();
  let slowest = { ms: 0, seed };
  try {
    for (const hook of HOOKS) judges.set(hook, openJudge(hook));
    for (let graph = 0; graph < graphs; graph++) {
      hooks.alive?.(graph);
      const own = seed + graph;
      const { options } = judges.get(own % XDP_EVERY === 0 ? 'xdp' : 'tc')!;
      const start = hooks.now();
      compareGraph(new Random(own), own, { ...options, frames: FRAMES_OF_GRAPH }, result);
      const ms = hooks.now() - start;
      if (ms > slowest.ms) slowest = { ms, seed: own };
      if ((graph + 1) % PROGRESS === 0) hooks.progress?.(graph + 1, result.findings.length);
    }
  } finally {
    for (const judge of judges.values()) judge.close();
  }
  return { ...result, slowestMs: slowest.ms, slowestSeed: slowest.seed };
}
