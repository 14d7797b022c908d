/**
 * `make lab`: measures what the forwarding state promises and writes out/forwarding.json, each figure with the command that
 * repeats it. FIGURE=NAME measures one, into out/forwarding-NAME.json. Exit status: 0 all measured (whether or not a goal is met is in the file and on the
 * terminal), 1 something could not be measured, 2 no such figure.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { labId, openLab } from '../lab/lab';
import { balance } from './balance';
import { failover } from './failover';
import type { Figure, Measurement } from './figure';
import { operations } from './operations';
import { resolve } from './resolve';
import { suppress } from './suppress';

const MEASUREMENTS: readonly Measurement[] = [resolve, balance, failover, operations, suppress];

interface Measured {
  readonly name: string;
  readonly title: string;
  readonly command: string;
  readonly figures: readonly Figure[];
  readonly error?: string;
}

async function measure(one: Measurement): Promise<Measured> {
  const about = { name: one.name, title: one.title, command: `make lab FIGURE=${one.name}` };
  console.log(`\n── ${one.title}`);
  try {
    const lab = await openLab(labId('figures'), {
      logDir: join('out', `lab-${one.name}-logs`),
      say: (line) => console.log(`  ${line}`),
    });
    try {
      return { ...about, figures: await one.measure(lab, (line) => console.log(`  ${line}`)) };
    } finally {
      await lab.close();
    }
  } catch (error) {
    return { ...about, figures: [], error: error instanceof Error ? error.message : String(error) };
  }
}

async function main(): Promise<number> {
  const wanted = process.argv[2] ?? '';
  const chosen = MEASUREMENTS.filter(({ name }) => wanted === '' || name === wanted);
  if (chosen.length === 0) {
    console.error(`FIGURE=${wanted} is none of ${MEASUREMENTS.map(({ name }) => name).join(', ')}.`);
    return 2;
  }
  const measured: Measured[] = [];
  for (const one of chosen) {
    const result = await measure(one);
    measured.push(result);
    for (const { name, value, unit, goal, met } of result.figures) {
      const verdict = goal === undefined ? '' : `   goal: ${goal}: ${met === true ? 'met' : 'NOT met'}`;
      console.log(`  ${met === false ? '✗' : '✓'} ${name}: ${value} ${unit}${verdict}`);
    }
    if (result.error !== undefined) console.log(`  ✗ could not be measured: ${result.error}`);
  }
  const ok = measured.every(({ error }) => error === undefined);
  const goalsMet = ok && measured.every(({ figures }) => figures.every(({ met }) => met !== false));
  const file = join('out', wanted === '' ? 'forwarding.json' : `forwarding-${wanted}.json`);
  mkdirSync('out', { recursive: true });
  writeFileSync(file, `${JSON.stringify({ ok, goalsMet, measurements: measured }, null, 2)}\n`);
  console.log(`\n${file}`);
  return ok ? 0 : 1;
}

void main().then((status) => {
  process.exitCode = status;
});
