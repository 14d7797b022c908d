/** The report's checks, made of the results of a run. */
import type { FibFuzzResult } from './fib/fib-fuzz';
import type { FuzzResult } from './fuzz';
import type { KernelFuzzResult } from './kernel/kernel-fuzz';

/** A frame or a history that takes longer hangs; generous, as the machine may be busy with other things. */
export const HANG_MS = 30_000;
const SLOW_MS = 5000;
/** Of memory, from the first half of the run to its end. */
const MAX_GROWTH = 16 * 1024 * 1024;

/** One thing that was to hold. */
export interface Check {
  readonly name: string;
  readonly command: string;
  readonly observed: string;
  readonly ok: boolean;
}

/** What was found out about the codec; nothing where no frame was made. */
export function checksOfCodec(result: FuzzResult, command: string): Check[] {
  if (result.frames === 0) return [];
  const checks = Object.entries(result.properties).map(([name, count]): Check => {
    const found = result.findings.filter(({ property }) => property === name);
    return { name, command, observed: `${count} checked, ${found.length} findings`, ok: found.length === 0 };
  });
  const { slowestMs, slowestMutation, memory } = result;
  const slowest = `the slowest frame with all its checks took ${slowestMs.toFixed(1)} ms (${slowestMutation})`;
  checks.push({ name: 'no frame hangs', command, observed: slowest, ok: slowestMs < SLOW_MS });
  // The first fifth fills caches and compiles. Of several samples the least: buffers are given back a while after they were
  // collected.
  const least = (from: number, to: number): number =>
    Math.min(...memory.slice(Math.floor(from * memory.length), Math.ceil(to * memory.length)));
  const [early, late] = [least(0.2, 0.5), least(0.7, 1)];
  const mib = (value: number): string => (value / 1024 / 1024).toFixed(1);
  const observed = `${mib(early)} MiB in the first half of the run, ${mib(late)} at its end`;
  checks.push({
    name: 'memory does not grow',
    command,
    observed,
    ok: memory.length >= 10 && late - early < MAX_GROWTH,
  });
  return checks;
}

/** What was found out about the FIB and the programmer. */
export function checksOfFib(result: FibFuzzResult, command: string): Check[] {
  const { histories, events, checks, packets, operations, findings, slowestMs, slowestSeed } = result;
  if (histories === 0) return [];
  const played = `${histories} histories of ${events} events, ${operations} operations`;
  const compared = `looked at ${checks} times, ${packets} packets`;
  return [
    {
      name: 'the vASIC forwards as zebra and the kernel said, refuses nothing, and nothing is left behind',
      command,
      observed: `${played}, ${compared}, ${findings.length} findings`,
      ok: findings.length === 0,
    },
    {
      name: 'no history hangs',
      command,
      observed: `the slowest with all its checks took ${slowestMs.toFixed(1)} ms (seed ${slowestSeed})`,
      ok: slowestMs < SLOW_MS,
    },
  ];
}

/** What was found out about the kernel's program beside the TypeScript engine. */
export function checksOfKernel(result: KernelFuzzResult, command: string): Check[] {
  const { graphs, operations, refused, frames, judged, ways, findings, slowestMs, slowestSeed } = result;
  const sum = (way: 'sent' | 'discarded' | 'slow'): number =>
    Object.values(ways).reduce((total, counts) => total + counts[way], 0);
  const played = `${graphs} graphs made by ${operations} operations (${refused} refused)`;
  const went = `${frames} packets: ${sum('sent')} sent (${result.labelled} with new labels, ${result.unlabelled} without old ones), ${sum('discarded')} dropped, ${sum('slow')} left to the engine`;
  return [
    {
      name: "the kernel's program sends, drops and leaves packets as the TypeScript engine has it, and all counters agree",
      command,
      observed: `${played}; ${went}; ${judged} run by the program; ${findings.length} findings`,
      ok: findings.length === 0 && judged > frames / 2,
    },
    {
      name: 'no graph hangs',
      command,
      observed: `the slowest with all its packets took ${slowestMs.toFixed(1)} ms (seed ${slowestSeed})`,
      ok: slowestMs < SLOW_MS,
    },
  ];
}
