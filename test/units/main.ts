/**
 * `make units-test`: the packages of out/deb on a Debian with FRR whose process 1 is systemd: the units as they are, hardened, in order, reloaded,
 * restarted, killed, watched; the machine booted again, the packages purged. Writes out/units.json. Exit status: 0 all checks ok, 1 not.
 *
 * Arguments: suites, for each of which scripts/units-machine.sh made a root folder (trixie).
 */
import { existsSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { createReporter, reportOf, type Report, type Reporter } from '../../demo/scenes/report';
import { runReport, say } from '../../demo/scenes/run-report';
import { errorText } from '../../src/net/error-text';
import { playBoot, playInstallation } from './boot-checks';
import { playEnd } from './end-checks';
import { Machine } from './machine';
import { playJournal, playReload, playRestarts, playWatchdog } from './restart-checks';
import { playRights } from './rights-checks';
import type { Stage } from './stage';

const OUT = 'out/units.json';
const CACHE = process.env.FPM2AFI_CACHE ?? '/var/cache/fpm2afi';

/** Debian 12 needs a Node of ours; later ones do without it. */
function packages(suite: string): readonly string[] {
  const folder = resolve('out/deb');
  const files = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.deb')) : [];
  if (files.length === 0) throw new Error('there are no packages in out/deb: make deb');
  return files
    .filter((name) => suite === 'bookworm' || !name.startsWith('fpm2afi-node_'))
    .map((name) => join(folder, name));
}

async function play(stage: Stage, scene: (title: string) => void): Promise<void> {
  const { machine, suite } = stage;
  await machine.unpack(join(CACHE, 'units-test', `${suite}.tar`));
  await machine.copy(packages(suite), 'root/debs');
  scene('The packages beside FRR');
  await machine.boot();
  await playInstallation(stage);
  scene('The machine boots');
  await machine.powerOff();
  await machine.boot();
  await playBoot(stage);
  scene('What they may, and who may come');
  await playRights(stage);
  scene('Reloading, and the journal');
  await playReload(stage);
  await playJournal(stage);
  scene('Restarts and kills');
  await playRestarts(stage);
  scene('The watchdog');
  await playWatchdog(stage);
  scene('The machine boots again');
  await machine.powerOff();
  await machine.boot();
  await playBoot(stage);
  scene('The end');
  await playEnd(stage);
}

async function machineOf(suite: string, report: Reporter): Promise<void> {
  const machine = new Machine(suite, 'out/units-logs');
  const stop = (): void => void machine.close().finally(() => process.exit(130));
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, stop);
  try {
    await play({ suite, machine, report }, (title) => report.scene(`${suite}: ${title}`));
  } catch (error) {
    const look = () => ({ ok: false, observed: errorText(error) });
    await report.expect({ name: `${suite}: the run came to its end`, command: 'make units-test', look });
  } finally {
    await machine.close();
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, stop);
  }
}

async function playAll(suites: readonly string[]): Promise<Report> {
  const began = performance.now();
  const report = createReporter(say);
  for (const suite of suites) await machineOf(suite, report);
  const seconds = Math.round((performance.now() - began) / 1000);
  return reportOf(report.checks(), [suites.join(' and '), `${seconds} s`]);
}

runReport('units-test', OUT, () => playAll(process.argv.slice(2)));
