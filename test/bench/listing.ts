/**
 * `fpm2afi show routes` of a whole table: the wall time of the command, when its first line is there, and how much more memory it and
 * the daemon take. The daemon is a control socket in front of a table (listing-daemon.ts); what it prints goes to /dev/null
 * by way of a pipe, so that the reader costs little.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { atMost, hundredth, median, tenth, type Figure } from '../../lab/figure';
import type { BenchPart } from './part';

const MAIN = join(__dirname, '..', '..', 'src', 'main.js');
const LOOK_MS = 20;

/** Megabytes that a process has resident now, or at most since `resetPeak`. */
function megabytes(pid: number, what: 'VmRSS' | 'VmHWM'): number {
  const found = new RegExp(`${what}:\\s+(\\d+) kB`).exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(found ?? 0) / 1000;
}

function resetPeak(pid: number): void {
  writeFileSync(`/proc/${pid}/clear_refs`, '5');
}

interface Run {
  readonly seconds: number;
  readonly firstMs: number;
  readonly lines: number;
  readonly clientMb: number;
}

/** One command, read to its end. */
function list(args: readonly string[]): Promise<Run> {
  return new Promise((resolve, reject) => {
    const started = performance.now();
    const child = spawn(process.execPath, [MAIN, 'show', ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
    let [firstMs, lines, clientMb] = [0, 0, 0];
    const look = setInterval(() => {
      try {
        clientMb = Math.max(clientMb, megabytes(child.pid!, 'VmHWM'));
      } catch {
        // It has ended.
      }
    }, LOOK_MS);
    child.stdout.on('data', (chunk: Buffer) => {
      if (firstMs === 0) firstMs = performance.now() - started;
      for (let at = chunk.indexOf(10); at >= 0; at = chunk.indexOf(10, at + 1)) lines++;
    });
    child.on('close', (code) => {
      clearInterval(look);
      if (code === 0) resolve({ seconds: (performance.now() - started) / 1000, firstMs, lines, clientMb });
      else reject(new Error(`show ${args.join(' ')} ended with ${String(code)}`));
    });
  });
}

function ready(daemon: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    daemon.stdout!.once('data', () => resolve());
    daemon.once('exit', (code) => reject(new Error(`the daemon ended with ${String(code)}`)));
  });
}

async function measure(routes: number, nexthops: number, runs: number): Promise<Figure[]> {
  const directory = mkdtempSync(join(tmpdir(), 'fpm2afi-listing-'));
  const socket = join(directory, 'control.sock');
  const script = join(__dirname, 'listing-daemon.js');
  const daemon = spawn(process.execPath, ['--expose-gc', script, socket, String(routes), String(nexthops)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    await ready(daemon);
    const little = await list(['punt', '--socket', socket]);
    const text: Run[] = [];
    const json: Run[] = [];
    let daemonMb = 0;
    for (let run = 0; run < runs; run++) {
      const before = megabytes(daemon.pid!, 'VmRSS');
      resetPeak(daemon.pid!);
      text.push(await list(['routes', '--socket', socket]));
      json.push(await list(['routes', '--json', '--socket', socket]));
      daemonMb = Math.max(daemonMb, megabytes(daemon.pid!, 'VmHWM') - before);
    }
    const shown = text[0]!.lines;
    if (shown < routes) throw new Error(`${shown} lines of ${routes} routes`);
    const goal = routes <= 100_000 ? 0.5 : 5;
    const figure = (name: string, what: string, unit: string, samples: readonly number[], limit?: number): Figure => {
      const value = hundredth(median(samples));
      const more = limit === undefined ? {} : atMost(limit, unit, value);
      return { name: `listing.${name}`, what, unit, value, samples: samples.map(hundredth), routes, ...more };
    };
    const seconds = (all: readonly Run[]): number[] => all.map((run) => run.seconds);
    return [
      figure('text', 'wall time of "show routes"', 's', seconds(text), goal),
      figure('json', 'wall time of "show routes --json"', 's', seconds(json)),
      figure(
        'first',
        'until its first line',
        'ms',
        text.map(({ firstMs }) => tenth(firstMs)),
      ),
      figure(
        'client',
        'most more in memory than "show punt" has, the command',
        'MB',
        [Math.max(...text.map(({ clientMb }) => clientMb)) - little.clientMb],
        50,
      ),
      figure('daemon', 'most more in memory meanwhile, the daemon', 'MB', [daemonMb], 50),
    ];
  } finally {
    daemon.kill('SIGKILL');
    rmSync(directory, { recursive: true });
  }
}

export const listing: BenchPart = {
  name: 'listing',
  title: 'listing: show routes of a whole table',
  measure: async ({ sizes, nexthops, runs }, found) => {
    for (const routes of sizes.filter((size) => size >= 100_000)) found(await measure(routes, nexthops, runs));
  },
};
