/** How the programs are: whether one ended by itself, what they say of errors that nobody handled, and their memory. */
import { readFileSync } from 'node:fs';
import { logLines, type Proc } from '../../lab/process';
import type { Stage } from './stage';

export interface Memory {
  /** Resident, MB. */
  readonly bridge: number;
  readonly softvasic: number;
}

/** What Node and our programs print when an exception or a rejection met nobody. */
const UNHANDLED = /unhandled|uncaught|Unhandled|Uncaught|^\s+at .*\(.*:\d+:\d+\)$|^Node\.js v/;

export function unhandledLines(lines: readonly string[]): readonly string[] {
  return lines.filter((line) => UNHANDLED.test(line));
}

/** Unhandled errors in the logs of the bridge, the punt process, whose log is the bridge's, and softvasic. */
export function unhandled({ bridge, softvasic }: Stage): readonly string[] {
  return [bridge, softvasic].flatMap(({ logFile }) => unhandledLines(logLines(logFile)));
}

/** Programs that ended although nobody killed them, in words. */
export function endedByThemselves({ bridge, softvasic, frr }: Stage): readonly string[] {
  const processes: readonly Proc[] = [
    bridge.process(),
    softvasic.process(),
    frr.process('zebra'),
    frr.process('staticd'),
  ];
  return processes.flatMap((one) => {
    const end = one.ended();
    return end === undefined
      ? []
      : [`${one.name} ended by itself, ${end.signal ?? `status ${end.status}`}: ${one.logFile}`];
  });
}

function residentMb(pid: number): number {
  const found = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  return Math.round(Number(found?.[1] ?? 0) / 1024);
}

export function memoryOf({ bridge, softvasic }: Stage): Memory {
  return { bridge: residentMb(bridge.process().pid), softvasic: residentMb(softvasic.process().pid) };
}
